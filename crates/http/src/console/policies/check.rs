//! What is shown of a policy while it is typed: whether its condition is complete, and what it applies to.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use domesday_model::condition::ParseError;
use domesday_model::{AppliesTo, ColumnSelector, Condition, DataSourceIx, DataSourceStatus, Kind, Snapshot};
use domesday_service::evaluation::{DraftMatches, Evaluation, PolicyDraft};
use serde_json::{Value, json};

use super::entries::split;
use super::fields::PolicyFields;
use super::{Rights, rights};
use crate::console::access::{place, source_path};
use crate::console::errors::Failure;
use crate::console::form::Form;
use crate::console::link::Link;
use crate::console::page;
use crate::console::signed_in::SignedIn;
use crate::console::times::{counted, grouped};
use crate::state::{App, AppState};

/// How many of the data sources are listed.
const MAX_LISTED: usize = 12;

/// How many characters of a condition are shown around a mistake.
const AROUND: usize = 40;

/// Whether the condition is complete.
pub(super) enum ConditionCheck {
    /// There is none to check.
    Absent,
    /// It can be read; with the people for whom it holds, where the caller may see that.
    Complete(String),
    /// It cannot be read.
    Wrong(ConditionMistake),
}

/// A mistake in a condition, at its place.
pub(super) struct ConditionMistake {
    /// Such as "At position 30".
    pub(super) place: String,
    pub(super) message: String,
    pub(super) before: String,
    pub(super) marked: String,
    pub(super) after: String,
}

/// What the policy applies to.
pub(super) struct MatchesView {
    /// Such as "2 data sources"; empty when it cannot be said.
    pub(super) total: String,
    pub(super) note: String,
    pub(super) sources: Vec<(Link, String)>,
    /// How many more there are; empty when all are listed.
    pub(super) more: String,
    pub(super) is_empty: bool,
}

/// What is checked while somebody types.
pub(super) struct CheckView {
    pub(super) condition: ConditionCheck,
    /// None for callers who do not see data sources.
    pub(super) matches: Option<MatchesView>,
}

#[derive(Template)]
#[template(path = "console/policies/check.html")]
struct CheckPage {
    check: CheckView,
}

/// Returns the checks of a form as it is typed.
pub(super) async fn check(
    State(app): State<App>,
    signed_in: SignedIn,
    form: Form,
) -> Result<Response, Failure> {
    let rights = rights(&app, &signed_in).await?;
    let view = view(&app, &signed_in, &rights, &PolicyFields::from_form(&form)).await?;
    Ok(page(&CheckPage { check: view }))
}

/// Checks the fields of a policy.
pub(super) async fn view(
    app: &AppState,
    signed_in: &SignedIn,
    rights: &Rights,
    fields: &PolicyFields,
) -> Result<CheckView, Failure> {
    let has_condition = fields.kind() == Kind::DataPolicy || fields.level == "entitlements";
    let condition =
        (has_condition && !fields.condition.is_empty()).then(|| fields.condition.parse::<Condition>());
    let (mut matches, mut people) = (None, String::new());
    if rights.reads_all() {
        let evaluation = app.service.evaluations.current(signed_in.caller.revision).await?;
        let readable = condition.as_ref().and_then(|parsed| parsed.as_ref().ok()).cloned();
        let found = find(&evaluation, fields, readable).await?;
        people = satisfied(&found);
        matches = Some(matches_view(evaluation.snapshot(), fields, &found));
    }
    let condition = match condition {
        None => ConditionCheck::Absent,
        Some(Ok(_)) => ConditionCheck::Complete(people),
        Some(Err(error)) => ConditionCheck::Wrong(mistake(&fields.condition, &error)),
    };
    Ok(CheckView { condition, matches })
}

async fn find(
    evaluation: &Arc<Evaluation>,
    fields: &PolicyFields,
    condition: Option<Condition>,
) -> Result<DraftMatches, Failure> {
    let applies_to = fields.applies_to_document().ok().as_ref().and_then(read_applies_to);
    // An empty selection selects nothing in particular: it is a mistake, not everything.
    let applies_to = applies_to.filter(|it| {
        !matches!(it, AppliesTo::Any(selectors) if selectors.contains(&domesday_model::Selector::default()))
    });
    let columns = (fields.kind() == Kind::DataPolicy).then(|| ColumnSelector {
        tagged: split(&fields.columns_tagged),
        names: split(&fields.columns_named),
    });
    let draft = PolicyDraft::new(applies_to, condition, columns);
    Ok(evaluation.draft_matches(fields.kind(), &fields.name, draft).await?)
}

/// Reads an `appliesTo` as strictly as the document of a policy is read.
fn read_applies_to(applies_to: &Value) -> Option<AppliesTo> {
    let document = json!({ "name": "x", "type": "grant", "level": "anyone", "appliesTo": applies_to });
    let mut document = domesday_sources::parse_object(Kind::Policy, &document.to_string()).ok()?;
    serde_json::from_value(document["appliesTo"].take()).ok()
}

/// For how many people the condition holds.
fn satisfied(found: &DraftMatches) -> String {
    let Some(users) = found.users else { return String::new() };
    let at_least = if users.is_complete { "" } else { "at least " };
    let active = counted(found.active_users as u64, "active person", "active people");
    format!("It holds for {at_least}{} of {active}.", grouped(users.count as u64))
}

fn matches_view(snapshot: &Snapshot, fields: &PolicyFields, found: &DraftMatches) -> MatchesView {
    let Some(sources) = &found.sources else {
        let note = match fields.applies.as_str() {
            "written" => "The selection cannot be read yet.",
            _ => "Fill in at least one field of each selection, or choose all data sources.",
        };
        return MatchesView {
            total: String::new(),
            note: note.to_owned(),
            sources: Vec::new(),
            more: String::new(),
            is_empty: false,
        };
    };
    let more = sources.len().saturating_sub(MAX_LISTED);
    let columns =
        found.columns.map(|count| format!("{} of them to mask", counted(count as u64, "column", "columns")));
    MatchesView {
        total: counted(sources.len() as u64, "data source", "data sources"),
        note: columns.unwrap_or_else(|| "today".to_owned()),
        sources: sources.iter().take(MAX_LISTED).map(|source| source_line(snapshot, *source)).collect(),
        more: if more == 0 { String::new() } else { format!("{} more", grouped(more as u64)) },
        is_empty: sources.is_empty(),
    }
}

/// A data source with its place and tags.
pub(super) fn source_line(snapshot: &Snapshot, source: DataSourceIx) -> (Link, String) {
    let record = &snapshot.data_sources[source.get()];
    let tags: Vec<_> = record.tags.iter().map(|tag| snapshot.tags[tag.get()].spec.name.as_str()).collect();
    let mut note = format!("{} {}", record.platform, place(record));
    if !tags.is_empty() {
        note.push_str(&format!(", tagged {}", tags.join(", ")));
    }
    if record.status == DataSourceStatus::Disabled {
        note.push_str(", disabled");
    }
    (Link::new(&*record.name, source_path(record.id.0)), note)
}

/// Shows a mistake at its place in the text.
fn mistake(text: &str, error: &ParseError) -> ConditionMistake {
    let (before, rest) = text.split_at(error.offset.min(text.len()));
    let word = rest.find(|it: char| it.is_whitespace() || "(),".contains(it)).unwrap_or(rest.len());
    let first = rest.chars().next().map_or(0, char::len_utf8);
    let (marked, after) = rest.split_at(word.max(first));
    let start = before.char_indices().rev().nth(AROUND - 1).map_or(0, |(at, _)| at);
    let end = after.char_indices().nth(AROUND).map_or(after.len(), |(at, _)| at);
    let dots = |is_cut: bool| if is_cut { "…" } else { "" };
    let is_one_line = !text.contains('\n');
    ConditionMistake {
        place: if is_one_line {
            format!("At position {}", error.column)
        } else {
            format!("At line {}, position {}", error.line, error.column)
        },
        message: format!("expected {} but found {}.", error.expected, error.found),
        before: format!("{}{}", dots(start > 0), &before[start..]),
        marked: if marked.is_empty() { " ".to_owned() } else { marked.chars().take(2 * AROUND).collect() },
        after: format!("{}{}", &after[..end], dots(end < after.len())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistake_is_shown_at_its_place() {
        let show = |text: &str| {
            let mistake = mistake(text, &text.parse::<Condition>().unwrap_err());
            (mistake.place, format!("{}[{}]{}", mistake.before, mistake.marked, mistake.after))
        };
        let (place, shown) = show("@isInGroups('Marketing') AND @isInGroup('Training','GDPR.2026')");
        assert_eq!(place, "At position 30");
        assert_eq!(shown, "@isInGroups('Marketing') AND [@isInGroup]('Training','GDPR.2026')");
        assert_eq!(show("@isInGroups('a'"), ("At position 16".to_owned(), "@isInGroups('a'[ ]".to_owned()));
        let (place, shown) = show(&format!("@isInGroups('{}')\nAND ü", "x".repeat(99)));
        assert_eq!(place, "At line 2, position 5");
        assert!(shown.starts_with('…') && shown.ends_with("[ü]"), "{shown}");
    }
}
