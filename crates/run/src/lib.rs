//! The run: take a snapshot, evaluate, encode, deliver, record.
//!
//! [`run`] is the whole product in one short function, and the only place that knows both the store and the
//! destination. Every part of it can fail; none leaves the destination between two states.
//!
//! [`batch`] does the same in tasks, for companies whose summaries take more than one machine.

pub mod batch;
mod evidence;
mod population;
mod previous_delivery;
mod report;
mod summary_files;

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, Instant as Stopwatch};

use domesday_delivery::{
    CallContext, CancelReason, DeliveryError, DestinationConfig, Layout, OpenDestination, RunKeys,
    TenantName, setup_scripts,
};
use domesday_drift::Drift;
use domesday_engine::evaluate;
use domesday_model::Instant;
use domesday_store::{DeliveryRecord, Fence, Store, StoreError};
use domesday_tables::{EncodeError, Manifest, Progress, ProgressCallback, Settings, encode, snapshot_id};

use evidence::RunConfiguration;
use population::Population;
use previous_delivery::PreviousDelivery;
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
    /// The size that a file should have, in bytes, unless it is the usual one.
    pub part_bytes: Option<usize>,
    /// What began the run, for the manifest.
    pub trigger: String,
    /// Who began it, for the manifest.
    pub actor: String,
    /// The fence of the lease under which the run is done, if any: a run that lost its lease records nothing.
    pub fence: Option<Fence>,
    /// The clock, and the token that cancels the run, whatever it waits for.
    pub call_context: CallContext,
}

impl Export {
    fn settings(&self) -> Settings {
        let mut settings = Settings { link_base: self.console_url.clone(), ..Settings::default() };
        settings.part_bytes = self.part_bytes.unwrap_or(settings.part_bytes);
        settings
    }

    fn configuration(&self) -> RunConfiguration<'_> {
        RunConfiguration {
            destination: &*self.destination,
            layout: self.layout,
            console_url: &self.console_url,
            trigger: &self.trigger,
            actor: &self.actor,
        }
    }
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
    let outcomes = Arc::new(evaluate(Arc::clone(&snapshot)));
    let drifts = Drift::of_databases(&outcomes);

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

    let settings = export.settings();
    files.spool_first_files(&settings)?;
    let encoded = encode_reported(&mut reporter, &files, |progress| {
        encode(&outcomes, &drifts, &settings, progress, |table, part| files.open_part(table, part))
    })?;

    export.call_context.check()?;
    let id = snapshot_id(&snapshot);
    let link = previous.link_for(id);
    let evidence = export.configuration().evidence(files.slot(), &link);
    let mut manifest = Manifest::new(&outcomes, &drifts, encoded.outcomes, &settings, evidence);
    population.describe(&mut manifest);
    let scripts = setup_scripts(&*export.destination, export.layout);
    let must_keep_both = previous.is_other_snapshot(id);
    let kept = files.complete(
        &snapshot,
        &settings,
        &encoded.parts,
        None,
        &scripts,
        must_keep_both,
        &mut manifest,
    )?;
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

/// Encodes tables into the spool, and reports how far they are.
fn encode_reported<T>(
    reporter: &mut Reporter<'_>,
    files: &SummaryFiles,
    encode: impl FnOnce(&mut ProgressCallback<'_>) -> Result<T, EncodeError>,
) -> Result<T, RunError> {
    let mut cancelled = None;
    let mut progress = |at: Progress| match reporter.enter(Stage::Encoding { table: at.table, rows: at.rows })
    {
        Ok(()) => ControlFlow::Continue(()),
        Err(error) => {
            cancelled = Some(error);
            ControlFlow::Break(())
        }
    };
    let encoded = encode(&mut progress);
    match (encoded, cancelled) {
        (Err(EncodeError::Cancelled), Some(error)) => Err(error),
        (encoded, _) => encoded.map_err(|error| files.run_error(error)),
    }
}
