//! The command `access`.

use clap::{ArgGroup, Args, ValueEnum};
use domesday_engine::Outcome;
use domesday_model::Instant;

use super::{InputArgs, ScopeArg};

/// List who can reach a data source, or what a user can reach
///
/// Lists each access with its outcome, the reasons, the policies that grant or block it, the columns that are masked, the
/// request and its end. With --data-source and --user, lists the access of that user to that data source. Who is neither
/// granted nor blocked is not listed: `domesday explain` says why.
#[derive(Debug, Args)]
#[command(
    group(ArgGroup::new("subject").args(["data_source", "user"]).required(true).multiple(true)),
    after_help = "\
Examples:
  domesday access --catalog examples/acme --data-source 'Web Orders'
  domesday access --catalog examples/acme --user daan.visser --scope write
  domesday access --data-source 'General Ledger' --outcome blocked --json
  domesday access --data-source 'General Ledger' --format csv > general-ledger.csv"
)]
pub(crate) struct AccessArgs {
    #[command(flatten)]
    pub(crate) input: InputArgs,
    /// The data source, by name
    #[arg(long, value_name = "NAME")]
    pub(crate) data_source: Option<String>,
    /// The user, by username
    #[arg(long, value_name = "USERNAME")]
    pub(crate) user: Option<String>,
    /// Only this scope
    #[arg(long, value_enum)]
    pub(crate) scope: Option<ScopeArg>,
    /// Only this outcome
    #[arg(long, value_enum)]
    pub(crate) outcome: Option<OutcomeArg>,
    /// The instant of evaluation, RFC 3339 with offset [default: now]
    #[arg(long, value_name = "INSTANT")]
    pub(crate) at: Option<Instant>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum OutcomeArg {
    /// Granted, and no guardrail blocks it
    Granted,
    /// Granted, but blocked by a guardrail
    Blocked,
}

impl From<OutcomeArg> for Outcome {
    fn from(outcome: OutcomeArg) -> Self {
        match outcome {
            OutcomeArg::Granted => Self::Granted,
            OutcomeArg::Blocked => Self::Blocked,
        }
    }
}
