//! `domesday export`: the access summary, from a catalog directory or the store to a destination.

use std::path::PathBuf;

use domesday_run::{Export, RunReport, run as run_export};

use crate::cli::{ExportArgs, Format};
use crate::commands::{instant, open_store};
use crate::output::{DIM, GOOD, Output, STRONG, grouped, size};
use crate::progress::Progress;

pub(crate) fn run(args: &ExportArgs, output: &Output) -> anyhow::Result<()> {
    let at = instant(args.at);
    let destination = local_directory(&args.to)?;
    let progress = Progress::new(*output);
    progress.say("reading the catalog");
    let mut store = open_store(args.catalog.as_deref(), &args.store.store, at, *output)?;
    let export = Export {
        destination,
        console_url: args.console_url.trim_end_matches('/').to_owned(),
        trigger: "cli".to_owned(),
        actor: "cli".to_owned(),
    };
    let report = run_export(&export, &mut store, at, &mut |stage| progress.stage(stage))?;
    drop(progress);
    match output.format {
        Format::Json => output.json(&report),
        Format::Text | Format::Markdown if output.is_quiet() => {}
        Format::Text | Format::Markdown => print(&report, args, *output),
    }
    Ok(())
}

/// The directory that a destination names.
fn local_directory(to: &str) -> anyhow::Result<PathBuf> {
    if let Some(path) = to.strip_prefix("file://") {
        if !path.starts_with('/') {
            anyhow::bail!("`{to}` names no absolute path; write file:///srv/summary, or a plain path");
        }
        return Ok(path.into());
    }
    if let Some((scheme, _)) = to.split_once("://") {
        anyhow::bail!("`{scheme}://` is no destination this version knows; name a directory or file:///PATH");
    }
    if to.is_empty() {
        anyhow::bail!("the destination is empty; name a directory such as ./out");
    }
    Ok(to.into())
}

fn print(report: &RunReport, args: &ExportArgs, output: Output) {
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
    output.result(format_args!(
        "The summary of {} is in {STRONG}{}{STRONG:#}.",
        report.snapshot_at, report.root
    ));
    let root = &report.root;
    let from = args.catalog.as_ref().map_or_else(
        || format!("--store {}", args.store.store.display()),
        |catalog| format!("--catalog {}", catalog.display()),
    );
    output.result(format_args!(
        "{DIM}Look at it:  duckdb -c \"FROM '{root}/policy-outcomes/*.parquet' LIMIT 20\"\n\
         Ask it why:  domesday explain {from} --user USERNAME --data-source NAME{DIM:#}"
    ));
}
