//! The command line: parses, wires, prints. Nothing else.

mod cli;
mod commands;
mod diagnostics;
mod output;
mod progress;

use std::process::ExitCode;

use clap::Parser;

use cli::{Cli, Command};
use output::Output;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let output = Output::new(&cli.global);
    let result = match &cli.command {
        Command::Export(args) => commands::export::run(args, &output),
        Command::Apply(args) => commands::apply::run(args, &output),
        Command::Explain(args) => commands::explain::run(args, &output),
        Command::Check(args) => commands::check::run(args, &output),
        Command::Schema(args) => commands::schema::run(args, &output),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            output.failure(&error);
            ExitCode::FAILURE
        }
    }
}
