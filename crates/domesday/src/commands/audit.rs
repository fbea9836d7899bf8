//! `domesday audit`: verifies and prints the audit log. Neither command creates or migrates a store.

use std::io::Write;

use domesday_http::AuditView;
use domesday_store::{AuditFault, AuditMismatch, AuditReport};

use crate::cli::{AuditArgs, AuditCommand, AuditExportArgs, AuditVerifyArgs, Format};
use crate::output::{DIM, GOOD, Output, WARNING};
use crate::progress::Progress;
use crate::service_config::read_config;

/// How many entries are read at a time.
const PAGE: usize = 1000;

pub(crate) fn run(args: &AuditArgs, output: &Output) -> anyhow::Result<()> {
    match &args.command {
        AuditCommand::Verify(args) => verify(args, *output),
        AuditCommand::Export(args) => export(args),
    }
}

fn verify(args: &AuditVerifyArgs, output: Output) -> anyhow::Result<()> {
    let config = read_config(&args.config)?;
    let progress = Progress::new(output);
    progress.message("verifying the audit log");
    let report = config.database.open_unmigrated()?.verify_audit_against(&args.expect)?;
    drop(progress);
    let fault = report.fault.map(|fault| match fault {
        AuditFault::Missing { seq } => format!("entry {seq} is missing"),
        AuditFault::Changed { seq } => format!("entry {seq} was changed"),
        AuditFault::Added { seq } => format!("entry {seq} was not written by Domesday"),
    });
    if output.format == Format::Json {
        output.json(&as_json(&report, fault.as_deref(), args));
    }
    let faults = fault.map(|fault| format!("the audit log was tampered with: {fault}"));
    let faults: Vec<_> =
        faults.into_iter().chain(report.mismatches.iter().map(|one| mismatch(one, &report))).collect();
    if !faults.is_empty() {
        anyhow::bail!(faults.join("\n"));
    }
    if output.format != Format::Json {
        print(&report, args, output);
    }
    Ok(())
}

fn as_json(report: &AuditReport, fault: Option<&str>, args: &AuditVerifyArgs) -> serde_json::Value {
    let expected = args.expect.iter().map(|anchor| {
        let matches = report.mismatches.iter().all(|mismatch| mismatch.anchor != *anchor);
        serde_json::json!({ "anchor": anchor.to_string(), "matches": matches })
    });
    serde_json::json!({
        "entries": report.entries,
        "head": hex(&report.head),
        "anchor": report.anchor().to_string(),
        "fault": fault,
        "expected": expected.collect::<Vec<_>>(),
        "clockBack": report.clock_back,
    })
}

fn print(report: &AuditReport, args: &AuditVerifyArgs, output: Output) {
    let entries = report.entries;
    output.result(format_args!(
        "{GOOD}The audit log is intact:{GOOD:#} {entries} entries, hash of the last one {}",
        hex(&report.head)
    ));
    for anchor in &args.expect {
        output.result(format_args!("{GOOD}Matches:{GOOD:#} {anchor}"));
    }
    if let Some(seq) = report.clock_back {
        output.result(format_args!(
            "{WARNING}Entry {seq} is dated before entry {}{WARNING:#}: the clock was set back, or `apply --at` named an \
             earlier time",
            seq.saturating_sub(1)
        ));
    }
    if !output.is_quiet() {
        output.result(format_args!(
            "{DIM}Store this outside of the database and pass it to --expect later, to prove that nobody rewrote the \
             log:{DIM:#}\n  {}",
            report.anchor()
        ));
    }
}

/// Returns how the log differs from an anchor.
fn mismatch(mismatch: &AuditMismatch, report: &AuditReport) -> String {
    let seq = mismatch.anchor.seq;
    match mismatch.found {
        None => format!(
            "the audit log has {} entries, but entry {seq} was expected with `{}`: the log was truncated or replaced, or it \
             belongs to another store",
            report.entries, mismatch.anchor
        ),
        Some(found) => format!(
            "entry {seq} of the audit log has the hash {}, expected {}: the log was rewritten, or it belongs to another \
             store",
            hex(&found),
            hex(&mismatch.anchor.hash)
        ),
    }
}

fn hex(hash: &[u8; 32]) -> String {
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn export(args: &AuditExportArgs) -> anyhow::Result<()> {
    let config = read_config(&args.config)?;
    let mut store = config.database.open_unmigrated()?;
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let mut after = args.after;
    loop {
        let entries = store.audit_entries(after, PAGE)?;
        let Some(last) = entries.last() else { break };
        after = last.seq;
        for entry in entries {
            serde_json::to_writer(&mut out, &AuditView::from(entry))?;
            out.write_all(b"\n")?;
        }
    }
    out.flush()?;
    Ok(())
}
