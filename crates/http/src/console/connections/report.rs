//! The report of a sync as it is shown.

use domesday_service::connections::SyncView;
use serde_json::Value;

use super::words::{beginner, instant, noun, objects, problem_and_fix, sync_chip};
use crate::console::listing::Chip;
use crate::console::times::{Calendar, TimeView, counted, grouped};
use crate::console::units::duration;

/// How many changes of a dry run are listed.
const MAX_CHANGES: usize = 500;

/// How many changed fields of an object are listed.
const MAX_FIELDS: usize = 10;

/// The longest text of a changed field, in characters.
const MAX_CHARS: usize = 200;

/// A sync.
pub(super) struct ReportView {
    pub(super) id: String,
    pub(super) chip: Chip,
    pub(super) began: Option<TimeView>,
    pub(super) took: String,
    pub(super) beginner: String,
    /// What is wrong, and what to do; empty when nothing is.
    pub(super) error: String,
    pub(super) fix: String,
    pub(super) is_refused: bool,
    pub(super) counts: Vec<CountsView>,
    /// Empty when it is not known.
    pub(super) own_count: String,
    pub(super) completeness: &'static str,
    pub(super) sha256: String,
    pub(super) skipped: Vec<(String, String)>,
    pub(super) skipped_count: String,
    pub(super) warnings: Vec<String>,
    pub(super) changes: Vec<ChangeView>,
    /// How many changes are not listed; empty when all are.
    pub(super) more_changes: String,
}

/// How many objects of a kind were read, and what became of them.
pub(super) struct CountsView {
    pub(super) kind: &'static str,
    /// Read, created, changed, unchanged, gone, skipped.
    pub(super) figures: Vec<String>,
}

/// What a dry run would change.
pub(super) struct ChangeView {
    pub(super) name: String,
    pub(super) kind: &'static str,
    pub(super) verb: &'static str,
    pub(super) fields: Vec<String>,
}

/// The columns of [`CountsView::figures`].
const FIGURES: [&str; 6] = ["read", "created", "changed", "unchanged", "gone", "skipped"];

impl ReportView {
    pub(super) fn new(sync: &SyncView, calendar: &Calendar) -> Self {
        let report = &sync.report;
        let text = |key: &str| report[key].as_str().unwrap_or_default();
        let (error, fix) =
            if text("error").is_empty() { Default::default() } else { problem_and_fix(text("error")) };
        let began = instant(&sync.started_at);
        let ended = sync.ended_at.as_deref().and_then(instant);
        let took = began.zip(ended).map(|(began, ended)| duration(ended.as_micros() - began.as_micros()));
        let changes = list(report, "changes");
        let more = changes.len().saturating_sub(MAX_CHANGES);
        Self {
            id: sync.id.clone().unwrap_or_default(),
            chip: sync_chip(sync.state),
            began: began.map(|at| calendar.time(at)),
            took: took.unwrap_or_else(|| "–".to_owned()),
            beginner: beginner(&sync.trigger, &sync.actor),
            error,
            fix,
            is_refused: sync.state == "refused",
            counts: counts(report),
            own_count: report["ownCount"].as_u64().map(grouped).unwrap_or_default(),
            completeness: match report["isComplete"].as_bool() {
                Some(true) => "complete",
                Some(false) => "not complete: nothing was changed",
                None => "",
            },
            sha256: text("sha256").to_owned(),
            skipped: list(report, "skipped").iter().map(skipped).collect(),
            skipped_count: counted(report["skippedCount"].as_u64().unwrap_or_default(), "entry", "entries"),
            warnings: list(report, "warnings").iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            changes: changes.iter().take(MAX_CHANGES).map(change).collect(),
            more_changes: if more > 0 {
                counted(more as u64, "more change", "more changes")
            } else {
                String::new()
            },
        }
    }
}

fn list<'r>(report: &'r Value, key: &str) -> &'r [Value] {
    report[key].as_array().map_or(&[], Vec::as_slice)
}

fn counts(report: &Value) -> Vec<CountsView> {
    let kinds = report["counts"].as_object().into_iter().flatten();
    let view = |(kind, counts): (&String, &Value)| CountsView {
        kind: objects(kind),
        figures: FIGURES.iter().map(|key| grouped(counts[*key].as_u64().unwrap_or_default())).collect(),
    };
    kinds.map(view).collect()
}

/// Returns the sum of a figure over every kind; none when nothing was counted.
pub(super) fn total(report: &Value, figure: &str) -> Option<u64> {
    let counts = report["counts"].as_object()?;
    Some(counts.values().filter_map(|counts| counts[figure].as_u64()).sum())
}

fn skipped(entry: &Value) -> (String, String) {
    let text = |key: &str| entry[key].as_str().unwrap_or_default().to_owned();
    (text("entry"), text("reason"))
}

fn change(change: &Value) -> ChangeView {
    let text = |key: &str| change[key].as_str().unwrap_or_default();
    let fields = change["fields"].as_array().map_or(&[][..], Vec::as_slice);
    let mut lines: Vec<_> = fields.iter().take(MAX_FIELDS).map(field).collect();
    if fields.len() > MAX_FIELDS {
        lines.push(counted((fields.len() - MAX_FIELDS) as u64, "more field", "more fields"));
    }
    ChangeView {
        name: text("name").to_owned(),
        kind: noun(text("kind")),
        verb: match text("action") {
            "create" => "Add",
            "gone" => "Gone",
            _ => "Change",
        },
        fields: lines,
    }
}

fn field(field: &Value) -> String {
    let side = |value: &Value| match value {
        Value::Null => "(not set)".to_owned(),
        value => value.to_string(),
    };
    let name = field["field"].as_str().unwrap_or_default();
    let text = format!("{name}: {} → {}", side(&field["before"]), side(&field["after"]));
    let mut short: String = text.chars().take(MAX_CHARS).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn figures_are_summed_over_kinds() {
        let report = json!({ "counts": { "users": { "gone": 2 }, "groups": { "gone": 1 } } });
        assert_eq!((total(&report, "gone"), total(&json!({}), "gone")), (Some(3), None));
    }

    #[test]
    fn a_change_says_what_a_field_was_and_becomes() {
        let shown = change(&json!({ "kind": "users", "name": "ada", "action": "change",
            "fields": [{ "field": "email", "after": "ada@acme.example" }] }));
        assert_eq!((shown.verb, shown.kind), ("Change", "user"));
        assert_eq!(shown.fields, ["email: (not set) → \"ada@acme.example\""]);
    }
}
