//! The syncs of a connection: a chart of what was read and gone, the history, and the history as CSV.

use axum::extract::{Path, State};
use axum::response::Response;
use domesday_service::ServiceError;
use domesday_service::connections::SyncView;
use domesday_store::{Store, SyncRecord, SyncState};

use super::report::total;
use super::words::{beginner, sync_chip};
use super::{READERS, connection_path, find};
use crate::console::charts::{self, ChartView, Figures, Panel, PanelKind, Point};
use crate::console::csv::Csv;
use crate::console::errors::Failure;
use crate::console::form::Form;
use crate::console::listing::Chip;
use crate::console::pager::{Page, Pager};
use crate::console::shell::Shell;
use crate::console::signed_in::SignedIn;
use crate::console::times::{TimeView, grouped};
use crate::state::App;

/// How many syncs a page of the history has.
const PAGE: usize = 25;

/// How many syncs the chart shows.
const CHARTED: usize = 60;

/// How many syncs a CSV file has at most: one every ten minutes for 400 days.
const MAX_CSV: usize = 60_000;

/// The syncs of a connection as they are read.
pub(super) struct History {
    number: usize,
    listed: Vec<SyncRecord>,
    charted: Vec<SyncRecord>,
    total: usize,
}

/// The history as it is shown.
pub(super) struct HistoryView {
    pub(super) rows: Vec<SyncRow>,
    pub(super) pager: Pager,
    pub(super) csv: String,
    pub(super) chart: Option<ChartView>,
}

/// A line of the history.
pub(super) struct SyncRow {
    pub(super) href: String,
    pub(super) began: TimeView,
    pub(super) chip: Chip,
    pub(super) beginner: String,
    /// Read, created, changed and gone, over all kinds.
    pub(super) figures: Vec<String>,
}

impl History {
    /// Reads the page of the history that an address asks for.
    pub(super) fn read(store: &mut Store, name: &str, page: &str) -> Result<Self, Failure> {
        let number = match page {
            "" => 1,
            page => page.parse().ok().filter(|page| *page > 0).ok_or_else(|| {
                ServiceError::invalid("the address has a `page` that is not known; it is a number from 1")
            })?,
        };
        let total = usize::try_from(store.sync_count(name)?).unwrap_or(usize::MAX);
        let start = Page::start(number, PAGE, total);
        let charted = store.syncs(name, None, CHARTED)?;
        Ok(Self { number, listed: store.syncs_from(name, start, PAGE)?, charted, total })
    }

    /// Returns the history as it is shown.
    pub(super) fn view(&self, name: &str, shell: &Shell) -> HistoryView {
        let path = connection_path(name);
        let page = Page { number: self.number, size: PAGE, shown: self.listed.len(), total: self.total };
        HistoryView {
            rows: self.listed.iter().map(|sync| row(sync, &path, shell)).collect(),
            pager: page.pager("sync", "syncs", |page| format!("{path}?page={page}#history")),
            csv: format!("{path}/syncs/csv"),
            chart: chart(&self.charted, shell),
        }
    }
}

fn row(sync: &SyncRecord, path: &str, shell: &Shell) -> SyncRow {
    let figure = |name| total(&sync.report, name).map_or_else(|| "–".to_owned(), grouped);
    SyncRow {
        href: format!("{path}/syncs/{}", sync.id),
        began: shell.calendar.time(sync.started_at),
        chip: sync_chip(sync.state.as_str()),
        beginner: beginner(&sync.trigger, &sync.actor),
        figures: ["read", "created", "changed", "gone"].map(figure).to_vec(),
    }
}

/// Draws what the last syncs read, given from the newest on, and what was gone; none before a sync has ended.
fn chart(syncs: &[SyncRecord], shell: &Shell) -> Option<ChartView> {
    let ended: Vec<_> = syncs.iter().rev().filter(|sync| sync.state != SyncState::Running).collect();
    if ended.iter().all(|sync| total(&sync.report, "read").is_none()) {
        return None;
    }
    let points = ended.iter().map(|sync| {
        let label = shell.calendar.date(sync.started_at);
        let failure = match sync.state {
            SyncState::Succeeded | SyncState::Running => String::new(),
            state => format!("{label} {state}"),
        };
        Point { label, failure }
    });
    let values = |figure| {
        let value = |sync: &&SyncRecord| total(&sync.report, figure).map(|count| count as f64);
        PanelKind::Bars(ended.iter().map(value).collect())
    };
    let panel = |name: &str, figure| Panel { name: name.to_owned(), decimals: 0, kind: values(figure) };
    Some(charts::draw(Figures {
        title: match ended.len() {
            1 => "Objects read and gone, last sync".to_owned(),
            count => format!("Objects read and gone, last {count} syncs"),
        },
        id: "chart",
        point: "Sync",
        points: points.collect(),
        panels: vec![panel("Read", "read"), panel("Gone", "gone")],
    }))
}

/// Answers with the history as CSV.
pub(super) async fn csv(
    State(app): State<App>,
    Path(name): Path<String>,
    signed_in: SignedIn,
    _: Form,
) -> Result<Response, Failure> {
    READERS.check(&signed_in.caller)?;
    let read = move |store: &mut Store| -> Result<_, Failure> {
        find(store, &name)?;
        let mut csv = Csv::new(&[
            "id",
            "state",
            "trigger",
            "actor",
            "started_at",
            "ended_at",
            "read",
            "created",
            "changed",
            "unchanged",
            "gone",
            "skipped",
            "own_count",
            "sha256",
            "error",
        ]);
        store.syncs_from(&name, 0, MAX_CSV)?.into_iter().for_each(|sync| add_row(&mut csv, sync));
        Ok(csv)
    };
    Ok(app.service.pool.with(read).await?.into_response("syncs"))
}

fn add_row(csv: &mut Csv, sync: SyncRecord) {
    let view = SyncView::from(sync);
    let figure = |name| total(&view.report, name).map(|count| count.to_string()).unwrap_or_default();
    let text = |key: &str| view.report[key].as_str().unwrap_or_default();
    csv.row([
        view.id.as_deref().unwrap_or_default(),
        view.state,
        &view.trigger,
        &view.actor,
        &view.started_at,
        view.ended_at.as_deref().unwrap_or_default(),
        &figure("read"),
        &figure("created"),
        &figure("changed"),
        &figure("unchanged"),
        &figure("gone"),
        &figure("skipped"),
        &view.report["ownCount"].as_u64().map(|count| count.to_string()).unwrap_or_default(),
        text("sha256"),
        text("error"),
    ]);
}
