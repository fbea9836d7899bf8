//! `domesday snapshot`: writes a snapshot to one file.

use std::path::Path;

use anyhow::Context;
use domesday_run::batch::BatchSnapshot;
use domesday_tables::snapshot_id;
use tempfile::NamedTempFile;

use crate::cli::{Format, SnapshotArgs};
use crate::input::Input;
use crate::output::{GOOD, Output, grouped, size};
use crate::progress::Progress;

pub(crate) fn run(args: &SnapshotArgs, output: &Output) -> anyhow::Result<()> {
    let progress = Progress::new(*output);
    progress.message("reading the catalog");
    let Input { mut store, at, .. } = args.input.open(args.at, *output)?;
    progress.message("taking the snapshot");
    let taken = BatchSnapshot::take(&mut store, at)?;
    let file = taken.to_file();
    write_whole(&args.out, &file)?;
    drop(progress);
    let snapshot = &taken.snapshot;
    let (id, bytes) = (snapshot_id(snapshot), file.len() as u64);
    if output.format == Format::Json {
        output.json(&serde_json::json!({
            "file": args.out,
            "bytes": bytes,
            "snapshotId": id,
            "snapshotAt": at,
            "users": snapshot.users.len(),
            "dataSources": snapshot.data_sources.len(),
        }));
    } else if !output.is_quiet() {
        output.result(format_args!(
            "{GOOD}Wrote{GOOD:#} the snapshot of {at} to {}: {} users, {} data sources, {}",
            args.out.display(),
            grouped(snapshot.users.len() as u64),
            grouped(snapshot.data_sources.len() as u64),
            size(bytes)
        ));
    }
    Ok(())
}

/// Writes a file that appears whole or not at all, readable by its owner only: it may contain personal data.
pub(crate) fn write_whole(path: &Path, content: &[u8]) -> anyhow::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if !folder.is_dir() {
        anyhow::bail!("cannot write `{}`: there is no directory `{}`", path.display(), folder.display());
    }
    let write = || {
        let mut file = NamedTempFile::new_in(folder)?;
        std::io::Write::write_all(&mut file, content)?;
        file.as_file().sync_all()?;
        file.persist(path).map_err(|error| error.error)
    };
    write().map(drop).with_context(|| format!("cannot write `{}`", path.display()))
}

/// Reads the file of a snapshot.
pub(crate) fn read(path: &Path) -> anyhow::Result<BatchSnapshot> {
    let cannot_read = || format!("cannot read the snapshot `{}`", path.display());
    let file = std::fs::read(path).with_context(cannot_read)?;
    BatchSnapshot::from_file(&file).with_context(cannot_read)
}
