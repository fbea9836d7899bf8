//! The review of a request: which step is current, and who may decide it.
//!
//! Decisions are replayed through the steps in the order in which they were made. Each approval counts for the step
//! that was current when it was given and for no other, so that a user who is named in two steps decides twice.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use crate::{
    ALL_USERS, Approvers, Attributes, DeterminationStatus, Need, Owners, Permission, Request, RequestForm,
    ReviewStep,
};

/// A user who might decide, with their present permissions, groups and attributes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reviewer {
    /// Username.
    pub username: String,
    /// Permissions in Domesday.
    pub permissions: BTreeSet<Permission>,
    /// Groups without `All Users`.
    pub groups: BTreeSet<String>,
    /// Attributes, those of the groups included.
    pub attributes: Attributes,
}

/// The owners and domains of the requested data, which determine who may decide.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ReviewSubject {
    /// The owners of each data source.
    pub owners: Vec<BTreeSet<String>>,
    /// For each domain of the product and of its data sources, its permissions by username.
    pub domains: Vec<BTreeMap<String, BTreeSet<String>>>,
}

impl Approvers {
    /// Whether these approvers include a user.
    #[must_use]
    pub fn include(&self, reviewer: &Reviewer, subject: &ReviewSubject) -> bool {
        self.users.contains(&reviewer.username)
            || self.permissions.iter().any(|permission| reviewer.permissions.contains(permission))
            || self.groups.iter().any(|group| group == ALL_USERS || reviewer.groups.contains(group))
            || self.attributes.iter().any(|(key, values)| {
                reviewer.attributes.get(key).is_some_and(|held| !values.is_disjoint(held))
            })
            || self.include_owner(&reviewer.username, subject)
            || self.include_domain_manager(&reviewer.username, subject)
    }

    fn include_owner(&self, username: &str, subject: &ReviewSubject) -> bool {
        let mut owners = subject.owners.iter();
        let owns = |owners: &BTreeSet<String>| owners.contains(username);
        match self.owners {
            Owners::None => false,
            Owners::Every => !subject.owners.is_empty() && owners.all(owns),
            Owners::Any => owners.any(owns),
        }
    }

    /// The manager of one domain must not decide for the data of another, so the permission counts only when the user has
    /// it in every domain.
    fn include_domain_manager(&self, username: &str, subject: &ReviewSubject) -> bool {
        let holds = |domain: &BTreeMap<String, BTreeSet<String>>| {
            domain.get(username).is_some_and(|held| !self.domain_permissions.is_disjoint(held))
        };
        !self.domain_permissions.is_empty()
            && !subject.domains.is_empty()
            && subject.domains.iter().all(holds)
    }
}

/// The steps of one review.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Review<'f> {
    steps: Cow<'f, [ReviewStep]>,
}

/// The progress of a review.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ReviewState {
    /// For each decision of the request, the position of the step that was current when it was made.
    pub steps: Vec<usize>,
    /// The position of the current step; `None` when every step is complete.
    pub current: Option<usize>,
    /// Users whose approval the current step still needs. Only with [`Need::All`].
    pub missing: BTreeSet<String>,
    /// How many of the request's decisions were made before the current step became current.
    pub before: usize,
}

impl<'f> Review<'f> {
    /// Creates the review of a form. Without a form, or with one that has no step, users with GOVERNANCE and users who own
    /// every requested data source decide.
    #[must_use]
    pub fn new(form: Option<&'f RequestForm>) -> Self {
        match form.map(|form| form.review.as_slice()) {
            Some(steps) if !steps.is_empty() => Self { steps: Cow::Borrowed(steps) },
            _ => Self {
                steps: Cow::Owned(vec![ReviewStep {
                    approvers: Approvers {
                        permissions: BTreeSet::from([Permission::Governance]),
                        owners: Owners::Every,
                        ..Approvers::default()
                    },
                    need: Need::Any,
                }]),
            },
        }
    }

    /// Returns the steps in order; there is at least one.
    #[must_use]
    pub fn steps(&self) -> &[ReviewStep] {
        &self.steps
    }

    /// Replays the decisions of a request. `reviewer` finds a user by username. Approvals of users who are not
    /// approvers of the step, or who made the request or for whom it is, complete nothing.
    ///
    /// # Errors
    /// When `reviewer` fails.
    pub fn replay<E>(
        &self,
        request: &Request,
        subject: &ReviewSubject,
        reviewer: &mut dyn FnMut(&str) -> Result<Option<Reviewer>, E>,
    ) -> Result<ReviewState, E> {
        let mut state = ReviewState { current: Some(0), ..ReviewState::default() };
        state.missing = self.needed(0);
        for (position, decision) in request.determinations.iter().enumerate() {
            let last = self.steps.len() - 1;
            let current = state.current.unwrap_or(last);
            state.steps.push(current);
            if decision.status != DeterminationStatus::Approved
                || state.current.is_none()
                || request.is_party(&decision.by)
            {
                continue;
            }
            let step = &self.steps[current];
            let is_complete = if is_for_all(step) {
                state.missing.remove(&decision.by) && state.missing.is_empty()
            } else {
                reviewer(&decision.by)?.is_some_and(|reviewer| step.approvers.include(&reviewer, subject))
            };
            if is_complete {
                state.current = Some(current + 1).filter(|next| *next <= last);
                state.missing = state.current.map(|next| self.needed(next)).unwrap_or_default();
                state.before = position + 1;
            }
        }
        Ok(state)
    }

    /// Whether a user may decide the request at present.
    #[must_use]
    pub fn admits(
        &self,
        request: &Request,
        state: &ReviewState,
        reviewer: &Reviewer,
        subject: &ReviewSubject,
    ) -> bool {
        let Some(current) = state.current else { return false };
        if request.is_party(&reviewer.username) {
            return false;
        }
        let step = &self.steps[current];
        if is_for_all(step) {
            return state.missing.contains(&reviewer.username);
        }
        step.approvers.include(reviewer, subject)
    }

    /// Whether a user is an approver of any step.
    #[must_use]
    pub fn concerns(&self, reviewer: &Reviewer, subject: &ReviewSubject) -> bool {
        self.steps.iter().any(|step| {
            step.approvers.include(reviewer, subject) || step.approvers.users.contains(&reviewer.username)
        })
    }

    fn needed(&self, position: usize) -> BTreeSet<String> {
        let step = &self.steps[position];
        if is_for_all(step) { step.approvers.users.clone() } else { BTreeSet::new() }
    }
}

/// Whether a step needs every user that it names. Where it names none, one approval suffices.
fn is_for_all(step: &ReviewStep) -> bool {
    step.need == Need::All && !step.approvers.users.is_empty()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[expect(clippy::needless_pass_by_value, reason = "the cases are written as values of `json!`")]
    fn form(review: Value) -> RequestForm {
        serde_json::from_value(json!({ "name": "f", "version": 1, "review": review })).unwrap()
    }

    fn request(approved_by: &[&str]) -> Request {
        let at = "2026-01-01T00:00:00Z";
        let given = approved_by.iter().map(|by| json!({ "by": by, "status": "approved", "at": at }));
        serde_json::from_value(json!({
            "id": "r", "type": "dataAccess", "user": "eve", "requester": "rob", "dataProduct": "p", "status": "pending",
            "createdAt": at, "determinations": given.collect::<Vec<_>>()
        }))
        .unwrap()
    }

    fn state(form: &RequestForm, request: &Request) -> ReviewState {
        let mut find = |username: &str| {
            Ok::<_, ()>(Some(Reviewer { username: username.to_owned(), ..Reviewer::default() }))
        };
        Review::new(Some(form)).replay(request, &ReviewSubject::default(), &mut find).unwrap()
    }

    fn step(users: &[&str], need: &str) -> Value {
        json!({ "approvers": { "users": users }, "need": need })
    }

    #[test]
    fn an_approval_counts_for_one_step() {
        let twice =
            form(json!([step(&["ann", "bob"], "all"), step(&["ann"], "any"), step(&["ann", "cid"], "all")]));
        let table: [(&[&str], Option<usize>, &[usize]); 6] = [
            (&[], Some(0), &[]),
            (&["ann"], Some(0), &[0]),
            (&["ann", "bob"], Some(1), &[0, 0]),
            (&["ann", "bob", "ann"], Some(2), &[0, 0, 1]),
            (&["ann", "bob", "ann", "cid"], Some(2), &[0, 0, 1, 2]),
            (&["ann", "bob", "ann", "cid", "ann"], None, &[0, 0, 1, 2, 2]),
        ];
        for (by, current, steps) in table {
            let state = state(&twice, &request(by));
            assert_eq!((state.current, &*state.steps), (current, steps), "{by:?}");
        }
        let waiting = state(&twice, &request(&["ann", "bob", "ann", "cid"]));
        assert_eq!((waiting.missing, waiting.before), (BTreeSet::from(["ann".to_owned()]), 3));
    }

    #[test]
    fn nobody_decides_their_own_request() {
        for party in ["eve", "rob"] {
            for need in ["any", "all"] {
                let form = form(json!([step(&[party], need)]));
                let state = state(&form, &request(&[party]));
                assert_eq!(state.current, Some(0), "{party} {need}");
                let reviewer = Reviewer { username: party.to_owned(), ..Reviewer::default() };
                let subject = ReviewSubject::default();
                assert!(!Review::new(Some(&form)).admits(&request(&[]), &state, &reviewer, &subject));
            }
        }
    }

    #[test]
    fn owners_and_domain_managers_decide_for_all_of_the_data_or_not_at_all() {
        let set =
            |names: &[&str]| -> BTreeSet<String> { names.iter().map(|name| (*name).to_owned()).collect() };
        let managers = |names: &[&str]| {
            names.iter().map(|name| ((*name).to_owned(), set(&["MANAGE_POLICIES"]))).collect()
        };
        let subject = ReviewSubject {
            owners: vec![set(&["all", "one"]), set(&["all"])],
            domains: vec![managers(&["all", "one"]), managers(&["all"])],
        };
        let approvers = |json: Value| serde_json::from_value::<Approvers>(json).unwrap();
        let includes = |approvers: &Approvers, name: &str| {
            approvers.include(&Reviewer { username: name.to_owned(), ..Reviewer::default() }, &subject)
        };
        let table = [
            (json!({ "owners": "every" }), true, false),
            (json!({ "owners": true }), true, false),
            (json!({ "owners": "any" }), true, true),
            (json!({ "owners": false }), false, false),
            (json!({ "domainPermissions": ["MANAGE_POLICIES"] }), true, false),
            (json!({ "domainPermissions": ["OTHER"] }), false, false),
        ];
        for (json, all, one) in table {
            let approvers = approvers(json.clone());
            assert_eq!((includes(&approvers, "all"), includes(&approvers, "one")), (all, one), "{json}");
            let nobody = Reviewer { username: "all".to_owned(), ..Reviewer::default() };
            assert!(!approvers.include(&nobody, &ReviewSubject::default()), "{json}");
        }
    }
}
