//! The schemas as data (RFC 7643, sections 2, 4 and 7).

mod core;
mod discovered;

use std::fmt;

use domesday_model::ScimConnection;
use serde_json::{Value, json};

use super::{ENTERPRISE_SCHEMA, GROUP_SCHEMA, USER_SCHEMA};

pub(super) use discovered::discovery_schemas;

/// The types of values (RFC 7643, section 2.3) that these schemas have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DataType {
    String,
    Boolean,
    Integer,
    DateTime,
    Binary,
    Reference,
    Complex,
}

impl DataType {
    fn as_str(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Boolean => "boolean",
            Self::Integer => "integer",
            Self::DateTime => "dateTime",
            Self::Binary => "binary",
            Self::Reference => "reference",
            Self::Complex => "complex",
        }
    }
}

/// Who changes an attribute, and when (RFC 7643, section 7).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mutability {
    ReadWrite,
    ReadOnly,
    Immutable,
    WriteOnly,
}

/// When an attribute is part of an answer (RFC 7643, section 7).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Returned {
    Always,
    Never,
    Default,
}

/// An attribute. The defaults are those of RFC 7643, section 2.2.
#[derive(Debug, Clone)]
pub(super) struct Attribute {
    pub(super) name: String,
    pub(super) description: String,
    pub(super) data_type: DataType,
    pub(super) is_multi_valued: bool,
    pub(super) is_required: bool,
    pub(super) is_case_exact: bool,
    pub(super) is_unique: bool,
    pub(super) mutability: Mutability,
    pub(super) returned: Returned,
    pub(super) canonical_values: &'static [&'static str],
    pub(super) reference_types: &'static [&'static str],
    pub(super) sub_attributes: Vec<Attribute>,
    /// Whether any value is taken as it is: only the provider knows the schema that this attribute comes from.
    pub(super) is_open: bool,
}

impl Attribute {
    pub(super) fn new(name: &str, data_type: DataType, description: &str) -> Self {
        Self {
            name: name.to_owned(),
            description: description.to_owned(),
            data_type,
            is_multi_valued: false,
            is_required: false,
            is_case_exact: matches!(data_type, DataType::Binary | DataType::Reference),
            is_unique: false,
            mutability: Mutability::ReadWrite,
            returned: Returned::Default,
            canonical_values: &[],
            reference_types: &[],
            sub_attributes: Vec::new(),
            is_open: false,
        }
    }

    pub(super) fn string(name: &str, description: &str) -> Self {
        Self::new(name, DataType::String, description)
    }

    pub(super) fn complex(name: &str, description: &str, sub_attributes: Vec<Self>) -> Self {
        Self { sub_attributes, ..Self::new(name, DataType::Complex, description) }
    }

    fn multi_valued(self) -> Self {
        Self { is_multi_valued: true, ..self }
    }

    fn required(self) -> Self {
        Self { is_required: true, ..self }
    }

    fn case_exact(self) -> Self {
        Self { is_case_exact: true, ..self }
    }

    fn mutability(self, mutability: Mutability) -> Self {
        Self { mutability, ..self }
    }

    fn canonical(self, canonical_values: &'static [&'static str]) -> Self {
        Self { canonical_values, ..self }
    }

    fn refers_to(self, reference_types: &'static [&'static str]) -> Self {
        Self { reference_types, ..self }
    }

    /// Returns the sub-attribute of a name in any case of letters.
    pub(super) fn sub_attribute(&self, name: &str) -> Option<&Self> {
        self.sub_attributes.iter().find(|sub| sub.name.eq_ignore_ascii_case(name))
    }

    /// Returns the attribute as a schema describes it.
    fn document(&self) -> Value {
        let mut document = json!({
            "name": self.name,
            "type": self.data_type.as_str(),
            "multiValued": self.is_multi_valued,
            "description": self.description,
            "required": self.is_required,
            "caseExact": self.is_case_exact,
            "mutability": match self.mutability {
                Mutability::ReadWrite => "readWrite",
                Mutability::ReadOnly => "readOnly",
                Mutability::Immutable => "immutable",
                Mutability::WriteOnly => "writeOnly",
            },
            "returned": match self.returned {
                Returned::Always => "always",
                Returned::Never => "never",
                Returned::Default => "default",
            },
            "uniqueness": if self.is_unique { "server" } else { "none" },
        });
        if !self.canonical_values.is_empty() {
            document["canonicalValues"] = json!(self.canonical_values);
        }
        if self.data_type == DataType::Reference {
            document["referenceTypes"] = json!(self.reference_types);
        }
        if !self.sub_attributes.is_empty() {
            document["subAttributes"] = self.sub_attributes.iter().map(Self::document).collect();
        }
        document
    }
}

/// A schema: a resource's own, or an extension.
#[derive(Debug, Clone)]
pub(super) struct Schema {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) description: String,
    pub(super) attributes: Vec<Attribute>,
}

impl Schema {
    /// Returns the attribute of a name in any case of letters.
    pub(super) fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.attributes.iter().find(|attribute| attribute.name.eq_ignore_ascii_case(name))
    }

    /// Returns the schema as a client discovers it.
    pub(super) fn document(&self) -> Value {
        json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Schema"],
            "id": self.id,
            "name": self.name,
            "description": self.description,
            "attributes": self.attributes.iter().map(Attribute::document).collect::<Value>(),
        })
    }
}

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
    pub(super) kind: ResourceKind,
    /// The attributes of every kind (RFC 7643, section 3.1).
    pub(super) common: Vec<Attribute>,
    /// The kind's own attributes.
    pub(super) core: Schema,
    pub(super) extensions: Vec<Schema>,
}

impl ResourceSchema {
    /// Returns the kind.
    #[must_use]
    pub fn kind(&self) -> ResourceKind {
        self.kind
    }

    /// Returns the attribute of the kind with a name in any case of letters.
    pub(super) fn attribute(&self, name: &str) -> Option<&Attribute> {
        let common = self.common.iter().find(|attribute| attribute.name.eq_ignore_ascii_case(name));
        common.or_else(|| self.core.attribute(name))
    }

    /// Returns the extension with an id in any case of letters.
    pub(super) fn extension(&self, id: &str) -> Option<&Schema> {
        self.extensions.iter().find(|extension| extension.id.eq_ignore_ascii_case(id))
    }
}

/// The schemas that a connection serves.
#[derive(Debug, Clone)]
pub struct Schemas {
    pub(super) user: ResourceSchema,
    pub(super) group: ResourceSchema,
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
    pub(super) fn all(&self) -> impl Iterator<Item = &Schema> {
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
    let is_urn = path.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("urn:"));
    let (id, name) = path.rsplit_once(':').filter(|_| is_urn)?;
    let name = name.split(['.', '[']).next().unwrap_or(name);
    let is_standard =
        [USER_SCHEMA, GROUP_SCHEMA, ENTERPRISE_SCHEMA].iter().any(|known| known.eq_ignore_ascii_case(id));
    let is_name = name.starts_with(|first: char| first.is_ascii_alphabetic());
    (!is_standard && is_name).then_some((id, name))
}
