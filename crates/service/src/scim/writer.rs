//! Changes of resources, and what follows from them for the users and groups of the connection's layer.

use std::collections::BTreeSet;

use domesday_model::{Excerpt, Kind};
use domesday_sources::scim::{
    Document, Projection, ResourceKind, ScimErrorKind, UserContext, convert_user, fold, manager_reference,
    name,
};
use domesday_store::{
    ChangeBy, LayerChange, LayeredObject, ScimFind, ScimPush, ScimResource, ScimResourceChange,
};
use serde_json::Value;
use uuid::Uuid;

use super::error::ScimFailure;
use super::layer;
use super::nesting::users_below;
use super::reader::{Reader, ResourceAnswer, kind_of, parse};
use crate::error::ServiceError;

/// How many users are derived at a time: what is in memory does not grow with a group.
const USERS_BATCH: usize = 500;

/// A change of a connection's resources, in one transaction.
#[derive(Debug)]
pub struct Writer<'s> {
    pub(super) reader: Reader<'s>,
    pub(super) change: &'s ChangeBy<'s>,
    /// The numbers of the users that follow from what changed.
    affected: BTreeSet<i64>,
    /// The layer keys of the groups that go once no user names them.
    removed_groups: Vec<String>,
    /// What the request did with the resource that it names.
    pushed: Option<(ResourceKind, ScimPush)>,
}

impl<'s> Writer<'s> {
    pub(super) fn new(reader: Reader<'s>, change: &'s ChangeBy<'s>) -> Self {
        Self { reader, change, affected: BTreeSet::new(), removed_groups: Vec::new(), pushed: None }
    }

    /// Returns what answers contain of a resource, as a request asks for it.
    ///
    /// # Errors
    /// As [`Reader::projection`].
    pub fn projection(
        &self,
        kind: ResourceKind,
        attributes: &[String],
        excluded: &[String],
    ) -> Result<Projection, ScimFailure> {
        self.reader.projection(kind, attributes, excluded)
    }

    /// Returns the schemas that the connection serves.
    #[must_use]
    pub fn schemas(&self) -> &'s domesday_sources::scim::Schemas {
        self.reader.schemas()
    }

    /// Notes what the request did with a resource.
    pub(super) fn note(&mut self, kind: ResourceKind, push: ScimPush) {
        self.pushed = Some((kind, push));
    }

    /// Counts the request in the record of the day.
    pub(super) fn record(&mut self) -> Result<(), ScimFailure> {
        let Some((kind, push)) = self.pushed.take() else { return Ok(()) };
        let kind = match kind {
            ResourceKind::User => Kind::User,
            ResourceKind::Group => Kind::Group,
        };
        let connection = (self.reader.connection.id, self.reader.connection.name.as_str());
        Ok(self.reader.store.record_scim_push(connection, kind, push, self.change)?)
    }

    pub(super) fn change_layer(
        &mut self,
        changes: Vec<LayerChange>,
    ) -> Result<Vec<LayeredObject>, ScimFailure> {
        Ok(layer::change(self.reader.store, self.reader.connection, changes, self.change)?)
    }

    /// Marks a user as one that has to be derived.
    pub(super) fn affect(&mut self, number: i64) {
        self.affected.insert(number);
    }

    /// Marks every user below a group.
    pub(super) fn affect_members(&mut self, group: i64) -> Result<(), ScimFailure> {
        users_below(self.reader.store, group, &mut self.affected)
    }

    /// Marks the users whose manager is named by an id or a name.
    pub(super) fn affect_reports(&mut self, id: Uuid, name: &str) -> Result<(), ScimFailure> {
        let id = id.to_string();
        let reports = self.reader.find_all(ResourceKind::User, ScimFind::Manager(&id, name))?;
        self.affected.extend(reports.iter().map(|report| report.number));
        Ok(())
    }

    pub(super) fn remove_group_later(&mut self, layer_key: String) {
        self.removed_groups.push(layer_key);
    }

    /// Refuses a name that another resource of the kind has, in any case of letters.
    pub(super) fn check_unique(
        &mut self,
        kind: ResourceKind,
        name: &str,
        itself: Option<i64>,
    ) -> Result<(), ScimFailure> {
        let found = self.reader.find_all(kind, ScimFind::Name(&fold(name)))?;
        if found.iter().all(|resource| Some(resource.number) == itself) {
            return Ok(());
        }
        let attribute = kind.name_attribute();
        let detail = format!("there is a {kind} with the {attribute} `{}` already", Excerpt(name));
        Err(ScimFailure::request(ScimErrorKind::Uniqueness, detail))
    }

    /// Stores a changed document.
    pub(super) fn store_document(
        &mut self,
        resource: &ScimResource,
        document: &Document,
    ) -> Result<(), ScimFailure> {
        let content = Content::new(kind_of(resource), document);
        let change = self.change;
        Ok(self.reader.store.update_scim_resource(resource.number, &content.as_change(), change.at)?)
    }

    /// Returns the user of a resource as the layer has it.
    pub(super) fn user_document(
        &mut self,
        number: Option<i64>,
        document: &Document,
    ) -> Result<Value, ScimFailure> {
        let memberships = match number {
            Some(number) => self.reader.memberships(number)?,
            None => Vec::new(),
        };
        let manager = match manager_reference(document) {
            Some(reference) => self.manager(reference)?,
            None => None,
        };
        let manager = manager.map(|manager| match number {
            // Who is their own manager may have another name by now.
            Some(number) if number == manager.number => name(ResourceKind::User, document).to_owned(),
            _ => manager.label,
        });
        let connection = self.reader.connection;
        let context = UserContext {
            connection: &connection.name,
            groups: memberships.into_iter().map(|membership| membership.group.label).collect(),
            manager,
        };
        let user = convert_user(
            connection.schemas.of_kind(ResourceKind::User),
            &connection.mapping,
            document,
            context,
        );
        serde_json::to_value(user).map_err(|error| ServiceError::internal(&error).into())
    }

    /// Returns a manager, who may not have been pushed yet.
    fn manager(&mut self, reference: &str) -> Result<Option<ScimResource>, ScimFailure> {
        let mut found = self.reader.look_up(ResourceKind::User, reference)?;
        if found.is_none() {
            found = self.reader.find_all(ResourceKind::User, ScimFind::Name(&fold(reference)))?.pop();
        }
        Ok(found)
    }

    /// Brings the layer up to date: derives the users that follow from what changed, and removes the groups that are gone.
    pub(super) fn finish(&mut self) -> Result<(), ScimFailure> {
        self.reader.forget_parents();
        let affected: Vec<_> = std::mem::take(&mut self.affected).into_iter().collect();
        for batch in affected.chunks(USERS_BATCH) {
            let mut changes = Vec::with_capacity(batch.len());
            for number in batch {
                // One that was deleted meanwhile has left the layer.
                let Some(resource) = self.reader.store.scim_resource(*number)? else { continue };
                let document = self.user_document(Some(*number), &parse(&resource)?)?;
                changes.push(LayerChange::Put { kind: Kind::User, key: resource.layer_key, document });
            }
            self.change_layer(changes)?;
        }
        let removed = std::mem::take(&mut self.removed_groups);
        if !removed.is_empty() {
            let remove = |key| LayerChange::Remove { kind: Kind::Group, key };
            self.change_layer(removed.into_iter().map(remove).collect())?;
        }
        Ok(())
    }

    /// Returns the answer about a resource that was changed.
    pub(super) fn answer(
        &mut self,
        number: i64,
        projection: &Projection,
    ) -> Result<ResourceAnswer, ScimFailure> {
        let resource = self.reader.store.scim_resource(number)?;
        let resource = resource.ok_or_else(|| {
            ScimFailure::Service(ServiceError::internal(
                &"a resource is gone in the transaction that wrote it",
            ))
        })?;
        self.reader.answer(&resource, projection)
    }
}

/// What is stored of a document.
pub(super) struct Content {
    name: String,
    label: String,
    external_id: Option<String>,
    manager: Option<String>,
    document: String,
}

/// The longest reference to a manager that an index takes, in characters.
const MAX_MANAGER_CHARS: usize = 255;

impl Content {
    pub(super) fn new(kind: ResourceKind, document: &Document) -> Self {
        let label = name(kind, document).to_owned();
        let manager = manager_reference(document).map(fold);
        let external_id = document.get("externalId").and_then(Value::as_str).map(str::to_owned);
        Self {
            name: fold(&label),
            label,
            external_id,
            manager: manager.filter(|manager| manager.chars().count() <= MAX_MANAGER_CHARS),
            document: serde_json::to_string(document).expect("a document is plain data with text keys"),
        }
    }

    pub(super) fn as_change(&self) -> ScimResourceChange<'_> {
        ScimResourceChange {
            name: &self.name,
            label: &self.label,
            external_id: self.external_id.as_deref(),
            manager: self.manager.as_deref(),
            document: &self.document,
        }
    }
}
