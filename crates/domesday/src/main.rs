//! The command line: parses arguments, calls the libraries and prints the results.

mod cli;
mod commands;
mod connections;
mod diagnostics;
mod failure;
mod input;
mod instant;
mod interrupt;
mod lookup;
mod markdown;
mod output;
mod page;
mod progress;
mod service_config;
mod table;
mod target;
mod terminal;

use std::process::ExitCode;

use cli::{Cli, Command};
use output::Output;

fn main() -> ExitCode {
    let cli = Cli::read();
    let output = Output::new(&cli.global);
    let result = match &cli.command {
        Command::Init(args) => commands::init::run(args, &output),
        Command::Export(args) => commands::export::run(args, &output),
        Command::Snapshot(args) => commands::snapshot::run(args, &output),
        Command::Batch(args) => commands::batch::run(args, &output),
        Command::Apply(args) => commands::apply::run(args, &output),
        Command::Access(args) => commands::access::run(args, &output),
        Command::Explain(args) => commands::explain::run(args, &output),
        Command::Check(args) => commands::check::run(args, &output),
        Command::Schema(args) => commands::schema::run(args, &output),
        Command::Diff(args) => commands::diff::run(args, &output),
        Command::Drift(args) => commands::drift::run(args, &output),
        Command::Policy(args) => commands::policy::run(args, &output),
        Command::Sync(args) => commands::sync::run(args, &output),
        Command::Connection(args) => commands::connection::run(args, &output),
        Command::Import(args) => commands::import::run(args, &output),
        Command::Serve(args) => commands::serve::run(args, &output),
        Command::Config(args) => commands::config::run(args, &output),
        Command::Audit(args) => commands::audit::run(args, &output),
        Command::Backup(args) => commands::backup::backup(args, &output),
        Command::Restore(args) => commands::backup::restore(args, &output),
        Command::Key(args) => commands::key::run(args, &output),
        Command::Openapi(_) => commands::openapi::run(&output),
        Command::Destination(args) => commands::destination::run(args, &output),
        Command::Setup(args) => commands::setup::run(args, &output),
        Command::Completions(args) => commands::completions::run(args, &output),
        Command::Man(args) => commands::man::run(args, &output),
    };
    match result {
        Ok(()) if output.is_incomplete() => ExitCode::FAILURE,
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failure::report(&error, output),
    }
}
