//! Commands on catalogs and policies: apply, check, diff, explain, policy, schema.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use domesday_model::{Instant, Scope};
use domesday_store::{StoreError, StoreLocation};
use secrecy::{ExposeSecret, SecretString};

use super::{InputArgs, path_parser};

/// The option that names the store.
#[derive(Debug, Args)]
pub(crate) struct StoreArg {
    /// The store: a file, or postgres://USER:PASSWORD@HOST/DATABASE (set the variable to keep the password out of the
    /// process list)
    #[arg(
        long,
        value_name = "STORE",
        env = "DOMESDAY_STORE",
        hide_env_values = true,
        default_value = "domesday.db"
    )]
    store: SecretString,
}

impl StoreArg {
    /// Parses the location. Not done with the command line, whose errors repeat the argument and its password.
    pub(crate) fn location(&self) -> Result<StoreLocation, StoreError> {
        StoreLocation::parse(self.store.expose_secret())
    }
}

/// Apply a catalog directory to the store
///
/// Objects are matched by kind and name: new ones are created, ones that differ are updated, and ones that the
/// directory no longer declares stay, unless --prune deletes them. The apply is one transaction; applying the same
/// directory again changes nothing.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  domesday apply governance/ --dry-run     print the changes
  domesday apply governance/ --prune       delete what governance/ does not declare")]
pub(crate) struct ApplyArgs {
    /// The catalog directory
    #[arg(value_name = "DIR", value_parser = path_parser())]
    pub(crate) catalog: PathBuf,
    #[command(flatten)]
    pub(crate) store: StoreArg,
    /// Print the plan without changing anything
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Delete objects that the directory does not declare
    #[arg(long)]
    pub(crate) prune: bool,
    /// The creation time of new objects, RFC 3339 with offset [default: now]
    #[arg(long, value_name = "INSTANT")]
    pub(crate) at: Option<Instant>,
}

/// Explain why a user can or cannot reach a data source
///
/// Prints the whole derivation: which grants admit the user, and on which part of their condition; which grants a
/// conflict of levels overrides; which guardrails block; which requests are in effect, and until when; which columns
/// are masked. For a user without access, prints the nearest ways to get it. With --column, explains why the user sees
/// that column masked or unmasked.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  domesday explain --catalog examples/acme --user daan.visser --data-source 'Web Orders'
  domesday explain --catalog examples/acme --user daan.visser --data-source 'Web Orders' --column order_email
  domesday explain --user nina.schubert --data-source 'General Ledger' --scope write --format json")]
pub(crate) struct ExplainArgs {
    #[command(flatten)]
    pub(crate) input: InputArgs,
    /// The user, by username
    #[arg(long, value_name = "USERNAME")]
    pub(crate) user: String,
    /// The data source, by name
    #[arg(long, value_name = "NAME")]
    pub(crate) data_source: String,
    /// The scope
    #[arg(long, value_enum, default_value_t = ScopeArg::Read)]
    pub(crate) scope: ScopeArg,
    /// Explain why the user sees this column masked or unmasked
    #[arg(long, value_name = "NAME", conflicts_with = "scope")]
    pub(crate) column: Option<String>,
    /// The instant of evaluation, RFC 3339 with offset [default: now]
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

/// Check a catalog directory and print every mistake with its file, line and column
///
/// Prints the first 20 mistakes and how many there are; --all prints every one. Warns of files that look like part of
/// the catalog and are not read.
#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// The catalog directory
    #[arg(value_name = "DIR", value_parser = path_parser())]
    pub(crate) catalog: PathBuf,
}

/// Print the schema of the access summary: every table and field with its type and meaning
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  domesday schema                                  all tables
  domesday schema --table policy-outcomes --format json")]
pub(crate) struct SchemaArgs {
    /// Print only this table
    #[arg(long, value_name = "TABLE")]
    pub(crate) table: Option<String>,
}

/// Compare two catalogs, or the store with a catalog: who would gain or lose access
///
/// Lists the outcomes that a change would add, remove, block or unblock, and the columns that it would mask or unmask,
/// before it is applied. With --max-gained, exits with code 3 when more outcomes would be gained: a pipeline can
/// stop a careless policy.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  domesday diff --catalog main/ --catalog branch/
  domesday diff --catalog governance/                     the store with a directory
  domesday diff --catalog main/ --catalog branch/ --max-gained 100")]
pub(crate) struct DiffArgs {
    /// A catalog directory. Given twice: before and after. Given once: after, compared with the store
    #[arg(long, value_name = "DIR", required = true, num_args = 1, value_parser = path_parser())]
    pub(crate) catalog: Vec<PathBuf>,
    /// Read the connections that the catalog directories declare first
    #[arg(long)]
    pub(crate) sync: bool,
    #[command(flatten)]
    pub(crate) store: StoreArg,
    /// Exit with code 3 when more outcomes than this would be gained
    #[arg(long, value_name = "COUNT")]
    pub(crate) max_gained: Option<usize>,
    /// The instant of evaluation, RFC 3339 with offset [default: now]
    #[arg(long, value_name = "INSTANT")]
    pub(crate) at: Option<Instant>,
}

/// Export policies
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
/// Creates a schema, policies and entities: a grant becomes `permit … when`, a guardrail `forbid … unless`. Cedar's
/// validator accepts them, and its authorizer decides as Domesday does. With --to, writes the files
/// schema.cedarschema, policies.cedar and entities.json; otherwise prints the policies, or the part named by --part, or
/// with --format json all three as one document. Masks on columns have no counterpart in Cedar.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  domesday policy export --format cedar --catalog examples/acme
  domesday policy export --format cedar --catalog examples/acme --to ./cedar
  cedar validate --schema cedar/schema.cedarschema --policies cedar/policies.cedar")]
pub(crate) struct PolicyExportArgs {
    #[command(flatten)]
    pub(crate) input: InputArgs,
    /// The directory to write the files into
    #[arg(long, value_name = "DIR", value_parser = path_parser())]
    pub(crate) to: Option<PathBuf>,
    /// The part to print
    #[arg(long, value_enum, default_value_t = CedarPart::Policies, conflicts_with = "to")]
    pub(crate) part: CedarPart,
    /// The instant of evaluation, RFC 3339 with offset [default: now]
    #[arg(long, value_name = "INSTANT")]
    pub(crate) at: Option<Instant>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum CedarPart {
    /// The schema that Cedar's validator checks the policies against
    Schema,
    Policies,
    /// Users, groups and data sources, as JSON
    Entities,
}
