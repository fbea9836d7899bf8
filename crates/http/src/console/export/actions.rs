//! What can be done with the export: verified, rescheduled, removed; and its scripts for engines.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use domesday_delivery::{Engine, Layout};
use domesday_service::Precondition;
use domesday_service::ServiceError;
use domesday_service::exports::{self, ExportPatch, SavedExport};
use serde_json::json;

use super::place::{about_layout, address, s3};
use super::schedule::ScheduleForm;
use super::{GOVERNANCE, PATH, READERS, show};
use crate::console::assets::{Assets, assets};
use crate::console::confirm::Confirmation;
use crate::console::errors::Failure;
use crate::console::form::Form;
use crate::console::shell::Shell;
use crate::console::signed_in::SignedIn;
use crate::console::{page, see_other};
use crate::state::App;

#[derive(Template)]
#[template(path = "console/export/schedule_page.html")]
struct SchedulePage {
    assets: &'static Assets,
    shell: Shell,
    etag: String,
    schedule: ScheduleForm,
    layouts: Vec<LayoutChoice>,
    problem: String,
}

/// A layout that can be chosen.
pub(super) struct LayoutChoice {
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    pub(super) is_chosen: bool,
}

/// Returns the layouts, of which one is chosen.
pub(super) fn layouts(chosen: Layout) -> Vec<LayoutChoice> {
    let choice = |layout: Layout| LayoutChoice {
        name: layout.as_str(),
        about: about_layout(layout),
        is_chosen: layout == chosen,
    };
    Layout::ALL.map(choice).into()
}

/// Verifies the saved export, and shows the checks.
pub(super) async fn verify(State(app): State<App>, signed_in: SignedIn) -> Result<Response, Failure> {
    GOVERNANCE.check(&signed_in.caller)?;
    app.service.exports.verify(None).await?;
    show::render(&app, signed_in, "").await
}

/// Shows the form of the schedule and the layout.
pub(super) async fn show_schedule(State(app): State<App>, signed_in: SignedIn) -> Result<Response, Failure> {
    GOVERNANCE.check(&signed_in.caller)?;
    let SavedExport { export, .. } = app.service.exports.get().await?;
    let schedule = ScheduleForm::of(&export.configuration.schedule().to_string());
    let layouts = layouts(export.configuration.layout());
    let shell = signed_in.shell;
    Ok(page(&SchedulePage {
        assets: assets(),
        shell,
        etag: export.etag,
        schedule,
        layouts,
        problem: String::new(),
    }))
}

/// Saves the schedule and the layout. The destination and its secret stay as they are, and are not asked for.
pub(super) async fn save_schedule(
    State(app): State<App>,
    signed_in: SignedIn,
    form: Form,
) -> Result<Response, Failure> {
    GOVERNANCE.check(&signed_in.caller)?;
    let mut schedule = ScheduleForm::sent(&form);
    let layout = form.get("layout").parse::<Layout>().unwrap_or_default();
    let etag = form.get("etag").to_owned();
    let mut problem = String::new();
    if let Some(cron) = schedule.schedule() {
        let patch = json!({ "schedule": cron.to_string(), "layout": layout.as_str() });
        let patch: ExportPatch =
            serde_json::from_value(patch).map_err(|error| ServiceError::internal(&error))?;
        let precondition = Precondition::Etag(etag.clone());
        match app.service.exports.patch(signed_in.caller_for(GOVERNANCE), &precondition, patch).await {
            Ok(_) => return Ok(see_other(&format!("{PATH}?scheduled"))),
            Err(error) => {
                let failure = Failure::from(error);
                problem = failure.mistake().ok_or(failure)?;
            }
        }
    }
    let view = SchedulePage {
        assets: assets(),
        shell: signed_in.shell,
        etag,
        schedule,
        layouts: layouts(layout),
        problem,
    };
    let mut response = page(&view);
    *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    Ok(response)
}

/// Asks whether the export is to be removed.
pub(super) async fn confirm_remove(State(app): State<App>, signed_in: SignedIn) -> Result<Response, Failure> {
    GOVERNANCE.check(&signed_in.caller)?;
    let SavedExport { export, .. } = app.service.exports.get().await?;
    let place = address(&s3(&export.configuration).bucket);
    let secret = if export.secret.is_some() { " with the secret of its access key" } else { "" };
    let question = Confirmation {
        title: "Remove the export?".to_owned(),
        text: format!(
            "The configuration is deleted{secret}, the run that is queued or under way is cancelled, and no further \
             summary is delivered. What is in {place} stays there, and the list of runs is kept."
        ),
        action: format!("{PATH}/remove"),
        back: PATH.to_owned(),
        verb: "Remove",
        fields: vec![("etag", export.etag)],
        ..Confirmation::default()
    };
    Ok(question.ask(signed_in.shell))
}

/// Removes the export.
pub(super) async fn remove(
    State(app): State<App>,
    signed_in: SignedIn,
    form: Form,
) -> Result<Response, Failure> {
    let precondition = Precondition::Etag(form.get("etag").to_owned());
    app.service.exports.delete(signed_in.caller_for(GOVERNANCE), precondition).await?;
    Ok(see_other(&format!("{PATH}?removed")))
}

/// Answers with the script of an engine for the configured bucket.
pub(super) async fn script(
    State(app): State<App>,
    Path(engine): Path<String>,
    signed_in: SignedIn,
    query: Form,
) -> Result<Response, Failure> {
    READERS.check(&signed_in.caller)?;
    let engine: Engine = engine.parse().map_err(|error: String| ServiceError::not_found(error))?;
    let SavedExport { export, .. } = app.service.exports.get().await?;
    let layout = match query.get("layout") {
        "" => export.configuration.layout(),
        text => text.parse().map_err(|error: String| ServiceError::invalid(error))?,
    };
    let text = exports::engine_script(&s3(&export.configuration).bucket, layout, engine)?;
    let mut response = text.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    if let Ok(value) = HeaderValue::from_str(&format!("attachment; filename=\"domesday-{engine}.sql\"")) {
        headers.insert(header::CONTENT_DISPOSITION, value);
    }
    Ok(response)
}
