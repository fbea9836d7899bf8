//! *Run of …*: progress, tables, warnings, attempts, the error with its fix, and the chain of manifests.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use domesday_delivery::Engine;
use domesday_model::Instant;
use domesday_service::exports::{DEFAULT_EXPORT, DestinationConfiguration, StoredExport};
use domesday_store::{RunFilter, RunRecord, RunState, Store};
use uuid::Uuid;

use super::live::LiveView;
use super::report::StoredReport;
use super::words::{cut, engine_title, error_text, names};
use super::{GOVERNANCE, READERS, no_such_run, parse_id};
use crate::console::assets::{Assets, assets};
use crate::console::errors::{Failure, sentence};
use crate::console::form::Form;
use crate::console::page;
use crate::console::shell::Shell;
use crate::console::signed_in::SignedIn;
use crate::console::times::{TimeView, counted, grouped};
use crate::console::units::size;
use crate::state::App;

/// How many warnings are listed, and how long each is at most, in characters.
const MAX_WARNINGS: usize = 100;
const MAX_WARNING: usize = 500;

/// How many runs before this one are searched for the manifest that it follows.
const MAX_SEARCHED: usize = 100;

#[derive(Template)]
#[template(path = "console/runs/run.html")]
struct RunPage {
    assets: &'static Assets,
    shell: Shell,
    id: Uuid,
    title: String,
    is_under_way: bool,
    may_cancel: bool,
    live: LiveView,
    error: Option<ErrorView>,
    tables: Vec<TableRow>,
    total: TableRow,
    warnings: Vec<String>,
    more_warnings: String,
    facts: RunFacts,
    toast: &'static str,
}

/// Why a run failed.
struct ErrorView {
    title: String,
    fix: String,
    /// What the service of the destination answered.
    service: String,
}

#[derive(Default)]
struct TableRow {
    name: String,
    rows: String,
    size: String,
    files: String,
}

#[derive(Default)]
struct RunFacts {
    snapshot: Option<TimeView>,
    scheduled: Option<TimeView>,
    ended: Option<TimeView>,
    root: String,
    manifest: String,
    /// The digest of the manifest before, and the run that delivered it, if it is known.
    previous: String,
    previous_run: Option<Uuid>,
    /// Names of engines and their titles, for their scripts.
    engines: Vec<(&'static str, &'static str)>,
    layout: String,
}

/// Shows the page.
pub(super) async fn show(
    State(app): State<App>,
    Path(id): Path<String>,
    signed_in: SignedIn,
    query: Form,
) -> Result<Response, Failure> {
    READERS.check(&signed_in.caller)?;
    let uuid = parse_id(&id)?;
    let read = move |store: &mut Store| -> Result<_, Failure> {
        let run = store.run(uuid)?.ok_or_else(|| no_such_run(&id))?;
        let names = names(store, &[&run])?;
        let previous = previous_run(store, &run)?;
        let export: Option<StoredExport> = store.export(DEFAULT_EXPORT)?;
        Ok((run, names, previous, export))
    };
    let (run, names, previous, export) = app.service.pool.with(read).await?;
    let shell = signed_in.shell.clone();
    let report = StoredReport::of(&run);
    let started = run.started_at.unwrap_or(run.created_at);
    let is_under_way = !run.state.is_final();
    let warnings = report.as_ref().map_or(&[][..], |report| &report.warnings);
    let more = warnings.len().saturating_sub(MAX_WARNINGS);
    let view = RunPage {
        assets: assets(),
        id: run.id,
        title: format!("Run of {}", shell.calendar.full(started).text),
        is_under_way,
        may_cancel: is_under_way
            && run.cancel_requested_at.is_none()
            && GOVERNANCE.check(&signed_in.caller).is_ok(),
        live: LiveView::new(&run, &names, &shell.calendar, app.service.now()),
        error: error(&run),
        tables: report.as_ref().map_or_else(Vec::new, tables),
        total: report.as_ref().map(total).unwrap_or_default(),
        warnings: warnings.iter().take(MAX_WARNINGS).map(|text| sentence(&cut(text, MAX_WARNING))).collect(),
        more_warnings: match more {
            0 => String::new(),
            more => format!("{} more in the manifest", grouped(more as u64)),
        },
        facts: facts(&run, report.as_ref(), previous, export.as_ref(), &shell),
        toast: toast(&query, is_under_way),
        shell,
    };
    Ok(page(&view))
}

fn toast(query: &Form, is_under_way: bool) -> &'static str {
    match () {
        () if query.has("started") && is_under_way => "The run has been started.",
        () if query.has("already") && is_under_way => "A run is under way already: this one.",
        () if query.has("cancelled") && is_under_way => "The run ends within seconds.",
        () if query.has("cancelled") => "The run is cancelled.",
        () => "",
    }
}

/// Finds the run whose manifest a run's manifest names as the one before.
fn previous_run(store: &mut Store, run: &RunRecord) -> Result<Option<Uuid>, Failure> {
    let Some(digest) = StoredReport::of(run).and_then(|report| report.previous_manifest_sha256) else {
        return Ok(None);
    };
    let succeeded = RunFilter { states: vec![RunState::Succeeded], is_manual: None };
    // Most often it is among the newest two.
    for (offset, limit) in [(0, 3), (3, MAX_SEARCHED)] {
        let (runs, _) = store.filtered_runs(DEFAULT_EXPORT, &succeeded, false, offset, limit)?;
        let is_it = |run: &&RunRecord| {
            run.report.as_ref().and_then(|report| report["manifestSha256"].as_str()) == Some(&*digest)
        };
        if let Some(found) = runs.iter().find(is_it) {
            return Ok(Some(found.id));
        }
    }
    Ok(None)
}

fn error(run: &RunRecord) -> Option<ErrorView> {
    let is_shown = matches!(run.state, RunState::Failed | RunState::Abandoned | RunState::Queued);
    let message = error_text(run, "message");
    if !is_shown || message.is_empty() {
        return None;
    }
    let service = run.error.as_ref().map(|error| &error["service"]).filter(|service| service.is_object());
    let service = service.map(|service| {
        let text = |name: &str| service[name].as_str().unwrap_or_default();
        let mut told = format!("{} answers {} {}", text("name"), service["status"], text("code"));
        if !text("message").is_empty() {
            told.push_str(&format!(": {}", text("message")));
        }
        if !text("requestId").is_empty() {
            told.push_str(&format!("; request id {}", text("requestId")));
        }
        told
    });
    Some(ErrorView {
        title: sentence(message),
        fix: match error_text(run, "fix") {
            "" => String::new(),
            fix => sentence(fix),
        },
        service: service.unwrap_or_default(),
    })
}

fn tables(report: &StoredReport) -> Vec<TableRow> {
    let row = |table: &super::report::StoredTable| TableRow {
        name: table.table.clone(),
        rows: grouped(table.rows),
        size: size(table.bytes),
        files: grouped(table.parts),
    };
    report.tables.iter().map(row).collect()
}

fn total(report: &StoredReport) -> TableRow {
    TableRow {
        name: counted(report.tables.len() as u64, "table", "tables"),
        rows: grouped(report.rows()),
        size: size(report.bytes()),
        files: grouped(report.parts()),
    }
}

fn facts(
    run: &RunRecord,
    report: Option<&StoredReport>,
    previous_run: Option<Uuid>,
    export: Option<&StoredExport>,
    shell: &Shell,
) -> RunFacts {
    let time = |at: Option<Instant>| at.map(|at| shell.calendar.full(at));
    let place = export.map(|export| {
        let DestinationConfiguration::S3(destination) = &export.configuration.destination;
        let path = destination.bucket.path.as_ref().map(|path| format!("/{path}")).unwrap_or_default();
        format!("s3://{}{path}", destination.bucket.bucket)
    });
    let root = report.map(|report| report.root.clone());
    // Scripts are of the configured bucket.
    let is_same_place = match (&root, &place) {
        (Some(root), Some(place)) => {
            root.strip_prefix(&**place).is_some_and(|rest| rest.trim_matches('/') == "v1")
        }
        _ => false,
    };
    RunFacts {
        snapshot: time(run.snapshot_at),
        scheduled: time(run.scheduled_for),
        ended: time(run.finished_at),
        root: root.or_else(|| place.filter(|_| !run.state.is_final())).unwrap_or_default(),
        manifest: report.map_or_else(String::new, |report| report.manifest_sha256.clone()),
        previous: report.and_then(|report| report.previous_manifest_sha256.clone()).unwrap_or_default(),
        previous_run,
        engines: if is_same_place {
            Engine::ALL.map(|engine| (engine.as_str(), engine_title(engine))).to_vec()
        } else {
            Vec::new()
        },
        layout: report.map_or_else(String::new, |report| report.layout.clone()),
    }
}
