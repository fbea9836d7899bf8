//! Commands on the access summary and its destinations: export, destination, setup.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use domesday_delivery::{Encryption, Engine, Layout};
use domesday_model::Instant;

use super::{StoreArg, SyncedInputArgs, path_parser};

/// Write the access summary: Parquet tables, the snapshot row and the manifest
///
/// Takes a snapshot of a catalog directory or of the store, evaluates every policy for every user and data source, and
/// writes the summary. Files appear whole or not at all, the manifest last: it describes the files until the next
/// export is complete. The same catalog and instant give byte-identical files.
///
/// A bucket requires two permissions, s3:ListBucket and s3:PutObject under the path; `domesday setup iam-policy` prints
/// them and `domesday destination verify` tests them. Credentials come from where the AWS tools find them:
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
    #[command(flatten)]
    pub(crate) input: SyncedInputArgs,
    #[command(flatten)]
    pub(crate) target: TargetArgs,
    /// The layout of the daily snapshots at the destination
    #[arg(long, value_enum, default_value_t = LayoutArg::Latest)]
    pub(crate) layout: LayoutArg,
    /// With --layout swap: how many seconds to wait between the last table and the row that activates the slot, so
    /// that running queries finish planning
    #[arg(long, value_name = "SECONDS", default_value_t = 5)]
    pub(crate) settle: u32,
    #[command(flatten)]
    pub(crate) part_size: PartSizeArg,
    /// The instant of the snapshot, RFC 3339 with offset [default: now]
    #[arg(long, value_name = "INSTANT")]
    pub(crate) at: Option<Instant>,
    /// Fail when the export takes longer than this
    #[arg(long, value_name = "SECONDS", default_value_t = 21_600, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) timeout: u64,
    /// The URL of the console, for the links in the tables
    #[arg(long, value_name = "URL", env = "DOMESDAY_CONSOLE_URL", default_value = "http://localhost:8080")]
    pub(crate) console_url: String,
}

/// The option of the size of files.
#[derive(Debug, Args)]
pub(crate) struct PartSizeArg {
    /// The size that a file of a large table should have, 1 to 256 MiB [default: 64]
    #[arg(long, value_name = "MIB", value_parser = clap::value_parser!(u16).range(1..=256))]
    part_size: Option<u16>,
}

impl PartSizeArg {
    /// Returns the size in bytes, if one is given.
    pub(crate) fn bytes(&self) -> Option<usize> {
        self.part_size.map(|mib| usize::from(mib) << 20)
    }
}

/// The options that name a destination.
#[derive(Debug, Args)]
pub(crate) struct TargetArgs {
    /// The destination: a directory, file:///PATH or s3://BUCKET/PATH
    #[arg(long, value_name = "DESTINATION")]
    pub(crate) to: String,
    #[command(flatten)]
    pub(crate) s3: S3Args,
}

/// The options of a bucket. Secrets do not belong on a command line: they come from the environment or the files of the
/// AWS tools.
#[derive(Debug, Args)]
pub(crate) struct S3Args {
    /// The bucket's region [default: AWS_REGION, AWS_DEFAULT_REGION or the profile's]
    #[arg(long, value_name = "REGION", help_heading = "S3")]
    pub(crate) region: Option<String>,
    /// The URL of an S3-compatible server, such as `https://s3.example.com:9000` [default: AWS_ENDPOINT_URL_S3]
    #[arg(long, value_name = "URL", help_heading = "S3")]
    pub(crate) endpoint: Option<String>,
    /// The role to assume
    #[arg(long, value_name = "ARN", help_heading = "S3")]
    pub(crate) role_arn: Option<String>,
    /// The external id that the role's trust policy requires [default: the tenant's id]
    #[arg(long, value_name = "ID", requires = "role_arn", help_heading = "S3")]
    pub(crate) external_id: Option<String>,
    /// The ARN of the KMS key to encrypt with [default: the bucket's default encryption]
    #[arg(long, value_name = "KEY", help_heading = "S3")]
    pub(crate) kms_key_id: Option<String>,
    /// The encryption that each put requests, AES256, for a bucket policy that requires it
    #[arg(long, value_name = "AES256", conflicts_with = "kms_key_id", help_heading = "S3")]
    pub(crate) sse: Option<Encryption>,
    /// The account that must own the bucket; calls fail when another account owns it
    #[arg(long, value_name = "ACCOUNT", help_heading = "S3")]
    pub(crate) bucket_owner: Option<String>,
}

impl S3Args {
    /// Whether none is given.
    pub(crate) fn is_empty(&self) -> bool {
        let Self { region, endpoint, role_arn, external_id, kms_key_id, sse, bucket_owner } = self;
        let texts = [region, endpoint, role_arn, external_id, kms_key_id, bucket_owner];
        texts.iter().all(|text| text.is_none()) && sse.is_none()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LayoutArg {
    /// The newest snapshot, replaced in place
    Latest,
    /// Two slots: queries through the views switch at one instant; takes twice the storage
    Swap,
    /// A folder for each day
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

/// Test a destination, or check what was delivered there
#[derive(Debug, Args)]
pub(crate) struct DestinationArgs {
    #[command(subcommand)]
    pub(crate) command: DestinationCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum DestinationCommand {
    Verify(VerifyArgs),
    #[command(alias = "audit")]
    CheckIntegrity(CheckIntegrityArgs),
}

/// Test whether a destination accepts deliveries: credentials, list, put
///
/// Does what a delivery does, and no more: finds credentials or assumes the role, lists under the path, and puts the
/// object _connection_test, which is overwritten each time. Each failed check says how to fix it.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  domesday destination verify --to s3://acme-audit/access --region eu-central-1
  domesday destination verify --to s3://acme-audit --region eu-central-1 --format json \\
      --role-arn arn:aws:iam::111122223333:role/domesday --external-id 4f7c…")]
pub(crate) struct VerifyArgs {
    #[command(flatten)]
    pub(crate) target: TargetArgs,
    /// Read the tenant, whose id is the external id, from this catalog directory
    #[arg(long, value_name = "DIR", value_parser = path_parser())]
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
  domesday destination check-integrity --to ./out
  domesday destination check-integrity --to s3://acme-audit/access --region eu-central-1 --expect 5f2c…
  domesday destination check-integrity --to ./out --previous kept/2026-11-23.json --format json")]
pub(crate) struct CheckIntegrityArgs {
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

/// Print policies for a bucket and its owner, and scripts for the engines that read it
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

/// Print the policy of the user or role that delivers: list and put under the path, and use of the KMS key
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

/// The options that name the bucket of a document.
#[derive(Debug, Args)]
pub(crate) struct BucketArgs {
    /// The destination
    #[arg(long, value_name = "s3://BUCKET/PATH")]
    pub(crate) to: String,
    /// The bucket's region [default: the key's, AWS_REGION or the profile's]
    #[arg(long, value_name = "REGION")]
    pub(crate) region: Option<String>,
    /// The ARN of the KMS key to encrypt with
    #[arg(long, value_name = "KEY")]
    pub(crate) kms_key_id: Option<String>,
    /// The encryption that each put requests, AES256: the policy then denies puts that request none
    #[arg(long, value_name = "AES256", conflicts_with = "kms_key_id")]
    pub(crate) sse: Option<Encryption>,
    /// The account that owns the bucket
    #[arg(long, value_name = "ACCOUNT")]
    pub(crate) bucket_owner: Option<String>,
}

/// Print the policy that lets an identity of another account deliver
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  domesday setup bucket-policy --to s3://acme-audit/access --principal arn:aws:iam::111122223333:role/domesday
  domesday setup key-policy --to s3://acme-audit --principal arn:aws:iam::111122223333:role/domesday")]
pub(crate) struct PrincipalArgs {
    #[command(flatten)]
    pub(crate) bucket: BucketArgs,
    /// The identity that delivers: the ARN of a user or role
    #[arg(long, value_name = "ARN")]
    pub(crate) principal: String,
}

/// Print the trust policy of the role that delivers: who may assume it, with which external id
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  domesday setup trust-policy --to s3://acme-audit --store governance.db
  domesday setup trust-policy --to s3://acme-audit --principal arn:aws:iam::111122223333:role/domesday \\
      --store governance.db")]
pub(crate) struct TrustArgs {
    #[command(flatten)]
    pub(crate) bucket: BucketArgs,
    /// The identity of this deployment: the ARN of a user or role [default: the one that `domesday setup identity` prints]
    #[arg(long, value_name = "ARN")]
    pub(crate) principal: Option<String>,
    /// The external id [default: the tenant's id, from the catalog or store]
    #[arg(long, value_name = "ID")]
    pub(crate) external_id: Option<String>,
    /// Read the tenant from this catalog directory
    #[arg(long, value_name = "DIR", value_parser = path_parser())]
    pub(crate) catalog: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) store: StoreArg,
}

/// Print the policy that lets the service's identity assume the role of a bucket's owner
///
/// The counterpart of `domesday setup trust-policy`: between two accounts both sides must allow it.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  domesday setup assume-policy --role-arn arn:aws:iam::111122223333:role/domesday
  domesday setup assume-policy --role-arn arn:aws:iam::111122223333:role/domesday --format terraform")]
pub(crate) struct AssumeArgs {
    /// The role to assume
    #[arg(long, value_name = "ARN")]
    pub(crate) role_arn: String,
    #[command(flatten)]
    pub(crate) identity: IdentityArgs,
}

/// Print the AWS identity of this machine, as a trust policy names it
///
/// Calls STS with the credentials found here, which requires no permission. Run it where the service runs.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  domesday setup identity
  domesday setup identity --format json")]
pub(crate) struct IdentityArgs {
    /// The region of the STS endpoint [default: AWS_REGION or the profile's]
    #[arg(long, value_name = "REGION")]
    pub(crate) region: Option<String>,
}

/// Print the lifecycle rules that delete old days of the history layout
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  domesday setup lifecycle --to s3://acme-audit/access --days 400 --format terraform")]
pub(crate) struct LifecycleArgs {
    #[command(flatten)]
    pub(crate) bucket: BucketArgs,
    /// How many days to keep
    #[arg(long, value_name = "DAYS", default_value_t = 400)]
    pub(crate) days: u32,
}

/// Print the script of an engine: external tables, views, refresh
///
/// Every delivery to a bucket contains the same scripts under _setup/.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  domesday setup ddl --engine snowflake --to s3://acme-audit/access --region eu-central-1
  domesday setup ddl --engine duckdb --to ./out | duckdb access.db")]
pub(crate) struct DdlArgs {
    #[command(flatten)]
    pub(crate) target: TargetArgs,
    /// The engine: snowflake, databricks, athena, trino, duckdb or clickhouse
    #[arg(long, value_name = "ENGINE")]
    pub(crate) engine: Engine,
    /// The layout of the daily snapshots at the destination
    #[arg(long, value_enum, default_value_t = LayoutArg::Latest)]
    pub(crate) layout: LayoutArg,
}
