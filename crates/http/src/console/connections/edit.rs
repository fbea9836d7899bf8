//! The form of a connection: *Verify* tries it and saves nothing, *Save* writes it as `PUT` of the API does.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use domesday_model::{Connection, Instant, Kind};
use domesday_service::caller::Caller;
use domesday_service::connections;
use domesday_service::permissions::objects::check_connection_kind;
use domesday_service::{Precondition, ServiceError};
use domesday_store::{Freshness, Store, StoreError};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};

use super::draft::{Draft, MAX_FIELD, Mistakes};
use super::fields::{Control, Field};
use super::form_kind::FormKind;
use super::words::{about_kind, kind_title, problem_and_fix};
use super::{WRITERS, connection_path, find, secret};
use crate::console::assets::{Assets, assets};
use crate::console::errors::{Failure, sentence};
use crate::console::form::Form;
use crate::console::shell::Shell;
use crate::console::signed_in::SignedIn;
use crate::console::times::TimeView;
use crate::console::{page, see_other};
use crate::state::{App, AppState};

#[derive(Template)]
#[template(path = "console/connections/choose.html")]
struct ChoosePage {
    assets: &'static Assets,
    shell: Shell,
    /// Name, title and description.
    kinds: Vec<(&'static str, &'static str, &'static str)>,
}

#[derive(Template)]
#[template(path = "console/connections/form.html")]
struct FormPage {
    assets: &'static Assets,
    shell: Shell,
    title: String,
    about: &'static str,
    action: String,
    back: String,
    draft: Draft,
    mistakes: Mistakes,
    etag: String,
    is_new: bool,
    /// The file that declares it; empty when none does.
    file: String,
    keeps_password: bool,
    sealed: String,
    trial: Option<Trial>,
    is_outdated: bool,
}

/// What a trial of the connection found, or why it failed.
struct Trial {
    at: TimeView,
    source: String,
    found: Vec<String>,
    warnings: Vec<String>,
    /// What is wrong, and what to do; empty when it succeeded.
    problem: String,
    fix: String,
}

impl FormPage {
    fn fields(&self) -> &'static [Field] {
        self.draft.kind.fields()
    }

    fn mistake(&self, field: &str) -> &str {
        self.mistakes.get(field).map_or("", String::as_str)
    }

    fn has_mistake(&self, field: &str) -> bool {
        self.mistakes.contains_key(field)
    }

    fn is_pairs(field: &Field) -> bool {
        field.control == Control::Pairs
    }

    fn is_password(field: &Field) -> bool {
        field.control == Control::Password
    }

    /// What is said below a field.
    fn hint(&self, field: &Field) -> &'static str {
        match (field.control, self.sealed.is_empty(), self.keeps_password) {
            (Control::Password, false, _) => "Leave it empty to use the one that you typed.",
            (Control::Password, true, true) => {
                "Leave it empty to keep the stored one, as long as the address and who signs in stay the same."
            }
            _ => field.hint,
        }
    }

    fn max_field(&self) -> usize {
        MAX_FIELD
    }

    fn respond(&self) -> Response {
        let is_refused = !self.mistakes.is_empty();
        let mut response = page(self);
        if self.is_outdated {
            *response.status_mut() = StatusCode::PRECONDITION_FAILED;
        } else if is_refused {
            *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
        }
        response
    }
}

/// The connection that is edited.
struct Stored {
    connection: Connection,
    origin: String,
    etag: String,
    has_password: bool,
}

impl Stored {
    fn read(store: &mut Store, caller: &Caller, name: &str) -> Result<Self, Failure> {
        let object = find(store, name)?;
        let (origin, etag) = (object.origin.clone(), object.etag.clone());
        let connection = Freshness::parse(object)?;
        check_connection_kind(caller, &connection.kind)?;
        Ok(Self { has_password: store.connection_secret(name)?.is_some(), connection, origin, etag })
    }

    /// Whether the stored password is for the address and the account of a draft.
    fn keeps_password(&self, draft: &Draft) -> bool {
        let stored = Draft::of(&self.connection);
        let is_same =
            |stored: Draft| ["url", "bindDn"].into_iter().all(|name| stored.get(name) == draft.get(name));
        self.has_password && stored.is_some_and(is_same)
    }
}

fn form_page(signed_in: &SignedIn, draft: Draft, stored: Option<&Stored>) -> FormPage {
    let kind = draft.kind.as_str();
    let (title, action, back) = match stored {
        Some(stored) => {
            let path = connection_path(&stored.connection.name);
            (format!("Edit {}", stored.connection.name), format!("{path}/edit"), path)
        }
        None => {
            let title = format!("New {} connection", kind_title(kind));
            (title, "/console/connections/new".to_owned(), super::PATH.to_owned())
        }
    };
    let file = stored.map_or("", |stored| stored.origin.as_str());
    FormPage {
        assets: assets(),
        shell: signed_in.shell.clone(),
        title,
        about: about_kind(kind),
        action,
        back,
        mistakes: Mistakes::new(),
        etag: stored.map_or_else(String::new, |stored| stored.etag.clone()),
        is_new: stored.is_none(),
        file: if matches!(file, "api" | "console") { String::new() } else { file.to_owned() },
        keeps_password: stored.is_some_and(|stored| stored.keeps_password(&draft)),
        sealed: String::new(),
        trial: None,
        is_outdated: false,
        draft,
    }
}

/// Shows the form of a new connection, or the kinds to choose from.
pub(super) async fn show_new(signed_in: SignedIn, query: Form) -> Result<Response, Failure> {
    WRITERS.check(&signed_in.caller)?;
    let kind = query.get("kind");
    if kind.is_empty() {
        let kinds = FormKind::ALL.map(|kind| {
            let name = kind.as_str();
            (name, kind_title(name), about_kind(name))
        });
        let view = ChoosePage { assets: assets(), shell: signed_in.shell, kinds: kinds.to_vec() };
        return Ok(page(&view));
    }
    Ok(form_page(&signed_in, Draft::new(parse_kind(kind)?), None).respond())
}

fn parse_kind(kind: &str) -> Result<FormKind, ServiceError> {
    FormKind::parse(kind).ok_or_else(|| {
        let kinds = FormKind::ALL.map(FormKind::as_str).join(", ");
        ServiceError::not_found(format!(
            "there is no form for connections of the kind `{kind}`; there are {kinds}"
        ))
    })
}

async fn read_stored(app: &AppState, signed_in: &SignedIn, name: String) -> Result<Stored, Failure> {
    WRITERS.check(&signed_in.caller)?;
    let caller = signed_in.caller.clone();
    let read = move |store: &mut Store| Stored::read(store, &caller, &name);
    app.service.pool.with(read).await
}

/// Shows the form of a connection.
pub(super) async fn show(
    State(app): State<App>,
    Path(name): Path<String>,
    signed_in: SignedIn,
) -> Result<Response, Failure> {
    let stored = read_stored(&app, &signed_in, name).await?;
    let draft = Draft::of(&stored.connection);
    let draft = draft.ok_or_else(|| no_form(&stored.connection))?;
    Ok(form_page(&signed_in, draft, Some(&stored)).respond())
}

fn no_form(connection: &Connection) -> ServiceError {
    let kind = connection.kind.as_str();
    ServiceError::not_found(format!(
        "there is no form for connections of the kind `{kind}`; change them with a file, or with the API"
    ))
}

/// Verifies or creates what was sent.
pub(super) async fn submit_new(
    State(app): State<App>,
    signed_in: SignedIn,
    form: Form,
) -> Result<Response, Failure> {
    WRITERS.check(&signed_in.caller)?;
    let draft = Draft::read(parse_kind(form.get("kind"))?, form.get("name"), &form);
    let view = form_page(&signed_in, draft, None);
    go_on(&app, &signed_in, &form, view).await
}

/// Verifies or saves what was sent.
pub(super) async fn submit(
    State(app): State<App>,
    Path(name): Path<String>,
    signed_in: SignedIn,
    form: Form,
) -> Result<Response, Failure> {
    let stored = read_stored(&app, &signed_in, name).await?;
    let kind = FormKind::parse(stored.connection.kind.as_str()).ok_or_else(|| no_form(&stored.connection))?;
    let draft = Draft::read(kind, &stored.connection.name, &form);
    let view = form_page(&signed_in, draft, Some(&stored));
    go_on(&app, &signed_in, &form, view).await
}

async fn go_on(
    app: &App,
    signed_in: &SignedIn,
    form: &Form,
    mut view: FormPage,
) -> Result<Response, Failure> {
    if !view.is_new {
        form.get("etag").clone_into(&mut view.etag);
    }
    let (connection, document) = match view.draft.connection() {
        Ok(valid) => valid,
        Err(mistakes) => {
            view.mistakes = mistakes;
            form.get("sealed").clone_into(&mut view.sealed);
            return Ok(view.respond());
        }
    };
    check_connection_kind(&signed_in.caller, &connection.kind)?;
    if view.is_new && exists(app, &view.draft.name).await? {
        view.mistakes
            .insert("name", "There is a connection of this name already. Choose another name.".to_owned());
    }
    let session = signed_in.session.id;
    let password = password(app, signed_in, form, &view.draft);
    let has_name = !view.draft.get("bindDn").is_empty();
    if has_name && password.is_none() && !view.keeps_password {
        let text = "Enter the password of the bind name. It is not sent back to this page.";
        view.mistakes.insert("password", text.to_owned());
    }
    if let Some(password) = &password {
        view.sealed = secret::seal(app, session, &view.draft, password)?;
    }
    if !view.mistakes.is_empty() {
        return Ok(view.respond());
    }
    if form.get("do") == "verify" && view.draft.kind.is_verifiable() {
        view.trial = Some(verify(app, signed_in, connection, password).await?);
        return Ok(view.respond());
    }
    save(app, signed_in, view, document, password).await
}

async fn exists(app: &AppState, name: &str) -> Result<bool, Failure> {
    let name = name.to_owned();
    let read = move |store: &mut Store| -> Result<_, Failure> {
        Ok(store.object(Kind::Connection, &name)?.is_some())
    };
    app.service.pool.with(read).await
}

/// Returns the password that was typed now or before; none when the stored one stays.
fn password(app: &AppState, signed_in: &SignedIn, form: &Form, draft: &Draft) -> Option<SecretString> {
    let typed = form.all("password").next().unwrap_or_default();
    match (draft.kind, typed) {
        (FormKind::Scim | FormKind::Dbt | FormKind::Csv, _) => None,
        (FormKind::Ldap | FormKind::Postgres, "") => {
            secret::open(app, signed_in.session.id, draft, form.get("sealed"))
        }
        (FormKind::Ldap | FormKind::Postgres, typed) => Some(SecretString::from(typed.to_owned())),
    }
}

/// Tries the connection. That it cannot be read is what the trial says.
async fn verify(
    app: &AppState,
    signed_in: &SignedIn,
    connection: Connection,
    password: Option<SecretString>,
) -> Result<Trial, Failure> {
    let calendar = &signed_in.shell.calendar;
    match connections::verify(&app.service.syncs, connection, password).await {
        Ok((findings, at)) => Ok(Trial {
            at: calendar.time(at),
            source: sentence(&format!("{} answers", findings.source)),
            found: findings.found.iter().map(|line| sentence(line)).collect(),
            warnings: findings
                .warnings
                .iter()
                .map(|line| sentence(&line.replace("\nhelp: ", "; ")))
                .collect(),
            problem: String::new(),
            fix: String::new(),
        }),
        Err(ServiceError::Invalid { message, .. }) => {
            let (problem, fix) = problem_and_fix(&message);
            let at = calendar.time(app.service.now());
            Ok(Trial { at, source: String::new(), found: Vec::new(), warnings: Vec::new(), problem, fix })
        }
        Err(error) => Err(error.into()),
    }
}

async fn save(
    app: &App,
    signed_in: &SignedIn,
    mut view: FormPage,
    mut document: Map<String, Value>,
    password: Option<SecretString>,
) -> Result<Response, Failure> {
    if let Some(password) = &password {
        document.insert("password".to_owned(), password.expose_secret().into());
    }
    let precondition =
        if view.is_new { Precondition::MustNotExist } else { Precondition::Etag(view.etag.clone()) };
    let (name, sealer) = (view.draft.name.clone(), Arc::clone(&app.service.sealer));
    let work = move |store: &mut Store, caller: &Caller, now: Instant| -> Result<(), ServiceError> {
        connections::put(store, caller, &sealer, &name, document, &precondition, now).map(drop)
    };
    match app.service.write(signed_in.caller_for(WRITERS), work).await {
        Ok(()) => {
            app.service.signals.sync_wake.notify_one();
            let what = if view.is_new { "created" } else { "saved" };
            return Ok(see_other(&format!("{}?{what}", connection_path(&view.draft.name))));
        }
        Err(ServiceError::Store(StoreError::Invalid { problems })) => {
            for problem in &problems {
                let path = problem.path.to_string();
                view.mistakes.extend(view.draft.place_message(&format!("`{path}`: {}", problem.message)));
            }
        }
        Err(ServiceError::Store(StoreError::Precondition { .. }) | ServiceError::PreconditionFailed(_)) => {
            view.is_outdated = true;
        }
        Err(ServiceError::Invalid { message, .. } | ServiceError::Conflict { message, .. }) => {
            view.mistakes = view.draft.place_message(&message);
        }
        Err(error) => return Err(error.into()),
    }
    Ok(view.respond())
}
