//! The plan of a batch.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use domesday_delivery::{Layout, Listing, OpenDestination, RunKeys, Slot, SlotState};
use domesday_engine::{Outcomes, evaluate};
use domesday_model::Snapshot;
use domesday_tables::{
    OutcomeCounts, OutcomePlan, POLICY_OUTCOMES, PlannedPart, Settings, hex, plan_outcomes, sha256,
    snapshot_id,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{BatchError, BatchSnapshot, BatchTarget, manifest_mark, parse_layout, settings, tenant};

/// The version of the format. Changes with every change that an earlier program would misread.
const VERSION: u32 = 1;

/// The most tasks: an engine would spend its time on scheduling more.
const MAX_TASKS: usize = 100_000;

/// The plan of a batch: what each task writes. It has no secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BatchPlan {
    /// The version of the format.
    pub version: u32,
    /// The version of the program.
    pub product_version: String,
    /// The snapshot.
    pub snapshot_id: Uuid,
    /// The layout of the daily snapshots at the destination.
    pub layout: String,
    /// The slot that is written, in the swap layout.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slot: Option<String>,
    /// The destination, where it was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destination: Option<PlannedDestination>,
    /// The size that a file should have, in bytes.
    pub part_bytes: usize,
    /// The tasks, by index.
    pub tasks: Vec<BatchTask>,
    /// The parts of policy-outcomes.
    pub parts: Vec<BatchPart>,
    /// The rows by outcome.
    pub outcomes: OutcomeCounts,
    /// How many users are GRANTED READ, by data source, which other tables state.
    pub readers: Vec<usize>,
}

/// The destination of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PlannedDestination {
    /// Its name.
    pub name: String,
    /// The mark of the manifest that was there; null where none was.
    pub manifest_mark: Option<String>,
}

/// A task: a range of the parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BatchTask {
    /// The first part.
    pub first_part: usize,
    /// How many parts there are; none where there are more tasks than parts.
    pub parts: usize,
    /// The rows of its parts.
    pub rows: u64,
    /// The estimated size of its parts in bytes.
    pub estimated_bytes: u64,
}

/// A part and its key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BatchPart {
    /// The key under which it is delivered.
    pub key: String,
    /// The part.
    pub part: PlannedPart,
}

/// What a plan is made for.
#[derive(Debug, Clone, Copy)]
pub struct PlanOptions {
    /// The layout of the daily snapshots at the destination.
    pub layout: Layout,
    /// How many tasks to make; 1 to 100,000.
    pub tasks: usize,
    /// The size that a file should have, in bytes, unless it is the usual one.
    pub part_bytes: Option<usize>,
}

/// Plans a batch. Evaluates every class once and encodes none. A destination that is given is listed: late tasks are then
/// noticed, and in the swap layout the free slot is found. Where the resolution of the destination's times requires it, a
/// plan of the swap layout waits until its objects are younger than what is there, a second at most.
///
/// # Errors
/// When the layout needs a destination and none is given, or the destination cannot be listed.
pub fn plan(
    snapshot: &BatchSnapshot,
    options: PlanOptions,
    target: Option<&BatchTarget>,
) -> Result<BatchPlan, BatchError> {
    if options.layout == Layout::Swap && target.is_none() {
        return Err(BatchError::NeedsDestination);
    }
    let snapshot = &snapshot.snapshot;
    let part_bytes = options.part_bytes.unwrap_or(Settings::default().part_bytes);
    let outcomes = evaluate(Arc::clone(snapshot));
    let OutcomePlan { parts, counts, readers } = plan_outcomes(&outcomes, &settings(part_bytes, ""))?;
    let (mut slot, mut destination) = (Slot::A, None);
    if let Some(BatchTarget { destination: config, call_context }) = target {
        let OpenDestination { destination: open, .. } = config.open(&tenant(snapshot), call_context)?;
        let listing = RunKeys::list_existing(&*open, options.layout, snapshot.at)?;
        if options.layout == Layout::Swap {
            let slots = SlotState::from_listing(&listing, None);
            slot = slots.next();
            call_context.wait(Duration::from_micros(slots.wait_micros.unsigned_abs()))?;
        }
        destination =
            Some(PlannedDestination { name: config.name(), manifest_mark: manifest_mark(&listing) });
    }
    let keys = RunKeys::new(options.layout, slot, snapshot.at);
    Ok(BatchPlan {
        version: VERSION,
        product_version: env!("CARGO_PKG_VERSION").to_owned(),
        snapshot_id: snapshot_id(snapshot),
        layout: options.layout.as_str().to_owned(),
        slot: keys.slot().map(|slot| slot.as_str().to_owned()),
        destination,
        part_bytes,
        tasks: distribute(&parts, options.tasks.clamp(1, MAX_TASKS)),
        parts: parts
            .into_iter()
            .map(|part| BatchPart { key: keys.part_key(POLICY_OUTCOMES.name, part.number), part })
            .collect(),
        outcomes: counts,
        readers,
    })
}

/// Distributes parts to tasks, each of which gets neighbours of about the same size in all.
fn distribute(parts: &[PlannedPart], tasks: usize) -> Vec<BatchTask> {
    let total = parts.iter().map(|part| part.estimated_bytes).sum::<u64>().max(1);
    let mut found: Vec<BatchTask> =
        vec![BatchTask { first_part: 0, parts: 0, rows: 0, estimated_bytes: 0 }; tasks];
    let mut before = 0;
    for part in parts {
        let middle = u128::from(before + part.estimated_bytes / 2);
        let task = (middle * tasks as u128 / u128::from(total)) as usize;
        let task = &mut found[task.min(tasks - 1)];
        task.parts += 1;
        task.rows += part.rows;
        task.estimated_bytes += part.estimated_bytes;
        before += part.estimated_bytes;
    }
    let mut first = 0;
    for task in &mut found {
        task.first_part = first;
        first += task.parts;
    }
    found
}

impl BatchPlan {
    /// Parses a plan, and checks that every part belongs to one task. Everything else is checked with the snapshot.
    ///
    /// # Errors
    /// When the text is no plan of this version.
    pub fn parse(text: &str) -> Result<Self, BatchError> {
        let invalid = |what: &str| BatchError::InvalidPlan(what.to_owned());
        let plan: Self =
            serde_json::from_str(text).map_err(|error| BatchError::InvalidPlan(error.to_string()))?;
        if plan.version != VERSION {
            return Err(invalid(&format!("it has version {} of the format", plan.version)));
        }
        let mut next = 0;
        for task in &plan.tasks {
            if task.first_part != next || task.parts > plan.parts.len() - next {
                return Err(invalid("its tasks do not have each part once"));
            }
            next += task.parts;
        }
        if next != plan.parts.len() || plan.parts.is_empty() {
            return Err(invalid("its tasks do not have each part once"));
        }
        Ok(plan)
    }

    /// Returns the text of the plan.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string(self).expect("a plan has nothing that JSON cannot say");
        text.push('\n');
        text
    }

    /// Returns the digest by which reports name the plan, in hexadecimal.
    #[must_use]
    pub fn sha256(&self) -> String {
        hex(&sha256(self.to_json().as_bytes()))
    }

    /// Returns the keys of the files.
    pub(super) fn keys(&self, snapshot: &Snapshot) -> Result<RunKeys, BatchError> {
        let layout = parse_layout(&self.layout)?;
        let slot =
            self.slot.as_deref().map(str::parse::<Slot>).transpose().map_err(BatchError::InvalidPlan)?;
        if (layout == Layout::Swap) != slot.is_some() {
            return Err(BatchError::InvalidPlan("its slot does not fit its layout".to_owned()));
        }
        Ok(RunKeys::new(layout, slot.unwrap_or(Slot::A), snapshot.at))
    }

    /// Checks that the plan is of a snapshot, by this version of the program.
    pub(super) fn check_snapshot(&self, snapshot: &Snapshot) -> Result<(), BatchError> {
        if self.product_version != env!("CARGO_PKG_VERSION") {
            return Err(BatchError::OtherVersion { found: self.product_version.clone() });
        }
        if self.snapshot_id != snapshot_id(snapshot) || self.readers.len() != snapshot.data_sources.len() {
            return Err(BatchError::OtherSnapshot);
        }
        let keys = self.keys(snapshot)?;
        let has_key = |(number, part): (u32, &BatchPart)| {
            part.part.number == number && part.key == keys.part_key(POLICY_OUTCOMES.name, number)
        };
        if !(0..).zip(&self.parts).all(has_key) {
            return Err(BatchError::InvalidPlan("its keys are not those of its layout".to_owned()));
        }
        Ok(())
    }

    /// Checks that parts lie one after the other in the rows of some outcomes, and returns a range of them.
    pub(super) fn parts_of(
        &self,
        range: Range<usize>,
        outcomes: &Outcomes,
    ) -> Result<Vec<PlannedPart>, BatchError> {
        let parts: Vec<PlannedPart> = self.parts[range].iter().map(|part| part.part).collect();
        let is_ordered = parts.iter().all(|part| part.start <= part.end)
            && parts.windows(2).all(|pair| pair[0].end == pair[1].start);
        let sources = outcomes.sources().len();
        let is_inside = parts
            .iter()
            .all(|part| part.end.source < sources || (part.end.source == sources && part.end.row == 0));
        if is_ordered && is_inside {
            Ok(parts)
        } else {
            Err(BatchError::InvalidPlan("its parts do not follow one another".to_owned()))
        }
    }

    /// Whether a summary was completed at the destination since the plan was made, as far as the plan has a destination.
    pub(super) fn is_superseded(&self, listing: &Listing) -> bool {
        let planned = self.destination.as_ref();
        planned.is_some_and(|planned| planned.manifest_mark != manifest_mark(listing))
    }

    /// Checks that a destination is the one of the plan, where the plan has one.
    pub(super) fn check_destination(&self, given: &str) -> Result<(), BatchError> {
        match &self.destination {
            Some(planned) if planned.name != given => {
                Err(BatchError::OtherDestination { planned: planned.name.clone(), given: given.to_owned() })
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use domesday_tables::RowPosition;

    use super::*;

    fn part(number: u32, estimated_bytes: u64) -> PlannedPart {
        let at = |source| RowPosition { source, row: 0 };
        PlannedPart {
            number,
            start: at(number as usize),
            end: at(number as usize + 1),
            rows: 1,
            estimated_bytes,
        }
    }

    #[test]
    fn tasks_get_about_the_same() {
        let counts = |sizes: &[u64], tasks| {
            let parts: Vec<_> = (0..).zip(sizes).map(|(number, size)| part(number, *size)).collect();
            let tasks = distribute(&parts, tasks);
            assert_eq!(tasks.iter().map(|task| task.parts).sum::<usize>(), parts.len());
            assert!(tasks.windows(2).all(|pair| pair[0].first_part + pair[0].parts == pair[1].first_part));
            tasks.iter().map(|task| task.parts).collect::<Vec<_>>()
        };
        assert_eq!(counts(&[5, 5, 5, 5], 2), [2, 2]);
        assert_eq!(counts(&[5, 5, 5, 5], 1), [4]);
        assert_eq!(counts(&[9, 1, 1, 1], 2), [1, 3]);
        assert_eq!(counts(&[7], 3), [0, 1, 0]);
        assert_eq!(counts(&[0], 2), [1, 0]);
    }
}
