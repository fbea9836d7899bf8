//! Paths of attributes: `userName`, `name.familyName`, `urn:…:User:department` (RFC 7644, section 3.10).

use super::schema::{Attribute, DataType, ResourceSchema};

/// An attribute, or a sub-attribute, with its names as the schema spells them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttributePath {
    /// The id of the extension that the attribute belongs to; none for attributes of the kind itself.
    pub(super) extension: Option<String>,
    /// The attribute.
    pub(super) attribute: String,
    /// Its sub-attribute.
    pub(super) sub: Option<String>,
    /// The type of the values that the path leads to.
    pub(super) data_type: DataType,
    /// Whether the case of letters counts in them.
    pub(super) is_case_exact: bool,
}

/// What a path names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Target {
    Attribute(AttributePath),
    /// A whole extension.
    Extension(String),
    /// No attribute of the schemas.
    Unknown,
}

impl AttributePath {
    /// Reads the path of an attribute that the schemas have; `None` for any other text.
    #[must_use]
    pub fn parse(text: &str, schema: &ResourceSchema) -> Option<Self> {
        match resolve(text, schema) {
            Target::Attribute(path) => Some(path),
            Target::Extension(_) | Target::Unknown => None,
        }
    }

    /// Returns the attribute in the schemas.
    pub(super) fn definition<'s>(&self, schema: &'s ResourceSchema) -> Option<&'s Attribute> {
        match &self.extension {
            Some(id) => schema.extension(id)?.attribute(&self.attribute),
            None => schema.attribute(&self.attribute),
        }
    }

    /// Whether this is an attribute of the kind itself, with a name and no sub-attribute, or with the sub-attribute
    /// `value`.
    #[must_use]
    pub fn is(&self, attribute: &str) -> bool {
        self.extension.is_none()
            && self.attribute == attribute
            && self.sub.as_deref().is_none_or(|sub| sub == "value")
    }
}

/// Finds what a path names, in any case of letters.
pub(super) fn resolve(text: &str, schema: &ResourceSchema) -> Target {
    let text = text.trim();
    if let Some(extension) = schema.extension(text) {
        return Target::Extension(extension.id.clone());
    }
    // A URN contains dots and colons: only a known one can be told from what follows it.
    let after = |id: &str| {
        let (start, rest) = (text.get(..id.len())?, text.get(id.len()..)?);
        start.eq_ignore_ascii_case(id).then(|| rest.strip_prefix([':', '.'])).flatten()
    };
    let in_extension =
        schema.extensions.iter().find_map(|extension| Some((extension, after(&extension.id)?)));
    let (extension, rest) = match in_extension {
        Some((extension, rest)) => (Some(extension), rest),
        None => (None, after(&schema.core.id).unwrap_or(text)),
    };
    let (name, sub) = rest.split_once('.').map_or((rest, None), |(name, sub)| (name, Some(sub)));
    let attribute = match extension {
        Some(extension) => extension.attribute(name),
        None => schema.attribute(name),
    };
    let Some(attribute) = attribute else { return Target::Unknown };
    let path = |sub: Option<&str>, leaf: &Attribute| {
        Target::Attribute(AttributePath {
            extension: extension.map(|extension| extension.id.clone()),
            attribute: attribute.name.clone(),
            sub: sub.map(str::to_owned),
            data_type: leaf.data_type,
            is_case_exact: leaf.is_case_exact,
        })
    };
    match sub {
        None => path(None, attribute),
        Some(sub) if attribute.is_open => path(Some(sub), attribute),
        Some(sub) => match attribute.sub_attribute(sub) {
            Some(found) => path(Some(&found.name), found),
            None => Target::Unknown,
        },
    }
}

/// Returns the path of a sub-attribute within the values of an attribute, as a filter in brackets names it.
pub(super) fn resolve_within(text: &str, attribute: &Attribute) -> Option<AttributePath> {
    let found = attribute.sub_attribute(text.trim())?;
    Some(AttributePath {
        extension: None,
        attribute: found.name.clone(),
        sub: None,
        data_type: found.data_type,
        is_case_exact: found.is_case_exact,
    })
}

#[cfg(test)]
mod tests {
    use domesday_model::ScimConnection;

    use super::super::{ENTERPRISE_SCHEMA, Schemas};
    use super::*;

    #[test]
    fn paths_are_read_in_any_case_and_with_their_schema() {
        let mapped = "urn:acme:params:scim:schemas:hr:2.0:User:region";
        let connection =
            ScimConnection { attributes: [("Region".to_owned(), mapped.to_owned())].into_iter().collect() };
        let schemas = Schemas::new(&connection);
        let parse = |text: &str| {
            let path = AttributePath::parse(text, &schemas.user)?;
            Some((path.extension.is_some(), path.attribute, path.sub))
        };
        let name = |name: &str| name.to_owned();
        assert_eq!(parse("USERNAME"), Some((false, name("userName"), None)));
        assert_eq!(parse("name.FamilyName"), Some((false, name("name"), Some(name("familyName")))));
        let core = "urn:ietf:params:scim:schemas:core:2.0:user:emails.value";
        assert_eq!(parse(core), Some((false, name("emails"), Some(name("value")))));
        let department = format!("{ENTERPRISE_SCHEMA}:Department");
        assert_eq!(parse(&department), Some((true, name("department"), None)));
        assert_eq!(parse(&format!("{ENTERPRISE_SCHEMA}:manager.value")).unwrap().2, Some(name("value")));
        assert_eq!(parse(mapped), Some((true, name("region"), None)));
        for unknown in ["", "nothing", "name.nothing", "urn:other:User:region", ENTERPRISE_SCHEMA] {
            assert_eq!(parse(unknown), None, "{unknown}");
        }
        assert_eq!(
            resolve(&ENTERPRISE_SCHEMA.to_uppercase(), &schemas.user),
            Target::Extension(ENTERPRISE_SCHEMA.to_owned())
        );
    }
}
