//! What changes on the page of a run while it is under way: its state, progress, phases and attempts.

use domesday_model::Instant;
use domesday_store::{PhaseDuration, RunRecord, RunState};
use serde::Deserialize;

use super::attempts::{AttemptView, attempts};
use super::report::StoredReport;
use super::words::{Names, StateView, starter, took_in_words};
use crate::console::times::{Calendar, counted, grouped};
use crate::console::units::duration;

/// The parts of the page that change.
pub(super) struct LiveView {
    pub(super) state: StateView,
    /// Who started it, which attempt it is, how long it takes.
    pub(super) about: String,
    pub(super) verdict: String,
    pub(super) detail: String,
    /// The files that are delivered, of how many.
    pub(super) files: Option<(u64, u64)>,
    /// The call to the destination that has not succeeded yet.
    pub(super) waiting: String,
    pub(super) phases: Vec<PhaseView>,
    pub(super) attempts: Vec<AttemptView>,
}

/// A phase of a run.
pub(super) struct PhaseView {
    pub(super) name: &'static str,
    /// `done`, `now`, `bad` or `later`.
    pub(super) class: &'static str,
    /// How long it took, or takes so far; empty when that is not known.
    pub(super) took: String,
    pub(super) note: String,
}

/// The progress of a run, as the store has it.
#[derive(Debug, Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct StoredProgress {
    phase: String,
    since: Option<Instant>,
    table: Option<String>,
    rows: Option<u64>,
    file: Option<u64>,
    files: Option<u64>,
    waiting_for: Option<StoredWait>,
    phases: Vec<PhaseDuration>,
}

#[derive(Debug, Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct StoredWait {
    call: String,
    attempt: u32,
    attempts: Option<u32>,
    next_attempt_at: Option<Instant>,
    error: Option<StoredWaitError>,
}

#[derive(Debug, Deserialize, Default)]
#[serde(default)]
struct StoredWaitError {
    message: String,
}

/// The phases with their names, in order.
const PHASES: [(&str, &str); 5] = [
    ("snapshot", "Snapshot"),
    ("evaluation", "Evaluation"),
    ("opening", "Destination"),
    ("tables", "Tables"),
    ("delivery", "Delivery"),
];

impl LiveView {
    pub(super) fn new(run: &RunRecord, names: &Names, calendar: &Calendar, now: Instant) -> Self {
        let progress = run.progress.as_ref().and_then(|progress| StoredProgress::deserialize(progress).ok());
        let report = StoredReport::of(run);
        let (verdict, detail) = verdict(run, progress.as_ref(), report.as_ref(), names, calendar);
        let files = progress.as_ref().and_then(|progress| {
            // The file that is under way is not delivered yet.
            Some((progress.file?.saturating_sub(1), progress.files?))
        });
        Self {
            state: StateView::of(run),
            about: about(run, names, now),
            verdict,
            detail,
            files,
            waiting: progress
                .as_ref()
                .and_then(|progress| progress.waiting_for.as_ref())
                .map_or_else(String::new, |wait| waiting(wait, calendar)),
            phases: phases(run, progress.as_ref(), report.as_ref(), now),
            attempts: attempts(run, calendar),
        }
    }
}

fn about(run: &RunRecord, names: &Names, now: Instant) -> String {
    let mut about = format!("started by {}", starter(run, names));
    if run.attempts > 1 {
        about.push_str(&format!(", attempt {}", run.attempts));
    }
    if run.started_at.is_some() {
        about.push_str(&format!(", {}", took_in_words(run, now)));
    }
    about
}

/// Returns what the run does, or how it ended, in a sentence, and what else there is to say.
fn verdict(
    run: &RunRecord,
    progress: Option<&StoredProgress>,
    report: Option<&StoredReport>,
    names: &Names,
    calendar: &Calendar,
) -> (String, String) {
    let nothing_changed = "The bucket has the summary that it had before.";
    match run.state {
        RunState::Queued => match run.retry_at {
            Some(at) => (
                format!("Attempt {} begins {}.", run.attempts + 1, calendar.upcoming(at).text),
                "The attempt before failed, and another one can succeed.".to_owned(),
            ),
            None => ("The run waits for its turn.".to_owned(), String::new()),
        },
        RunState::Running if run.cancel_requested_at.is_some() => (
            "The run is being cancelled.".to_owned(),
            "It begins no further put and ends within seconds.".to_owned(),
        ),
        RunState::Running => (progress.map_or_else(|| "The run begins.".to_owned(), doing), String::new()),
        RunState::Succeeded => {
            let report = report.cloned().unwrap_or_default();
            let rows = counted(report.rows(), "row", "rows");
            let tables = counted(report.tables.len() as u64, "table", "tables");
            (format!("{rows} in {tables} were delivered."), String::new())
        }
        RunState::Failed => ("The run failed.".to_owned(), nothing_changed.to_owned()),
        RunState::Abandoned => {
            ("The process that executed the run ended.".to_owned(), nothing_changed.to_owned())
        }
        RunState::Cancelled => {
            let by = run.cancel_requested_by.as_ref().map(|user| names.get(user).unwrap_or(user));
            let verdict = by.map_or_else(
                || "The run was cancelled with its export.".to_owned(),
                |name| format!("{name} cancelled the run."),
            );
            (verdict, nothing_changed.to_owned())
        }
    }
}

fn doing(progress: &StoredProgress) -> String {
    match (progress.phase.as_str(), progress.file, progress.files) {
        ("snapshot", ..) => "The catalog is being read.".to_owned(),
        ("evaluation", ..) => "Policies are being evaluated.".to_owned(),
        ("opening", ..) => "The bucket is being listed.".to_owned(),
        ("tables", ..) => {
            let table = progress.table.as_deref().unwrap_or("a table");
            let rows = progress.rows.filter(|rows| *rows > 0);
            let so_far = rows.map(|rows| format!(": {} so far", counted(rows, "row", "rows")));
            format!("The table {table} is being written{}.", so_far.unwrap_or_default())
        }
        ("delivery", Some(file), Some(files)) => {
            format!("File {} of {} is being delivered.", grouped(file), grouped(files))
        }
        _ => "The run is under way.".to_owned(),
    }
}

fn waiting(wait: &StoredWait, calendar: &Calendar) -> String {
    let of = wait.attempts.map_or_else(String::new, |attempts| format!(" of {attempts}"));
    let mut text = match wait.next_attempt_at {
        Some(at) => {
            format!("Attempt {}{of} at `{}` begins {}.", wait.attempt, wait.call, calendar.upcoming(at).text)
        }
        None => format!("`{}` waits for its answer, attempt {}{of}.", wait.call, wait.attempt),
    };
    if let Some(error) = wait.error.as_ref().filter(|error| !error.message.is_empty()) {
        text.push_str(&format!(" The attempt before failed: {}.", error.message.trim_end_matches('.')));
    }
    text
}

/// Returns the phases of the last attempt at a run.
fn phases(
    run: &RunRecord,
    progress: Option<&StoredProgress>,
    report: Option<&StoredReport>,
    now: Instant,
) -> Vec<PhaseView> {
    let last = run.attempt_history.last().map_or(&[][..], |attempt| &attempt.phases);
    let position = |name: &str| PHASES.iter().position(|(phase, _)| *phase == name);
    let (ended, current, is_running) = match run.state {
        RunState::Running => {
            let ended = progress.map_or(&[][..], |progress| &progress.phases);
            (ended, progress.and_then(|progress| position(&progress.phase)).unwrap_or(0), true)
        }
        RunState::Succeeded => (last, PHASES.len(), false),
        // The attempt ended in the last phase that it came to.
        RunState::Failed | RunState::Cancelled | RunState::Queued => {
            let Some(current) = last.last().and_then(|ended| position(&ended.phase)) else {
                return Vec::new();
            };
            (last, current, false)
        }
        RunState::Abandoned => return Vec::new(),
    };
    let phase = |(at, (phase, name)): (usize, &(&str, &'static str))| {
        let took = ended.iter().find(|it| it.phase == *phase).map(|it| duration((it.seconds * 1e6) as i64));
        let so_far = || {
            let since = progress.and_then(|progress| progress.since).filter(|_| is_running && at == current);
            since.map(|since| duration(now.as_micros() - since.as_micros()))
        };
        PhaseView {
            name,
            class: match at {
                at if at < current => "done",
                at if at == current && is_running => "now",
                at if at == current => "bad",
                _ => "later",
            },
            took: took.or_else(so_far).unwrap_or_default(),
            note: report.map_or_else(String::new, |report| note(phase, report)),
        }
    };
    PHASES.iter().enumerate().map(phase).collect()
}

/// What a phase resulted in.
fn note(phase: &str, report: &StoredReport) -> String {
    match phase {
        "snapshot" => format!(
            "{}, {}",
            counted(report.users, "user", "users"),
            counted(report.data_sources, "data source", "data sources")
        ),
        "evaluation" => {
            let outcomes = &report.outcomes;
            format!(
                "{} granted, {} blocked, {} masked, {} unmasked",
                grouped(outcomes.granted),
                grouped(outcomes.blocked),
                grouped(outcomes.masked),
                grouped(outcomes.unmasked)
            )
        }
        "opening" => match &report.slot {
            Some(slot) => format!("layout {}, slot {slot} is written", report.layout),
            None => format!("layout {}", report.layout),
        },
        "tables" => format!(
            "{} in {}",
            counted(report.rows(), "row", "rows"),
            counted(report.parts(), "file", "files")
        ),
        _ => {
            let retries = match report.retries {
                0 => String::new(),
                retries => format!(", {}", counted(retries, "retry", "retries")),
            };
            format!("{} put{retries}", counted(report.files, "file", "files"))
        }
    }
}
