//! Whole manifests, right and wrong.

use std::collections::{BTreeMap, BTreeSet};

use domesday_model::{Column, DataSource};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn manifest_of(version: u32, adapter: &str, nodes: &Value, sources: &Value, groups: &Value) -> Value {
    json!({
        "metadata": {
            "dbt_schema_version": format!("https://schemas.getdbt.com/dbt/manifest/v{version}.json"),
            "dbt_version": "1.0.0", "adapter_type": adapter, "env": {},
        },
        "nodes": nodes, "sources": sources, "groups": groups,
        "macros": { "macro.dbt.x": { "macro_sql": "{% macro x() %}" } }, "docs": {}, "exposures": {}, "metrics": {},
        "selectors": {}, "disabled": { "model.shop.off": [{}] }, "parent_map": {}, "child_map": {},
    })
}

fn manifest(nodes: &Value) -> Value {
    manifest_of(12, "postgres", nodes, &json!({}), &json!({}))
}

fn model(alias: &str, more: &Value) -> Value {
    let mut node = json!({
        "resource_type": "model", "package_name": "shop", "database": "fin", "schema": "shop", "name": alias,
        "alias": alias, "relation_name": format!("\"fin\".\"shop\".\"{alias}\""), "columns": {},
        "config": { "enabled": true, "materialized": "table" },
    });
    for (key, value) in more.as_object().unwrap() {
        node[key] = value.clone();
    }
    node
}

fn connection(fields: Value) -> DbtConnection {
    serde_json::from_value(fields).unwrap()
}

fn read_with(fields: Value, manifest: &Value, catalog: Option<Value>) -> Result<Reading, DbtErrors> {
    let catalog = catalog.map(|catalog| catalog.to_string());
    let catalog = catalog.as_deref().map(str::as_bytes);
    let users: BTreeMap<&str, &str> = [("ada@acme.example", "ada"), ("bob", "bob")].into();
    let project = read(&connection(fields), manifest.to_string().as_bytes(), catalog)?;
    Ok(project.into_reading(|name| users.get(name).map(|user| (*user).to_owned())))
}

fn sources(reading: &Reading) -> BTreeMap<&str, &DataSource> {
    reading.data_sources.iter().map(|it| (it.object.name.as_str(), &it.object)).collect()
}

fn set(texts: &[&str]) -> BTreeSet<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

/// The mistakes as `file: field: message`.
fn mistakes(manifest: &Value, catalog: Option<Value>) -> Vec<String> {
    let errors = read_with(json!({}), manifest, catalog).unwrap_err();
    errors.iter().map(|it| format!("{}: {}: {}", it.file, it.field, it.message)).collect()
}

/// The same project as each version writes it: tags and meta of columns are in their configuration since dbt-core 1.10.
#[test]
fn every_version_says_the_same() {
    let readings = [9, 10, 11, 12].map(|version| {
        let described = json!({ "tags": ["pii"], "meta": { "domesday": { "tags": ["PII.Email"] }, "other": [1] } });
        let mut column = json!({ "name": "email", "description": "Where to write.", "data_type": "text", "quote": null });
        let mut more = json!({ "tags": ["gold"], "group": "finance", "meta": { "domesday": { "owner": "bob" } } });
        if version == 12 {
            column["config"] = described;
            more = json!({ "config": {
                "enabled": true, "materialized": "incremental", "tags": "gold", "group": "finance",
                "meta": { "domesday": { "owner": ["bob"] } } } });
        } else {
            column["tags"] = described["tags"].clone();
            column["meta"] = described["meta"].clone();
        }
        more["columns"] = json!({ "email": column });
        let owner = if version == 12 { json!(["ada@acme.example"]) } else { json!("ada@acme.example") };
        let groups = json!({ "group.shop.finance": {
            "name": "finance", "resource_type": "group", "package_name": "shop", "owner": { "email": owner, "name": "F" } } });
        let source = json!({
            "resource_type": "source", "package_name": "shop", "database": "fin", "schema": "raw", "name": "pay",
            "source_name": "raw", "identifier": "payments", "relation_name": "\"fin\".\"raw\".\"payments\"",
            "tags": ["raw"], "meta": {}, "columns": {}, "config": { "enabled": true } });
        let nodes = json!({
            "model.shop.orders": model("orders", &more),
            "model.shop.base": model("base", &json!({ "config": { "materialized": "ephemeral" } })),
            "model.shop.off": model("off", &json!({ "config": { "enabled": false } })),
            "seed.shop.countries": model("countries", &json!({ "resource_type": "seed" })),
            "snapshot.shop.history": model("history", &json!({ "resource_type": "snapshot" })),
            "test.shop.unique": model("unique", &json!({ "resource_type": "test", "columns": [] })),
            "analysis.shop.a": { "resource_type": "analysis" },
        });
        let manifest = manifest_of(version, "postgres", &nodes, &json!({ "source.shop.raw.pay": source }), &groups);
        read_with(json!({ "tagPrefix": "dbt.", "tags": { "pii": "PII" } }), &manifest, None).unwrap()
    });
    let found = sources(&readings[0]);
    let names: Vec<_> = found.keys().copied().collect();
    assert_eq!(names, ["fin.raw.payments", "fin.shop.countries", "fin.shop.history", "fin.shop.orders"]);
    let orders = found["fin.shop.orders"];
    assert_eq!((orders.platform.as_str(), &orders.host), ("postgres", &None));
    let place = [&orders.database, &orders.schema, &orders.table].map(|it| it.as_deref().unwrap());
    assert_eq!(place, ["fin", "shop", "orders"]);
    assert_eq!((&orders.tags, &orders.owners), (&set(&["dbt.gold"]), &set(&["ada", "bob"])));
    let email = Column {
        name: "email".to_owned(),
        data_type: "text".to_owned(),
        nullable: true,
        tags: set(&["PII", "PII.Email"]),
        description: Some("Where to write.".to_owned()),
    };
    assert_eq!(orders.columns, [email]);
    assert_eq!(found["fin.raw.payments"].tags, set(&["dbt.raw"]));
    assert_eq!(readings[0].partial_columns.len(), 4);
    assert_eq!((&readings[0].skipped, &readings[0].warnings), (&Vec::new(), &Vec::new()));
    for reading in &readings[1..] {
        assert_eq!(*reading, readings[0]);
    }
}

#[test]
fn other_versions_and_other_files_are_refused_with_what_is_expected() {
    let versions = "expected a manifest of dbt of version 9 to 12, which dbt-core 1.5 to 1.11 write as `target/manifest.json`";
    let of = |version| manifest_of(version, "postgres", &json!({}), &json!({}), &json!({}));
    for version in [8, 13] {
        let found = format!("https://schemas.getdbt.com/dbt/manifest/v{version}.json");
        assert_eq!(mistakes(&of(version), None), [format!("manifest: : {versions}; found `{found}`")]);
    }
    for other in [json!({}), json!([]), json!("manifest"), json!({ "metadata": {} }), json!({ "nodes": {} })]
    {
        let expected = format!("manifest: : {versions}; found no `metadata.dbt_schema_version`");
        assert_eq!(mistakes(&other, None), [expected], "{other}");
    }
    for (bytes, expected) in [
        (&b""[..], "expected a value"),
        (b"version: 2\nmodels: []\n", "expected"),
        (b"\xff\xfe", "the file is not UTF-8"),
        (b"{\"a\":1,\"a\":2}", "`a`"),
    ] {
        let errors = read(&connection(json!({})), bytes, None).unwrap_err().to_string();
        assert!(errors.contains(expected) && !errors.contains("panicked"), "{errors}");
    }
    let deep = format!("{{\"metadata\": {}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(
        read(&connection(json!({})), deep.as_bytes(), None)
            .unwrap_err()
            .to_string()
            .contains("nested deeper")
    );
    let empty = mistakes(&of(12), None);
    assert_eq!(empty, ["manifest: : the manifest has no model, seed, snapshot or source that is a relation"]);
    let mut nameless = of(12);
    nameless["metadata"]["adapter_type"] = Value::Null;
    assert!(mistakes(&nameless, None)[0].contains("`metadata.adapter_type`"));
    let one = manifest(&json!({ "model.shop.a": model("a", &json!({})) }));
    let catalog = mistakes(&one, Some(one.clone()));
    assert!(catalog[0].starts_with("catalog: : expected a catalog of dbt of version 1"), "{catalog:?}");
}

#[test]
fn every_mistake_names_its_node() {
    let nodes = json!({
        "model.shop.a": model("a", &json!({ "meta": { "domesday": { "tag": "PII" } } })),
        "model.shop.b": model("b", &json!({ "meta": { "domesday": { "tags": ["PII..x"] } } })),
        "model.shop.c": model("c", &json!({ "group": "sales" })),
        "model.shop.d": model("", &json!({})),
        "model.shop.e": model("e", &json!({ "tags": [7] })),
        "model.shop.f": model("f", &json!({ "columns": { "x": { "name": "two\nlines", "meta": { "domesday": { "owner": "x" } } } } })),
        "model.shop.g": model("g", &json!({ "columns": { "x": { "name": "two\nlines" } } })),
        "model.shop.h": 7,
    });
    assert_eq!(
        mistakes(&manifest(&nodes), None),
        [
            "manifest: `model.shop.a`: unknown field `tag`, expected `tags` or `owner`",
            "manifest: `model.shop.b`: `meta.domesday.tags`: expected dotted names of tags such as `PII.Email`, found `PII..x`",
            "manifest: `model.shop.c`: the manifest has no group `sales` of its package",
            "manifest: `model.shop.d`: `alias`, which is the name of the relation, is missing",
            "manifest: `model.shop.e`: expected a text or a list of texts",
            "manifest: `model.shop.f`: unknown field `owner`, expected `tags`",
            "manifest: `model.shop.g`: the column `two\\nlines`: the name contains the control character U+000A; remove it",
            "manifest: `model.shop.h`: invalid type: integer `7`, expected struct ResourceType",
        ]
    );
}

#[test]
fn tags_of_dbt_are_mapped_or_prefixed_or_left_out() {
    let tags = json!({ "tags": ["pii", "gold", ".x"], "config": { "tags": ["pii", "gold"] } });
    let manifest = manifest(&json!({ "model.shop.a": model("a", &tags) }));
    let tags = |fields: Value| {
        let reading = read_with(fields, &manifest, None).unwrap();
        (reading.data_sources[0].object.tags.clone(), reading.warnings)
    };
    let left_out = "tags of dbt that `tags` does not map were left out, since there is no `tagPrefix`: `.x`, `gold` (2 uses)";
    let mapping = json!({ "tags": { "pii": "PII" } });
    assert_eq!(tags(mapping), (set(&["PII"]), vec![left_out.to_owned()]));
    let (prefixed, warnings) = tags(json!({ "tagPrefix": "dbt.", "tags": { "pii": "PII" } }));
    assert_eq!(prefixed, set(&["PII", "dbt.gold"]));
    assert!(warnings[0].ends_with("map them with `tags`: `dbt..x`"), "{warnings:?}");
}

fn catalog(id: &str, columns: &[(&str, &str, i64)]) -> Value {
    let columns: serde_json::Map<_, _> = columns
        .iter()
        .map(|(name, kind, index)| {
            ((*name).to_owned(), json!({ "name": name, "type": kind, "index": index, "comment": null }))
        })
        .collect();
    let tables = json!({ id: { "metadata": {}, "columns": columns, "stats": {}, "unique_id": id } });
    json!({
        "metadata": { "dbt_schema_version": "https://schemas.getdbt.com/dbt/catalog/v1.json" },
        "nodes": tables, "sources": {}, "errors": null,
    })
}

#[test]
fn the_catalog_has_the_columns_and_the_manifest_what_is_said_of_them() {
    let columns = json!({
        "id": { "name": "ID", "data_type": "int", "constraints": [{ "type": "not_null" }] },
        "Email": { "name": "Email", "tags": ["pii"], "description": "x" },
        "email": { "name": "email", "description": "y" },
        "gone": { "name": "gone", "tags": ["pii"] },
    });
    let nodes = json!({
        "model.shop.a": model("a", &json!({ "columns": columns })), "model.shop.b": model("b", &json!({})),
    });
    let manifest = manifest_of(12, "snowflake", &nodes, &json!({}), &json!({}));
    let found = catalog("model.shop.a", &[("email", "TEXT", 3), ("Email", "TEXT", 2), ("id", "NUMBER", 1)]);
    let reading =
        read_with(json!({ "tagPrefix": "" , "tags": { "pii": "PII" } }), &manifest, Some(found)).unwrap();
    let columns: Vec<_> = reading.data_sources[0]
        .object
        .columns
        .iter()
        .map(|it| {
            (it.name.as_str(), it.data_type.as_str(), it.nullable, it.tags.len(), it.description.as_deref())
        })
        .collect();
    let expected = [
        ("id", "NUMBER", false, 0, None),
        ("Email", "TEXT", true, 1, Some("x")),
        ("email", "TEXT", true, 0, Some("y")),
    ];
    assert_eq!(columns, expected);
    // The other model was not built when the catalog was written.
    assert_eq!(reading.partial_columns, set(&["fin.shop.b"]));
    assert!(reading.warnings[0].ends_with("has no effect: `model.shop.a.gone`"), "{:?}", reading.warnings);
    let wrong = json!({ "model.shop.a": { "columns": { "x": { "name": "x" } } } });
    let mut found = catalog("x", &[]);
    found["nodes"] = wrong;
    assert_eq!(mistakes(&manifest, Some(found)), ["catalog: `model.shop.a`: missing field `index`"]);
}

#[test]
fn places_are_those_of_the_platform() {
    let unquoted = json!({ "schema": "Shop", "relation_name": "fin.Shop.Orders" });
    let quoted = json!({ "schema": "Shop", "relation_name": "\"fin\".\"Shop\".\"Orders\"" });
    let place = |adapter: &str, more: &Value| {
        let manifest = manifest_of(
            12,
            adapter,
            &json!({ "model.shop.o": model("Orders", more) }),
            &json!({}),
            &json!({}),
        );
        let reading = read_with(json!({ "host": "db" }), &manifest, None).unwrap();
        let Listed { key, object } = reading.data_sources[0].clone();
        assert_eq!(object.host.as_deref(), Some("db"));
        (object.name, key.unwrap())
    };
    let text = |name: &str, key: &str| (name.to_owned(), key.to_owned());
    assert_eq!(place("postgres", &unquoted), text("fin.shop.orders", "fin.shop.orders"));
    assert_eq!(place("postgres", &quoted), text("fin.Shop.Orders", "fin.Shop.Orders"));
    assert_eq!(place("Snowflake", &unquoted), text("fin.Shop.Orders", "fin.shop.orders"));
    let none = json!({ "database": null, "relation_name": null, "alias": "a.b" });
    assert_eq!(place("spark", &none), text("shop.a.b", ".shop.\"a.b\""));
}

#[test]
fn a_relation_that_two_nodes_name_is_one_data_source() {
    let column = |tags: Value| json!({ "columns": { "id": { "name": "id", "tags": tags } } });
    let source = json!({
        "resource_type": "source", "package_name": "other", "database": "fin", "schema": "shop", "identifier": "orders",
        "relation_name": "\"fin\".\"shop\".\"orders\"", "tags": ["b"], "columns": column(json!(["d"]))["columns"],
        "config": {} });
    let mut more = column(json!(["c"]));
    more["tags"] = json!(["a"]);
    let nodes = json!({ "model.shop.orders": model("orders", &more) });
    let manifest =
        manifest_of(12, "postgres", &nodes, &json!({ "source.other.shop.orders": source }), &json!({}));
    let reading = read_with(json!({ "tagPrefix": "t." }), &manifest, None).unwrap();
    let [orders] = &reading.data_sources[..] else { panic!("{:?}", reading.data_sources) };
    assert_eq!(orders.object.tags, set(&["t.a", "t.b"]));
    assert_eq!(orders.object.columns[0].tags, set(&["t.c", "t.d"]));
}

#[test]
fn what_is_not_known_or_cannot_be_named_is_said() {
    let groups =
        json!({ "group.shop.g": { "name": "g", "package_name": "shop", "owner": { "name": "Team" } } });
    let nodes = json!({
        "model.shop.a": model("a", &json!({ "group": "g", "meta": { "domesday": { "owner": "eve" } } })),
        "model.shop.b": model(&"x".repeat(250), &json!({})),
    });
    let manifest = manifest_of(12, "postgres", &nodes, &json!({}), &groups);
    let reading = read_with(json!({}), &manifest, None).unwrap();
    assert_eq!(reading.data_sources.len(), 1);
    assert_eq!(
        reading.warnings,
        [
            "no known user is the owner whom the group `g` names",
            "no known user is the owner whom `meta.domesday.owner` of `model.shop.a` names",
        ]
    );
    assert_eq!(reading.skipped[0].entry, "model.shop.b");
    assert!(reading.skipped[0].reason.contains("at most 255"), "{:?}", reading.skipped);
}

proptest! {
    #[test]
    fn no_bytes_make_reading_panic(bytes in proptest::collection::vec(any::<u8>(), 0..80), text in "[a-z\"{}\\[\\],:]{0,60}") {
        let connection = connection(json!({}));
        let _ = read(&connection, &bytes, Some(&bytes));
        let head = r#"{"metadata":{"dbt_schema_version":"https://schemas.getdbt.com/dbt/manifest/v9.json","adapter_type":"x"},"#;
        let _ = read(&connection, format!("{head}\"nodes\":{{{text}}}}}").as_bytes(), None);
        let _ = read(&connection, format!("{head}{text}").as_bytes(), None);
    }

    /// The order in which nodes are written does not matter.
    #[test]
    fn the_order_of_nodes_does_not_count(aliases in proptest::collection::btree_set("[a-z]{1,6}", 1..12)) {
        let ids: Vec<_> = aliases.iter().map(|alias| (format!("model.shop.{alias}"), model(alias, &json!({ "tags": [alias] })))).collect();
        let of = |nodes: Vec<(String, Value)>| {
            let nodes: serde_json::Map<_, _> = nodes.into_iter().collect();
            read_with(json!({ "tagPrefix": "t." }), &manifest(&nodes.into()), None).unwrap().sha256
        };
        let turned: Vec<_> = ids.iter().rev().cloned().collect();
        prop_assert_eq!(of(ids), of(turned));
    }
}
