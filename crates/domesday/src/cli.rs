//! The commands and their arguments, with the help that teaches them.

mod delivery;

use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};
use domesday_model::{Instant, Scope};

pub(crate) use delivery::*;

const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  the input is wrong or the work failed; nothing was changed
  2  the command line is wrong, or a limit it gave was passed (diff --max-gained)";

/// Who can reach which data, and by what right.
///
/// Domesday keeps users, data sources, tags, policies and access requests, works out every user's access with
/// its reasons, and writes the access summary: twelve Parquet tables that any engine reads.
#[derive(Debug, Parser)]
#[command(name = "domesday", version, after_help = EXIT_CODES, max_term_width = 100, propagate_version = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command takes.
#[derive(Debug, Args)]
pub(crate) struct Global {
    /// How results are printed
    #[arg(long, global = true, value_enum, default_value_t = FormatArg::Text, help_heading = "Output")]
    pub(crate) format: FormatArg,
    /// Print no progress and no summary; errors and results asked for still come
    #[arg(long, short, global = true, help_heading = "Output")]
    pub(crate) quiet: bool,
    /// When to use colours; NO_COLOR is honoured
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto, help_heading = "Output")]
    pub(crate) color: Color,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum FormatArg {
    /// For people
    Text,
    /// For programs: one JSON document on standard output
    Json,
    /// For documents; only where a command says so
    Markdown,
    /// The Cedar policy language; only for `policy export`
    Cedar,
    /// Infrastructure as code; only for `setup`
    Terraform,
}

/// How commands print.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Text,
    Json,
    Markdown,
}

impl From<FormatArg> for Format {
    fn from(format: FormatArg) -> Self {
        match format {
            // What `policy export` prints as text is Cedar; `setup` looks at the argument itself.
            FormatArg::Text | FormatArg::Cedar | FormatArg::Terraform => Self::Text,
            FormatArg::Json => Self::Json,
            FormatArg::Markdown => Self::Markdown,
        }
    }
}

impl Cli {
    /// Parses the command line; ends the process with what is wrong with it, or with the help asked for.
    pub(crate) fn read() -> Self {
        let cli = Self::parse();
        if cli.global.format == FormatArg::Cedar && !matches!(cli.command, Command::Policy(_)) {
            let message = "`--format cedar` is for `domesday policy export`";
            Self::command().error(ErrorKind::ArgumentConflict, message).exit();
        }
        if cli.global.format == FormatArg::Terraform && !matches!(cli.command, Command::Setup(_)) {
            let message = "`--format terraform` is for `domesday setup`";
            Self::command().error(ErrorKind::ArgumentConflict, message).exit();
        }
        cli
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Export(ExportArgs),
    Apply(ApplyArgs),
    Explain(ExplainArgs),
    Check(CheckArgs),
    Diff(DiffArgs),
    Policy(PolicyArgs),
    Schema(SchemaArgs),
    Destination(DestinationArgs),
    Setup(SetupArgs),
    Serve(ServeArgs),
    Config(ConfigArgs),
    Audit(AuditArgs),
    Key(KeyArgs),
    Openapi(OpenapiArgs),
}

/// Write the access summary: twelve Parquet tables, the snapshot row and the manifest
///
/// Takes a snapshot of a catalog directory (or of the store), evaluates every policy for every user and data
/// source, and writes the summary. Files appear whole or not at all, the manifest last: what it says holds
/// until the next run is complete. The same catalog and instant give byte-identical files.
///
/// A bucket takes two rights, s3:ListBucket and s3:PutObject under the path; `domesday setup iam-policy` prints
/// them, `domesday destination verify` tries them. Credentials are those that the AWS tools would use:
/// environment, profile, web identity, container, instance.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  domesday export --catalog examples/acme --to ./out
  domesday export --catalog examples/acme --to ./out --at 2026-11-24T02:00:00Z
  domesday export --store governance.db --to file:///srv/access-summary --format json
  domesday export --store governance.db --to s3://acme-audit/access --region eu-central-1 --layout swap
  domesday export --store governance.db --to s3://acme-audit --region eu-central-1 \\
      --role-arn arn:aws:iam::111122223333:role/domesday")]
pub(crate) struct ExportArgs {
    /// A catalog directory: YAML and JSON files, read whole; no store is touched
    #[arg(long, value_name = "DIR", conflicts_with = "store")]
    pub(crate) catalog: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) store: StoreArg,
    #[command(flatten)]
    pub(crate) target: TargetArgs,
    /// How the days lie beside each other
    #[arg(long, value_enum, default_value_t = LayoutArg::Latest)]
    pub(crate) layout: LayoutArg,
    /// With --layout swap: seconds between the last table and the row that names the slot, so that queries planned
    /// before have begun to read
    #[arg(long, value_name = "SECONDS", default_value_t = 5)]
    pub(crate) settle: u32,
    /// The snapshot's instant, RFC 3339 with offset [default: now]
    #[arg(long, value_name = "INSTANT")]
    pub(crate) at: Option<Instant>,
    /// The console's address, for the links in the tables
    #[arg(long, value_name = "URL", env = "DOMESDAY_CONSOLE_URL", default_value = "http://localhost:8080")]
    pub(crate) console_url: String,
}

/// Where the store is.
#[derive(Debug, Args)]
pub(crate) struct StoreArg {
    /// The store's file
    #[arg(long, value_name = "FILE", env = "DOMESDAY_STORE", default_value = "domesday.db")]
    pub(crate) store: PathBuf,
}

/// Bring a catalog directory into the store
///
/// Objects are matched by kind and name: what is new is created, what differs is updated, and what the
/// directory no longer declares stays unless --prune is given. All of it happens in one transaction; applying
/// the same directory again changes nothing.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  domesday apply governance/ --dry-run     show what would change
  domesday apply governance/ --prune       make the store hold just this")]
pub(crate) struct ApplyArgs {
    /// The catalog directory
    #[arg(value_name = "DIR")]
    pub(crate) catalog: PathBuf,
    #[command(flatten)]
    pub(crate) store: StoreArg,
    /// Print the plan and change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Delete what the directory does not declare
    #[arg(long)]
    pub(crate) prune: bool,
    /// The instant at which what is new counts as created, RFC 3339 with offset [default: now]
    #[arg(long, value_name = "INSTANT")]
    pub(crate) at: Option<Instant>,
}

/// Say why a user can or cannot reach a data source
///
/// Prints the whole derivation: which grants admit the user and which do not, on which part of their
/// condition, which a conflict of levels silences, which guardrails block, which requests count and until when,
/// and which columns are masked; for somebody without access, the nearest ways to get it. With --column, how
/// that column appears to the user and why.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  domesday explain --catalog examples/acme --user daan.visser --data-source 'Web Orders'
  domesday explain --catalog examples/acme --user daan.visser --data-source 'Web Orders' --column order_email
  domesday explain --user nina.schubert --data-source 'General Ledger' --scope write --format json")]
pub(crate) struct ExplainArgs {
    /// A catalog directory; no store is touched
    #[arg(long, value_name = "DIR", conflicts_with = "store")]
    pub(crate) catalog: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) store: StoreArg,
    /// The user, by username
    #[arg(long, value_name = "USERNAME")]
    pub(crate) user: String,
    /// The data source, by name
    #[arg(long, value_name = "NAME")]
    pub(crate) data_source: String,
    /// The scope
    #[arg(long, value_enum, default_value_t = ScopeArg::Read)]
    pub(crate) scope: ScopeArg,
    /// Explain how this column appears to the user; masks are for readers, so without --scope
    #[arg(long, value_name = "NAME", conflicts_with = "scope")]
    pub(crate) column: Option<String>,
    /// The instant at which to look, RFC 3339 with offset [default: now]
    #[arg(long, value_name = "INSTANT")]
    pub(crate) at: Option<Instant>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ScopeArg {
    Read,
    Write,
}

impl From<ScopeArg> for Scope {
    fn from(scope: ScopeArg) -> Self {
        match scope {
            ScopeArg::Read => Self::Read,
            ScopeArg::Write => Self::Write,
        }
    }
}

/// Check a catalog directory: every mistake at once, each with file, line and column
#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// The catalog directory
    #[arg(value_name = "DIR")]
    pub(crate) catalog: PathBuf,
}

/// Print the tables of the access summary: every field, its type and meaning
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  domesday schema                                  all twelve tables
  domesday schema --table policy-outcomes --format json")]
pub(crate) struct SchemaArgs {
    /// Only this table
    #[arg(long, value_name = "TABLE")]
    pub(crate) table: Option<String>,
}

/// Compare two catalogs, or the store with a catalog: who would gain or lose access
///
/// Lists the outcomes that a change would add, remove, block or unblock, and the columns that somebody would
/// see clear or masked, before anything is applied. With --max-gained a pipeline can stop a careless policy:
/// more outcomes gained than that end with exit code 2.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  domesday diff --catalog main/ --catalog branch/
  domesday diff --catalog governance/                     the store against a directory
  domesday diff --catalog main/ --catalog branch/ --max-gained 100")]
pub(crate) struct DiffArgs {
    /// A catalog directory; given twice, before and after; given once, after, with the store as before
    #[arg(long, value_name = "DIR", required = true, num_args = 1)]
    pub(crate) catalog: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) store: StoreArg,
    /// End with exit code 2 when more outcomes than this are gained
    #[arg(long, value_name = "COUNT")]
    pub(crate) max_gained: Option<usize>,
    /// List every change, not only the first of them
    #[arg(long)]
    pub(crate) all: bool,
    /// The instant at which to compare, RFC 3339 with offset [default: now]
    #[arg(long, value_name = "INSTANT")]
    pub(crate) at: Option<Instant>,
}

/// Work with policies
#[derive(Debug, Args)]
pub(crate) struct PolicyArgs {
    #[command(subcommand)]
    pub(crate) command: PolicyCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum PolicyCommand {
    Export(PolicyExportArgs),
}

/// Translate policies, users and data sources into the Cedar policy language
///
/// Makes a schema, policies and entities: a grant is permit when, a guardrail forbid unless. Cedar's own
/// validator accepts them, and its authorizer decides as Domesday does. With --to they become the files
/// schema.cedarschema, policies.cedar and entities.json; else the policies, or the part asked for, are printed,
/// and with --format json all three in one document. Masks on columns have no counterpart in Cedar.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  domesday policy export --format cedar --catalog examples/acme
  domesday policy export --format cedar --catalog examples/acme --to ./cedar
  cedar validate --schema cedar/schema.cedarschema --policies cedar/policies.cedar")]
pub(crate) struct PolicyExportArgs {
    /// A catalog directory; no store is touched
    #[arg(long, value_name = "DIR", conflicts_with = "store")]
    pub(crate) catalog: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) store: StoreArg,
    /// The directory to write into
    #[arg(long, value_name = "DIR")]
    pub(crate) to: Option<PathBuf>,
    /// The part to print
    #[arg(long, value_enum, default_value_t = CedarPart::Policies, conflicts_with = "to")]
    pub(crate) part: CedarPart,
    /// The instant at which to look, RFC 3339 with offset [default: now]
    #[arg(long, value_name = "INSTANT")]
    pub(crate) at: Option<Instant>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum CedarPart {
    /// What Cedar's validator checks the policies against
    Schema,
    Policies,
    /// Users, groups and data sources, as JSON
    Entities,
}

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
    #[arg(long, value_name = "FILE", env = "DOMESDAY_CONFIG")]
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
/// Each entry names the hash of the one before. The hash of the last entry is printed: kept elsewhere, it proves
/// later that nobody rewrote the log as a whole.
#[derive(Debug, Args)]
pub(crate) struct AuditVerifyArgs {
    #[command(flatten)]
    pub(crate) config: ConfigFileArg,
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
    #[arg(value_name = "FILE")]
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
    #[arg(long, value_name = "FILE")]
    pub(crate) to: PathBuf,
}

/// Make another administrator's API key, when the first is lost, and print it once
///
/// Needs the database, not the service. Keys that are lost stay valid until somebody revokes them.
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
