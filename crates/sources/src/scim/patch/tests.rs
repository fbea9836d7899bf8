//! Bodies of PATCH as clients send them, and what they lead to.

use domesday_model::ScimConnection;
use serde_json::{Value, json};

use super::super::{Document, ENTERPRISE_SCHEMA, Member, Schemas, ScimError};
use super::operation::{MembersChange, PatchStep};
use super::parse::parse_patch;

fn schemas() -> Schemas {
    Schemas::new(&ScimConnection::default())
}

fn user() -> Document {
    let Value::Object(user) = json!({
        "userName": "ada", "active": true, "name": { "givenName": "Ada", "familyName": "L" },
        "emails": [
            { "value": "work@x", "type": "work", "primary": true },
            { "value": "home@x", "type": "home" }
        ]
    }) else {
        unreachable!()
    };
    user
}

#[expect(clippy::needless_pass_by_value, reason = "bodies are written where they are used")]
fn patched(document: Document, operations: Value) -> Result<Value, ScimError> {
    let (schemas, mut document) = (schemas(), document);
    let body = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations
    });
    for step in parse_patch(&schemas.user, body)? {
        if let PatchStep::Document(operation) = step {
            operation.apply(&schemas.user, &mut document)?;
        }
    }
    Ok(Value::Object(document))
}

/// Applies one operation to the user, and returns one attribute.
#[expect(clippy::needless_pass_by_value, reason = "bodies are written where they are used")]
fn attribute(operation: Value, name: &str) -> Value {
    patched(user(), json!([operation])).unwrap()[name].clone()
}

#[test]
fn values_are_added() {
    let add = |path: &str, value: Value| json!({ "op": "add", "path": path, "value": value });
    assert_eq!(attribute(add("title", json!("T")), "title"), json!("T"));
    assert_eq!(
        attribute(add("NAME", json!({ "middleName": "K" })), "name"),
        json!({ "givenName": "Ada", "familyName": "L", "middleName": "K" })
    );
    let emails = attribute(add("emails", json!([{ "value": "o@x", "primary": true }])), "emails");
    assert_eq!(emails[0]["primary"], json!(false), "the new value is the primary one");
    assert_eq!(emails[2], json!({ "value": "o@x", "primary": true }));
    let same = add("emails", json!([{ "value": "home@x", "type": "home" }]));
    assert_eq!(attribute(same, "emails").as_array().unwrap().len(), 2);
    let created = attribute(add("phoneNumbers[type eq \"mobile\"].value", json!("1")), "phoneNumbers");
    assert_eq!(created, json!([{ "type": "mobile", "value": "1" }]));
    let merged = attribute(add("emails[type eq \"home\"]", json!({ "display": "H" })), "emails");
    assert_eq!(merged[1], json!({ "value": "home@x", "type": "home", "display": "H" }));
    let extension = attribute(add(ENTERPRISE_SCHEMA, json!({ "department": "D" })), ENTERPRISE_SCHEMA);
    assert_eq!(extension, json!({ "department": "D" }));
}

#[test]
fn values_are_replaced() {
    let replace = |path: &str, value: Value| json!({ "op": "REPLACE", "path": path, "value": value });
    assert_eq!(attribute(replace("active", json!("False")), "active"), json!(false));
    assert_eq!(
        attribute(replace("name.familyName", json!("K")), "name"),
        json!({ "givenName": "Ada", "familyName": "K" })
    );
    assert_eq!(
        attribute(replace("emails", json!([{ "value": "n@x" }])), "emails"),
        json!([{ "value": "n@x" }])
    );
    let work = attribute(replace("emails[type eq \"work\"].value", json!("w@x")), "emails");
    assert_eq!((&work[0]["value"], &work[1]["value"]), (&json!("w@x"), &json!("home@x")));
    let whole = attribute(replace("emails[value eq \"home@x\"]", json!({ "value": "h" })), "emails");
    assert_eq!(whole[1], json!({ "value": "h" }));
    let manager = format!("{ENTERPRISE_SCHEMA}:manager");
    let shown = |value: Value| attribute(replace(&manager, value), ENTERPRISE_SCHEMA);
    for sent in [json!("id"), json!({ "value": "id" }), json!([{ "value": "id" }])] {
        assert_eq!(shown(sent), json!({ "manager": { "value": "id" } }));
    }
    assert_eq!(shown(json!("")), Value::Null, "no manager");
}

#[test]
fn values_are_removed() {
    let remove = |path: &str| json!({ "op": "Remove", "path": path });
    assert_eq!(attribute(remove("name"), "name"), Value::Null);
    assert_eq!(attribute(remove("name.givenName"), "name"), json!({ "familyName": "L" }));
    assert_eq!(attribute(remove("emails[type eq \"work\"]"), "emails").as_array().unwrap().len(), 1);
    assert_eq!(attribute(remove("emails[type eq \"other\"]"), "emails").as_array().unwrap().len(), 2);
    assert_eq!(attribute(remove("emails[type eq \"home\"].type"), "emails")[1], json!({ "value": "home@x" }));
    let named = json!({ "op": "remove", "path": "emails", "value": [{ "value": "home@x" }] });
    assert_eq!(attribute(named, "emails").as_array().unwrap().len(), 1);
    assert_eq!(attribute(remove("nickName"), "nickName"), Value::Null);
    let department = json!([
        { "op": "add", "path": format!("{ENTERPRISE_SCHEMA}:department"), "value": "D" },
        { "op": "remove", "path": format!("{ENTERPRISE_SCHEMA}:department") }
    ]);
    assert_eq!(patched(user(), department).unwrap(), Value::Object(user()));
}

#[test]
fn an_object_without_a_path_has_paths_as_keys() {
    let changed = patched(
        user(),
        json!([{ "op": "Add", "value": {
            "id": "ignored", "schemas": [], "groups": [], "unknown": 1, "nickName": null,
            "displayName": "D", "name.givenName": "G", "name": { "familyName": "F" },
            "emails[type eq \"home\"].value": "h@x",
            format!("{ENTERPRISE_SCHEMA}:department"): "Fin",
            ENTERPRISE_SCHEMA: { "employeeNumber": 7 }
        } }]),
    )
    .unwrap();
    assert_eq!(changed["displayName"], "D");
    assert_eq!(changed["name"], json!({ "givenName": "G", "familyName": "F" }));
    assert_eq!(changed["emails"][1]["value"], "h@x");
    assert_eq!(changed[ENTERPRISE_SCHEMA], json!({ "department": "Fin", "employeeNumber": "7" }));
    assert!(changed.get("id").is_none() && changed.get("groups").is_none());
    let removed = patched(user(), json!([{ "op": "replace", "value": { "name": null } }])).unwrap();
    assert!(removed.get("name").is_none());
}

#[test]
fn mistakes_have_their_kind_and_the_number_of_the_operation() {
    for (operation, kind) in [
        (json!({}), "invalidSyntax"),
        (json!("add"), "invalidSyntax"),
        (json!({ "op": "set", "path": "title", "value": "x" }), "invalidSyntax"),
        (json!({ "op": "add", "path": 7, "value": "x" }), "invalidSyntax"),
        (json!({ "op": "add", "path": "title" }), "invalidValue"),
        (json!({ "op": "add" }), "invalidValue"),
        (json!({ "op": "add", "value": "x" }), "invalidValue"),
        (json!({ "op": "remove" }), "noTarget"),
        (json!({ "op": "replace", "path": "emails[type eq \"other\"].value", "value": "x" }), "noTarget"),
        (json!({ "op": "add", "path": "emails[type", "value": "x" }), "invalidPath"),
        (json!({ "op": "add", "path": "emails[type pr]x", "value": "x" }), "invalidPath"),
        (json!({ "op": "add", "path": "name[givenName pr]", "value": "x" }), "invalidPath"),
        (json!({ "op": "add", "path": "a b", "value": "x" }), "invalidPath"),
        (json!({ "op": "replace", "path": "id", "value": "x" }), "mutability"),
        (json!({ "op": "replace", "path": "groups", "value": [] }), "mutability"),
        (json!({ "op": "remove", "path": "userName" }), "mutability"),
        (json!({ "op": "replace", "path": "userName", "value": "" }), "invalidValue"),
        (json!({ "op": "replace", "path": "active", "value": "maybe" }), "invalidValue"),
    ] {
        let error = patched(user(), json!([operation.clone()])).unwrap_err();
        assert_eq!(error.kind.as_str(), kind, "{operation}: {error}");
    }
    let second = patched(user(), json!([{ "op": "remove", "path": "title" }, { "op": "remove" }]));
    assert!(second.unwrap_err().detail.starts_with("operation 2:"));
    let many: Vec<_> = (0..1001).map(|_| json!({ "op": "remove", "path": "title" })).collect();
    assert_eq!(patched(user(), json!(many)).unwrap_err().kind.as_str(), "tooMany");
    assert!(patched(user(), json!([])).is_err());
}

#[test]
fn operations_on_members_are_steps_of_their_own() {
    let change = |operation: Value| -> Result<MembersChange, ScimError> {
        let steps = parse_patch(&schemas().group, json!({ "operations": [operation] }))?;
        match steps.into_iter().next() {
            Some(PatchStep::Members(change)) => Ok(change),
            other => panic!("{other:?}"),
        }
    };
    let member = |value: &str| Member { value: value.to_owned(), display: None };
    let list = json!([{ "value": "1", "$ref": null, "type": "User" }, { "value": "2" }]);
    let named = || vec!["1".to_owned(), "2".to_owned()];
    for (operation, expected) in [
        (
            json!({ "op": "Add", "path": "members", "value": list }),
            MembersChange::Add(vec![member("1"), member("2")]),
        ),
        // One member, by itself or in no-path objects.
        (
            json!({ "op": "add", "path": "members", "value": { "value": "1" } }),
            MembersChange::Add(vec![member("1")]),
        ),
        (json!({ "op": "add", "path": "members", "value": "1" }), MembersChange::Add(vec![member("1")])),
        (
            json!({ "op": "add", "value": { "members": [{ "value": "1" }] } }),
            MembersChange::Add(vec![member("1")]),
        ),
        (
            json!({ "op": "replace", "path": "members", "value": list }),
            MembersChange::Replace(vec![member("1"), member("2")]),
        ),
        (json!({ "op": "replace", "path": "members", "value": [] }), MembersChange::Replace(vec![])),
        (json!({ "op": "add", "path": "members[value eq \"1\"]" }), MembersChange::Add(vec![member("1")])),
        (
            json!({ "op": "Add", "path": "members[value eq \"1\"]", "value": [{ "value": "1" }] }),
            MembersChange::Add(vec![member("1")]),
        ),
        (json!({ "op": "remove", "path": "members" }), MembersChange::RemoveAll),
        (json!({ "op": "remove", "path": "members", "value": list }), MembersChange::Remove(named())),
        (
            json!({ "op": "remove", "path": "members[value eq \"1\" or value eq \"2\"]" }),
            MembersChange::Remove(named()),
        ),
    ] {
        assert_eq!(change(operation.clone()), Ok(expected), "{operation}");
    }
    let filtered = change(json!({ "op": "remove", "path": "members[type eq \"Group\"]" }));
    assert!(matches!(filtered, Ok(MembersChange::RemoveWhere(_))));
    let shown = json!({ "op": "replace", "path": "members[value eq \"1\"].display", "value": "One" });
    assert!(matches!(change(shown), Ok(MembersChange::SetDisplay(_, Some(_)))));
    for (operation, kind) in [
        (json!({ "op": "add", "path": "members", "value": [{ "display": "x" }] }), "invalidValue"),
        (json!({ "op": "add", "path": "members" }), "invalidValue"),
        (json!({ "op": "replace", "path": "members[value eq \"1\"].value", "value": "2" }), "mutability"),
        (
            json!({ "op": "replace", "path": "members[value eq \"1\"]", "value": { "value": "2" } }),
            "mutability",
        ),
        (json!({ "op": "add", "path": "members[display eq \"x\"]" }), "noTarget"),
        (json!({ "op": "remove", "path": "members.display" }), "invalidPath"),
    ] {
        assert_eq!(change(operation).unwrap_err().kind.as_str(), kind);
    }
}
