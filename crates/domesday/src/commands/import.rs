//! `domesday import`: imports files of a connection.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, bail};
use domesday_model::{Connection, ConnectionKind};
use domesday_service::connections::{ImportedFiles, import};
use domesday_store::{ChangeBy, Store};

use crate::cli::{Format, ImportArgs, ImportCommand, ImportCsvArgs, ImportDbtArgs, TakeOverArgs};
use crate::connections::{ACTOR, find, kind, print_sync};
use crate::input::instant_or_now;
use crate::output::Output;
use crate::progress::Progress;

pub(crate) fn run(args: &ImportArgs, output: &Output) -> anyhow::Result<()> {
    match &args.command {
        ImportCommand::Csv(args) => csv(args, *output),
        ImportCommand::Dbt(args) => dbt(args, *output),
    }
}

fn csv(args: &ImportCsvArgs, output: Output) -> anyhow::Result<()> {
    let mut store = args.take_over.store.location()?.open_existing()?;
    let connection = find(&mut store, &args.connection)?;
    let ConnectionKind::Csv(configured) = &connection.kind else {
        return Err(other_kind(&connection, "lists", "csv"));
    };
    let users = read(&args.users)?;
    let groups = args.groups.as_deref().map(read).transpose()?;
    let map: BTreeMap<String, String> = args.map.iter().cloned().collect();
    let reading = domesday_sources::csv::read(configured, &connection.name, &users, groups.as_deref(), &map)
        .map_err(|mistakes| {
            let groups = args.groups.as_deref().unwrap_or(Path::new("memberships"));
            let named =
                mistakes.with_file_names(&args.users.display().to_string(), &groups.display().to_string());
            anyhow::anyhow!("the lists have mistakes; nothing was changed\n{named}")
        })?;
    take_over(&mut store, &connection, ImportedFiles::Lists(reading), &args.take_over, output)
}

fn dbt(args: &ImportDbtArgs, output: Output) -> anyhow::Result<()> {
    let mut store = args.take_over.store.location()?.open_existing()?;
    let connection = find(&mut store, &args.connection)?;
    let ConnectionKind::Dbt(configured) = &connection.kind else {
        return Err(other_kind(&connection, "the files of a dbt project", "dbt"));
    };
    let manifest = read(&args.manifest)?;
    let catalog = args.catalog.as_deref().map(read).transpose()?;
    let project =
        domesday_sources::dbt::read(configured, &manifest, catalog.as_deref()).map_err(|mistakes| {
            let catalog = args.catalog.as_deref().unwrap_or(Path::new("catalog"));
            let named = mistakes
                .with_file_names(&args.manifest.display().to_string(), &catalog.display().to_string());
            anyhow::anyhow!("the files of the project have mistakes; nothing was changed\n{named}")
        })?;
    take_over(&mut store, &connection, ImportedFiles::Project(project), &args.take_over, output)
}

fn other_kind(connection: &Connection, files: &str, wanted: &str) -> anyhow::Error {
    anyhow::anyhow!(
        "the connection `{}` is of kind {}, which is {}; {files} are imported into connections of kind {wanted}",
        connection.name,
        connection.kind.as_str(),
        kind(connection)
    )
}

/// Makes the layer of a connection what its files list, and prints what that changes.
fn take_over(
    store: &mut Store,
    connection: &Connection,
    files: ImportedFiles,
    options: &TakeOverArgs,
    output: Output,
) -> anyhow::Result<()> {
    let change = ChangeBy { actor: ACTOR, origin: "cli", from: None, at: instant_or_now(None) };
    let progress = Progress::new(output);
    progress.message("taking over the files");
    let view = import(store, &connection.name, files, options.dry_run, options.accept_gone, &change)?;
    drop(progress);
    let is_done = match output.format {
        Format::Json => {
            output.json(&view);
            view.state == "succeeded"
        }
        _ => print_sync(&view, output),
    };
    if !is_done {
        bail!("nothing was changed");
    }
    Ok(())
}

fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}
