//! The command `init`.

use std::path::PathBuf;

use clap::Args;

use super::path_parser;

/// Create a catalog directory to begin with
///
/// Writes a small catalog that is valid and explains itself in comments: a tenant, groups, users, data sources with tagged
/// columns, a grant, a guardrail and a mask, and a connection that is commented out. Never overwrites a file.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  domesday init governance && domesday check governance")]
pub(crate) struct InitArgs {
    /// The directory; created when it is missing, and refused when it contains files
    #[arg(value_name = "DIR", value_parser = path_parser())]
    pub(crate) directory: PathBuf,
}
