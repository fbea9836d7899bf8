//! The files that dbt writes into `target`: which one a text is, and the parts of it that are read.
//!
//! <https://schemas.getdbt.com> has a schema for each version. Only the fields below are read; dbt adds others in any
//! release.

use std::ops::RangeInclusive;

use domesday_model::Excerpt;
use domesday_model::validate::Severity;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::json::{Entries, Texts};
use crate::diagnostic::{Collector, Diagnostic};
use crate::document;
use crate::text::SourceText;

/// The largest file, in bytes.
const MAX_BYTES: usize = 256 << 20;

/// The versions of a manifest that are read: dbt-core 1.5 to 1.11.
const MANIFEST_VERSIONS: RangeInclusive<u32> = 9..=12;

/// The only version of a catalog that there is.
const CATALOG_VERSIONS: RangeInclusive<u32> = 1..=1;

/// Which file is expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ArtifactKind {
    Manifest,
    Catalog,
}

impl ArtifactKind {
    /// The name of the file in diagnostics, and the word in the address of its schema.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Manifest => "manifest",
            Self::Catalog => "catalog",
        }
    }

    fn expected(self) -> &'static str {
        match self {
            Self::Manifest => {
                "expected a manifest of dbt of version 9 to 12, which dbt-core 1.5 to 1.11 write as \
                 `target/manifest.json`"
            }
            Self::Catalog => {
                "expected a catalog of dbt of version 1, which `dbt docs generate` writes as `target/catalog.json`"
            }
        }
    }

    /// Whether the address of a schema is that of this kind in a version that is read.
    fn is_read(self, schema: &str) -> bool {
        let versions = match self {
            Self::Manifest => MANIFEST_VERSIONS,
            Self::Catalog => CATALOG_VERSIONS,
        };
        let version = schema.rsplit_once(self.as_str()).and_then(|(start, end)| {
            let number = end.strip_prefix("/v")?.strip_suffix(".json")?;
            (start.ends_with('/') && !number.starts_with('+')).then_some(number)?.parse().ok()
        });
        version.is_some_and(|version: u32| versions.contains(&version))
    }
}

/// A file of a version that is read.
pub(super) struct Artifact<'t> {
    kind: ArtifactKind,
    text: SourceText<'t>,
    pub(super) metadata: Metadata,
}

/// What a file says of itself.
#[derive(Debug, Deserialize)]
pub(super) struct Metadata {
    dbt_schema_version: String,
    pub(super) adapter_type: Option<String>,
}

/// The objects of a file by their unique ids, each as its text.
#[derive(Deserialize)]
pub(super) struct Sections<'t> {
    #[serde(borrow)]
    pub(super) nodes: Entries<&'t RawValue>,
    #[serde(borrow)]
    pub(super) sources: Entries<&'t RawValue>,
    #[serde(borrow, default)]
    pub(super) groups: Entries<&'t RawValue>,
}

impl<'t> Artifact<'t> {
    /// Checks that a text is the file that is expected; `None` when it is not, with the mistake collected.
    pub(super) fn open(kind: ArtifactKind, bytes: &'t [u8], errors: &mut Collector) -> Option<Self> {
        let about_file = |message: String| Diagnostic::about_file(Severity::Error, kind.as_str(), message);
        if bytes.len() > MAX_BYTES {
            errors.add(Severity::Error, || {
                about_file(format!("the file has more than {} MiB", MAX_BYTES >> 20))
            });
            return None;
        }
        let Ok(text) = std::str::from_utf8(bytes) else {
            errors.add(Severity::Error, || about_file(format!("the file is not UTF-8; {}", kind.expected())));
            return None;
        };
        let text = SourceText::new(text);
        // Refuses what parsers read differently, and bounds the nesting.
        if let Err(error) = document::check_json(text.as_str()) {
            let message = if error.is_grammar {
                format!("{}; {}", error.message, kind.expected())
            } else {
                error.message
            };
            errors.add(Severity::Error, || {
                Diagnostic::new(Severity::Error, kind.as_str(), &text, error.at, String::new(), message)
            });
            return None;
        }
        #[derive(Deserialize)]
        struct Head {
            metadata: Metadata,
        }
        let found = match serde_json::from_str::<Head>(text.as_str()) {
            Ok(Head { metadata }) if kind.is_read(&metadata.dbt_schema_version) => {
                return Some(Self { kind, text, metadata });
            }
            Ok(Head { metadata }) => format!("found `{}`", Excerpt(&metadata.dbt_schema_version)),
            Err(_) => "found no `metadata.dbt_schema_version`".to_owned(),
        };
        errors.add(Severity::Error, || about_file(format!("{}; {found}", kind.expected())));
        None
    }

    /// Returns the objects of the file; `None` when they are not where they should be, with the mistake collected.
    pub(super) fn sections(&self, errors: &mut Collector) -> Option<Sections<'_>> {
        match serde_json::from_str(self.text.as_str()) {
            Ok(sections) => Some(sections),
            Err(error) => {
                errors.add(Severity::Error, || {
                    Diagnostic::about_file(Severity::Error, self.kind.as_str(), error.to_string())
                });
                None
            }
        }
    }

    /// Parses one object; `None` with the mistake collected when it is not as dbt writes it.
    pub(super) fn parse<'a, T: Deserialize<'a>>(
        &'a self,
        id: &str,
        object: &'a RawValue,
        errors: &mut Collector,
    ) -> Option<T> {
        match serde_json::from_str(object.get()) {
            Ok(parsed) => Some(parsed),
            Err(error) => {
                // The place would be one inside the object.
                let message = error.to_string();
                let message = message.rsplit_once(" at line ").map_or(&*message, |(message, _)| message);
                self.error(id, object, message.to_owned(), errors);
                None
            }
        }
    }

    /// Collects a mistake of an object, which it names.
    pub(super) fn error(&self, id: &str, object: &RawValue, message: String, errors: &mut Collector) {
        // An object is a part of the text.
        let at = (object.get().as_ptr() as usize).saturating_sub(self.text.as_str().as_ptr() as usize);
        let field = format!("`{}`", Excerpt(id));
        errors.add(Severity::Error, || {
            Diagnostic::new(Severity::Error, self.kind.as_str(), &self.text, at, field, message)
        });
    }
}

/// What kind of node an object is.
#[derive(Debug, Deserialize)]
pub(super) struct ResourceType {
    #[serde(default)]
    pub(super) resource_type: String,
}

/// A model, seed, snapshot or source of a manifest.
#[derive(Debug, Deserialize)]
pub(super) struct Node {
    #[serde(default)]
    pub(super) package_name: String,
    pub(super) database: Option<String>,
    pub(super) schema: Option<String>,
    /// The name of the relation of a node.
    pub(super) alias: Option<String>,
    /// The name of the relation of a source.
    pub(super) identifier: Option<String>,
    /// The relation as it is written in SQL.
    pub(super) relation_name: Option<String>,
    pub(super) group: Option<String>,
    pub(super) tags: Option<Texts>,
    pub(super) meta: Option<Meta<NodeMeta>>,
    #[serde(default)]
    pub(super) columns: Entries<Column>,
    #[serde(default)]
    pub(super) config: NodeConfig,
}

/// The configuration of a node; newer versions have there what older ones have beside it.
#[derive(Debug, Default, Deserialize)]
pub(super) struct NodeConfig {
    pub(super) enabled: Option<bool>,
    pub(super) materialized: Option<String>,
    pub(super) group: Option<String>,
    pub(super) tags: Option<Texts>,
    pub(super) meta: Option<Meta<NodeMeta>>,
}

/// A column as the project describes it.
#[derive(Debug, Deserialize)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) description: Option<String>,
    pub(super) data_type: Option<String>,
    pub(super) quote: Option<bool>,
    pub(super) tags: Option<Texts>,
    pub(super) meta: Option<Meta<ColumnMeta>>,
    #[serde(default)]
    pub(super) config: ColumnConfig,
    pub(super) constraints: Option<Vec<Constraint>>,
}

/// The configuration of a column, which has its tags since dbt-core 1.10.
#[derive(Debug, Default, Deserialize)]
pub(super) struct ColumnConfig {
    pub(super) tags: Option<Texts>,
    pub(super) meta: Option<Meta<ColumnMeta>>,
}

/// A constraint of a column.
#[derive(Debug, Deserialize)]
pub(super) struct Constraint {
    #[serde(rename = "type")]
    pub(super) kind: String,
}

/// What a project says for Domesday under `meta`; the other keys are for others.
#[derive(Debug, Deserialize)]
pub(super) struct Meta<T> {
    pub(super) domesday: Option<T>,
}

/// What `meta.domesday` of a node says. Other keys are mistakes: a misspelt one would lose a tag without a word.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NodeMeta {
    /// Tags of Domesday.
    pub(super) tags: Option<Texts>,
    /// Usernames or e-mail addresses.
    pub(super) owner: Option<Texts>,
}

/// What `meta.domesday` of a column says.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ColumnMeta {
    /// Tags of Domesday.
    pub(super) tags: Option<Texts>,
}

/// A group of models.
#[derive(Debug, Deserialize)]
pub(super) struct Group {
    pub(super) name: String,
    #[serde(default)]
    pub(super) package_name: String,
    pub(super) owner: Option<GroupOwner>,
}

/// Who owns a group.
#[derive(Debug, Deserialize)]
pub(super) struct GroupOwner {
    pub(super) email: Option<Texts>,
    pub(super) name: Option<Texts>,
}

/// A relation of a catalog.
#[derive(Debug, Deserialize)]
pub(super) struct CatalogTable {
    pub(super) columns: Entries<CatalogColumn>,
}

/// A column as the database has it.
#[derive(Debug, Deserialize)]
pub(super) struct CatalogColumn {
    pub(super) name: String,
    pub(super) index: i64,
    #[serde(rename = "type")]
    pub(super) data_type: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_9_to_12_of_a_manifest_are_read() {
        let manifest = |version: &str| format!("https://schemas.getdbt.com/dbt/manifest/{version}.json");
        for version in ["v9", "v10", "v11", "v12"] {
            assert!(ArtifactKind::Manifest.is_read(&manifest(version)), "{version}");
            assert!(!ArtifactKind::Catalog.is_read(&manifest(version)), "{version}");
        }
        for version in ["v8", "v13", "v", "v+9", "9", "v9.json", "v99999999999"] {
            assert!(!ArtifactKind::Manifest.is_read(&manifest(version)), "{version}");
        }
        assert!(ArtifactKind::Catalog.is_read("https://schemas.getdbt.com/dbt/catalog/v1.json"));
        assert!(!ArtifactKind::Manifest.is_read("") && !ArtifactKind::Manifest.is_read("manifest/v9.json"));
    }
}
