//! A relation of the project: where it is, and what the nodes that name it say of it.

use std::collections::{BTreeSet, HashMap};

use domesday_model::privileges::POSTGRES_PLATFORM;
use domesday_model::{Column, DataSource, DataSourceStatus};

use super::artifact::{self, CatalogColumn, Node};

/// Where a relation is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) database: Option<String>,
    pub(super) schema: Option<String>,
    pub(super) table: String,
}

impl Place {
    /// Returns the place of a node whose relation has a name.
    pub(super) fn of(node: &Node, table: &str, platform: &str) -> Self {
        let part = |text: &str| {
            // The manifest has names as they are written in the project. What is not quoted in SQL, PostgreSQL folds;
            // names on other platforms are compared in any case of letters.
            let is_quoted =
                node.relation_name.as_ref().is_none_or(|name| name.contains(&format!("\"{text}\"")));
            if platform == POSTGRES_PLATFORM && !is_quoted { text.to_lowercase() } else { text.to_owned() }
        };
        let field = |text: &Option<String>| text.as_deref().filter(|text| !text.is_empty()).map(part);
        Self { database: field(&node.database), schema: field(&node.schema), table: part(table) }
    }

    /// Returns the place as a text that no other place has, by which the connection recognizes the relation again.
    pub(super) fn key(&self, platform: &str) -> String {
        let part = |text: &str| {
            let is_plain = !text.is_empty() && !text.contains(['.', '"']);
            if is_plain { text.to_owned() } else { format!("\"{}\"", text.replace('"', "\"\"")) }
        };
        let [database, schema] =
            [&self.database, &self.schema].map(|it| it.as_deref().map_or_else(String::new, part));
        let key = format!("{database}.{schema}.{}", part(&self.table));
        if platform == POSTGRES_PLATFORM { key } else { key.to_lowercase() }
    }
}

/// A relation with everything that is said of it.
#[derive(Debug)]
pub(super) struct Relation {
    /// The unique id of the first node that names it.
    pub(super) id: String,
    pub(super) place: Place,
    pub(super) tags: BTreeSet<String>,
    /// Positions in the owners of the project.
    pub(super) owners: BTreeSet<usize>,
    /// The columns that the project describes.
    described: Vec<Column>,
    /// Positions in `described` by name.
    by_name: HashMap<String, usize>,
    /// The columns that the database has, in their order; none when no catalog says.
    pub(super) cataloged: Option<Vec<CatalogColumn>>,
}

impl Relation {
    pub(super) fn new(id: &str, place: Place) -> Self {
        Self {
            id: id.to_owned(),
            place,
            tags: BTreeSet::new(),
            owners: BTreeSet::new(),
            described: Vec::new(),
            by_name: HashMap::new(),
            cataloged: None,
        }
    }

    /// Adds what a node says of a column. Two nodes may describe one relation, such as a model and the source by which
    /// another project reads it.
    pub(super) fn describe(&mut self, column: Column) {
        match self.by_name.get(&column.name).map(|at| &mut self.described[*at]) {
            Some(known) => {
                known.tags.extend(column.tags);
                known.nullable &= column.nullable;
                known.description = known.description.take().or(column.description);
                if known.data_type.is_empty() {
                    known.data_type = column.data_type;
                }
            }
            None => {
                self.by_name.insert(column.name.clone(), self.described.len());
                self.described.push(column);
            }
        }
    }

    /// Whether the columns are only those that the project describes, which may be some of them.
    pub(super) fn has_partial_columns(&self) -> bool {
        self.cataloged.is_none()
    }

    /// Returns the columns, and the described ones that the catalog does not have.
    fn columns(&mut self) -> (Vec<Column>, Vec<String>) {
        let described = std::mem::take(&mut self.described);
        let Some(cataloged) = self.cataloged.take() else { return (described, Vec::new()) };
        let mut columns: Vec<Column> = cataloged
            .into_iter()
            .map(|found| Column {
                name: found.name,
                data_type: found.data_type.unwrap_or_default(),
                nullable: true,
                tags: BTreeSet::new(),
                description: None,
            })
            .collect();
        // The project may write names in other letters than the database; one that is meant exactly counts more.
        let mut exact: HashMap<String, usize> = HashMap::new();
        let mut folded: HashMap<String, Option<usize>> = HashMap::new();
        for (at, column) in columns.iter().enumerate() {
            exact.insert(column.name.clone(), at);
            folded.entry(column.name.to_lowercase()).and_modify(|only| *only = None).or_insert(Some(at));
        }
        let mut unknown = Vec::new();
        for said in described {
            let at = exact.get(&said.name).copied();
            let at = at.or_else(|| folded.get(&said.name.to_lowercase()).copied().flatten());
            match at {
                Some(at) => {
                    let column = &mut columns[at];
                    column.tags.extend(said.tags);
                    column.nullable &= said.nullable;
                    column.description = column.description.take().or(said.description);
                }
                None => unknown.push(said.name),
            }
        }
        (columns, unknown)
    }

    /// Returns the data source, and the described columns that the catalog does not have.
    pub(super) fn into_data_source(
        mut self,
        name: String,
        platform: &str,
        host: Option<&str>,
        owners: BTreeSet<String>,
    ) -> (DataSource, Vec<String>) {
        let (columns, unknown) = self.columns();
        let Place { database, schema, table } = self.place;
        let source = DataSource {
            name,
            platform: platform.to_owned(),
            host: host.map(str::to_owned),
            database,
            schema,
            table: Some(table),
            domain: None,
            owners,
            status: DataSourceStatus::default(),
            tags: self.tags,
            columns,
            opt_in_policies: BTreeSet::new(),
            level_choice: None,
            created_at: None,
        };
        (source, unknown)
    }
}

/// Returns the name of a described column as the platform has it.
pub(super) fn column_name(column: &artifact::Column, platform: &str) -> String {
    let is_folded = platform == POSTGRES_PLATFORM && column.quote != Some(true);
    if is_folded { column.name.to_lowercase() } else { column.name.clone() }
}
