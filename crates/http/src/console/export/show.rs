//! The page of the export.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use domesday_delivery::Engine;
use domesday_model::Instant;
use domesday_service::exports::{Credentials, DEFAULT_EXPORT, StoredExport};
use domesday_store::{RunFilter, RunRecord, Store};
use uuid::Uuid;

use super::checks::ChecksView;
use super::place::{Fact, about_layout, address, facts, s3};
use super::schedule::words;
use super::{GOVERNANCE, PATH, READERS};
use crate::console::assets::{Assets, assets};
use crate::console::errors::{Failure, sentence};
use crate::console::form::Form;
use crate::console::runs::words::{StateView, engine_title};
use crate::console::shell::Shell;
use crate::console::signed_in::SignedIn;
use crate::console::times::TimeView;
use crate::console::{page, see_other};
use crate::state::{App, AppState};

/// How many times of the schedule are shown.
const NEXT_RUNS: usize = 5;

#[derive(Template)]
#[template(path = "console/export/show.html")]
struct ExportPage {
    assets: &'static Assets,
    shell: Shell,
    may_change: bool,
    once: String,
    export: Option<ExportView>,
    toast: &'static str,
}

/// The export as it is shown.
struct ExportView {
    place: String,
    schedule: String,
    /// The day of the next run in a word, such as tonight; empty when there is none.
    next_day: String,
    next_runs: Vec<TimeView>,
    facts: Vec<Fact>,
    credentials: Vec<Fact>,
    layout: &'static str,
    about_layout: &'static str,
    changed: TimeView,
    verification: Option<ChecksView>,
    last_run: Option<LastRun>,
    /// Names of engines and their titles, for their scripts.
    engines: Vec<(&'static str, &'static str)>,
}

struct LastRun {
    id: Uuid,
    state: StateView,
    at: TimeView,
}

/// Leads from the address of a form that was sent to the page with the form.
pub(super) async fn to_page() -> Response {
    see_other(PATH)
}

/// Shows the page.
pub(super) async fn show(
    State(app): State<App>,
    signed_in: SignedIn,
    query: Form,
) -> Result<Response, Failure> {
    READERS.check(&signed_in.caller)?;
    let toast = match () {
        () if query.has("saved") => "The export is saved.",
        () if query.has("scheduled") => "The schedule is changed.",
        () if query.has("removed") => "The export is removed.",
        () => "",
    };
    render(&app, signed_in, toast).await
}

/// Renders the page.
pub(super) async fn render(
    app: &AppState,
    signed_in: SignedIn,
    toast: &'static str,
) -> Result<Response, Failure> {
    let (stored, tenant) = app.service.exports.stored().await?;
    let read = |store: &mut Store| -> Result<_, Failure> {
        Ok(store.filtered_runs(DEFAULT_EXPORT, &RunFilter::default(), false, 0, 1)?.0.pop())
    };
    let last_run = app.service.pool.with(read).await?;
    let shell = signed_in.shell.clone();
    let last = match &stored {
        Some(stored) => app.service.exports.last_verification(&stored.configuration).await?,
        None => None,
    };
    let export = stored.map(|stored| {
        let next = stored.configuration.next_runs(&tenant, app.service.now(), NEXT_RUNS);
        let verification = last.map(|last| {
            let at = shell.calendar.time(last.at);
            ChecksView::new(&last.verification.checks, at, String::new())
        });
        view(&stored, &next, verification, last_run.as_ref(), &shell)
    });
    Ok(page(&ExportPage {
        assets: assets(),
        may_change: GOVERNANCE.check(&signed_in.caller).is_ok(),
        once: Uuid::new_v4().to_string(),
        export,
        toast,
        shell,
    }))
}

/// The day of a time to come in a word.
fn next_day(at: Instant, shell: &Shell) -> String {
    let text = shell.calendar.upcoming(at).text;
    let day = text.split(',').next().unwrap_or_default();
    if day.starts_with(|first: char| first.is_ascii_digit()) { String::new() } else { day.to_owned() }
}

fn view(
    stored: &StoredExport,
    next: &[Instant],
    verification: Option<ChecksView>,
    last_run: Option<&RunRecord>,
    shell: &Shell,
) -> ExportView {
    let configuration = &stored.configuration;
    let destination = s3(configuration);
    let fact = |name, text: &str, is_code| Fact { name, text: text.to_owned(), is_code };
    let mut credentials = Vec::new();
    match &destination.credentials {
        Credentials::AccessKey { id } => {
            credentials.push(fact("Access key ID", id, true));
            let fingerprint = stored.secret.as_ref().and_then(|secret| secret.fingerprint.as_deref());
            credentials.extend(fingerprint.map(|print| fact("Fingerprint of its secret", print, true)));
        }
        Credentials::Role { arn } => credentials.push(fact("Role", arn, true)),
    }
    let layout = configuration.layout();
    ExportView {
        place: address(&destination.bucket),
        schedule: sentence(&format!("{} {}", words(&configuration.schedule().to_string()), shell.zone)),
        next_day: next.first().map_or_else(String::new, |at| next_day(*at, shell)),
        next_runs: next.iter().map(|at| shell.calendar.weekday(*at)).collect(),
        facts: facts(&destination.bucket),
        credentials,
        layout: layout.as_str(),
        about_layout: about_layout(layout),
        changed: shell.calendar.time(stored.updated_at),
        verification,
        last_run: last_run.map(|run| LastRun {
            id: run.id,
            state: StateView::of(run),
            at: shell.calendar.time(run.started_at.unwrap_or(run.created_at)),
        }),
        engines: Engine::ALL.map(|engine| (engine.as_str(), engine_title(engine))).to_vec(),
    }
}
