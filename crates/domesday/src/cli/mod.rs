//! The definition of the command line: commands, arguments and their help.

mod access;
mod batch;
mod catalog;
mod connections;
mod delivery;
mod drift;
mod init;
mod input;
mod install;
mod service;

use std::path::PathBuf;

use clap::builder::{PathBufValueParser, TypedValueParser};
use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{ArgMatches, Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};

use domesday_model::url_scheme;

pub(crate) use access::*;
pub(crate) use batch::*;
pub(crate) use catalog::*;
pub(crate) use connections::*;
pub(crate) use delivery::*;
pub(crate) use drift::*;
pub(crate) use init::*;
pub(crate) use input::*;
pub(crate) use install::*;
pub(crate) use service::*;

const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  the input is invalid or the work failed; nothing was changed
  2  the command line is invalid
  3  a limit was passed: `diff --max-gained`, `drift --fail-on-drift`
  130  interrupted by Ctrl-C";

/// Who can reach which data, and by what right.
///
/// Domesday stores users, data sources, tags, policies and access requests, evaluates every user's access with its
/// reasons, and writes the access summary: Parquet tables that any engine reads.
#[derive(Debug, Parser)]
#[command(name = "domesday", version, after_help = EXIT_CODES, max_term_width = 100, propagate_version = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The options of every command.
#[derive(Debug, Args)]
pub(crate) struct Global {
    /// The format of the result
    #[arg(long, global = true, value_enum, default_value_t = FormatArg::Text, help_heading = "Output")]
    pub(crate) format: FormatArg,
    /// The same as `--format json`
    #[arg(long, global = true, conflicts_with = "format", help_heading = "Output")]
    pub(crate) json: bool,
    /// Print no progress and no summaries; errors and results are still printed
    #[arg(long, short, global = true, help_heading = "Output")]
    pub(crate) quiet: bool,
    /// Print lists in full: every mistake and warning of a catalog, every change of a diff
    #[arg(long, global = true, help_heading = "Output")]
    pub(crate) all: bool,
    /// When to use colors; NO_COLOR is honored
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto, help_heading = "Output")]
    pub(crate) color: Color,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum FormatArg {
    /// Text for people
    Text,
    /// One JSON document on standard output
    Json,
    /// Comma-separated values with a header; only for `access`, `connection list`, `diff` and `drift`
    Csv,
    /// Markdown; only for `access`, `connection list`, `diff`, `drift`, `explain` and `schema`
    Markdown,
    /// The Cedar policy language; only for `policy export`
    Cedar,
    /// Terraform; only for `setup`
    Terraform,
}

/// The format in which a command prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Text,
    Json,
    Csv,
    Markdown,
    Terraform,
}

impl From<FormatArg> for Format {
    fn from(format: FormatArg) -> Self {
        match format {
            // The text of `policy export` is Cedar.
            FormatArg::Text | FormatArg::Cedar => Self::Text,
            FormatArg::Json => Self::Json,
            FormatArg::Csv => Self::Csv,
            FormatArg::Markdown => Self::Markdown,
            FormatArg::Terraform => Self::Terraform,
        }
    }
}

impl Global {
    /// Returns the format that was asked for.
    pub(crate) fn format(&self) -> Format {
        if self.json { Format::Json } else { self.format.into() }
    }
}

impl Cli {
    /// Parses the command line. Exits the process when it is invalid, or asks for help.
    pub(crate) fn read() -> Self {
        let matches = Self::command().get_matches();
        if has_catalog_and_store(&matches) {
            let message = "the argument '--catalog <DIR>' cannot be used with '--store <STORE>'";
            Self::command().error(ErrorKind::ArgumentConflict, message).exit();
        }
        let cli = Self::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
        // Before and after the name of the command, which the parser does not compare.
        if cli.global.json && !matches!(cli.global.format, FormatArg::Text | FormatArg::Json) {
            let message = "the argument '--json' cannot be used with '--format <FORMAT>'";
            Self::command().error(ErrorKind::ArgumentConflict, message).exit();
        }
        if let Some((format, commands)) = cli.command.unsupported(cli.global.format) {
            let message = format!("`--format {format}` is only for {commands}");
            Self::command().error(ErrorKind::ArgumentConflict, message).exit();
        }
        cli
    }
}

/// Whether a command line names both a catalog directory and a store. A store in the environment is for other commands: beside
/// a catalog directory it does not count, which the parser's own check of conflicts does not tell apart.
fn has_catalog_and_store(matches: &ArgMatches) -> bool {
    let root = Cli::command();
    let (mut definition, mut matches) = (&root, matches);
    while let Some((name, of_subcommand)) = matches.subcommand() {
        let Some(subcommand) = definition.find_subcommand(name) else { return false };
        (definition, matches) = (subcommand, of_subcommand);
    }
    // Where the catalog is no option, as of `apply`, the store is what it is applied to; `diff` compares the two.
    let has_option = definition.get_arguments().any(|it| it.get_long() == Some("catalog"))
        && definition.get_name() != "diff";
    has_option
        && matches.contains_id("catalog")
        && matches.value_source("store") == Some(ValueSource::CommandLine)
}

impl Command {
    /// Returns the name of a format that the command does not have, with the commands that have it.
    fn unsupported(&self, format: FormatArg) -> Option<(&'static str, &'static str)> {
        let is_list = match self {
            Self::Access(_) | Self::Diff(_) | Self::Drift(_) => true,
            Self::Connection(args) => matches!(args.command, ConnectionCommand::List(_)),
            _ => false,
        };
        match format {
            FormatArg::Cedar if !matches!(self, Self::Policy(_)) => {
                Some(("cedar", "`domesday policy export`"))
            }
            FormatArg::Terraform if !matches!(self, Self::Setup(_)) => {
                Some(("terraform", "`domesday setup`"))
            }
            FormatArg::Csv if !is_list => Some((
                "csv",
                "`domesday access`, `domesday connection list`, `domesday diff` and `domesday drift`",
            )),
            FormatArg::Markdown if !is_list && !matches!(self, Self::Explain(_) | Self::Schema(_)) => Some((
                "markdown",
                "`domesday access`, `domesday connection list`, `domesday diff`, `domesday drift`, `domesday explain` \
                 and `domesday schema`",
            )),
            _ => None,
        }
    }
}

/// Parses the path of a file or directory; refuses URLs.
fn path_parser() -> impl TypedValueParser<Value = PathBuf> {
    PathBufValueParser::new().try_map(|path| match path.to_str().and_then(url_scheme) {
        None => Ok(path),
        Some(scheme) => Err(format!(
            "it begins with `{scheme}` like a URL; expected a file or directory (write a name that contains `:` as \
             ./NAME)"
        )),
    })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Init(InitArgs),
    Export(ExportArgs),
    Snapshot(SnapshotArgs),
    Batch(BatchArgs),
    Apply(ApplyArgs),
    Access(AccessArgs),
    Explain(ExplainArgs),
    Check(CheckArgs),
    Diff(DiffArgs),
    Drift(DriftArgs),
    Policy(PolicyArgs),
    Sync(SyncArgs),
    Connection(ConnectionArgs),
    Import(ImportArgs),
    Schema(SchemaArgs),
    Serve(ServeArgs),
    Config(ConfigArgs),
    Audit(AuditArgs),
    Backup(BackupArgs),
    Restore(RestoreArgs),
    Key(KeyArgs),
    Openapi(OpenapiArgs),
    Destination(DestinationArgs),
    Setup(SetupArgs),
    Completions(CompletionsArgs),
    Man(ManArgs),
}
