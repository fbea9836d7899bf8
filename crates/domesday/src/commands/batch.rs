//! `domesday batch`: an export in tasks.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use domesday_delivery::{CallContext, DestinationConfig};
use domesday_run::batch::{
    BatchError, BatchPlan, BatchSnapshot, BatchTarget, Finish, PlanOptions, TaskReport,
};
use domesday_run::{RunReport, batch};

use super::export::print_report;
use super::snapshot;
use crate::cli::{
    BatchArgs, BatchCommand, BatchFilesArgs, BatchFinishArgs, BatchPlanArgs, BatchTaskArgs, Format,
};
use crate::interrupt;
use crate::output::{GOOD, Output, STRONG, grouped, size};
use crate::progress::Progress;
use crate::target::{destination, destination_at};

pub(crate) fn run(args: &BatchArgs, output: &Output) -> anyhow::Result<()> {
    match &args.command {
        BatchCommand::Plan(args) => plan(args, *output),
        BatchCommand::Task(args) => task(args, *output),
        BatchCommand::Finish(args) => finish(args, *output),
    }
}

fn plan(args: &BatchPlanArgs, output: Output) -> anyhow::Result<()> {
    let progress = Progress::new(output);
    progress.message("reading the snapshot");
    let snapshot = snapshot::read(&args.snapshot)?;
    progress.message("planning");
    let target = match &args.to {
        Some(to) => Some(target(destination_at(to, &args.s3)?, None, output)),
        None if args.s3.is_empty() => None,
        None => anyhow::bail!(
            "an option of a bucket is given without a bucket\nhelp: name the destination with `--to`"
        ),
    };
    let options = PlanOptions {
        layout: args.layout.into(),
        tasks: args.tasks as usize,
        part_bytes: args.part_size.bytes(),
    };
    let plan = batch::plan(&snapshot, options, target.as_ref()).map_err(failure)?;
    snapshot::write_whole(&args.out, plan.to_json().as_bytes())?;
    drop(progress);
    let rows = plan.parts.iter().map(|part| part.part.rows).sum::<u64>();
    let bytes = plan.parts.iter().map(|part| part.part.estimated_bytes).sum::<u64>();
    if output.format == Format::Json {
        output.json(&serde_json::json!({
            "plan": args.out,
            "sha256": plan.sha256(),
            "snapshotId": plan.snapshot_id,
            "layout": plan.layout,
            "slot": plan.slot,
            "tasks": plan.tasks,
            "keys": plan.parts.iter().map(|part| &part.key).collect::<Vec<_>>(),
            "rows": rows,
            "estimatedBytes": bytes,
        }));
    } else if !output.is_quiet() {
        output.result(format_args!(
            "{GOOD}Planned{GOOD:#} {} in {}: {} in {}, about {}",
            counted(plan.tasks.len(), "task"),
            args.out.display(),
            counted(rows as usize, "row"),
            counted(plan.parts.len(), "file"),
            size(bytes)
        ));
    }
    Ok(())
}

/// Formats a count with its noun: `1 task`, `2,000 tasks`.
fn counted(count: usize, noun: &str) -> String {
    format!("{} {noun}{}", grouped(count as u64), if count == 1 { "" } else { "s" })
}

fn task(args: &BatchTaskArgs, output: Output) -> anyhow::Result<()> {
    let progress = Progress::new(output);
    progress.message("reading the snapshot");
    let (snapshot, plan) = read(&args.batch)?;
    let target = target(destination(&args.target)?, Some(args.timeout), output);
    let report = batch::run_task(&target, &snapshot, &plan, args.index, &mut |stage| progress.stage(stage))
        .map_err(failure)?;
    drop(progress);
    output.json(&report);
    Ok(())
}

fn finish(args: &BatchFinishArgs, output: Output) -> anyhow::Result<()> {
    let progress = Progress::new(output);
    progress.message("reading the snapshot");
    let (snapshot, plan) = read(&args.batch)?;
    let reports = args.reports.iter().map(|path| read_report(path)).collect::<anyhow::Result<Vec<_>>>()?;
    let target = target(destination(&args.target)?, Some(args.timeout), output);
    let options = Finish {
        settle: Duration::from_secs(args.settle.into()),
        console_url: args.console_url.trim_end_matches('/').to_owned(),
        trigger: "cli".to_owned(),
        actor: "cli".to_owned(),
    };
    let report: RunReport =
        batch::finish(&target, &snapshot, &plan, &reports, &options, &mut |stage| progress.stage(stage))
            .map_err(failure)?;
    drop(progress);
    match output.format {
        Format::Json => output.json(&report),
        _ if output.is_quiet() => {}
        _ => {
            print_report(&report, output);
            let (at, root) = (&report.snapshot_at, &report.root);
            output.result(format_args!("The summary of {at} is in {STRONG}{root}{STRONG:#}."));
        }
    }
    Ok(())
}

/// Returns the target of a step; a signal cancels what it does there.
fn target(destination: Arc<dyn DestinationConfig>, timeout: Option<u64>, output: Output) -> BatchTarget {
    let call_context = CallContext { notices: Progress::notices(output), ..CallContext::new() };
    interrupt::cancel_when_interrupted(call_context.cancellation.clone(), output);
    let call_context = match timeout {
        Some(seconds) => call_context.with_deadline(Duration::from_secs(seconds)),
        None => call_context,
    };
    BatchTarget { destination, call_context }
}

fn read(files: &BatchFilesArgs) -> anyhow::Result<(BatchSnapshot, BatchPlan)> {
    let path = &files.plan;
    let cannot_read = || format!("cannot read the plan `{}`", path.display());
    let plan = std::fs::read_to_string(path).with_context(cannot_read)?;
    let plan = BatchPlan::parse(&plan).with_context(cannot_read)?;
    Ok((snapshot::read(&files.snapshot)?, plan))
}

fn read_report(path: &Path) -> anyhow::Result<TaskReport> {
    let cannot_read = || format!("cannot read the report `{}`", path.display());
    let report = std::fs::read_to_string(path).with_context(cannot_read)?;
    TaskReport::parse(&report).with_context(cannot_read)
}

/// Returns the error of a run as such, by which the exit code is chosen.
fn failure(error: BatchError) -> anyhow::Error {
    match error {
        BatchError::Run(error) => error.into(),
        error => error.into(),
    }
}
