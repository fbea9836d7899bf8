//! The obstacles of a request: why its approval would give no access, or gives none.
//!
//! The approval is evaluated on the part of the catalog that it concerns: the user, the data asked for, and every policy.

use domesday_engine::{Outcome, evaluate};
use domesday_model::{
    Catalog, DataProduct, DataSource, Declared, Domain, Group, Instant, Kind, Policy, ProductStatus, Request,
    RequestStatus, RequestType, Scope, Snapshot, Tag, Target, User, UserStatus,
};
use domesday_store::{Store, StoredObject};
use serde::Serialize;

use crate::error::ServiceError;

use super::review::parse_request;
use super::review_data::read_object;

/// How many data sources are named.
const LISTED: usize = 20;

/// How many policies are read at a time.
const PAGE: usize = 500;

/// A reason why an approval does not suffice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Obstacle {
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    data_source: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    guardrails: Vec<String>,
}

impl Obstacle {
    fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), data_source: None, guardrails: Vec::new() }
    }

    /// What does not suffice, and why.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }
}

/// Returns why an approval of a request would not suffice. There are no obstacles to a request that has ended.
///
/// # Errors
/// When the store fails.
pub fn find_obstacles(
    store: &mut Store,
    stored: &StoredObject,
    at: Instant,
) -> Result<Vec<Obstacle>, ServiceError> {
    find_obstacles_of(store, &parse_request(stored)?, at)
}

/// Returns why an approval of a request would not suffice, also of one that is not made yet.
///
/// # Errors
/// When the store fails.
pub fn find_obstacles_of(
    store: &mut Store,
    request: &Request,
    at: Instant,
) -> Result<Vec<Obstacle>, ServiceError> {
    let is_open = request.status == RequestStatus::Pending || request.is_in_force(at);
    let Some(user) = read_object::<User>(store, Kind::User, &request.user)?.filter(|_| is_open) else {
        return Ok(Vec::new());
    };
    let mut found = Vec::new();
    if user.status != UserStatus::Active {
        found.push(Obstacle::new(format!("the user `{}` is disabled and has no access", user.username)));
        return Ok(found);
    }
    let mut catalog = Catalog::default();
    let sources = match &request.target {
        Target::DataSource(name) => vec![name.clone()],
        Target::DataProduct(name) => {
            let Some(product) = read_object::<DataProduct>(store, Kind::DataProduct, name)? else {
                return Ok(found);
            };
            if product.status != ProductStatus::Published {
                found.push(Obstacle::new(format!(
                    "the data product `{name}` is suspended and gives no access"
                )));
                return Ok(found);
            }
            let sources = product.data_sources.iter().map(|asset| asset.name.clone()).collect();
            catalog.data_products.push(declare(product));
            sources
        }
    };
    add_user(store, &mut catalog, user)?;
    for name in &sources {
        if let Some(source) = read_object::<DataSource>(store, Kind::DataSource, name)? {
            add_source(&mut catalog, source);
        }
    }
    add_policies(store, &mut catalog)?;
    if request.kind == RequestType::DataAccess {
        let approved =
            Request { status: RequestStatus::Approved, expires_at: None, ..without_history(request) };
        catalog.requests.push(declare(approved));
    }
    let snapshot = Snapshot::of_catalog(&catalog, at).map_err(|error| ServiceError::internal(&error))?;
    let blocked = blocked_sources(snapshot, request);
    let more = blocked.len().saturating_sub(LISTED);
    found.extend(blocked.into_iter().take(LISTED));
    if more > 0 {
        found.push(Obstacle::new(format!("the same holds for {more} more data sources")));
    }
    Ok(found)
}

fn declare<T>(spec: T) -> Declared<T> {
    Declared::new(spec, "")
}

/// The request without the history that names other people.
fn without_history(request: &Request) -> Request {
    Request { requester: None, determinations: Vec::new(), agreements: Vec::new(), ..request.clone() }
}

fn add_user(store: &mut Store, catalog: &mut Catalog, mut user: User) -> Result<(), ServiceError> {
    for name in &user.groups {
        if let Some(group) = read_object::<Group>(store, Kind::Group, name)? {
            catalog.groups.push(declare(group));
        }
    }
    user.manager = None;
    catalog.users.push(declare(user));
    Ok(())
}

/// Adds a data source with bare objects for what it names.
fn add_source(catalog: &mut Catalog, source: DataSource) {
    let tags = source.tags.iter().chain(source.columns.iter().flat_map(|column| &column.tags));
    for name in tags {
        if !catalog.tags.iter().any(|tag| tag.name == *name) {
            catalog.tags.push(declare(Tag { name: name.clone(), description: None }));
        }
    }
    for owner in &source.owners {
        if !catalog.users.iter().any(|user| user.username == *owner) {
            catalog.users.push(declare(User::named(owner)));
        }
    }
    if let Some(name) = source.domain.clone()
        && !catalog.domains.iter().any(|domain| domain.name == name)
    {
        catalog.domains.push(declare(Domain { name, description: None, permissions: Vec::new() }));
    }
    catalog.data_sources.push(declare(source));
}

fn add_policies(store: &mut Store, catalog: &mut Catalog) -> Result<(), ServiceError> {
    let mut after: Option<String> = None;
    loop {
        let (policies, _) = store.objects(Kind::Policy, after.as_deref(), PAGE)?;
        let Some(last) = policies.last() else { return Ok(()) };
        after = Some(last.name.clone());
        for policy in policies {
            let policy: Policy =
                serde_json::from_str(&policy.text).map_err(|error| ServiceError::internal(&error))?;
            catalog.policies.push(declare(policy));
        }
    }
}

/// The data sources that the approval does not open, each with what keeps it closed.
fn blocked_sources(snapshot: Snapshot, request: &Request) -> Vec<Obstacle> {
    let outcomes = evaluate(snapshot);
    let snapshot = outcomes.snapshot();
    let Some(user) = snapshot.user(&request.user) else { return Vec::new() };
    let scope = if request.kind == RequestType::DataAccess { request.scope } else { Scope::Read };
    let mut obstacles = Vec::new();
    for (position, source) in snapshot.data_sources.iter().enumerate() {
        let name = source.name.to_string();
        let enabled = outcomes.sources().iter().find(|of| of.source.get() == position);
        let Some(of) = enabled else {
            let message = format!("the data source `{name}` is disabled and nobody has access to it");
            obstacles.push(Obstacle { data_source: Some(name), ..Obstacle::new(message) });
            continue;
        };
        let class = outcomes.class(of.class);
        let scoped = class.scope(scope);
        let reason = scoped.users.binary_search(&user).ok();
        let reason = reason.map(|row| &scoped.reasons[scoped.reason_of[row] as usize]);
        match reason {
            Some(reason) if reason.outcome == Outcome::Granted => {}
            Some(reason) => {
                let guardrails = reason.guardrails.iter();
                let guardrails: Vec<String> =
                    guardrails.map(|policy| snapshot.policies[policy.get()].spec.name.clone()).collect();
                let listed: Vec<_> = guardrails.iter().map(|guardrail| format!("`{guardrail}`")).collect();
                let message = format!(
                    "an approval does not suffice: on the data source `{name}` the user `{}` is blocked by the \
                     guardrail {}",
                    request.user,
                    listed.join(" and the guardrail ")
                );
                obstacles.push(Obstacle { message, data_source: Some(name), guardrails });
            }
            None => {
                let message = if request.kind == RequestType::DataAccess {
                    format!(
                        "an approval does not suffice: no policy of level `approval` gives {} access to the data \
                         source `{name}`",
                        scope.as_str()
                    )
                } else {
                    format!(
                        "an approval does not suffice: the user `{}` has no access to the data source `{name}`",
                        request.user
                    )
                };
                obstacles.push(Obstacle { data_source: Some(name), ..Obstacle::new(message) });
            }
        }
    }
    obstacles
}
