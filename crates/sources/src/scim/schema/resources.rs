//! The schemas of a connection's resources.

use std::fmt;

use domesday_model::ScimConnection;

use super::super::urns::{ENTERPRISE_SCHEMA, GROUP_SCHEMA, USER_SCHEMA};
use super::core;
use super::types::{Attribute, Schema};

/// The kinds of resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ResourceKind {
    /// A person.
    User,
    /// A group of people and groups.
    Group,
}

impl ResourceKind {
    /// Every kind.
    pub const ALL: [Self; 2] = [Self::User, Self::Group];

    /// Returns the name of the resource type.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "User",
            Self::Group => "Group",
        }
    }

    /// Returns the last part of the address of its resources.
    #[must_use]
    pub fn endpoint(self) -> &'static str {
        match self {
            Self::User => "Users",
            Self::Group => "Groups",
        }
    }

    /// Returns the attribute with the resource's name, which is unique in a connection.
    #[must_use]
    pub fn name_attribute(self) -> &'static str {
        match self {
            Self::User => "userName",
            Self::Group => "displayName",
        }
    }
}

impl fmt::Display for ResourceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What resources of a kind consist of.
#[derive(Debug, Clone)]
pub struct ResourceSchema {
    pub(in crate::scim) kind: ResourceKind,
    /// The attributes of every kind (RFC 7643, section 3.1).
    pub(in crate::scim) common: Vec<Attribute>,
    /// The kind's own attributes.
    pub(in crate::scim) core: Schema,
    pub(in crate::scim) extensions: Vec<Schema>,
}

impl ResourceSchema {
    /// Returns the kind.
    #[must_use]
    pub fn kind(&self) -> ResourceKind {
        self.kind
    }

    /// Returns the attribute of the kind with a name in any case of letters.
    pub(in crate::scim) fn attribute(&self, name: &str) -> Option<&Attribute> {
        let common = self.common.iter().find(|attribute| attribute.name.eq_ignore_ascii_case(name));
        common.or_else(|| self.core.attribute(name))
    }

    /// Returns the extension with an id in any case of letters.
    pub(in crate::scim) fn extension(&self, id: &str) -> Option<&Schema> {
        self.extensions.iter().find(|extension| extension.id.eq_ignore_ascii_case(id))
    }
}

/// The schemas that a connection serves.
#[derive(Debug, Clone)]
pub struct Schemas {
    pub(in crate::scim) user: ResourceSchema,
    pub(in crate::scim) group: ResourceSchema,
}

impl Schemas {
    /// Returns the schemas of a connection: the standard's, and the attributes of other extensions that the connection
    /// maps.
    #[must_use]
    pub fn new(connection: &ScimConnection) -> Self {
        let mut extensions = vec![core::enterprise()];
        for path in connection.attributes.values() {
            add_mapped(&mut extensions, path);
        }
        Self {
            user: ResourceSchema {
                kind: ResourceKind::User,
                common: core::common(),
                core: core::user(),
                extensions,
            },
            group: ResourceSchema {
                kind: ResourceKind::Group,
                common: core::common(),
                core: core::group(),
                extensions: Vec::new(),
            },
        }
    }

    /// Returns what resources of a kind consist of.
    #[must_use]
    pub fn of_kind(&self, kind: ResourceKind) -> &ResourceSchema {
        match kind {
            ResourceKind::User => &self.user,
            ResourceKind::Group => &self.group,
        }
    }

    /// Returns every schema of resources.
    pub(in crate::scim) fn all(&self) -> impl Iterator<Item = &Schema> {
        [&self.user, &self.group].into_iter().flat_map(|one| [&one.core].into_iter().chain(&one.extensions))
    }
}

/// Adds the attribute of another extension that a mapping names.
fn add_mapped(extensions: &mut Vec<Schema>, path: &str) {
    let Some((id, name)) = split_mapped(path) else { return };
    let position = extensions.iter().position(|extension| extension.id.eq_ignore_ascii_case(id));
    let extension = match position {
        Some(position) => &mut extensions[position],
        None => {
            let label = id.rsplit(':').nth(2).unwrap_or(id);
            extensions.push(Schema {
                id: id.to_owned(),
                name: label.to_owned(),
                description: "Attributes that this connection maps".to_owned(),
                attributes: Vec::new(),
            });
            extensions.last_mut().expect("an extension was pushed")
        }
    };
    if extension.attribute(name).is_none() {
        let attribute = Attribute::string(name, "An attribute that this connection maps");
        extension.attributes.push(Attribute { is_open: true, ..attribute });
    }
}

/// Splits the path of a mapping that names another schema than the standard's into the schema's URN and the attribute.
fn split_mapped(path: &str) -> Option<(&str, &str)> {
    let (id, name) = path.rsplit_once(':')?;
    // RFC 8141: `urn:`, a namespace and a name in it.
    let is_urn = id.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("urn:")) && id[4..].contains(':');
    let name = name.split(['.', '[']).next().unwrap_or(name);
    let is_standard =
        [USER_SCHEMA, GROUP_SCHEMA, ENTERPRISE_SCHEMA].iter().any(|known| known.eq_ignore_ascii_case(id));
    let is_name = name.starts_with(|first: char| first.is_ascii_alphabetic());
    (is_urn && !is_standard && is_name).then_some((id, name))
}
