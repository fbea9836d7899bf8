//! What the pages of runs say in the same words.

use std::collections::BTreeMap;

use domesday_delivery::Engine;
use domesday_model::{Instant, Kind};
use domesday_store::{RunRecord, RunState, Store, StoreError};
use serde_json::Value;

use crate::console::units::duration;

/// The state of a run as a chip.
#[derive(Debug, Clone, Copy)]
pub(in crate::console) struct StateView {
    pub(in crate::console) name: &'static str,
    pub(in crate::console) class: &'static str,
    pub(in crate::console) icon: &'static str,
    pub(in crate::console) spins: bool,
}

impl StateView {
    pub(in crate::console) fn of(run: &RunRecord) -> Self {
        let view = |name, class, icon| Self { name, class, icon, spins: false };
        match run.state {
            RunState::Running if run.cancel_requested_at.is_some() => {
                Self { spins: true, ..view("Cancelling", "run", "ring") }
            }
            RunState::Running => Self { spins: true, ..view("Running", "run", "ring") },
            RunState::Queued if run.retry_at.is_some() => view("Waiting", "wait", "pending"),
            RunState::Queued => view("Queued", "wait", "pending"),
            RunState::Succeeded => view("Succeeded", "ok", "check"),
            RunState::Failed => view("Failed", "fail", "cross"),
            RunState::Abandoned => view("Abandoned", "fail", "cross"),
            RunState::Cancelled => view("Cancelled", "none", "dash"),
        }
    }
}

/// Returns how long a run took, or takes so far, in microseconds; none when it has not begun.
pub(in crate::console) fn took(run: &RunRecord, now: Instant) -> Option<i64> {
    let end = run.finished_at.unwrap_or(now);
    run.started_at.map(|start| end.as_micros() - start.as_micros())
}

/// How long a run took, or takes so far, in words; a dash when it has not begun.
pub(super) fn took_in_words(run: &RunRecord, now: Instant) -> String {
    let so_far = if run.state.is_final() { "" } else { " so far" };
    took(run, now).map_or_else(|| "–".to_owned(), |micros| format!("{}{so_far}", duration(micros)))
}

/// Returns why a run failed, as its record says.
pub(in crate::console) fn error_text<'r>(run: &'r RunRecord, field: &str) -> &'r str {
    field_text(run.error.as_ref(), field)
}

/// Returns a field of an error; empty when it has none.
pub(super) fn field_text<'e>(error: Option<&'e Value>, field: &str) -> &'e str {
    error.and_then(|error| error[field].as_str()).unwrap_or_default()
}

/// The names of the users who started runs, by username.
pub(super) type Names = BTreeMap<String, String>;

/// Reads the names of the users who started or cancelled runs.
pub(super) fn names(store: &mut Store, runs: &[&RunRecord]) -> Result<Names, StoreError> {
    let mut names = Names::new();
    let manual = runs.iter().filter(|run| run.trigger == "manual").map(|run| &run.actor);
    let cancelled = runs.iter().filter_map(|run| run.cancel_requested_by.as_ref());
    for username in manual.chain(cancelled) {
        if names.contains_key(username) {
            continue;
        }
        let stored = store.object(Kind::User, username)?;
        let name = stored.and_then(|stored| stored.document.get("name")?.as_str().map(str::to_owned));
        names.insert(username.clone(), name.unwrap_or_else(|| username.clone()));
    }
    Ok(names)
}

/// Who or what started a run.
pub(super) fn starter(run: &RunRecord, names: &Names) -> String {
    match run.trigger.as_str() {
        "manual" => names.get(&run.actor).unwrap_or(&run.actor).clone(),
        "catch-up" => "schedule, late".to_owned(),
        _ => "schedule".to_owned(),
    }
}

/// Returns the beginning of a text that is longer than a number of characters.
pub(super) fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", text[..end].trim_end()),
        None => text.to_owned(),
    }
}

/// The name of an engine as its makers write it.
pub(in crate::console) fn engine_title(engine: Engine) -> &'static str {
    match engine {
        Engine::Snowflake => "Snowflake",
        Engine::Databricks => "Databricks",
        Engine::Athena => "Amazon Athena",
        Engine::Trino => "Trino",
        Engine::Duckdb => "DuckDB",
        Engine::Clickhouse => "ClickHouse",
    }
}
