//! The list of policies, data policies among them.

use std::cmp::Ordering;
use std::collections::HashSet;
use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use domesday_model::{DataPolicyIx, Kind, LevelKind, PolicyIx, PolicyKind, PolicyState, Scope, Snapshot};
use domesday_service::ServiceError;
use domesday_service::evaluation::{Evaluation, PolicySummary};
use domesday_store::Store;

use super::fields::PolicyType;
use super::list_query::{ListQuery, Order, PAGE};
use super::{PATH, Rights, policy_path, words};
use crate::console::access::policy_sources_path;
use crate::console::assets::{Assets, assets};
use crate::console::csv::Csv;
use crate::console::errors::Failure;
use crate::console::form::Form;
use crate::console::link::Link;
use crate::console::page;
use crate::console::pager::{Page, Pager};
use crate::console::shell::Shell;
use crate::console::signed_in::SignedIn;
use crate::console::times::{counted, grouped};
use crate::state::{App, AppState};

#[derive(Template)]
#[template(path = "console/policies/list.html")]
struct ListPage {
    assets: &'static Assets,
    shell: Shell,
    path: &'static str,
    can_create: bool,
    /// Whether the caller sees what policies apply to and whom they concern.
    sees_reach: bool,
    text: String,
    choices: Vec<Choice>,
    sort: String,
    heads: Vec<Head>,
    rows: Vec<RowView>,
    is_filtered: bool,
    unfiltered: String,
    range: String,
    previous: String,
    next: String,
    csv: String,
    toast: &'static str,
}

/// A filter of which one value is chosen.
struct Choice {
    name: &'static str,
    label: &'static str,
    any: &'static str,
    is_set: bool,
    options: Vec<(&'static str, &'static str, bool)>,
}

struct Head {
    text: &'static str,
    class: &'static str,
    href: String,
    sort: &'static str,
}

struct RowView {
    name: String,
    href: String,
    owner: String,
    kind: &'static str,
    scope: &'static str,
    level: &'static str,
    state: (&'static str, &'static str, &'static str),
    sources: Link,
    matches_nothing: bool,
    people: String,
    people_word: &'static str,
}

/// A policy in the list.
struct PolicyRow<'s> {
    id: i64,
    name: &'s str,
    owner: &'s str,
    policy_type: PolicyType,
    /// None of a data policy.
    scope: Option<Scope>,
    level: Option<LevelKind>,
    /// The level, or the mask of a data policy.
    level_word: &'static str,
    state: PolicyState,
    summary: PolicySummary,
}

impl PolicyRow<'_> {
    /// A disabled policy is not expected to apply to anything.
    fn matches_nothing(&self) -> bool {
        self.summary.sources == 0 && self.state != PolicyState::Disabled
    }

    fn is_shown(&self, query: &ListQuery) -> bool {
        query.policy_type.is_none_or(|only| only == self.policy_type)
            && query.scope.is_none_or(|only| self.scope == Some(only))
            && query.level.is_none_or(|only| self.level == Some(only))
            && query.state.is_none_or(|only| only == self.state)
            && (!query.matches_nothing || self.matches_nothing())
            && (query.text.is_empty() || self.name.to_lowercase().contains(&query.text))
    }

    fn compare(&self, other: &Self, query: &ListQuery) -> Ordering {
        let names = || self.name.to_lowercase().cmp(&other.name.to_lowercase()).then(self.id.cmp(&other.id));
        let order = match query.order {
            Order::Name => names(),
            Order::Type => self.policy_type.as_str().cmp(other.policy_type.as_str()),
            Order::State => self.state.cmp(&other.state),
            Order::Sources => self.summary.sources.cmp(&other.summary.sources),
            Order::People => self.summary.people.cmp(&other.summary.people),
        };
        let order = if query.is_descending { order.reverse() } else { order };
        order.then_with(names)
    }
}

/// What the list is made of.
struct Listed {
    evaluation: Arc<Evaluation>,
    rights: Rights,
    /// The policies that a manager of a domain sees; all for others.
    only: Option<HashSet<i64>>,
}

impl Listed {
    async fn load(app: &AppState, signed_in: &SignedIn) -> Result<Self, Failure> {
        let caller = signed_in.caller.clone();
        let read = move |store: &mut Store| -> Result<_, ServiceError> {
            let rights = Rights::find(store, &caller)?;
            if rights.reads_all() {
                return Ok((rights, None));
            }
            let mut ids: HashSet<i64> = rights.managed(store, Kind::Policy)?.into_iter().collect();
            ids.extend(rights.managed(store, Kind::DataPolicy)?);
            Ok((rights, Some(ids)))
        };
        let (rights, only) = app.service.pool.with(read).await?;
        let evaluation = app.service.evaluations.current(signed_in.caller.revision).await?;
        Ok(Self { evaluation, rights, only })
    }

    /// Returns the rows that a filter shows, in order, and how many there are without it.
    async fn rows(&self, query: &ListQuery) -> Result<(Vec<PolicyRow<'_>>, usize), Failure> {
        let snapshot: &Snapshot = self.evaluation.snapshot();
        let summaries = self.evaluation.policy_summaries().await?;
        let policies = snapshot.policies.iter().enumerate().map(|(at, policy)| {
            let spec = &policy.spec;
            PolicyRow {
                id: policy.id.0,
                name: &spec.name,
                owner: spec.owner.as_deref().unwrap_or_default(),
                policy_type: match spec.kind {
                    PolicyKind::Grant => PolicyType::Grant,
                    PolicyKind::Guardrail => PolicyType::Guardrail,
                },
                scope: Some(spec.scope),
                level: Some(spec.level.kind()),
                level_word: words::level(spec.level.kind()),
                state: spec.state,
                summary: summaries.policy(PolicyIx::at(at)),
            }
        });
        let masks = snapshot.data_policies.iter().enumerate().map(|(at, policy)| {
            let spec = &policy.spec;
            PolicyRow {
                id: policy.id.0,
                name: &spec.name,
                owner: spec.owner.as_deref().unwrap_or_default(),
                policy_type: PolicyType::Mask,
                scope: None,
                level: None,
                level_word: words::mask(spec.mask.kind()),
                state: spec.state,
                summary: summaries.data_policy(DataPolicyIx::at(at)),
            }
        });
        let seen = policies.chain(masks);
        let seen: Vec<_> =
            seen.filter(|row| self.only.as_ref().is_none_or(|only| only.contains(&row.id))).collect();
        let unfiltered = seen.len();
        let mut rows: Vec<_> = seen.into_iter().filter(|row| row.is_shown(query)).collect();
        rows.sort_by(|one, other| one.compare(other, query));
        Ok((rows, unfiltered))
    }
}

fn row_view(snapshot: &Snapshot, row: &PolicyRow<'_>) -> RowView {
    let owner = snapshot.user(row.owner).map_or(row.owner, |user| &snapshot.users[user.get()].name);
    RowView {
        name: row.name.to_owned(),
        href: policy_path(row.id),
        owner: owner.to_owned(),
        kind: words::noun_in_table(row.policy_type),
        scope: row.scope.map_or("–", words::scope),
        level: row.level_word,
        state: words::state(row.state),
        sources: Link::new(grouped(row.summary.sources as u64), sources_path(row)),
        matches_nothing: row.matches_nothing(),
        people: grouped(row.summary.people as u64),
        people_word: words::people(row.policy_type),
    }
}

/// The data sources that a policy applies to: where it concerns somebody, in the search; otherwise on its page.
fn sources_path(row: &PolicyRow<'_>) -> String {
    match (row.policy_type, row.summary.sources, row.summary.people) {
        (_, 0, _) => String::new(),
        (PolicyType::Mask, ..) | (_, _, 0) => policy_path(row.id),
        _ => policy_sources_path(row.id),
    }
}

/// Refuses what a manager of a domain does not see.
fn read_query(listed: &Listed, form: &Form) -> Result<ListQuery, ServiceError> {
    let query = ListQuery::read(form)?;
    let asks_for_reach = query.matches_nothing || matches!(query.order, Order::Sources | Order::People);
    if asks_for_reach && !listed.rights.reads_all() {
        use domesday_model::Permission::{Audit, Governance};
        return Err(ServiceError::lacks_any(&[Governance, Audit]));
    }
    Ok(query)
}

/// Shows the list.
pub(super) async fn show(
    State(app): State<App>,
    signed_in: SignedIn,
    form: Form,
) -> Result<Response, Failure> {
    let listed = Listed::load(&app, &signed_in).await?;
    let query = read_query(&listed, &form)?;
    let (rows, unfiltered) = listed.rows(&query).await?;
    let total = rows.len();
    let start = Page::start(query.page, PAGE, total);
    let shown = &rows[start..(start + PAGE).min(total)];
    let page_of = Page { number: query.page, size: PAGE, shown: shown.len(), total };
    let Pager { range, previous, next } =
        page_of.pager("policy", "policies", |number| query.href(PATH, &[("page", &number.to_string())]));
    let sees_reach = listed.rights.reads_all();
    let snapshot = listed.evaluation.snapshot();
    Ok(page(&ListPage {
        assets: assets(),
        path: PATH,
        can_create: listed.rights.writes(),
        sees_reach,
        text: query.value("q").to_owned(),
        choices: choices(&query, sees_reach),
        sort: query.value("sort").to_owned(),
        heads: heads(&query, sees_reach),
        rows: shown.iter().map(|row| row_view(snapshot, row)).collect(),
        is_filtered: query.is_filtered(),
        unfiltered: counted(unfiltered as u64, "policy", "policies"),
        range,
        previous,
        next,
        csv: query.href("/console/policies/csv", &[("page", "")]),
        toast: if form.has("removed") { "The policy is removed." } else { "" },
        shell: signed_in.shell,
    }))
}

fn heads(query: &ListQuery, sees_reach: bool) -> Vec<Head> {
    let sorted = |text, class, order| {
        let (href, sort) = query.sorted_by(order);
        Head { text, class, href, sort }
    };
    let plain = |text, class| Head { text, class, href: String::new(), sort: "" };
    let mut heads = vec![
        sorted("Name", "", Order::Name),
        sorted("Kind", "", Order::Type),
        plain("Scope", "opt"),
        plain("Level or mask", "opt"),
        sorted("State", "opt2", Order::State),
    ];
    if sees_reach {
        heads.push(sorted("Data sources", "n", Order::Sources));
        heads.push(sorted("People", "n opt2", Order::People));
    }
    heads
}

fn choices(query: &ListQuery, sees_reach: bool) -> Vec<Choice> {
    let choice = |name, label, any, values: &[(&'static str, &'static str)]| {
        let chosen = query.value(name);
        let options = values.iter().map(|(value, text)| (*value, *text, *value == chosen));
        Choice { name, label, any, is_set: !chosen.is_empty(), options: options.collect() }
    };
    let kinds = [("grant", "Grants"), ("guardrail", "Guardrails"), ("mask", "Data policies")];
    let levels = [
        ("ENTITLEMENTS", "Entitlements"),
        ("ANYONE", "Anyone"),
        ("APPROVAL", "Approval"),
        ("INDIVIDUALS", "Individuals"),
    ];
    let states = [("ACTIVE", "Active"), ("STAGED", "Staged"), ("DISABLED", "Disabled")];
    let mut choices = vec![
        choice("kind", "Kind", "Any kind", &kinds),
        choice("scope", "Scope", "Read and write", &[("READ", "Read"), ("WRITE", "Write")]),
        choice("level", "Level", "Any level", &levels),
        choice("state", "State", "Any state", &states),
    ];
    if sees_reach {
        choices.push(choice(
            "applies",
            "Applies to",
            "Applies to anything",
            &[("nothing", "Matches nothing")],
        ));
    }
    choices
}

/// Returns what the filter shows as CSV.
pub(super) async fn csv(
    State(app): State<App>,
    signed_in: SignedIn,
    form: Form,
) -> Result<Response, Failure> {
    let listed = Listed::load(&app, &signed_in).await?;
    let query = read_query(&listed, &form)?;
    let (rows, _) = listed.rows(&query).await?;
    let mut csv = Csv::new(&[
        "policy_id",
        "name",
        "kind",
        "scope",
        "level",
        "state",
        "owner",
        "data_sources",
        "people",
    ]);
    let sees_reach = listed.rights.reads_all();
    for row in rows {
        let count = |count: usize| if sees_reach { count.to_string() } else { String::new() };
        csv.row([
            row.id.to_string().as_str(),
            row.name,
            row.policy_type.as_str(),
            row.scope.map_or("", Scope::as_str),
            row.level.map_or("", LevelKind::as_str),
            row.state.as_str(),
            row.owner,
            &count(row.summary.sources),
            &count(row.summary.people),
        ]);
    }
    Ok(csv.into_response("policies"))
}
