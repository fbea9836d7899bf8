//! *Who can reach what*: one search over users, groups, data sources, columns and policies.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use domesday_model::{DataSourceStatus, PolicyState, SnapshotUser, UserIx};
use domesday_service::ServiceError;
use domesday_service::evaluation::{ASSET_READERS, Evaluation, READERS};

use super::list::query::{MAX_TEXT, address};
use super::{PATH, current, lookup, pair_path, source_path, user_path};
use crate::console::assets::{Assets, assets};
use crate::console::errors::Failure;
use crate::console::form::Form;
use crate::console::link::Link;
use crate::console::page;
use crate::console::people::is_disabled;
use crate::console::shell::Shell;
use crate::console::signed_in::SignedIn;
use crate::console::times::{counted, grouped};
use crate::state::App;

/// How many hits of a kind the page shows.
const HITS: usize = 20;

/// How many hits of a kind are suggested.
const SUGGESTIONS: usize = 4;

/// How many members of a group, or data sources of a policy, a page shows.
const LISTED: usize = 100;

#[derive(Template)]
#[template(path = "console/access/search.html")]
struct SearchPage {
    assets: &'static Assets,
    shell: Shell,
    text: String,
    is_asked: bool,
    sees_all: bool,
    /// What a group or a policy consists of.
    title: String,
    subtitle: String,
    kinds: Vec<Kind>,
}

#[derive(Template)]
#[template(path = "console/access/suggestions.html")]
struct Suggestions {
    kinds: Vec<Kind>,
}

/// Hits of one kind.
struct Kind {
    name: &'static str,
    icon: &'static str,
    total: String,
    hits: Vec<Hit>,
    /// How many more there are; empty when all are shown.
    more: String,
}

struct Hit {
    link: Link,
    note: String,
    mark: String,
}

impl Hit {
    fn of_user(user: &SnapshotUser) -> Self {
        Self {
            link: Link::new(&*user.name, user_path(user.id.0)),
            note: user.title.as_deref().unwrap_or(&user.username).to_owned(),
            mark: if is_disabled(user) { "disabled".to_owned() } else { String::new() },
        }
    }
}

impl Kind {
    fn new(name: &'static str, icon: &'static str, total: usize, hits: Vec<Hit>) -> Self {
        let more = total.saturating_sub(hits.len());
        let more = if more == 0 { String::new() } else { format!("{} more", grouped(more as u64)) };
        Self { name, icon, total: grouped(total as u64), hits, more }
    }
}

/// The hits of a text by kind; kinds without a hit are left out.
fn find(evaluation: &Evaluation, signed_in: &SignedIn, text: &str, limit: usize) -> Vec<Kind> {
    let caller = &signed_in.caller;
    let snapshot = evaluation.snapshot();
    let found = evaluation.search(caller, text, limit);
    let me = evaluation.user_of(caller);
    let to_source = |source: domesday_model::DataSourceIx| source_link(evaluation, signed_in, source, me);
    let users = found.users.first.iter().map(|user| Hit::of_user(&snapshot.users[user.get()]));
    let sources = found.sources.first.iter().map(|source| {
        let record = &snapshot.data_sources[source.get()];
        Hit {
            link: Link::new(&*record.name, to_source(*source)),
            note: if caller.has_any(ASSET_READERS) { record.platform.to_string() } else { String::new() },
            mark: if record.status == DataSourceStatus::Disabled {
                "disabled".to_owned()
            } else {
                String::new()
            },
        }
    });
    let columns = found.columns.first.iter().map(|(source, column)| {
        let (record, column) = (&snapshot.data_sources[source.get()], &snapshot.columns[column.get()]);
        let href = to_source(*source);
        let anchor = if href.contains("/user/") { String::new() } else { format!("#column-{}", column.id.0) };
        Hit {
            link: Link::new(&*column.name, href + &anchor),
            note: record.name.to_string(),
            mark: String::new(),
        }
    });
    let groups = found.groups.first.iter().map(|group| {
        let group = &snapshot.groups[group.get()];
        let href = address(PATH, std::iter::once(("group", &*group.name)));
        Hit { link: Link::new(&*group.name, href), note: String::new(), mark: String::new() }
    });
    let policies = found.policies.first.iter().map(|policy| {
        let policy = &snapshot.policies[policy.get()];
        let href = address(PATH, std::iter::once(("policy", policy.id.0.to_string().as_str())));
        let mark =
            if policy.spec.state == PolicyState::Active { String::new() } else { "not active".to_owned() };
        Hit { link: Link::new(policy.spec.name.as_str(), href), note: String::new(), mark }
    });
    let kinds = [
        Kind::new("People", "user", found.users.total, users.collect()),
        Kind::new("Data sources", "source", found.sources.total, sources.collect()),
        Kind::new("Columns", "list", found.columns.total, columns.collect()),
        Kind::new("Groups", "group", found.groups.total, groups.collect()),
        Kind::new("Policies", "shield", found.policies.total, policies.collect()),
    ];
    kinds.into_iter().filter(|kind| !kind.hits.is_empty()).collect()
}

/// Where a data source leads: to its page for those who see it, else to why the caller reaches it.
fn source_link(
    evaluation: &Evaluation,
    signed_in: &SignedIn,
    source: domesday_model::DataSourceIx,
    me: Option<UserIx>,
) -> String {
    let caller = &signed_in.caller;
    let snapshot = evaluation.snapshot();
    let record = &snapshot.data_sources[source.get()];
    let owns = caller.roles && me.is_some_and(|me| record.owners.contains(&me));
    match me {
        Some(me) if !caller.has_any(READERS) && !owns => {
            pair_path(snapshot.users[me.get()].id.0, record.id.0)
        }
        _ => source_path(record.id.0),
    }
}

/// Shows the search, what it finds, the members of a group, or the data sources of a policy.
pub(super) async fn show(
    State(app): State<App>,
    signed_in: SignedIn,
    form: Form,
) -> Result<Response, Failure> {
    let evaluation = current(&app, &signed_in).await?;
    let sees_all = signed_in.caller.has_any(READERS);
    let (group, policy) = (form.get("group"), form.get("policy"));
    let is_listing = !(group.is_empty() && policy.is_empty());
    if is_listing && !sees_all {
        return Err(ServiceError::lacks_any(READERS).into());
    }
    let text: String = form.get("q").chars().take(MAX_TEXT).collect();
    let (title, subtitle, kinds) = if !group.is_empty() {
        members(&evaluation, group)?
    } else if !policy.is_empty() {
        sources(&evaluation, policy)?
    } else if text.is_empty() {
        (String::new(), String::new(), mine(&evaluation, &signed_in))
    } else {
        (String::new(), String::new(), find(&evaluation, &signed_in, &text, HITS))
    };
    let is_asked = !text.is_empty();
    Ok(page(&SearchPage {
        assets: assets(),
        shell: signed_in.shell,
        text,
        is_asked,
        sees_all,
        title,
        subtitle,
        kinds,
    }))
}

/// What a user finds before they search: themselves, and the data sources that they own.
fn mine(evaluation: &Evaluation, signed_in: &SignedIn) -> Vec<Kind> {
    let snapshot = evaluation.snapshot();
    let caller = &signed_in.caller;
    let Some(me) = evaluation.user_of(caller) else { return Vec::new() };
    let record = &snapshot.users[me.get()];
    let hit = Hit {
        link: Link::new("What I can reach", user_path(record.id.0)),
        note: record.username.to_string(),
        mark: String::new(),
    };
    let mut kinds = vec![Kind::new("Me", "user", 1, vec![hit])];
    if caller.roles {
        let owned = snapshot.data_sources.iter().filter(|source| source.owners.contains(&me));
        let total = owned.clone().count();
        let hits: Vec<_> = owned
            .take(HITS)
            .map(|source| Hit {
                link: Link::new(&*source.name, source_path(source.id.0)),
                note: source.platform.to_string(),
                mark: String::new(),
            })
            .collect();
        if total > 0 {
            kinds.push(Kind::new("Data sources that I own", "source", total, hits));
        }
    }
    kinds
}

type Listed = (String, String, Vec<Kind>);

fn members(evaluation: &Evaluation, name: &str) -> Result<Listed, ServiceError> {
    let snapshot = evaluation.snapshot();
    let group = lookup::group(snapshot, name)?;
    let members = snapshot.users.iter().filter(|user| user.groups.contains(&group));
    let total = members.clone().count();
    let hits = members.take(LISTED).map(Hit::of_user);
    let kinds = vec![Kind::new("People", "user", total, hits.collect())];
    Ok((name.to_owned(), format!("Group of {}.", counted(total as u64, "member", "members")), kinds))
}

fn sources(evaluation: &Evaluation, id: &str) -> Result<Listed, ServiceError> {
    let snapshot = evaluation.snapshot();
    let policy = lookup::policy(snapshot, id)?;
    let sources = evaluation.sources_of(policy);
    let hits = sources.iter().take(LISTED).map(|source| {
        let record = &snapshot.data_sources[source.get()];
        let href = address(&source_path(record.id.0), std::iter::once(("policy", id)));
        Hit { link: Link::new(&*record.name, href), note: record.platform.to_string(), mark: String::new() }
    });
    let total = sources.len();
    let kinds = vec![Kind::new("Data sources", "source", total, hits.collect())];
    let name = snapshot.policies[policy.get()].spec.name.clone();
    Ok((
        name,
        format!(
            "Policy that admits or blocks somebody at {}.",
            counted(total as u64, "data source", "data sources")
        ),
        kinds,
    ))
}

/// Returns what is suggested while somebody types.
pub(super) async fn suggest(
    State(app): State<App>,
    signed_in: SignedIn,
    form: Form,
) -> Result<Response, Failure> {
    let text: String = form.get("q").chars().take(MAX_TEXT).collect();
    let evaluation = current(&app, &signed_in).await?;
    let kinds = if text.is_empty() { Vec::new() } else { find(&evaluation, &signed_in, &text, SUGGESTIONS) };
    Ok(page(&Suggestions { kinds }))
}
