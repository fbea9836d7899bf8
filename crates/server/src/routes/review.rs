//! Review steps of a request: which one is at its turn, and who may decide it.

use domesday_model::{
    ALL_USERS, Approvers, Attributes, DataProduct, DataSource, DeterminationStatus, Group, Kind, Need,
    Request, RequestForm, ReviewStep, Target, User,
};
use domesday_store::Store;
use serde::de::DeserializeOwned;

use crate::caller::user_of;
use crate::problem::Problem;

/// Reads an object of the catalog as the model has it.
pub(super) fn read<T: DeserializeOwned>(
    store: &mut Store,
    kind: Kind,
    name: &str,
) -> Result<Option<T>, Problem> {
    let stored = store.object(kind, name)?;
    let read = stored.map(|stored| serde_json::from_value(stored.document)).transpose();
    read.map_err(|error| Problem::internal(&error))
}

/// The form of a product, if it has one.
pub(super) fn form_of(
    store: &mut Store,
    product: Option<&DataProduct>,
) -> Result<Option<RequestForm>, Problem> {
    match product.and_then(|product| product.form.as_ref()) {
        Some(name) => read(store, Kind::RequestForm, name),
        None => Ok(None),
    }
}

/// How one request is reviewed.
pub(super) struct Review {
    steps: Vec<ReviewStep>,
    /// The data sources asked for.
    sources: Vec<String>,
}

impl Review {
    /// The review that the request's product asks for; without a product there is no step.
    pub(super) fn of(store: &mut Store, request: &Request) -> Result<Self, Problem> {
        match &request.target {
            Target::DataSource(name) => Ok(Self { steps: Vec::new(), sources: vec![name.clone()] }),
            Target::DataProduct(name) => {
                let product: Option<DataProduct> = read(store, Kind::DataProduct, name)?;
                let steps = form_of(store, product.as_ref())?.map(|form| form.review).unwrap_or_default();
                let assets = product.into_iter().flat_map(|product| product.data_sources);
                Ok(Self { steps, sources: assets.map(|asset| asset.name).collect() })
            }
        }
    }

    /// Whether a user is among the approvers of the step at its turn. Nobody reviews their own request.
    pub(super) fn admits(
        &self,
        store: &mut Store,
        request: &Request,
        username: &str,
    ) -> Result<bool, Problem> {
        if username == request.user {
            return Ok(false);
        }
        match self.present(store, request)? {
            Some(step) => self.is_approver(store, username, &step.approvers),
            None => Ok(false),
        }
    }

    /// Whether every step has the approvals that it needs.
    pub(super) fn is_complete(&self, store: &mut Store, request: &Request) -> Result<bool, Problem> {
        Ok(self.present(store, request)?.is_none())
    }

    /// The first step that the approvals given do not complete.
    fn present(&self, store: &mut Store, request: &Request) -> Result<Option<&ReviewStep>, Problem> {
        let given = request.determinations.iter().filter(|one| one.status == DeterminationStatus::Approved);
        let mut approvals: Vec<&str> = given.map(|one| one.by.as_str()).collect();
        for step in &self.steps {
            let named = &step.approvers.users;
            let complete = if step.need == Need::All && !named.is_empty() {
                named.iter().all(|user| approvals.contains(&user.as_str()))
            } else {
                let mut found = None;
                for (position, by) in approvals.iter().enumerate() {
                    if self.is_approver(store, by, &step.approvers)? {
                        found = Some(position);
                        break;
                    }
                }
                // One approval is for one step.
                found.map(|position| approvals.remove(position)).is_some()
            };
            if !complete {
                return Ok(Some(step));
            }
        }
        Ok(None)
    }

    fn is_approver(&self, store: &mut Store, username: &str, approvers: &Approvers) -> Result<bool, Problem> {
        let Some(user) = user_of(store, username)? else { return Ok(false) };
        if approvers.users.contains(username)
            || approvers.permissions.iter().any(|permission| user.permissions.contains(permission))
            || approvers.groups.iter().any(|group| group == ALL_USERS || user.groups.contains(group))
            || has_attribute(store, &user, &approvers.attributes)?
        {
            return Ok(true);
        }
        if approvers.owners {
            for name in &self.sources {
                let source: Option<DataSource> = read(store, Kind::DataSource, name)?;
                if source.is_some_and(|source| source.owners.contains(username)) {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }
}

/// Whether a user, or one of their groups, has one of these attribute values.
fn has_attribute(store: &mut Store, user: &User, wanted: &Attributes) -> Result<bool, Problem> {
    let matches = |held: &Attributes| {
        let mut wanted = wanted.iter();
        wanted.any(|(key, values)| {
            held.get(key).is_some_and(|held| values.iter().any(|one| held.contains(one)))
        })
    };
    if wanted.is_empty() {
        return Ok(false);
    }
    if matches(&user.attributes) {
        return Ok(true);
    }
    for name in &user.groups {
        let group: Option<Group> = read(store, Kind::Group, name)?;
        if group.is_some_and(|group| matches(&group.attributes)) {
            return Ok(true);
        }
    }
    Ok(false)
}
