//! What a draft would change, as it is shown before it is saved.

use axum::response::Response;
use domesday_engine::{Effect, EffectCounts};
use domesday_model::Snapshot;
use domesday_service::preview::{AccessFigure, Figures, ListedChange, PreviewReport};

use super::fields::PolicyFields;
use super::preview_links::{source_link, user_link};
use super::preview_table::ChangeTable;
use crate::console::csv::Csv;
use crate::console::link::Link;
use crate::console::times::{counted, grouped};

/// How many policies, data sources and people are listed with their counts.
const MAX_COUNTED: usize = 8;

/// A preview.
pub(super) struct PreviewView {
    /// Why nothing changes; empty when something does.
    pub(super) nothing: String,
    pub(super) figures: Vec<FigureView>,
    pub(super) counts: Vec<CountTable>,
    pub(super) table: ChangeTable,
    /// Such as "All 10 changes"; "The first 2,000 of 12,345 changes".
    pub(super) listed: String,
    /// What saving does, in a sentence.
    pub(super) consequence: String,
}

/// One total.
pub(super) struct FigureView {
    pub(super) class: &'static str,
    pub(super) icon: &'static str,
    pub(super) name: &'static str,
    pub(super) value: String,
    pub(super) note: String,
}

/// Changes counted by policy, by data source or by person.
pub(super) struct CountTable {
    pub(super) id: &'static str,
    pub(super) title: &'static str,
    pub(super) head: &'static str,
    pub(super) effects: Vec<&'static str>,
    pub(super) rows: Vec<(Link, Vec<String>)>,
    /// How many more there are; empty when all are listed.
    pub(super) more: String,
}

impl PreviewView {
    pub(super) fn new(snapshot: &Snapshot, report: &PreviewReport, fields: &PolicyFields) -> Self {
        let policy = |name: &str| match snapshot.policy(name) {
            Some(policy) => Link::new(name, super::policy_path(snapshot.policies[policy.get()].id.0)),
            None => match snapshot.data_policy(name) {
                Some(policy) => {
                    Link::new(name, super::policy_path(snapshot.data_policies[policy.get()].id.0))
                }
                None if name == "OWNER" => Link::plain("Ownership"),
                None if name == "REQUEST" => Link::plain("Requests"),
                None => Link::plain(name),
            },
        };
        let table = ChangeTable::new(snapshot, report);
        let mut counts = vec![count_table("by-policy", "By policy", "Policy", &report.by_policy, policy)];
        if !table.is_complete {
            let source = |name: &str| source_link(snapshot, name);
            let user = |name: &str| user_link(snapshot, name).0;
            counts.push(count_table(
                "by-source",
                "By data source",
                "Data source",
                &report.by_data_source,
                source,
            ));
            counts.push(count_table("by-person", "By person", "Person", &report.by_user, user));
        }
        let total = report.total as u64;
        let listed = if report.changes.len() == report.total {
            format!("All {}", counted(total, "change", "changes"))
        } else {
            format!(
                "The first {} of {}",
                grouped(report.changes.len() as u64),
                counted(total, "change", "changes")
            )
        };
        Self {
            nothing: if report.total > 0 { String::new() } else { nothing(fields) },
            figures: figures(&report.figures),
            counts: if report.total > 0 { counts } else { Vec::new() },
            table,
            listed,
            consequence: consequence(&report.figures),
        }
    }
}

/// Why a draft changes nothing.
fn nothing(fields: &PolicyFields) -> String {
    let reason = match fields.state.as_str() {
        "active" => "Nobody’s access and no column changes.",
        "staged" => "A staged policy is not evaluated. Choose Active to see what it would change.",
        _ => "A disabled policy is not evaluated. Choose Active to see what it would change.",
    };
    reason.to_owned()
}

fn figures(figures: &Figures) -> Vec<FigureView> {
    let note = |figure: &AccessFigure| match figure.outcomes {
        0 => "nobody".to_owned(),
        _ => format!(
            "{}, {}",
            counted(figure.people as u64, "person", "people"),
            counted(figure.sources as u64, "data source", "data sources")
        ),
    };
    let view = |class, icon, name, value: usize, note| FigureView {
        class,
        icon,
        name,
        value: grouped(value as u64),
        note,
    };
    let blocked = match figures.blocking.as_slice() {
        [] => note(&figures.blocked),
        [one] => format!("by {one}"),
        [one, two] => format!("by {one} and {two}"),
        [one, ..] => format!("by {one} and {} more", figures.blocking.len() - 1),
    };
    let masked = match (figures.masked.known, figures.masked.new) {
        (0, 0) => "no column".to_owned(),
        (0, _) => "columns, counted for each new reader".to_owned(),
        (_, 0) => "columns, counted for each reader".to_owned(),
        (known, new) => {
            format!("columns: {} for new readers, {} for others", grouped(new as u64), grouped(known as u64))
        }
    };
    let mut views = vec![
        view("granted", "granted", "Gain access", figures.gained.outcomes, note(&figures.gained)),
        view("blocked", "blocked", "Blocked", figures.blocked.outcomes, blocked),
        view("none", "dash", "Lose access", figures.lost.outcomes, note(&figures.lost)),
        view("masked", "masked", "Masked", figures.masked.total(), masked),
    ];
    if figures.unmasked > 0 {
        let note = "columns, counted for each reader".to_owned();
        views.push(view("unmasked", "unmasked", "Unmasked", figures.unmasked, note));
    }
    views
}

/// What saving does at once; empty when it changes nothing.
fn consequence(figures: &Figures) -> String {
    let people = |count: usize| counted(count as u64, "person", "people");
    let sources = |count: usize| counted(count as u64, "data source", "data sources");
    let mut parts = Vec::new();
    let Figures { gained, lost, blocked, .. } = figures;
    if gained.outcomes > 0 {
        parts.push(format!("lets {} into {}", people(gained.people), sources(gained.sources)));
    }
    if lost.outcomes > 0 {
        parts.push(format!("takes access to {} from {}", sources(lost.sources), people(lost.people)));
    }
    if blocked.outcomes > 0 && gained.outcomes == 0 {
        parts.push(format!("blocks {} from {}", people(blocked.people), sources(blocked.sources)));
    }
    if figures.masked.known > 0 {
        parts.push("masks columns".to_owned());
    }
    if figures.unmasked > 0 {
        parts.push("unmasks columns".to_owned());
    }
    match parts.pop() {
        None => String::new(),
        Some(last) if parts.is_empty() => format!("Saving {last} at once."),
        Some(last) => format!("Saving {} and {last} at once.", parts.join(", ")),
    }
}

/// The effects in the order of the columns of a table.
const EFFECTS: [(&str, &[Effect]); 6] = [
    ("Gain", &[Effect::Added, Effect::Unblocked]),
    ("Lose", &[Effect::Removed]),
    ("Blocked", &[Effect::Blocked]),
    ("While blocked", &[Effect::Idle]),
    ("Masked", &[Effect::ColumnsMasked]),
    ("Unmasked", &[Effect::ColumnsClear]),
];

fn count_table(
    id: &'static str,
    title: &'static str,
    head: &'static str,
    list: &[(String, EffectCounts)],
    link: impl Fn(&str) -> Link,
) -> CountTable {
    let count = |counts: &EffectCounts, effects: &[Effect]| {
        effects.iter().map(|effect| counts.get(*effect)).sum::<usize>() as u64
    };
    let occur: Vec<_> = EFFECTS
        .iter()
        .filter(|(_, effects)| list.iter().any(|(_, counts)| count(counts, effects) > 0))
        .collect();
    let rows = list.iter().take(MAX_COUNTED).map(|(name, counts)| {
        let cells = occur.iter().map(|(_, effects)| match count(counts, effects) {
            0 => "–".to_owned(),
            count => grouped(count),
        });
        (link(name), cells.collect())
    });
    let more = list.len().saturating_sub(MAX_COUNTED);
    CountTable {
        id,
        title,
        head,
        rows: rows.collect(),
        effects: occur.iter().map(|(name, _)| *name).collect(),
        more: if more == 0 { String::new() } else { format!("{} more", grouped(more as u64)) },
    }
}

/// The name of a change in a table.
fn change_name(change: &ListedChange) -> &'static str {
    match change.effect {
        Effect::Added => "gains access",
        Effect::Unblocked => "gains access, was blocked",
        Effect::Removed => "loses access",
        Effect::Blocked => "blocked, had access",
        Effect::Idle if change.is_blocked => "granted and blocked",
        Effect::Idle => "no longer granted, was blocked",
        Effect::ColumnsClear => "unmasked",
        Effect::ColumnsMasked => "masked",
    }
}

/// Returns the listed changes as CSV.
pub(super) fn csv(snapshot: &Snapshot, report: &PreviewReport) -> Response {
    let mut csv = Csv::new(&["user", "name", "data_source", "scope", "column", "change", "caused_by"]);
    for change in &report.changes {
        csv.row([
            change.user.as_str(),
            &user_link(snapshot, &change.user).0.text,
            &change.data_source,
            change.scope.map_or("", domesday_model::Scope::as_str),
            change.column.as_deref().unwrap_or_default(),
            change_name(change),
            &change.causes.join("; "),
        ]);
    }
    csv.into_response("policy-preview")
}
