//! The form of the editor as it is sent: to be checked, changed, previewed or saved.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use domesday_model::{Kind, Permission, Snapshot};
use domesday_service::ServiceError;
use domesday_service::preview::{self, PreviewReport, check_references};
use domesday_store::StoredObject;
use serde_json::Value;

use super::editor::{Draft, editor};
use super::fields::PolicyFields;
use super::mistakes::{self, Mistakes};
use super::preview::{PreviewView, csv};
use super::save::{self, Saved};
use super::selection::{MAX_SELECTIONS, SelectionFields};
use super::{Rights, find_to_change, policy_path, rights, words};
use crate::console::errors::Failure;
use crate::console::form::Form;
use crate::console::signed_in::SignedIn;
use crate::console::{page, see_other};
use crate::state::{App, AppState};

/// Takes the form of a new policy.
pub(super) async fn create(
    State(app): State<App>,
    signed_in: SignedIn,
    form: Form,
) -> Result<Response, Failure> {
    let rights = rights(&app, &signed_in).await?;
    if !rights.writes() {
        return Err(ServiceError::lacks_any(&[Permission::Governance]).into());
    }
    let sent = Sent { app: &app, signed_in: &signed_in, rights: &rights, form: &form, stored: None };
    sent.take(PolicyFields::from_form(&form)).await
}

/// Takes the form of a policy that exists.
pub(super) async fn update(
    State(app): State<App>,
    Path(id): Path<String>,
    signed_in: SignedIn,
    form: Form,
) -> Result<Response, Failure> {
    let (rights, stored) = find_to_change(&app, &signed_in, &id).await?;
    let mut fields = PolicyFields::from_form(&form);
    // A policy keeps its name, by which others refer to it.
    fields.name.clone_from(&stored.name);
    let sent = Sent { app: &app, signed_in: &signed_in, rights: &rights, form: &form, stored: Some(&stored) };
    sent.take(fields).await
}

const NAME_TAKEN: &str = "another policy has this name; choose one that is free";

/// Whether there is a policy of the name in the fields.
fn has_policy(snapshot: &Snapshot, fields: &PolicyFields) -> bool {
    match fields.kind() {
        Kind::DataPolicy => snapshot.data_policy(&fields.name).is_some(),
        _ => snapshot.policy(&fields.name).is_some(),
    }
}

/// A form that was sent.
struct Sent<'s> {
    app: &'s AppState,
    signed_in: &'s SignedIn,
    rights: &'s Rights,
    form: &'s Form,
    stored: Option<&'s StoredObject>,
}

impl Sent<'_> {
    /// Does what the button says that the form was sent with.
    async fn take(&self, mut fields: PolicyFields) -> Result<Response, Failure> {
        if fields.selections.is_empty() {
            fields.selections.push(SelectionFields::default());
        }
        let asked = self.form.get("do");
        if change_selections(&mut fields, asked) {
            return self.show(StatusCode::OK, self.draft(fields)).await;
        }
        if matches!(asked, "preview" | "csv") && !self.rights.governs() {
            return Err(ServiceError::lacks_any(&[Permission::Governance]).into());
        }
        let document = match self.read(&fields).await? {
            Ok(document) => document,
            Err(mistakes) => return self.refuse(fields, mistakes).await,
        };
        match asked {
            "save" => self.save(fields, document).await,
            "preview" => {
                let report = self.report(&fields, document).await?;
                let snapshot = self.app.service.evaluations.current(self.signed_in.caller.revision).await?;
                let view = PreviewView::new(snapshot.snapshot(), &report, &fields);
                let warnings = report.warnings.iter().map(words::warning).collect();
                let draft = Draft { preview: Some(view), warnings, ..self.draft(fields) };
                self.show(StatusCode::OK, draft).await
            }
            "csv" => {
                let report = self.report(&fields, document).await?;
                let snapshot = self.app.service.evaluations.current(self.signed_in.caller.revision).await?;
                Ok(csv(snapshot.snapshot(), &report))
            }
            _ => {
                let found = &self.app.service.policy_warnings;
                let found = found.find(&self.signed_in.caller, fields.kind(), &document).await;
                let warnings = found.iter().flatten().map(words::warning).collect();
                self.show(StatusCode::OK, Draft { warnings, ..self.draft(fields) }).await
            }
        }
    }

    fn draft(&self, fields: PolicyFields) -> Draft {
        Draft::new(fields, self.form.get("once"), self.form.get("etag"))
    }

    async fn show(&self, status: StatusCode, draft: Draft) -> Result<Response, Failure> {
        let view = editor(self.app, self.signed_in, self.rights, self.stored, draft).await?;
        Ok((status, page(&view)).into_response())
    }

    async fn refuse(&self, fields: PolicyFields, mistakes: Mistakes) -> Result<Response, Failure> {
        self.show(StatusCode::UNPROCESSABLE_ENTITY, Draft { mistakes, ..self.draft(fields) }).await
    }

    /// Returns the document, or the mistakes in the fields.
    async fn read(&self, fields: &PolicyFields) -> Result<Result<Value, Mistakes>, Failure> {
        let document = match mistakes::read_document(fields) {
            Ok(document) => document,
            Err(mistakes) => return Ok(Err(mistakes)),
        };
        let mut mistakes = Mistakes::default();
        if self.stored.is_some_and(|stored| stored.kind != fields.kind()) {
            mistakes
                .add("kind", "a policy stays a policy and a data policy one; create another in its place");
            return Ok(Err(mistakes));
        }
        let service = &self.app.service;
        let evaluation = service.evaluations.current(self.signed_in.caller.revision).await?;
        let (kind, draft) = (fields.kind(), document.clone());
        if self.stored.is_none() && self.rights.reads_all() && has_policy(evaluation.snapshot(), fields) {
            mistakes.add("name", NAME_TAKEN);
        }
        let checked =
            service.pool.compute(move || check_references(evaluation.snapshot(), kind, &draft)).await;
        if let Err(error) = checked {
            mistakes.add_error(fields, error)?;
        }
        Ok(if mistakes.is_empty() { Ok(document) } else { Err(mistakes) })
    }

    async fn report(&self, fields: &PolicyFields, document: Value) -> Result<PreviewReport, Failure> {
        let service = &self.app.service;
        let evaluation = service.evaluations.current(self.signed_in.caller.revision).await?;
        let draft = preview::Draft { kind: fields.kind(), document, remove: false };
        Ok(preview::report(&service.previews, evaluation, draft).await?)
    }

    async fn save(&self, fields: PolicyFields, document: Value) -> Result<Response, Failure> {
        let (app, caller) = (self.app, &self.signed_in.caller);
        let saved = match self.stored {
            Some(_) => save::replace(app, caller, fields.kind(), document, self.form.get("etag")).await,
            None => save::create(app, caller, fields.kind(), document, self.form.get("once")).await,
        };
        let error = match saved {
            Ok(Saved { id, is_new }) => {
                let what = if is_new { "created" } else { "saved" };
                return Ok(see_other(&format!("{}?{what}", policy_path(id))));
            }
            Err(error) => error,
        };
        let mut draft = self.draft(fields);
        let error = match draft.mistakes.add_error(&draft.fields, error) {
            Ok(()) => return self.show(StatusCode::UNPROCESSABLE_ENTITY, draft).await,
            Err(error) => error,
        };
        if save::is_changed_meanwhile(&error) {
            draft.is_changed = true;
            return self.show(StatusCode::PRECONDITION_FAILED, draft).await;
        }
        let failure = Failure::from(error);
        if failure.status() == StatusCode::CONFLICT && self.stored.is_none() {
            draft.mistakes.add("name", NAME_TAKEN);
            return self.show(StatusCode::UNPROCESSABLE_ENTITY, draft).await;
        }
        let Some(problem) = failure.mistake() else { return Err(failure) };
        draft.problem = problem;
        self.show(failure.status(), draft).await
    }
}

/// Adds or removes a selection or an exception, where the form was sent for that.
fn change_selections(fields: &mut PolicyFields, asked: &str) -> bool {
    let mut words = asked.splitn(3, '-');
    let (verb, what, rest) = (words.next(), words.next(), words.next().unwrap_or_default());
    let (at, except) = rest.split_once('-').map_or((rest, ""), |(at, except)| (at, except));
    let at = at.parse::<usize>().ok();
    let selections = &mut fields.selections;
    match (verb, what) {
        (Some("add"), Some("selection")) if selections.len() < MAX_SELECTIONS => {
            selections.push(SelectionFields::default());
        }
        (Some("drop"), Some("selection")) => {
            if at.is_some_and(|at| at < selections.len()) && selections.len() > 1 {
                selections.remove(at.unwrap_or_default());
            }
        }
        (Some("add"), Some("except")) => {
            if let Some(selection) = at.and_then(|at| selections.get_mut(at))
                && selection.excepts.len() < MAX_SELECTIONS
            {
                selection.excepts.push(Default::default());
            }
        }
        (Some("drop"), Some("except")) => {
            let except = except.parse::<usize>().unwrap_or(usize::MAX);
            if let Some(selection) = at.and_then(|at| selections.get_mut(at))
                && except < selection.excepts.len()
            {
                selection.excepts.remove(except);
            }
        }
        _ => return false,
    }
    true
}
