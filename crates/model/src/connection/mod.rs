//! Connections: systems of record that people and data sources are read from (`docs/connections.md`).
//!
//! A connection is declared in files, or written through the API and the console, with the same fields. Its secret is
//! never part of it: files name where it is ([`SecretReference`]), and the service keeps what it was sent sealed.

mod bounds;
mod kinds;
mod mistakes;
mod secret;

use crate::layers::RESERVED_ORIGINS;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use bounds::{MaxAge, MaxGone};
pub use kinds::{
    ConnectionKind, CsvConnection, DbtConnection, Identification, LdapConnection, LdapSearch,
    PostgresConnection, ScimConnection, TagRule,
};
pub use secret::SecretReference;

/// A system of record. Its name is also the origin of what it gives, and the identity provider of its people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Map<String, Value>", into = "Map<String, Value>")]
pub struct Connection {
    /// Unique name.
    pub name: String,
    /// The kind with its own fields.
    pub kind: ConnectionKind,
    /// When it is read, as a cron expression in the tenant's time zone. A kind that pushes is not read.
    pub schedule: Option<String>,
    /// How many of its users or data sources one sync may make absent.
    pub max_gone: MaxGone,
    /// How old the last complete sync may be when a run begins. A kind that pushes is stale only when this is set.
    pub max_age: Option<MaxAge>,
}

/// Whether a text can be the name of a connection: it is part of addresses, and names an origin beside `files` and `api`.
#[must_use]
pub fn is_connection_name(name: &str) -> bool {
    const LONGEST: usize = 64;
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    name.len() <= LONGEST
        && name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name.bytes().all(is_allowed)
        && !RESERVED_ORIGINS.contains(&name)
}

/// When a connection without a schedule is read: every hour.
pub const DEFAULT_SCHEDULE: &str = "0 * * * *";

impl Connection {
    /// Returns the cron expression by which the connection is read; none for a kind that is not read on a schedule.
    #[must_use]
    pub fn effective_schedule(&self) -> Option<&str> {
        self.kind.is_pulled().then(|| self.schedule.as_deref().unwrap_or(DEFAULT_SCHEDULE))
    }

    /// Returns the age from which the last complete sync is stale; none when it never is.
    #[must_use]
    pub fn effective_max_age(&self) -> Option<MaxAge> {
        self.max_age.or_else(|| self.kind.is_pulled().then(MaxAge::default))
    }
}

/// The fields of every kind of connection.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct CommonFields {
    name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    schedule: Option<String>,
    #[serde(default, skip_serializing_if = "MaxGone::is_default")]
    max_gone: MaxGone,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    max_age: Option<MaxAge>,
}

const COMMON: [&str; 4] = ["name", "schedule", "maxGone", "maxAge"];

impl TryFrom<Map<String, Value>> for Connection {
    type Error = serde_json::Error;

    fn try_from(mut fields: Map<String, Value>) -> Result<Self, Self::Error> {
        let common: Map<_, _> = COMMON.iter().filter_map(|key| fields.shift_remove_entry(*key)).collect();
        let common: CommonFields = serde_json::from_value(Value::Object(common))?;
        Ok(Self {
            name: common.name,
            kind: serde_json::from_value(Value::Object(fields))?,
            schedule: common.schedule,
            max_gone: common.max_gone,
            max_age: common.max_age,
        })
    }
}

impl From<Connection> for Map<String, Value> {
    fn from(connection: Connection) -> Self {
        let Connection { name, kind, schedule, max_gone, max_age } = connection;
        let object = |value: Result<Value, serde_json::Error>| match value {
            Ok(Value::Object(fields)) => fields,
            // Both are structs with text keys.
            _ => Map::new(),
        };
        let mut common = object(serde_json::to_value(CommonFields { name, schedule, max_gone, max_age }));
        let mut fields: Map<_, _> = common.shift_remove_entry("name").into_iter().collect();
        fields.extend(object(serde_json::to_value(kind)));
        fields.extend(common);
        fields
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_is_read_and_written_with_the_same_fields() {
        let text = r#"{"name":"warehouse","kind":"postgres","url":"postgres://reader@db:5432/fin",
            "password":{"env":"WAREHOUSE_PASSWORD"},"schemas":["a*"],
            "identify":[{"roles":{"etl":"etl-service"}},"username",{"template":"{username}_ro"}],
            "tagRules":[{"columns":["*email*"],"tag":"PII.Email"}],"schedule":"0 * * * *","maxGone":"5%","maxAge":"12h"}"#;
        let connection: Connection = serde_json::from_str(text).unwrap();
        let expected: Value = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_value(&connection).unwrap(), expected);
    }

    #[test]
    fn an_unknown_field_is_an_error() {
        for text in [
            r#"{"name":"okta","kind":"scim","url":"https://okta"}"#,
            r#"{"name":"okta","kind":"saml"}"#,
            r#"{"name":"ad","kind":"ldap","url":"ldaps://dc1","users":{"base":"dc=x","fliter":"(a=b)"}}"#,
        ] {
            assert!(serde_json::from_str::<Connection>(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_kind_that_pushes_has_no_schedule_and_is_never_stale_by_itself() {
        let okta: Connection = serde_json::from_str(r#"{"name":"okta","kind":"scim"}"#).unwrap();
        assert_eq!((okta.effective_schedule(), okta.effective_max_age()), (None, None));
        let ad: Connection = serde_json::from_str(
            r#"{"name":"ad","kind":"ldap","url":"ldaps://dc1","users":{"base":"dc=x"}}"#,
        )
        .unwrap();
        assert_eq!(ad.effective_schedule(), Some("0 * * * *"));
        assert_eq!(ad.effective_max_age().map(MaxAge::as_seconds), Some(86_400));
    }
}
