//! What comes with an installed program: completions, man.

use std::path::PathBuf;

use clap::Args;
use clap_complete::Shell;

use super::path_parser;

/// Print the completion script of a shell
///
/// The shell then completes commands, options and their values with the Tab key.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  domesday completions bash > ~/.local/share/bash-completion/completions/domesday
  domesday completions zsh > ~/.zfunc/_domesday       with ~/.zfunc in $fpath
  domesday completions fish > ~/.config/fish/completions/domesday.fish")]
pub(crate) struct CompletionsArgs {
    /// The shell
    #[arg(value_name = "SHELL", value_enum)]
    pub(crate) shell: Shell,
}

/// Write the manual pages, one for each command
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  domesday man --out ~/.local/share/man/man1
  domesday man --out ./man && man ./man/domesday-export.1")]
pub(crate) struct ManArgs {
    /// The directory to write into; created when it is missing
    #[arg(long, value_name = "DIR", value_parser = path_parser())]
    pub(crate) out: PathBuf,
}
