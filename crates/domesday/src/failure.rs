//! How a command fails: what is printed, and the exit code.

use std::process::ExitCode;

use domesday_delivery::{CancelReason, DeliveryError};
use domesday_run::RunError;

use crate::cli::Format;
use crate::diagnostics::InvalidCatalog;
use crate::interrupt::{self, Stopped};
use crate::output::{ERROR, Output};

/// The exit code of a limit on the command line that was passed.
const EXIT_LIMIT_PASSED: u8 = 3;

/// What introduces a hint within a message.
const HELP: &str = "\nhelp: ";

/// Checks that failed, each printed already.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct ChecksFailed(pub(crate) String);

/// More outcomes would be gained than the command line allows.
#[derive(Debug, thiserror::Error)]
#[error("{gained} outcomes would be gained, more than the {limit} allowed by --max-gained")]
pub(crate) struct LimitPassed {
    pub(crate) gained: usize,
    pub(crate) limit: usize,
}

/// Databases differ from the policies, and the command line asks to fail then.
#[derive(Debug, thiserror::Error)]
#[error("{findings} findings of drift")]
pub(crate) struct DriftFound {
    pub(crate) findings: usize,
}

/// Prints why a command failed and returns its exit code.
pub(crate) fn report(error: &anyhow::Error, output: Output) -> ExitCode {
    if error.is::<LimitPassed>() || error.is::<DriftFound>() {
        // The result is printed already, and with --format json it is the one document there.
        output.note(format_args!("{ERROR}error:{ERROR:#} {error}"));
        return ExitCode::from(EXIT_LIMIT_PASSED);
    }
    print(error, output);
    if is_cancelled(error) { ExitCode::from(interrupt::exit_code()) } else { ExitCode::FAILURE }
}

/// Whether the user cancelled the work.
fn is_cancelled(error: &anyhow::Error) -> bool {
    if error.is::<Stopped>() {
        return true;
    }
    let error = error.downcast_ref::<RunError>();
    matches!(error, Some(RunError::Cancelled { reason: CancelReason::Requested }))
}

/// Prints an error with its causes: as JSON on standard output, else on standard error.
fn print(error: &anyhow::Error, output: Output) {
    let is_json = output.format == Format::Json;
    if let Some(report) = error.downcast_ref::<InvalidCatalog>() {
        if is_json {
            output.json(&report.to_json(output));
        } else {
            report.print(output);
        }
        return;
    }
    let causes = causes(error);
    if !is_json {
        for (depth, cause) in causes.iter().enumerate() {
            match depth {
                0 => output.note(format_args!("{ERROR}error:{ERROR:#} {cause}")),
                _ => output.note(format_args!("  caused by: {cause}")),
            }
        }
        return;
    }
    // The checks are a JSON document of their own, printed already.
    if error.is::<ChecksFailed>() {
        return;
    }
    let message = causes.join(": ");
    let mut parts = message.split(HELP);
    let mut document = serde_json::json!({ "error": parts.next() });
    let help: Vec<_> = parts.collect();
    if !help.is_empty() {
        document["help"] = help.into();
    }
    if let Some(kind) = delivery_error_kind(error) {
        document["kind"] = kind.into();
    }
    output.json(&document);
}

/// Returns the messages of an error and its causes, each once: many a message repeats its cause.
fn causes(error: &anyhow::Error) -> Vec<String> {
    let mut causes: Vec<String> = Vec::new();
    for cause in error.chain().map(ToString::to_string) {
        if !causes.iter().any(|known| known.contains(cause.as_str())) {
            causes.push(cause);
        }
    }
    causes
}

/// Returns the kind by which programs tell failures of a delivery apart.
fn delivery_error_kind(error: &anyhow::Error) -> Option<&'static str> {
    match error.downcast_ref::<RunError>() {
        Some(RunError::Delivery(error)) => Some(error.kind()),
        Some(RunError::Cancelled { reason }) => Some(DeliveryError::Cancelled { reason: *reason }.kind()),
        Some(_) => None,
        None if error.is::<Stopped>() => Some("cancelled"),
        None => error.downcast_ref::<DeliveryError>().map(DeliveryError::kind),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_printed_once() {
        #[derive(Debug, thiserror::Error)]
        #[error("cannot read the catalog: {source}")]
        struct Outer {
            source: std::io::Error,
        }
        let source = std::io::Error::other("No such file or directory (os error 2)");
        let error = anyhow::Error::from(Outer { source }).context("loading failed");
        let expected = ["loading failed", "cannot read the catalog: No such file or directory (os error 2)"];
        assert_eq!(causes(&error), expected);
    }
}
