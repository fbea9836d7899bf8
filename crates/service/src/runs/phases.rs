//! The phases of a run as spans of its trace.

use domesday_run::Stage;

use super::progress::phase;
use crate::traces::{Span, Traces};

/// The phase that a run is in.
pub(super) struct Phases<'a> {
    traces: &'a Traces,
    run: &'a Span,
    now: Option<(&'static str, Span)>,
}

impl<'a> Phases<'a> {
    pub(super) fn new(traces: &'a Traces, run: &'a Span) -> Self {
        Self { traces, run, now: None }
    }

    /// The run has come to a stage: where that is another phase, the one before has ended.
    pub(super) fn enter(&mut self, stage: Stage) {
        let name = phase(stage);
        let sizes = match stage {
            Stage::Evaluating { users, data_sources } => {
                vec![("domesday.users", users), ("domesday.data_sources", data_sources)]
            }
            Stage::Delivering { files, .. } => vec![("domesday.files", files)],
            Stage::Snapshot | Stage::Opening | Stage::Encoding { .. } => vec![],
        };
        if self.now.as_ref().is_none_or(|(now, _)| *now != name) {
            // The one before ends first.
            self.now = None;
            self.now = Some((name, self.traces.phase(self.run, name, &sizes)));
        }
    }

    /// The run has failed in the phase that it is in.
    pub(super) fn set_failed(&self, kind: &str) {
        if let Some((_, span)) = &self.now {
            span.set_failed(kind);
        }
    }
}
