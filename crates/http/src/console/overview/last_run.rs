//! The last run in a sentence, with its facts.

use domesday_model::Instant;
use domesday_store::{RunRecord, RunState};
use uuid::Uuid;

use crate::console::errors::sentence;
use crate::console::runs::report::StoredReport;
use crate::console::runs::words::{StateView, error_text, took};
use crate::console::times::{Calendar, TimeView, counted, grouped};
use crate::console::units::{duration, size};

/// Within how many microseconds of now a summary is last night's: a day.
const DAY: i64 = 24 * 3_600 * 1_000_000;

/// The last run as the page shows it.
pub(super) struct LastRunView {
    pub(super) id: Uuid,
    pub(super) state: StateView,
    /// The answer in a sentence.
    pub(super) verdict: String,
    /// Why it failed, and what to do.
    pub(super) error: String,
    pub(super) fix: String,
    /// What was delivered last, by this run or an earlier one.
    pub(super) delivered: Option<DeliveredView>,
}

/// The facts of a run that delivered.
pub(super) struct DeliveredView {
    pub(super) id: Uuid,
    pub(super) root: String,
    pub(super) at: TimeView,
    pub(super) snapshot: TimeView,
    pub(super) rows: String,
    pub(super) size: String,
    pub(super) took: String,
    pub(super) warnings: String,
    /// The beginning and the end of the manifest's digest.
    pub(super) digest: String,
}

impl LastRunView {
    /// Creates the view of the newest of these runs, which are in order from the newest on.
    pub(super) fn new(runs: &[RunRecord], calendar: &Calendar, now: Instant) -> Option<Self> {
        let last = runs.first()?;
        let delivered = runs.iter().find_map(|run| Some((run, StoredReport::of(run)?)));
        let verdict = verdict(last, now, calendar);
        Some(Self {
            id: last.id,
            state: StateView::of(last),
            verdict,
            error: Some(error_text(last, "message"))
                .filter(|it| !it.is_empty())
                .map(sentence)
                .unwrap_or_default(),
            fix: Some(error_text(last, "fix")).filter(|it| !it.is_empty()).map(sentence).unwrap_or_default(),
            delivered: delivered.map(|(run, report)| DeliveredView::new(run, &report, calendar, now)),
        })
    }
}

fn verdict(last: &RunRecord, now: Instant, calendar: &Calendar) -> String {
    let at = last.finished_at.unwrap_or(last.created_at);
    let is_last_night = last.trigger != "manual" && now.as_micros() - at.as_micros() < DAY;
    let when = calendar.time(at).text;
    match (last.state, is_last_night) {
        (RunState::Succeeded, true) => "Last night’s summary arrived.".to_owned(),
        (RunState::Succeeded, false) => format!("The last summary arrived {}.", on(&when)),
        (RunState::Queued, _) if last.retry_at.is_some() => "The run failed and is tried again.".to_owned(),
        (RunState::Queued, _) => "A run is about to begin.".to_owned(),
        (RunState::Running, _) => "A run is under way.".to_owned(),
        (RunState::Cancelled, _) => format!("The last run was cancelled {}.", on(&when)),
        (RunState::Failed | RunState::Abandoned, true) => "Last night’s summary did not arrive.".to_owned(),
        (RunState::Failed | RunState::Abandoned, false) => format!("The last run failed {}.", on(&when)),
    }
}

/// A day in words within a sentence.
fn on(when: &str) -> String {
    if when.starts_with(|first: char| first.is_ascii_digit()) {
        format!("on {when}")
    } else {
        when.to_owned()
    }
}

impl DeliveredView {
    fn new(run: &RunRecord, report: &StoredReport, calendar: &Calendar, now: Instant) -> Self {
        let digest = &report.manifest_sha256;
        let took = took(run, now).map_or_else(|| "–".to_owned(), duration);
        let attempt = match run.attempts {
            0 | 1 => "first attempt".to_owned(),
            count => counted(u64::from(count), "attempt", "attempts"),
        };
        Self {
            id: run.id,
            root: report.root.clone(),
            at: calendar.time(run.finished_at.unwrap_or(run.created_at)),
            snapshot: calendar.full(run.snapshot_at.unwrap_or(run.created_at)),
            rows: grouped(report.rows()),
            size: size(report.bytes()),
            took: format!("{took}, {attempt}"),
            warnings: match report.warnings.len() {
                0 => "none".to_owned(),
                count => counted(count as u64, "warning", "warnings"),
            },
            digest: match (digest.get(..8), digest.len().checked_sub(8).and_then(|at| digest.get(at..))) {
                (Some(start), Some(end)) => format!("{start}…{end}"),
                _ => "–".to_owned(),
            },
        }
    }
}
