//! The command line: parses, wires, prints. Nothing else.

mod cli;
mod commands;
mod diagnostics;
mod interrupt;
mod markdown;
mod output;
mod progress;

use std::process::ExitCode;

use cli::{Cli, Command};
use domesday_delivery::CancelReason;
use domesday_run::RunError;
use output::{ERROR, Output};

/// A limit that the caller gave was passed; also what a wrong command line ends with.
const EXIT_LIMIT_PASSED: u8 = 2;

fn main() -> ExitCode {
    let cli = Cli::read();
    let output = Output::new(&cli.global);
    let result = match &cli.command {
        Command::Export(args) => commands::export::run(args, &output),
        Command::Apply(args) => commands::apply::run(args, &output),
        Command::Explain(args) => commands::explain::run(args, &output),
        Command::Check(args) => commands::check::run(args, &output),
        Command::Schema(args) => commands::schema::run(args, &output),
        Command::Diff(args) => commands::diff::run(args, &output),
        Command::Policy(args) => commands::policy::run(args, &output),
        Command::Serve(args) => commands::serve::run(args, &output),
        Command::Config(args) => commands::config::run(args, &output),
        Command::Audit(args) => commands::audit::run(args, &output),
        Command::Backup(args) => commands::backup::backup(args, &output),
        Command::Restore(args) => commands::backup::restore(args, &output),
        Command::Key(args) => commands::key::run(args, &output),
        Command::Openapi(_) => commands::openapi::run(&output),
        Command::Destination(args) => commands::destination::run(args, &output),
        Command::Setup(args) => commands::setup::run(args, &output),
    };
    match result {
        Ok(()) if output.is_incomplete() => ExitCode::FAILURE,
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.is::<commands::diff::LimitPassed>() => {
            // The result is printed already, and with --format json it is the one document there.
            output.note(format_args!("{ERROR}error:{ERROR:#} {error}"));
            ExitCode::from(EXIT_LIMIT_PASSED)
        }
        Err(error) => {
            output.failure(&error);
            if is_cancelled(&error) {
                return ExitCode::from(interrupt::exit_code());
            }
            ExitCode::FAILURE
        }
    }
}

/// Whether the work ended because the user cancelled it.
fn is_cancelled(error: &anyhow::Error) -> bool {
    let error = error.downcast_ref::<RunError>();
    matches!(error, Some(RunError::Cancelled { reason: CancelReason::Requested }))
}
