//! *Set up the export*: the guide in five steps.
//!
//! The first two steps are a form whose answer is an address: the page with the documents filled in, which can be sent
//! to whoever runs the account. Then the credentials are verified, and only what passes can be saved. Every step carries
//! what was typed before, so that nothing is saved in between.

mod documents;
mod draft;
mod secret;

use std::time::Instant as Stopwatch;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use domesday_delivery::VerificationCheck;
use domesday_model::Tenant;
use domesday_service::exports::{ExportRequest, StoredExport};
use domesday_service::{Precondition, ServiceError};
use secrecy::SecretString;
use uuid::Uuid;

use super::actions::{LayoutChoice, layouts};
use super::checks::ChecksView;
use super::place::{Fact, about_layout, facts};
use super::schedule::{ScheduleForm, words};
use super::{GOVERNANCE, PATH};
use crate::console::assets::{Assets, assets};
use crate::console::errors::{Failure, sentence};
use crate::console::form::Form;
use crate::console::shell::Shell;
use crate::console::signed_in::SignedIn;
use crate::console::units::duration;
use crate::console::{page, see_other};
use crate::state::{App, AppState};
use documents::DocumentsView;
use draft::{Draft, MAX_FIELD, Mistakes, Way};

/// The schedules that a form proposes, by the way.
const ROLE_SCHEDULE: &str = "0 5 * * *";
const ACCESS_KEY_SCHEDULE: &str = "0 3 * * *";

#[derive(Template)]
#[template(path = "console/export/setup.html")]
struct SetupPage {
    assets: &'static Assets,
    shell: Shell,
    /// What goes on as it is meanwhile; empty when no export is set up.
    meanwhile: String,
    etag: String,
    draft: Draft,
    mistakes: Mistakes,
    /// Whether the first two steps are being filled in.
    is_choosing: bool,
    endpoints: Vec<String>,
    layouts: Vec<LayoutChoice>,
    place: Vec<Fact>,
    documents: Option<DocumentsView>,
    /// What the credentials were refused for, beside no field.
    problem: String,
    keeps_secret: bool,
    sealed: String,
    checks: Option<ChecksView>,
    is_verified: bool,
    schedule: ScheduleForm,
    schedule_words: String,
}

impl SetupPage {
    fn is_role(&self) -> bool {
        self.draft.way == Way::Role
    }

    /// What is wrong with a field; empty when nothing is.
    fn mistake(&self, field: &str) -> &str {
        self.mistakes.get(field).map_or("", String::as_str)
    }

    fn has_mistake(&self, field: &str) -> bool {
        self.mistakes.contains_key(field)
    }

    /// The address of the first two steps with what was typed.
    fn change(&self) -> String {
        let fields = self.draft.fields().into_iter().chain([("change", "1".to_owned())]);
        let fields = fields.map(|(name, value)| {
            let value = percent_encoding::utf8_percent_encode(&value, percent_encoding::NON_ALPHANUMERIC);
            format!("{name}={value}")
        });
        format!("{PATH}/setup?{}", fields.collect::<Vec<_>>().join("&"))
    }

    fn fields(&self) -> Vec<(&'static str, String)> {
        self.draft.fields()
    }

    /// The fields of the first two steps, for the form of the third.
    fn place_fields(&self) -> Vec<(&'static str, String)> {
        self.draft.fields().into_iter().filter(|(name, _)| !matches!(*name, "role" | "key")).collect()
    }

    fn max_field(&self) -> usize {
        MAX_FIELD
    }
}

/// Leads from the address of a form that was sent to the page.
pub(super) async fn to_page() -> Response {
    see_other(&format!("{PATH}/setup"))
}

/// What is already stored.
struct Stored {
    export: Option<StoredExport>,
    tenant: Tenant,
}

impl Stored {
    async fn read(app: &AppState) -> Result<Self, ServiceError> {
        let (export, tenant) = app.service.exports.stored().await?;
        Ok(Self { export, tenant })
    }

    fn draft(&self) -> Option<Draft> {
        self.export.as_ref().map(|export| Draft::of(&export.configuration))
    }

    /// Whether the stored secret is kept for a draft that names none.
    fn keeps_secret(&self, draft: &Draft) -> bool {
        let has_secret = self.export.as_ref().is_some_and(|export| export.secret.is_some());
        let is_same =
            |stored: Draft| stored.access_key_id == draft.access_key_id && stored.endpoint == draft.endpoint;
        draft.way == Way::AccessKey && has_secret && self.draft().is_some_and(is_same)
    }

    /// The schedule that the form proposes.
    fn schedule(&self, draft: &Draft) -> String {
        let chosen = self.export.as_ref().and_then(|export| export.configuration.schedule.clone());
        let default = match draft.way {
            Way::Role => ROLE_SCHEDULE,
            Way::AccessKey => ACCESS_KEY_SCHEDULE,
        };
        chosen.map_or_else(|| default.to_owned(), |schedule| schedule.to_string())
    }

    /// Returns the page with a draft, before anything is verified.
    fn page(&self, app: &AppState, signed_in: &SignedIn, draft: Draft) -> SetupPage {
        let meanwhile = match self.draft().map(|stored| stored.way) {
            None => String::new(),
            Some(Way::Role) => "until then the export by role goes on as it is".to_owned(),
            Some(Way::AccessKey) => "until then the export by access key goes on as it is".to_owned(),
        };
        let schedule = self.schedule(&draft);
        let mut endpoints = app.service.config.allowed_endpoints.clone();
        if !draft.endpoint.is_empty() && !endpoints.contains(&draft.endpoint) {
            endpoints.push(draft.endpoint.clone());
        }
        SetupPage {
            assets: assets(),
            shell: signed_in.shell.clone(),
            meanwhile,
            etag: self.export.as_ref().map(|export| export.etag.clone()).unwrap_or_default(),
            mistakes: Mistakes::new(),
            is_choosing: true,
            endpoints,
            layouts: layouts(draft.layout),
            place: Vec::new(),
            documents: None,
            problem: String::new(),
            keeps_secret: self.keeps_secret(&draft),
            sealed: String::new(),
            checks: None,
            is_verified: false,
            schedule: ScheduleForm::of(&schedule),
            schedule_words: sentence(&format!("{} {}", words(&schedule), signed_in.shell.zone)),
            draft,
        }
    }
}

fn respond(view: &SetupPage) -> Response {
    let is_refused = !view.mistakes.is_empty()
        || !view.problem.is_empty()
        || !view.schedule.time_error.is_empty()
        || !view.schedule.cron_error.is_empty();
    let mut response = page(view);
    if is_refused {
        *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    }
    response
}

/// Fills in what the steps after the first two show; without settings the first two are to be corrected.
async fn go_on(app: &AppState, view: &mut SetupPage, tenant: &Tenant) -> bool {
    match view.draft.settings() {
        Err(mistakes) => {
            view.mistakes = mistakes;
            false
        }
        Ok(settings) => {
            let bucket = view.draft.bucket();
            view.is_choosing = false;
            view.place = facts(&bucket);
            let layout = view.draft.layout;
            view.place.push(Fact {
                name: "Layout",
                text: format!("{}: {}", layout.as_str(), about_layout(layout)),
                is_code: false,
            });
            view.documents = Some(documents::write(app, &view.draft, &settings, tenant).await);
            true
        }
    }
}

/// Shows the first two steps, or with what was typed in them the next.
pub(super) async fn show(
    State(app): State<App>,
    signed_in: SignedIn,
    form: Form,
) -> Result<Response, Failure> {
    GOVERNANCE.check(&signed_in.caller)?;
    let stored = Stored::read(&app).await?;
    let is_sent = form.has("bucket");
    let mut draft = if is_sent { Draft::read(&form) } else { stored.draft().unwrap_or_default() };
    if let Some(before) = stored.draft().filter(|_| is_sent) {
        // What is stored is proposed for what is not typed yet.
        let propose = |typed: &mut String, before: String| {
            if typed.is_empty() {
                *typed = before;
            }
        };
        propose(&mut draft.role, before.role);
        propose(&mut draft.access_key_id, before.access_key_id);
    }
    let mut view = stored.page(&app, &signed_in, draft);
    if is_sent && !form.has("change") {
        go_on(&app, &mut view, &stored.tenant).await;
    }
    Ok(respond(&view))
}

/// The credentials that were typed.
struct TypedCredentials {
    request: ExportRequest,
    /// The secret, to be carried to the next step.
    secret: Option<SecretString>,
}

/// Reads the credentials; without them what is wrong is beside its field.
fn credentials(
    app: &AppState,
    session: Uuid,
    form: &Form,
    view: &mut SetupPage,
    schedule: Option<&str>,
) -> Result<Option<TypedCredentials>, ServiceError> {
    let typed = form.get("secret");
    let secret = match (view.draft.way, typed) {
        (Way::Role, _) => None,
        (Way::AccessKey, "") => secret::open(app, session, &view.draft, form.get("sealed")),
        (Way::AccessKey, typed) => Some(SecretString::from(typed.to_owned())),
    };
    let missing = match view.draft.way {
        Way::Role if view.draft.role.is_empty() => Some(("role", "Enter the ARN of the role.")),
        Way::AccessKey if view.draft.access_key_id.is_empty() => Some(("key", "Enter the access key ID.")),
        Way::AccessKey if secret.is_none() && !view.keeps_secret => {
            Some(("secret", "Enter the secret access key. It is not sent back to this page."))
        }
        _ => None,
    };
    if let Some((field, message)) = missing {
        view.mistakes.insert(field, message.to_owned());
        return Ok(None);
    }
    let request: ExportRequest = serde_json::from_value(view.draft.document(schedule))
        .map_err(|error| ServiceError::internal(&error))?;
    let request = match &secret {
        Some(secret) => request.with_secret(secret.clone()),
        None => request,
    };
    Ok(Some(TypedCredentials { request, secret }))
}

/// Puts what the service refuses beside the field that it names.
fn refuse(view: &mut SetupPage, failure: Failure) -> Result<(), Failure> {
    let Some(message) = failure.mistake() else { return Err(failure) };
    let fields = [
        ("`roleArn`", "role", "the ARN of the role"),
        ("`secretAccessKey`", "secret", "the secret access key"),
        ("`accessKeyId`", "key", "the access key ID"),
    ];
    let text = |message: String| {
        let named = fields.iter().fold(message, |text, (name, _, label)| text.replace(name, label));
        sentence(&named)
    };
    match fields.iter().find(|(name, ..)| message.starts_with(name)) {
        Some((_, field, _)) => {
            view.mistakes.insert(field, text(message));
        }
        None => view.problem = text(message),
    }
    Ok(())
}

fn show_checks(view: &mut SetupPage, app: &AppState, checks: &[VerificationCheck], began: Stopwatch) {
    let took = i64::try_from(began.elapsed().as_micros()).unwrap_or(i64::MAX);
    let at = view.shell.calendar.time(app.service.now());
    view.checks = Some(ChecksView::new(checks, at, duration(took)));
}

/// Returns the page with what was sent, and whether that is enough to go on.
async fn read_sent(app: &App, signed_in: &SignedIn, form: &Form) -> Result<(SetupPage, bool), Failure> {
    GOVERNANCE.check(&signed_in.caller)?;
    let stored = Stored::read(app).await?;
    let mut view = stored.page(app, signed_in, Draft::read(form));
    form.get("etag").clone_into(&mut view.etag);
    let is_complete = go_on(app, &mut view, &stored.tenant).await;
    Ok((view, is_complete))
}

/// Verifies the destination, and saves nothing.
pub(super) async fn verify(
    State(app): State<App>,
    signed_in: SignedIn,
    form: Form,
) -> Result<Response, Failure> {
    let (mut view, is_complete) = read_sent(&app, &signed_in, &form).await?;
    if !is_complete {
        return Ok(respond(&view));
    }
    let session = signed_in.session.id;
    let Some(typed) = credentials(&app, session, &form, &mut view, None)? else { return Ok(respond(&view)) };
    let began = Stopwatch::now();
    match app.service.exports.verify(Some(typed.request)).await {
        Ok(verification) => {
            view.is_verified = verification.ok;
            if let Some(secret) = &typed.secret {
                view.sealed = secret::seal(&app, session, &view.draft, secret)?;
            }
            show_checks(&mut view, &app, &verification.checks, began);
        }
        Err(error) => refuse(&mut view, error.into())?,
    }
    Ok(respond(&view))
}

/// Verifies the destination again, and saves the export when every check passes.
pub(super) async fn save(
    State(app): State<App>,
    signed_in: SignedIn,
    form: Form,
) -> Result<Response, Failure> {
    let (mut view, is_complete) = read_sent(&app, &signed_in, &form).await?;
    if !is_complete {
        return Ok(respond(&view));
    }
    let session = signed_in.session.id;
    view.schedule = ScheduleForm::sent(&form);
    view.sealed = form.get("sealed").to_owned();
    let Some(schedule) = view.schedule.schedule() else {
        view.is_verified = true;
        return Ok(respond(&view));
    };
    let typed = credentials(&app, session, &form, &mut view, Some(&schedule.to_string()))?;
    let Some(typed) = typed else { return Ok(respond(&view)) };
    let precondition = match form.get("etag") {
        "" => Precondition::MustNotExist,
        etag => Precondition::Etag(etag.to_owned()),
    };
    let began = Stopwatch::now();
    match app.service.exports.put(signed_in.caller_for(GOVERNANCE), &precondition, typed.request).await {
        Ok(_) => return Ok(see_other(&format!("{PATH}?saved"))),
        Err(ServiceError::DestinationRefused { checks }) => {
            show_checks(&mut view, &app, &checks, began);
            "It is not saved: the checks failed this time.".clone_into(&mut view.problem);
        }
        Err(error) => refuse(&mut view, error.into())?,
    }
    Ok(respond(&view))
}
