//! A change of some fields of a configuration: a JSON merge patch (RFC 7386).

use std::collections::BTreeMap;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;

use super::configuration::Configuration;
use super::request::ExportRequest;
use crate::error::ServiceError;

/// The media type of a merge patch.
pub const MERGE_PATCH: &str = "application/merge-patch+json";

const SECRET: &str = "secretAccessKey";

/// The members of a merge patch; `null` removes a field.
#[derive(Debug)]
pub struct ExportPatch(BTreeMap<String, Value>);

impl<'de> Deserialize<'de> for ExportPatch {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;

        impl<'de> Visitor<'de> for Members {
            type Value = ExportPatch;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object with the fields to change")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<ExportPatch, A::Error> {
                // Duplicate keys are refused for every body.
                let mut members = BTreeMap::new();
                while let Some((name, value)) = map.next_entry::<String, Value>()? {
                    members.insert(name, value);
                }
                Ok(ExportPatch(members))
            }
        }

        deserializer.deserialize_map(Members)
    }
}

impl JsonSchema for ExportPatch {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ExportPatch".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        // The same fields as a whole configuration, none of them required.
        let mut schema = ExportRequest::json_schema(generator);
        schema.remove("required");
        schema.remove("oneOf");
        schema.insert(
            "description".to_owned(),
            "The fields of a configuration that change; null removes one that may be absent.".into(),
        );
        schema
    }
}

impl ExportPatch {
    /// Applies the patch to a stored configuration.
    ///
    /// # Errors
    /// When a field is not known, has a wrong type or cannot be removed.
    pub fn apply(self, stored: &Configuration) -> Result<ExportRequest, ServiceError> {
        let mut merged = stored.document().as_object().cloned().unwrap_or_default();
        let removed = |name: &str| self.0.get(name).is_some_and(Value::is_null);
        for name in ["bucket", "region"] {
            if removed(name) {
                return Err(ServiceError::invalid(format!("`{name}` is required and cannot be removed")));
            }
        }
        let removes_secret = removed(SECRET);
        // A null stays in place: it counts as absent, and one for a field that is not known is noticed.
        merged.extend(self.0);
        if removes_secret && merged.get("accessKeyId").is_some_and(Value::is_string) {
            return Err(ServiceError::invalid(format!(
                "`{SECRET}` cannot be removed while there is an `accessKeyId`"
            )));
        }
        serde_json::from_value(Value::Object(merged))
            .map_err(|error| ServiceError::invalid(format!("the patch does not fit: {error}")))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::exports::request::Secret;

    fn stored() -> Value {
        json!({ "bucket": "b", "region": "r", "accessKeyId": "A", "path": "p", "schedule": "0 4 * * *" })
    }

    fn patched(patch: Value) -> Result<(Value, Secret), ServiceError> {
        let patch: ExportPatch =
            serde_json::from_value(patch).map_err(|error| ServiceError::invalid(error.to_string()))?;
        let before: Configuration = serde_json::from_value(stored()).unwrap();
        let (configuration, secret) = patch.apply(&before)?.split(Some(&before))?;
        Ok((configuration.document(), secret))
    }

    #[test]
    fn fields_change_go_and_stay() {
        let (document, secret) = patched(json!({ "schedule": "0 5 * * *", "path": null })).unwrap();
        let expected = json!({ "bucket": "b", "region": "r", "accessKeyId": "A", "schedule": "0 5 * * *" });
        assert_eq!(document, expected);
        assert!(matches!(secret, Secret::Kept));
        let (document, _) = patched(json!({})).unwrap();
        assert_eq!(document, stored());
        // Removing what is not there changes nothing.
        assert_eq!(patched(json!({ "layout": null })).unwrap().0, stored());
    }

    #[test]
    fn a_key_and_a_role_take_each_others_place() {
        let role = "arn:aws:iam::111122223333:role/x";
        let (document, secret) = patched(json!({ "roleArn": role, "accessKeyId": null })).unwrap();
        assert_eq!((&document["roleArn"], document.get("accessKeyId")), (&json!(role), None));
        assert!(matches!(secret, Secret::None));
        let (document, secret) = patched(json!({ "accessKeyId": "B", "secretAccessKey": "hush" })).unwrap();
        assert_eq!(document["accessKeyId"], "B");
        assert!(matches!(secret, Secret::Given(_)));
        assert!(!document.to_string().contains("hush"));
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        for (wrong, word) in [
            (json!({ "bucket": null }), "`bucket` is required"),
            (json!({ "region": null }), "`region` is required"),
            (json!({ "nextRunAt": null }), "nextRunAt"),
            (json!({ "bukket": "b" }), "bukket"),
            (json!({ "path": { "a": null } }), "expected a string"),
            (json!({ "schedule": 5 }), "expected a string"),
            (json!({ "schedule": "daily" }), "schedule"),
            (json!({ "secretAccessKey": null }), "cannot be removed"),
            (json!({ "accessKeyId": "B" }), "stay the same"),
            (json!({ "endpoint": "https://evil.example" }), "stay the same"),
            (json!({ "accessKeyId": null }), "who delivers is missing"),
            (json!({ "accessKeyId": null, "secretAccessKey": "s" }), "accessKeyId"),
            (json!({ "roleArn": "arn:aws:iam::111122223333:role/x" }), "not both"),
            (json!(["schedule"]), "object"),
            (json!("schedule"), "object"),
            (json!(null), "object"),
        ] {
            let problem = patched(wrong.clone()).unwrap_err().to_string();
            assert!(problem.contains(word), "{wrong}: {problem}");
        }
    }
}
