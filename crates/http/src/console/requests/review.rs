//! The steps of a review: who decides, and what was decided.

use domesday_model::{
    Approvers, Determination, DeterminationStatus, Need, Owners, Request, RequestStatus, ReviewStep, Snapshot,
};
use domesday_service::ServiceError;
use domesday_service::requests::ReviewProgress;

use super::status::{Chip, decision_chip};
use crate::console::directory::{Directory, listed};
use crate::console::times::{Calendar, TimeView, counted};

/// How many people who may decide a step are named.
const MAX_NAMES: usize = 5;

/// A step of a review.
#[derive(Debug)]
pub(in crate::console) struct StepView {
    /// `done`, `now`, `bad`, `later`, or empty.
    pub(in crate::console) class: &'static str,
    /// What the class means, for those who do not see it.
    pub(in crate::console) state: &'static str,
    pub(in crate::console) title: String,
    /// Who they are; empty when the title says it, or the caller may not see it.
    pub(in crate::console) people: String,
    pub(in crate::console) decisions: Vec<DecisionView>,
}

/// A decision on a request.
#[derive(Debug)]
pub(in crate::console) struct DecisionView {
    pub(in crate::console) chip: Chip,
    pub(in crate::console) name: String,
    pub(in crate::console) at: TimeView,
    /// For how long it was approved.
    pub(in crate::console) duration: String,
    pub(in crate::console) reason: String,
}

/// Returns the steps of a request's review.
pub(in crate::console) fn steps(
    snapshot: &Snapshot,
    directory: &Directory<'_>,
    calendar: &Calendar,
    progress: &ReviewProgress,
    request: &Request,
) -> Result<Vec<StepView>, ServiceError> {
    let last = progress.steps.len() - 1;
    let current = progress.state.current;
    let mut views = Vec::with_capacity(progress.steps.len());
    for (position, step) in progress.steps.iter().enumerate() {
        let (class, state) = match (request.status, current) {
            (_, Some(current)) if position < current => ("done", "complete"),
            (RequestStatus::Approved | RequestStatus::Revoked, Some(current)) if position > current => {
                ("later", "was not needed")
            }
            (RequestStatus::Approved | RequestStatus::Revoked, _) => ("done", "complete"),
            (_, Some(current)) if position > current => ("later", "comes later"),
            (RequestStatus::Pending, Some(_)) => ("now", "under way"),
            (RequestStatus::Denied, Some(_)) => ("bad", "denied"),
            (RequestStatus::Canceled, _) => ("", "not decided"),
            (_, None) => ("done", "complete"),
        };
        let made_here = |(number, _): &(usize, &Determination)| {
            progress.state.steps.get(*number).copied().unwrap_or(last) == position
        };
        let decisions = request.determinations.iter().enumerate().filter(made_here);
        views.push(StepView {
            class,
            state,
            title: title(step, directory),
            people: people(snapshot, directory, progress, position, request)?,
            decisions: decisions.map(|(_, given)| decision(directory, calendar, given)).collect(),
        });
    }
    Ok(views)
}

fn decision(directory: &Directory<'_>, calendar: &Calendar, given: &Determination) -> DecisionView {
    let is_approval = given.status == DeterminationStatus::Approved;
    let duration = match (&given.duration, given.duration_days) {
        _ if !is_approval => String::new(),
        (Some(duration), _) => format!("for {}", duration.as_str()),
        (None, Some(days)) => format!("for {}", counted(days.unsigned_abs(), "day", "days")),
        (None, None) => String::new(),
    };
    DecisionView {
        chip: decision_chip(given.status),
        name: directory.name(&given.by),
        at: calendar.time(given.at),
        duration,
        reason: given.reason.clone().unwrap_or_default(),
    }
}

/// Whether a step needs every user that it names.
fn is_for_all(step: &ReviewStep) -> bool {
    step.need == Need::All && !step.approvers.users.is_empty()
}

/// Who decides a step, in words.
fn title(step: &ReviewStep, directory: &Directory<'_>) -> String {
    let Approvers { permissions, domain_permissions, users, groups, attributes, owners } = &step.approvers;
    let names: Vec<_> = users.iter().map(|username| directory.name(username)).collect();
    if is_for_all(step) {
        return listed(&names, "and");
    }
    let mut parts = names;
    parts.extend(groups.iter().map(|group| format!("one of the group {group}")));
    parts.extend(attributes.iter().map(|(key, values)| {
        let values: Vec<_> = values.iter().cloned().collect();
        format!("one with {key} = {}", listed(&values, "or"))
    }));
    parts.extend(permissions.iter().map(|permission| format!("one with {permission}")));
    parts.extend(
        domain_permissions
            .iter()
            .map(|permission| format!("one with {permission} in every domain of the data")),
    );
    match owners {
        Owners::None => {}
        Owners::Every => parts.push("an owner of all of the data".to_owned()),
        Owners::Any => parts.push("an owner of some of the data".to_owned()),
    }
    if parts.is_empty() {
        return "Nobody but users with GOVERNANCE".to_owned();
    }
    capitalized(&listed(&parts, "or"))
}

/// The people who may decide a step, for those who see people.
fn people(
    snapshot: &Snapshot,
    directory: &Directory<'_>,
    progress: &ReviewProgress,
    position: usize,
    request: &Request,
) -> Result<String, ServiceError> {
    let ReviewStep { approvers, .. } = &progress.steps[position];
    let named_only = Approvers { users: approvers.users.clone(), ..Approvers::default() } == *approvers;
    if named_only || !directory.sees_everybody() {
        return Ok(String::new());
    }
    let (found, has_more) = progress.approvers(snapshot, position, request, MAX_NAMES)?;
    let names: Vec<_> = found.iter().map(|user| snapshot.users[user.get()].name.to_string()).collect();
    Ok(match (names.is_empty(), has_more) {
        (true, _) => "nobody at present".to_owned(),
        (false, true) => format!("{} and others", names.join(", ")),
        (false, false) => listed(&names, "or"),
    })
}

/// A text with a capital letter at its beginning.
pub(in crate::console) fn capitalized(text: &str) -> String {
    let mut characters = text.chars();
    let first = characters.next().map(char::to_uppercase).into_iter().flatten();
    first.chain(characters).collect()
}
