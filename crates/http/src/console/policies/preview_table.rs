//! The changes of a preview as a table: people by data sources where these are few, else change by change.

use std::collections::BTreeMap;

use domesday_engine::Effect;
use domesday_model::{Scope, Snapshot};
use domesday_service::preview::{ListedChange, PreviewReport};

use super::preview_links::{source_link, user_link};
use crate::console::link::Link;
use crate::console::times::grouped;

/// How many data sources are columns of a table.
const MAX_COLUMNS: usize = 4;

/// How many rows are shown; the CSV file has all that are listed.
const MAX_ROWS: usize = 50;

/// A table of changes.
pub(super) struct ChangeTable {
    pub(super) heads: Vec<Link>,
    pub(super) rows: Vec<ChangeRow>,
    /// How many more rows there are; empty when all are shown.
    pub(super) more: String,
    /// Whether it shows every change, by person and by data source.
    pub(super) is_complete: bool,
}

/// One person, or one change.
pub(super) struct ChangeRow {
    pub(super) person: Link,
    pub(super) about: String,
    pub(super) cells: Vec<Vec<Mark>>,
}

/// One change in a cell.
pub(super) struct Mark {
    pub(super) class: &'static str,
    pub(super) icon: &'static str,
    pub(super) text: Link,
    pub(super) note: String,
}

impl ChangeTable {
    pub(super) fn new(snapshot: &Snapshot, report: &PreviewReport) -> Self {
        let mut sources: Vec<&str> = report.by_data_source.iter().map(|(name, _)| name.as_str()).collect();
        sources.sort_unstable();
        let is_matrix = sources.len() <= MAX_COLUMNS && report.changes.len() == report.total;
        let (heads, mut rows) = if is_matrix {
            let heads = sources.iter().map(|name| source_link(snapshot, name)).collect();
            (heads, matrix(snapshot, report, &sources))
        } else {
            (vec![Link::plain("Data source"), Link::plain("Change")], list(snapshot, report))
        };
        let more = rows.len().saturating_sub(MAX_ROWS);
        rows.truncate(MAX_ROWS);
        let is_complete = is_matrix && more == 0;
        Self { heads, rows, is_complete, more: if more == 0 { String::new() } else { grouped(more as u64) } }
    }
}

/// A row a person, a column a data source.
fn matrix(snapshot: &Snapshot, report: &PreviewReport, sources: &[&str]) -> Vec<ChangeRow> {
    let mut people: BTreeMap<&str, Vec<Vec<Mark>>> = BTreeMap::new();
    for change in &report.changes {
        let row = people.entry(&change.user).or_insert_with(|| sources.iter().map(|_| Vec::new()).collect());
        if let Ok(at) = sources.binary_search(&change.data_source.as_str()) {
            row[at].push(mark(change, report));
        }
    }
    let mut rows: Vec<_> = people
        .into_iter()
        .map(|(username, cells)| {
            let (person, about) = user_link(snapshot, username);
            ChangeRow { person, about, cells }
        })
        .collect();
    rows.sort_by_cached_key(|row| row.person.text.to_lowercase());
    rows
}

/// A row a change.
fn list(snapshot: &Snapshot, report: &PreviewReport) -> Vec<ChangeRow> {
    let rows = report.changes.iter().map(|change| {
        let (person, about) = user_link(snapshot, &change.user);
        let source = Mark {
            class: "",
            icon: "",
            text: source_link(snapshot, &change.data_source),
            note: String::new(),
        };
        ChangeRow { person, about, cells: vec![vec![source], vec![mark(change, report)]] }
    });
    rows.collect()
}

fn mark(change: &ListedChange, report: &PreviewReport) -> Mark {
    let scope = match change.scope {
        Some(Scope::Write) => "write",
        _ => "read",
    };
    let column = change.column.as_deref().unwrap_or_default();
    let blocking: Vec<_> = change
        .causes
        .iter()
        .filter(|name| report.figures.blocking.contains(name))
        .map(String::as_str)
        .collect();
    let by = || if blocking.is_empty() { String::new() } else { format!("by {}", blocking.join(", ")) };
    let (class, icon, text, note) = match change.effect {
        Effect::Added => ("granted", "granted", format!("Gains {scope}"), String::new()),
        Effect::Unblocked => ("granted", "granted", format!("Gains {scope}"), "was blocked".to_owned()),
        Effect::Removed => ("none", "dash", format!("Loses {scope}"), String::new()),
        Effect::Blocked => ("blocked", "blocked", format!("Blocked, {scope}"), by()),
        Effect::Idle if change.is_blocked => ("blocked", "blocked", format!("Blocked, {scope}"), by()),
        Effect::Idle => ("none", "dash", format!("No longer granted, {scope}"), "was blocked".to_owned()),
        Effect::ColumnsClear => ("unmasked", "unmasked", format!("Unmasked {column}"), String::new()),
        Effect::ColumnsMasked => ("masked", "masked", format!("Masked {column}"), String::new()),
    };
    Mark { class, icon, text: Link::plain(text), note }
}
