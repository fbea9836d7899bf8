//! What requires attention, each with a link to where it is seen to.

use std::sync::Arc;

use domesday_drift::{Drift, FindingKind};
use domesday_engine::{CatalogWarning, CatalogWarnings, WarningKind};
use domesday_model::{Instant, Kind, RequestStatus, Snapshot};
use domesday_service::drift::count;
use domesday_service::evaluation::{AccessFigures, Evaluation};
use domesday_service::requests::selection::waiting;
use domesday_store::{ApiKey, Freshness, RunRecord, RunState};

use crate::console::access::source_path;
use crate::console::connections::connection_path;
use crate::console::drift;
use crate::console::errors::Failure;
use crate::console::link::Link;
use crate::console::policies::policy_path;
use crate::console::profile;
use crate::console::signed_in::SignedIn;
use crate::console::times::{Calendar, counted};

/// How long before it ends an approval is listed, in microseconds: 30 days.
const SOON: i64 = 30 * 24 * 3_600 * 1_000_000;

/// How many names stand in a line.
const NAMES: usize = 3;

/// How many connections are listed.
const CONNECTIONS: usize = 5;

/// A thing that requires attention.
pub(super) struct Attention {
    pub(super) icon: &'static str,
    /// The class of the icon: `warn`, `fail` or none.
    pub(super) class: &'static str,
    pub(super) link: Link,
    pub(super) note: String,
}

impl Attention {
    fn new(icon: &'static str, text: impl Into<String>, href: impl Into<String>, note: String) -> Self {
        Self { icon, class: "", link: Link::new(text, href), note }
    }

    fn warn(self) -> Self {
        Self { class: "warn", ..self }
    }

    fn fail(self) -> Self {
        Self { class: "fail", ..self }
    }
}

/// Returns the requests that wait for the caller.
pub(super) fn waiting_requests(
    evaluation: &Evaluation,
    signed_in: &SignedIn,
) -> Result<Option<Attention>, Failure> {
    let waiting = waiting(evaluation, &signed_in.caller)?;
    let requests = &evaluation.snapshot().requests;
    let Some(oldest) = waiting.iter().map(|position| requests[*position].created_at).min() else {
        return Ok(None);
    };
    let since = signed_in.shell.calendar.day(oldest).text;
    let (text, note) = match waiting.len() {
        1 => ("1 request waits for your decision".to_owned(), format!("since {since}")),
        count => (format!("{count} requests wait for your decision"), format!("the oldest since {since}")),
    };
    Ok(Some(Attention::new("inbox", text, "/console/requests?view=waiting", note)))
}

/// Returns the caller's API keys that expire soon.
pub(super) fn expiring_keys(keys: &[ApiKey], now: Instant, calendar: &Calendar) -> Vec<Attention> {
    let ends_soon = |key: &&ApiKey| {
        let end = key.expires_at.filter(|_| key.is_valid(now));
        end.is_some_and(|end| end.as_micros() - now.as_micros() < profile::SOON)
    };
    let attention = |key: &ApiKey| {
        let end = key.expires_at.map(|end| calendar.day(end).text).unwrap_or_default();
        Attention::new("key", format!("Key “{}” expires", key.name), profile::PATH, end)
    };
    keys.iter().filter(ends_soon).take(NAMES).map(attention).collect()
}

/// Returns what is wrong with the last run.
pub(super) fn failed_run(runs: &[RunRecord]) -> Option<Attention> {
    let last = runs.first()?;
    let is_failed = matches!(last.state, RunState::Failed | RunState::Abandoned)
        || last.state == RunState::Queued && last.retry_at.is_some();
    let href = format!("/console/runs/{}", last.id);
    is_failed.then(|| {
        Attention::new("blocked", "The last run failed", href, "see why, and what to do".into()).fail()
    })
}

/// Returns the connections that are not current.
pub(super) fn connections(all: &[Freshness], calendar: &Calendar) -> Vec<Attention> {
    let attention = |it: &Freshness| {
        let name = &it.connection.name;
        let (verb, is_failed) = match it.state() {
            "failed" => ("failed", true),
            "refused" => ("is refused", false),
            "stale" => ("is stale", false),
            _ => return None,
        };
        let since = match &it.complete {
            Some(sync) => format!("the last complete sync was {}", calendar.time(sync.started_at).text),
            None => "there was no complete sync yet".to_owned(),
        };
        let new =
            Attention::new("link", format!("The connection “{name}” {verb}"), connection_path(name), since);
        Some(if is_failed { new.fail() } else { new.warn() })
    };
    let mut found: Vec<_> = all.iter().filter_map(attention).collect();
    let more = found.len().saturating_sub(CONNECTIONS);
    found.truncate(CONNECTIONS);
    if more > 0 {
        let text = counted(more as u64, "more connection is not current", "more connections are not current");
        found.push(Attention::new("link", text, "/console/connections", String::new()).warn());
    }
    found
}

/// Returns who can more in connected databases than the policies say.
pub(super) fn drift(drifts: &[Drift]) -> Vec<Attention> {
    let kinds = [
        (
            FindingKind::Excess,
            "access in a database that nothing grants",
            "accesses in databases that nothing grants",
        ),
        (
            FindingKind::ExcessBlocked,
            "access in a database that a guardrail blocks",
            "accesses in databases that guardrails block",
        ),
        (
            FindingKind::UnmaskedColumn,
            "masked column can be read in a database",
            "masked columns can be read in databases",
        ),
    ];
    let found = kinds.into_iter().filter(|(kind, ..)| count(drifts, *kind) > 0);
    let attention = |(kind, one, many): (FindingKind, &str, &str)| {
        let href = drift::filtered([("kind", kind.as_str())]);
        let note = "see who, by which way, and the repair".to_owned();
        Attention::new("drift", counted(count(drifts, kind), one, many), href, note).fail()
    };
    found.map(attention).collect()
}

/// Returns what those who read all access should look at in the catalog.
pub(super) fn catalog(
    evaluation: &Arc<Evaluation>,
    figures: &AccessFigures,
    warnings: &CatalogWarnings,
    now: Instant,
    calendar: &Calendar,
) -> Vec<Attention> {
    let snapshot = evaluation.snapshot();
    let mut found = Vec::new();
    let of_kind = |kinds: &'static [WarningKind]| {
        warnings.list.iter().filter(move |warning| kinds.contains(&warning.kind))
    };
    let conflicts: Vec<_> = of_kind(&[WarningKind::LevelConflict]).collect();
    if let Some(first) = conflicts.first() {
        let text = match conflicts.len() {
            1 => "1 conflict of levels".to_owned(),
            count => format!("{count} conflicts of levels"),
        };
        found.push(Attention::new("warn", text, place(snapshot, first), names(&conflicts)).warn());
    }
    let idle: Vec<_> = of_kind(&[WarningKind::NoDataSource, WarningKind::NoColumn]).collect();
    if let Some(first) = idle.first() {
        let text = match idle.len() {
            1 => "1 policy matches nothing".to_owned(),
            count => format!("{count} policies match nothing"),
        };
        found.push(Attention::new("shield", text, place(snapshot, first), names(&idle)).warn());
    }
    if let Some(first) = figures.unreadable.first() {
        let source = &snapshot.data_sources[first.get()];
        let text = match figures.unreadable_count {
            1 => format!("Nobody can read {}", source.name),
            count => format!("Nobody can read {}", counted(count, "data source", "data sources")),
        };
        let listed = figures.unreadable.iter().take(NAMES);
        let listed: Vec<_> =
            listed.map(|source| snapshot.data_sources[source.get()].name.to_string()).collect();
        let note = if figures.unreadable_count == 1 {
            "guardrails block everybody who is granted it".to_owned()
        } else {
            listed.join(", ")
        };
        let href = source_path(source.id.0);
        found.push(Attention::new("blocked", text, href, note).fail());
    }
    let ends = snapshot.requests.iter().filter_map(|request| {
        let end = request.expires_at.filter(|_| request.status == RequestStatus::Approved)?;
        (end > now && end.as_micros() - now.as_micros() < SOON).then_some(end)
    });
    if let Some(first) = ends.clone().min() {
        let text = match ends.count() {
            1 => "1 approval ends within 30 days".to_owned(),
            count => format!("{count} approvals end within 30 days"),
        };
        let note = format!("the first {}", calendar.day(first).text);
        found.push(Attention::new("clock", text, "/console/requests?view=all&status=APPROVED", note));
    }
    found
}

/// The page of the object that a warning is about.
fn place(snapshot: &Snapshot, warning: &CatalogWarning) -> String {
    let name = warning.object.name.as_str();
    match warning.object.kind {
        Kind::DataSource => snapshot
            .data_source(name)
            .map_or_else(String::new, |source| source_path(snapshot.data_sources[source.get()].id.0)),
        Kind::Policy => {
            let policy = snapshot.policies.iter().find(|policy| policy.spec.name == name);
            policy.map_or_else(String::new, |policy| policy_path(policy.id.0))
        }
        Kind::DataPolicy => {
            let policy = snapshot.data_policies.iter().find(|policy| policy.spec.name == name);
            policy.map_or_else(String::new, |policy| policy_path(policy.id.0))
        }
        _ => String::new(),
    }
}

/// The names of the first objects that warnings are about.
fn names(warnings: &[&CatalogWarning]) -> String {
    let mut names: Vec<&str> = warnings.iter().map(|warning| warning.object.name.as_str()).collect();
    names.dedup();
    let more = names.len().saturating_sub(NAMES);
    names.truncate(NAMES);
    let names = names.join(", ");
    if more == 0 { names } else { format!("{names} and {more} more") }
}
