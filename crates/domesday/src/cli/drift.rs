//! The command `drift`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use domesday_drift::FindingKind;

use super::{StoreArg, path_parser};

/// Compare what connected databases really allow with the policies
///
/// Lists who can though they may not, who may though they cannot, which masks are not enforced, and which roles belong to
/// nobody. With --catalog, the connections that the catalog declares are read first; with --store, the databases are as
/// they were last read. With --sql, prints the transaction that brings a database to what the policies say. Nothing is ever
/// run against a database.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  domesday drift --catalog ./governance
  domesday drift --store domesday.db --kind EXCESS --format csv > excess.csv
  domesday drift --connection warehouse --sql > repair.sql
  domesday drift --catalog ./governance --fail-on-drift      exit code 3 when there are findings

Kinds:
  EXCESS           a role of theirs can, though nothing grants it
  EXCESS_BLOCKED   a role of theirs can, though a guardrail blocks them
  UNMASKED_COLUMN  a column that is masked for them can be read
  MISSING          they are granted access, and no role of theirs can
  PARTIAL          they are granted access, and this column cannot be read
  UNMAPPED         a role that belongs to nobody can")]
pub(crate) struct DriftArgs {
    /// Read this catalog directory instead of a store
    #[arg(long, value_name = "DIR", value_parser = path_parser())]
    pub(crate) catalog: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) store: StoreArg,
    /// Only this connection
    #[arg(long, value_name = "NAME")]
    pub(crate) connection: Option<String>,
    /// Only findings of this kind
    #[arg(long, value_name = "KIND", value_enum, ignore_case = true, hide_possible_values = true)]
    pub(crate) kind: Option<KindArg>,
    /// Only findings about this user
    #[arg(long, value_name = "USERNAME")]
    pub(crate) user: Option<String>,
    /// Only findings about this data source
    #[arg(long, value_name = "NAME")]
    pub(crate) data_source: Option<String>,
    /// Print the SQL that repairs the database, in place of the findings
    #[arg(long, conflicts_with_all = ["kind", "user", "data_source"])]
    pub(crate) sql: bool,
    /// Exit with code 3 when there are findings
    #[arg(long)]
    pub(crate) fail_on_drift: bool,
    /// Do not read the connections of the catalog
    #[arg(long, requires = "catalog")]
    pub(crate) no_sync: bool,
}

/// A kind of finding, as tables name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct KindArg(pub(crate) FindingKind);

impl ValueEnum for KindArg {
    fn value_variants<'a>() -> &'a [Self] {
        const ALL: [KindArg; 6] = [
            KindArg(FindingKind::Excess),
            KindArg(FindingKind::ExcessBlocked),
            KindArg(FindingKind::UnmaskedColumn),
            KindArg(FindingKind::Missing),
            KindArg(FindingKind::Partial),
            KindArg(FindingKind::Unmapped),
        ];
        &ALL
    }

    fn to_possible_value(&self) -> Option<clap::builder::PossibleValue> {
        Some(clap::builder::PossibleValue::new(self.0.as_str()))
    }
}
