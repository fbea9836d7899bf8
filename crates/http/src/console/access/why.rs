//! *Why*: the answer in one sentence, the derivation as a tree, the nearest ways to access.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use domesday_engine::{Access, ColumnExplanation, ConflictStep, Explanation, Sight, Way};
use domesday_model::{Permission, Scope};
use domesday_service::ServiceError;
use domesday_service::evaluation::{ASSET_READERS, Selection, Selector, View, reduce, reduce_column};

use super::actual::{ActualView, actual_access};
use super::list::query::address;
use super::tree::{Names, Part, access_tree, mask_node};
use super::ways::{Starter, WayView, helpers, way_view};
use super::words::{self, verb};
use super::{current, pair_path, parse_id, source_path, user_path};
use crate::console::assets::{Assets, assets};
use crate::console::errors::Failure;
use crate::console::form::Form;
use crate::console::link::Link;
use crate::console::page;
use crate::console::people::{self, ValueView};
use crate::console::shell::Shell;
use crate::console::signed_in::SignedIn;
use crate::console::times::{TimeView, counted, grouped};
use crate::state::App;

#[derive(Template)]
#[template(path = "console/access/why.html")]
struct WhyPage {
    assets: &'static Assets,
    shell: Shell,
    user: Link,
    source: Link,
    path: String,
    is_read: bool,
    /// `granted`, `blocked` or `none`.
    outcome: &'static str,
    outcome_name: &'static str,
    verdict: String,
    at: TimeView,
    ends: Option<TimeView>,
    actual: Vec<ActualView>,
    tree: Vec<Part>,
    has_access: bool,
    ways: Vec<WayView>,
    conflicts: Vec<ConflictView>,
    rule: String,
    columns: Vec<ColumnLine>,
    plain: String,
    column: Option<ColumnPart>,
    facts: UserFacts,
    about: SourceFacts,
}

struct ConflictView {
    title: String,
    text: String,
}

struct ColumnLine {
    link: Link,
    is_masked: bool,
    policies: String,
}

struct ColumnPart {
    name: String,
    verdict: String,
    parts: Vec<Part>,
    ways: Vec<WayView>,
}

/// What is known of the user.
struct UserFacts {
    position: String,
    username: String,
    provider: String,
    groups: Vec<String>,
    attributes: Vec<ValueView>,
    shows_entitlements: bool,
}

/// What is known of the data source.
struct SourceFacts {
    /// Whether the caller sees more of it than the name.
    is_shown: bool,
    platform: String,
    place: String,
    owners: String,
    tags: Vec<String>,
    column_tags: Vec<String>,
    readers: Option<String>,
}

/// Shows why a user can or cannot reach a data source.
pub(super) async fn show(
    State(app): State<App>,
    Path((user, source)): Path<(String, String)>,
    signed_in: SignedIn,
    form: Form,
) -> Result<Response, Failure> {
    let scope = match form.get("scope") {
        "" | "READ" => Scope::Read,
        "WRITE" => Scope::Write,
        _ => {
            return Err(ServiceError::invalid(
                "the address has a `scope` that is not known; it is READ or WRITE",
            )
            .into());
        }
    };
    let evaluation = current(&app, &signed_in).await?;
    let selectors = (Selector::Id(parse_id(&user)?), Selector::Id(parse_id(&source)?));
    let selection = evaluation.select(&signed_in.caller, Some(selectors.0), Some(selectors.1))?;
    let Selection { user: Some(user), source: Some(source), view } = selection else {
        return Err(ServiceError::internal(&"a pair was selected and not found").into());
    };
    let snapshot = &**evaluation.snapshot();
    let (person, record) = (&snapshot.users[user.get()], &snapshot.data_sources[source.get()]);
    // An owner sees usernames alone: people with all of their fields are for others to read.
    let shows_person = view != View::Owner;
    let user_name = if shows_person { &person.name } else { &person.username };
    let names = Names { user: user_name, source: &record.name };
    let mut explanation = evaluation.explain(user, source, scope).await?;
    let blocking = blocking(&explanation, view);
    reduce(&mut explanation, view);
    let path = pair_path(person.id.0, record.id.0);
    let is_own = signed_in.caller.user_id == Some(person.id);
    let starter = Starter {
        snapshot,
        source: record.id.0,
        user: if is_own { String::new() } else { person.username.to_string() },
        may_ask: is_own || (signed_in.caller.user.is_some() && signed_in.caller.has(Permission::Governance)),
    };
    let column = match form.get("column") {
        "" => None,
        name => {
            let found = snapshot.columns_of(source).find(|(_, column)| &*column.name == name);
            let (index, _) = found
                .ok_or_else(|| ServiceError::not_found(format!("the data source has no column `{name}`")))?;
            let mut column = evaluation.explain_column(user, source, index).await?;
            reduce_column(&mut column, view);
            Some(column_part(column, &names, &starter))
        }
    };
    let helpers = helpers(snapshot);
    let way = |way: Way| way_view(&way, &helpers, &starter);
    let total = record.columns.len();
    let masked = explanation.columns.len();
    let plain = match (scope, explanation.access, total - masked.min(total)) {
        (Scope::Read, Access::Granted, 0) => String::new(),
        (Scope::Read, Access::Granted, plain) => {
            format!("{} without a mask.", counted(plain as u64, "column", "columns"))
        }
        _ => String::new(),
    };
    let calendar = &signed_in.shell.calendar;
    // What roles a database has is for those who see everything.
    let actual = match view {
        View::Everything => actual_access(&evaluation.drifts().await?, user, source, scope, calendar),
        View::Own | View::Owner => Vec::new(),
    };
    let sees_source = view != View::Own || (signed_in.caller.roles && record.owners.contains(&user));
    let shows_source = sees_source || signed_in.caller.has_any(ASSET_READERS);
    let tag = |tag: &domesday_model::TagIx| snapshot.tags[tag.get()].spec.name.clone();
    let mut column_tags: Vec<_> =
        snapshot.columns_of(source).flat_map(|(_, column)| column.tags.iter().map(tag)).collect();
    column_tags.sort_unstable();
    column_tags.dedup();
    let lines = explanation.columns.iter().map(|step| ColumnLine {
        link: Link::new(
            step.column.as_str(),
            address(&path, std::iter::once(("column", step.column.as_str()))) + "#column",
        ),
        is_masked: step.outcome == Sight::Masked,
        policies: step.data_policies.join(", "),
    });
    let (outcome, outcome_name) = match explanation.access {
        Access::Granted => ("granted", "Granted"),
        Access::Blocked => ("blocked", "Blocked"),
        Access::None => ("none", "No access"),
    };
    Ok(page(&WhyPage {
        assets: assets(),
        user: Link::new(
            &**user_name,
            if view == View::Owner { String::new() } else { user_path(person.id.0) },
        ),
        source: Link::new(&*record.name, if sees_source { source_path(record.id.0) } else { String::new() }),
        is_read: scope == Scope::Read,
        outcome,
        outcome_name,
        verdict: verdict(&explanation, &names, &blocking),
        at: calendar.full(explanation.at),
        ends: explanation.expires_at.map(|end| calendar.full(end)),
        has_access: explanation.access == Access::Granted,
        ways: explanation.ways.drain(..).map(way).collect(),
        conflicts: explanation.conflicts.iter().map(conflict_view).collect(),
        rule: explanation.merged_policy.clone(),
        columns: lines.collect(),
        plain,
        column,
        facts: UserFacts {
            position: if shows_person { people::position(person) } else { String::new() },
            username: person.username.to_string(),
            provider: if shows_person {
                snapshot.symbols.text(person.identity_provider).to_owned()
            } else {
                String::new()
            },
            groups: people::groups(snapshot, person),
            attributes: people::attributes(snapshot, person),
            shows_entitlements: view == View::Everything || is_own,
        },
        about: SourceFacts {
            is_shown: shows_source,
            platform: record.platform.to_string(),
            place: words::place(record),
            owners: record
                .owners
                .iter()
                .map(|it| &*snapshot.users[it.get()].username)
                .collect::<Vec<_>>()
                .join(", "),
            tags: record.tags.iter().map(tag).collect(),
            column_tags,
            readers: sees_source.then(|| {
                let summary = evaluation.source_summary(source);
                format!(
                    "{}, {} blocked",
                    counted(summary.readers, "person", "people"),
                    grouped(summary.blocked)
                )
            }),
        },
        actual,
        tree: access_tree(&explanation, &names, view).parts(),
        path,
        shell: signed_in.shell,
    }))
}

/// The guardrails that block, as far as the view shows them.
fn blocking(explanation: &Explanation, view: View) -> Vec<String> {
    if view == View::Owner {
        return Vec::new();
    }
    let failing = explanation.guardrails.iter().filter(|step| !step.admits);
    failing.map(|step| step.name.clone()).collect()
}

/// The answer in one sentence.
fn verdict(explanation: &Explanation, names: &Names<'_>, blocking: &[String]) -> String {
    let (user, source, verb) = (names.user, names.source, verb(explanation.scope));
    let mut by = Vec::new();
    for part in &explanation.reasons {
        match part {
            domesday_engine::ReasonPart::Policy => {
                let admitting: Vec<_> = explanation
                    .grants
                    .iter()
                    .filter(|step| step.admits)
                    .map(|step| step.name.as_str())
                    .collect();
                by.push(match admitting.as_slice() {
                    [] => "by a policy".to_owned(),
                    [name] => format!("by the policy {name}"),
                    names => format!("by the policies {}", names.join(", ")),
                });
            }
            domesday_engine::ReasonPart::Owner => by.push("as an owner".to_owned()),
            domesday_engine::ReasonPart::Request => {
                by.push(
                    explanation
                        .request_id
                        .as_ref()
                        .map_or_else(|| "by a request".to_owned(), |id| format!("by the request {id}")),
                );
            }
        }
    }
    let by = by.join(" and ");
    match explanation.access {
        Access::Granted => format!("{user} can {verb} {source}: granted {by}."),
        Access::Blocked => {
            let blocked = match blocking {
                [] => "a guardrail".to_owned(),
                [name] => format!("the guardrail {name}"),
                names => format!("the guardrails {}", names.join(", ")),
            };
            format!("{user} cannot {verb} {source}: granted {by}, but blocked by {blocked}.")
        }
        Access::None => match explanation.excluded.first() {
            Some(domesday_engine::Exclusion::UserDisabled) => {
                format!("{user} cannot {verb} {source}: the user is disabled.")
            }
            Some(domesday_engine::Exclusion::DataSourceDisabled) => {
                format!("{user} cannot {verb} {source}: the data source is disabled.")
            }
            None => format!("{user} cannot {verb} {source}: nothing grants it."),
        },
    }
}

fn conflict_view(step: &ConflictStep) -> ConflictView {
    let rivals: Vec<_> =
        step.rivals.iter().map(|it| format!("{} ({})", it.name, it.level.as_str())).collect();
    let title = format!("Policies grant {} with different levels.", step.scope.as_str());
    let text = match &step.settled_by {
        Some(name) => {
            format!("{}. The data source's level choice settles it: {name} counts.", rivals.join(", "))
        }
        None => format!(
            "{}. Only {}, the more restrictive, applies. Set the level choice of the data source to choose.",
            rivals.join(", "),
            step.counts.as_str()
        ),
    };
    ConflictView { title, text }
}

fn column_part(column: ColumnExplanation, names: &Names<'_>, starter: &Starter<'_>) -> ColumnPart {
    let sees = match column.sight {
        Sight::Masked => "masked",
        Sight::Unmasked => "unmasked, although a mask applies",
        Sight::Plain => "as it is: no mask applies",
        Sight::Unreadable => "not at all: the data source cannot be read",
    };
    let verdict = format!("{} sees the column {}.", names.user, sees);
    let mut parts = Vec::new();
    for policy in &column.policies {
        parts.extend(mask_node(policy, names).parts());
    }
    let ways = column
        .ways
        .iter()
        .map(|way| way_view(way, "", starter))
        .map(|way| WayView { note: String::new(), ..way })
        .collect();
    ColumnPart { name: column.column, verdict, parts, ways }
}
