//! Schemas and attributes (RFC 7643, section 7).

use serde_json::{Value, json};

/// The types of values (RFC 7643, section 2.3) that these schemas have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::scim) enum DataType {
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
pub(in crate::scim) enum Mutability {
    ReadWrite,
    ReadOnly,
    Immutable,
    WriteOnly,
}

/// When an attribute is part of an answer (RFC 7643, section 7).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::scim) enum Returned {
    Always,
    Never,
    Default,
}

/// An attribute. The defaults are those of RFC 7643, section 2.2.
#[derive(Debug, Clone)]
pub(in crate::scim) struct Attribute {
    pub(in crate::scim) name: String,
    pub(in crate::scim) description: String,
    pub(in crate::scim) data_type: DataType,
    pub(in crate::scim) is_multi_valued: bool,
    pub(in crate::scim) is_required: bool,
    pub(in crate::scim) is_case_exact: bool,
    pub(in crate::scim) is_unique: bool,
    pub(in crate::scim) mutability: Mutability,
    pub(in crate::scim) returned: Returned,
    pub(in crate::scim) canonical_values: &'static [&'static str],
    pub(in crate::scim) reference_types: &'static [&'static str],
    pub(in crate::scim) sub_attributes: Vec<Attribute>,
    /// Whether any value is taken as it is: only the provider knows the schema that this attribute comes from.
    pub(in crate::scim) is_open: bool,
}

impl Attribute {
    pub(in crate::scim) fn new(name: &str, data_type: DataType, description: &str) -> Self {
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

    pub(in crate::scim) fn string(name: &str, description: &str) -> Self {
        Self::new(name, DataType::String, description)
    }

    pub(in crate::scim) fn complex(name: &str, description: &str, sub_attributes: Vec<Self>) -> Self {
        Self { sub_attributes, ..Self::new(name, DataType::Complex, description) }
    }

    pub(super) fn multi_valued(self) -> Self {
        Self { is_multi_valued: true, ..self }
    }

    pub(super) fn required(self) -> Self {
        Self { is_required: true, ..self }
    }

    pub(super) fn case_exact(self) -> Self {
        Self { is_case_exact: true, ..self }
    }

    pub(super) fn mutability(self, mutability: Mutability) -> Self {
        Self { mutability, ..self }
    }

    pub(super) fn canonical(self, canonical_values: &'static [&'static str]) -> Self {
        Self { canonical_values, ..self }
    }

    pub(super) fn refers_to(self, reference_types: &'static [&'static str]) -> Self {
        Self { reference_types, ..self }
    }

    /// Returns the sub-attribute of a name in any case of letters.
    pub(in crate::scim) fn sub_attribute(&self, name: &str) -> Option<&Self> {
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
pub(in crate::scim) struct Schema {
    pub(in crate::scim) id: String,
    pub(in crate::scim) name: String,
    pub(in crate::scim) description: String,
    pub(in crate::scim) attributes: Vec<Attribute>,
}

impl Schema {
    /// Returns the attribute of a name in any case of letters.
    pub(in crate::scim) fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.attributes.iter().find(|attribute| attribute.name.eq_ignore_ascii_case(name))
    }

    /// Returns the schema as a client discovers it.
    pub(in crate::scim) fn document(&self) -> Value {
        json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Schema"],
            "id": self.id,
            "name": self.name,
            "description": self.description,
            "attributes": self.attributes.iter().map(Attribute::document).collect::<Value>(),
        })
    }
}
