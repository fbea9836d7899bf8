//! `domesday sync`: reads connections.

use anyhow::bail;
use domesday_delivery::CancellationToken;

use crate::cli::{Format, SyncArgs};
use crate::connections::{SyncOptions, connections, find, kind, print_sync, sync};
use crate::failure::ChecksFailed;
use crate::interrupt::{self, Stopped};
use crate::output::Output;
use crate::progress::Progress;

pub(crate) fn run(args: &SyncArgs, output: &Output) -> anyhow::Result<()> {
    let mut store = args.take_over.store.location()?.open_existing()?;
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
    let options = SyncOptions::from(&args.take_over);
    let cancellation = CancellationToken::new();
    let rest = "when the connection that is being read has been read, or its time limit is reached";
    interrupt::cancel_at_next_step(cancellation.clone(), *output, rest);
    let progress = Progress::new(*output);
    let (mut views, mut failed) = (Vec::new(), Vec::new());
    for connection in &chosen {
        progress.message(format!("reading {}", connection.name));
        let view = sync(&mut store, connection, options, Some(&args.config), None)?;
        let is_done = match output.format {
            Format::Json => view.state == "succeeded",
            _ => print_sync(&view, *output),
        };
        if !is_done {
            failed.push(connection.name.clone());
        }
        views.push(view);
        if cancellation.is_cancelled() {
            break;
        }
    }
    drop(progress);
    let left: Vec<_> = chosen[views.len()..].iter().map(|connection| connection.name.as_str()).collect();
    let failure = format!("nothing was changed by {}", failed.join(", "));
    if cancellation.is_cancelled() && !(left.is_empty() && failed.is_empty()) {
        // With --format json the error is the one document; the store has the records of those that were read.
        let outcome = if left.is_empty() { failure } else { format!("not read: {}", left.join(", ")) };
        return Err(Stopped(outcome).into());
    }
    if output.format == Format::Json {
        output.json(&views);
    }
    if failed.is_empty() {
        return Ok(());
    }
    bail!(ChecksFailed(failure))
}
