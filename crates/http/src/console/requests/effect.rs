//! What an approval would change: for each data source the access at present and then.

use domesday_engine::{Access, ApprovalOutcome, ColumnOutcome};
use domesday_model::{DataSourceIx, ProductStatus, Request, RequestType, Scope, Snapshot, Target, UserIx};
use domesday_service::caller::Caller;
use domesday_service::evaluation::{AccessFilter, Evaluation, Selection, Selector};
use domesday_service::requests::Obstacle;

use crate::console::directory::listed;
use crate::console::errors::sentence;
use crate::console::link::Link;

/// How many data sources are shown.
const MAX_ROWS: usize = 50;

/// How many names a sentence has.
const MAX_NAMES: usize = 4;

/// What an approval would change.
#[derive(Debug)]
pub(in crate::console) struct EffectView {
    pub(in crate::console) verdict: String,
    pub(in crate::console) note: String,
    /// Why an approval would not be enough.
    pub(in crate::console) obstacles: Vec<String>,
    pub(in crate::console) rows: Vec<EffectRow>,
    /// How many data sources are not shown.
    pub(in crate::console) more: usize,
}

/// One data source.
#[derive(Debug)]
pub(in crate::console) struct EffectRow {
    pub(in crate::console) source: Link,
    /// `granted`, `blocked` or `none`.
    pub(in crate::console) now: &'static str,
    pub(in crate::console) then: &'static str,
    pub(in crate::console) is_changed: bool,
    pub(in crate::console) guardrails: String,
    pub(in crate::console) columns: String,
}

/// Access to one data source before and after.
struct Change {
    source: DataSourceIx,
    now: Access,
    then: ApprovalOutcome,
}

fn word(access: Access) -> &'static str {
    match access {
        Access::Granted => "granted",
        Access::Blocked => "blocked",
        Access::None => "none",
    }
}

/// Returns what the approval of a request would change, as far as the caller may see the access of its user. `who` is the
/// user as a sentence has them.
pub(in crate::console) fn effect(
    evaluation: &Evaluation,
    caller: &Caller,
    request: &Request,
    who: &str,
    obstacles: &[Obstacle],
) -> EffectView {
    let messages = obstacles.iter().map(|obstacle| sentence(obstacle.message())).collect();
    let (changes, is_complete) = changes(evaluation, caller, request);
    let snapshot = evaluation.snapshot();
    let (verdict, note) = match (is_complete, request.kind) {
        (true, RequestType::DataAccess) => verdict(snapshot, request.scope, &changes, who, obstacles),
        (_, RequestType::MaskingException) if obstacles.is_empty() => {
            (format!("Approval would let {who} see {} unmasked.", columns_of(request)), String::new())
        }
        _ if obstacles.is_empty() => {
            ("Approval would give all of the access that is asked for.".to_owned(), String::new())
        }
        _ => ("Approval would not be enough.".to_owned(), String::new()),
    };
    let more = changes.len().saturating_sub(MAX_ROWS);
    let user = snapshot.user(&request.user);
    let rows = changes.iter().take(MAX_ROWS).filter_map(|change| Some(row(snapshot, change, user?)));
    EffectView { verdict, note, obstacles: messages, rows: rows.collect(), more }
}

fn columns_of(request: &Request) -> String {
    let columns: Vec<_> = request.columns.iter().cloned().collect();
    let noun = if columns.len() == 1 { "the column" } else { "the columns" };
    format!("{noun} {}", listed(&columns, "and"))
}

/// The changes of a request for access that the caller may see, and whether these are all. Owners see who reaches their
/// own data sources alone.
fn changes(evaluation: &Evaluation, caller: &Caller, request: &Request) -> (Vec<Change>, bool) {
    let none = (Vec::new(), false);
    let snapshot = evaluation.snapshot();
    if request.kind != RequestType::DataAccess {
        return none;
    }
    let (names, by_product): (Vec<&str>, bool) = match &request.target {
        Target::DataSource(name) => (vec![name], false),
        Target::DataProduct(name) => {
            let product = snapshot.data_product(name).map(|product| &product.spec);
            let Some(product) = product.filter(|it| it.status == ProductStatus::Published) else {
                return none;
            };
            (product.data_sources.iter().map(|asset| asset.name.as_str()).collect(), true)
        }
    };
    let filter = AccessFilter { scope: Some(request.scope), outcome: None };
    let mut changes = Vec::with_capacity(names.len());
    for name in &names {
        let (user_name, source_name) = (Selector::Name(&request.user), Selector::Name(name));
        let selection = evaluation.select(caller, Some(user_name), Some(source_name));
        let Ok(Selection { user: Some(user), source: Some(source), .. }) = selection else { continue };
        let page = evaluation.pair_page(user, source, filter);
        let now = page.rows.first().map_or(Access::None, |row| row.outcome.into());
        let then = evaluation.outcomes.outcome_if_approved(user, source, request.scope, by_product);
        changes.push(Change { source, now, then });
    }
    let is_complete = changes.len() == names.len();
    (changes, is_complete)
}

/// The answer in a sentence, and what else is to say.
fn verdict(
    snapshot: &Snapshot,
    scope: Scope,
    changes: &[Change],
    who: &str,
    obstacles: &[Obstacle],
) -> (String, String) {
    let verb = if scope == Scope::Read { "read" } else { "write" };
    let names = |wanted: &dyn Fn(&Change) -> bool| {
        let found = changes.iter().filter(|change| wanted(change));
        let names: Vec<_> =
            found.map(|change| snapshot.data_sources[change.source.get()].name.to_string()).collect();
        match names.len() {
            0 => None,
            count if count > MAX_NAMES => Some(format!("{count} data sources")),
            _ => Some(listed(&names, "and")),
        }
    };
    let is = |access: Access| move |change: &Change| change.then.access == access;
    let gained = names(&|change| change.then.access == Access::Granted && change.now != Access::Granted);
    let open = names(&|change| change.now == Access::Granted);
    let (blocked, nothing) = (names(&is(Access::Blocked)), names(&is(Access::None)));
    let missed = match (&blocked, &nothing) {
        (Some(blocked), Some(nothing)) => Some(format!("{blocked} and {nothing}")),
        (blocked, nothing) => blocked.clone().or_else(|| nothing.clone()),
    };
    let verdict = match (&gained, &missed) {
        (Some(gained), None) => format!("Approval would let {who} {verb} {gained}."),
        (Some(gained), Some(missed)) => {
            format!("Approval would let {who} {verb} {gained}, but not {missed}.")
        }
        (None, Some(missed)) => format!("Approval would not be enough to {verb} {missed}."),
        (None, None) if changes.is_empty() => "Approval would change nothing: there is no data.".to_owned(),
        (None, None) => {
            format!("Approval would change nothing: {who} can {verb} all of it already.")
        }
    };
    let mut notes = Vec::new();
    if missed.is_none() && gained.is_some() && obstacles.is_empty() {
        notes.push("No guardrail blocks it.".to_owned());
    }
    if let (Some(open), true) = (open, gained.is_some() || missed.is_some()) {
        notes.push(format!("Open already: {open}."));
    }
    (verdict, notes.join(" "))
}

fn row(snapshot: &Snapshot, change: &Change, user: UserIx) -> EffectRow {
    let record = &snapshot.data_sources[change.source.get()];
    let guardrails: Vec<_> = change
        .then
        .guardrails
        .iter()
        .map(|policy| snapshot.policies[policy.get()].spec.name.clone())
        .collect();
    let user = snapshot.users[user.get()].id.0;
    EffectRow {
        source: Link::new(&*record.name, format!("/console/access/user/{user}/data-source/{}", record.id.0)),
        now: word(change.now),
        then: word(change.then.access),
        is_changed: change.now != change.then.access,
        guardrails: listed(&guardrails, "and"),
        columns: if change.then.access == Access::Granted {
            columns(snapshot, &change.then)
        } else {
            String::new()
        },
    }
}

/// How the columns would be seen.
fn columns(snapshot: &Snapshot, then: &ApprovalOutcome) -> String {
    let names = |outcome: ColumnOutcome| {
        let found = then.columns.iter().filter(|(_, seen)| *seen == outcome);
        let mut names: Vec<_> =
            found.map(|(column, _)| snapshot.columns[column.get()].name.to_string()).collect();
        let more = names.len().saturating_sub(MAX_NAMES);
        if more > 0 {
            names.truncate(MAX_NAMES);
            names.push(format!("{more} more"));
        }
        listed(&names, "and")
    };
    let (masked, unmasked) = (names(ColumnOutcome::Masked), names(ColumnOutcome::Unmasked));
    match (masked.is_empty(), unmasked.is_empty()) {
        (true, true) => "no column is masked".to_owned(),
        (false, true) => format!("{masked} masked"),
        (true, false) => format!("{unmasked} unmasked"),
        (false, false) => format!("{masked} masked; {unmasked} unmasked"),
    }
}
