//! `domesday audit`: the log of changes, proven and printed.

use std::io::Write;

use domesday_server::AuditView;
use domesday_store::AuditFault;

use crate::cli::{AuditArgs, AuditCommand, AuditExportArgs, AuditVerifyArgs, Format};
use crate::commands::serve::read_config;
use crate::output::{GOOD, Output};

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
    let report = config.database.open()?.verify_audit()?;
    let head: String = report.head.iter().map(|byte| format!("{byte:02x}")).collect();
    let fault = report.fault.map(|fault| match fault {
        AuditFault::Missing { seq } => format!("entry {seq} is missing"),
        AuditFault::Changed { seq } => format!("entry {seq} was changed"),
        AuditFault::Added { seq } => format!("entry {seq} was added by somebody else"),
    });
    if output.format == Format::Json {
        output.json(&serde_json::json!({ "entries": report.entries, "head": head, "fault": fault }));
    }
    if let Some(fault) = fault {
        anyhow::bail!("the audit log is not as it was written: {fault}");
    }
    if output.format != Format::Json {
        output.result(format_args!(
            "{GOOD}The audit log is whole:{GOOD:#} {} entries, the last one's hash {head}",
            report.entries
        ));
    }
    Ok(())
}

fn export(args: &AuditExportArgs) -> anyhow::Result<()> {
    let config = read_config(&args.config)?;
    let mut store = config.database.open()?;
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
