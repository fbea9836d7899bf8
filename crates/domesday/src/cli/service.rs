//! Commands on the service: serve, config, backup, restore, audit, key, openapi.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use domesday_store::AuditAnchor;

use super::path_parser;

/// Run the service: the console, the HTTP API and the nightly exports
///
/// The first start creates the tenant and prints an administrator's API key, once. Until somebody has signed in to the
/// console, each start prints a link that signs in the administrator: it works once, for 15 minutes. Settings come from
/// a file, and environment variables override them; docs/service.md lists them. Logs are written to standard error as
/// JSON lines. SIGTERM or SIGINT shuts the service down gracefully.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  domesday serve --demo                                the example company, to look around
  domesday serve                                       SQLite, on 127.0.0.1:8080
  domesday serve --config /etc/domesday/domesday.toml
  DATABASE_URL=postgres://governance@db/governance domesday serve")]
pub(crate) struct ServeArgs {
    /// Serve the example company from a temporary store, which is deleted when the service stops
    ///
    /// No configuration file is read. Of the environment variables, those of the server and the log count.
    #[arg(long)]
    pub(crate) demo: bool,
    #[command(flatten)]
    pub(crate) config: ConfigFileArg,
}

/// The option that names the configuration file.
#[derive(Debug, Args)]
pub(crate) struct ConfigFileArg {
    /// The configuration file, in TOML [default: only environment variables and defaults]
    #[arg(long, value_name = "FILE", env = "DOMESDAY_CONFIG", value_parser = path_parser())]
    pub(crate) config: Option<PathBuf>,
}

/// Check the configuration of the service
#[derive(Debug, Args)]
pub(crate) struct ConfigArgs {
    #[command(subcommand)]
    pub(crate) command: ConfigCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    Check(ConfigCheckArgs),
}

/// Check the configuration of the service: print every mistake, or the settings in effect
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  domesday config check --config /etc/domesday/domesday.toml")]
pub(crate) struct ConfigCheckArgs {
    #[command(flatten)]
    pub(crate) config: ConfigFileArg,
}

/// Back up the SQLite store of the service, also while the service runs
///
/// The backup is a consistent copy that only its owner may read. Back up a store on PostgreSQL with PostgreSQL's own
/// tools. The key that seals secrets is not in the backup: keep it, apart from the backups.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  domesday backup --to /backup/domesday-2026-11-24.db
  domesday backup --to copy.db --config /etc/domesday/domesday.toml")]
pub(crate) struct BackupArgs {
    /// The file to write; it must not exist
    #[arg(long, value_name = "FILE", value_parser = path_parser())]
    pub(crate) to: PathBuf,
    #[command(flatten)]
    pub(crate) config: ConfigFileArg,
}

/// Restore the SQLite store of the service from a backup, while the service is stopped
///
/// The backup and its audit log are checked first; the store is migrated to this version, the backup stays unchanged.
/// An existing store is an error, unless --replace is given: it is then renamed to end in .replaced.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  domesday restore --from /backup/domesday-2026-11-24.db
  domesday restore --from copy.db --replace --config /etc/domesday/domesday.toml")]
pub(crate) struct RestoreArgs {
    /// The file that `domesday backup` wrote
    #[arg(long, value_name = "FILE", value_parser = path_parser())]
    pub(crate) from: PathBuf,
    /// Replace an existing store
    #[arg(long)]
    pub(crate) replace: bool,
    #[command(flatten)]
    pub(crate) config: ConfigFileArg,
}

/// Verify or print the audit log of the service
#[derive(Debug, Args)]
pub(crate) struct AuditArgs {
    #[command(subcommand)]
    pub(crate) command: AuditCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AuditCommand {
    Verify(AuditVerifyArgs),
    Export(AuditExportArgs),
}

/// Verify that no entry of the audit log is missing or changed
///
/// Each entry contains the hash of the one before. Prints the number and the hash of the last entry as SEQ:HASH: store
/// it outside of the database and pass it to --expect later, to prove that nobody rewrote the whole log. Neither
/// creates nor changes a store. Exits with code 1 when anything does not match.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  domesday audit verify --config /etc/domesday/domesday.toml
  domesday audit verify --expect 1200:6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b")]
pub(crate) struct AuditVerifyArgs {
    #[command(flatten)]
    pub(crate) config: ConfigFileArg,
    /// An entry and its hash, as an earlier verification printed them; may be given several times
    #[arg(long, value_name = "SEQ:HASH")]
    pub(crate) expect: Vec<AuditAnchor>,
}

/// Print the audit log as JSON lines, oldest first
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  domesday audit export > audit.jsonl
  domesday audit export --after 1200 >> audit.jsonl")]
pub(crate) struct AuditExportArgs {
    #[command(flatten)]
    pub(crate) config: ConfigFileArg,
    /// Print only entries after this number
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    pub(crate) after: u64,
}

/// Manage the key that seals secrets, and the administrator's API keys
#[derive(Debug, Args)]
pub(crate) struct KeyArgs {
    #[command(subcommand)]
    pub(crate) command: KeyCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum KeyCommand {
    New(KeyNewArgs),
    Rotate(KeyRotateArgs),
    Admin(KeyAdminArgs),
}

/// Create a secret key in a new file that only its owner may read
#[derive(Debug, Args)]
pub(crate) struct KeyNewArgs {
    /// The file to create
    #[arg(value_name = "FILE", value_parser = path_parser())]
    pub(crate) file: PathBuf,
}

/// Rotate the key: seal every secret with a new one
///
/// Opens each secret with the configured key and seals it with the new one, in one transaction. Stop the service first,
/// and start it with the new key afterwards.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  domesday key new new.key
  domesday key rotate --to new.key && mv new.key domesday.key")]
pub(crate) struct KeyRotateArgs {
    #[command(flatten)]
    pub(crate) config: ConfigFileArg,
    /// The file of the new key
    #[arg(long, value_name = "FILE", value_parser = path_parser())]
    pub(crate) to: PathBuf,
    /// Delete secrets that the configured key cannot open, or all of them when the key is lost
    #[arg(long)]
    pub(crate) discard: bool,
}

/// Create another API key of the administrator, when the first is lost, and print it once
///
/// Requires the store, not the running service. A lost key stays valid until it is revoked.
#[derive(Debug, Args)]
pub(crate) struct KeyAdminArgs {
    #[command(flatten)]
    pub(crate) config: ConfigFileArg,
    /// The name of the key
    #[arg(long, default_value = "created at the command line")]
    pub(crate) name: String,
}

/// Print the OpenAPI document of the service
#[derive(Debug, Args)]
pub(crate) struct OpenapiArgs {}
