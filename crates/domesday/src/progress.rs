//! The progress of a command: one line on a terminal.

use std::borrow::Cow;

use domesday_delivery::{DeliveryNotice, NoticeHandler};
use domesday_run::Stage;
use indicatif::{ProgressBar, ProgressStyle};

use crate::output::{Output, grouped};
use crate::terminal::set_progress_bar;

/// The progress line; none where standard error is not a terminal.
pub(crate) struct Progress {
    bar: Option<ProgressBar>,
}

impl Progress {
    pub(crate) fn new(output: Output) -> Self {
        let bar = output.shows_progress().then(|| {
            let bar = ProgressBar::new_spinner();
            let style = ProgressStyle::with_template("{spinner} {elapsed:>4} {msg}");
            bar.set_style(style.expect("the template is a valid constant"));
            bar.enable_steady_tick(std::time::Duration::from_millis(100));
            bar
        });
        set_progress_bar(bar.clone());
        Self { bar }
    }

    /// Prints a line for each call that waits or is retried, also without a terminal: otherwise an unresponsive server
    /// would look like a program that hangs.
    pub(crate) fn notices(output: Output) -> NoticeHandler {
        if output.is_quiet() {
            return NoticeHandler::default();
        }
        NoticeHandler::new(move |notice| output.note(line(notice)))
    }

    /// Shows a message outside of an export's stages.
    pub(crate) fn message(&self, message: impl Into<Cow<'static, str>>) {
        if let Some(bar) = &self.bar {
            bar.set_message(message);
        }
    }

    /// Shows the stage of an export.
    pub(crate) fn stage(&self, stage: Stage) {
        let Some(bar) = &self.bar else { return };
        bar.set_message(match stage {
            Stage::Snapshot => "taking the snapshot".to_owned(),
            Stage::Evaluating { users, data_sources } => format!(
                "evaluating {} users × {} data sources",
                grouped(users as u64),
                grouped(data_sources as u64)
            ),
            Stage::Opening => "reading the destination".to_owned(),
            Stage::Encoding { table, rows } => format!("encoding {table}: {} rows", grouped(rows)),
            Stage::Delivering { file, files } => format!("delivering file {file} of {files}"),
        });
    }
}

fn line(notice: &DeliveryNotice) -> String {
    match notice {
        DeliveryNotice::Waiting { call, host, elapsed, limit } => format!(
            "waiting: {call}: {host} has not answered for {} s (timeout: {} s)",
            elapsed.as_secs(),
            limit.as_secs()
        ),
        DeliveryNotice::Retrying { call, error, attempt, attempts, wait, .. } => format!(
            "retrying: {call}: {error}; attempt {attempt} of {attempts} in {:.1} s",
            wait.as_secs_f64()
        ),
        DeliveryNotice::Recovered { call } => format!("recovered: {call}"),
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            set_progress_bar(None);
            bar.finish_and_clear();
        }
    }
}
