//! The steps of an explanation, one function for each kind.

use domesday_engine::{ConflictStep, MaskStep, PolicyStep, RequestStep, Way, WayStep};
use domesday_model::{LevelKind, Scope};

use super::condition;
use crate::output::{DIM, ERROR, GOOD, STRONG};
use crate::page::{Page, join};

/// Returns the verb for a scope.
pub(super) fn verb(scope: Scope) -> &'static str {
    match scope {
        Scope::Read => "read",
        Scope::Write => "write",
    }
}

fn displayed(values: &[impl ToString]) -> Vec<String> {
    values.iter().map(ToString::to_string).collect()
}

/// Returns a check mark or a cross.
fn mark(good: bool) -> String {
    if good { format!("{GOOD}✓{GOOD:#}") } else { format!("{ERROR}✗{ERROR:#}") }
}

/// Prints whether a subscription policy admits the user, and why.
pub(super) fn policy(page: &mut Page, step: &PolicyStep) {
    let why = match (step.level, step.silenced) {
        (_, true) => "ignored: a conflicting policy applies".to_owned(),
        (LevelKind::Anyone, _) => "anyone".to_owned(),
        (LevelKind::Approval, _) if step.admits => "an approved request covers it".to_owned(),
        (LevelKind::Approval, _) => "needs an approved request".to_owned(),
        (LevelKind::Individuals, _) if step.named_as.is_empty() => "does not name the user".to_owned(),
        (LevelKind::Individuals, _) => format!("named as {}", join(&displayed(&step.named_as), "and")),
        _ if step.admits => "its condition holds".to_owned(),
        _ if step.condition.as_ref().is_some_and(|condition| condition.holds) => {
            "its condition holds, which gives a disabled user nothing".to_owned()
        }
        _ => "its condition does not hold".to_owned(),
    };
    page.line(1, &format!("{} {STRONG}{}{STRONG:#}: {why}", mark(step.admits), step.name));
    if let Some(step) = &step.condition {
        condition::print(page, 2, step);
    }
}

/// Prints which level applies, of policies that grant with different levels.
pub(super) fn conflict(page: &mut Page, step: &ConflictStep) {
    let rivals: Vec<_> =
        step.rivals.iter().map(|rival| format!("{} ({})", rival.name, rival.level)).collect();
    let (rivals, level) = (join(&rivals, "and"), step.counts);
    let rule = match &step.settled_by {
        Some(choice) => format!("only {level} applies, since `levelChoice` names {choice}"),
        None => format!("only {level}, the more restrictive, applies (`levelChoice` is not set)"),
    };
    page.line(1, &format!("{}: {rivals} have different levels: {rule}", step.scope));
}

/// Prints whether a data policy masks the column for the user.
pub(super) fn data_policy(page: &mut Page, step: &MaskStep) {
    let why = match (&step.except, step.masks) {
        (None, _) => "masks for everyone",
        (Some(_), true) => "masks, since its exception does not hold",
        (Some(_), false) => "excepts the user",
    };
    let selected = join(&displayed(&step.selected_by), "and");
    let MaskStep { name, mask, .. } = step;
    page.line(1, &format!("{} {STRONG}{name}{STRONG:#} ({mask}, by {selected}): {why}", mark(!step.masks)));
    if let Some(except) = &step.except {
        condition::print(page, 2, except);
    }
}

/// Prints which requests take effect.
pub(super) fn requests(page: &mut Page, title: &str, steps: &[RequestStep]) {
    if !steps.is_empty() {
        page.title(title);
    }
    for step in steps {
        let product = step.data_product.as_ref().map(|name| format!(" for the data product {name}"));
        let end = step.expires_at.map(|end| format!(", until {end}"));
        let state = match step.why_not {
            None => format!("{GOOD}in effect{GOOD:#}"),
            Some(why) => format!("no effect: {why}"),
        };
        let (product, end) = (product.unwrap_or_default(), end.unwrap_or_default());
        page.line(1, &format!("{} {}{product}: {state}{end}", mark(step.counts), step.id));
    }
}

/// Prints the fewest changes that would give access.
pub(super) fn ways(page: &mut Page, title: &str, found: &[Way]) {
    if found.is_empty() {
        return;
    }
    page.title(title);
    for way in found {
        let steps: Vec<_> = way.steps.iter().map(step_text).collect();
        let steps = steps.join("; and ");
        match &way.grant {
            Some(grant) => page.line(1, &format!("- {steps} {DIM}(admitted by {grant}){DIM:#}")),
            None => page.line(1, &format!("- {steps}")),
        }
    }
}

fn step_text(step: &WayStep) -> String {
    let request = |pending: &Option<String>, what: &str| match pending {
        Some(id) => format!("get the pending request {id} approved"),
        None => format!("request {what} and get it approved"),
    };
    match step {
        WayStep::JoinGroup { group } => format!("join the group {group}"),
        WayStep::LeaveGroup { group } => format!("leave the group {group}"),
        WayStep::HaveAttribute { key, any_of } => {
            format!("get the attribute {key} = {}", join(any_of, "or"))
        }
        WayStep::LoseAttribute { key, all_of } => {
            format!("lose the attribute {key} = {}", join(all_of, "and"))
        }
        WayStep::AskForApproval { scope, pending } => {
            request(pending, &format!("access to {} it", verb(*scope)))
        }
        WayStep::AskForProduct { data_product, scope, pending } => {
            request(pending, &format!("the data product {data_product} to {}", verb(*scope)))
        }
        WayStep::AskForException { column, pending } => {
            request(pending, &format!("a masking exception for {column}"))
        }
        WayStep::BeNamed { policy } => format!("be named in the policy {policy}"),
    }
}
