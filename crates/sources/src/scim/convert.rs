//! Resources into users and groups of the model.

use std::collections::BTreeSet;

use domesday_model::{Attributes, Group, ScimConnection, User, UserStatus};
use serde_json::Value;

use super::filter::values;
use super::path::AttributePath;
use super::resource::{Document, name};
use super::schema::{ResourceKind, ResourceSchema, Schemas};
use super::urns::ENTERPRISE_SCHEMA;

/// What a user has that its resource does not contain.
#[derive(Debug, Clone, Default)]
pub struct UserContext<'c> {
    /// The name of the connection, which is the user's identity provider.
    pub connection: &'c str,
    /// The names of the user's groups, those by other groups included.
    pub groups: BTreeSet<String>,
    /// The username of the manager.
    pub manager: Option<String>,
}

/// Returns the user of a resource. Attributes come from the paths of the connection's mapping.
#[must_use]
pub fn convert_user(
    schema: &ResourceSchema,
    mapping: &ScimConnection,
    document: &Document,
    context: UserContext<'_>,
) -> User {
    let enterprise = document.get(ENTERPRISE_SCHEMA).and_then(Value::as_object);
    let enterprise = |key: &str| enterprise.and_then(|values| text(values, key));
    let is_disabled = document.get("active") == Some(&Value::Bool(false));
    User {
        name: display_name(document),
        email: email(document),
        identity_provider: context.connection.to_owned(),
        status: if is_disabled { UserStatus::Disabled } else { UserStatus::Active },
        groups: context.groups,
        attributes: attributes(schema, mapping, document),
        employee_number: enterprise("employeeNumber"),
        department: enterprise("department"),
        title: text(document, "title"),
        manager: context.manager,
        ..User::named(name(ResourceKind::User, document))
    }
}

/// Returns the group of a resource.
#[must_use]
pub fn convert_group(document: &Document) -> Group {
    Group {
        name: name(ResourceKind::Group, document).to_owned(),
        description: None,
        attributes: Attributes::new(),
    }
}

/// Returns what names the manager of a user: the manager's id, or as some providers send it, the manager's username.
#[must_use]
pub fn manager_reference(document: &Document) -> Option<&str> {
    let manager = document.get(ENTERPRISE_SCHEMA)?.get("manager")?;
    manager.get("value")?.as_str().filter(|value| !value.trim().is_empty())
}

/// A path of a mapping that leads to no attribute.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`attributes`: `{attribute}` is mapped to `{path}`, which is no attribute of SCIM; use a name of the core schema such \
     as `title` or `name.familyName`, or a schema's URN, a colon and the attribute"
)]
pub struct MappingError {
    /// The attribute of Domesday.
    pub attribute: String,
    /// The path.
    pub path: String,
}

/// Checks the mapping of a connection.
///
/// # Errors
/// The first path that leads to no attribute.
pub fn check(connection: &ScimConnection) -> Result<(), MappingError> {
    let schemas = Schemas::new(connection);
    let is_unknown = |path: &str| AttributePath::parse(path, &schemas.user).is_none();
    match connection.attributes.iter().find(|(_, path)| is_unknown(path)) {
        None => Ok(()),
        Some((attribute, path)) => Err(MappingError { attribute: attribute.clone(), path: path.clone() }),
    }
}

/// Returns a text that is not blank.
fn text(values: &Document, key: &str) -> Option<String> {
    values.get(key).and_then(Value::as_str).filter(|text| !text.trim().is_empty()).map(str::to_owned)
}

fn display_name(document: &Document) -> Option<String> {
    let name = document.get("name").and_then(Value::as_object);
    let part = |key| name.and_then(|name| text(name, key));
    let joined = || {
        let parts: Vec<_> = [part("givenName"), part("familyName")].into_iter().flatten().collect();
        Some(parts.join(" ")).filter(|name| !name.is_empty())
    };
    text(document, "displayName").or_else(|| part("formatted")).or_else(joined)
}

/// Returns the primary e-mail address, or else the one for work, or else the first.
fn email(document: &Document) -> Option<String> {
    let emails: Vec<_> = document.get("emails")?.as_array()?.iter().filter_map(Value::as_object).collect();
    let is_work = |email: &Document| {
        email.get("type").and_then(Value::as_str).is_some_and(|kind| kind.eq_ignore_ascii_case("work"))
    };
    let primary = emails.iter().find(|email| email.get("primary") == Some(&Value::Bool(true)));
    let chosen = primary.or_else(|| emails.iter().find(|email| is_work(email))).or_else(|| emails.first())?;
    text(chosen, "value")
}

fn attributes(schema: &ResourceSchema, mapping: &ScimConnection, document: &Document) -> Attributes {
    let mut attributes = Attributes::new();
    for (attribute, path) in &mapping.attributes {
        let Some(path) = AttributePath::parse(path, schema) else { continue };
        let values = values(document, &path).into_iter().filter_map(|value| match value {
            Value::String(text) => Some(text.clone()).filter(|text| !text.trim().is_empty()),
            Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
            Value::Null | Value::Array(_) | Value::Object(_) => None,
        });
        let values: BTreeSet<_> = values.collect();
        if !values.is_empty() {
            attributes.insert(attribute.clone(), values);
        }
    }
    attributes
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::normalize;
    use super::*;

    fn mapping() -> ScimConnection {
        let region = "urn:acme:params:scim:schemas:hr:2.0:User:region";
        let pairs = [("Region", region), ("Title", "title"), ("Phone", "phoneNumbers.value")];
        let attributes = pairs.map(|(name, path)| (name.to_owned(), path.to_owned())).into_iter().collect();
        ScimConnection { attributes }
    }

    #[test]
    fn a_user_has_the_fields_of_the_core_and_the_enterprise_schema() {
        let schemas = Schemas::new(&mapping());
        let document = normalize(
            &schemas.user,
            json!({
                "userName": "ada", "title": "Analyst", "active": "False",
                "name": { "givenName": "Ada", "familyName": "Lovelace" },
                "emails": [{ "value": "home@x" }, { "value": "work@x", "type": "Work" }],
                "phoneNumbers": [{ "value": "1" }, { "value": "2" }],
                "urn:acme:params:scim:schemas:hr:2.0:User": { "region": ["EMEA", 7, ""] },
                ENTERPRISE_SCHEMA: { "employeeNumber": 7, "department": "Fin", "manager": { "value": "m" } }
            }),
        )
        .unwrap();
        assert_eq!(manager_reference(&document), Some("m"));
        let context = UserContext {
            connection: "okta",
            groups: BTreeSet::from(["Analysts".to_owned()]),
            manager: Some("grace".to_owned()),
        };
        let user = convert_user(&schemas.user, &mapping(), &document, context);
        let expected = json!({
            "username": "ada", "name": "Ada Lovelace", "email": "work@x", "identityProvider": "okta",
            "status": "disabled", "groups": ["Analysts"],
            "attributes": { "Phone": ["1", "2"], "Region": ["7", "EMEA"], "Title": ["Analyst"] },
            "employeeNumber": "7", "department": "Fin", "title": "Analyst", "manager": "grace"
        });
        assert_eq!(serde_json::to_value(user).unwrap(), expected);
    }

    #[test]
    fn a_mapping_names_attributes_that_exist() {
        let mut mapping = mapping();
        assert_eq!(check(&mapping), Ok(()));
        mapping.attributes.insert("Shoe".to_owned(), "shoeSize".to_owned());
        assert!(check(&mapping).unwrap_err().to_string().contains("`Shoe` is mapped to `shoeSize`"));
    }
}
