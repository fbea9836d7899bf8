//! The commands and their arguments, with the help that teaches them.

use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};
use domesday_delivery::{Engine, Layout};
use domesday_model::{Instant, Scope};

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
    /// For infrastructure as code; only `domesday setup` writes it
    Terraform,
}

/// How commands print.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Text,
    Json,
    Markdown,
    Terraform,
}

impl From<FormatArg> for Format {
    fn from(format: FormatArg) -> Self {
        match format {
            // What `policy export` prints as text is Cedar.
            FormatArg::Text | FormatArg::Cedar => Self::Text,
            FormatArg::Json => Self::Json,
            FormatArg::Markdown => Self::Markdown,
            FormatArg::Terraform => Self::Terraform,
        }
    }
}

impl Cli {
    /// Parses the command line; ends the process with what is wrong with it, or with the help asked for.
    pub(crate) fn read() -> Self {
        let cli = Self::parse();
        let only_for = match (cli.global.format, &cli.command) {
            (FormatArg::Cedar, command) if !matches!(command, Command::Policy(_)) => Some(("cedar", "policy export")),
            (FormatArg::Terraform, command) if !matches!(command, Command::Setup(_)) => Some(("terraform", "setup")),
            _ => None,
        };
        if let Some((format, command)) = only_for {
            let message = format!("`--format {format}` is for `domesday {command}`");
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
    Serve(ServeArgs),
    Config(ConfigArgs),
    Audit(AuditArgs),
    Key(KeyArgs),
    Openapi(OpenapiArgs),
    Destination(DestinationArgs),
    Setup(SetupArgs),
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
    /// The snapshot's instant, RFC 3339 with offset [default: now]
    #[arg(long, value_name = "INSTANT")]
    pub(crate) at: Option<Instant>,
    /// The console's address, for the links in the tables
    #[arg(long, value_name = "URL", env = "DOMESDAY_CONSOLE_URL", default_value = "http://localhost:8080")]
    pub(crate) console_url: String,
}

/// A destination, and what it takes to reach one in S3.
#[derive(Debug, Args)]
pub(crate) struct TargetArgs {
    /// Where the summary goes: a directory, file:// and its absolute path, or s3://BUCKET/PATH
    #[arg(long, value_name = "DESTINATION")]
    pub(crate) to: String,
    #[command(flatten)]
    pub(crate) s3: S3Args,
}

/// What it takes to reach a bucket. Secrets have no place on a command line: they come from the environment or
/// the files of the AWS tools.
#[derive(Debug, Args)]
pub(crate) struct S3Args {
    /// The bucket's region [default: AWS_REGION, AWS_DEFAULT_REGION or the profile's]
    #[arg(long, value_name = "REGION", help_heading = "S3")]
    pub(crate) region: Option<String>,
    /// A server other than AWS, such as https://s3.example.com:9000 [default: AWS_ENDPOINT_URL_S3]
    #[arg(long, value_name = "URL", help_heading = "S3")]
    pub(crate) endpoint: Option<String>,
    /// A role to assume first
    #[arg(long, value_name = "ARN", help_heading = "S3")]
    pub(crate) role_arn: Option<String>,
    /// What the role's trust policy asks for [default: the tenant's id]
    #[arg(long, value_name = "ID", requires = "role_arn", help_heading = "S3")]
    pub(crate) external_id: Option<String>,
    /// The KMS key to encrypt with, by its ARN [default: the bucket's default encryption]
    #[arg(long, value_name = "KEY", help_heading = "S3")]
    pub(crate) kms_key_id: Option<String>,
    /// The account that must own the bucket; every call is refused when another does
    #[arg(long, value_name = "ACCOUNT", help_heading = "S3")]
    pub(crate) bucket_owner: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LayoutArg {
    /// The current snapshot in place
    Latest,
    /// Two slots; readers through the views switch at one instant, at twice the storage
    Swap,
    /// A folder a day, kept
    History,
}

impl From<LayoutArg> for Layout {
    fn from(layout: LayoutArg) -> Self {
        match layout {
            LayoutArg::Latest => Self::Latest,
            LayoutArg::Swap => Self::Swap,
            LayoutArg::History => Self::History,
        }
    }
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
/// Try a destination, or check what was delivered there
#[derive(Debug, Args)]
pub(crate) struct DestinationArgs {
    #[command(subcommand)]
    pub(crate) command: DestinationCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum DestinationCommand {
    Verify(VerifyArgs),
    Audit(AuditArgs),
}

/// Try whether a destination takes summaries: credentials, list, put
///
/// Does what a delivery would, and no more: finds credentials or assumes the role, lists under the path, and puts
/// the object _connection_test, overwritten each time. Each check that fails says what to fix.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  domesday destination verify --to s3://acme-audit/access --region eu-central-1
  domesday destination verify --to s3://acme-audit --region eu-central-1 --format json \\
      --role-arn arn:aws:iam::111122223333:role/domesday --external-id 4f7c…")]
pub(crate) struct VerifyArgs {
    #[command(flatten)]
    pub(crate) target: TargetArgs,
    /// A catalog directory whose tenant's id is the external id of a role
    #[arg(long, value_name = "DIR", conflicts_with = "store")]
    pub(crate) catalog: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) store: StoreArg,
}

/// Check a delivered summary against its manifest: every digest, count and link of the chain
///
/// Reads the manifest and each file it names, with credentials that may read (those of a delivery may not). In the
/// history layout every kept manifest is checked as a link of the chain; of the others, manifests that somebody
/// kept elsewhere are given with --previous.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  domesday destination audit --to ./out
  domesday destination audit --to s3://acme-audit/access --region eu-central-1
  domesday destination audit --to ./out --previous kept/2026-11-23.json --format json")]
pub(crate) struct AuditArgs {
    #[command(flatten)]
    pub(crate) target: TargetArgs,
    /// An earlier manifest that was kept, to check the chain with; may be given several times
    #[arg(long, value_name = "FILE")]
    pub(crate) previous: Vec<PathBuf>,
}

/// Print what a bucket, its owner and the engines that read it need
#[derive(Debug, Args)]
pub(crate) struct SetupArgs {
    #[command(subcommand)]
    pub(crate) command: SetupCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum SetupCommand {
    IamPolicy(PolicyDocumentArgs),
    BucketPolicy(PrincipalArgs),
    TrustPolicy(TrustArgs),
    KeyPolicy(PrincipalArgs),
    Lifecycle(LifecycleArgs),
    Ddl(DdlArgs),
}

/// What the user or role that delivers needs: list and put under the path, and the KMS key where one is named
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  domesday setup iam-policy --to s3://acme-audit/access
  domesday setup iam-policy --to s3://acme-audit/access --format terraform \\
      --kms-key-id arn:aws:kms:eu-central-1:111122223333:key/1234abcd")]
pub(crate) struct PolicyDocumentArgs {
    #[command(flatten)]
    pub(crate) bucket: BucketArgs,
}

/// A bucket and path that a document is about.
#[derive(Debug, Args)]
pub(crate) struct BucketArgs {
    /// The destination the document is for
    #[arg(long, value_name = "s3://BUCKET/PATH")]
    pub(crate) to: String,
    /// The bucket's region [default: the key's, AWS_REGION or the profile's]
    #[arg(long, value_name = "REGION")]
    pub(crate) region: Option<String>,
    /// The KMS key to encrypt with, by its ARN
    #[arg(long, value_name = "KEY")]
    pub(crate) kms_key_id: Option<String>,
    /// The account that owns the bucket
    #[arg(long, value_name = "ACCOUNT")]
    pub(crate) bucket_owner: Option<String>,
}

/// What an owner grants who delivers from another account: of the bucket, or of the KMS key
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  domesday setup bucket-policy --to s3://acme-audit/access --principal arn:aws:iam::111122223333:role/domesday
  domesday setup key-policy --to s3://acme-audit --principal arn:aws:iam::111122223333:role/domesday")]
pub(crate) struct PrincipalArgs {
    #[command(flatten)]
    pub(crate) bucket: BucketArgs,
    /// Who delivers: the ARN of a user or role
    #[arg(long, value_name = "ARN")]
    pub(crate) principal: String,
}

/// Who may assume the role that delivers, and with what external id
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  domesday setup trust-policy --to s3://acme-audit --principal arn:aws:iam::111122223333:role/domesday \\
      --store governance.db")]
pub(crate) struct TrustArgs {
    #[command(flatten)]
    pub(crate) bucket: BucketArgs,
    /// The identity that this deployment has: the ARN of a user or role
    #[arg(long, value_name = "ARN")]
    pub(crate) principal: String,
    /// The external id [default: the tenant's id, from the catalog or store]
    #[arg(long, value_name = "ID")]
    pub(crate) external_id: Option<String>,
    /// A catalog directory whose tenant it is
    #[arg(long, value_name = "DIR", conflicts_with = "store")]
    pub(crate) catalog: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) store: StoreArg,
}

/// Rules that forget the days of the history layout after a while
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  domesday setup lifecycle --to s3://acme-audit/access --days 400 --format terraform")]
pub(crate) struct LifecycleArgs {
    #[command(flatten)]
    pub(crate) bucket: BucketArgs,
    /// How many days a day is kept
    #[arg(long, value_name = "DAYS", default_value_t = 400)]
    pub(crate) days: u32,
}

/// External tables, views and refresh for an engine, as every delivery to a bucket brings them under _setup/
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  domesday setup ddl --engine snowflake --to s3://acme-audit/access --region eu-central-1
  domesday setup ddl --engine duckdb --to ./out | duckdb access.db")]
pub(crate) struct DdlArgs {
    #[command(flatten)]
    pub(crate) target: TargetArgs,
    /// snowflake, databricks, athena, trino, duckdb or clickhouse
    #[arg(long, value_name = "ENGINE")]
    pub(crate) engine: Engine,
    /// How the days lie beside each other
    #[arg(long, value_enum, default_value_t = LayoutArg::Latest)]
    pub(crate) layout: LayoutArg,
}
