//! The page: totals, what has most findings, the chart, the databases and the list.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use domesday_drift::{Drift, FindingKind};
use domesday_model::Permission;
use domesday_service::ServiceError;
use domesday_service::drift::{DriftFigures, count};
use domesday_service::exports::DEFAULT_EXPORT;
use domesday_store::{RunFilter, RunState, Store};

use super::chart::{CHARTED, chart};
use super::list::{FindingList, list};
use super::words::{about_kind, kind_chip};
use super::{filtered, query};
use crate::console::assets::{Assets, assets};
use crate::console::bars::{Bar, bars};
use crate::console::charts::ChartView;
use crate::console::connections::connection_path;
use crate::console::errors::Failure;
use crate::console::form::Form;
use crate::console::link::Link;
use crate::console::listing::Chip;
use crate::console::page;
use crate::console::paths::with_query;
use crate::console::shell::Shell;
use crate::console::signed_in::SignedIn;
use crate::console::times::{Calendar, TimeView, counted, grouped};
use crate::routes::drift::READERS;
use crate::state::App;

#[derive(Template)]
#[template(path = "console/drift/show.html")]
struct DriftPage {
    assets: &'static Assets,
    shell: Shell,
    summary: String,
    /// Whether the caller may create the connection of a database.
    may_connect: bool,
    totals: Vec<Total>,
    sources: Vec<Bar>,
    roles: Vec<Bar>,
    users: Vec<Bar>,
    chart: Option<ChartView>,
    databases: Vec<DatabaseRow>,
    list: FindingList,
}

/// How many findings there are of a kind.
struct Total {
    chip: Chip,
    count: Link,
    about: &'static str,
}

/// A database that a connection has read.
struct DatabaseRow {
    connection: Link,
    place: String,
    observed: TimeView,
    findings: Link,
    /// Where its repair is downloaded.
    repair: String,
}

/// Shows the page.
pub(super) async fn show(
    State(app): State<App>,
    signed_in: SignedIn,
    form: Form,
) -> Result<Response, Failure> {
    READERS.check(&signed_in.caller)?;
    let (address, filter) = query::read(&form)?;
    let evaluation = app.service.evaluations.current(signed_in.caller.revision).await?;
    let (drifts, figures) = (evaluation.drifts().await?, evaluation.drift_figures().await?);
    let read = |store: &mut Store| -> Result<_, Failure> {
        let ended = RunFilter {
            states: RunState::ALL.into_iter().filter(|state| state.is_final()).collect(),
            is_manual: None,
        };
        Ok(store.filtered_runs(DEFAULT_EXPORT, &ended, false, 0, CHARTED)?.0)
    };
    let runs = app.service.pool.with(read).await?;
    let SignedIn { caller, shell, .. } = signed_in;
    let chart = chart(&runs, filter.connection.as_deref(), &shell.calendar);
    let [sources, roles, users] = rankings(&drifts, &figures);
    let databases = drifts.iter().map(|drift| database_row(drift, &shell.calendar)).collect();
    let totals = FindingKind::ALL.map(|kind| (kind, count(&drifts, kind)));
    let work = move || -> Result<_, ServiceError> { Ok(list(&drifts, &address, &filter)) };
    let list = app.service.pool.compute(work).await?;
    Ok(page(&DriftPage {
        assets: assets(),
        summary: summary(totals.iter().map(|(_, count)| count).sum()),
        may_connect: caller.has(Permission::Governance),
        totals: totals.into_iter().map(|(kind, count)| total(kind, count)).collect(),
        sources,
        roles,
        users,
        chart,
        databases,
        list,
        shell,
    }))
}

fn summary(total: u64) -> String {
    match total {
        0 => "The connected databases allow what the policies say, no more and no less.".to_owned(),
        total => format!(
            "{} where the connected databases differ from the policies.",
            counted(total, "finding", "findings")
        ),
    }
}

fn total(kind: FindingKind, count: u64) -> Total {
    let href = if count == 0 { String::new() } else { filtered([("kind", kind.as_str())]) };
    Total { chip: kind_chip(kind), count: Link::new(grouped(count), href), about: about_kind(kind) }
}

/// The data sources, roles and users with most findings.
fn rankings(drifts: &[Drift], figures: &DriftFigures) -> [Vec<Bar>; 3] {
    let Some(snapshot) = drifts.first().map(Drift::snapshot) else { return Default::default() };
    let sources = figures.data_sources.iter().map(|(source, count)| {
        let name = &*snapshot.data_sources[source.get()].name;
        (Link::new(name, filtered([("dataSource", name)])), *count)
    });
    let roles = figures.roles.iter().map(|((database, role), count)| {
        let database = drifts[*database].database();
        let name = database.privileges.roles[role.get()].name.as_str();
        let text =
            if drifts.len() > 1 { format!("{name} ({})", database.connection) } else { name.to_owned() };
        let href = filtered([("connection", database.connection.as_str()), ("role", name)]);
        (Link::new(text, href), *count)
    });
    let users = figures.users.iter().map(|(user, count)| {
        let user = &snapshot.users[user.get()];
        (Link::new(&*user.name, filtered([("user", &*user.username)])), *count)
    });
    [bars(sources), bars(roles), bars(users)]
}

fn database_row(drift: &Drift, calendar: &Calendar) -> DatabaseRow {
    let database = drift.database();
    let connection = database.connection.as_str();
    let total = drift.total() as u64;
    let href = if total == 0 { String::new() } else { filtered([("connection", connection)]) };
    DatabaseRow {
        connection: Link::new(connection, connection_path(connection)),
        place: format!("{} on {}", database.privileges.database.name, database.host),
        observed: calendar.time(database.privileges.observed_at),
        findings: Link::new(grouped(total), href),
        repair: with_query("/console/drift/repair", [("connection", connection)]),
    }
}
