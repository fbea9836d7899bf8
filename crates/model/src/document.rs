//! Users and data sources, borrowed from the text of their documents.
//!
//! A snapshot is built from hundreds of thousands of names that are looked up or copied once and then dropped. Parsed as
//! [`User`] and [`DataSource`], each of them would be allocated first; here they are borrowed. Declarations and stored
//! documents both become a snapshot through these types.

mod texts;

use std::borrow::Cow;

use serde::Deserialize;
use uuid::Uuid;

use crate::identity::BUILTIN_PROVIDER;
use crate::{Column, DataSource, DataSourceStatus, Instant, Permission, User, UserStatus};

pub use texts::{AttributeTexts, Text, Texts};

/// The fields of a [`User`] in a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the fields of `User`")]
pub struct UserDocument<'a> {
    #[serde(borrow)]
    pub username: Text<'a>,
    #[serde(borrow, default)]
    pub name: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub email: Option<Text<'a>>,
    #[serde(default)]
    pub id: Option<Uuid>,
    #[serde(borrow, default = "builtin")]
    pub identity_provider: Text<'a>,
    #[serde(default)]
    pub status: UserStatus,
    #[serde(borrow, default)]
    pub groups: Texts<'a>,
    #[serde(borrow, default)]
    pub attributes: AttributeTexts<'a>,
    #[serde(default)]
    pub permissions: Vec<Permission>,
    #[serde(borrow, default)]
    pub employee_number: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub department: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub title: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub manager: Option<Text<'a>>,
    #[serde(default)]
    pub leaving_date: Option<Instant>,
}

impl UserDocument<'_> {
    /// Returns `global_user_id`: the declared one, or else the UUIDv5 with the tenant's id as namespace (`docs/catalog.md`,
    /// `users`).
    #[must_use]
    pub fn global_id(&self, tenant: Uuid) -> Uuid {
        self.id.unwrap_or_else(|| Uuid::new_v5(&tenant, self.username.as_bytes()))
    }
}

fn builtin<'a>() -> Text<'a> {
    Text(Cow::Borrowed(BUILTIN_PROVIDER))
}

impl<'a> From<&'a User> for UserDocument<'a> {
    fn from(user: &'a User) -> Self {
        // Every field by name: one that is new must be taken, or left with a reason, like this one, which the store
        // has already turned into the user's history.
        let User {
            username,
            name,
            email,
            id,
            identity_provider,
            status,
            groups,
            attributes,
            permissions,
            employee_number,
            department,
            title,
            manager,
            leaving_date,
            created_at: _,
        } = user;
        let maybe = |text: &'a Option<String>| text.as_ref().map(Text::from);
        Self {
            username: username.into(),
            name: maybe(name),
            email: maybe(email),
            id: *id,
            identity_provider: identity_provider.into(),
            status: *status,
            groups: groups.into(),
            attributes: attributes.into(),
            permissions: permissions.iter().copied().collect(),
            employee_number: maybe(employee_number),
            department: maybe(department),
            title: maybe(title),
            manager: maybe(manager),
            leaving_date: *leaving_date,
        }
    }
}

/// The fields of a [`DataSource`] in a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the fields of `DataSource`")]
pub struct DataSourceDocument<'a> {
    #[serde(borrow)]
    pub name: Text<'a>,
    #[serde(borrow)]
    pub platform: Text<'a>,
    #[serde(borrow, default)]
    pub host: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub database: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub schema: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub table: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub domain: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub owners: Texts<'a>,
    #[serde(default)]
    pub status: DataSourceStatus,
    #[serde(borrow, default)]
    pub tags: Texts<'a>,
    #[serde(borrow, default)]
    pub columns: Vec<ColumnDocument<'a>>,
    #[serde(borrow, default)]
    pub opt_in_policies: Texts<'a>,
    #[serde(borrow, default)]
    pub level_choice: Option<Text<'a>>,
}

impl<'a> From<&'a DataSource> for DataSourceDocument<'a> {
    fn from(source: &'a DataSource) -> Self {
        // As for users.
        let DataSource {
            name,
            platform,
            host,
            database,
            schema,
            table,
            domain,
            owners,
            status,
            tags,
            columns,
            opt_in_policies,
            level_choice,
            created_at: _,
        } = source;
        let maybe = |text: &'a Option<String>| text.as_ref().map(Text::from);
        Self {
            name: name.into(),
            platform: platform.into(),
            host: maybe(host),
            database: maybe(database),
            schema: maybe(schema),
            table: maybe(table),
            domain: maybe(domain),
            owners: owners.into(),
            status: *status,
            tags: tags.into(),
            columns: columns.iter().map(ColumnDocument::from).collect(),
            opt_in_policies: opt_in_policies.into(),
            level_choice: maybe(level_choice),
        }
    }
}

/// The fields of a [`Column`] in a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the fields of `Column`")]
pub struct ColumnDocument<'a> {
    #[serde(borrow)]
    pub name: Text<'a>,
    #[serde(borrow, rename = "type")]
    pub data_type: Text<'a>,
    #[serde(default = "yes")]
    pub nullable: bool,
    #[serde(borrow, default)]
    pub tags: Texts<'a>,
    #[serde(borrow, default)]
    pub description: Option<Text<'a>>,
}

fn yes() -> bool {
    true
}

impl<'a> From<&'a Column> for ColumnDocument<'a> {
    fn from(column: &'a Column) -> Self {
        let Column { name, data_type, nullable, tags, description } = column;
        Self {
            name: name.into(),
            data_type: data_type.into(),
            nullable: *nullable,
            tags: tags.into(),
            description: description.as_ref().map(Text::from),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// What is read from a document is what its declaration says.
    #[test]
    fn a_document_says_what_its_object_does() {
        let users = [
            json!({ "username": "ada" }),
            json!({
                "username": "b\"\\\u{e9}\n", "name": "Bob \u{1f600}", "email": "bob@example.com", "identityProvider": "okta",
                "id": "6ba7b810-9dad-11d1-80b4-00c04fd430c8", "status": "disabled", "groups": ["b", "a", "b"],
                "attributes": { "z": ["2", "1"], "a": [], "k\"": ["*"] }, "permissions": ["AUDIT", "GOVERNANCE"],
                "employeeNumber": "7", "department": "d", "title": "t", "manager": "ada",
                "createdAt": "2026-01-01T00:00:00Z",
            }),
        ];
        for user in users {
            let user: User = serde_json::from_value(user).unwrap();
            let document = serde_json::to_string(&user).unwrap();
            let read: UserDocument<'_> = serde_json::from_str(&document).unwrap();
            assert_eq!(read, UserDocument::from(&user), "{document}");
        }
        let sources = [
            json!({ "name": "s", "platform": "p" }),
            json!({
                "name": "s\t", "platform": "p", "host": "h", "database": "d", "schema": "c", "table": "t", "domain": "o",
                "owners": ["v", "u"], "status": "disabled", "tags": ["B", "A.C"], "optInPolicies": ["q", "p"],
                "levelChoice": "p", "createdAt": "2026-01-01T00:00:00Z",
                "columns": [
                    { "name": "a", "type": "T" },
                    { "name": "b", "type": "T(\"2\")", "nullable": false, "tags": ["B", "A"], "description": "d" },
                ],
            }),
        ];
        for source in sources {
            let source: DataSource = serde_json::from_value(source).unwrap();
            let document = serde_json::to_string(&source).unwrap();
            let read: DataSourceDocument<'_> = serde_json::from_str(&document).unwrap();
            assert_eq!(read, DataSourceDocument::from(&source), "{document}");
        }
    }

    /// Documents are sets and maps, in whatever order somebody wrote them.
    #[test]
    fn what_is_out_of_order_or_said_twice_is_put_right() {
        let text = r#"{ "username": "u", "groups": ["b", "a", "b"], "attributes": { "b": ["1"], "a": ["y", "x", "y"], "b": ["2"] } }"#;
        let read: UserDocument<'_> = serde_json::from_str(text).unwrap();
        let user: User = serde_json::from_str(text).unwrap();
        assert_eq!(read, UserDocument::from(&user));
        assert_eq!(read.attributes.len(), 2);
        assert_eq!(&*read.attributes[1].1[0], "2");
    }
}
