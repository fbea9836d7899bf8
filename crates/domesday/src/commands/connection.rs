//! `domesday connection`: lists and tries connections.

use domesday_service::connections::{ConnectionView, view};
use domesday_sources::connections::{Access, verify};

use crate::cli::{ConnectionArgs, ConnectionCommand, ConnectionListArgs, ConnectionVerifyArgs, Format};
use crate::connections::{any_address, authorities, find, password};
use crate::input::instant_or_now;
use crate::output::{GOOD, Output, STRONG, grouped};
use crate::progress::Progress;
use crate::table::print_table;

/// The columns of the list as CSV and Markdown.
const COLUMNS: [&str; 7] = ["name", "kind", "state", "users", "groups", "data_sources", "last_complete_at"];

pub(crate) fn run(args: &ConnectionArgs, output: &Output) -> anyhow::Result<()> {
    match &args.command {
        ConnectionCommand::List(args) => list(args, *output),
        ConnectionCommand::Verify(args) => try_connection(args, *output),
    }
}

fn list(args: &ConnectionListArgs, output: Output) -> anyhow::Result<()> {
    let mut store = args.store.location()?.open_existing()?;
    let now = instant_or_now(None);
    let mut views = Vec::new();
    for object in store.connections()? {
        views.push(view(&mut store, object, now)?);
    }
    if output.format == Format::Json {
        output.json(&views);
        return Ok(());
    }
    if views.is_empty() && output.format == Format::Text && !output.is_quiet() {
        output.note(
            "the store has no connection; declare one under `connections` in the catalog and apply that",
        );
    }
    if matches!(output.format, Format::Csv | Format::Markdown) {
        print_table(output, COLUMNS, views.into_iter().map(row));
        return Ok(());
    }
    for it in views {
        let since = it.last_complete_at.unwrap_or_else(|| "never".to_owned());
        output.result(format_args!(
            "{STRONG}{}{STRONG:#}  {}  {}  {} users, {} groups, {} data sources, last complete sync {since}",
            it.connection.name,
            it.connection.kind.as_str(),
            it.state,
            grouped(it.users),
            grouped(it.groups),
            grouped(it.data_sources),
        ));
    }
    Ok(())
}

fn row(it: ConnectionView) -> [String; 7] {
    [
        it.connection.name,
        it.connection.kind.as_str().to_owned(),
        it.state.to_string(),
        it.users.to_string(),
        it.groups.to_string(),
        it.data_sources.to_string(),
        it.last_complete_at.unwrap_or_default(),
    ]
}

fn try_connection(args: &ConnectionVerifyArgs, output: Output) -> anyhow::Result<()> {
    let mut store = args.store.location()?.open_existing()?;
    let connection = find(&mut store, &args.name)?;
    let password = password(&mut store, &connection, Some(&args.config)).map_err(anyhow::Error::msg)?;
    let access = Access { password, authorities: authorities()?, judge_addresses: &any_address };
    let progress = Progress::new(output);
    progress.message("connecting");
    let findings = verify(&connection, &access)?;
    drop(progress);
    findings.warnings.iter().for_each(|warning| output.warning(warning));
    if output.format == Format::Json {
        output.json(&serde_json::json!({
            "connection": connection.name,
            "source": findings.source,
            "found": findings.found,
            "warnings": findings.warnings,
        }));
        return Ok(());
    }
    output.result(format_args!("{GOOD}{}{GOOD:#} is {}", connection.name, findings.source));
    findings.found.iter().for_each(|line| output.result(format_args!("  {line}")));
    Ok(())
}
