//! Commands on batches: snapshot, batch.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use domesday_model::Instant;

use super::{LayoutArg, PartSizeArg, S3Args, SyncedInputArgs, TargetArgs, path_parser};

/// Write a snapshot to one file, to evaluate it on other machines
///
/// The file contains the catalog at one instant with everything that evaluation needs: names and attributes of users, and
/// no secret of Domesday's own. It is read by the same version of the program, and refused when it is damaged.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  domesday snapshot --catalog examples/acme --at 2026-11-24T02:00:00Z --out acme.snapshot
  domesday snapshot --store governance.db --out governance.snapshot")]
pub(crate) struct SnapshotArgs {
    #[command(flatten)]
    pub(crate) input: SyncedInputArgs,
    /// The instant of the snapshot, RFC 3339 with offset [default: now]
    #[arg(long, value_name = "INSTANT")]
    pub(crate) at: Option<Instant>,
    /// The file to write; an existing one is replaced
    #[arg(long, value_name = "FILE", value_parser = path_parser())]
    pub(crate) out: PathBuf,
}

/// Export in tasks, on an engine that distributes them: Spark, Kubernetes, Airflow
///
/// `plan` decides which files each task writes, `task` writes those of one task, and `finish` checks the reports of all
/// tasks and completes the summary. The files are byte-identical to those of `domesday export` with the same catalog and
/// instant, however many tasks write them and however often one runs. Until the end of `finish` the manifest describes the
/// summary before. See docs/scale.md.
#[derive(Debug, Args)]
pub(crate) struct BatchArgs {
    #[command(subcommand)]
    pub(crate) command: BatchCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum BatchCommand {
    Plan(BatchPlanArgs),
    Task(BatchTaskArgs),
    Finish(BatchFinishArgs),
}

/// Plan a batch: the files of each task, with their keys
///
/// With --to the destination is listed: tasks that run after another export was completed there then deliver nothing. The
/// layout swap requires it, since the destination decides which slot is free.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  domesday batch plan --snapshot acme.snapshot --tasks 8 --out acme.plan
  domesday batch plan --snapshot acme.snapshot --tasks 8 --out acme.plan --layout swap \\
      --to s3://acme-audit/access --region eu-central-1")]
pub(crate) struct BatchPlanArgs {
    /// The snapshot that `domesday snapshot` wrote
    #[arg(long, value_name = "FILE", value_parser = path_parser())]
    pub(crate) snapshot: PathBuf,
    /// How many tasks to make; several for each worker let a fast one take work from a slow one
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) tasks: u32,
    /// The file to write; an existing one is replaced
    #[arg(long, value_name = "PLAN", value_parser = path_parser())]
    pub(crate) out: PathBuf,
    /// The layout of the daily snapshots at the destination
    #[arg(long, value_enum, default_value_t = LayoutArg::Latest)]
    pub(crate) layout: LayoutArg,
    #[command(flatten)]
    pub(crate) part_size: PartSizeArg,
    /// The destination: a directory, file:///PATH or s3://BUCKET/PATH
    #[arg(long, value_name = "DESTINATION")]
    pub(crate) to: Option<String>,
    #[command(flatten)]
    pub(crate) s3: S3Args,
}

/// Run one task of a batch: evaluate, write and deliver its files, and print a report as JSON
///
/// The report is the result of the task, and names each file with rows, bytes and SHA-256. Credentials come from where the
/// AWS tools find them on the machine of the task. Running a task twice, or on two machines at once, is harmless.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  domesday batch task --snapshot acme.snapshot --plan acme.plan --index 0 \\
      --to s3://acme-audit/access --region eu-central-1 > report-0.json")]
pub(crate) struct BatchTaskArgs {
    #[command(flatten)]
    pub(crate) batch: BatchFilesArgs,
    /// The index of the task, from 0
    #[arg(long, value_name = "I")]
    pub(crate) index: usize,
    #[command(flatten)]
    pub(crate) target: TargetArgs,
    /// Fail when the task takes longer than this
    #[arg(long, value_name = "SECONDS", default_value_t = 21_600, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) timeout: u64,
}

/// Complete the summary of a batch: the other tables, the snapshot row and the manifest
///
/// Refuses a missing, duplicate or foreign report, and a file that is not at the destination as reported; then nothing is
/// delivered.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  domesday batch finish --snapshot acme.snapshot --plan acme.plan --reports report-*.json \\
      --to s3://acme-audit/access --region eu-central-1")]
pub(crate) struct BatchFinishArgs {
    #[command(flatten)]
    pub(crate) batch: BatchFilesArgs,
    /// The reports of all tasks
    #[arg(long, value_name = "FILE", num_args = 1.., required = true, value_parser = path_parser())]
    pub(crate) reports: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) target: TargetArgs,
    /// With the layout swap: how many seconds to wait between the last table and the row that activates the slot, so
    /// that running queries finish planning
    #[arg(long, value_name = "SECONDS", default_value_t = 5)]
    pub(crate) settle: u32,
    /// Fail when it takes longer than this
    #[arg(long, value_name = "SECONDS", default_value_t = 21_600, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) timeout: u64,
    /// The URL of the console, for the links in the tables
    #[arg(long, value_name = "URL", env = "DOMESDAY_CONSOLE_URL", default_value = "http://localhost:8080")]
    pub(crate) console_url: String,
}

/// The files that every step of a batch reads.
#[derive(Debug, Args)]
pub(crate) struct BatchFilesArgs {
    /// The snapshot of which the plan was made
    #[arg(long, value_name = "FILE", value_parser = path_parser())]
    pub(crate) snapshot: PathBuf,
    /// The plan that `domesday batch plan` wrote
    #[arg(long, value_name = "PLAN", value_parser = path_parser())]
    pub(crate) plan: PathBuf,
}
