//! The run: take a snapshot, evaluate, encode, deliver, record.
//!
//! [`run`] is the whole product in one short function, and the only place that knows both the store and the
//! destination. Every part of it can fail; none leaves the destination between two states.

mod population;
mod previous_delivery;
mod report;
mod summary_files;

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, Instant as Stopwatch};

use domesday_delivery::{
    CallContext, CancelReason, DeliveryError, DestinationConfig, Layout, OpenDestination, RunKeys, Slot,
    TenantName, setup_scripts,
};
use domesday_engine::evaluate;
use domesday_model::Instant;
use domesday_store::{DeliveryRecord, Fence, Store, StoreError};
use domesday_tables::{EncodeError, Evidence, Manifest, Settings, encode, sha256, snapshot_id};

use population::Population;
use previous_delivery::{ManifestLink, PreviousDelivery};
pub use report::{RunReport, TableReport};
use summary_files::SummaryFiles;

/// The usual time to settle in the swap layout: longer than engines take from listing files to reading which slot is in
/// use.
pub const SETTLE: Duration = Duration::from_secs(5);

/// What to deliver where, and on whose behalf.
#[derive(Debug, Clone)]
pub struct Export {
    /// Where the summary goes.
    pub destination: Arc<dyn DestinationConfig>,
    /// The layout of the daily snapshots there.
    pub layout: Layout,
    /// In the swap layout, how long to wait between delivering the tables and the `snapshot` row that names them: a query
    /// that an engine planned on the previous files has then read which slot is in use.
    pub settle: Duration,
    /// The console's address without a slash at the end, for links.
    pub console_url: String,
    /// What began the run, for the manifest.
    pub trigger: String,
    /// Who began it, for the manifest.
    pub actor: String,
    /// The fence of the lease under which the run is done, if any: a run that lost its lease records nothing.
    pub fence: Option<Fence>,
    /// The clock, and the token that cancels the run, whatever it waits for.
    pub call_context: CallContext,
}

/// The stage of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Taking the snapshot.
    Snapshot,
    /// Matching policies to users and data sources.
    Evaluating {
        /// The number of users.
        users: usize,
        /// The number of data sources.
        data_sources: usize,
    },
    /// Listing the destination.
    Opening,
    /// Evaluating and encoding a table.
    Encoding {
        /// The table.
        table: &'static str,
        /// Its rows so far.
        rows: u64,
    },
    /// Delivering files.
    Delivering {
        /// The number of the file, from 1.
        file: usize,
        /// The number of files.
        files: usize,
    },
}

/// Why a run failed. The destination still has what it had before.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The snapshot could not be read, or the delivery not be recorded.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The tables could not be encoded.
    #[error(transparent)]
    Encode(EncodeError),
    /// The files could not be delivered.
    #[error(transparent)]
    Delivery(DeliveryError),
    /// The run was cancelled at some stage.
    #[error("{}", DeliveryError::Cancelled { reason: *reason })]
    Cancelled {
        /// Why.
        reason: CancelReason,
    },
}

impl From<DeliveryError> for RunError {
    fn from(error: DeliveryError) -> Self {
        match error {
            DeliveryError::Cancelled { reason } => Self::Cancelled { reason },
            error => Self::Delivery(error),
        }
    }
}

/// Reports stages, and ends the run at the next one once it is cancelled.
struct Reporter<'a> {
    progress: &'a mut (dyn FnMut(Stage) + Send),
    call_context: &'a CallContext,
}

impl Reporter<'_> {
    fn enter(&mut self, stage: Stage) -> Result<(), RunError> {
        (self.progress)(stage);
        Ok(self.call_context.check()?)
    }
}

/// Takes a snapshot of the store as of `at`, evaluates it and delivers its access summary. `progress` is called on the
/// thread that reaches a stage, never by two at a time.
///
/// The run checks its cancellation token at every stage, after every row group it encodes, and while it waits for a
/// server or for readers. Renaming files into a directory is not interrupted: it takes milliseconds, and a reader is
/// better served by all of them than by some.
///
/// # Errors
/// When any part fails, and [`RunError::Cancelled`] when the run was cancelled. The snapshot that the destination names
/// is then the one that it named before.
pub fn run(
    export: &Export,
    store: &mut Store,
    at: Instant,
    progress: &mut (dyn FnMut(Stage) + Send),
) -> Result<RunReport, RunError> {
    let started = Stopwatch::now();
    let mut reporter = Reporter { progress, call_context: &export.call_context };
    reporter.enter(Stage::Snapshot)?;
    let snapshot = Arc::new(store.snapshot(at)?);
    let population = Population::read(store, at)?;
    let (users, data_sources) = (snapshot.users.len(), snapshot.data_sources.len());
    reporter.enter(Stage::Evaluating { users, data_sources })?;
    let outcomes = evaluate(Arc::clone(&snapshot));

    reporter.enter(Stage::Opening)?;
    let tenant = TenantName { id: snapshot.tenant_id, name: snapshot.tenant.name.clone() };
    let OpenDestination { mut destination, spool } =
        export.destination.open(&tenant, &export.call_context)?;
    let name = export.destination.name();
    let existing = RunKeys::list_existing(&*destination, export.layout, at)?;
    let previous = PreviousDelivery::find(store, &name, &existing)?;
    if let Some(arrived) = previous.unrecorded() {
        record_with_retry(export, store, |store| {
            store.record_delivery(&name, arrived, export.fence.as_ref())
        })?;
    }
    let clock = &export.call_context.clock;
    let mut files = SummaryFiles::plan(existing, spool, export.layout, &snapshot, previous.slot(), clock);

    let settings = Settings { link_base: export.console_url.clone(), ..Settings::default() };
    let mut cancelled = None;
    let mut encoding = |at: domesday_tables::Progress| match reporter
        .enter(Stage::Encoding { table: at.table, rows: at.rows })
    {
        Ok(()) => ControlFlow::Continue(()),
        Err(error) => {
            cancelled = Some(error);
            ControlFlow::Break(())
        }
    };
    let encoded = encode(&outcomes, &settings, &mut encoding, |table, part| files.open_part(table, part));
    let encoded = match (encoded, cancelled) {
        (Err(EncodeError::Cancelled), Some(error)) => return Err(error),
        (encoded, _) => encoded.map_err(|error| files.run_error(error))?,
    };

    export.call_context.check()?;
    let id = snapshot_id(&snapshot);
    let link = previous.link_for(id);
    let evidence = evidence(export, files.slot(), &link);
    let mut manifest = Manifest::new(&outcomes, encoded.outcomes, &settings, evidence);
    population.describe(&mut manifest);
    let scripts = setup_scripts(&*export.destination, export.layout);
    let must_keep_both = previous.is_other_snapshot(id);
    let kept =
        files.complete(&snapshot, &settings, &encoded.parts, &scripts, must_keep_both, &mut manifest)?;
    let announced = DeliveryRecord {
        snapshot_id: id,
        manifest_sha256: domesday_tables::hex(&manifest.sha256()),
        previous_manifest_sha256: link.sha256,
        kept_manifest_key: kept,
        previous_manifest_key: link.key,
        slot: manifest.slot.clone(),
        manifest_mark: None,
    };
    record_with_retry(export, store, |store| {
        store.announce_delivery(&name, &announced, export.fence.as_ref())
    })?;
    let receipt = files.deliver(&mut *destination, export.settle, &mut reporter)?;
    let delivery = DeliveryRecord { manifest_mark: receipt.last_etag.clone(), ..announced };
    record_with_retry(export, store, |store| store.record_delivery(&name, &delivery, export.fence.as_ref()))?;
    Ok(RunReport::new(&*export.destination, &manifest, &receipt, started.elapsed()))
}

/// The wait before the first retry of recording something. It doubles with each retry, up to the longest.
const RECORD_RETRY: Duration = Duration::from_millis(250);
const MAX_RECORD_RETRY: Duration = Duration::from_secs(5);

/// Records something in the store. Under a lease, retries while the database is unavailable or read-only, as during a
/// failover, until the run is cancelled, which the end of its lease does: a delivery of hours is not repeated because the
/// database was away for seconds.
fn record_with_retry(
    export: &Export,
    store: &mut Store,
    mut record: impl FnMut(&mut Store) -> Result<(), StoreError>,
) -> Result<(), RunError> {
    let mut wait = RECORD_RETRY;
    loop {
        match record(store) {
            Err(error) if export.fence.is_some() && error.is_transient() => {
                export.call_context.wait(wait)?;
                wait = (wait * 2).min(MAX_RECORD_RETRY);
                // Another server may have taken over. When none can be reached yet, the record fails again.
                let _ = store.reconnect();
            }
            done => return Ok(done?),
        }
    }
}

fn evidence(export: &Export, slot: Option<Slot>, link: &ManifestLink) -> Evidence {
    let configuration = format!(
        "layout={}\nconsole_url={}\n{}",
        export.layout,
        export.console_url,
        export.destination.evidence()
    );
    Evidence {
        configuration_sha256: sha256(configuration.as_bytes()),
        trigger: export.trigger.clone(),
        actor: export.actor.clone(),
        layout: export.layout.as_str().to_owned(),
        slot: slot.map(|slot| slot.as_str().to_owned()),
        previous_manifest_sha256: link.sha256.as_deref().and_then(domesday_tables::parse_hex),
        previous_manifest_key: link.key.clone(),
        chain: link.kind,
    }
}
