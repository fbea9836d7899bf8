//! `domesday sync`: reads connections.

use anyhow::bail;

use crate::cli::{Format, SyncArgs};
use crate::connections::{SyncOptions, connections, find, kind, print_sync, sync};
use crate::output::Output;

pub(crate) fn run(args: &SyncArgs, output: &Output) -> anyhow::Result<()> {
    let mut store = args.store.location()?.open_existing()?;
    let chosen = if args.names.is_empty() {
        let all: Vec<_> = connections(&mut store)?.into_iter().filter(|it| it.kind.is_pulled()).collect();
        if all.is_empty() {
            bail!(
                "the store has no connection that is read\nhelp: declare one under `connections` in the catalog and apply that"
            );
        }
        all
    } else {
        args.names.iter().map(|name| find(&mut store, name)).collect::<Result<Vec<_>, _>>()?
    };
    if let Some(other) = chosen.iter().find(|connection| !connection.kind.is_pulled()) {
        bail!("the connection `{}` is {}, and cannot be read", other.name, kind(other));
    }
    let options = SyncOptions { dry_run: args.dry_run, accept_gone: args.accept_gone };
    let (mut views, mut failed) = (Vec::new(), Vec::new());
    for connection in &chosen {
        let view = sync(&mut store, connection, options, Some(&args.config), None)?;
        let is_done = match output.format {
            Format::Json => view.state == "succeeded",
            _ => print_sync(&view, *output),
        };
        if !is_done {
            failed.push(connection.name.clone());
        }
        views.push(view);
    }
    if output.format == Format::Json {
        output.json(&views);
    }
    if failed.is_empty() {
        return Ok(());
    }
    bail!("nothing was changed by {}", failed.join(", "))
}
