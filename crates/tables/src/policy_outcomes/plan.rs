//! Plans the parts of policy-outcomes without writing them.

use std::sync::Arc;

use domesday_engine::{ClassIx, Outcomes, SourceOutcomes};
use parquet::errors::ParquetError;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::class_shape::ClassShape;
use super::group_encoder::PAGE_ROWS;
use super::parts::{GroupSize, PartCutter, RowPosition};
use super::pieces::{DistinctPieces, RowGroup, split_pages};
use super::prepared_class::PreparedClass;
use super::row_groups::RowGroupPlanner;
use super::size_model::SizeModel;
use super::user_columns::UserColumns;
use super::{OutcomeCounts, group_rows};
use crate::schema::POLICY_OUTCOMES;
use crate::{EncodeError, Settings};

/// How many row groups are sized in parallel.
const PARALLEL_GROUPS: usize = 64;

/// The parts of policy-outcomes, before they are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutcomePlan {
    /// The parts in order. A table without rows has one part without rows.
    pub parts: Vec<PlannedPart>,
    /// The rows by outcome.
    pub counts: OutcomeCounts,
    /// How many users are GRANTED READ, by data source; none for those disabled.
    pub readers: Vec<usize>,
}

/// One part of policy-outcomes, before it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PlannedPart {
    /// Its number, from 0.
    pub number: u32,
    /// Its first row.
    pub start: RowPosition,
    /// The first row of the next part.
    pub end: RowPosition,
    /// Its rows.
    pub rows: u64,
    /// The estimate of its size in bytes.
    pub estimated_bytes: u64,
}

/// Plans the parts that [`encode`](crate::encode()) writes. Evaluates every class once and encodes none.
///
/// # Errors
/// When the Parquet library refuses the names of the users: a fault of this program.
pub fn plan(outcomes: &Outcomes, settings: &Settings) -> Result<OutcomePlan, EncodeError> {
    let snapshot = outcomes.snapshot();
    let parquet = |source: ParquetError| EncodeError::Parquet { table: POLICY_OUTCOMES.name, source };
    let (users, ()) = rayon::join(|| UserColumns::new(snapshot), || outcomes.group_users());
    let users = users.map_err(parquet)?;
    let model = SizeModel::new(snapshot, &users);
    let count = u32::try_from(outcomes.class_count()).expect("class indices have 32 bits");
    let shape = |class: u32| {
        let class = PreparedClass::new(snapshot, outcomes.class(ClassIx(class)));
        Arc::new(class.into_shape())
    };
    let shapes: Vec<Arc<ClassShape>> = (0..count).into_par_iter().map(shape).collect();

    let mut planner = RowGroupPlanner::new(group_rows(snapshot, settings), settings.max_part_bytes, &model);
    let mut parts = PartPlanner { cutter: PartCutter::new(settings), model: &model, parts: Vec::new() };
    let mut plan = OutcomePlan {
        parts: Vec::new(),
        counts: OutcomeCounts::default(),
        readers: vec![0; snapshot.data_sources.len()],
    };
    for (position, source) in outcomes.sources().iter().enumerate() {
        let SourceOutcomes { source: index, class, .. } = source;
        let shape = &shapes[class.0 as usize];
        plan.counts.add(&shape.counts);
        plan.readers[index.get()] = shape.readers;
        planner.add(position, source, shape, 0..usize::MAX);
        if planner.ready_count() >= PARALLEL_GROUPS {
            parts.add(&planner.take(PARALLEL_GROUPS));
        }
    }
    planner.close();
    while planner.ready_count() > 0 {
        parts.add(&planner.take(PARALLEL_GROUPS));
    }
    plan.parts = parts.finish(RowPosition { source: outcomes.sources().len(), row: 0 });
    Ok(plan)
}

/// Assigns planned row groups to parts.
struct PartPlanner<'m> {
    cutter: PartCutter,
    model: &'m SizeModel<'m>,
    parts: Vec<PlannedPart>,
}

impl PartPlanner<'_> {
    fn add(&mut self, groups: &[RowGroup<'_, ClassShape>]) {
        let size = |group: &RowGroup<'_, ClassShape>| {
            let pages = split_pages(group, PAGE_ROWS);
            let estimate = self.model.estimate(group, &pages, &DistinctPieces::find(group));
            GroupSize { estimate, bound: group.bound }
        };
        let sizes: Vec<GroupSize> = groups.par_iter().map(size).collect();
        for (group, size) in groups.iter().zip(sizes) {
            let begins = self.cutter.begins_part(size) || self.parts.is_empty();
            if begins {
                // The first part begins with the first source, though that may have no rows.
                let start = if self.parts.is_empty() { RowPosition::default() } else { group.start };
                self.close(start);
                self.begin(start);
            }
            if let Some(part) = self.parts.last_mut() {
                part.rows += group.rows as u64;
                part.estimated_bytes = self.cutter.estimate();
            }
        }
    }

    fn begin(&mut self, start: RowPosition) {
        let number = u32::try_from(self.parts.len()).expect("a table has fewer than 2^32 parts");
        self.parts.push(PlannedPart { number, start, end: start, rows: 0, estimated_bytes: 0 });
    }

    /// Ends the current part, if there is one.
    fn close(&mut self, end: RowPosition) {
        if let Some(part) = self.parts.last_mut() {
            part.end = end;
        }
    }

    fn finish(mut self, end: RowPosition) -> Vec<PlannedPart> {
        if self.parts.is_empty() {
            self.begin(RowPosition::default());
        }
        self.close(end);
        self.parts
    }
}
