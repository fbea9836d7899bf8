//! One origin's changes of objects, in one transaction.

use std::collections::BTreeSet;

use domesday_model::Kind;
use domesday_model::layers::{Document, Given, Layer, Origin, parts};
use uuid::Uuid;

use super::effective::{NewObject, create, create_tags, resolve_missing, write};
use super::names::References;
use super::rename::rename;
use super::rows::{self, LayerRow, Ranks};
use crate::audit::{self, Entry};
use crate::catalog::audit_entries::{creation, target};
use crate::catalog::records::{self, document_changes};
use crate::catalog::{revision, tenant};
use crate::database::Database;
use crate::{ChangeBy, FieldChange, StoreError};

/// What a change did to an effective object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Written {
    /// It is another; with the fields that differ.
    Changed(Vec<FieldChange>),
    /// It is as before: another origin says the same, or counts instead.
    Same,
}

/// Writes the layers of one origin, and the effective objects with them.
pub(super) struct Writer<'d, 'c> {
    pub(super) database: &'d mut Database,
    pub(super) origin: Origin,
    pub(super) references: References,
    ranks: Ranks,
    change: &'c ChangeBy<'c>,
    tenant: Uuid,
    entries: Vec<Entry<'static>>,
    created: Vec<(Kind, String)>,
    kinds: BTreeSet<Kind>,
    pub(super) warnings: Vec<String>,
}

impl<'d, 'c> Writer<'d, 'c> {
    pub(super) fn new(
        database: &'d mut Database,
        origin: Origin,
        change: &'c ChangeBy<'c>,
    ) -> Result<Self, StoreError> {
        let ranks = Ranks::read(database)?;
        let (tenant, _) = tenant::read(database)?.ok_or(StoreError::Empty)?;
        let tenant = tenant.id.unwrap_or_else(|| tenant.derived_id());
        Ok(Self {
            database,
            origin,
            references: References::default(),
            ranks,
            change,
            tenant,
            entries: Vec::new(),
            created: Vec::new(),
            kinds: BTreeSet::new(),
            warnings: Vec::new(),
        })
    }

    /// Returns the `global_user_id` of a user by the effective document.
    pub(super) fn global_id(&self, document: &Document, username: &str) -> Uuid {
        let declared = document.get("id").and_then(|id| id.as_str()?.parse().ok());
        declared.unwrap_or_else(|| Uuid::new_v5(&self.tenant, username.as_bytes()))
    }

    /// Records that something of a kind has changed that is in no layer.
    pub(super) fn touch(&mut self, kind: Kind) {
        self.kinds.insert(kind);
    }

    /// Creates the tags that documents bear.
    pub(super) fn tags<'l>(
        &mut self,
        documents: impl IntoIterator<Item = &'l Document>,
    ) -> Result<(), StoreError> {
        if create_tags(self.database, documents, self.origin.as_str(), self.change.at)? > 0 {
            self.kinds.insert(Kind::Tag);
        }
        Ok(())
    }

    /// Creates objects that no origin has described before, and returns their ids.
    pub(super) fn create(&mut self, new: Vec<NewObject>) -> Result<Vec<i64>, StoreError> {
        let created = create(self.database, &mut self.references, new, self.change.at)?;
        for (_, it) in &created {
            self.kinds.insert(it.document.kind);
            self.entries.push(creation(&it.document));
            self.created.push((it.document.kind, it.document.name.clone()));
        }
        Ok(created.into_iter().map(|(id, _)| id).collect())
    }

    /// Writes the origin's layer of an object that exists. Returns the object's name, its effective document, and what the
    /// change did to it.
    pub(super) fn set(
        &mut self,
        kind: Kind,
        id: i64,
        key: Option<&str>,
        name: &str,
        mut document: Document,
    ) -> Result<(String, Document, Written), StoreError> {
        let mut layers = rows::of_object(self.database, &self.ranks, kind, id)?;
        let own = layers.iter().position(|row| row.layer.origin == self.origin);
        let own = own.map(|position| layers.remove(position));
        let renamed =
            own.as_ref().filter(|own| own.name != name && own.layer.absent_since.is_none()).is_some();
        let after = parts(kind, &document);
        let given = match &own {
            Some(LayerRow { layer, .. }) => {
                // The id of a user who was renamed is kept in the layers.
                if kind == Kind::User
                    && !document.contains_key("id")
                    && let Some(id) = layer.document.get("id")
                {
                    document.insert("id".to_owned(), id.clone());
                }
                let is_back = layer.absent_since.is_some();
                let before = if is_back { BTreeSet::new() } else { parts(kind, &layer.document) };
                layer.given.changed(&before, &after, self.change.at, None)
            }
            None => Given::new(Some(self.change.at), None),
        };
        layers.push(LayerRow {
            object_id: id,
            name: name.to_owned(),
            key: key.map(str::to_owned),
            label: self.origin.to_string(),
            layer: Layer { origin: self.origin.clone(), document, given, absent_since: None },
            updated_at: self.change.at.as_micros(),
        });
        self.ranks.sort(&mut layers);
        let leads = layers.iter().find(|row| row.layer.is_listed()).map(|row| &row.layer.origin);
        let renamed = renamed && leads == Some(&self.origin) && kind != Kind::DataSource;
        self.write(kind, id, layers, renamed.then_some(name))
    }

    /// Records that a connection no longer lists an object.
    pub(super) fn remove(&mut self, kind: Kind, id: i64) -> Result<(String, Document, Written), StoreError> {
        let mut layers = rows::of_object(self.database, &self.ranks, kind, id)?;
        for row in layers.iter_mut().filter(|row| row.layer.origin == self.origin) {
            row.layer.absent_since.get_or_insert(self.change.at);
            row.updated_at = self.change.at.as_micros();
        }
        self.write(kind, id, layers, None)
    }

    fn write(
        &mut self,
        kind: Kind,
        id: i64,
        mut layers: Vec<LayerRow>,
        rename_to: Option<&str>,
    ) -> Result<(String, Document, Written), StoreError> {
        let found = records::find_by_id(self.database, kind, id)?;
        let (mut name, mut stored) =
            found.ok_or_else(|| StoreError::NotFound { target: kind.to_string() })?;
        if let Some(new) = rename_to.filter(|new| **new != name) {
            if records::exists(self.database, kind, new)? {
                self.warnings.push(format!(
                    "the {kind} `{name}` keeps its name: it was renamed to `{new}`, which another {kind} has"
                ));
            } else {
                self.rename(kind, id, &name, new, &mut layers)?;
                (name, stored) = records::find_by_id(self.database, kind, id)?
                    .ok_or_else(|| StoreError::NotFound { target: kind.to_string() })?;
            }
        }
        let own = layers.iter().find(|row| row.layer.origin == self.origin);
        if let Some(own) = own {
            rows::put(self.database, kind, own)?;
        }
        self.references.insert(&self.origin, kind, own.map_or(&*name, |own| &own.name), &name);
        let at = self.change.at;
        let effective = write(self.database, &mut self.references, kind, &name, &stored, &layers, at)?;
        let fields = document_changes(&effective.document, &stored)?;
        let document = super::super::parse(kind, &name, &effective.document.text)?;
        let differs = effective.document.givers != stored.givers
            || effective.document.absent_since != stored.absent_since
            || effective.document.since.as_ref() != Some(&stored.since);
        if !fields.is_empty() || differs {
            self.kinds.insert(kind);
        }
        if !effective.ignored_columns.is_empty() {
            self.warnings.push(format!(
                "the {kind} `{name}` has no column {}, which another origin describes",
                effective.ignored_columns.join(", ")
            ));
        }
        if fields.is_empty() {
            return Ok((name, document, Written::Same));
        }
        self.entries.push(Entry::update(target(kind, &name), &fields));
        Ok((name, document, Written::Changed(fields)))
    }

    /// Gives an object another name, wherever it is named. A user keeps the id that follows from the former name.
    fn rename(
        &mut self,
        kind: Kind,
        id: i64,
        old: &str,
        new: &str,
        layers: &mut [LayerRow],
    ) -> Result<(), StoreError> {
        if kind == Kind::User {
            let stored = records::find_by_id(self.database, kind, id)?;
            let document: Document = match &stored {
                Some((_, stored)) => super::super::parse(kind, old, &stored.text)?,
                None => Document::new(),
            };
            let global = self.global_id(&document, old).to_string();
            for row in layers.iter_mut() {
                row.layer.document.entry("id").or_insert_with(|| global.clone().into());
                rows::put(self.database, kind, row)?;
            }
        }
        let renamed = rename(self.database, kind, id, old, new, self.change.at)?;
        self.kinds.extend(renamed);
        self.kinds.insert(kind);
        self.entries.push(crate::catalog::audit_entries::renaming(kind, old, new));
        Ok(())
    }

    /// Completes the changes: what waited for a new object takes effect, and the audit log and the revision say so.
    pub(super) fn finish(mut self) -> Result<Vec<String>, StoreError> {
        let created = std::mem::take(&mut self.created);
        resolve_missing(self.database, &self.ranks, &created, self.change.at)?;
        audit::append(self.database, self.change, &self.entries)?;
        if !self.kinds.is_empty() {
            revision::advance(self.database, self.kinds)?;
        }
        Ok(self.warnings)
    }
}
