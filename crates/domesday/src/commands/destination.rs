//! `domesday destination`: test a destination, or check what was delivered there.

use std::path::PathBuf;

use anyhow::Context;
use domesday_delivery::{
    CallContext, ChainStart, CheckStatus, DestinationConfig, IntegrityOptions, IntegrityReport,
    StoredManifest, TenantName, Verification, check_integrity, verify,
};

use crate::cli::{CheckIntegrityArgs, DestinationArgs, DestinationCommand, Format, VerifyArgs};
use crate::failure::ChecksFailed;
use crate::output::{DIM, ERROR, GOOD, Output, STRONG, grouped, size};
use crate::progress::Progress;
use crate::target::{destination, tenant};

pub(crate) fn run(args: &DestinationArgs, output: &Output) -> anyhow::Result<()> {
    match &args.command {
        DestinationCommand::Verify(args) => verify_destination(args, *output),
        DestinationCommand::CheckIntegrity(args) => check_delivered(args, *output),
    }
}

fn verify_destination(args: &VerifyArgs, output: Output) -> anyhow::Result<()> {
    let destination = destination(&args.target)?;
    let tenant = tenant_of(&*destination, args, output)?;
    let progress = Progress::new(output);
    progress.message("verifying the destination");
    let call_context = CallContext { notices: Progress::notices(output), ..CallContext::new() };
    let verification = verify(&*destination, &tenant, &call_context);
    drop(progress);
    match output.format {
        Format::Json => output.json(&verification),
        _ => print(&verification, output),
    }
    if !verification.ok {
        anyhow::bail!(ChecksFailed(format!("{} does not accept deliveries yet", verification.destination)));
    }
    Ok(())
}

fn check_delivered(args: &CheckIntegrityArgs, output: Output) -> anyhow::Result<()> {
    let read = |path: &PathBuf| {
        let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        Ok(StoredManifest { name: path.display().to_string(), bytes })
    };
    let given = args.previous.iter().map(read).collect::<anyhow::Result<Vec<_>>>()?;
    let options = IntegrityOptions { given, expected: args.expect.clone(), kept_days: args.kept_days };
    let progress = Progress::new(output);
    progress.message("comparing the files with the manifests");
    let report = check_integrity(&*destination(&args.target)?, &unknown_tenant(), &options)?;
    drop(progress);
    match output.format {
        Format::Json => output.json(&report),
        _ => print_report(&report, output),
    }
    if !report.ok {
        let count = report.problems.len();
        let differences = if count == 1 { "1 finding".to_owned() } else { format!("{count} findings") };
        anyhow::bail!(ChecksFailed(format!(
            "{} differs from its manifests: {differences}",
            report.destination
        )));
    }
    Ok(())
}

fn print_report(report: &IntegrityReport, output: Output) {
    let (files, bytes) = (grouped(report.files as u64), size(report.bytes));
    output.result(format_args!(
        "Manifest: {} of {}, layout {}.",
        report.manifest_sha256, report.snapshot_at, report.layout
    ));
    if report.expected_sha256.as_ref() == Some(&report.manifest_sha256) {
        output.result("The digest of the manifest is the expected one.");
    }
    output.result(format_args!(
        "Files: {} objects found, {files} of them ({bytes}) compared with the manifests: size, digest, rows.",
        grouped(report.objects as u64)
    ));
    let links = match report.links {
        0 => "no earlier manifest was checked".to_owned(),
        1 => "1 earlier manifest was checked".to_owned(),
        links => format!("{} earlier manifests were checked", grouped(links as u64)),
    };
    let begin = match &report.chain_begins {
        ChainStart::Start { at } if report.links == 0 => format!("the manifest of {at} names none before it"),
        ChainStart::Start { at } => format!("back to that of {at}, which names none before it"),
        ChainStart::NotKept { at, sha256 } => {
            format!("the manifest of {at} names {sha256}, which is not at the destination")
        }
    };
    output.result(format_args!("Chain: {links}; {begin}."));
    for note in &report.notes {
        output.result(format_args!("{STRONG}note:{STRONG:#} {note}"));
    }
    for what in &report.not_checked {
        output.result(format_args!("{DIM}not checked:{DIM:#} {what}"));
    }
    for problem in &report.problems {
        output.result(format_args!("{ERROR}wrong:{ERROR:#} {problem}"));
    }
    if report.ok {
        output.result(format_args!("{GOOD}No difference found.{GOOD:#}"));
    }
}

/// A stand-in for the tenant where no external id depends on it.
fn unknown_tenant() -> TenantName {
    TenantName { id: uuid::Uuid::nil(), name: "integrity-check".to_owned() }
}

/// Returns the tenant where it matters: as the external id of a role without one.
fn tenant_of(
    destination: &dyn DestinationConfig,
    args: &VerifyArgs,
    output: Output,
) -> anyhow::Result<TenantName> {
    if destination.requires_tenant() {
        return tenant(args.catalog.as_deref(), &args.store, output);
    }
    Ok(unknown_tenant())
}

fn print(verification: &Verification, output: Output) {
    for check in &verification.checks {
        let (style, word) = match check.status {
            CheckStatus::Passed => (GOOD, "passed "),
            CheckStatus::Failed => (ERROR, "failed "),
            CheckStatus::Skipped => (DIM, "skipped"),
        };
        output.result(format_args!("{style}{word}{style:#}  {:<12} {}", check.name, check.message));
        if let Some(fix) = &check.fix {
            output.result(format_args!("{:>23}fix: {fix}", ""));
        }
        let details = [&check.code, &check.service_message, &check.request_id];
        let details: Vec<_> = details.into_iter().flatten().map(String::as_str).collect();
        if !details.is_empty() {
            output.result(format_args!("{DIM}{:>23}S3: {}{DIM:#}", "", details.join(", ")));
        }
    }
}
