//! The service: serve, config, audit, key, openapi.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use domesday_store::AuditAnchor;

use super::path_parser;

/// Run the service: the HTTP API, the schedule and the runs
///
/// The first start mints the tenant and prints one administrator's API key, once. Settings come from a file and
/// over it from the environment; docs/service.md lists them. Logs go to standard error as JSON lines. SIGTERM or
/// SIGINT ends the service in good order.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  domesday serve                                       an embedded database beside it, on 127.0.0.1:8080
  domesday serve --config /etc/domesday/domesday.toml
  DATABASE_URL=postgres://governance@db/governance domesday serve")]
pub(crate) struct ServeArgs {
    #[command(flatten)]
    pub(crate) config: ConfigFileArg,
}

/// Where the service's configuration is.
#[derive(Debug, Args)]
pub(crate) struct ConfigFileArg {
    /// The configuration file, in TOML; without one, defaults and the environment
    #[arg(long, value_name = "FILE", env = "DOMESDAY_CONFIG", value_parser = path_parser())]
    pub(crate) config: Option<PathBuf>,
}

/// Look at the service's configuration
#[derive(Debug, Args)]
pub(crate) struct ConfigArgs {
    #[command(subcommand)]
    pub(crate) command: ConfigCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    Check(ConfigCheckArgs),
}

/// Check the service's configuration: every mistake at once, or what would hold
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  domesday config check --config /etc/domesday/domesday.toml")]
pub(crate) struct ConfigCheckArgs {
    #[command(flatten)]
    pub(crate) config: ConfigFileArg,
}

/// Copy the service's embedded store into a file, while it is in use
///
/// The copy is a store of one instant, which only its owner may read. A store on PostgreSQL is backed up with
/// PostgreSQL's own tools. The key that seals secrets is in neither: keep it, apart from the copies.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  domesday backup --to /backup/domesday-2026-11-24.db
  domesday backup --to copy.db --config /etc/domesday/domesday.toml")]
pub(crate) struct BackupArgs {
    /// The file to write; there must be none of that name
    #[arg(long, value_name = "FILE", value_parser = path_parser())]
    pub(crate) to: PathBuf,
    #[command(flatten)]
    pub(crate) config: ConfigFileArg,
}

/// Put a copy in the place of the service's embedded store, while the service is stopped
///
/// The copy is checked first, its audit log as well, and brought up to this version; the file itself stays as it
/// is. Without --replace a store that is there is left alone; with it, it is kept under a name that ends in
/// .replaced.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  domesday restore --from /backup/domesday-2026-11-24.db
  domesday restore --from copy.db --replace --config /etc/domesday/domesday.toml")]
pub(crate) struct RestoreArgs {
    /// The copy that `domesday backup` wrote
    #[arg(long, value_name = "FILE", value_parser = path_parser())]
    pub(crate) from: PathBuf,
    /// Take the place of a store that is there
    #[arg(long)]
    pub(crate) replace: bool,
    #[command(flatten)]
    pub(crate) config: ConfigFileArg,
}

/// Look at the service's audit log
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

/// Prove that no entry of the audit log is missing or changed
///
/// Each entry names the hash of the one before. The number and the hash of the last entry are printed as SEQ:HASH:
/// kept outside of the database and passed to --expect later, they prove that nobody rewrote the log as a whole.
/// Neither creates nor changes a store. Exits with 1 when anything does not match.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  domesday audit verify --config /etc/domesday/domesday.toml
  domesday audit verify --expect 1200:6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b")]
pub(crate) struct AuditVerifyArgs {
    #[command(flatten)]
    pub(crate) config: ConfigFileArg,
    /// An entry and its hash as an earlier verification printed them; may be given several times
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
    /// Only entries after this number
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    pub(crate) after: u64,
}

/// Work with the key that seals secrets, and with the administrator's API keys
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

/// Make a secret key in a new file that only its owner reads
#[derive(Debug, Args)]
pub(crate) struct KeyNewArgs {
    /// The file to make
    #[arg(value_name = "FILE", value_parser = path_parser())]
    pub(crate) file: PathBuf,
}

/// Seal every secret with another key
///
/// Opens each secret with the configured key and seals it with the new one, all in one transaction. Stop the
/// service before, and start it with the new key after.
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
    /// Remove the secrets that the configured key does not open, or all when it is lost
    #[arg(long)]
    pub(crate) discard: bool,
}

/// Make another administrator's API key, when the first is lost, and print it once
///
/// Needs the database, which must hold a store, and not the service. Keys that are lost stay valid until somebody revokes them.
#[derive(Debug, Args)]
pub(crate) struct KeyAdminArgs {
    #[command(flatten)]
    pub(crate) config: ConfigFileArg,
    /// What the key is for
    #[arg(long, default_value = "made at the command line")]
    pub(crate) name: String,
}

/// Print the OpenAPI document of the service
#[derive(Debug, Args)]
pub(crate) struct OpenapiArgs {}
