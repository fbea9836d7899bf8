//! The schemas of the catalog's documents, as the reader of documents takes them (docs/catalog.md).
//!
//! Written by hand rather than derived: the format has forms that no type of the model shows, such as a single value
//! without brackets, and a null that means that nothing is given.

use domesday_model::limits::DURATION_DAYS;
use serde_json::{Map, Value, json};

use super::reference::reference;

/// Every kind's schema by name.
pub(super) fn schemas() -> Map<String, Value> {
    let mut schemas = Map::new();
    let mut add = |name: &str, schema: Value| schemas.insert(name.to_owned(), schema);
    add(
        "Tag",
        json!({ "anyOf": [name(), object(&["name"], json!({ "name": name(), "description": text() }))] }),
    );
    add(
        "Group",
        object(&["name"], json!({ "name": name(), "description": text(), "attributes": attributes() })),
    );
    add("User", user());
    add(
        "Domain",
        object(
            &["name"],
            json!({
                "name": name(),
                "description": text(),
                "permissions": list(object(&["user", "permission"], json!({ "user": string(), "permission": string() })))
            }),
        ),
    );
    add("DataSource", data_source());
    add("Selector", selector());
    add("Policy", policy());
    add("DataPolicy", data_policy());
    add(
        "Agreement",
        object(
            &["name", "version", "text"],
            json!({ "name": name(), "version": integer(), "text": string() }),
        ),
    );
    add("RequestForm", request_form());
    add("DataProduct", data_product());
    add("Request", request());
    schemas
}

fn object(required: &[&str], properties: Value) -> Value {
    let mut schema = json!({ "type": "object", "additionalProperties": false, "required": required });
    schema["properties"] = properties;
    schema
}

fn string() -> Value {
    json!({ "type": "string" })
}

fn name() -> Value {
    json!({ "type": "string", "minLength": 1 })
}

fn text() -> Value {
    json!({ "type": ["string", "null"] })
}

fn integer() -> Value {
    json!({ "type": "integer", "minimum": i64::MIN, "maximum": i64::MAX })
}

fn boolean() -> Value {
    json!({ "type": ["boolean", "null"] })
}

fn instant() -> Value {
    json!({ "type": ["string", "null"], "format": "date-time" })
}

fn required_instant() -> Value {
    json!({ "type": "string", "format": "date-time" })
}

fn scalar() -> Value {
    json!({ "type": ["string", "number", "boolean"] })
}

fn list(items: impl Into<Value>) -> Value {
    json!({ "type": ["array", "null"], "items": items.into() })
}

fn names() -> Value {
    list(string())
}

fn words(words: &[&str]) -> Value {
    json!({ "enum": words })
}

/// Words for a key that may be absent.
fn optional_words(words: &[&str]) -> Value {
    let mut list: Vec<Value> = words.iter().map(|word| (*word).into()).collect();
    list.push(Value::Null);
    json!({ "enum": list })
}

fn permissions() -> Value {
    list(words(&["GOVERNANCE", "USER_ADMIN", "AUDIT", "CREATE_DATA_SOURCE", "APPLICATION_ADMIN"]))
}

fn attributes() -> Value {
    json!({
        "type": ["object", "null"],
        "additionalProperties": {
            "anyOf": [scalar(), { "type": "null" }, { "type": "array", "items": scalar() }]
        }
    })
}

fn condition(types: impl Into<Value>) -> Value {
    json!({
        "type": types.into(),
        "description": "In the condition language, such as @isInGroups('Analysts') AND NOT @hasAttribute('Region','EU')."
    })
}

fn user() -> Value {
    object(
        &["username"],
        json!({
            "username": name(),
            "name": text(),
            "email": text(),
            "id": { "type": ["string", "null"], "format": "uuid" },
            "identityProvider": text(),
            "status": optional_words(&["active", "disabled"]),
            "groups": names(),
            "attributes": attributes(),
            "permissions": permissions(),
            "employeeNumber": { "type": ["string", "number", "boolean", "null"] },
            "department": text(),
            "title": text(),
            "manager": text(),
            "createdAt": instant()
        }),
    )
}

fn data_source() -> Value {
    let column = object(
        &["name", "type"],
        json!({
            "name": string(), "type": string(), "nullable": boolean(), "tags": names(), "description": text()
        }),
    );
    object(
        &["name", "platform"],
        json!({
            "name": name(),
            "platform": string(),
            "host": text(),
            "database": text(),
            "schema": text(),
            "table": text(),
            "domain": text(),
            "owners": names(),
            "status": optional_words(&["enabled", "disabled"]),
            "tags": names(),
            "columns": list(column),
            "optInPolicies": names(),
            "levelChoice": text(),
            "createdAt": instant()
        }),
    )
}

fn selector() -> Value {
    let one_or_more = json!({
        "anyOf": [reference("Selector"), { "type": "array", "items": reference("Selector") }, { "type": "null" }]
    });
    object(
        &[],
        json!({
            "tagged": names(),
            "columnsTagged": names(),
            "domains": names(),
            "owners": names(),
            "platforms": names(),
            "hosts": names(),
            "databases": names(),
            "schemas": names(),
            "tables": names(),
            "names": names(),
            "dataSources": names(),
            "except": one_or_more
        }),
    )
}

fn applies_to() -> Value {
    json!({
        "anyOf": [
            { "enum": ["all", "optIn"] },
            reference("Selector"),
            { "type": "array", "items": reference("Selector") }
        ]
    })
}

fn policy() -> Value {
    // One form for each level, since each requires what the others forbid.
    let form = |required: &[&str], more: Value| {
        let mut properties = json!({
            "name": name(),
            "type": words(&["grant", "guardrail"]),
            "scope": optional_words(&["read", "write"]),
            "appliesTo": applies_to(),
            "owner": text(),
            "state": optional_words(&["active", "staged", "disabled"]),
            "createdAt": instant()
        });
        merge(&mut properties, more);
        object(&[&["name", "type", "appliesTo"], required].concat(), properties)
    };
    let individuals = json!({
        "type": "object",
        "additionalProperties": false,
        "properties": { "users": names(), "groups": names() }
    });
    json!({
        "anyOf": [
            form(&["condition"], json!({ "level": optional_words(&["entitlements"]), "condition": condition("string") })),
            form(&["level"], json!({ "type": words(&["grant"]), "level": words(&["anyone", "approval"]) })),
            form(&["level", "individuals"], json!({ "level": words(&["individuals"]), "individuals": individuals }))
        ]
    })
}

fn merge(into: &mut Value, more: Value) {
    if let (Value::Object(into), Value::Object(more)) = (into, more) {
        into.extend(more);
    }
}

fn data_policy() -> Value {
    let kind = |kind: &str| json!({ "const": kind });
    let some = || json!({ "type": "array", "items": string(), "minItems": 1 });
    let columns = json!({
        "anyOf": [
            object(&["tagged"], json!({ "tagged": some(), "names": names() })),
            object(&["names"], json!({ "tagged": names(), "names": some() }))
        ]
    });
    object(
        &["name", "mask", "columns", "appliesTo"],
        json!({
            "name": name(),
            "mask": { "anyOf": [
                object(&["kind"], json!({ "kind": { "enum": ["null", null] } })),
                object(&["kind"], json!({ "kind": kind("hash") })),
                object(
                    &["kind", "value"],
                    json!({ "kind": kind("constant"), "value": { "type": ["string", "number", "boolean", "object", "array"] } })
                ),
                object(&["kind", "precision"], json!({ "kind": kind("rounding"), "precision": { "type": "number" } }))
            ] },
            "columns": columns,
            "appliesTo": applies_to(),
            "except": condition(json!(["string", "null"])),
            "state": optional_words(&["active", "staged", "disabled"]),
            "owner": text(),
            "createdAt": instant()
        }),
    )
}

fn request_form() -> Value {
    let question = |kinds: Value, choices: Option<Value>| {
        let mut properties =
            json!({ "id": string(), "text": string(), "kind": kinds, "required": boolean() });
        let mut required = vec!["id", "text", "kind"];
        if let Some(choices) = choices {
            properties["choices"] = choices;
            required.push("choices");
        }
        object(&required, properties)
    };
    let approvers = object(
        &[],
        json!({
            "permissions": permissions(),
            "domainPermissions": names(),
            "users": names(),
            "groups": names(),
            "attributes": attributes(),
            "owners": {
                "description": "Which owners of the data may decide: `every` own all of it. `true` is read as `every`.",
                "enum": [false, true, "every", "any", null]
            }
        }),
    );
    object(
        &["name", "version"],
        json!({
            "name": name(),
            "version": integer(),
            "questions": list(json!({ "anyOf": [
                question(words(&["text", "number", "date", "boolean"]), None),
                question(words(&["choice"]), Some(json!({ "type": "array", "items": string() })))
            ] })),
            "review": list(object(
                &["approvers"],
                json!({ "approvers": approvers, "need": optional_words(&["any", "all"]) })
            ))
        }),
    )
}

fn data_product() -> Value {
    let asset = object(&["name"], json!({ "name": string(), "columns": names() }));
    object(
        &["name", "createdBy"],
        json!({
            "name": name(),
            "description": text(),
            "domains": names(),
            "sme": text(),
            "createdBy": string(),
            "status": optional_words(&["published", "suspended"]),
            "dataSources": list(json!({ "anyOf": [string(), asset] })),
            "form": text(),
            "agreements": names()
        }),
    )
}

fn request() -> Value {
    let determination = object(
        &["by", "status", "at"],
        json!({
            "by": string(),
            "status": words(&["approved", "denied", "pending", "blocked", "canceled", "revoked"]),
            "reason": text(),
            "durationDays": { "type": ["integer", "null"], "minimum": DURATION_DAYS.start(), "maximum": DURATION_DAYS.end() },
            "duration": {
                "type": ["string", "null"],
                "description": "ISO 8601, such as PT12H, P2W, P3M or P1Y; instead of `durationDays`."
            },
            "at": required_instant()
        }),
    );
    let agreement = object(
        &["name", "version", "acceptedBy", "acceptedAt"],
        json!({
            "name": string(), "version": integer(), "acceptedBy": string(), "acceptedAt": required_instant()
        }),
    );
    // One form for each thing that can be asked for.
    let form = |required: &[&str], more: Value| {
        let mut properties = json!({
            "id": scalar(),
            "user": string(),
            "requester": text(),
            "scope": optional_words(&["read", "write"]),
            "status": words(&["pending", "approved", "denied", "canceled", "revoked"]),
            "answers": { "type": ["object", "null"] },
            "createdAt": required_instant(),
            "updatedAt": instant(),
            "expiresAt": instant(),
            "determinations": list(determination.clone()),
            "agreements": list(agreement.clone())
        });
        merge(&mut properties, more);
        object(&[&["id", "type", "user", "status", "createdAt"], required].concat(), properties)
    };
    let some = json!({ "type": "array", "items": string(), "minItems": 1 });
    let access = words(&["dataAccess"]);
    json!({
        "anyOf": [
            form(&["dataProduct"], json!({ "type": access, "dataProduct": string() })),
            form(&["dataSource"], json!({ "type": access, "dataSource": string() })),
            form(
                &["dataSource", "columns"],
                json!({ "type": words(&["maskingException"]), "dataSource": string(), "columns": some })
            )
        ]
    })
}
