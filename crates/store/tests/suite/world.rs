//! A small catalog to work with.

use domesday_model::{Catalog, DataSource, Declared, Group, Instant, Snapshot, Tag, Tenant, User};
use domesday_store::{ApplyOptions, ChangeBy, IfMatch, SealedSecret, Store};
use serde::de::DeserializeOwned;
use serde_json::json;

pub(crate) const FIRST: i64 = 1_000_000;
pub(crate) const LATER: i64 = 2_000_000;

pub(crate) fn declared<T: DeserializeOwned>(spec: serde_json::Value) -> Declared<T> {
    Declared::new(serde_json::from_value(spec).unwrap(), "test.yaml")
}

pub(crate) fn catalog() -> Catalog {
    Catalog {
        tenant: Some(declared::<Tenant>(json!({ "name": "Acme", "timeZone": "Europe/Berlin" }))),
        tags: vec![declared::<Tag>(json!({ "name": "PII.Contact.Email" }))],
        groups: vec![declared::<Group>(json!({ "name": "Analysts", "attributes": { "Region": ["EU"] } }))],
        users: vec![
            declared::<User>(json!({ "username": "ada", "groups": ["Analysts"] })),
            declared::<User>(json!({ "username": "bob" })),
        ],
        data_sources: vec![declared::<DataSource>(json!({
            "name": "Ledger", "platform": "snowflake",
            "columns": [{ "name": "id", "type": "INT" }, { "name": "email", "type": "STRING", "tags": ["PII.Contact"] }]
        }))],
        ..Catalog::default()
    }
}

pub(crate) fn options(at: i64) -> ApplyOptions {
    ApplyOptions { at: Instant::from_micros(at), prune: false, dry_run: false }
}

pub(crate) fn snapshot(store: &mut Store) -> Snapshot {
    store.snapshot(Instant::from_micros(LATER)).unwrap()
}

/// Saves an export, so that there can be runs of it.
pub(crate) fn put_export(store: &mut Store, id: &str) {
    store.put_export(id, &json!({ "bucket": "b" }), None, IfMatch::Any, &by_ada(FIRST)).unwrap();
}

/// A change by `ada` over the network.
pub(crate) fn by_ada(at: i64) -> ChangeBy<'static> {
    ChangeBy { actor: "ada", origin: "api", from: Some("192.0.2.7"), at: Instant::from_micros(at) }
}

/// A sealed secret, with a fingerprint.
pub(crate) fn sealed(bytes: &[u8]) -> SealedSecret {
    SealedSecret {
        sealed: bytes.to_vec(),
        fingerprint: Some(String::from_utf8_lossy(bytes).replace("sealed", "print")),
    }
}
