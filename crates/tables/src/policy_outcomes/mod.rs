//! policy-outcomes: the table whose rows exist only while they are encoded.
//!
//! The engine says outcomes by class: sources with equal outcomes, and within them users with equal reasons.
//! Here classes become rows, in the order data source, scope, user, a source's column rows last (specification,
//! section 3, rules 7 to 9). A row is four small numbers (which user, which source and scope, which reason,
//! which column); the texts behind them stand once per batch, as dictionaries.
//!
//! The seam: in go [`Outcomes`] and nothing else, out come batches of [`batch_schema`]. A faster way to the same
//! bytes replaces this module and the [`TableWriter`](crate::part::TableWriter) around it, and nothing more.

mod batch;
mod class;
mod waiting;

use domesday_engine::{Outcomes, ScopeOutcomes, SourceOutcomes};
use domesday_model::{Scope, SnapshotDataSource};
use serde::{Deserialize, Serialize};

pub(crate) use batch::batch_schema;
use batch::{Batch, Sink};
use class::{PreparedClass, ReasonText};
use waiting::Waiting;

use crate::EncodeError;

/// Memory for classes that wait for their next data source; what does not fit is evaluated again.
const WAITING_BYTES: usize = 512 << 20;

/// The rows of policy-outcomes by outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct OutcomeCounts {
    /// Table rows of users who get through.
    pub granted: u64,
    /// Table rows of users whom a guardrail blocks.
    pub blocked: u64,
    /// Column rows of columns seen through a mask.
    pub masked: u64,
    /// Column rows of columns seen clear.
    pub unmasked: u64,
}

impl OutcomeCounts {
    fn add(&mut self, other: &Self) {
        self.granted += other.granted;
        self.blocked += other.blocked;
        self.masked += other.masked;
        self.unmasked += other.unmasked;
    }
}

/// What was seen while expanding.
pub(crate) struct Expanded {
    pub(crate) counts: OutcomeCounts,
    /// How many users are GRANTED READ, by data source; none for those disabled.
    pub(crate) readers: Vec<usize>,
}

/// Makes every row of the table, in order, in batches of at most `batch_rows`.
pub(crate) fn expand(
    outcomes: &Outcomes<'_>,
    batch_rows: usize,
    sink: &mut Sink<'_>,
) -> Result<Expanded, EncodeError> {
    let snapshot = outcomes.snapshot();
    let mut counts = OutcomeCounts::default();
    let mut readers = vec![0; snapshot.data_sources.len()];
    let mut batch = Batch::new(snapshot, batch_rows, sink);
    let mut waiting = Waiting::of(outcomes.sources().iter().map(|source| source.class), WAITING_BYTES);
    for (position, source) in outcomes.sources().iter().enumerate() {
        let known = waiting.take(position);
        let class = known.unwrap_or_else(|| PreparedClass::of(snapshot, outcomes.class(source.class)));
        counts.add(&class.counts);
        readers[source.source.get()] = class.readers;
        let of = Place { source, data: &snapshot.data_sources[source.source.get()] };
        let [read, write] = Scope::ALL.map(|scope| class.outcomes.scope(scope));
        table_rows(&of, Scope::Read, read, &class.read, &mut batch)?;
        table_rows(&of, Scope::Write, write, &class.write, &mut batch)?;
        column_rows(&of, &class, &mut batch)?;
        let bytes = class.bytes();
        waiting.keep(position, class, bytes);
    }
    batch.flush()?;
    Ok(Expanded { counts, readers })
}

/// The data source whose rows are made.
struct Place<'a> {
    source: &'a SourceOutcomes,
    data: &'a SnapshotDataSource,
}

fn table_rows(
    of: &Place<'_>,
    scope: Scope,
    outcomes: &ScopeOutcomes,
    reasons: &[ReasonText],
    batch: &mut Batch<'_>,
) -> Result<(), EncodeError> {
    let mut rows = outcomes.users.iter().zip(&outcomes.reason_of);
    while rows.len() > 0 {
        let place = batch.place(of.data, scope, &outcomes.merged_policy);
        let mut keys = ReasonKeys::new(reasons);
        for (user, reason) in rows.by_ref().take(batch.room()) {
            let reason = keys.of(*reason, batch);
            batch.row(*user, place, reason, Batch::NO_COLUMN);
        }
        batch.flush_if_full()?;
    }
    Ok(())
}

fn column_rows(of: &Place<'_>, class: &PreparedClass, batch: &mut Batch<'_>) -> Result<(), EncodeError> {
    let outcomes = &class.outcomes.columns;
    let mut rows =
        (0..outcomes.users.len()).flat_map(|user| (0..outcomes.slots.len()).map(move |slot| (user, slot)));
    let mut left = outcomes.users.len() * outcomes.slots.len();
    while left > 0 {
        let place = batch.place(of.data, Scope::Read, &class.outcomes.read.merged_policy);
        let first_column = batch.columns(&of.source.columns);
        let mut keys = ReasonKeys::new(&class.columns);
        let taken = left.min(batch.room());
        for (user, slot) in rows.by_ref().take(taken) {
            let reason = keys.of(outcomes.slots[slot][user], batch);
            batch.row(outcomes.users[user], place, reason, first_column + slot as u32);
        }
        left -= taken;
        batch.flush_if_full()?;
    }
    Ok(())
}

/// The keys that a class's reasons have in a batch; each reason enters the batch when a row first needs it.
struct ReasonKeys<'a> {
    texts: &'a [ReasonText],
    keys: Vec<Option<u32>>,
}

impl<'a> ReasonKeys<'a> {
    fn new(texts: &'a [ReasonText]) -> Self {
        Self { texts, keys: vec![None; texts.len()] }
    }

    fn of(&mut self, reason: u32, batch: &mut Batch<'_>) -> u32 {
        let reason = reason as usize;
        *self.keys[reason].get_or_insert_with(|| batch.reason(&self.texts[reason]))
    }
}
