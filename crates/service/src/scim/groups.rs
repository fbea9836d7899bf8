//! Changes of groups, and the entry points by kind.

use domesday_model::Kind;
use domesday_sources::scim::{
    Document, MembersChange, PatchStep, Projection, ResourceKind, convert_group, fold, name, normalize,
    parse_patch, take_members,
};
use domesday_store::{LayerChange, NewScimResource, ScimPush, ScimResource};
use serde_json::Value;
use uuid::Uuid;

use super::error::ScimFailure;
use super::precondition::{ScimPrecondition, entity_tag};
use super::reader::{ResourceAnswer, parse};
use super::writer::{Content, Writer};
use crate::error::ServiceError;

const GROUP: ResourceKind = ResourceKind::Group;

impl Writer<'_> {
    /// Creates a resource.
    ///
    /// # Errors
    /// When it is not valid, or its name is taken.
    pub fn create(
        &mut self,
        kind: ResourceKind,
        body: Value,
        projection: &Projection,
    ) -> Result<ResourceAnswer, ScimFailure> {
        match kind {
            ResourceKind::User => self.create_user(body, projection),
            ResourceKind::Group => self.create_group(body, projection),
        }
    }

    /// Replaces a resource.
    ///
    /// # Errors
    /// When there is none, the precondition is not met, the new one is not valid, or its name is taken.
    pub fn replace(
        &mut self,
        kind: ResourceKind,
        id: &str,
        body: Value,
        precondition: &ScimPrecondition,
        projection: &Projection,
    ) -> Result<ResourceAnswer, ScimFailure> {
        match kind {
            ResourceKind::User => self.replace_user(id, body, precondition, projection),
            ResourceKind::Group => self.replace_group(id, body, precondition, projection),
        }
    }

    /// Changes parts of a resource. The answer contains a group only when attributes of it were asked for: a group may
    /// have very many members.
    ///
    /// # Errors
    /// When there is none, the precondition is not met, or the operations or what they lead to are not valid.
    pub fn patch(
        &mut self,
        kind: ResourceKind,
        id: &str,
        body: Value,
        precondition: &ScimPrecondition,
        projection: &Projection,
    ) -> Result<ResourceAnswer, ScimFailure> {
        match kind {
            ResourceKind::User => self.patch_user(id, body, precondition, projection),
            ResourceKind::Group => self.patch_group(id, body, precondition, projection),
        }
    }

    /// Deletes a resource.
    ///
    /// # Errors
    /// When there is none, or the precondition is not met.
    pub fn delete(
        &mut self,
        kind: ResourceKind,
        id: &str,
        precondition: &ScimPrecondition,
    ) -> Result<(), ScimFailure> {
        match kind {
            ResourceKind::User => self.delete_user(id, precondition),
            ResourceKind::Group => self.delete_group(id, precondition),
        }
    }

    fn create_group(&mut self, body: Value, projection: &Projection) -> Result<ResourceAnswer, ScimFailure> {
        let mut document = normalize(self.reader.schema(GROUP), body)?;
        let members = take_members(&mut document)?;
        self.check_unique(GROUP, name(GROUP, &document), None)?;
        let connection = self.reader.connection.id;
        let former = self.reader.store.take_former_scim_group(connection, &fold(name(GROUP, &document)))?;
        let id = former.unwrap_or_else(Uuid::new_v4);
        let layer_key = id.to_string();
        self.put_group(&layer_key, &document)?;
        let content = Content::new(GROUP, &document);
        let new = NewScimResource {
            connection,
            kind: GROUP.as_str(),
            id,
            layer_key: &layer_key,
            content: content.as_change(),
        };
        let number = self.reader.store.create_scim_resource(&new, self.change.at)?;
        self.change_members(number, MembersChange::Add(members))?;
        self.finish()?;
        self.note(GROUP, ScimPush::Created);
        self.answer(number, projection)
    }

    fn replace_group(
        &mut self,
        id: &str,
        body: Value,
        precondition: &ScimPrecondition,
        projection: &Projection,
    ) -> Result<ResourceAnswer, ScimFailure> {
        let resource = self.reader.find(GROUP, id)?;
        precondition.check(&resource)?;
        let mut document = normalize(self.reader.schema(GROUP), body)?;
        let members = take_members(&mut document)?;
        let is_changed = self.change_members(resource.number, MembersChange::Replace(members))?;
        self.update_group(&resource, &document, is_changed)?;
        self.answer(resource.number, projection)
    }

    fn patch_group(
        &mut self,
        id: &str,
        body: Value,
        precondition: &ScimPrecondition,
        projection: &Projection,
    ) -> Result<ResourceAnswer, ScimFailure> {
        let resource = self.reader.find(GROUP, id)?;
        precondition.check(&resource)?;
        let schema = self.reader.schema(GROUP);
        let (mut document, mut is_changed) = (parse(&resource)?, false);
        for step in parse_patch(schema, body)? {
            match step {
                PatchStep::Document(operation) => operation.apply(schema, &mut document)?,
                PatchStep::Members(change) => is_changed |= self.change_members(resource.number, change)?,
            }
        }
        self.update_group(&resource, &document, is_changed)?;
        if projection.is_selective() {
            return self.answer(resource.number, projection);
        }
        let stored = self.reader.find(GROUP, id)?;
        let location = self.reader.location(GROUP, stored.id);
        Ok(ResourceAnswer { resource: None, etag: entity_tag(&stored), location })
    }

    fn delete_group(&mut self, id: &str, precondition: &ScimPrecondition) -> Result<(), ScimFailure> {
        let resource = self.reader.find(GROUP, id)?;
        precondition.check(&resource)?;
        self.affect_members(resource.number)?;
        for group in self.reader.store.scim_groups_of(resource.number)? {
            self.reader.store.touch_scim_resource(group.number, self.change.at)?;
        }
        self.reader.store.delete_scim_resource(self.reader.connection.id, &resource)?;
        self.note(GROUP, ScimPush::Gone);
        self.remove_group_later(resource.layer_key);
        self.finish()
    }

    /// Stores a group whose document or members changed.
    fn update_group(
        &mut self,
        resource: &ScimResource,
        document: &Document,
        has_other_members: bool,
    ) -> Result<(), ScimFailure> {
        let has_other_document = *document != parse(resource)?;
        let is_changed = has_other_document || has_other_members;
        self.note(GROUP, if is_changed { ScimPush::Changed } else { ScimPush::Unchanged });
        if has_other_document {
            let label = name(GROUP, document);
            if label != resource.label {
                self.check_unique(GROUP, label, Some(resource.number))?;
                self.put_group(&resource.layer_key, document)?;
                self.affect_members(resource.number)?;
            }
            self.store_document(resource, document)?;
        } else if has_other_members {
            self.reader.store.touch_scim_resource(resource.number, self.change.at)?;
        }
        self.finish()
    }

    fn put_group(&mut self, layer_key: &str, document: &Document) -> Result<(), ScimFailure> {
        let group = serde_json::to_value(convert_group(document));
        let document = group.map_err(|error| ServiceError::internal(&error))?;
        let put = LayerChange::Put { kind: Kind::Group, key: layer_key.to_owned(), document };
        self.change_layer(vec![put]).map(drop)
    }
}
