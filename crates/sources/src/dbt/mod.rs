//! A dbt project as a source: `manifest.json`, which describes its relations, and optionally `catalog.json`, which has the
//! columns of the database.
//!
//! `artifact` has the files and their versions, `project` turns nodes into relations, `relation` has where each is and what
//! is said of it, and `tags` maps the tags. Every mistake is collected and names its node, and a file with a mistake gives
//! nothing. What a project means for Domesday is in `docs/connections-dbt.md`.

mod artifact;
mod json;
mod project;
mod relation;
mod tags;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fmt;

use domesday_model::DbtConnection;
use domesday_model::limits::check_name;
use domesday_model::validate::Severity;

use crate::diagnostic::{Collector, Diagnostic, Diagnostics};
use crate::digest::digest;
use crate::naming::Names;
use crate::reading::{Listed, Reading, Skipped};
use artifact::{Artifact, ArtifactKind};
use project::{Found, Nodes};
use tags::named;

/// Why the files of a project cannot be read: every mistake with its node.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct DbtErrors(Diagnostics);

impl DbtErrors {
    /// Returns the listed mistakes.
    pub fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        self.0.iter()
    }

    /// Names the files in the mistakes, which are called `manifest` and `catalog` otherwise.
    #[must_use]
    pub fn with_file_names(mut self, manifest: &str, catalog: &str) -> Self {
        for diagnostic in &mut self.0.list {
            let name = if diagnostic.file == ArtifactKind::Catalog.as_str() { catalog } else { manifest };
            name.clone_into(&mut diagnostic.file);
        }
        self
    }

    /// Returns the mistakes as those of catalog files.
    #[must_use]
    pub fn into_diagnostics(self) -> Diagnostics {
        self.0
    }
}

impl fmt::Display for DbtErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A project without mistakes, whose owners are not known as users yet.
#[derive(Debug)]
pub struct Project {
    platform: String,
    host: Option<String>,
    naming: String,
    found: Found,
}

/// Reads a manifest, and the columns of its relations from a catalog.
///
/// ```
/// let manifest = br#"{
///     "metadata": {
///         "dbt_schema_version": "https://schemas.getdbt.com/dbt/manifest/v12.json", "adapter_type": "postgres" },
///     "nodes": { "model.shop.orders": {
///         "resource_type": "model", "database": "fin", "schema": "shop", "alias": "orders", "tags": ["pii"] } },
///     "sources": {} }"#;
/// let connection = domesday_model::DbtConnection {
///     tags: [("pii".to_owned(), "PII".to_owned())].into(),
///     ..Default::default()
/// };
/// let reading = domesday_sources::dbt::read(&connection, manifest, None).unwrap().into_reading(|_| None);
/// let source = &reading.data_sources[0].object;
/// assert_eq!((source.name.as_str(), source.tags.first().unwrap().as_str()), ("fin.shop.orders", "PII"));
/// ```
///
/// # Errors
/// All mistakes; nothing is read then.
pub fn read(
    connection: &DbtConnection,
    manifest: &[u8],
    catalog: Option<&[u8]>,
) -> Result<Project, DbtErrors> {
    let mut errors = Collector::new(crate::STORED);
    let project = read_files(connection, manifest, catalog, &mut errors);
    errors.finish(Vec::new()).map_err(DbtErrors)?;
    Ok(project.expect("a project without a mistake is read"))
}

fn read_files(
    connection: &DbtConnection,
    manifest: &[u8],
    catalog: Option<&[u8]>,
    errors: &mut Collector,
) -> Option<Project> {
    let catalog = catalog.map(|bytes| Artifact::open(ArtifactKind::Catalog, bytes, errors));
    let manifest = Artifact::open(ArtifactKind::Manifest, manifest, errors)?;
    let about_file = |message: &str| {
        Diagnostic::about_file(Severity::Error, ArtifactKind::Manifest.as_str(), message.to_owned())
    };
    let adapter = manifest.metadata.adapter_type.as_deref().unwrap_or_default();
    let platform = adapter.to_lowercase();
    if check_name(&platform).is_err() {
        let message = "`metadata.adapter_type`, which names the platform, is missing";
        errors.add(Severity::Error, || about_file(message));
        return None;
    }
    let catalog = match &catalog {
        Some(catalog) => {
            let catalog = catalog.as_ref()?;
            Some((catalog, catalog.sections(errors)?))
        }
        None => None,
    };
    let sections = manifest.sections(errors)?;
    let mut nodes = Nodes::new(connection, &manifest, &platform);
    if let Some((catalog, sections)) = &catalog {
        nodes.set_catalog(catalog, sections);
    }
    let found = nodes.read(&sections, errors);
    // A manifest that lost its nodes would make every data source absent.
    if found.relations.is_empty() && errors.mistakes() == 0 {
        let message = "the manifest has no model, seed, snapshot or source that is a relation";
        errors.add(Severity::Error, || about_file(message));
    }
    let (host, naming) = (connection.host.clone(), connection.naming.clone());
    Some(Project { platform, host, naming, found })
}

impl Project {
    /// Returns the usernames and e-mail addresses by which the project names owners.
    #[must_use]
    pub fn owner_names(&self) -> BTreeSet<&str> {
        self.found.owners.iter().flat_map(|owner| &owner.names).map(String::as_str).collect()
    }

    /// Returns what the connection lists. `find_user` returns the username of who is known by a username or an e-mail
    /// address.
    #[must_use]
    pub fn into_reading(self, find_user: impl Fn(&str) -> Option<String>) -> Reading {
        let Self { platform, host, naming, found: Found { relations, owners, warnings } } = self;
        let mut reading = Reading { warnings, ..Reading::default() };
        let mut users = Vec::with_capacity(owners.len());
        for owner in &owners {
            let known: BTreeSet<String> = owner.names.iter().filter_map(|name| find_user(name)).collect();
            if known.is_empty() {
                reading.warnings.push(format!("no known user is the owner whom {} names", owner.place));
            }
            users.push(known);
        }
        let (mut names, mut unknown_columns) = (Names::default(), Vec::new());
        for relation in relations {
            let place = &relation.place;
            let name = names.name(&naming, place.database.as_deref(), place.schema.as_deref(), &place.table);
            if let Err(error) = check_name(&name) {
                let reason = format!("its name would not be valid: {error}");
                reading.skipped.push(Skipped { entry: relation.id, reason });
                continue;
            }
            let key = place.key(&platform);
            if relation.has_partial_columns() {
                reading.partial_columns.insert(key.clone());
            }
            let owners = relation.owners.iter().flat_map(|at| &users[*at]).cloned().collect();
            let (id, (object, unknown)) =
                (relation.id.clone(), relation.into_data_source(name, &platform, host.as_deref(), owners));
            unknown_columns.extend(unknown.into_iter().map(|column| format!("{id}.{column}")));
            reading.data_sources.push(Listed { key: Some(key), object });
        }
        if !unknown_columns.is_empty() {
            reading.warnings.push(format!(
                "columns that the project describes are not in the catalog; what it says of them has no effect: {}",
                named(unknown_columns.iter())
            ));
        }
        reading.sha256 = digest(&reading);
        reading
    }
}
