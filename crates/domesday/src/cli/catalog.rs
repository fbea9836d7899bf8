//! Catalogs, policies and what follows from them: apply, check, diff, explain, policy, schema.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use domesday_model::{Instant, Scope};
use domesday_store::{StoreError, StoreLocation};
use secrecy::{ExposeSecret, SecretString};

use super::path_parser;

/// Where the store is.
#[derive(Debug, Args)]
pub(crate) struct StoreArg {
    /// The store: a file, or postgres://USER:PASSWORD@HOST/DATABASE. The variable keeps a password out of
    /// lists of processes
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
    /// Where that is. Read here and not with the command line, whose errors repeat what was given.
    pub(crate) fn location(&self) -> Result<StoreLocation, StoreError> {
        StoreLocation::parse(self.store.expose_secret())
    }
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
    #[arg(value_name = "DIR", value_parser = path_parser())]
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
    #[arg(long, value_name = "DIR", conflicts_with = "store", value_parser = path_parser())]
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
///
/// Prints the first 20 mistakes and how many there are; --all prints every one. Files that look like part of the
/// catalog and are not read are warned of.
#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// The catalog directory
    #[arg(value_name = "DIR", value_parser = path_parser())]
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
    #[arg(long, value_name = "DIR", required = true, num_args = 1, value_parser = path_parser())]
    pub(crate) catalog: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) store: StoreArg,
    /// End with exit code 2 when more outcomes than this are gained
    #[arg(long, value_name = "COUNT")]
    pub(crate) max_gained: Option<usize>,
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
    #[arg(long, value_name = "DIR", conflicts_with = "store", value_parser = path_parser())]
    pub(crate) catalog: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) store: StoreArg,
    /// The directory to write into
    #[arg(long, value_name = "DIR", value_parser = path_parser())]
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
