//! policy-outcomes: the table whose rows exist only inside the readers of its files.
//!
//! The engine says outcomes by class: sources with equal outcomes, and within them users with equal reasons.
//! Here classes become the bytes of Parquet pages, in the order data source, scope, user, a source's column
//! rows last (specification, section 3, rules 7 to 9), and the bytes made for one source of a class serve the
//! others.
//!
//! The way of the data: sources are dealt out to row groups ([`plan`]); a group's distinct pieces become
//! bytes ([`segment`], in the runs of [`hybrid`]), these become pages and column chunks ([`group`], [`places`],
//! [`chunk`]). Groups are made on all threads, a few at a time, while those before them are written; what is
//! written does not depend on how many threads there are.
//!
//! The seam: in go [`Outcomes`] and nothing else, out come row groups of [`Parts`].

mod chunk;
mod class;
mod column;
mod group;
mod hybrid;
mod people;
mod places;
mod plan;
mod segment;
mod values;
mod waiting;

use std::collections::HashMap;
use std::io::{self, Write};
use std::sync::Arc;

use domesday_engine::{ClassIx, Outcomes, SourceOutcomes};
use domesday_model::Snapshot;
use parquet::errors::Result as ParquetResult;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use chunk::PageMakers;
use class::PreparedClass;
use group::{Context, EncodedGroup};
use people::People;
use plan::{Group, Planner};
use waiting::Waiting;

use crate::EncodeError;
use crate::part::Parts;
use crate::schema::{self, Table, parquet_schema};

/// Memory for classes that wait for their next data source; what does not fit is evaluated again.
const WAITING_BYTES: usize = 96 << 20;

/// Memory for the outcomes of classes evaluated at once, if each had every user.
const WINDOW_BYTES: usize = 128 << 20;

/// Row groups that are under way together, or as many as there are threads.
const GROUPS_AT_ONCE: usize = 6;

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

/// What was seen while encoding.
pub(crate) struct Seen {
    pub(crate) counts: OutcomeCounts,
    /// How many users are GRANTED READ, by data source; none for those disabled.
    pub(crate) readers: Vec<usize>,
}

/// Writes every row of the table, in order.
pub(crate) fn encode<W, F>(outcomes: &Outcomes, parts: &mut Parts<'_, W, F>) -> Result<Seen, EncodeError>
where
    W: Write + Send,
    F: FnMut(&'static Table, u32) -> io::Result<W>,
{
    let snapshot = outcomes.snapshot();
    let (people, ()) = rayon::join(|| People::of(snapshot), || outcomes.group_users());
    let people = parts.check(people)?;
    let schema = parts.check(parquet_schema(schema::POLICY_OUTCOMES))?;
    let context = Context { snapshot, people: &people, schema: &schema, makers: PageMakers::default() };

    let mut seen = Seen { counts: OutcomeCounts::default(), readers: vec![0; snapshot.data_sources.len()] };
    let of_users = snapshot.users.len().saturating_mul(parts.settings().outcome_group_rows_per_user);
    let mut planner = Planner::new(parts.settings().outcome_group_rows.max(of_users));
    let mut pipeline = Pipeline { context, finished: Vec::new() };
    let mut classes = Classes::of(outcomes);
    let window = (WINDOW_BYTES / (16 * snapshot.users.len().max(1))).clamp(8, 256);
    for start in (0..outcomes.sources().len()).step_by(window) {
        let end = outcomes.sources().len().min(start + window);
        classes.evaluate(start..end);
        for (position, source) in (start..end).zip(&outcomes.sources()[start..end]) {
            let class = classes.take(position, source);
            seen.counts.add(&class.counts);
            seen.readers[source.source.get()] = class.readers;
            planner.add(source, &class);
        }
        while planner.ready() >= pipeline.width() {
            let groups = planner.take(pipeline.width());
            pipeline.advance(&groups, parts)?;
        }
    }
    planner.close();
    while planner.ready() > 0 {
        let groups = planner.take(pipeline.width());
        pipeline.advance(&groups, parts)?;
    }
    pipeline.advance(&[], parts)?;
    Ok(seen)
}

/// Classes evaluated ahead, and those that wait for a later source.
struct Classes<'a> {
    outcomes: &'a Outcomes,
    waiting: Waiting<Arc<PreparedClass>>,
    /// Those of the window under way that did not wait.
    fresh: HashMap<ClassIx, Arc<PreparedClass>>,
}

impl<'a> Classes<'a> {
    fn of(outcomes: &'a Outcomes) -> Self {
        let keys = outcomes.sources().iter().map(|source| source.class);
        Self { outcomes, waiting: Waiting::of(keys, WAITING_BYTES), fresh: HashMap::new() }
    }

    /// Evaluates the classes of a window of sources, where they do not wait already.
    fn evaluate(&mut self, window: std::ops::Range<usize>) {
        let sources = &self.outcomes.sources()[window.clone()];
        let mut known = std::collections::HashSet::new();
        let missing: Vec<ClassIx> = window
            .zip(sources)
            .filter(|(position, source)| known.insert(source.class) && !self.waiting.has(*position))
            .map(|(_, source)| source.class)
            .collect();
        let snapshot: &Snapshot = self.outcomes.snapshot();
        let prepare =
            |class: ClassIx| (class, Arc::new(PreparedClass::of(snapshot, self.outcomes.class(class))));
        self.fresh = missing.into_par_iter().map(prepare).collect();
    }

    /// The class of the source at a position of the window.
    fn take(&mut self, position: usize, source: &SourceOutcomes) -> Arc<PreparedClass> {
        let waited = self.waiting.take(position);
        let class = waited.or_else(|| self.fresh.get(&source.class).cloned()).unwrap_or_else(|| {
            // It waited at the window's start, and had to make room since.
            let outcomes = self.outcomes.class(source.class);
            Arc::new(PreparedClass::of(self.outcomes.snapshot(), outcomes))
        });
        self.waiting.keep(position, Arc::clone(&class), class.bytes());
        class
    }
}

/// Row groups under way: some are made while those before them are written.
struct Pipeline<'a> {
    context: Context<'a>,
    finished: Vec<EncodedGroup>,
}

impl Pipeline<'_> {
    /// How many groups are made at once: enough that no thread waits long for the last of them.
    fn width(&self) -> usize {
        rayon::current_num_threads().max(GROUPS_AT_ONCE)
    }

    /// Makes these groups and meanwhile writes those made before.
    fn advance<W, F>(&mut self, groups: &[Group<'_>], parts: &mut Parts<'_, W, F>) -> Result<(), EncodeError>
    where
        W: Write + Send,
        F: FnMut(&'static Table, u32) -> io::Result<W>,
    {
        let finished = std::mem::take(&mut self.finished);
        let context = &self.context;
        let mut made: ParquetResult<Vec<EncodedGroup>> = Ok(Vec::new());
        let written = rayon::in_place_scope(|scope| {
            let made = &mut made;
            scope.spawn(move |_| *made = groups.par_iter().map(|group| context.encode(group)).collect());
            finished.into_iter().try_for_each(|group| {
                parts.make_room(group.bytes())?;
                parts.group(group.rows, |file| group.append(file))
            })
        });
        written?;
        self.finished = parts.check(made)?;
        Ok(())
    }
}
