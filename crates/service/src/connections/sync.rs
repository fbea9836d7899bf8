//! One sync: reads a connection completely, and makes its layer what it listed, or changes nothing.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use domesday_model::{Connection, Instant, MaxGone};
use domesday_sources::connections::{Access, JudgeAddresses, read};
use domesday_sources::reading::Reading;
use domesday_store::{
    ChangeBy, Freshness, ListingOptions, NewMessage, Store, StoreError, SyncRecord, SyncState,
};
use secrecy::SecretString;
use serde_json::json;
use uuid::Uuid;

use crate::clock::Clock;
use crate::drift_watch::DriftWatch;
use crate::error::ServiceError;
use crate::machine::BlockingWork;
use crate::metrics::Metrics;
use crate::pool::Pool;
use crate::seal::Sealer;

use super::find::find;
use super::hosts::AllowedHosts;
use super::password::open_password;
use super::report::{listing_of, report_of};
use super::view::SyncView;

/// How long the lease of a sync lasts, in microseconds: longer than any read may take.
const LEASE_MICROS: i64 = 2 * 3_600_000_000;

/// The parts of the process that a sync needs. Clones share them.
#[derive(Debug, Clone)]
pub struct SyncContext {
    pub(crate) pool: Pool,
    pub(crate) clock: Clock,
    pub(crate) sealer: Arc<Sealer>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) allowed_hosts: AllowedHosts,
    /// Certificates of authorities in PEM that are trusted in addition to the public ones.
    pub(crate) authorities: Arc<[u8]>,
    /// Tells this process from others on the same database.
    pub(crate) replica: Uuid,
    pub(crate) has_webhook: bool,
    /// Compares what a database allows with the policies after it was read.
    pub(crate) drift: DriftWatch,
}

/// How to sync a connection.
#[derive(Debug, Clone)]
pub struct SyncRequest {
    /// What begins it: `schedule`, `manual` or `run`.
    pub trigger: &'static str,
    /// Who begins it.
    pub actor: String,
    /// The network address that the call came from.
    pub from: Option<String>,
    /// Whether to say what would change, and change nothing.
    pub dry_run: bool,
    /// Whether any number of users and data sources may be gone.
    pub accept_gone: bool,
}

/// Syncs a connection now. One sync of a connection goes on at a time, across replicas.
///
/// A sync that fails or is refused is no error of this function: its view says so.
///
/// # Errors
/// [`ServiceError::NotFound`] when there is no such connection, [`ServiceError::Conflict`] when it is not one that is read,
/// or a sync of it is under way; when the store fails.
pub async fn sync_now(
    context: &SyncContext,
    name: &str,
    request: SyncRequest,
) -> Result<SyncView, ServiceError> {
    let dry_run = request.dry_run;
    let synced = sync(context, name, request).await?;
    if synced.changed_privileges {
        context.drift.check(synced.record.id).await;
    }
    Ok(SyncView::of(synced.record, dry_run))
}

/// A sync that ended.
struct Synced {
    record: SyncRecord,
    /// Whether it took over the privileges of a database, which are then to be compared with the policies.
    changed_privileges: bool,
}

/// Syncs a connection, and compares nothing.
async fn sync(context: &SyncContext, name: &str, request: SyncRequest) -> Result<Synced, ServiceError> {
    let (blocking, name) = (context.clone(), name.to_owned());
    let work = move || sync_blocking(&blocking, &name, &request);
    context.clock.machine().run_blocking(BlockingWork::Attempt, work).await.unwrap_or_else(Err)
}

fn sync_blocking(context: &SyncContext, name: &str, request: &SyncRequest) -> Result<Synced, ServiceError> {
    let mut store = context.pool.connect()?;
    let (connection, _) = find(&mut store, name)?;
    if !connection.kind.is_pulled() {
        let message = match connection.kind.as_str() {
            "scim" => "its identity provider pushes what changes; there is nothing to read",
            _ => "it is imported: send its files to the import of the connection",
        };
        return Err(ServiceError::conflict(format!("the connection `{name}` is not read: {message}")));
    }
    let clock = context.clock.clone();
    let holder = format!("{}:{}", context.replica, Uuid::new_v4());
    let record = with_lease(&mut store, name, &holder, clock.now(), |store| {
        sync_under_lease(context, store, &connection, request)
    })?;
    let is_taken_over = !request.dry_run && record.state == SyncState::Succeeded;
    Ok(Synced { record, changed_privileges: is_taken_over && connection.kind.reads_privileges() })
}

/// Syncs the connections that are read and whose facts are older than they may be when a run begins. One that cannot be synced
/// keeps no run from being made: the run warns of it. The databases are compared with the policies once, after all of them.
pub(crate) async fn sync_stale(context: &SyncContext) {
    let now = context.clock.now();
    let read = move |store: &mut Store| -> Result<_, ServiceError> { Ok(Freshness::of_all(store, now)?) };
    let all = match context.pool.with(read).await {
        Ok(all) => all,
        Err(error) => {
            tracing::warn!(%error, "how current connections are could not be read before a run");
            return;
        }
    };
    let is_due = |it: &Freshness| {
        it.is_stale && it.connection.kind.is_pulled() && it.connection.kind.secret_reference().is_none()
    };
    let mut last_change = None;
    for stale in all.into_iter().filter(is_due) {
        let request = SyncRequest {
            trigger: "run",
            actor: "scheduler".to_owned(),
            from: None,
            dry_run: false,
            accept_gone: false,
        };
        match sync(context, &stale.connection.name, request).await {
            Ok(synced) if synced.changed_privileges => last_change = Some(synced.record.id),
            Ok(_) => {}
            Err(error) => {
                tracing::warn!(connection = stale.connection.name, %error, "a stale connection was not synced before a run");
            }
        }
    }
    if let Some(id) = last_change {
        context.drift.check(id).await;
    }
}

/// Does work under the lease of the syncs of a connection. `holder` is one for each sync: two of one process are two, too.
///
/// # Errors
/// [`ServiceError::Conflict`] when a sync of the connection is under way; those of the work.
pub fn with_lease<T, E: From<ServiceError> + From<StoreError>>(
    store: &mut Store,
    connection: &str,
    holder: &str,
    now: Instant,
    work: impl FnOnce(&mut Store) -> Result<T, E>,
) -> Result<T, E> {
    let until = Instant::from_micros(now.as_micros().saturating_add(LEASE_MICROS));
    let Some(fence) = store.acquire_lease(&format!("sync:{connection}"), holder, now, until)? else {
        let message = format!("a sync of the connection `{connection}` is under way; wait until it ends");
        return Err(ServiceError::conflict(message).into());
    };
    let result = work(store);
    if store.release_lease(&fence).is_err() {
        tracing::warn!(connection, "the lease of a sync could not be given back; it ends by itself");
    }
    result
}

fn sync_under_lease(
    context: &SyncContext,
    store: &mut Store,
    connection: &Connection,
    request: &SyncRequest,
) -> Result<SyncRecord, ServiceError> {
    let judge = |host: &str, addresses: &[SocketAddr]| context.allowed_hosts.judge(host, addresses);
    let source = Source {
        password: secret(context, store, connection),
        authorities: context.authorities.to_vec(),
        judge_addresses: &judge,
    };
    let message = |record: &SyncRecord, at| sync_message(context.has_webhook, record, at);
    let record = sync_store(store, connection, source, request, &|| context.clock.now(), &message)?;
    if !request.dry_run {
        context.metrics.sync_ended(&record.connection, record.state, record.started_at);
        match record.state {
            SyncState::Succeeded => tracing::info!(connection = %record.connection, "synced"),
            state => {
                let error = record.report["error"].as_str().unwrap_or_default();
                tracing::warn!(connection = %record.connection, %state, error, "a sync changed nothing");
            }
        }
    }
    Ok(record)
}

/// How the source of a connection is accessed.
pub struct Source<'a> {
    /// The password, or why there is none.
    pub password: Result<Option<SecretString>, String>,
    /// Certificates of authorities in PEM that are trusted in addition to the public ones.
    pub authorities: Vec<u8>,
    /// Judges the addresses that a host was resolved to.
    pub judge_addresses: JudgeAddresses<'a>,
}

/// The message about a sync that ended, if somebody receives one.
pub type MessageOf<'a> = &'a dyn Fn(&SyncRecord, Instant) -> Option<NewMessage>;

/// Reads a connection and makes its layer what it listed, or changes nothing; the record says which. Blocks. The caller has
/// the lease of the connection, where others could sync it too.
///
/// # Errors
/// When the store fails.
pub fn sync_store(
    store: &mut Store,
    connection: &Connection,
    source: Source<'_>,
    request: &SyncRequest,
    now: &dyn Fn() -> Instant,
    message: MessageOf<'_>,
) -> Result<SyncRecord, StoreError> {
    let change = |at| ChangeBy { actor: &request.actor, origin: "sync", from: request.from.as_deref(), at };
    let at = store.next_sync_start(&connection.name, now())?;
    let mut record = SyncRecord::begin(&connection.name, request.trigger, &request.actor, at);
    if !request.dry_run {
        store.write_sync(&record, None, &change(at))?;
    }
    let Source { password, authorities, judge_addresses } = source;
    let reading = password.and_then(|password| {
        let access = Access { password, authorities, judge_addresses };
        read(connection, &access).map_err(|error| error.to_string())
    });
    match reading {
        Ok(reading) => {
            let max_gone = (!request.accept_gone).then_some(connection.max_gone);
            record = take_over(store, record, reading, max_gone, request.dry_run, &change(now()))?;
        }
        Err(message) => {
            record.state = SyncState::Failed;
            record.report = json!({ "isComplete": false, "error": message });
        }
    }
    let at = now();
    record.ended_at = Some(at);
    if !request.dry_run {
        store.write_sync(&record, message(&record, at).as_ref(), &change(at))?;
    }
    Ok(record)
}

/// Makes the layer of a connection what was read, and completes the record.
pub(super) fn take_over(
    store: &mut Store,
    mut record: SyncRecord,
    reading: Reading,
    max_gone: Option<MaxGone>,
    dry_run: bool,
    change: &ChangeBy<'_>,
) -> Result<SyncRecord, StoreError> {
    let (listing, read) = listing_of(reading);
    let options = ListingOptions { dry_run, max_gone };
    let outcome = store.apply_listing(&record.connection, listing, options, change)?;
    record.state = if outcome.refusal.is_some() { SyncState::Refused } else { SyncState::Succeeded };
    record.report = report_of(&read, &outcome, dry_run);
    Ok(record)
}

/// Returns the message to the webhook about a sync that failed or was refused.
fn sync_message(has_webhook: bool, record: &SyncRecord, at: Instant) -> Option<NewMessage> {
    let kind = match record.state {
        SyncState::Failed => "sync.failed",
        SyncState::Refused => "sync.refused",
        SyncState::Running | SyncState::Succeeded => return None,
    };
    if !has_webhook {
        return None;
    }
    let view = SyncView::from(record.clone());
    let body = json!({ "type": kind, "timestamp": at.to_string(), "data": view }).to_string();
    Some(NewMessage { id: format!("msg_{}", record.id.simple()), run_id: record.id, body, at })
}

/// Opens the password of a connection.
pub(super) fn secret(
    context: &SyncContext,
    store: &mut Store,
    connection: &Connection,
) -> Result<Option<SecretString>, String> {
    if connection.kind.secret_reference().is_some() {
        return Err(format!(
            "the password of `{}` is named in a file as an environment variable or a file, which the service does not read; \
             give the connection its password through the API or the console",
            connection.name
        ));
    }
    let sealed = store.connection_secret(&connection.name).map_err(|error| error.to_string())?;
    sealed.map(|sealed| open_password(&context.sealer, &connection.name, &sealed)).transpose()
}

impl fmt::Debug for Source<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source").finish_non_exhaustive()
    }
}
