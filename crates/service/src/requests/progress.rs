//! How far the review of a request has come, and who may decide each step, for people to see.

use domesday_model::{
    ALL_USERS, Approvers, GroupIx, Need, Owners, Request, RequestForm, ReviewState, ReviewStep,
    ReviewSubject, Snapshot, UserIx,
};

use super::review::ReviewReader;
use super::review_data::ReviewData;
use crate::error::ServiceError;

/// How far the review of a request has come.
#[derive(Debug)]
pub struct ReviewProgress {
    /// The form of the product, if there is one.
    pub form: Option<RequestForm>,
    /// The steps in order; there is at least one.
    pub steps: Vec<ReviewStep>,
    /// The progress; for a request that is decided, as it was when the last decision was made.
    pub state: ReviewState,
    /// The owners and domains of the data.
    subject: ReviewSubject,
}

impl ReviewProgress {
    /// Works out how far the review of a request has come by the catalog of a snapshot.
    ///
    /// # Errors
    /// When the computation fails.
    pub fn new(snapshot: &Snapshot, request: &Request) -> Result<Self, ServiceError> {
        let mut data = snapshot;
        let mut reviews = ReviewReader::default();
        let target = reviews.target(&mut data, &request.target)?;
        let state = reviews.state(&mut data, request)?;
        let steps = target.review().steps().to_vec();
        Ok(Self { form: target.form.clone(), steps, state, subject: target.subject.clone() })
    }

    /// Returns the first users, by id, who may decide a step of a request, and whether there are more. Where every named
    /// user must approve, it is all of those.
    ///
    /// # Errors
    /// When the computation fails.
    pub fn approvers(
        &self,
        snapshot: &Snapshot,
        step: usize,
        request: &Request,
        limit: usize,
    ) -> Result<(Vec<UserIx>, bool), ServiceError> {
        let ReviewStep { approvers, need } = &self.steps[step];
        let only_named = *need == Need::All && !approvers.users.is_empty();
        let may_be = Candidates::new(snapshot, approvers, &self.subject);
        let mut found = Vec::new();
        let mut data = snapshot;
        for at in 0..snapshot.users.len() {
            let user = UserIx::at(at);
            let username = &*snapshot.users[at].username;
            let is_named = approvers.users.contains(username);
            if request.is_party(username) || !snapshot.is_active(user) || !(is_named || may_be.include(user))
            {
                continue;
            }
            let is_approver = if only_named {
                is_named
            } else {
                let reviewer = data.reviewer(username, &mut std::collections::HashMap::new())?;
                reviewer.is_some_and(|reviewer| approvers.include(&reviewer, &self.subject))
            };
            if is_approver {
                if found.len() == limit {
                    return Ok((found, true));
                }
                found.push(user);
            }
        }
        Ok((found, false))
    }
}

/// Who might be an approver: at least everybody who is, found without making a reviewer of every user.
struct Candidates<'s> {
    snapshot: &'s Snapshot,
    approvers: &'s Approvers,
    groups: Vec<GroupIx>,
    is_for_all: bool,
    subject: &'s ReviewSubject,
}

impl<'s> Candidates<'s> {
    fn new(snapshot: &'s Snapshot, approvers: &'s Approvers, subject: &'s ReviewSubject) -> Self {
        Self {
            snapshot,
            approvers,
            groups: approvers.groups.iter().filter_map(|name| snapshot.group(name)).collect(),
            is_for_all: approvers.groups.contains(ALL_USERS),
            subject,
        }
    }

    fn include(&self, user: UserIx) -> bool {
        let Self { snapshot, approvers, .. } = self;
        let record = &snapshot.users[user.get()];
        let text = |symbol| snapshot.symbols.text(symbol);
        self.is_for_all
            || record.permissions.iter().any(|permission| approvers.permissions.contains(permission))
            || record.groups.iter().any(|group| self.groups.contains(group))
            || (!approvers.attributes.is_empty()
                && snapshot.attributes_of(user).any(|(key, value)| {
                    approvers.attributes.get(text(key)).is_some_and(|values| values.contains(text(value)))
                }))
            || (approvers.owners != Owners::None
                && self.subject.owners.iter().any(|owners| owners.contains(&*record.username)))
            || (!approvers.domain_permissions.is_empty()
                && self.subject.domains.iter().any(|held| held.contains_key(&*record.username)))
    }
}
