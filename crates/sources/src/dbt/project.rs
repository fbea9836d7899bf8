//! Nodes of a manifest as relations with tags, owners and columns.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use domesday_model::limits::check_name;
use domesday_model::{Column, DbtConnection, Excerpt, is_tag_name};
use serde_json::value::RawValue;

use super::artifact::{
    self, Artifact, CatalogColumn, CatalogTable, Group, Node, NodeMeta, ResourceType, Sections,
};
use super::json::{Texts, texts};
use super::relation::{Place, Relation, column_name};
use super::tags::TagMapping;
use crate::diagnostic::Collector;

/// How many relations a project may have.
const MAX_RELATIONS: usize = 200_000;

/// Somebody who owns relations, by what may be a username or an e-mail address.
#[derive(Debug, Clone)]
pub(super) struct Owner {
    /// Where the project names them.
    pub(super) place: String,
    pub(super) names: Vec<String>,
}

/// Collects the relations of a project.
pub(super) struct Nodes<'a> {
    manifest: &'a Artifact<'a>,
    catalog: Option<(&'a Artifact<'a>, HashMap<&'a str, &'a RawValue>)>,
    platform: &'a str,
    mapping: TagMapping<'a>,
    /// Positions in `owners` by package and name of the group; none for a group without an owner.
    groups: BTreeMap<(String, String), Option<usize>>,
    owners: Vec<Owner>,
    relations: Vec<Relation>,
    /// Positions in `relations` by the keys of their places.
    by_place: HashMap<String, usize>,
}

/// What a project has.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) relations: Vec<Relation>,
    pub(super) owners: Vec<Owner>,
    pub(super) warnings: Vec<String>,
}

impl<'a> Nodes<'a> {
    pub(super) fn new(connection: &'a DbtConnection, manifest: &'a Artifact<'a>, platform: &'a str) -> Self {
        Self {
            manifest,
            catalog: None,
            platform,
            mapping: TagMapping::new(connection),
            groups: BTreeMap::new(),
            owners: Vec::new(),
            relations: Vec::new(),
            by_place: HashMap::new(),
        }
    }

    /// Takes the columns of relations from a catalog.
    pub(super) fn set_catalog(&mut self, catalog: &'a Artifact<'a>, sections: &'a Sections<'a>) {
        let tables = sections.nodes.0.iter().chain(&sections.sources.0);
        self.catalog = Some((catalog, tables.map(|(id, table)| (id.as_str(), *table)).collect()));
    }

    /// Reads the groups and nodes of the manifest.
    pub(super) fn read(mut self, sections: &Sections<'a>, errors: &mut Collector) -> Found {
        for (id, text) in &sections.groups.0 {
            if let Some(group) = self.manifest.parse::<Group>(id, text, errors) {
                self.add_group(group);
            }
        }
        for (id, text) in sections.nodes.0.iter().chain(&sections.sources.0) {
            if self.relations.len() > MAX_RELATIONS {
                let message = format!("the project has more than {MAX_RELATIONS} relations");
                self.manifest.error(id, text, message, errors);
                break;
            }
            let Some(ResourceType { resource_type }) = self.manifest.parse(id, text, errors) else {
                continue;
            };
            if matches!(&*resource_type, "model" | "seed" | "snapshot" | "source") {
                self.add_node(id, text, &resource_type, errors);
            }
        }
        Found { relations: self.relations, owners: self.owners, warnings: self.mapping.warnings() }
    }

    fn add_group(&mut self, group: Group) {
        let owner = group.owner.map(|owner| {
            let names = texts(owner.email.as_ref()).chain(texts(owner.name.as_ref()));
            names.filter(|name| !name.trim().is_empty()).map(str::to_owned).collect::<Vec<_>>()
        });
        let owner = owner.filter(|names| !names.is_empty()).map(|names| {
            self.owners.push(Owner { place: format!("the group `{}`", Excerpt(&group.name)), names });
            self.owners.len() - 1
        });
        self.groups.insert((group.package_name, group.name), owner);
    }

    fn add_node(&mut self, id: &str, text: &'a RawValue, resource_type: &str, errors: &mut Collector) {
        let Some(node) = self.manifest.parse::<Node>(id, text, errors) else { return };
        let is_disabled = node.config.enabled == Some(false);
        // An ephemeral model is part of the queries of others, and no relation.
        if is_disabled || node.config.materialized.as_deref() == Some("ephemeral") {
            return;
        }
        let (field, table) = match resource_type {
            "source" => ("identifier", &node.identifier),
            _ => ("alias", &node.alias),
        };
        let Some(table) = table.as_deref().filter(|table| !table.trim().is_empty()) else {
            let message = format!("`{field}`, which is the name of the relation, is missing");
            return self.manifest.error(id, text, message, errors);
        };
        let place = Place::of(&node, table, self.platform);
        let at = self.relation(id, place);
        let metas = [&node.meta, &node.config.meta];
        let metas: Vec<&NodeMeta> =
            metas.into_iter().flatten().filter_map(|it| it.domesday.as_ref()).collect();
        let tags = self.mapping.tags(texts(node.tags.as_ref()).chain(texts(node.config.tags.as_ref())));
        let own = metas.iter().map(|meta| meta.tags.as_ref());
        let own = self.own_tags(own, id, text, errors);
        self.relations[at].tags.extend(tags.into_iter().chain(own));
        self.add_owners(at, &node, &metas, (id, text), errors);
        for (_, column) in &node.columns.0 {
            let column = self.column(column, id, text, errors);
            self.relations[at].describe(column);
        }
        if self.relations[at].cataloged.is_none() {
            self.relations[at].cataloged = self.cataloged(id, errors);
        }
    }

    /// Returns the position of the relation at a place.
    fn relation(&mut self, id: &str, place: Place) -> usize {
        let relations = &mut self.relations;
        *self.by_place.entry(place.key(self.platform)).or_insert_with(|| {
            relations.push(Relation::new(id, place));
            relations.len() - 1
        })
    }

    fn add_owners(
        &mut self,
        at: usize,
        node: &Node,
        metas: &[&NodeMeta],
        (id, text): (&str, &'a RawValue),
        errors: &mut Collector,
    ) {
        if let Some(group) = node.group.as_ref().or(node.config.group.as_ref()) {
            match self.groups.get(&(node.package_name.clone(), group.clone())) {
                Some(owner) => self.relations[at].owners.extend(owner),
                None => {
                    let message = format!("the manifest has no group `{}` of its package", Excerpt(group));
                    self.manifest.error(id, text, message, errors);
                }
            }
        }
        let names: BTreeSet<&str> = metas.iter().flat_map(|meta| texts(meta.owner.as_ref())).collect();
        for name in names {
            let place = format!("`meta.domesday.owner` of `{}`", Excerpt(id));
            self.relations[at].owners.insert(self.owners.len());
            self.owners.push(Owner { place, names: vec![name.to_owned()] });
        }
    }

    /// Returns tags that the project gives under `meta.domesday`, by their names in Domesday.
    fn own_tags<'t>(
        &self,
        tags: impl Iterator<Item = Option<&'t Texts>>,
        id: &str,
        text: &RawValue,
        errors: &mut Collector,
    ) -> BTreeSet<String> {
        let tags: BTreeSet<&str> = tags.flat_map(texts).collect();
        let (valid, wrong): (Vec<&str>, Vec<&str>) = tags.into_iter().partition(|tag| is_tag_name(tag));
        for tag in wrong {
            let message = format!(
                "`meta.domesday.tags`: expected dotted names of tags such as `PII.Email`, found `{}`",
                Excerpt(tag)
            );
            self.manifest.error(id, text, message, errors);
        }
        valid.into_iter().map(str::to_owned).collect()
    }

    fn column(
        &mut self,
        column: &artifact::Column,
        id: &str,
        text: &RawValue,
        errors: &mut Collector,
    ) -> Column {
        let name = column_name(column, self.platform);
        if let Err(error) = check_name(&name) {
            let message = format!("the column `{}`: {error}", Excerpt(&name));
            self.manifest.error(id, text, message, errors);
        }
        let tags = texts(column.tags.as_ref()).chain(texts(column.config.tags.as_ref()));
        let mut tags = self.mapping.tags(tags);
        let metas = [&column.meta, &column.config.meta].into_iter().flatten();
        let own = metas.filter_map(|meta| meta.domesday.as_ref()).map(|meta| meta.tags.as_ref());
        tags.extend(self.own_tags(own, id, text, errors));
        let is_required = column.constraints.iter().flatten().any(|it| it.kind == "not_null");
        Column {
            name,
            // Without a type, a column only adds to what another origin knows.
            data_type: column.data_type.clone().unwrap_or_default(),
            nullable: !is_required,
            tags,
            description: column.description.clone().filter(|text| !text.trim().is_empty()),
        }
    }

    /// Returns the columns that the catalog has of a node, in their order.
    fn cataloged(&self, id: &str, errors: &mut Collector) -> Option<Vec<CatalogColumn>> {
        let (catalog, tables) = self.catalog.as_ref()?;
        let text = *tables.get(id)?;
        let table: CatalogTable = catalog.parse(id, text, errors)?;
        let mut columns: Vec<_> = table.columns.0.into_iter().map(|(_, column)| column).collect();
        columns.sort_by_key(|column| column.index);
        for column in &columns {
            if let Err(error) = check_name(&column.name) {
                let message = format!("the column `{}`: {error}", Excerpt(&column.name));
                catalog.error(id, text, message, errors);
            }
        }
        // A relation without columns was not read.
        (!columns.is_empty()).then_some(columns)
    }
}
