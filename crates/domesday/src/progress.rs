//! Progress of a run on a terminal: one line that says what is happening and, once known, how far it is.

use domesday_run::Stage;
use indicatif::{ProgressBar, ProgressStyle};

use crate::output::{Output, grouped};

/// The line, or nothing where nobody looks.
pub(crate) struct Progress {
    bar: Option<ProgressBar>,
}

impl Progress {
    pub(crate) fn new(output: Output) -> Self {
        let bar = output.shows_progress().then(|| {
            let bar = ProgressBar::new_spinner();
            let style = ProgressStyle::with_template("{spinner} {elapsed:>4} {msg}");
            bar.set_style(style.expect("the template is fixed and right"));
            bar.enable_steady_tick(std::time::Duration::from_millis(100));
            bar
        });
        Self { bar }
    }

    /// Says something about work that is not a run's.
    pub(crate) fn say(&self, message: &'static str) {
        if let Some(bar) = &self.bar {
            bar.set_message(message);
        }
    }

    /// Shows where a run is.
    pub(crate) fn stage(&self, stage: Stage) {
        let Some(bar) = &self.bar else { return };
        bar.set_message(match stage {
            Stage::Snapshot => "taking the snapshot".to_owned(),
            Stage::Evaluating { users, data_sources } => format!(
                "evaluating {} users × {} data sources",
                grouped(users as u64),
                grouped(data_sources as u64)
            ),
            Stage::Opening => "looking at the destination".to_owned(),
            Stage::Encoding { table, rows } => format!("encoding {table}: {} rows", grouped(rows)),
            Stage::Delivering { file, files } => format!("delivering file {file} of {files}"),
        });
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
