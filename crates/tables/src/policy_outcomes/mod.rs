//! policy-outcomes: the table whose rows are never made.
//!
//! The engine returns outcomes by class: sources with equal outcomes, and within them users with equal reasons.
//! Here classes become the bytes of Parquet pages, in the order data source, scope, user, with a source's column
//! rows last (`docs/access.md` rules 7 to 9). The bytes made for one source of a class are reused for the others.
//!
//! Sources are assigned to row groups ([`row_groups`]); the distinct pieces of a group become bytes ([`segments`]), and
//! these become pages and column chunks ([`group_encoder`], [`source_columns`], [`columnar`](crate::columnar)). Groups are encoded on all threads, a few at a time, while those before them are written; the bytes
//! do not depend on the number of threads.
//!
//! Where parts end depends on the estimated size of their groups ([`size_model`], [`parts`]), so that they can be planned
//! without being written ([`mod@plan`]), and any of them be written alone.

mod class_cache;
mod class_shape;
mod group_encoder;
mod parts;
mod pieces;
mod plan;
mod prepared_class;
mod row_groups;
mod section;
mod segments;
mod size_model;
mod source_columns;
mod user_columns;

use std::collections::HashMap;
use std::io::{self, Write};
use std::ops::Range;
use std::sync::Arc;

use domesday_engine::{ClassIx, Outcomes, SourceOutcomes};
use domesday_model::Snapshot;
use parquet::errors::Result as ParquetResult;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use class_cache::ClassCache;
use class_shape::HasShape as _;
use group_encoder::{EncodedGroup, GroupEncoder};
use parts::PartCutter;
pub use parts::RowPosition;
use pieces::RowGroup;
pub use plan::{OutcomePlan, PlannedPart, plan};
use prepared_class::PreparedClass;
use row_groups::RowGroupPlanner;
use size_model::SizeModel;
use user_columns::UserColumns;

use crate::columnar::PageEncoderPool;
use crate::part_writer::PartWriter;
use crate::schema::{self, Table, parquet_schema};
use crate::{EncodeError, Settings};

/// Memory for classes that later data sources need again; what does not fit is evaluated again.
const CACHE_BYTES: usize = 96 << 20;

/// Memory for the outcomes of classes evaluated at once, if each had every user.
const WINDOW_BYTES: usize = 128 << 20;

/// The least number of row groups that are encoded together; at least one for each thread.
const MIN_PARALLEL_GROUPS: usize = 6;

/// The rows of policy-outcomes by outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct OutcomeCounts {
    /// Table rows of users with access.
    pub granted: u64,
    /// Table rows of users whom a guardrail blocks.
    pub blocked: u64,
    /// Column rows of masked columns.
    pub masked: u64,
    /// Column rows of unmasked columns.
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

/// What other tables need to know about the rows.
pub(crate) struct EncodedOutcomes {
    pub(crate) counts: OutcomeCounts,
    /// How many users are GRANTED READ, by data source; none for those disabled.
    pub(crate) readers: Vec<usize>,
}

/// Returns the rows of a full row group.
fn group_rows(snapshot: &Snapshot, settings: &Settings) -> usize {
    let of_users = snapshot.users.len().saturating_mul(settings.outcome_group_rows_per_user);
    settings.outcome_group_rows.max(of_users)
}

/// Writes the rows of a range, which begins with a part and ends with one, in order.
pub(crate) fn encode<W, F>(
    outcomes: &Outcomes,
    range: Range<RowPosition>,
    parts: &mut PartWriter<'_, W, F>,
) -> Result<EncodedOutcomes, EncodeError>
where
    W: Write + Send,
    F: FnMut(&'static Table, u32) -> io::Result<W>,
{
    let snapshot = outcomes.snapshot();
    let (users, ()) = rayon::join(|| UserColumns::new(snapshot), || outcomes.group_users());
    let users = parts.check(users)?;
    let schema = parts.check(parquet_schema(schema::POLICY_OUTCOMES))?;
    let sizes = SizeModel::new(snapshot, &users);
    let encoder = GroupEncoder {
        snapshot,
        users: &users,
        sizes: &sizes,
        schema: &schema,
        page_encoders: PageEncoderPool::default(),
    };

    let mut seen =
        EncodedOutcomes { counts: OutcomeCounts::default(), readers: vec![0; snapshot.data_sources.len()] };
    let settings = parts.settings();
    let mut planner = RowGroupPlanner::new(group_rows(snapshot, settings), settings.max_part_bytes, &sizes);
    let mut pipeline = Pipeline { encoder, finished: Vec::new(), cutter: PartCutter::new(settings) };
    let positions = source_positions(&range);
    let mut classes = ClassEvaluator::new(outcomes, positions.clone());
    let window = (WINDOW_BYTES / (16 * snapshot.users.len().max(1))).clamp(8, 256);
    for start in positions.clone().step_by(window) {
        let end = positions.end.min(start + window);
        classes.evaluate_window(start..end);
        for (position, source) in (start..end).zip(&outcomes.sources()[start..end]) {
            let class = classes.take(position, source);
            seen.counts.add(&class.shape().counts);
            seen.readers[source.source.get()] = class.shape().readers;
            planner.add(position, source, &class, rows_of_source(&range, position));
        }
        while planner.ready_count() >= pipeline.width() {
            let groups = planner.take(pipeline.width());
            pipeline.advance(&groups, parts)?;
        }
    }
    planner.close();
    while planner.ready_count() > 0 {
        let groups = planner.take(pipeline.width());
        pipeline.advance(&groups, parts)?;
    }
    pipeline.advance(&[], parts)?;
    Ok(seen)
}

/// Returns the range of all rows.
pub(crate) fn all_rows(outcomes: &Outcomes) -> Range<RowPosition> {
    RowPosition::default()..RowPosition { source: outcomes.sources().len(), row: 0 }
}

/// Returns the positions of the sources with rows in a range.
fn source_positions(range: &Range<RowPosition>) -> Range<usize> {
    range.start.source..range.end.source + usize::from(range.end.row > 0)
}

/// Returns the rows of the source at a position that are in a range.
fn rows_of_source(range: &Range<RowPosition>, position: usize) -> Range<usize> {
    let start = if position == range.start.source { range.start.row } else { 0 };
    let end = if position == range.end.source { range.end.row } else { usize::MAX };
    start..end
}

/// Evaluates the classes of a window of sources ahead, and caches those that later sources need.
struct ClassEvaluator<'a> {
    outcomes: &'a Outcomes,
    /// The position of the first source.
    first: usize,
    cache: ClassCache<Arc<PreparedClass>>,
    /// The classes of the current window that were not cached.
    fresh: HashMap<ClassIx, Arc<PreparedClass>>,
}

impl<'a> ClassEvaluator<'a> {
    fn new(outcomes: &'a Outcomes, positions: Range<usize>) -> Self {
        let keys = outcomes.sources()[positions.clone()].iter().map(|source| source.class);
        let cache = ClassCache::new(keys, CACHE_BYTES);
        Self { outcomes, first: positions.start, cache, fresh: HashMap::new() }
    }

    /// Evaluates the classes of a window of sources that are not cached.
    fn evaluate_window(&mut self, window: Range<usize>) {
        let sources = &self.outcomes.sources()[window.clone()];
        let mut known = std::collections::HashSet::new();
        let missing: Vec<ClassIx> = window
            .zip(sources)
            .filter(|(position, source)| {
                known.insert(source.class) && !self.cache.contains(position - self.first)
            })
            .map(|(_, source)| source.class)
            .collect();
        let snapshot: &Snapshot = self.outcomes.snapshot();
        let prepare =
            |class: ClassIx| (class, Arc::new(PreparedClass::new(snapshot, self.outcomes.class(class))));
        self.fresh = missing.into_par_iter().map(prepare).collect();
    }

    /// Returns the class of the source at a position of the window.
    fn take(&mut self, position: usize, source: &SourceOutcomes) -> Arc<PreparedClass> {
        let position = position - self.first;
        let cached = self.cache.take(position);
        let class = cached.or_else(|| self.fresh.get(&source.class).cloned()).unwrap_or_else(|| {
            // It was cached at the window's start, and has been evicted since.
            let outcomes = self.outcomes.class(source.class);
            Arc::new(PreparedClass::new(self.outcomes.snapshot(), outcomes))
        });
        self.cache.insert(position, Arc::clone(&class), class.bytes());
        class
    }
}

/// Encodes row groups while the groups before them are written.
struct Pipeline<'a> {
    encoder: GroupEncoder<'a>,
    finished: Vec<EncodedGroup>,
    cutter: PartCutter,
}

impl Pipeline<'_> {
    /// Returns how many groups are encoded together: enough that no thread waits long for the last of them.
    fn width(&self) -> usize {
        rayon::current_num_threads().max(MIN_PARALLEL_GROUPS)
    }

    /// Encodes these groups, and meanwhile writes the groups encoded before.
    fn advance<W, F>(
        &mut self,
        groups: &[RowGroup<'_>],
        parts: &mut PartWriter<'_, W, F>,
    ) -> Result<(), EncodeError>
    where
        W: Write + Send,
        F: FnMut(&'static Table, u32) -> io::Result<W>,
    {
        let finished = std::mem::take(&mut self.finished);
        let (encoder, cutter) = (&self.encoder, &mut self.cutter);
        let mut made: ParquetResult<Vec<EncodedGroup>> = Ok(Vec::new());
        let written = rayon::in_place_scope(|scope| {
            let made = &mut made;
            scope.spawn(move |_| *made = groups.par_iter().map(|group| encoder.encode(group)).collect());
            finished.into_iter().try_for_each(|group| {
                if cutter.begins_part(group.planned) {
                    parts.close_part()?;
                }
                parts.append_group(group.encoded.rows, |file| group.encoded.append(file))
            })
        });
        written?;
        self.finished = parts.check(made)?;
        Ok(())
    }
}
