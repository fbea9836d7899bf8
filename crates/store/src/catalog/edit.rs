//! People's edits of users, groups and data sources: the layer `api`.

use std::collections::BTreeMap;

use domesday_model::layers::{
    Document as LayerDocument, Given, Layer, Origin, PartOrigins, edited, origins_of_parts, parts,
    people_of_parts,
};
use domesday_model::{Catalog, Instant, Kind};

use crate::audit::{self, Entry};
use crate::database::Database;
use crate::{ChangeBy, IfMatch, Store, StoreError};

use super::audit_entries::{creation, target};
use super::documents::{Document, parse};
use super::layers::{
    self, LayerRow, NewObject, Ranks, References, delete_layer, effective_document, of_object,
    resolve_missing,
};
use super::objects::{StoredObject, etag, missing, object};
use super::records::{self, Stored, document_changes};
use super::{consistency, revision};

/// What an origin says of an object.
#[derive(Debug, Clone, PartialEq)]
pub struct LayerView {
    /// Whose layer it is: `files`, `api`, or the name of a connection.
    pub origin: String,
    /// The file inside the catalog, or where an edit came from.
    pub label: String,
    /// What it says, in the catalog format.
    pub document: serde_json::Value,
    /// Since when the connection no longer lists the object.
    pub absent_since: Option<Instant>,
    /// In the layer `api`: the person who gave each part, where that is known, by part as in [`PartOrigins`].
    pub people: BTreeMap<String, Box<str>>,
}

impl Store {
    /// Returns the layers of an object, the highest first, and which origins give each of its parts.
    ///
    /// # Errors
    /// When the store fails.
    pub fn layers(&mut self, kind: Kind, id: i64) -> Result<(Vec<LayerView>, PartOrigins), StoreError> {
        let mut transaction = self.database.read()?;
        let ranks = Ranks::read(&mut transaction)?;
        let rows = of_object(&mut transaction, &ranks, kind, id)?;
        let layers: Vec<Layer> = rows.iter().map(|row| row.layer.clone()).collect();
        let origins = origins_of_parts(kind, &layers);
        let view = |row: LayerRow| LayerView {
            people: people_of_parts(kind, &row.layer),
            origin: row.layer.origin.to_string(),
            label: row.label,
            document: serde_json::Value::Object(row.layer.document),
            absent_since: row.layer.absent_since,
        };
        Ok((rows.into_iter().map(view).collect(), origins))
    }

    /// Writes what people say of an object; see [`Store::put_object`].
    pub(super) fn put_layered(
        &mut self,
        (body, body_alone): (&Document, &Catalog),
        implied: &[Document],
        expected: IfMatch<'_>,
        change: &ChangeBy<'_>,
    ) -> Result<StoredObject, StoreError> {
        let (kind, name) = (body.kind, body.name.as_str());
        let target = target(kind, name);
        let said: LayerDocument = parse(kind, name, &body.text)?;
        let mut transaction = self.database.write()?;
        let stored = records::find(&mut transaction, kind, name)?;
        expected.check(stored.as_ref().map(|stored| etag(kind, stored)).as_deref(), || target.clone())?;
        // The merge would hide what is declared twice.
        consistency::check_valid(&mut transaction, body_alone, body, stored.as_ref())?;
        let edit = Edit { kind, name, change };
        let (mut entries, mut kinds) = (Vec::new(), vec![kind]);
        let new = missing(&mut transaction, implied)?;
        kinds.extend(new.iter().map(|document| document.kind));
        match &stored {
            None => {
                let one = edit.first(&mut transaction, &said)?;
                consistency::check_put(&mut transaction, &one.one, &one.document, None)?;
                records::insert(&mut transaction, &new, change.at)?;
                entries.extend(new.iter().map(|document| creation(document)));
                edit.create(&mut transaction, said)?;
                entries.push(creation(&one.document));
            }
            Some(stored) => {
                let Some((rows, effective)) = edit.again(&mut transaction, stored, &said)? else {
                    return object(kind, name.to_owned(), stored);
                };
                consistency::check_put(&mut transaction, &effective.one, &effective.document, Some(stored))?;
                records::insert(&mut transaction, &new, change.at)?;
                entries.extend(new.iter().map(|document| creation(document)));
                edit.write_own(&mut transaction, stored.id, rows.as_ref())?;
                effective.update(&mut transaction, stored, change.at)?;
                let fields = document_changes(&effective.document, stored)?;
                if !fields.is_empty() {
                    entries.push(Entry::update(target, &fields));
                }
            }
        }
        audit::append(&mut transaction, change, &entries)?;
        revision::advance(&mut transaction, kinds)?;
        let stored = records::find(&mut transaction, kind, name)?;
        transaction.commit()?;
        object(kind, name.to_owned(), &stored.expect("it was written in this transaction"))
    }
}

/// One edit of one object.
struct Edit<'e> {
    kind: Kind,
    name: &'e str,
    change: &'e ChangeBy<'e>,
}

impl Edit<'_> {
    fn new_object(&self, said: LayerDocument) -> NewObject {
        NewObject {
            kind: self.kind,
            name: self.name.to_owned(),
            called: None,
            key: None,
            label: self.change.origin.to_owned(),
            origin: Origin::Api,
            document: said,
            by: Some(self.change.actor.into()),
        }
    }

    /// Returns the effective object that nobody described before.
    fn first(
        &self,
        database: &mut Database,
        said: &LayerDocument,
    ) -> Result<layers::EffectiveDocument, StoreError> {
        let row = self.new_object(said.clone()).into_row(self.change.at);
        let rows = std::slice::from_ref(&row);
        effective_document(database, &mut References::default(), self.kind, self.name, rows, self.change.at)
    }

    fn create(&self, database: &mut Database, said: LayerDocument) -> Result<(), StoreError> {
        let new = self.new_object(said);
        layers::create(database, &mut References::default(), vec![new], self.change.at)?;
        let ranks = Ranks::read(database)?;
        resolve_missing(database, &ranks, &[(self.kind, self.name.to_owned())], self.change.at)
    }

    /// Returns the layer `api` after the edit (none when nothing is left of it) and the effective object with it; nothing
    /// when the edit changes nothing.
    fn again(
        &self,
        database: &mut Database,
        stored: &Stored,
        said: &LayerDocument,
    ) -> Result<Option<(Option<LayerRow>, layers::EffectiveDocument)>, StoreError> {
        let (kind, at) = (self.kind, self.change.at);
        let ranks = Ranks::read(database)?;
        let mut rows = of_object(database, &ranks, kind, stored.id)?;
        let own = rows.iter().position(|row| row.layer.origin == Origin::Api).map(|own| rows.remove(own));
        let others: Vec<Layer> = rows.iter().map(|row| row.layer.clone()).collect();
        let before = own.as_ref().map(|own| &own.layer.document);
        let document = match others.is_empty() {
            true => said.clone(),
            false => edited(kind, said, before, &others),
        };
        // The name alone says nothing.
        let is_empty = document.len() <= 1 && !others.is_empty();
        let is_same = match before {
            Some(before) => *before == document,
            None => is_empty,
        };
        if is_same {
            return Ok(None);
        }
        let by = Some(self.change.actor);
        let given = match &own {
            Some(own) => {
                let before = parts(kind, &own.layer.document);
                own.layer.given.changed(&before, &parts(kind, &document), at, by)
            }
            None => Given::new(Some(at), by),
        };
        let row = (!is_empty).then(|| LayerRow {
            object_id: stored.id,
            name: self.name.to_owned(),
            key: None,
            label: self.change.origin.to_owned(),
            layer: Layer { origin: Origin::Api, document, given, absent_since: None },
            updated_at: at.as_micros(),
        });
        rows.extend(row.clone());
        ranks.sort(&mut rows);
        let created_at = Instant::from_micros(stored.created_at);
        let references = &mut References::default();
        let effective = effective_document(database, references, kind, self.name, &rows, created_at)?;
        Ok(Some((row, effective)))
    }

    fn write_own(&self, database: &mut Database, id: i64, row: Option<&LayerRow>) -> Result<(), StoreError> {
        match row {
            Some(row) => layers::put(database, self.kind, row),
            None => delete_layer(database, self.kind, id, &Origin::Api),
        }
    }
}
