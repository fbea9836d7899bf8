//! `domesday backup` and `domesday restore`, of a store on SQLite.

use domesday_store::{Store, StoreError, StoreLocation};

use crate::cli::{BackupArgs, Format, RestoreArgs};
use crate::output::{GOOD, Output, WARNING};
use crate::progress::Progress;
use crate::service_config::read_config;

pub(crate) fn backup(args: &BackupArgs, output: &Output) -> anyhow::Result<()> {
    let config = read_config(&args.config)?;
    if config.database.file().is_none() {
        return Err(StoreError::BackupElsewhere.into());
    }
    let progress = Progress::new(*output);
    progress.message("copying the store");
    // Not migrated: a backup is taken before an upgrade, while the earlier version still runs.
    config.database.open_unmigrated()?.backup_to(&args.to)?;
    drop(progress);
    let bytes = std::fs::metadata(&args.to)?.len();
    if output.format == Format::Json {
        output.json(&serde_json::json!({ "backup": args.to, "bytes": bytes }));
    } else if !output.is_quiet() {
        let (from, to) = (&config.database, args.to.display());
        output.result(format_args!("{GOOD}Backed up{GOOD:#} {from} to {to}: {}", crate::output::size(bytes)));
        output.result(format_args!(
            "The backup does not contain the key that seals secrets; keep that too, in another place."
        ));
    }
    Ok(())
}

pub(crate) fn restore(args: &RestoreArgs, output: &Output) -> anyhow::Result<()> {
    let config = read_config(&args.config)?;
    let StoreLocation::File(place) = &config.database else { return Err(StoreError::BackupElsewhere.into()) };
    let progress = Progress::new(*output);
    progress.message("checking and copying the backup");
    let restored = Store::restore(&args.from, place, args.replace)?;
    drop(progress);
    if output.format == Format::Json {
        output.json(&serde_json::json!({
            "store": place,
            "auditEntries": restored.audit.entries,
            "replaced": restored.replaced,
        }));
    } else if !output.is_quiet() {
        output.result(format_args!(
            "{GOOD}Restored{GOOD:#} {} from {}; the audit log is intact: {} entries",
            place.display(),
            args.from.display(),
            restored.audit.entries
        ));
        if let Some(replaced) = &restored.replaced {
            output.result(format_args!("The replaced store was renamed to {}", replaced.display()));
        }
        output.result(format_args!(
            "{WARNING}Start the service with the key that sealed this store's secrets{WARNING:#}: \
             without it they cannot be opened."
        ));
    }
    Ok(())
}
