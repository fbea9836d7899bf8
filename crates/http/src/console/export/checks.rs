//! The checks of a verification as they are shown.

use domesday_delivery::{CheckStatus, VerificationCheck};

use crate::console::errors::sentence;
use crate::console::times::TimeView;

/// A verification with its checks.
pub(super) struct ChecksView {
    pub(super) title: String,
    pub(super) at: TimeView,
    /// How long it took; empty when it is not known.
    pub(super) took: String,
    pub(super) checks: Vec<CheckView>,
}

/// A check, with what to do when it failed.
pub(super) struct CheckView {
    pub(super) class: &'static str,
    pub(super) icon: &'static str,
    pub(super) status: &'static str,
    pub(super) name: String,
    pub(super) message: String,
    pub(super) fix: String,
    /// What the service of the destination answered.
    pub(super) service: String,
}

impl ChecksView {
    pub(super) fn new(checks: &[VerificationCheck], at: TimeView, took: String) -> Self {
        let count = |status| checks.iter().filter(|check| check.status == status).count();
        let (all, failed) = (checks.len(), count(CheckStatus::Failed));
        let title = match (failed, count(CheckStatus::Skipped)) {
            (0, 0) => format!("All {all} checks passed"),
            (0, skipped) => format!("No check failed, {skipped} of {all} skipped"),
            (failed, _) => format!("{failed} of {all} checks failed"),
        };
        Self { title, at, took, checks: checks.iter().map(view).collect() }
    }
}

/// A message as a sentence. Names of buckets and keys at its beginning stay as they are.
fn statement(message: &str) -> String {
    let word = message.split(' ').next().unwrap_or_default();
    if word.bytes().all(|byte| byte.is_ascii_alphabetic()) {
        return sentence(message);
    }
    let end = if message.ends_with(['.', '?', '…']) { "" } else { "." };
    format!("{message}{end}")
}

fn view(check: &VerificationCheck) -> CheckView {
    let (class, icon, status) = match check.status {
        CheckStatus::Passed => ("ok", "check", "passed"),
        CheckStatus::Failed => ("fail", "cross", "failed"),
        CheckStatus::Skipped => ("none", "dash", "skipped"),
    };
    let mut service = Vec::new();
    service.extend(check.code.as_ref().map(|code| format!("The service answers {code}")));
    service.extend(check.service_message.clone());
    let mut service = service.join(": ");
    if let Some(id) = &check.request_id {
        service.push_str(&format!("; request id {id}"));
    }
    CheckView {
        class,
        icon,
        status,
        name: sentence(&check.name).trim_end_matches('.').to_owned(),
        message: statement(&check.message),
        fix: check.fix.as_deref().map(sentence).unwrap_or_default(),
        service,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_at_the_beginning_stay_as_they_are() {
        assert_eq!(statement("acme-audit can be listed"), "acme-audit can be listed.");
        assert_eq!(statement("the credentials lack a permission"), "The credentials lack a permission.");
    }
}
