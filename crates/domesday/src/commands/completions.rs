//! `domesday completions`: the completion script of a shell, from the definition of the command line.

use clap::CommandFactory;

use crate::cli::{Cli, CompletionsArgs};
use crate::output::Output;

pub(crate) fn run(args: &CompletionsArgs, output: &Output) -> anyhow::Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "domesday", &mut script);
    output.result(String::from_utf8(script)?.trim_end());
    Ok(())
}
