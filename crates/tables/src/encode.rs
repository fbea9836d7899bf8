//! Encodes every table as Parquet parts.

use std::io::{self, Write};
use std::ops::ControlFlow;
use std::sync::{Mutex, PoisonError};

use arrow_array::ArrayRef;
use domesday_drift::Drift;
use domesday_engine::Outcomes;
use domesday_model::{Instant, Snapshot};
use rayon::prelude::*;

use crate::batch_writer::BatchWriter;
use crate::drift_tables::{self, AccessRows, FindingRows};
use crate::part_writer::PartWriter;
use crate::policy_outcomes::{self, OutcomeCounts};
use crate::rows::{RowContext, Rows, assets, people, policies, products, requests};
use crate::schema::{self, SNAPSHOT, Table};
use crate::{
    EncodeError, PRODUCT, Part, PlannedPart, Progress, ProgressCallback, RULES_VERSION, SCHEMA_VERSION,
    Settings, snapshot_id,
};

/// The result of [`encode()`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoded {
    /// Every part, in the order of [`TABLES`](crate::TABLES), then by number.
    pub parts: Vec<Part>,
    /// The rows of policy-outcomes by outcome.
    pub outcomes: OutcomeCounts,
}

/// Writes all tables as Parquet parts. `drifts` are the databases of the snapshot's connections, compared with the same
/// outcomes ([`Drift::of_databases`]). `open` returns the writer for each part; a table without rows has
/// one part without rows. policy-outcomes comes first, since other tables count its outcomes; the others are encoded in
/// parallel.
///
/// Takes memory for some row groups (two a thread, or a dozen) and for cached classes (bounded); then, for each thread,
/// for a row group and a batch of rows, and for a few row groups of actual-access and access-drift.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use std::ops::ControlFlow;
///
/// use domesday_model::{Catalog, Instant, Snapshot};
/// use domesday_tables::{Settings, TABLES, encode};
///
/// let snapshot = Snapshot::of_catalog(&Catalog::default(), Instant::from_micros(0))?;
/// let outcomes = domesday_engine::evaluate(snapshot);
/// let sink = |_table: &'static _, _part: u32| Ok(std::io::sink());
/// let mut progress = |_| ControlFlow::Continue(());
/// let encoded = encode(&outcomes, &[], &Settings::default(), &mut progress, sink)?;
/// assert_eq!(encoded.parts.len(), TABLES.len());
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// When a part cannot be opened or written, or the snapshot is not consistent. [`EncodeError::Cancelled`] when
/// `progress` asked to stop; it is not called again afterwards.
pub fn encode<W, F>(
    outcomes: &Outcomes,
    drifts: &[Drift],
    settings: &Settings,
    progress: &mut ProgressCallback<'_>,
    mut open: F,
) -> Result<Encoded, EncodeError>
where
    W: Write + Send,
    F: FnMut(&'static Table, u32) -> io::Result<W> + Send,
{
    let mut writer = PartWriter::begin(schema::POLICY_OUTCOMES, 0, settings, progress, &mut open)?;
    let seen = policy_outcomes::encode(outcomes, policy_outcomes::all_rows(outcomes), &mut writer)?;
    let mut parts = writer.finish()?;
    parts.extend(encode_other_tables(outcomes, drifts, settings, &seen.readers, progress, open)?);
    parts.sort_by_key(Part::order);
    Ok(Encoded { parts, outcomes: seen.counts })
}

/// Writes some parts of policy-outcomes by its plan, as [`encode()`] writes them among all.
///
/// # Errors
/// As [`encode()`], and [`EncodeError::OtherPlan`] when the parts are not what the plan says.
///
/// # Panics
/// When the plan has no such parts.
pub fn encode_parts<W, F>(
    outcomes: &Outcomes,
    settings: &Settings,
    planned: &[PlannedPart],
    progress: &mut ProgressCallback<'_>,
    open: F,
) -> Result<Vec<Part>, EncodeError>
where
    W: Write + Send,
    F: FnMut(&'static Table, u32) -> io::Result<W> + Send,
{
    let (Some(first), Some(last)) = (planned.first(), planned.last()) else { return Ok(Vec::new()) };
    let mut writer = PartWriter::begin(schema::POLICY_OUTCOMES, first.number, settings, progress, open)?;
    policy_outcomes::encode(outcomes, first.start..last.end, &mut writer)?;
    let parts = writer.finish()?;
    let numbers = parts.len().max(planned.len());
    for at in 0..numbers {
        let rows = parts.get(at).map_or(0, |part| part.rows);
        let expected = planned.get(at).map_or(0, |part| part.rows);
        if rows != expected || parts.len() != planned.len() {
            let part = first.number + u32::try_from(at).unwrap_or(u32::MAX);
            return Err(EncodeError::OtherPlan { part, rows, planned: expected });
        }
    }
    Ok(parts)
}

/// Writes the tables other than policy-outcomes. `readers` is how many users are GRANTED READ, by data source
/// ([`OutcomePlan::readers`](crate::OutcomePlan::readers)); `drifts` as for [`encode()`]. Returns the parts in the order of [`TABLES`](crate::TABLES).
///
/// # Errors
/// As [`encode()`].
pub fn encode_other_tables<W, F>(
    outcomes: &Outcomes,
    drifts: &[Drift],
    settings: &Settings,
    readers: &[usize],
    progress: &mut ProgressCallback<'_>,
    open: F,
) -> Result<Vec<Part>, EncodeError>
where
    W: Write + Send,
    F: FnMut(&'static Table, u32) -> io::Result<W> + Send,
{
    let world = RowContext::new(outcomes, drifts, settings, readers);
    // The largest first, each a task of its own: an idle thread takes one from another.
    let fills: [(&'static Table, Fill); 13] = [
        (schema::ACCESS_DRIFT, Fill::Findings),
        (schema::USER_ENTITLEMENTS, Fill::Rows(people::user_entitlements)),
        (schema::COLUMN_METADATA, Fill::Rows(assets::column_metadata)),
        (schema::DATASOURCE_METADATA, Fill::Rows(assets::datasource_metadata)),
        (schema::USER_METADATA, Fill::Rows(people::user_metadata)),
        (schema::DATA_PRODUCT_ASSETS, Fill::Rows(products::data_product_assets)),
        (schema::ACCESS_REQUESTS, Fill::Rows(requests::access_requests)),
        (schema::REQUEST_DETERMINATIONS, Fill::Rows(requests::request_determinations)),
        (schema::REQUEST_DUAS, Fill::Rows(requests::request_duas)),
        (schema::TAG_METADATA, Fill::Rows(assets::tag_metadata)),
        (schema::POLICY_METADATA, Fill::Rows(policies::policy_metadata)),
        (schema::DATA_PRODUCTS, Fill::Rows(products::data_products)),
        (schema::ACTUAL_ACCESS, Fill::Accesses),
    ];
    let (progress, open) = (Mutex::new(SharedProgress::new(progress)), Mutex::new(open));
    let tables = fills.into_par_iter().with_max_len(1).map(|(table, fill)| {
        let mut progress = |at| progress.lock().unwrap_or_else(PoisonError::into_inner).report(at);
        let open = |table, part| open.lock().unwrap_or_else(PoisonError::into_inner)(table, part);
        let rows = match fill {
            Fill::Rows(rows) => rows,
            Fill::Accesses => {
                let mut parts = PartWriter::begin(table, 0, settings, &mut progress, open)?;
                drift_tables::encode(&AccessRows::new(&world), &mut parts)?;
                return parts.finish();
            }
            Fill::Findings => {
                let mut parts = PartWriter::begin(table, 0, settings, &mut progress, open)?;
                drift_tables::encode(&FindingRows::new(&world), &mut parts)?;
                return parts.finish();
            }
        };
        encode_rows(table, world.snapshot.at, settings, &mut progress, open, |to| rows(&world, to))
    });
    let mut parts = Vec::new();
    for table in tables.collect::<Vec<_>>() {
        parts.extend(table?);
    }
    parts.sort_by_key(Part::order);
    Ok(parts)
}

/// The callback as tables that are encoded in parallel share it: once it asked to stop, every table stops.
struct SharedProgress<'p, 'c> {
    callback: &'p mut ProgressCallback<'c>,
    is_cancelled: bool,
}

impl<'p, 'c> SharedProgress<'p, 'c> {
    fn new(callback: &'p mut ProgressCallback<'c>) -> Self {
        Self { callback, is_cancelled: false }
    }

    fn report(&mut self, progress: Progress) -> ControlFlow<()> {
        if self.is_cancelled {
            return ControlFlow::Break(());
        }
        let next = (self.callback)(progress);
        self.is_cancelled = next.is_break();
        next
    }
}

/// What a table other than policy-outcomes is made of.
#[derive(Clone, Copy)]
enum Fill {
    /// Rows, one by one.
    Rows(fn(&RowContext<'_>, &mut Rows<'_>) -> Result<(), EncodeError>),
    /// The accesses of the connected databases, by class.
    Accesses,
    /// Their findings, by class.
    Findings,
}

/// The location of the files, for the `snapshot` row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SnapshotRow<'a> {
    /// `latest`, `swap` or `history`.
    pub layout: &'a str,
    /// The slot written, in the swap layout.
    pub slot: Option<&'a str>,
}

/// Writes the one-row `snapshot` table that names the current snapshot.
///
/// # Errors
/// When the writer fails.
pub fn encode_snapshot_row<W: Write + Send>(
    snapshot: &Snapshot,
    settings: &Settings,
    row: SnapshotRow<'_>,
    writer: W,
) -> Result<Part, EncodeError> {
    encode_one(&SNAPSHOT, 0, snapshot.at, settings, writer, |rows| {
        rows.row()
            .uuid("snapshot_id", snapshot_id(snapshot))
            .text("schema_version", SCHEMA_VERSION)
            .text("rules_version", RULES_VERSION)
            .text("layout", row.layout)
            .optional_text("slot", row.slot)
            .uuid("tenant_id", snapshot.tenant_id)
            .text("product", PRODUCT)
            .text("product_version", &settings.product_version)
            .end()
    })
}

/// Writes a part of no rows, to overwrite one that the table no longer has.
///
/// # Errors
/// When the writer fails.
pub fn encode_empty<W: Write + Send>(
    table: &'static Table,
    number: u32,
    settings: &Settings,
    writer: W,
) -> Result<Part, EncodeError> {
    encode_one(table, number, Instant::from_micros(0), settings, writer, |_| Ok(()))
}

/// Writes a table of one part into one writer.
fn encode_one<W: Write + Send>(
    table: &'static Table,
    number: u32,
    at: Instant,
    settings: &Settings,
    writer: W,
    fill: impl FnOnce(&mut Rows<'_>) -> Result<(), EncodeError>,
) -> Result<Part, EncodeError> {
    let mut writer = Some(writer);
    let once = |_: &'static Table, _| writer.take().ok_or_else(|| io::Error::other("one part only"));
    let mut parts = encode_rows(table, at, settings, &mut |_| ControlFlow::Continue(()), once, fill)?;
    let part = parts.pop().expect("every table has a part");
    Ok(Part { number, ..part })
}

/// Writes a table row by row.
fn encode_rows<W, F>(
    table: &'static Table,
    at: Instant,
    settings: &Settings,
    progress: &mut ProgressCallback<'_>,
    open: F,
    fill: impl FnOnce(&mut Rows<'_>) -> Result<(), EncodeError>,
) -> Result<Vec<Part>, EncodeError>
where
    W: Write + Send,
    F: FnMut(&'static Table, u32) -> io::Result<W>,
{
    let mut writer = BatchWriter::begin(table, settings, progress, open)?;
    let mut sink = |batch: &[ArrayRef]| writer.write(batch);
    let mut rows = Rows::new(table, at, settings.batch_rows(), &mut sink);
    fill(&mut rows)?;
    rows.finish()?;
    writer.finish()
}
