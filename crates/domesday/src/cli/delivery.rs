//! The access summary on its way: export, destination, setup.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use domesday_delivery::{Encryption, Engine, Layout};
use domesday_model::Instant;

use super::{StoreArg, path_parser};

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
    #[arg(long, value_name = "DIR", conflicts_with = "store", value_parser = path_parser())]
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
    /// The longest that the export may take; it then ends with an error
    #[arg(long, value_name = "SECONDS", default_value_t = 21_600, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) timeout: u64,
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
    /// A server other than AWS, such as `https://s3.example.com:9000` [default: AWS_ENDPOINT_URL_S3]
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
    /// The encryption that each put asks for, AES256, where a bucket policy refuses puts that ask for none
    #[arg(long, value_name = "AES256", conflicts_with = "kms_key_id", help_heading = "S3")]
    pub(crate) sse: Option<Encryption>,
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

/// Try a destination, or check what was delivered there
#[derive(Debug, Args)]
pub(crate) struct DestinationArgs {
    #[command(subcommand)]
    pub(crate) command: DestinationCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum DestinationCommand {
    Verify(VerifyArgs),
    Audit(DestinationAuditArgs),
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
    #[arg(long, value_name = "DIR", conflicts_with = "store", value_parser = path_parser())]
    pub(crate) catalog: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) store: StoreArg,
}

/// Check a delivered summary against its manifest: every object, digest, count and link of the chain
///
/// Reads everything under the path, with credentials that may read (those of a delivery may not), and compares it
/// with the manifests: objects that no manifest names, files that are missing or differ, links of the chain that are
/// missing. In the history layout all earlier manifests are at the destination; in the others the newest only, and
/// earlier ones that were stored elsewhere are given with --previous.
///
/// Who may put objects can also put a manifest that fits them. Store the digest that each export prints as
/// `manifestSha256` elsewhere, and give it with --expect.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  domesday destination audit --to ./out
  domesday destination audit --to s3://acme-audit/access --region eu-central-1 --expect 5f2c…
  domesday destination audit --to ./out --previous kept/2026-11-23.json --format json")]
pub(crate) struct DestinationAuditArgs {
    #[command(flatten)]
    pub(crate) target: TargetArgs,
    /// An earlier manifest that was stored elsewhere, to check the chain with; may be given several times
    #[arg(long, value_name = "FILE", value_parser = path_parser())]
    pub(crate) previous: Vec<PathBuf>,
    /// The SHA-256 that the newest manifest must have, in hexadecimal
    #[arg(long, value_name = "SHA256", value_parser = sha256_digest)]
    pub(crate) expect: Option<String>,
    /// How many days the bucket's lifecycle rule keeps: a younger day that is missing is a finding
    #[arg(long, value_name = "DAYS")]
    pub(crate) kept_days: Option<u32>,
}

fn sha256_digest(text: &str) -> Result<String, String> {
    let is_digest = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_digest { Ok(text.to_ascii_lowercase()) } else { Err("expected 64 hexadecimal digits".to_owned()) }
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
    AssumePolicy(AssumeArgs),
    Identity(IdentityArgs),
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
    /// The encryption that each put asks for, AES256: puts that ask for none are then not allowed
    #[arg(long, value_name = "AES256", conflicts_with = "kms_key_id")]
    pub(crate) sse: Option<Encryption>,
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
  domesday setup trust-policy --to s3://acme-audit --store governance.db
  domesday setup trust-policy --to s3://acme-audit --principal arn:aws:iam::111122223333:role/domesday \\
      --store governance.db")]
pub(crate) struct TrustArgs {
    #[command(flatten)]
    pub(crate) bucket: BucketArgs,
    /// The identity that this deployment has: the ARN of a user or role [default: what `domesday setup identity` shows]
    #[arg(long, value_name = "ARN")]
    pub(crate) principal: Option<String>,
    /// The external id [default: the tenant's id, from the catalog or store]
    #[arg(long, value_name = "ID")]
    pub(crate) external_id: Option<String>,
    /// A catalog directory whose tenant it is
    #[arg(long, value_name = "DIR", conflicts_with = "store", value_parser = path_parser())]
    pub(crate) catalog: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) store: StoreArg,
}

/// What the identity that the service runs as needs to assume the role of a bucket's owner
///
/// The counterpart of `setup trust-policy`: between two accounts both sides must allow it.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  domesday setup assume-policy --role-arn arn:aws:iam::111122223333:role/domesday
  domesday setup assume-policy --role-arn arn:aws:iam::111122223333:role/domesday --format terraform")]
pub(crate) struct AssumeArgs {
    /// The role to be assumed
    #[arg(long, value_name = "ARN")]
    pub(crate) role_arn: String,
    #[command(flatten)]
    pub(crate) identity: IdentityArgs,
}

/// Show who this machine is for AWS, as a trust policy names it
///
/// Asks STS whose the credentials are that are found here; it needs no right. Run it where the service runs.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  domesday setup identity
  domesday setup identity --format json")]
pub(crate) struct IdentityArgs {
    /// The region whose STS is asked [default: AWS_REGION or the profile's]
    #[arg(long, value_name = "REGION")]
    pub(crate) region: Option<String>,
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
