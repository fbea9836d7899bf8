//! One task of a batch.

use std::sync::Arc;

use domesday_delivery::{Listing, OpenDestination, RunKeys, SpooledFile};
use domesday_engine::evaluate;
use domesday_tables::{Part, encode_parts, hex};

use super::{
    BatchError, BatchPlan, BatchSnapshot, BatchTarget, ReportedFile, TaskReport, parse_layout, settings,
    sizes, tenant,
};
use crate::summary_files::SummaryFiles;
use crate::{Reporter, Stage, encode_reported};

/// Evaluates, writes and delivers the parts of one task. `progress` is called on the thread that reaches a stage.
///
/// A task that runs again writes the same bytes under the same keys. Once a summary was completed at the planned
/// destination it delivers nothing, and fails unless files of the same size are there: those of this batch, or the batch
/// is overtaken, and cannot be finished.
///
/// # Errors
/// When the plan is not of this snapshot or destination, or any part of the work fails.
pub fn run_task(
    target: &BatchTarget,
    snapshot: &BatchSnapshot,
    plan: &BatchPlan,
    index: usize,
    progress: &mut (dyn FnMut(Stage) + Send),
) -> Result<TaskReport, BatchError> {
    let BatchTarget { destination, call_context } = target;
    let snapshot = &snapshot.snapshot;
    plan.check_snapshot(snapshot)?;
    let tasks = plan.tasks.len();
    let task = plan.tasks.get(index).ok_or(BatchError::NoSuchTask { index, tasks })?;
    plan.check_destination(&destination.name())?;
    let mut report = TaskReport {
        plan_sha256: plan.sha256(),
        task: index,
        destination: destination.name(),
        files: Vec::new(),
    };
    if task.parts == 0 {
        return Ok(report);
    }
    let mut reporter = Reporter { progress, call_context };
    let (users, data_sources) = (snapshot.users.len(), snapshot.data_sources.len());
    reporter.enter(Stage::Evaluating { users, data_sources })?;
    let outcomes = evaluate(Arc::clone(snapshot));
    let planned = plan.parts_of(task.first_part..task.first_part + task.parts, &outcomes)?;

    reporter.enter(Stage::Opening)?;
    let OpenDestination { mut destination, spool } = destination.open(&tenant(snapshot), call_context)?;
    let keys = plan.keys(snapshot)?;
    let files = SummaryFiles::new(Listing::default(), spool, keys, call_context.clock.elapsed());
    let settings = settings(plan.part_bytes, "");
    let parts = encode_reported(&mut reporter, &files, |progress| {
        encode_parts(&outcomes, &settings, &planned, progress, |table, part| files.open_part(table, part))
    })?;

    let spooled: Vec<SpooledFile> = parts.iter().map(|part| files.spooled_part(part)).collect();
    // Listed as late as possible: what happens in between goes unnoticed.
    if plan.destination.is_some() {
        let listing = RunKeys::list_existing(&*destination, parse_layout(&plan.layout)?, snapshot.at)?;
        if plan.is_superseded(&listing) {
            let sizes = sizes(&listing);
            let is_there = spooled.iter().all(|file| sizes.get(file.key.as_str()) == Some(&file.bytes));
            report.files = reported(&spooled, &parts);
            return if is_there { Ok(report) } else { Err(BatchError::Superseded) };
        }
    }
    let count = spooled.len();
    reporter.enter(Stage::Delivering { file: 0, files: count })?;
    report.files = reported(&spooled, &parts);
    let mut report_file = |file| (reporter.progress)(Stage::Delivering { file, files: count });
    destination.deliver(&[spooled], &mut report_file)?;
    Ok(report)
}

fn reported(spooled: &[SpooledFile], parts: &[Part]) -> Vec<ReportedFile> {
    let file = |(file, part): (&SpooledFile, &Part)| ReportedFile {
        key: file.key.clone(),
        rows: part.rows,
        bytes: part.bytes,
        sha256: hex(&part.sha256),
    };
    spooled.iter().zip(parts).map(file).collect()
}
