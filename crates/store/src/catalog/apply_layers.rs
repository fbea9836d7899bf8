//! The layer of the files: what an apply changes of users, groups and data sources, and what it leaves to others.

use std::collections::{HashMap, HashSet};

use domesday_model::layers::{Given, Layer, Origin, is_layered, overridden, parts};
use domesday_model::{Instant, Kind};

use crate::StoreError;
use crate::audit::Entry;
use crate::database::{Database, Transaction};

use super::applied::{Applied, ApplyOptions, Current};
use super::audit_entries::{creation, target};
use super::documents::{Document, parse};
use super::layers::{
    self, LayerRow, Ranks, References, StoredLayer, delete_layer, effective_document, find_by_alias,
};
use super::plan::{Action, Overridden};
use super::records::{self, Stored};

/// How many objects are created at once, which bounds what is held of them beside their documents.
const CREATED_AT_ONCE: usize = 1000;

/// The layers of a store while files are applied.
pub(super) struct FileLayers<'d> {
    ranks: Ranks,
    references: References,
    /// Layers by kind and object.
    by_object: HashMap<(Kind, i64), Vec<StoredLayer>>,
    /// Objects by what the files call them.
    by_name: HashMap<(Kind, String), i64>,
    /// What objects are called.
    names: HashMap<(Kind, i64), String>,
    /// Declared objects that no origin has described before.
    new: Vec<&'d Document>,
    /// Names of connections, whose tags an apply does not prune.
    connections: HashSet<String>,
}

impl<'d> FileLayers<'d> {
    pub(super) fn read(
        database: &mut Database,
        documents: &'d [Document],
        current: &Current,
    ) -> Result<Self, StoreError> {
        let ranks = Ranks::read(database)?;
        let (mut by_object, mut by_name) = (HashMap::new(), HashMap::new());
        let mut connections = HashSet::new();
        for kind in Kind::ALL.into_iter().filter(|kind| is_layered(*kind)) {
            for (id, rows) in layers::of_kind(database, kind)? {
                for row in &rows {
                    match &row.origin {
                        Origin::Files => {
                            by_name.insert((kind, row.name.clone()), id);
                        }
                        Origin::Connection(name) => {
                            connections.insert(name.to_string());
                        }
                        Origin::Api => {}
                    }
                }
                by_object.insert((kind, id), rows);
            }
        }
        let names = current.iter().map(|((kind, name), stored)| ((*kind, stored.id), name.clone())).collect();
        // What the files declare may be named before it is written.
        let mut references = References::default();
        for document in documents {
            if !by_name.contains_key(&(document.kind, document.name.clone())) {
                references.insert(&Origin::Files, document.kind, &document.name, &document.name);
            }
        }
        Ok(Self { ranks, references, by_object, by_name, names, new: Vec::new(), connections })
    }

    /// Applies a declared object: writes the layer of the files, and the effective object.
    pub(super) fn apply(
        &mut self,
        transaction: &mut Transaction<'_>,
        document: &'d Document,
        current: &Current,
        options: ApplyOptions,
        applied: &mut Applied,
        declared: &mut HashSet<(Kind, String)>,
    ) -> Result<(), StoreError> {
        let (kind, name) = (document.kind, document.name.as_str());
        let Some(id) = self.find(transaction, document, current)? else {
            self.new.push(document);
            applied.object(kind, name, Action::Create, creation(document));
            applied.versions(kind, name, None, Some(document))?;
            return Ok(());
        };
        let object_name = self.names.get(&(kind, id)).cloned().unwrap_or_else(|| name.to_owned());
        let key = (kind, object_name.clone());
        declared.insert(key.clone());
        let Some(stored) = current.get(&key) else { return Ok(()) };
        let stored_rows = self.by_object.get(&(kind, id)).map_or(&[][..], Vec::as_slice);
        if let [only] = stored_rows
            && only.origin == Origin::Files
            && only.label == *document.origin
            && only.name == name
            && only.document == document.text
        {
            // Nobody else describes it, so nothing is overridden.
            applied.plan.unchanged += 1;
            return Ok(());
        }
        let said: layers::LayerDocument = parse(kind, name, &document.text)?;
        let mut rows = self.parsed(kind, stored_rows)?;
        let own = rows.iter().position(|row| row.layer.origin == Origin::Files);
        let is_as_before = own.is_some_and(|own| {
            let row = &rows[own];
            row.label == *document.origin && row.name == name && row.layer.document == said
        });
        if !is_as_before {
            let own = own.map(|own| rows.remove(own));
            let at = options.at;
            let given = match &own {
                Some(own) => {
                    own.layer.given.changed(&parts(kind, &own.layer.document), &parts(kind, &said), at, None)
                }
                None => Given::new(Some(at), None),
            };
            let row = LayerRow {
                object_id: id,
                name: name.to_owned(),
                key: None,
                label: document.origin.to_string(),
                layer: Layer { origin: Origin::Files, document: said.clone(), given, absent_since: None },
                updated_at: at.as_micros(),
            };
            layers::put(transaction, kind, &row)?;
            rows.push(row);
            self.ranks.sort(&mut rows);
            self.references.insert(&Origin::Files, kind, name, &object_name);
        }
        let created_at = declared_creation(document, stored);
        let effective =
            effective_document(transaction, &mut self.references, kind, &object_name, &rows, created_at)?;
        let merged: layers::LayerDocument = parse(kind, name, &effective.document.text)?;
        for (field, said, counts) in overridden(kind, &said, &merged) {
            let origin = rows.iter().find(|row| row.layer.document.get(field) == Some(&counts));
            let origin = origin.map_or("", |row| row.layer.origin.as_str()).to_owned();
            applied.plan.overridden.push(Overridden {
                kind,
                name: object_name.clone(),
                field: field.to_owned(),
                declared: said,
                effective: counts,
                origin,
            });
        }
        if is_as_before {
            applied.plan.unchanged += 1;
            return Ok(());
        }
        effective.update(transaction, stored, options.at)?;
        applied.updated(&effective.document, stored)
    }

    /// Parses layers of an object, and returns them the highest first.
    fn parsed(&self, kind: Kind, stored: &[StoredLayer]) -> Result<Vec<LayerRow>, StoreError> {
        let mut rows = stored.iter().map(|layer| layer.clone().parse(kind)).collect::<Result<Vec<_>, _>>()?;
        self.ranks.sort(&mut rows);
        Ok(rows)
    }

    /// Finds the object that the files mean: by what they called it before, by its name, or by what it is recognized by.
    fn find(
        &self,
        transaction: &mut Transaction<'_>,
        document: &Document,
        current: &Current,
    ) -> Result<Option<i64>, StoreError> {
        let key = (document.kind, document.name.clone());
        if let Some(id) = self.by_name.get(&key) {
            return Ok(Some(*id));
        }
        if let Some(stored) = current.get(&key) {
            return Ok(Some(stored.id));
        }
        // Only connections describe objects that are called differently in the files.
        if self.connections.is_empty() {
            return Ok(None);
        }
        let said = parse(document.kind, &document.name, &document.text)?;
        find_by_alias(transaction, document.kind, &said, &Origin::Files)
    }

    /// Inserts the objects that are new, in the order of declaration, since ids follow it.
    pub(super) fn insert(
        &mut self,
        transaction: &mut Transaction<'_>,
        options: ApplyOptions,
    ) -> Result<(), StoreError> {
        let new = std::mem::take(&mut self.new);
        for some in new.chunks(CREATED_AT_ONCE) {
            layers::create_declared(transaction, &mut self.references, some, options.at)?;
        }
        let created: Vec<_> = new.iter().map(|it| (it.kind, it.name.clone())).collect();
        layers::resolve_missing(transaction, &self.ranks, &created, options.at)
    }

    /// Whether an undeclared object stays although the files are pruned, since others described it.
    pub(super) fn keeps(&self, kind: Kind, stored: &Stored) -> bool {
        match kind {
            Kind::Tag => self.connections.contains(&stored.origin),
            // What people set up is theirs: without it, everybody whom it lists would be gone.
            Kind::Connection => matches!(stored.origin.as_str(), "api" | "console" | "cli"),
            kind if is_layered(kind) => {
                let rows = self.by_object.get(&(kind, stored.id));
                rows.is_some_and(|rows| rows.iter().all(|row| row.origin != Origin::Files))
            }
            _ => false,
        }
    }

    /// Removes what the files said of an object: deletes it when nobody else describes it.
    pub(super) fn prune(
        &mut self,
        transaction: &mut Transaction<'_>,
        kind: Kind,
        name: &str,
        stored: &Stored,
        options: ApplyOptions,
        applied: &mut Applied,
    ) -> Result<(), StoreError> {
        let mut layers = self.by_object.remove(&(kind, stored.id)).unwrap_or_default();
        layers.retain(|layer| layer.origin != Origin::Files);
        let rows = self.parsed(kind, &layers)?;
        if rows.is_empty() {
            records::delete(transaction, kind, stored.id)?;
            let entry = Entry::delete(target(kind, name), &stored.text);
            applied.object(kind, name, Action::Delete, entry);
            return applied.versions(kind, name, Some(stored), None);
        }
        delete_layer(transaction, kind, stored.id, &Origin::Files)?;
        let created_at = Instant::from_micros(stored.created_at);
        let effective = effective_document(transaction, &mut self.references, kind, name, &rows, created_at)?;
        effective.update(transaction, stored, options.at)?;
        applied.updated(&effective.document, stored)
    }

    /// Whether others than the files describe objects.
    pub(super) fn has_others(&self) -> bool {
        self.by_object.values().flatten().any(|layer| layer.origin != Origin::Files)
    }
}

fn declared_creation(document: &Document, stored: &Stored) -> Instant {
    document.created_at.unwrap_or_else(|| Instant::from_micros(stored.created_at))
}
