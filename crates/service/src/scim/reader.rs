//! Resources as answers contain them.

use std::collections::{HashMap, HashSet};

use domesday_model::Excerpt;
use domesday_sources::scim::{Document, Projection, ResourceFacts, ResourceKind, ResourceSchema, represent};
use domesday_store::{ScimFind, ScimGroup, ScimResource, Store};
use serde_json::{Value, json};
use uuid::Uuid;

use super::error::ScimFailure;
use super::layer::OpenConnection;
use super::precondition::entity_tag;
use crate::error::ServiceError;

/// How many members are read at a time.
pub(super) const MEMBERS_BATCH: usize = 1000;

/// A resource as an answer contains it.
#[derive(Debug)]
pub struct ResourceAnswer {
    /// The resource; none when the answer has no body.
    pub resource: Option<Document>,
    /// Its entity tag, without `W/` and quotes.
    pub etag: String,
    /// Its address.
    pub location: String,
}

/// A group of a user or group.
#[derive(Debug, Clone)]
pub(super) struct Membership {
    pub(super) group: ScimGroup,
    /// Whether it belongs to the group itself, not by another group.
    pub(super) is_direct: bool,
}

/// A consistent view of a connection's resources.
#[derive(Debug)]
pub struct Reader<'s> {
    pub(super) store: &'s mut Store,
    pub(super) connection: &'s OpenConnection,
    pub(super) base: &'s str,
    /// The groups that groups belong to, by number: many users share them.
    parents: HashMap<i64, Vec<ScimGroup>>,
}

impl<'s> Reader<'s> {
    pub(super) fn new(store: &'s mut Store, connection: &'s OpenConnection, base: &'s str) -> Self {
        Self { store, connection, base, parents: HashMap::new() }
    }

    pub(super) fn schema(&self, kind: ResourceKind) -> &'s ResourceSchema {
        self.connection.schemas.of_kind(kind)
    }

    /// Returns what answers contain of a resource, as a request asks for it.
    ///
    /// # Errors
    /// When `attributes` and `excludedAttributes` are both given.
    pub fn projection(
        &self,
        kind: ResourceKind,
        attributes: &[String],
        excluded: &[String],
    ) -> Result<Projection, ScimFailure> {
        Ok(Projection::parse(self.schema(kind), attributes, excluded)?)
    }

    /// Returns the schemas that the connection serves.
    #[must_use]
    pub fn schemas(&self) -> &'s domesday_sources::scim::Schemas {
        &self.connection.schemas
    }

    /// Returns the address of the connection's resources.
    #[must_use]
    pub fn base(&self) -> &'s str {
        self.base
    }

    /// Returns a resource.
    ///
    /// # Errors
    /// [`ScimFailure::NotFound`] when there is none.
    pub fn get(
        &mut self,
        kind: ResourceKind,
        id: &str,
        projection: &Projection,
    ) -> Result<ResourceAnswer, ScimFailure> {
        let resource = self.find(kind, id)?;
        self.answer(&resource, projection)
    }

    /// Finds a resource by id.
    pub(super) fn find(&mut self, kind: ResourceKind, id: &str) -> Result<ScimResource, ScimFailure> {
        let found = self.look_up(kind, id)?;
        found.ok_or_else(|| ScimFailure::NotFound(format!("there is no {kind} `{}`", Excerpt(id))))
    }

    pub(super) fn look_up(
        &mut self,
        kind: ResourceKind,
        id: &str,
    ) -> Result<Option<ScimResource>, ScimFailure> {
        // Ids are written in lower case, with hyphens, and compared exactly.
        let Some(uuid) = Uuid::parse_str(id).ok().filter(|uuid| uuid.to_string() == id) else {
            return Ok(None);
        };
        Ok(self.find_all(kind, ScimFind::Id(uuid))?.pop())
    }

    pub(super) fn find_all(
        &mut self,
        kind: ResourceKind,
        find: ScimFind<'_>,
    ) -> Result<Vec<ScimResource>, ScimFailure> {
        Ok(self.store.find_scim_resources(self.connection.id, kind.as_str(), find)?)
    }

    pub(super) fn location(&self, kind: ResourceKind, id: Uuid) -> String {
        format!("{}/{}/{id}", self.base, kind.endpoint())
    }

    /// Returns the answer about a resource.
    pub(super) fn answer(
        &mut self,
        resource: &ScimResource,
        projection: &Projection,
    ) -> Result<ResourceAnswer, ScimFailure> {
        let location = self.location(kind_of(resource), resource.id);
        let document = self.represent(resource, projection)?;
        Ok(ResourceAnswer { resource: Some(document), etag: entity_tag(resource), location })
    }

    /// Returns a resource with the attributes that an answer contains.
    pub(super) fn represent(
        &mut self,
        resource: &ScimResource,
        projection: &Projection,
    ) -> Result<Document, ScimFailure> {
        let kind = kind_of(resource);
        let mut document = parse(resource)?;
        if kind == ResourceKind::User && projection.includes("groups") {
            let groups = self.memberships(resource.number)?;
            let list: Vec<_> = groups.iter().map(|membership| self.membership_view(membership)).collect();
            add_list(&mut document, "groups", list);
        }
        if kind == ResourceKind::Group && projection.includes("members") {
            let members = self.members_view(resource.number)?;
            add_list(&mut document, "members", members);
        }
        let (id, version) = (resource.id.to_string(), format!("W/\"{}\"", entity_tag(resource)));
        let location = self.location(kind, resource.id);
        let facts = ResourceFacts {
            id: &id,
            created_at: resource.created_at,
            updated_at: resource.updated_at,
            version: &version,
            location: &location,
        };
        let mut represented = represent(self.schema(kind), document, &facts);
        projection.apply(&mut represented);
        Ok(represented)
    }

    fn membership_view(&self, membership: &Membership) -> Value {
        json!({
            "value": membership.group.id,
            "$ref": self.location(ResourceKind::Group, membership.group.id),
            "display": membership.group.label,
            "type": if membership.is_direct { "direct" } else { "indirect" },
        })
    }

    fn members_view(&mut self, group: i64) -> Result<Vec<Value>, ScimFailure> {
        let (mut list, mut after) = (Vec::new(), i64::MIN);
        loop {
            let batch = self.store.scim_members(group, after, MEMBERS_BATCH)?;
            let Some(last) = batch.last() else { return Ok(list) };
            after = last.number;
            for member in batch {
                let kind = parse_kind(&member.kind);
                let mut view = json!({
                    "value": member.id, "$ref": self.location(kind, member.id), "type": kind.as_str()
                });
                if let Some(display) = member.display {
                    view["display"] = display.into();
                }
                list.push(view);
            }
        }
    }

    /// Returns every group that a user or group belongs to, itself or by other groups. Cycles end where they close.
    pub(super) fn memberships(&mut self, number: i64) -> Result<Vec<Membership>, ScimFailure> {
        let direct = self.store.scim_groups_of(number)?;
        let mut found: Vec<Membership> = Vec::new();
        let mut seen: HashSet<i64> = direct.iter().map(|group| group.number).collect();
        let direct = direct.into_iter().map(|group| Membership { group, is_direct: true });
        let mut open: Vec<Membership> = direct.collect();
        while let Some(membership) = open.pop() {
            for group in self.parents_of(membership.group.number)? {
                if seen.insert(group.number) {
                    open.push(Membership { group, is_direct: false });
                }
            }
            found.push(membership);
        }
        found.sort_by_key(|membership| membership.group.number);
        Ok(found)
    }

    fn parents_of(&mut self, group: i64) -> Result<Vec<ScimGroup>, ScimFailure> {
        if let Some(parents) = self.parents.get(&group) {
            return Ok(parents.clone());
        }
        let parents = self.store.scim_groups_of(group)?;
        self.parents.insert(group, parents.clone());
        Ok(parents)
    }

    /// Forgets which groups belong to which, since that changed.
    pub(super) fn forget_parents(&mut self) {
        self.parents.clear();
    }
}

fn add_list(document: &mut Document, name: &str, list: Vec<Value>) {
    if !list.is_empty() {
        document.insert(name.to_owned(), list.into());
    }
}

/// Returns the kind of a stored resource.
pub(super) fn kind_of(resource: &ScimResource) -> ResourceKind {
    parse_kind(&resource.kind)
}

pub(super) fn parse_kind(kind: &str) -> ResourceKind {
    if kind == ResourceKind::Group.as_str() { ResourceKind::Group } else { ResourceKind::User }
}

/// Returns the document of a stored resource.
pub(super) fn parse(resource: &ScimResource) -> Result<Document, ScimFailure> {
    serde_json::from_str(&resource.document).map_err(|error| {
        let cause = format!("the stored SCIM resource {} cannot be read: {error}", resource.id);
        ScimFailure::Service(ServiceError::internal(&cause))
    })
}
