//! The end of a batch.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant as Stopwatch};

use domesday_delivery::{Listing, OpenDestination, Receipt, RunKeys, setup_scripts};
use domesday_drift::Drift;
use domesday_engine::evaluate;
use domesday_tables::{ChainLink, Manifest, POLICY_OUTCOMES, Part, encode_other_tables};

use super::{
    BatchError, BatchPlan, BatchSnapshot, BatchTarget, TaskReport, parse_layout, settings, sizes, tenant,
};
use crate::evidence::RunConfiguration;
use crate::previous_delivery::ManifestLink;
use crate::report::RunReport;
use crate::summary_files::SummaryFiles;
use crate::{Reporter, Stage, encode_reported};

/// How a batch is finished.
#[derive(Debug, Clone)]
pub struct Finish {
    /// In the swap layout, how long to wait between delivering the tables and the `snapshot` row that names them.
    pub settle: Duration,
    /// The console's address without a slash at the end, for links.
    pub console_url: String,
    /// What began the batch, for the manifest.
    pub trigger: String,
    /// Who began it, for the manifest.
    pub actor: String,
}

/// Checks the reports of all tasks, and delivers the other tables, the `snapshot` row and the manifest. The manifest is
/// that of a run on one machine that keeps no record of deliveries.
///
/// Finishing again after a failure is safe. Once a summary was completed at the planned destination nothing is delivered,
/// since a delivery cannot read which one that is.
///
/// # Errors
/// When the plan is not of this snapshot or destination, a report is missing, duplicate or foreign, a file that was
/// reported is not at the destination, or any part of the work fails.
pub fn finish(
    target: &BatchTarget,
    snapshot: &BatchSnapshot,
    plan: &BatchPlan,
    reports: &[TaskReport],
    options: &Finish,
    progress: &mut (dyn FnMut(Stage) + Send),
) -> Result<RunReport, BatchError> {
    let started = Stopwatch::now();
    let BatchTarget { destination: config, call_context } = target;
    let BatchSnapshot { snapshot, population } = snapshot;
    plan.check_snapshot(snapshot)?;
    plan.check_destination(&config.name())?;
    let delivered = check_reports(plan, reports, &config.name())?;

    let mut reporter = Reporter { progress, call_context };
    let (users, data_sources) = (snapshot.users.len(), snapshot.data_sources.len());
    reporter.enter(Stage::Evaluating { users, data_sources })?;
    let outcomes = Arc::new(evaluate(Arc::clone(snapshot)));
    let drifts = Drift::of_databases(&outcomes);

    reporter.enter(Stage::Opening)?;
    let layout = parse_layout(&plan.layout)?;
    let OpenDestination { mut destination, spool } = config.open(&tenant(snapshot), call_context)?;
    let existing = RunKeys::list_existing(&*destination, layout, snapshot.at)?;
    if plan.is_superseded(&existing) {
        return Err(BatchError::Superseded);
    }
    check_delivered(reports, &existing)?;
    let keys = plan.keys(snapshot)?;
    let mut files = SummaryFiles::new(existing, spool, keys, call_context.clock.elapsed());
    let settings = settings(plan.part_bytes, &options.console_url);
    files.spool_first_files(&settings)?;
    let mut parts = encode_reported(&mut reporter, &files, |progress| {
        let open = |table: &'static _, part| files.open_part(table, part);
        encode_other_tables(&outcomes, &drifts, &settings, &plan.readers, progress, open)
    })?;
    parts.extend(&delivered);
    parts.sort_by_key(Part::order);

    call_context.check()?;
    let configuration = RunConfiguration {
        destination: &**config,
        layout,
        console_url: &options.console_url,
        trigger: &options.trigger,
        actor: &options.actor,
    };
    let link = ManifestLink { sha256: None, key: None, kind: ChainLink::Standalone };
    let evidence = configuration.evidence(files.slot(), &link);
    let mut manifest = Manifest::new(&outcomes, &drifts, plan.outcomes, &settings, evidence);
    population.describe(&mut manifest);
    let scripts = setup_scripts(&**config, layout);
    files.complete(snapshot, &settings, &parts, Some(POLICY_OUTCOMES), &scripts, false, &mut manifest)?;
    let receipt = files.deliver(&mut *destination, options.settle, &mut reporter)?;
    let receipt = Receipt {
        files: receipt.files + delivered.len(),
        bytes: receipt.bytes + delivered.iter().map(|part| part.bytes).sum::<u64>(),
        ..receipt
    };
    Ok(RunReport::new(&**config, &manifest, &receipt, started.elapsed()))
}

/// Checks that there is one report of each task of the plan, and returns the parts that they delivered.
fn check_reports(
    plan: &BatchPlan,
    reports: &[TaskReport],
    destination: &str,
) -> Result<Vec<Part>, BatchError> {
    let plan_sha256 = plan.sha256();
    let mut by_task: HashMap<usize, &TaskReport> = HashMap::new();
    for report in reports {
        let is_ours = report.plan_sha256 == plan_sha256
            && report.destination == destination
            && report.task < plan.tasks.len();
        if !is_ours {
            return Err(BatchError::ForeignReport(report.task));
        }
        if by_task.insert(report.task, report).is_some() {
            return Err(BatchError::DuplicateReport(report.task));
        }
    }
    let missing: Vec<usize> = (0..plan.tasks.len()).filter(|task| !by_task.contains_key(task)).collect();
    if !missing.is_empty() {
        return Err(BatchError::MissingReports(missing));
    }
    let mut parts = Vec::new();
    for (index, task) in plan.tasks.iter().enumerate() {
        let planned = &plan.parts[task.first_part..task.first_part + task.parts];
        let files = &by_task[&index].files;
        let found = files.iter().zip(planned).map_while(|(file, part)| file.part(part, POLICY_OUTCOMES));
        let before = parts.len();
        parts.extend(found);
        if files.len() != planned.len() || parts.len() - before != planned.len() {
            return Err(BatchError::ForeignReport(index));
        }
    }
    Ok(parts)
}

/// Checks that the destination lists every file that was reported, in the size reported.
fn check_delivered(reports: &[TaskReport], listing: &Listing) -> Result<(), BatchError> {
    let sizes = sizes(listing);
    for report in reports {
        let is_missing = |file: &&super::ReportedFile| sizes.get(file.key.as_str()) != Some(&file.bytes);
        if let Some(file) = report.files.iter().find(is_missing) {
            return Err(BatchError::NotDelivered { key: file.key.clone(), task: report.task });
        }
    }
    Ok(())
}
