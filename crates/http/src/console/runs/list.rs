//! *Runs*: a chart of duration and size, and the list.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use domesday_model::Instant;
use domesday_service::exports::DEFAULT_EXPORT;
use domesday_store::{RunFilter, RunRecord, RunState, Store};
use uuid::Uuid;

use super::query::{PAGE, PATH, RunQuery, STATES, TRIGGERS};
use super::report::StoredReport;
use super::words::{Names, StateView, cut, error_text, names, starter, took, took_in_words};
use super::{GOVERNANCE, READERS};
use crate::console::assets::{Assets, assets};
use crate::console::charts::{self, ChartView, Figures, Panel, PanelKind, Point};
use crate::console::csv::Csv;
use crate::console::errors::Failure;
use crate::console::form::Form;
use crate::console::page;
use crate::console::pager::{Page, Pager};
use crate::console::shell::Shell;
use crate::console::signed_in::SignedIn;
use crate::console::times::{TimeView, counted, grouped};
use crate::console::units::size;
use crate::state::App;

/// How many runs the chart shows.
const CHARTED: usize = 60;

/// How many runs are read at a time for a CSV file, and how many it has at most.
const CSV_PAGE: usize = 500;
const MAX_CSV: usize = 50_000;

/// The longest error in the list, in characters.
const MAX_ERROR: usize = 120;

#[derive(Template)]
#[template(path = "console/runs/list.html")]
struct RunsPage {
    assets: &'static Assets,
    shell: Shell,
    summary: String,
    next: Option<TimeView>,
    is_configured: bool,
    may_change: bool,
    once: String,
    chart: Option<ChartView>,
    list: RunList,
}

/// The list as it is shown.
struct RunList {
    choices: Vec<Choice>,
    is_filtered: bool,
    is_oldest_first: bool,
    sort_href: String,
    rows: Vec<RunRow>,
    /// How many runs there are without the filter.
    unfiltered: String,
    range: String,
    previous: String,
    next: String,
    csv: String,
}

struct Choice {
    name: &'static str,
    label: &'static str,
    is_set: bool,
    /// Values and texts, and whether each is chosen.
    options: Vec<(&'static str, &'static str, bool)>,
}

struct RunRow {
    id: Uuid,
    started: TimeView,
    state: StateView,
    error: String,
    starter: String,
    rows: String,
    size: String,
    took: String,
    attempts: u32,
}

/// Shows the page.
pub(super) async fn show(
    State(app): State<App>,
    signed_in: SignedIn,
    form: Form,
) -> Result<Response, Failure> {
    READERS.check(&signed_in.caller)?;
    let query = RunQuery::read(&form)?;
    let asked = query.clone();
    let read = move |store: &mut Store| -> Result<_, Failure> {
        let page = store.filtered_runs(
            DEFAULT_EXPORT,
            &asked.filter(),
            asked.is_oldest_first,
            asked.offset(),
            PAGE,
        )?;
        let (_, unfiltered) = store.filtered_runs(DEFAULT_EXPORT, &RunFilter::default(), false, 0, 0)?;
        let ended = RunFilter {
            states: RunState::ALL.into_iter().filter(|state| state.is_final()).collect(),
            is_manual: None,
        };
        let (ended, _) = store.filtered_runs(DEFAULT_EXPORT, &ended, false, 0, CHARTED)?;
        let names = names(store, &page.0.iter().collect::<Vec<_>>())?;
        Ok((page, unfiltered, ended, names))
    };
    let ((runs, total), unfiltered, ended, names) = app.service.pool.with(read).await?;
    let (stored, tenant) = app.service.exports.stored().await?;
    let now = app.service.now();
    let shell = signed_in.shell.clone();
    let next = stored.as_ref().and_then(|stored| stored.configuration.next_run(&tenant, now));
    let view = RunsPage {
        assets: assets(),
        summary: summary(&ended),
        next: next.map(|at| shell.calendar.upcoming(at)),
        is_configured: stored.is_some(),
        may_change: GOVERNANCE.check(&signed_in.caller).is_ok(),
        once: Uuid::new_v4().to_string(),
        chart: (!ended.is_empty()).then(|| chart(&ended, &shell)),
        list: list(&query, &runs, &names, total, unfiltered, &shell, now),
        shell,
    };
    Ok(page(&view))
}

fn summary(ended: &[RunRecord]) -> String {
    let succeeded = ended.iter().filter(|run| run.state == RunState::Succeeded).count();
    match (ended.len(), succeeded) {
        (0, _) => "No run has ended yet.".to_owned(),
        (1, 1) => "The last run succeeded.".to_owned(),
        (1, _) => "The last run did not succeed.".to_owned(),
        (all, succeeded) if all == succeeded => format!("All of the last {all} runs succeeded."),
        (all, succeeded) => format!("{succeeded} of the last {all} runs succeeded."),
    }
}

/// Draws the chart of runs that have ended, given from the newest on.
fn chart(ended: &[RunRecord], shell: &Shell) -> ChartView {
    let mut points = Vec::with_capacity(ended.len());
    let (mut seconds, mut bytes) = (Vec::new(), Vec::new());
    for run in ended.iter().rev() {
        let label = shell.calendar.date(run.started_at.unwrap_or(run.created_at));
        let failure = match run.state {
            RunState::Succeeded => String::new(),
            state => format!("{label} {state}"),
        };
        points.push(Point { label, failure });
        seconds.push(took(run, run.created_at).map(|micros| micros as f64 / 1e6));
        bytes.push(StoredReport::of(run).map(|report| report.bytes() as f64));
    }
    let largest = bytes.iter().flatten().copied().fold(0.0, f64::max);
    let (unit, divisor) = [("GiB", 30), ("MiB", 20), ("KiB", 10)]
        .map(|(unit, power)| (unit, f64::from(1_u32 << power)))
        .into_iter()
        .find(|(_, divisor)| largest >= *divisor)
        .unwrap_or(("bytes", 1.0));
    let decimals = usize::from(divisor > 1.0);
    let bytes = bytes.into_iter().map(|bytes| bytes.map(|bytes| bytes / divisor)).collect();
    charts::draw(Figures {
        title: match ended.len() {
            1 => "Duration and size of the last run".to_owned(),
            count => format!("Duration and size, last {count} runs"),
        },
        id: "chart",
        point: "Run",
        points,
        panels: vec![
            Panel { name: "Seconds".to_owned(), decimals: 1, kind: PanelKind::Bars(seconds) },
            Panel { name: format!("{unit} delivered"), decimals, kind: PanelKind::Bars(bytes) },
        ],
    })
}

fn list(
    query: &RunQuery,
    runs: &[RunRecord],
    names: &Names,
    total: u64,
    unfiltered: u64,
    shell: &Shell,
    now: Instant,
) -> RunList {
    let choice = |name, label, chosen: &str, values: &[(&'static str, &'static str)]| Choice {
        name,
        label,
        is_set: !chosen.is_empty(),
        options: values.iter().map(|(value, text)| (*value, *text, *value == chosen)).collect(),
    };
    let total = usize::try_from(total).unwrap_or(usize::MAX);
    let page = Page { number: query.page, size: PAGE, shown: runs.len(), total };
    let Pager { range, previous, next } =
        page.pager("run", "runs", |page| RunQuery { page, ..query.clone() }.href(PATH));
    let turned = RunQuery { is_oldest_first: !query.is_oldest_first, page: 1, ..query.clone() };
    RunList {
        choices: vec![
            choice("state", "State", &query.state, &STATES),
            choice("trigger", "Started by", &query.trigger, &TRIGGERS),
        ],
        is_filtered: query.is_filtered(),
        is_oldest_first: query.is_oldest_first,
        sort_href: turned.href(PATH),
        rows: runs.iter().map(|run| row(run, names, shell, now)).collect(),
        unfiltered: counted(unfiltered, "run", "runs"),
        range,
        previous,
        next,
        csv: RunQuery { page: 1, ..query.clone() }.href("/console/runs/csv"),
    }
}

fn row(run: &RunRecord, names: &Names, shell: &Shell, now: Instant) -> RunRow {
    let report = StoredReport::of(run);
    let figure = |text: Option<String>| text.unwrap_or_else(|| "–".to_owned());
    let is_failed = matches!(run.state, RunState::Failed | RunState::Abandoned);
    RunRow {
        id: run.id,
        started: shell.calendar.time(run.started_at.unwrap_or(run.created_at)),
        state: StateView::of(run),
        error: if is_failed { cut(error_text(run, "message"), MAX_ERROR) } else { String::new() },
        starter: starter(run, names),
        rows: figure(report.as_ref().map(|report| grouped(report.rows()))),
        size: figure(report.as_ref().map(|report| size(report.bytes()))),
        took: took_in_words(run, now),
        attempts: run.attempts,
    }
}

/// Answers with the list as CSV.
pub(super) async fn csv(
    State(app): State<App>,
    signed_in: SignedIn,
    form: Form,
) -> Result<Response, Failure> {
    READERS.check(&signed_in.caller)?;
    let query = RunQuery::read(&form)?;
    let read = move |store: &mut Store| -> Result<_, Failure> {
        let mut csv = Csv::new(&[
            "id",
            "state",
            "trigger",
            "actor",
            "scheduled_for",
            "created_at",
            "started_at",
            "finished_at",
            "seconds",
            "attempts",
            "snapshot_at",
            "rows",
            "bytes",
            "manifest_sha256",
            "error",
        ]);
        let filter = query.filter();
        for offset in (0..MAX_CSV).step_by(CSV_PAGE) {
            let (runs, _) =
                store.filtered_runs(DEFAULT_EXPORT, &filter, query.is_oldest_first, offset, CSV_PAGE)?;
            runs.iter().for_each(|run| add_row(&mut csv, run));
            if runs.len() < CSV_PAGE {
                break;
            }
        }
        Ok(csv)
    };
    Ok(app.service.pool.with(read).await?.into_response("runs"))
}

fn add_row(csv: &mut Csv, run: &RunRecord) {
    let instant = |at: Option<Instant>| at.map_or_else(String::new, |at| at.to_string());
    let report = StoredReport::of(run);
    let figure = |text: Option<String>| text.unwrap_or_default();
    let seconds =
        run.finished_at.and_then(|end| took(run, end)).map(|micros| format!("{:.3}", micros as f64 / 1e6));
    csv.row([
        &*run.id.to_string(),
        run.state.as_str(),
        &run.trigger,
        &run.actor,
        &instant(run.scheduled_for),
        &run.created_at.to_string(),
        &instant(run.started_at),
        &instant(run.finished_at),
        &figure(seconds),
        &run.attempts.to_string(),
        &instant(run.snapshot_at),
        &figure(report.as_ref().map(|report| report.rows().to_string())),
        &figure(report.as_ref().map(|report| report.bytes().to_string())),
        report.as_ref().map_or("", |report| &report.manifest_sha256),
        error_text(run, "message"),
    ]);
}
