//! `domesday export`: writes the access summary of a catalog directory or a store to a destination.

use std::time::Duration;

use domesday_delivery::CallContext;
use domesday_run::{Export, RunReport, run as run_export};
use domesday_sources::Diagnostic;
use domesday_store::StoreLocation;

use crate::cli::{ExportArgs, Format};
use crate::input::Input;
use crate::interrupt;
use crate::output::{DIM, GOOD, Output, STRONG, grouped, size};
use crate::progress::Progress;
use crate::target::destination;

pub(crate) fn run(args: &ExportArgs, output: &Output) -> anyhow::Result<()> {
    let destination = destination(&args.target)?;
    let progress = Progress::new(*output);
    let call_context = CallContext { notices: Progress::notices(*output), ..CallContext::new() };
    interrupt::cancel_when_interrupted(call_context.cancellation.clone(), *output);
    progress.message("reading the catalog");
    let Input { mut store, warnings, at } = args.input.open(args.at, *output)?;
    let export = Export {
        destination,
        layout: args.layout.into(),
        settle: Duration::from_secs(args.settle.into()),
        console_url: args.console_url.trim_end_matches('/').to_owned(),
        part_bytes: args.part_size.bytes(),
        trigger: "cli".to_owned(),
        actor: "cli".to_owned(),
        fence: None,
        call_context: call_context.with_deadline(Duration::from_secs(args.timeout)),
    };
    let mut report = run_export(&export, &mut store, at, &mut |stage| progress.stage(stage))?;
    drop(progress);
    match output.format {
        Format::Json => {
            let warnings = warnings.iter().map(Diagnostic::in_one_line);
            report.warnings.splice(0..0, warnings);
            output.json(&report);
        }
        _ if output.is_quiet() => {}
        _ => print(&report, args, *output),
    }
    Ok(())
}

/// Prints the tables and totals of a summary.
pub(crate) fn print_report(report: &RunReport, output: Output) {
    report.warnings.iter().for_each(|warning| output.warning(warning));
    let width = report.tables.iter().map(|table| table.table.len()).max().unwrap_or(0);
    output.result(format_args!("{STRONG}{:<width$}  {:>13}  {:>10}{STRONG:#}", "table", "rows", "size"));
    for table in &report.tables {
        output.result(format_args!(
            "{:<width$}  {:>13}  {:>10}",
            table.table,
            grouped(table.rows),
            size(table.bytes)
        ));
    }
    let totals = &report.outcomes;
    output.result(format_args!(
        "\n{GOOD}Done:{GOOD:#} {} rows, {} in {:.1} s. {} users, {} data sources: {} granted, {} blocked, {} masked, {} unmasked.",
        grouped(report.tables.iter().map(|table| table.rows).sum()),
        size(report.tables.iter().map(|table| table.bytes).sum()),
        report.seconds,
        grouped(report.users),
        grouped(report.data_sources),
        grouped(totals.granted),
        grouped(totals.blocked),
        grouped(totals.masked),
        grouped(totals.unmasked),
    ));
}

fn print(report: &RunReport, args: &ExportArgs, output: Output) {
    print_report(report, output);
    output.result(format_args!(
        "The summary of {} is in {STRONG}{}{STRONG:#}.",
        report.snapshot_at, report.root
    ));
    let from = match (&args.input.catalog, args.input.store.location()) {
        (Some(catalog), _) => format!("--catalog {} ", catalog.display()),
        (None, Ok(StoreLocation::File(path))) => format!("--store {} ", path.display()),
        // A URL may contain a password, and is not printed.
        (None, _) => String::new(),
    };
    output.result(format_args!("{DIM}Query it:    {}", look(report)));
    output.result(format_args!(
        "Explain it:  domesday explain {from}--user USERNAME --data-source NAME{DIM:#}"
    ));
}

/// Returns a command that queries the tables: through the views where only they select the newest day.
fn look(report: &RunReport) -> String {
    let root = &report.root;
    match report.layout.as_str() {
        _ if root.starts_with("s3://") => {
            format!("duckdb -c \".read _setup/duckdb.sql\"  with the file from {root}")
        }
        "latest" => format!("duckdb -c \"FROM '{root}/policy-outcomes/*.parquet' LIMIT 20\""),
        layout => {
            let directory = root.trim_end_matches("/v1");
            format!(
                "domesday setup ddl --engine duckdb --to {directory} --layout {layout} | duckdb access.db"
            )
        }
    }
}
