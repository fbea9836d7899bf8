use serde_json::json;
use sha2::{Digest as _, Sha256};
use std::ops::Range;
use std::sync::Arc;

use super::super::Since;
use super::*;
use crate::privileges::ObservedDatabase;
use crate::{Catalog, Declared, Instant};

fn declared<T: serde::de::DeserializeOwned>(spec: serde_json::Value) -> Declared<T> {
    Declared::new(serde_json::from_value(spec).unwrap(), "catalog.yaml")
}

fn snapshot() -> Snapshot {
    let catalog = Catalog {
        tenant: Some(declared(json!({ "name": "Acme", "timeZone": "Europe/Berlin" }))),
        tags: vec![declared(json!({ "name": "PII.Contact", "description": "é \"quoted\"\n" }))],
        groups: vec![declared(json!({ "name": "A", "attributes": { "region": ["eu", "us"] } }))],
        users: vec![
            declared(json!({
                "username": "ada", "name": "Ada", "email": "ada@acme.example", "groups": ["A"],
                "attributes": { "region": ["eu"], "level": ["*"] }, "permissions": ["AUDIT", "GOVERNANCE"],
                "employeeNumber": "1", "department": "d", "title": "t", "manager": "bob",
                "createdAt": "0001-01-01T00:00:00Z",
            })),
            declared(json!({ "username": "bob", "status": "disabled", "identityProvider": "okta" })),
        ],
        domains: vec![declared(json!({ "name": "Finance" }))],
        data_sources: vec![
            declared(json!({
                "name": "s1", "platform": "p", "host": "h", "database": "d", "schema": "c", "table": "t",
                "domain": "Finance", "owners": ["bob", "ada"], "tags": ["PII"], "optInPolicies": ["P", "M"],
                "levelChoice": "P",
                "columns": [
                    { "name": "a", "type": "INT", "tags": ["PII.Contact"] },
                    { "name": "b", "type": "TEXT", "nullable": false, "description": "x" },
                ],
            })),
            declared(json!({ "name": "s2", "platform": "p", "status": "disabled" })),
        ],
        policies: vec![declared(
            json!({ "name": "P", "type": "grant", "level": "anyone", "appliesTo": "optIn" }),
        )],
        data_policies: vec![declared(json!({
            "name": "M", "mask": { "kind": "constant", "value": 1.5 }, "columns": { "tagged": ["PII"] },
            "appliesTo": "optIn",
        }))],
        agreements: vec![declared(json!({ "name": "Terms", "version": 2, "text": "t" }))],
        request_forms: vec![declared(json!({ "name": "Form", "version": 1 }))],
        requests: vec![declared(json!({
            "id": "R1", "type": "dataAccess", "user": "ada", "dataSource": "s1", "status": "approved",
            "createdAt": "2026-01-01T00:00:00Z",
        }))],
        ..Catalog::default()
    };
    let mut snapshot = Snapshot::of_catalog(&catalog, Instant::from_micros(1_780_272_000_000_001)).unwrap();
    snapshot.digest = [7; 32];
    let since = Since([("group:A".to_owned(), Instant::from_micros(5))].into());
    let users = std::sync::Arc::make_mut(&mut snapshot.users);
    users[0].since = since;
    users[0].givers.default = crate::layers::Giver::Connection("corp-ad".into());
    users[1].absent_since = Some(Instant::from_micros(6));
    snapshot.last_seen = [(users[0].id, Instant::from_micros(7))].into_iter().collect();
    snapshot.databases = vec![Arc::new(database(0))];
    snapshot
}

/// A database of one role, with the owner at a position in the list of roles.
fn database(owner: u32) -> ObservedDatabase {
    serde_json::from_value(json!({
        "connection": "warehouse", "host": "db.acme.example", "identify": ["username", {"roles": {"etl": "ada"}}],
        "privileges": {
            "server_version": 16, "observed_at": "2026-01-01T00:00:00Z",
            "database": {"name": "fin", "owner": owner, "access_list": null},
            "roles": [{
                "name": "ada", "can_login": true, "inherits": true, "is_superuser": false,
                "bypasses_row_security": false, "valid_until": null,
            }],
            "memberships": [],
            "schemas": [{"name": "public", "owner": 0, "access_list": []}],
            "relations": [{
                "schema": 0, "name": "s1", "kind": "table", "owner": 0, "access_list": null,
                "columns": [{"name": "id", "access_list": null}],
                "has_row_security": false, "forces_row_security": false,
            }],
        },
    }))
    .unwrap()
}

#[test]
fn a_database_whose_positions_refer_to_nothing_is_damage() {
    let mut snapshot = snapshot();
    snapshot.databases = vec![Arc::new(database(1))];
    let error = Snapshot::from_file(&snapshot.to_file("")).unwrap_err();
    assert_eq!(error, SnapshotFileError::Damaged { what: "an index refers to nothing" });
}

/// Returns the file with other content and the header that fits it.
fn with_content(content: &[u8]) -> Vec<u8> {
    let digest = Sha256::digest(content);
    let length = (content.len() as u64).to_le_bytes();
    [MAGIC, &VERSION.to_le_bytes(), &length, digest.as_slice(), content].concat()
}

#[test]
fn what_is_written_is_read() {
    let snapshot = snapshot();
    let file = snapshot.to_file("attached");
    let (read, attachment) = Snapshot::from_file(&file).unwrap();
    assert_eq!((read.to_file(&attachment), &*attachment), (file, "attached"));
    assert_eq!(read.last_seen, snapshot.last_seen);
    assert_eq!(read.databases, snapshot.databases);
    assert_eq!((read.at, read.tenant_id, read.digest), (snapshot.at, snapshot.tenant_id, snapshot.digest));
    let (user, known) = (&read.users[0], &snapshot.users[0]);
    assert_eq!(format!("{user:?}"), format!("{known:?}"));
    assert_eq!(format!("{:?}", read.data_sources), format!("{:?}", snapshot.data_sources));
    assert_eq!(format!("{:?}", read.policies), format!("{:?}", snapshot.policies));
    assert_eq!(read.requests, snapshot.requests);
    assert_eq!(read.agreement_texts, snapshot.agreement_texts);
    for name in ["PII", "PII.Contact"] {
        assert_eq!(read.tag(name), snapshot.tag(name));
    }
    assert_eq!(read.group(crate::ALL_USERS), Some(crate::GroupIx::ALL_USERS));
    assert_eq!(read.user("bob"), snapshot.user("bob"));
    assert_eq!(read.data_source("s2"), snapshot.data_source("s2"));
    assert_eq!((read.policy("P"), read.data_policy("M")), (snapshot.policy("P"), snapshot.data_policy("M")));
    assert_eq!((read.domain("Finance"), read.domain("Sales")), (snapshot.domain("Finance"), None));
}

/// A change of the content without another version would be read as something that it is not.
#[test]
fn the_format_changes_with_its_version_only() {
    let digest = Sha256::digest(snapshot().to_file("attached"));
    let digest: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    assert_eq!((VERSION, digest.as_str()), (2, "2b97df2b4ebf33e1"));
}

#[test]
fn every_damage_is_noticed() {
    let file = snapshot().to_file("attached");
    for at in 0..file.len() {
        let mut damaged = file.clone();
        damaged[at] ^= 1;
        assert!(Snapshot::from_file(&damaged).is_err(), "byte {at}");
        assert!(Snapshot::from_file(&file[..at]).is_err(), "cut at {at}");
    }
    let longer = [file.as_slice(), b"\n"].concat();
    let error = Snapshot::from_file(&longer).unwrap_err();
    let message =
        "the snapshot is damaged: its length is not that in its header; copy it again, or write a new one";
    assert_eq!(error.to_string(), message);
    assert_eq!(Snapshot::from_file(b"PAR1").unwrap_err(), SnapshotFileError::NotASnapshot);
    let mut other = file;
    other[MAGIC.len()] = 9;
    assert_eq!(Snapshot::from_file(&other).unwrap_err(), SnapshotFileError::OtherVersion { found: 9 });
}

/// A digest can be made for any content: none makes the program fail, nor is one read that is not whole.
#[test]
fn content_of_the_right_digest_is_checked_too() {
    let file = snapshot().to_file("attached");
    let content = &file[HEADER_BYTES..];
    let positions: Range<usize> = 0..content.len();
    for at in positions {
        for value in [0, 0x7f, 0x80, 0xff, content[at] ^ 1] {
            let mut other = content.to_vec();
            other[at] = value;
            if let Ok((read, attachment)) = Snapshot::from_file(&with_content(&other)) {
                let _ = read.to_file(&attachment);
            }
        }
        assert!(Snapshot::from_file(&with_content(&content[..at])).is_err(), "cut at {at}");
    }
    assert!(Snapshot::from_file(&with_content(&[content, b"x"].concat())).is_err());
}
