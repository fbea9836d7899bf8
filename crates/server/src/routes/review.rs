//! Who may decide a request: its review, the owners and domains of the data, and the people, read from the store.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;

use domesday_model::{
    Attributes, DataProduct, DataSource, Domain, Group, Kind, Permission, Request, RequestForm, Review,
    ReviewState, ReviewSubject, Reviewer, Target,
};
use domesday_store::Store;
use serde::de::DeserializeOwned;

use crate::caller::{Caller, user_of};
use crate::problem::Problem;

/// Reads an object of the catalog as the model has it.
pub(super) fn read<T: DeserializeOwned>(
    store: &mut Store,
    kind: Kind,
    name: &str,
) -> Result<Option<T>, Problem> {
    let stored = store.object(kind, name)?;
    let read = stored.map(|stored| serde_json::from_str(&stored.text)).transpose();
    read.map_err(|error| Problem::internal(&error))
}

/// How requests for one target are reviewed.
#[derive(Debug)]
pub(super) struct TargetReview {
    pub(super) product: Option<DataProduct>,
    pub(super) form: Option<RequestForm>,
    pub(super) subject: ReviewSubject,
}

impl TargetReview {
    pub(super) fn review(&self) -> Review<'_> {
        Review::new(self.form.as_ref())
    }
}

/// What a caller has to do with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Say {
    /// May decide it for good, whatever step waits.
    Governance,
    /// Is an approver of the step that waits.
    Approver,
    /// Has no say in it now.
    Nothing,
}

/// Reads what reviews need, each object once for as long as the value lives: a list of requests for a few products
/// costs a few reads, however many requests there are.
#[derive(Debug, Default)]
pub(super) struct Reviews {
    targets: HashMap<String, Rc<TargetReview>>,
    people: HashMap<String, Option<Rc<Reviewer>>>,
    groups: HashMap<String, Attributes>,
}

impl Reviews {
    /// How requests for a target are reviewed.
    pub(super) fn target(&mut self, store: &mut Store, target: &Target) -> Result<Rc<TargetReview>, Problem> {
        let key = serde_json::to_string(target).expect("a target is plain data");
        if let Some(known) = self.targets.get(&key) {
            return Ok(Rc::clone(known));
        }
        let (product, sources): (Option<DataProduct>, Vec<String>) = match target {
            Target::DataSource(name) => (None, vec![name.clone()]),
            Target::DataProduct(name) => {
                let product: Option<DataProduct> = read(store, Kind::DataProduct, name)?;
                let assets = product.iter().flat_map(|product| &product.data_sources);
                let sources = assets.map(|asset| asset.name.clone()).collect();
                (product, sources)
            }
        };
        let form = match product.as_ref().and_then(|product| product.form.as_ref()) {
            Some(name) => read(store, Kind::RequestForm, name)?,
            None => None,
        };
        let mut subject = ReviewSubject::default();
        let mut domains: BTreeSet<String> =
            product.iter().flat_map(|product| product.domains.iter().cloned()).collect();
        for name in sources {
            let source: Option<DataSource> = read(store, Kind::DataSource, &name)?;
            domains.extend(source.as_ref().and_then(|source| source.domain.clone()));
            subject.owners.push(source.map(|source| source.owners).unwrap_or_default());
        }
        for name in domains {
            let domain: Option<Domain> = read(store, Kind::Domain, &name)?;
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

    /// A person with what they hold.
    pub(super) fn person(
        &mut self,
        store: &mut Store,
        username: &str,
    ) -> Result<Option<Rc<Reviewer>>, Problem> {
        if let Some(known) = self.people.get(username) {
            return Ok(known.clone());
        }
        let person = match user_of(store, username)? {
            None => None,
            Some(user) => {
                let mut attributes = user.attributes;
                for name in &user.groups {
                    for (key, values) in self.group(store, name)? {
                        attributes.entry(key.clone()).or_default().extend(values.iter().cloned());
                    }
                }
                let (permissions, groups) = (user.permissions, user.groups);
                Some(Rc::new(Reviewer { username: username.to_owned(), permissions, groups, attributes }))
            }
        };
        self.people.insert(username.to_owned(), person.clone());
        Ok(person)
    }

    fn group(&mut self, store: &mut Store, name: &str) -> Result<&Attributes, Problem> {
        if !self.groups.contains_key(name) {
            let group: Option<Group> = read(store, Kind::Group, name)?;
            self.groups.insert(name.to_owned(), group.map(|group| group.attributes).unwrap_or_default());
        }
        Ok(&self.groups[name])
    }

    /// How far the review of a request came.
    pub(super) fn state(&mut self, store: &mut Store, request: &Request) -> Result<ReviewState, Problem> {
        let target = self.target(store, &request.target)?;
        target.review().replay(request, &target.subject, &mut |username| {
            Ok(self.person(store, username)?.map(|person| (*person).clone()))
        })
    }

    /// Whether a caller may decide a pending request as it stands. Nobody decides a request that they made or that is
    /// for them, whatever permissions they have.
    pub(super) fn say(
        &mut self,
        store: &mut Store,
        caller: &Caller,
        request: &Request,
    ) -> Result<Say, Problem> {
        let Some(username) = caller.user.clone() else { return Ok(Say::Nothing) };
        if request.is_party(&username) {
            return Ok(Say::Nothing);
        }
        if caller.has(Permission::Governance) {
            return Ok(Say::Governance);
        }
        // Who reviews does so in a role, which a narrowed key does not carry.
        let person = if caller.in_roles().is_some() { self.caller(store, caller, &username)? } else { None };
        let Some(person) = person else { return Ok(Say::Nothing) };
        let state = self.state(store, request)?;
        let target = self.target(store, &request.target)?;
        let admits = target.review().admits(request, &state, &person, &target.subject);
        Ok(if admits { Say::Approver } else { Say::Nothing })
    }

    /// Whether a caller is an approver of some step of the review of a target.
    pub(super) fn is_concerned(
        &mut self,
        store: &mut Store,
        caller: &Caller,
        target: &Target,
    ) -> Result<bool, Problem> {
        let Some(username) = caller.in_roles().map(str::to_owned) else { return Ok(false) };
        let Some(person) = self.caller(store, caller, &username)? else { return Ok(false) };
        let target = self.target(store, target)?;
        Ok(target.review().concerns(&person, &target.subject))
    }

    /// The caller as a reviewer: of the permissions of the user, those that the key has too.
    fn caller(
        &mut self,
        store: &mut Store,
        caller: &Caller,
        username: &str,
    ) -> Result<Option<Reviewer>, Problem> {
        let person = self.person(store, username)?.map(|person| (*person).clone());
        Ok(person.map(|mut person| {
            person.permissions.retain(|permission| caller.has(*permission));
            person
        }))
    }
}
