//! The overview of those who read all access: the last run, what requires attention, totals, the last runs as a chart.

use std::sync::Arc;

use askama::Template;
use axum::response::Response;
use domesday_model::{DataSourceIx, PolicyIx, Snapshot};
use domesday_service::evaluation::AccessFigures;
use domesday_service::exports::DEFAULT_EXPORT;
use domesday_store::{Freshness, RunRecord, RunState, Store};
use uuid::Uuid;

use super::attention::{self, Attention};
use super::last_run::LastRunView;
use crate::console::access::source_path;
use crate::console::assets::{Assets, assets};
use crate::console::bars::{Bar, bars};
use crate::console::charts::{self, ChartView, Figures, LineStyle, Panel, PanelKind, Point, Series};
use crate::console::errors::Failure;
use crate::console::first_steps::{FirstStep, first_steps};
use crate::console::link::Link;
use crate::console::page;
use crate::console::policies::policy_path;
use crate::console::runs::GOVERNANCE;
use crate::console::runs::report::{StoredOutcomes, StoredReport};
use crate::console::shell::Shell;
use crate::console::signed_in::SignedIn;
use crate::console::times::{TimeView, counted, grouped};
use crate::state::AppState;

/// How many runs the chart shows.
const CHARTED: usize = 60;

#[derive(Template)]
#[template(path = "console/overview/company.html")]
struct CompanyPage {
    assets: &'static Assets,
    shell: Shell,
    steps: Vec<FirstStep>,
    may_run: bool,
    once: String,
    is_configured: bool,
    may_set_up: bool,
    last: Option<LastRunView>,
    next: Option<TimeView>,
    attention: Vec<Attention>,
    population: String,
    totals: Vec<Total>,
    chart: Option<ChartView>,
    policies: Vec<Bar>,
    sources: Vec<Bar>,
}

/// A total by outcome.
struct Total {
    class: &'static str,
    name: &'static str,
    value: String,
    about: String,
    change: String,
}

/// Shows the page.
pub(super) async fn show(app: &AppState, signed_in: SignedIn) -> Result<Response, Failure> {
    let (caller, now) = (&signed_in.caller, app.service.now());
    let user = caller.user_id;
    let read = move |store: &mut Store| -> Result<_, Failure> {
        let (runs, _) = store.runs(DEFAULT_EXPORT, None, CHARTED)?;
        Ok((runs, store.api_keys_of(user)?, Freshness::of_all(store, now)?))
    };
    let (runs, keys, connections) = app.service.pool.with(read).await?;
    let (stored, tenant) = app.service.exports.stored().await?;
    let steps = first_steps(app, caller).await?;
    let evaluation = app.service.evaluations.current(caller.revision).await?;
    let (figures, warnings) = (evaluation.figures().await?, evaluation.catalog_warnings().await?);
    let shell = signed_in.shell.clone();
    let calendar = &shell.calendar;
    let mut attention: Vec<_> = attention::failed_run(&runs).into_iter().collect();
    attention.extend(attention::connections(&connections, calendar));
    attention.extend(attention::drift(&evaluation.drifts().await?));
    attention.extend(attention::waiting_requests(&evaluation, &signed_in)?);
    attention.extend(attention::catalog(&evaluation, &figures, &warnings, now, calendar));
    attention.extend(attention::expiring_keys(&keys, now, calendar));
    let next = stored.as_ref().and_then(|stored| stored.configuration.next_run(&tenant, now));
    let may_change = GOVERNANCE.check(caller).is_ok();
    let snapshot = evaluation.snapshot();
    let policy = |(policy, rows): &(PolicyIx, u64)| {
        let policy = &snapshot.policies[policy.get()];
        (Link::new(policy.spec.name.as_str(), policy_path(policy.id.0)), *rows)
    };
    let source = |(source, people): &(DataSourceIx, u64)| (source_link(snapshot, *source), *people);
    Ok(page(&CompanyPage {
        assets: assets(),
        steps,
        may_run: may_change && stored.is_some(),
        once: Uuid::new_v4().to_string(),
        is_configured: stored.is_some(),
        may_set_up: may_change,
        last: LastRunView::new(&runs, calendar, now),
        next: next.map(|at| calendar.upcoming(at)),
        attention,
        population: format!(
            "{}, {}",
            counted(figures.active_users, "active user", "active users"),
            counted(figures.data_sources, "data source", "data sources")
        ),
        totals: totals(&figures, &runs, &shell),
        chart: chart(&runs, &shell),
        policies: bars(figures.widest_policies.iter().map(policy)),
        sources: bars(figures.most_read.iter().map(source)),
        shell,
    }))
}

fn source_link(snapshot: &Arc<Snapshot>, source: DataSourceIx) -> Link {
    let record = &snapshot.data_sources[source.get()];
    Link::new(&*record.name, source_path(record.id.0))
}

/// Returns the totals by outcome, as they are now, with the change since the summary before.
fn totals(figures: &AccessFigures, runs: &[RunRecord], shell: &Shell) -> Vec<Total> {
    let now = StoredOutcomes {
        granted: figures.granted.iter().sum(),
        blocked: figures.blocked.iter().sum(),
        masked: figures.masked,
        unmasked: figures.unmasked,
    };
    let mut delivered = runs.iter().filter_map(|run| Some((run, StoredReport::of(run)?.outcomes)));
    let last = delivered.next();
    // The last summary is compared with the one before it, until the catalog changes.
    let before = match last {
        Some((_, outcomes)) if outcomes == now => delivered.next().or(last),
        last => last,
    };
    let change = |value: u64, of: fn(&StoredOutcomes) -> u64| {
        let Some((run, outcomes)) = &before else { return String::new() };
        let date = shell.calendar.date(run.snapshot_at.unwrap_or(run.created_at));
        match (value, of(outcomes)) {
            (value, old) if value > old => format!("{} more than on {date}", grouped(value - old)),
            (value, old) if value < old => format!("{} fewer than on {date}", grouped(old - value)),
            _ => format!("as on {date}"),
        }
    };
    let scopes = |[read, write]: [u64; 2]| format!("{} to read, {} to write", grouped(read), grouped(write));
    let total = |class, name, value: u64, about: String, of| Total {
        class,
        name,
        value: grouped(value),
        about,
        change: change(value, of),
    };
    vec![
        total("granted", "Granted", now.granted, scopes(figures.granted), |it| it.granted),
        total("blocked", "Blocked", now.blocked, scopes(figures.blocked), |it| it.blocked),
        total("masked", "Masked", now.masked, "columns hidden from a reader".into(), |it| it.masked),
        total("unmasked", "Unmasked", now.unmasked, "columns clear despite a mask".into(), |it| it.unmasked),
    ]
}

/// Draws the outcomes and rows of the last runs, given from the newest on; none before a run has ended.
fn chart(runs: &[RunRecord], shell: &Shell) -> Option<ChartView> {
    let ended: Vec<_> = runs.iter().filter(|run| run.state.is_final()).collect();
    let reports: Vec<_> = ended.iter().rev().map(|run| StoredReport::of(run)).collect();
    if reports.iter().all(Option::is_none) {
        return None;
    }
    let points = ended.iter().rev().map(|run| {
        let label = shell.calendar.date(run.snapshot_at.unwrap_or(run.created_at));
        let failure = match run.state {
            RunState::Succeeded => String::new(),
            state => format!("{label} {state}"),
        };
        Point { label, failure }
    });
    let outcomes = |of: fn(&StoredOutcomes) -> u64| {
        let value = |report: &Option<StoredReport>| report.as_ref().map(|it| of(&it.outcomes) as f64);
        reports.iter().map(value).collect::<Vec<_>>()
    };
    let line = |name, style, values| Series { name, style, values };
    let rows = reports.iter().map(|report| report.as_ref().map(|report| report.rows() as f64)).collect();
    Some(charts::draw(Figures {
        title: match ended.len() {
            1 => "Outcomes and rows of the last run".to_owned(),
            count => format!("Outcomes and rows of the last {count} runs"),
        },
        id: "chart",
        point: "Run",
        points: points.collect(),
        panels: vec![
            Panel {
                name: "Outcomes".to_owned(),
                decimals: 0,
                kind: PanelKind::Lines(vec![
                    line("granted", LineStyle::Granted, outcomes(|it| it.granted)),
                    line("masked", LineStyle::Masked, outcomes(|it| it.masked)),
                    line("blocked", LineStyle::Blocked, outcomes(|it| it.blocked)),
                    line("unmasked", LineStyle::Unmasked, outcomes(|it| it.unmasked)),
                ]),
            },
            Panel { name: "Rows of all tables".to_owned(), decimals: 0, kind: PanelKind::Bars(rows) },
        ],
    }))
}
