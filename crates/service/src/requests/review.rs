//! Who may decide a request: its review, the owners and domains of the data, and the people.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;

use domesday_model::{
    Attributes, DataProduct, Permission, Request, RequestForm, Review, ReviewState, ReviewSubject, Reviewer,
    Target,
};
use domesday_store::StoredObject;

use super::review_data::ReviewData;
use crate::caller::Caller;
use crate::error::ServiceError;

/// The permissions with which all requests are read.
pub const READERS: &[Permission] = &[Permission::Governance, Permission::Audit];

/// Returns the request in a stored object.
///
/// # Errors
/// When the stored document is damaged.
pub(crate) fn parse_request(stored: &StoredObject) -> Result<Request, ServiceError> {
    serde_json::from_str(&stored.text).map_err(|error| ServiceError::internal(&error))
}

/// The review of requests for one target.
#[derive(Debug)]
pub(crate) struct TargetReview {
    pub(crate) product: Option<DataProduct>,
    pub(crate) form: Option<RequestForm>,
    pub(crate) subject: ReviewSubject,
}

impl TargetReview {
    pub(crate) fn review(&self) -> Review<'_> {
        Review::new(self.form.as_ref())
    }
}

/// The part that a caller has in the decision on a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DecisionRight {
    /// May decide it for good, whatever step is pending.
    Governance,
    /// Is an approver of the pending step.
    Approver,
    /// May not decide it now.
    None,
}

/// Reads what reviews need, each object once while the value lives: a list of requests for a few products costs a few
/// reads, however many requests there are.
#[derive(Debug, Default)]
pub(crate) struct ReviewReader {
    targets: HashMap<String, Rc<TargetReview>>,
    people: HashMap<String, Option<Rc<Reviewer>>>,
    groups: HashMap<String, Attributes>,
}

impl ReviewReader {
    /// Returns the review of requests for a target.
    pub(crate) fn target(
        &mut self,
        data: &mut impl ReviewData,
        target: &Target,
    ) -> Result<Rc<TargetReview>, ServiceError> {
        let key = serde_json::to_string(target).expect("a target is plain data");
        if let Some(known) = self.targets.get(&key) {
            return Ok(Rc::clone(known));
        }
        let (product, sources): (Option<DataProduct>, Vec<String>) = match target {
            Target::DataSource(name) => (None, vec![name.clone()]),
            Target::DataProduct(name) => {
                let product = data.product(name)?;
                let assets = product.iter().flat_map(|product| &product.data_sources);
                let sources = assets.map(|asset| asset.name.clone()).collect();
                (product, sources)
            }
        };
        let form = match product.as_ref().and_then(|product| product.form.as_ref()) {
            Some(name) => data.form(name)?,
            None => None,
        };
        let mut subject = ReviewSubject::default();
        let mut domains: BTreeSet<String> =
            product.iter().flat_map(|product| product.domains.iter().cloned()).collect();
        for name in sources {
            let source = data.data_source(&name)?;
            domains.extend(source.as_ref().and_then(|source| source.domain.clone()));
            subject.owners.push(source.map(|source| source.owners).unwrap_or_default());
        }
        for name in domains {
            let domain = data.domain(&name)?;
            let mut held: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
            for given in domain.into_iter().flat_map(|domain| domain.permissions) {
                held.entry(given.user).or_default().insert(given.permission);
            }
            subject.domains.push(held);
        }
        let review = Rc::new(TargetReview { product, form, subject });
        self.targets.insert(key, Rc::clone(&review));
        Ok(review)
    }

    /// Returns a user as a reviewer.
    pub(crate) fn person(
        &mut self,
        data: &mut impl ReviewData,
        username: &str,
    ) -> Result<Option<Rc<Reviewer>>, ServiceError> {
        if let Some(known) = self.people.get(username) {
            return Ok(known.clone());
        }
        let person = data.reviewer(username, &mut self.groups)?.map(Rc::new);
        self.people.insert(username.to_owned(), person.clone());
        Ok(person)
    }

    /// Returns how far the review of a request has come.
    pub(crate) fn state(
        &mut self,
        data: &mut impl ReviewData,
        request: &Request,
    ) -> Result<ReviewState, ServiceError> {
        let target = self.target(data, &request.target)?;
        target.review().replay(request, &target.subject, &mut |username| {
            Ok(self.person(data, username)?.map(|person| (*person).clone()))
        })
    }

    /// Whether a caller may decide a pending request as it stands. Nobody decides a request that they made or that is
    /// for them, whatever permissions they have.
    pub(crate) fn decision_right(
        &mut self,
        data: &mut impl ReviewData,
        caller: &Caller,
        request: &Request,
    ) -> Result<DecisionRight, ServiceError> {
        let Some(username) = caller.user.clone() else { return Ok(DecisionRight::None) };
        if request.is_party(&username) {
            return Ok(DecisionRight::None);
        }
        if caller.has(Permission::Governance) {
            return Ok(DecisionRight::Governance);
        }
        // Reviewing is a role, which a narrowed key does not carry.
        let person = if caller.user_with_roles().is_some() {
            self.caller_as_reviewer(data, caller, &username)?
        } else {
            None
        };
        let Some(person) = person else { return Ok(DecisionRight::None) };
        let state = self.state(data, request)?;
        let target = self.target(data, &request.target)?;
        let admits = target.review().admits(request, &state, &person, &target.subject);
        Ok(if admits { DecisionRight::Approver } else { DecisionRight::None })
    }

    /// Whether a caller is an approver of some step of the review of a target.
    pub(crate) fn is_approver(
        &mut self,
        data: &mut impl ReviewData,
        caller: &Caller,
        target: &Target,
    ) -> Result<bool, ServiceError> {
        let Some(username) = caller.user_with_roles().map(str::to_owned) else { return Ok(false) };
        let Some(person) = self.caller_as_reviewer(data, caller, &username)? else { return Ok(false) };
        let target = self.target(data, target)?;
        Ok(target.review().concerns(&person, &target.subject))
    }

    /// Returns the caller as a reviewer, with the permissions that both the user and the key have.
    fn caller_as_reviewer(
        &mut self,
        data: &mut impl ReviewData,
        caller: &Caller,
        username: &str,
    ) -> Result<Option<Reviewer>, ServiceError> {
        let person = self.person(data, username)?.map(|person| (*person).clone());
        Ok(person.map(|mut person| {
            person.permissions.retain(|permission| caller.has(*permission));
            person
        }))
    }
}
