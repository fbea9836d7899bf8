//! The kinds of connection and what each is configured with.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::SecretReference;

/// A kind of connection with its fields.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub enum ConnectionKind {
    /// An identity provider pushes users and groups (RFC 7644).
    Scim(ScimConnection),
    /// A directory is read for users and groups.
    Ldap(LdapConnection),
    /// A database is read for its tables, columns and privileges.
    Postgres(PostgresConnection),
    /// The files of a dbt project are imported.
    Dbt(DbtConnection),
    /// A list of users is imported.
    Csv(CsvConnection),
}

impl ConnectionKind {
    /// Returns the name in files and API.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Scim(_) => "scim",
            Self::Ldap(_) => "ldap",
            Self::Postgres(_) => "postgres",
            Self::Dbt(_) => "dbt",
            Self::Csv(_) => "csv",
        }
    }

    /// Whether Domesday reads it by itself; the others are pushed or imported.
    #[must_use]
    pub fn is_pulled(&self) -> bool {
        matches!(self, Self::Ldap(_) | Self::Postgres(_))
    }

    /// Whether files of it are imported; the others are read or pushed.
    #[must_use]
    pub fn is_imported(&self) -> bool {
        matches!(self, Self::Dbt(_) | Self::Csv(_))
    }

    /// Whether the privileges of a database are read with it.
    #[must_use]
    pub fn reads_privileges(&self) -> bool {
        matches!(self, Self::Postgres(_))
    }

    /// Whether it brings users and groups; the others bring data sources.
    #[must_use]
    pub fn brings_people(&self) -> bool {
        matches!(self, Self::Scim(_) | Self::Ldap(_) | Self::Csv(_))
    }

    /// Returns where its password is, if a file says so.
    #[must_use]
    pub fn secret_reference(&self) -> Option<&SecretReference> {
        match self {
            Self::Ldap(ldap) => ldap.password.as_ref(),
            Self::Postgres(postgres) => postgres.password.as_ref(),
            Self::Scim(_) | Self::Dbt(_) | Self::Csv(_) => None,
        }
    }

    /// Returns the address that is connected to; none for a kind that is not read.
    #[must_use]
    pub fn url(&self) -> Option<&str> {
        match self {
            Self::Ldap(ldap) => Some(&ldap.url),
            Self::Postgres(postgres) => Some(&postgres.url),
            Self::Scim(_) | Self::Dbt(_) | Self::Csv(_) => None,
        }
    }
}

/// An identity provider that pushes.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ScimConnection {
    /// Attributes of Domesday by name, each with the SCIM path that gives its values: either a plain name of the core
    /// schema (`title`) or a schema's URN, a colon and the attribute.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: BTreeMap<String, String>,
}

/// A directory that is read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LdapConnection {
    /// `ldaps://host[:port]`, or `ldap://host[:port]` with StartTLS.
    pub url: String,
    /// The name to bind with; anonymous without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bind_dn: Option<String>,
    /// Where the password is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<SecretReference>,
    /// Where people are.
    pub users: LdapSearch,
    /// Where groups are; without it, nobody has groups from this directory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub groups: Option<LdapSearch>,
}

/// A search of a directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LdapSearch {
    /// The entry below which everything is searched.
    pub base: String,
    /// RFC 4515; a default for the kind of directory when not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<String>,
    /// Fields of the catalog's users or groups (`username`, `email`, `attributes.Region` …), each with the directory's
    /// attribute that gives its value. Those that are not named have a default for the kind of directory.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: BTreeMap<String, String>,
}

/// A database that is read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PostgresConnection {
    /// `postgres://user@host[:port]/database[?sslmode=…]`, without a password.
    pub url: String,
    /// Where the password is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<SecretReference>,
    /// Globs of the schemas that are read. PostgreSQL's own never are.
    #[serde(default = "every", skip_serializing_if = "is_every")]
    pub schemas: Vec<String>,
    /// The names of new data sources, with `{database}`, `{schema}` and `{table}`.
    #[serde(default = "naming", skip_serializing_if = "is_naming")]
    pub naming: String,
    /// Which role belongs to which user; the first that matches counts.
    #[serde(default = "identifications", skip_serializing_if = "is_identifications")]
    pub identify: Vec<Identification>,
    /// Tags given to columns as they are read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tag_rules: Vec<TagRule>,
}

/// A way to tell the user of a role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Identification {
    /// The role has the username as its name.
    Username,
    /// The role has the e-mail address as its name.
    Email,
    /// Roles by name, each with a username.
    #[serde(untagged)]
    Roles {
        /// Usernames by role.
        roles: BTreeMap<String, String>,
    },
    /// The role has the name that a template gives, with `{username}`, `{email}` and `{localPart}` (of the e-mail
    /// address).
    #[serde(untagged)]
    Template {
        /// The template.
        template: String,
    },
}

/// A rule that gives a tag to columns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TagRule {
    /// Globs of column names.
    pub columns: Vec<String>,
    /// Printed types, exactly; any without them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub types: Option<Vec<String>>,
    /// Globs of the names of relations; any without them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tables: Option<Vec<String>>,
    /// The tag.
    pub tag: String,
}

/// A dbt project whose files are imported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DbtConnection {
    /// The host of the data sources. A manifest does not name it; without one, data sources are recognized by platform,
    /// database, schema and table alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// What is put before the name of a tag of dbt that `tags` does not name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag_prefix: Option<String>,
    /// Tags of dbt, each with the tag of Domesday that it stands for.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    /// The names of new data sources, with `{database}`, `{schema}` and `{table}`.
    #[serde(default = "naming", skip_serializing_if = "is_naming")]
    pub naming: String,
}

impl Default for DbtConnection {
    fn default() -> Self {
        Self { host: None, tag_prefix: None, tags: BTreeMap::new(), naming: naming() }
    }
}

/// A list of users that is imported.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CsvConnection {
    /// Fields of the catalog's users, each with the header of its column; those that are not named have their own name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub map: BTreeMap<String, String>,
}

const NAMING: &str = "{database}.{schema}.{table}";

fn naming() -> String {
    NAMING.to_owned()
}

fn is_naming(naming: &str) -> bool {
    naming == NAMING
}

fn every() -> Vec<String> {
    vec!["*".to_owned()]
}

fn is_every(globs: &[String]) -> bool {
    *globs == ["*"]
}

fn identifications() -> Vec<Identification> {
    vec![Identification::Username, Identification::Email]
}

fn is_identifications(list: &[Identification]) -> bool {
    *list == [Identification::Username, Identification::Email]
}
