//! The attempts at a run: when each began, how it ended, and what to do about its error.

use domesday_service::runs::MAX_ATTEMPTS;
use domesday_store::{EndedAttempt, RunRecord, RunState};

use super::words::{error_text, field_text};
use crate::console::errors::sentence;
use crate::console::times::{Calendar, TimeView};
use crate::console::units::duration;

/// An attempt at a run.
pub(super) struct AttemptView {
    pub(super) class: &'static str,
    pub(super) icon: &'static str,
    pub(super) title: String,
    /// When it began; none of an attempt without a record.
    pub(super) at: Option<TimeView>,
    /// How long it took.
    pub(super) took: String,
    /// Why it did not succeed, or what there is to say.
    pub(super) text: String,
    /// What to do about it.
    pub(super) fix: String,
}

impl AttemptView {
    fn new(class: &'static str, icon: &'static str, title: String, text: &str) -> Self {
        let text = if text.is_empty() { String::new() } else { sentence(text) };
        Self { class, icon, title, at: None, took: String::new(), text, fix: String::new() }
    }
}

/// Returns the attempts at a run, the first one first.
pub(super) fn attempts(run: &RunRecord, calendar: &Calendar) -> Vec<AttemptView> {
    let is_running = run.state == RunState::Running;
    let mut attempts = Vec::new();
    let ended = run.attempts.saturating_sub(u32::from(is_running));
    let mut next = 1;
    for attempt in &run.attempt_history {
        attempts.extend(without_record(run, next, attempt.attempt.saturating_sub(1)));
        attempts.push(with_record(attempt, calendar));
        next = attempt.attempt + 1;
    }
    attempts.extend(without_record(run, next, ended));
    let most = format!("at most {MAX_ATTEMPTS} attempts, with growing waits between them");
    if is_running {
        let title = format!("Attempt {} is under way", run.attempts);
        let view = AttemptView::new("run", "ring", title, if run.attempts > 1 { &most } else { "" });
        attempts.push(AttemptView { at: run.snapshot_at.map(|at| calendar.full(at)), ..view });
    }
    if let (RunState::Queued, Some(at)) = (run.state, run.retry_at) {
        let title = format!("Attempt {} begins {}", run.attempts + 1, calendar.upcoming(at).text);
        attempts.push(AttemptView::new("", "pending", title, &most));
    }
    attempts
}

fn with_record(attempt: &EndedAttempt, calendar: &Calendar) -> AttemptView {
    let (class, icon, outcome) = match attempt.outcome.as_str() {
        "succeeded" => ("ok", "check", "succeeded"),
        "cancelled" => ("", "dash", "was cancelled"),
        "interrupted" => ("warn", "warn", "was interrupted"),
        _ => ("fail", "cross", "failed"),
    };
    let title = format!("Attempt {} {outcome}", attempt.attempt);
    let text = |name| field_text(attempt.error.as_ref(), name);
    let view = AttemptView::new(class, icon, title, text("message"));
    AttemptView {
        at: Some(calendar.full(attempt.started_at)),
        took: duration(attempt.ended_at.as_micros() - attempt.started_at.as_micros()),
        fix: if text("fix").is_empty() { String::new() } else { sentence(text("fix")) },
        ..view
    }
}

/// Attempts of which nothing is stored: their process ended, or an earlier version made them.
fn without_record(run: &RunRecord, first: u32, last: u32) -> Option<AttemptView> {
    if first > last {
        return None;
    }
    let is_last = last == run.attempts && run.attempt_history.last().is_none_or(|it| it.attempt < last);
    let error = if is_last { error_text(run, "message") } else { "" };
    let title = match (first == last, run.state) {
        (true, RunState::Succeeded) if is_last => format!("Attempt {last} succeeded"),
        (true, _) => format!("Attempt {last} has no record of how it ended"),
        (false, _) => format!("Attempts {first} to {last} have no record of how they ended"),
    };
    let (class, icon) = if title.ends_with("succeeded") { ("ok", "check") } else { ("warn", "warn") };
    Some(AttemptView::new(class, icon, title, error))
}

#[cfg(test)]
mod tests {
    use domesday_model::Instant;
    use serde_json::json;
    use uuid::Uuid;

    use super::*;

    fn run(state: RunState, attempts: u32, history: Vec<EndedAttempt>) -> RunRecord {
        RunRecord {
            id: Uuid::nil(),
            export_id: "default".to_owned(),
            trigger: "manual".to_owned(),
            actor: "ada".to_owned(),
            state,
            created_at: Instant::from_micros(0),
            scheduled_for: None,
            snapshot_at: Some(Instant::from_micros(0)),
            started_at: Some(Instant::from_micros(0)),
            finished_at: None,
            attempts,
            report: None,
            error: None,
            retry_at: None,
            progress: None,
            cancel_requested_at: None,
            cancel_requested_by: None,
            attempt_history: history,
        }
    }

    fn failed(attempt: u32) -> EndedAttempt {
        EndedAttempt {
            attempt,
            started_at: Instant::from_micros(0),
            ended_at: Instant::from_micros(12_000_000),
            outcome: "failed".to_owned(),
            error: Some(json!({ "message": "no answer", "fix": "check the address" })),
            phases: Vec::new(),
        }
    }

    fn titles(run: &RunRecord) -> Vec<String> {
        let calendar = Calendar::new("Europe/Berlin", Instant::from_micros(0));
        attempts(run, &calendar).into_iter().map(|attempt| attempt.title).collect()
    }

    #[test]
    fn each_attempt_is_listed_and_one_without_a_record_says_so() {
        let running = run(RunState::Running, 4, vec![failed(1), failed(3)]);
        assert_eq!(
            titles(&running),
            [
                "Attempt 1 failed",
                "Attempt 2 has no record of how it ended",
                "Attempt 3 failed",
                "Attempt 4 is under way"
            ]
        );
        let calendar = Calendar::new("Europe/Berlin", Instant::from_micros(0));
        let first = &attempts(&running, &calendar)[0];
        assert_eq!((first.text.as_str(), first.fix.as_str()), ("No answer.", "Check the address."));
        // As an earlier version left it.
        assert_eq!(
            titles(&run(RunState::Succeeded, 3, Vec::new())),
            ["Attempts 1 to 3 have no record of how they ended"]
        );
        assert_eq!(titles(&run(RunState::Succeeded, 1, Vec::new())), ["Attempt 1 succeeded"]);
        assert!(titles(&run(RunState::Queued, 0, Vec::new())).is_empty());
    }
}
