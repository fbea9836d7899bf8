//! `domesday import`: imports files of a connection.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, bail};
use domesday_model::ConnectionKind;
use domesday_service::connections::import;
use domesday_store::ChangeBy;

use crate::cli::{Format, ImportArgs, ImportCommand, ImportCsvArgs};
use crate::connections::{find, kind, print_sync};
use crate::input::instant_or_now;
use crate::output::Output;

pub(crate) fn run(args: &ImportArgs, output: &Output) -> anyhow::Result<()> {
    match &args.command {
        ImportCommand::Csv(args) => csv(args, *output),
    }
}

fn csv(args: &ImportCsvArgs, output: Output) -> anyhow::Result<()> {
    let mut store = args.store.location()?.open_existing()?;
    let connection = find(&mut store, &args.connection)?;
    let ConnectionKind::Csv(configured) = &connection.kind else {
        bail!(
            "the connection `{}` is of kind {}, which is {}; lists are imported into connections of kind csv",
            connection.name,
            connection.kind.as_str(),
            kind(&connection)
        );
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
    let change = ChangeBy { actor: "command line", origin: "cli", from: None, at: instant_or_now(None) };
    let view = import(&mut store, &connection.name, reading, args.dry_run, args.accept_gone, &change)?;
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
