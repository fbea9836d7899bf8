//! Changes of users.

use domesday_model::{Excerpt, Kind};
use domesday_sources::scim::{
    Document, PatchStep, Projection, ResourceKind, ScimErrorKind, fold, name, normalize, parse_patch,
};
use domesday_store::{LayerChange, NewScimResource, ScimFind, ScimPush, ScimResource};
use serde_json::Value;
use uuid::Uuid;

use super::error::ScimFailure;
use super::precondition::ScimPrecondition;
use super::reader::{ResourceAnswer, parse};
use super::writer::{Content, Writer};
use crate::error::ServiceError;

const USER: ResourceKind = ResourceKind::User;

impl Writer<'_> {
    pub(super) fn create_user(
        &mut self,
        body: Value,
        projection: &Projection,
    ) -> Result<ResourceAnswer, ScimFailure> {
        let document = normalize(self.reader.schema(USER), body)?;
        let username = name(USER, &document).to_owned();
        self.check_unique(USER, &username, None)?;
        // The layer decides who the person is: one that other origins know keeps the id.
        let layer_key = Uuid::new_v4().to_string();
        let id = self.put_user(None, &layer_key, &document)?;
        if !self.reader.find_all(USER, ScimFind::Id(id))?.is_empty() {
            let detail =
                format!("`{}` is a user of this connection already, by another name", Excerpt(&username));
            return Err(ScimFailure::request(ScimErrorKind::Uniqueness, detail));
        }
        let content = Content::new(USER, &document);
        let new = NewScimResource {
            connection: self.reader.connection.id,
            kind: USER.as_str(),
            id,
            layer_key: &layer_key,
            content: content.as_change(),
        };
        let number = self.reader.store.create_scim_resource(&new, self.change.at)?;
        self.affect_reports(id, &fold(&username))?;
        self.finish()?;
        self.note(USER, ScimPush::Created);
        self.answer(number, projection)
    }

    pub(super) fn replace_user(
        &mut self,
        id: &str,
        body: Value,
        precondition: &ScimPrecondition,
        projection: &Projection,
    ) -> Result<ResourceAnswer, ScimFailure> {
        let resource = self.reader.find(USER, id)?;
        precondition.check(&resource)?;
        let document = normalize(self.reader.schema(USER), body)?;
        self.update_user(&resource, &document)?;
        self.answer(resource.number, projection)
    }

    pub(super) fn patch_user(
        &mut self,
        id: &str,
        body: Value,
        precondition: &ScimPrecondition,
        projection: &Projection,
    ) -> Result<ResourceAnswer, ScimFailure> {
        let resource = self.reader.find(USER, id)?;
        precondition.check(&resource)?;
        let schema = self.reader.schema(USER);
        let mut document = parse(&resource)?;
        for step in parse_patch(schema, body)? {
            if let PatchStep::Document(operation) = step {
                operation.apply(schema, &mut document)?;
            }
        }
        self.update_user(&resource, &document)?;
        self.answer(resource.number, projection)
    }

    pub(super) fn delete_user(
        &mut self,
        id: &str,
        precondition: &ScimPrecondition,
    ) -> Result<(), ScimFailure> {
        let resource = self.reader.find(USER, id)?;
        precondition.check(&resource)?;
        for group in self.reader.store.scim_groups_of(resource.number)? {
            self.reader.store.touch_scim_resource(group.number, self.change.at)?;
        }
        self.affect_reports(resource.id, &resource.name)?;
        self.reader.store.delete_scim_resource(self.reader.connection.id, &resource)?;
        self.note(USER, ScimPush::Gone);
        // Nobody refers to the user any more when the user goes.
        self.finish()?;
        self.change_layer(vec![LayerChange::Remove { kind: Kind::User, key: resource.layer_key }])?;
        Ok(())
    }

    fn update_user(&mut self, resource: &ScimResource, document: &Document) -> Result<(), ScimFailure> {
        if *document == parse(resource)? {
            self.note(USER, ScimPush::Unchanged);
            return Ok(());
        }
        self.note(USER, ScimPush::Changed);
        let username = name(USER, document);
        let is_renamed = username != resource.label;
        if is_renamed {
            self.check_unique(USER, username, Some(resource.number))?;
        }
        let id = self.put_user(Some(resource.number), &resource.layer_key, document)?;
        if id != resource.id {
            let detail = format!("`{}` is somebody else already; users do not become one", Excerpt(username));
            return Err(ScimFailure::request(ScimErrorKind::Uniqueness, detail));
        }
        self.store_document(resource, document)?;
        if is_renamed {
            self.affect_reports(id, &fold(username))?;
            self.affect_reports(id, &resource.name)?;
        }
        self.finish()
    }

    /// Puts a user into the layer, and returns the id of the person.
    fn put_user(
        &mut self,
        number: Option<i64>,
        layer_key: &str,
        document: &Document,
    ) -> Result<Uuid, ScimFailure> {
        let document = self.user_document(number, document)?;
        let put = LayerChange::Put { kind: Kind::User, key: layer_key.to_owned(), document };
        let objects = self.change_layer(vec![put])?;
        objects.into_iter().next().and_then(|object| object.global_id).ok_or_else(|| {
            ScimFailure::Service(ServiceError::internal(&"the layer returned no global id of a user"))
        })
    }
}
