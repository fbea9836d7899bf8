//! A user: entitlements with their origins, and what they can reach.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use domesday_model::UserIx;
use domesday_service::ServiceError;
use domesday_service::evaluation::{ASSET_READERS, Evaluation, Selection, Selector, UserSummary, View};

use super::list::query::ListQuery;
use super::list::row::row_view;
use super::list::{ListKind, ListView};
use super::words;
use super::{counted_rows, current, pair_path, parse_id, source_path, user_path};
use crate::console::assets::{Assets, assets};
use crate::console::errors::Failure;
use crate::console::form::Form;
use crate::console::link::Link;
use crate::console::page;
use crate::console::people::{self, ValueView};
use crate::console::shell::Shell;
use crate::console::signed_in::SignedIn;
use crate::console::times::{counted, grouped};
use crate::state::App;

#[derive(Template)]
#[template(path = "console/access/user.html")]
struct UserPage {
    assets: &'static Assets,
    shell: Shell,
    name: String,
    username: String,
    position: String,
    email: String,
    provider: String,
    manager: Link,
    is_disabled: bool,
    verdict: String,
    figures: Vec<(&'static str, Link)>,
    groups: Vec<String>,
    attributes: Vec<ValueView>,
    permissions: Vec<&'static str>,
    owned: Vec<Link>,
    more_owned: String,
    list: ListView,
}

const KIND: ListKind = ListKind {
    name: "Data source",
    about: "Platform",
    label: "Find among what they can reach",
    placeholder: "Find a data source",
    has_text: true,
    has_about: true,
};

/// How many data sources that a user owns are listed.
const MAX_OWNED: usize = 8;

fn select(evaluation: &Evaluation, signed_in: &SignedIn, id: &str) -> Result<(UserIx, View), Failure> {
    let selection = evaluation.select(&signed_in.caller, Some(Selector::Id(parse_id(id)?)), None)?;
    let Selection { user: Some(user), view, .. } = selection else {
        return Err(ServiceError::internal(&"a user was selected and not found").into());
    };
    Ok((user, view))
}

/// Shows a user.
pub(super) async fn show(
    State(app): State<App>,
    Path(id): Path<String>,
    signed_in: SignedIn,
    form: Form,
) -> Result<Response, Failure> {
    let evaluation = current(&app, &signed_in).await?;
    let (user, view) = select(&evaluation, &signed_in, &id)?;
    let snapshot = &**evaluation.snapshot();
    let record = &snapshot.users[user.get()];
    let path = user_path(record.id.0);
    let query = ListQuery::read(path.clone(), &form, snapshot, view, &signed_in.caller)?;
    let summary = evaluation.user_summary(user);
    let found = evaluation.user_rows(user, &query.filter, query.range());
    let calendar = &signed_in.shell.calendar;
    let sees_assets = signed_in.caller.has_any(ASSET_READERS);
    let rows = found.rows.into_iter().map(|row| {
        let source = snapshot.data_source(row.data_source).map(|source| &snapshot.data_sources[source.get()]);
        let mut shown = row_view(snapshot, row, &signed_in.caller, view, &path, calendar);
        if let Some(source) = source {
            let is_shown =
                view == View::Everything || (signed_in.caller.roles && source.owners.contains(&user));
            let href = if is_shown { source_path(source.id.0) } else { pair_path(record.id.0, source.id.0) };
            shown.name = Link::new(&*source.name, href);
            if sees_assets {
                let domain = source.domain.map(|domain| snapshot.domains[domain.get()].spec.name.clone());
                shown.about = source.platform.to_string();
                shown.note = domain.unwrap_or_default();
            }
        }
        shown
    });
    let rows = rows.collect();
    let mut choices = query.common_choices();
    if sees_assets {
        let mut domains: Vec<_> = snapshot.domains.iter().map(|domain| domain.spec.name.clone()).collect();
        domains.sort_unstable();
        let domains = domains.into_iter().map(|name| (name.clone(), name));
        choices.push(query.choice("domain", "Domain", "Any domain", domains));
    }
    if view == View::Everything {
        let policies = snapshot.policies.iter().map(|it| (it.id.0.to_string(), it.spec.name.clone()));
        choices.push(query.choice("policy", "Policy", "Any policy", policies));
    }
    let kind = ListKind { has_about: sees_assets, ..KIND };
    let list = query.view(&kind, choices, rows, found.total, found.unfiltered);
    let owned = snapshot.data_sources.iter().filter(|source| source.owners.contains(&user));
    let owned_count = owned.clone().count();
    let sees_sources = view == View::Everything || signed_in.caller.roles;
    let owned = owned.take(MAX_OWNED).map(|source| {
        Link::new(&*source.name, if sees_sources { source_path(source.id.0) } else { String::new() })
    });
    let manager = record.manager.map_or_else(
        || Link::plain(""),
        |manager| {
            let manager = &snapshot.users[manager.get()];
            if view == View::Everything {
                Link::new(&*manager.name, user_path(manager.id.0))
            } else {
                Link::plain(&*manager.username)
            }
        },
    );
    Ok(page(&UserPage {
        assets: assets(),
        name: record.name.to_string(),
        username: record.username.to_string(),
        position: people::position(record),
        email: record.email.as_deref().unwrap_or_default().to_owned(),
        provider: snapshot.symbols.text(record.identity_provider).to_owned(),
        manager,
        is_disabled: people::is_disabled(record),
        verdict: verdict(&record.name, &summary, people::is_disabled(record)),
        figures: vec![
            ("Can read", counted_rows(&path, summary.readable, "GRANTED", "READ")),
            ("Can write", counted_rows(&path, summary.writable, "GRANTED", "WRITE")),
            ("Blocked", counted_rows(&path, summary.blocked, "BLOCKED", "READ")),
            ("With masked columns", Link::plain(grouped(summary.masked))),
        ],
        groups: people::groups(snapshot, record),
        attributes: people::attributes(snapshot, record),
        permissions: record.permissions.iter().map(|permission| permission.as_str()).collect(),
        owned: owned.collect(),
        more_owned: match owned_count.saturating_sub(MAX_OWNED) {
            0 => String::new(),
            more => format!("and {more} more"),
        },
        list,
        shell: signed_in.shell,
    }))
}

/// The answer of the page in a sentence.
fn verdict(name: &str, summary: &UserSummary, is_disabled: bool) -> String {
    if is_disabled {
        return format!("{name} is disabled and reaches nothing.");
    }
    let sources = |count| counted(count, "data source", "data sources");
    let reads = match summary.readable {
        0 => format!("{name} can read nothing"),
        count => format!("{name} can read {}", sources(count)),
    };
    match summary.blocked {
        0 => format!("{reads}."),
        count => format!("{reads} and is blocked from {}.", sources(count)),
    }
}

/// Returns what the filter shows as CSV.
pub(super) async fn csv(
    State(app): State<App>,
    Path(id): Path<String>,
    signed_in: SignedIn,
    form: Form,
) -> Result<Response, Failure> {
    let evaluation = current(&app, &signed_in).await?;
    let (user, view) = select(&evaluation, &signed_in, &id)?;
    let snapshot = evaluation.snapshot();
    let id = snapshot.users[user.get()].id.0;
    let query = ListQuery::read(user_path(id), &form, snapshot, view, &signed_in.caller)?;
    let found = evaluation.user_rows(user, &query.filter, query.whole());
    Ok(words::csv(snapshot, found.rows, &signed_in.caller, view, &format!("user-{id}")))
}
