//! `domesday drift`: where connected databases differ from the policies.

use std::sync::Arc;

use anyhow::bail;
use domesday_drift::{Drift, FindingKind};
use domesday_service::drift::{FindingFilter, FindingPage, FindingView, page};
use serde_json::json;

use crate::cli::{DriftArgs, Format};
use crate::failure::DriftFound;
use crate::input::{Input, Sync, open};
use crate::lookup::{find_data_source, find_user};
use crate::output::{DIM, GOOD, Output, STRONG, WARNING, grouped};
use crate::progress::Progress;
use crate::table::print_table;

/// How many findings are listed for people, unless all are asked for.
const LISTED: usize = 50;

/// The columns of CSV: those of the table access-drift, and the name of the column.
const COLUMNS: [&str; 15] = [
    "connection",
    "kind",
    "role_name",
    "global_user_id",
    "username",
    "datasource_id",
    "datasource_name",
    "column_id",
    "column_name",
    "scope",
    "via",
    "guardrail_policy_ids",
    "detail",
    "repair",
    "observed_at",
];

pub(crate) fn run(args: &DriftArgs, output: &Output) -> anyhow::Result<()> {
    let progress = Progress::new(*output);
    progress.message("reading the catalog and the databases");
    let sync = Sync::unless(args.no_sync);
    let Input { mut store, at, .. } = open(args.catalog.as_deref(), &args.store, None, sync, *output)?;
    let snapshot = Arc::new(store.snapshot(at)?);
    if let Some(name) = &args.user {
        find_user(&snapshot, name)?;
    }
    if let Some(name) = &args.data_source {
        find_data_source(&snapshot, name)?;
    }
    progress.message("comparing the databases with the policies");
    let mut drifts = Drift::of_databases(&Arc::new(domesday_engine::evaluate(snapshot)));
    check_connection(args, &drifts)?;
    drifts.retain(|drift| args.connection.as_ref().is_none_or(|name| *name == drift.database().connection));
    progress.message("working out the repairs");
    drifts.iter().for_each(Drift::work_out_repairs);
    drop(progress);
    let findings = if args.sql {
        output.result(one_database(&drifts)?.repair_script().trim_end());
        drifts.iter().map(Drift::total).sum()
    } else {
        list(args, &drifts, *output)
    };
    if args.fail_on_drift && findings > 0 {
        return Err(DriftFound { findings }.into());
    }
    Ok(())
}

/// Prints the findings that are asked for, and returns how many there are.
fn list(args: &DriftArgs, drifts: &[Drift], output: Output) -> usize {
    let filter = FindingFilter {
        connection: None,
        kind: args.kind.map(|kind| kind.0),
        data_source: args.data_source.clone(),
        user: args.user.clone(),
        role: None,
    };
    let is_for_people = output.format == Format::Text && !output.shows_all();
    let found = page(drifts, &filter, 0, if is_for_people { LISTED } else { usize::MAX });
    print(drifts, &found, output);
    found.total
}

/// What to do when there is no database to compare.
const NONE_READ: &str = "no connection has read a database; declare one of kind postgres, and sync it";

/// Checks that the connection that is named has read a database.
fn check_connection(args: &DriftArgs, drifts: &[Drift]) -> anyhow::Result<()> {
    let Some(name) = &args.connection else { return Ok(()) };
    if drifts.iter().any(|drift| drift.database().connection == *name) {
        return Ok(());
    }
    let known: Vec<_> = drifts.iter().map(|drift| format!("`{}`", drift.database().connection)).collect();
    match &known[..] {
        [] => bail!(NONE_READ),
        known => bail!("no connection `{name}` has read a database; {} did", known.join(", ")),
    }
}

/// Returns the only database.
fn one_database(drifts: &[Drift]) -> anyhow::Result<&Drift> {
    match drifts {
        [] => bail!(NONE_READ),
        [drift] => Ok(drift),
        drifts => {
            let names: Vec<_> = drifts.iter().map(|drift| drift.database().connection.as_str()).collect();
            bail!("several databases were read\nhelp: name one with --connection: {}", names.join(", "));
        }
    }
}

fn print(drifts: &[Drift], found: &FindingPage<'_>, output: Output) {
    let views = || found.findings.iter().map(FindingView::from);
    match output.format {
        Format::Json => output.json(&json!({
            "total": found.total,
            "kinds": FindingKind::ALL.iter().zip(found.kinds).map(|(kind, count)| (kind.as_str(), count)).collect::<std::collections::BTreeMap<_, _>>(),
            "items": views().collect::<Vec<_>>(),
        })),
        Format::Csv => print_table(output, COLUMNS, views().map(csv_row)),
        Format::Markdown => {
            let columns = ["kind", "user", "role", "data source", "scope", "what", "repair"];
            print_table(output, columns, views().map(markdown_row));
        }
        Format::Text | Format::Terraform => print_text(drifts, found, views(), output),
    }
}

fn csv_row(it: FindingView) -> [String; 15] {
    let ids = |ids: &[i64]| serde_json::to_string(ids).unwrap_or_default();
    [
        it.connection.to_string(),
        it.kind.as_str().to_owned(),
        it.role_name.unwrap_or_default(),
        it.global_user_id.unwrap_or_default(),
        it.username.unwrap_or_default(),
        it.data_source_id.to_string(),
        it.data_source_name.to_string(),
        it.column_id.map(|id| id.to_string()).unwrap_or_default(),
        it.column_name.unwrap_or_default(),
        it.scope.to_string(),
        it.via.map(|via| serde_json::to_string(&via).unwrap_or_default()).unwrap_or_default(),
        ids(&it.guardrail_policy_ids),
        it.detail,
        it.repair.unwrap_or_default(),
        it.observed_at.to_string(),
    ]
}

fn markdown_row(it: FindingView) -> [String; 7] {
    let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    [
        it.kind.as_str().to_owned(),
        or_dash(it.username),
        or_dash(it.role_name),
        it.data_source_name.to_string(),
        it.scope.to_string(),
        it.detail,
        or_dash(it.repair),
    ]
}

fn print_text(
    drifts: &[Drift],
    found: &FindingPage<'_>,
    views: impl Iterator<Item = FindingView>,
    output: Output,
) {
    if drifts.is_empty() {
        output.note(NONE_READ);
        return;
    }
    for it in views {
        let who = match (&it.username, &it.role_name) {
            (Some(user), Some(role)) if user != role => format!("{user} ({role})"),
            (Some(name), _) | (None, Some(name)) => name.clone(),
            (None, None) => String::new(),
        };
        output.result(format_args!(
            "{WARNING}{}{WARNING:#}  {STRONG}{who}{STRONG:#}  {}  {}",
            it.kind, it.data_source_name, it.scope
        ));
        output.result(format_args!("  {}", it.detail));
        match &it.repair {
            Some(repair) => {
                repair.lines().for_each(|line| output.result(format_args!("  {DIM}{line}{DIM:#}")));
            }
            None => output.result(format_args!("  {DIM}{}{DIM:#}", it.decision.unwrap_or_default())),
        }
    }
    if found.total > found.findings.len() {
        output.result(format_args!(
            "… and {} more; --all lists them",
            grouped((found.total - found.findings.len()) as u64)
        ));
    }
    if output.is_quiet() {
        return;
    }
    if found.total == 0 {
        output.result(format_args!("{GOOD}No drift:{GOOD:#} the databases allow what the policies say."));
        return;
    }
    let kinds = FindingKind::ALL.iter().zip(found.kinds).filter(|(_, count)| *count > 0);
    let kinds: Vec<_> = kinds.map(|(kind, count)| format!("{} {kind}", grouped(count as u64))).collect();
    output.result(format_args!(
        "\n{STRONG}{} findings{STRONG:#}: {}. `domesday drift --sql` prints what repairs them.",
        grouped(found.total as u64),
        kinds.join(", ")
    ));
}
