//! The oracle's own reading of texts, conditions and `appliesTo`, against tables made by hand.

use domesday_model::condition::Condition;
use domesday_model::{AppliesTo, Catalog, DataSource};
use serde_json::{Value, json};

use super::condition::{agrees, glob, reaches, substitute};
use super::evaluate::{World, applies, is_local};
use super::generate::at;
use super::print::parse;

fn catalog() -> Catalog {
    parse(&json!({
        "groups": [
            { "name": "PII.Contact", "attributes": { "Region": ["EU.DE"] } },
            { "name": "GL@acme" },
        ],
        "users": [{
            "username": "ada",
            "identityProvider": "okta",
            "groups": ["PII.Contact", "GL@acme"],
            "attributes": { "Region": ["acme.*"], "Any": ["*"], "Tag": ["PII"], "ada": ["okta"] },
        }],
        "dataSources": [{
            "name": "Ledger 2", "platform": "snowflake", "host": "h.eu", "schema": "GL", "table": "",
            "domain": "Finance", "owners": ["bob", "ada"], "tags": ["FIN.GL"], "optInPolicies": ["P"],
            "columns": [
                { "name": "id", "type": "INT" },
                { "name": "email", "type": "STRING", "tags": ["PII.Contact.Email"] },
            ],
        }],
    }))
}

#[test]
fn globs_match_the_whole_text() {
    let table = [
        ("*", "", true),
        ("", "", true),
        ("", "a", false),
        ("?", "", false),
        ("?", "ü", true),
        ("??", "ü", false),
        ("a*", "a", true),
        ("a*c", "abbc", true),
        ("a*c", "abcd", false),
        ("*b*", "abc", true),
        ("a?c*", "abc", true),
        ("A", "a", false),
        ("a.c", "abc", false),
        ("[a]", "a", false),
        ("**?", "a", true),
    ];
    for (pattern, text, expected) in table {
        assert_eq!(glob(pattern, text), expected, "{pattern:?} {text:?}");
    }
}

#[test]
fn names_reach_what_lies_below_them() {
    let table = [
        ("PII", "PII", true),
        ("PII", "PII.Contact.Email", true),
        ("PII.Contact", "PII", false),
        ("PII", "PIIX", false),
        ("PI", "PII.Contact", false),
    ];
    for (name, tag, expected) in table {
        assert_eq!(reaches(name, tag), expected, "{name} {tag}");
    }
}

#[test]
fn held_values_agree_with_wanted_ones() {
    let table = [
        ("acme.*", "acme.fin", true),
        ("acme.*", "acme.fin.gl", true),
        ("acme.*", "acme.fin.*", true),
        ("acme.*", "acme", false),
        ("acme.*", "acmex.fin", false),
        ("acme.*", "acme.*", true),
        ("acme*", "acme.fin", false),
        ("acme", "acme.fin", false),
        ("acme.fin", "acme.*", false),
        ("*", "", true),
        ("", "", true),
        ("", "*", false),
    ];
    for (held, wanted, expected) in table {
        assert_eq!(agrees(held, wanted), expected, "{held} {wanted}");
    }
}

#[test]
fn variables_are_replaced_once() {
    let catalog = catalog();
    let table = [
        ("plain", Some("plain")),
        ("@schema", Some("GL")),
        ("@schema@iam", Some("GLokta")),
        ("@schema.@username", Some("GL.ada")),
        ("@hostname", Some("h.eu")),
        ("<@table>", Some("<>")),
        ("@database", None),
        ("x@database.y", None),
        ("@@database", Some("@database")),
        ("@@@schema", Some("@GL")),
        ("@@@@", Some("@@")),
        ("@schemas", Some("@schemas")),
        ("@schema_", Some("@schema_")),
        ("@schemaé", Some("@schemaé")),
        ("@schema→", Some("GL→")),
        ("@Schema", Some("@Schema")),
        ("a@b@", Some("a@b@")),
        ("@nobody@schema", Some("@nobodyGL")),
    ];
    for (template, expected) in table {
        let text = substitute(template, &catalog.users[0], &catalog.data_sources[0]);
        assert_eq!(text.as_deref(), expected, "{template:?}");
    }
}

#[test]
fn conditions_hold() {
    let catalog = catalog();
    let world = World { catalog: &catalog, at: at() };
    let table = [
        ("@isInGroups('PII.Contact')", true),
        ("@isInGroups('PII.Contact', 'All Users')", true),
        ("@isInGroups('PII.Contact', 'PII')", false),
        ("@isInGroups('@schema@acme')", true),
        ("@isInGroups('GL@@acme')", true),
        ("@isInGroups('@database')", false),
        ("NOT @isInGroups('@database')", true),
        ("@isInGroups('pii.contact')", false),
        ("@hasAttribute('Region', 'EU.DE')", true),
        ("@hasAttribute('Region', 'EU')", false),
        ("@hasAttribute('Region', 'acme.fin')", true),
        ("@hasAttribute('Region', 'acme.@schema')", true),
        ("@hasAttribute('region', 'EU.DE')", false),
        ("@hasAttribute('Any', 'whatever')", true),
        ("@hasAttribute('Any', '@database')", false),
        ("@hasAttribute('@username', '@iam')", false),
        ("@hasAttribute('ada', '@iam')", true),
        ("@hasTagAsAttribute('Tag', 'column')", true),
        ("@hasTagAsAttribute('Tag', 'dataSource')", false),
        ("@hasTagAsAttribute('Any', 'dataSource')", false),
        ("@hasTagAsGroup('column')", true),
        ("@hasTagAsGroup('dataSource')", false),
        ("@isInGroups('x') AND @isInGroups('x') OR @isInGroups('All Users')", true),
        ("@isInGroups('x') AND (@isInGroups('x') OR @isInGroups('All Users'))", false),
        ("NOT @isInGroups('x') AND @isInGroups('x')", false),
    ];
    for (text, expected) in table {
        let condition: Condition = text.parse().unwrap();
        let holds = world.holds(&condition, &catalog.users[0], &catalog.data_sources[0]);
        assert_eq!(holds, expected, "{text}");
    }
}

#[test]
fn applies_to_selects_sources() {
    let catalog = catalog();
    let source: &DataSource = &catalog.data_sources[0];
    let table: [(Value, bool, bool); 23] = [
        (json!("all"), true, false),
        (json!("optIn"), true, false),
        (json!({ "tagged": ["PII", "FIN"] }), true, false),
        (json!({ "tagged": ["FIN.GL.x"] }), false, false),
        (json!({ "tagged": ["PII"] }), false, false),
        (json!({ "columnsTagged": ["PII.Contact"] }), true, false),
        (json!({ "domains": ["F*"], "owners": ["a?a"] }), true, false),
        (json!({ "domains": ["F*"], "owners": ["a"] }), false, false),
        (json!({ "platforms": ["snow*"], "hosts": ["h.??"], "schemas": ["gl", "GL"] }), true, false),
        (json!({ "databases": ["*"] }), false, false),
        (json!({ "tables": ["*"] }), true, false),
        (json!({ "tables": ["?*"] }), false, false),
        (json!({ "hosts": ["h.us", "eu"] }), false, false),
        (json!({ "names": ["Ledger ?"] }), true, false),
        (json!({ "names": ["Ledger"] }), false, false),
        (json!({ "names": [] }), false, false),
        (json!({ "dataSources": ["Ledger 2", "M"] }), true, true),
        (json!([{ "dataSources": ["Ledger*"] }, { "dataSources": [] }]), false, true),
        (json!([{ "dataSources": ["M"] }, { "names": ["Led*"] }]), true, false),
        (json!([]), false, false),
        (json!({ "except": [{ "tagged": ["PII"] }, { "names": ["M"] }] }), true, false),
        (json!({ "names": ["*"], "except": [{ "names": ["M"] }, { "schemas": ["GL"] }] }), false, false),
        (json!({ "except": [{ "names": ["*"], "except": [{ "schemas": ["GL"] }] }] }), true, false),
    ];
    for (text, expected, local) in table {
        let applies_to: AppliesTo = serde_json::from_value(text.clone()).unwrap();
        assert_eq!(applies("P", &applies_to, source), expected, "{text}");
        assert_eq!(is_local(&applies_to), local, "{text}");
    }
    assert!(!applies("Q", &AppliesTo::OptIn, source));
}
