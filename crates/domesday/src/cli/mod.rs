//! The commands and their arguments, with the help that teaches them.

mod catalog;
mod delivery;
mod service;

use std::path::PathBuf;

use clap::builder::{PathBufValueParser, TypedValueParser};
use clap::error::ErrorKind;
use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};

use domesday_model::url_scheme;

pub(crate) use catalog::*;
pub(crate) use delivery::*;
pub(crate) use service::*;

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
    /// Print lists to their end: every mistake and warning of a catalog, every change of a diff
    #[arg(long, global = true, help_heading = "Output")]
    pub(crate) all: bool,
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
    /// For documents; only `diff`, `explain` and `schema` write it
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
            (FormatArg::Cedar, command) if !matches!(command, Command::Policy(_)) => {
                Some(("cedar", "policy export"))
            }
            (FormatArg::Terraform, command) if !matches!(command, Command::Setup(_)) => {
                Some(("terraform", "setup"))
            }
            (FormatArg::Markdown, Command::Diff(_) | Command::Explain(_) | Command::Schema(_)) => None,
            (FormatArg::Markdown, _) => Some(("markdown", "diff`, `domesday explain` and `domesday schema")),
            _ => None,
        };
        if let Some((format, command)) = only_for {
            let message = format!("`--format {format}` is for `domesday {command}`");
            Self::command().error(ErrorKind::ArgumentConflict, message).exit();
        }
        cli
    }
}

/// Parses an argument that names a file or a directory of this machine, which a URL does not.
fn path_parser() -> impl TypedValueParser<Value = PathBuf> {
    PathBufValueParser::new().try_map(|path| match path.to_str().and_then(url_scheme) {
        None => Ok(path),
        Some(scheme) => Err(format!(
            "it begins with `{scheme}` like a URL; name a file or directory of this machine, one whose name contains \
             `:` as ./NAME"
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
    Backup(BackupArgs),
    Restore(RestoreArgs),
    Key(KeyArgs),
    Openapi(OpenapiArgs),
    Destination(DestinationArgs),
    Setup(SetupArgs),
}
