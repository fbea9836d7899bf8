//! What a complete read finds.

use std::collections::{BTreeMap, BTreeSet};

use domesday_model::{LdapConnection, User};
use domesday_sources::ldap::{DirectoryKind, LdapError, read, verify};
use domesday_sources::reading::Reading;

use crate::slapd::{PEOPLE, Slapd};
use crate::{ACME, access, connection, mapped, search};

fn everybody(url: String) -> LdapConnection {
    let people = mapped(&format!("ou=People,{ACME}"), &[("attributes.City", "localityName")]);
    connection(url, people, Some(search(&format!("ou=Groups,{ACME}"))))
}

fn set(texts: &[&str]) -> BTreeSet<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

fn by_username(reading: &Reading) -> BTreeMap<&str, &User> {
    reading.users.iter().map(|listed| (listed.object.username.as_str(), &listed.object)).collect()
}

#[test]
fn ten_thousand_people_are_read_in_pages_with_their_nested_groups() {
    let server = Slapd::shared();
    let reading = read(&everybody(server.ldaps()), "corp", &access(server.authority())).unwrap();
    assert_eq!(reading.users.len(), PEOPLE);
    assert_eq!(reading.skipped, []);
    let keys: BTreeSet<_> = reading.users.iter().map(|listed| listed.key.clone().unwrap()).collect();
    assert_eq!(keys.len(), PEOPLE);
    let users = by_username(&reading);
    let mut expected = User::named("u00007");
    expected.name = Some("Ünïcode Person 7".to_owned());
    expected.email = Some("u00007@acme.example".to_owned());
    expected.identity_provider = "corp".to_owned();
    expected.employee_number = Some("100007".to_owned());
    expected.department = Some("D7".to_owned());
    expected.title = Some("Engineer 0".to_owned());
    expected.manager = Some("u00000".to_owned());
    expected.groups = set(&["Everybody", "Staff", "Engineering", "Unique"]);
    expected.attributes.insert("City".to_owned(), set(&["City 1", "Everywhere"]));
    assert_eq!(users["u00007"], &expected);
    assert_eq!(users["u00000"].groups, set(&["Everybody", "Staff", "Engineering"]));
    assert_eq!(users["u00012"].groups, set(&["Everybody", "Unique"]));
    assert_eq!(users["u09999"].groups, set(&["Everybody"]));
    let groups: BTreeSet<String> = reading.groups.iter().map(|listed| listed.object.name.clone()).collect();
    assert_eq!(groups, set(&["Everybody", "Staff", "Engineering", "Unique"]));
    assert!(reading.warnings.iter().any(|warning| warning.contains("`cn=gone,dc=acme,dc=example`")));
}

#[test]
fn both_ways_to_tls_read_the_same() {
    let server = Slapd::shared();
    let by_tls = read(&everybody(server.ldaps()), "corp", &access(server.authority())).unwrap();
    let by_start_tls = read(&everybody(server.ldap()), "corp", &access(server.authority())).unwrap();
    assert_eq!(by_tls.sha256, by_start_tls.sha256);
    assert_eq!(by_tls, by_start_tls);
}

#[test]
fn verification_reads_a_first_page() {
    let server = Slapd::shared();
    let findings = verify(&everybody(server.ldap()), &access(server.authority())).unwrap();
    assert_eq!(findings.directory, DirectoryKind::Standard);
    assert_eq!(
        (findings.users.entries, findings.users.usable, findings.users.is_complete),
        (500, 500, false)
    );
    let groups = findings.groups.unwrap();
    assert_eq!((groups.entries, groups.usable, groups.is_complete), (4, 4, true));
}

#[test]
fn entries_that_cannot_be_users_are_left_out_with_the_reason() {
    let server = Slapd::shared();
    let mapping = [("attributes.Photo", "jpegPhoto"), ("attributes.About", "description")];
    let odd = connection(server.ldaps(), mapped(&format!("ou=Odd,{ACME}"), &mapping), None);
    let reading = read(&odd, "corp", &access(server.authority())).unwrap();
    assert_eq!(by_username(&reading).into_keys().collect::<Vec<_>>(), ["fine", "second"]);
    let reasons: Vec<(String, &str)> = reading
        .skipped
        .iter()
        .map(|skipped| (skipped.entry.replace(&format!(",ou=Odd,{ACME}"), ""), skipped.reason.as_str()))
        .collect();
    let expected = [
        ("cn=binary", "a value of `jpegPhoto` is not text in UTF-8"),
        ("cn=large", "a value of `description` is too long"),
        ("cn=long", "`title` cannot be used: the name has 300 characters; at most 255 are allowed"),
        ("cn=nameless", "it has no username: `uid` is missing"),
        ("cn=reserved", "the username `administrator` is reserved"),
        ("cn=twin one", "the username `Twin` belongs to 2 entries; only one can have it"),
        ("cn=twin two", "the username `tWIN` belongs to 2 entries; only one can have it"),
    ];
    assert_eq!(reasons, expected.map(|(entry, reason)| (entry.to_owned(), reason)));
}

#[test]
fn a_renamed_and_a_moved_entry_keep_their_keys() {
    let server = Slapd::shared();
    let mut moving = connection(server.ldaps(), search("dc=moving"), None);
    moving.bind_dn = Some("cn=admin,dc=moving".to_owned());
    let keys = |reading: &Reading| -> BTreeMap<String, String> {
        let pairs =
            reading.users.iter().map(|listed| (listed.object.username.clone(), listed.key.clone().unwrap()));
        pairs.collect()
    };
    let before = read(&moving, "corp", &access(server.authority())).unwrap();
    server.modify(
        "dn: uid=renamed,ou=A,dc=moving\nchangetype: modrdn\nnewrdn: uid=new\ndeleteoldrdn: 1\n\n\
         dn: uid=moved,ou=A,dc=moving\nchangetype: moddn\nnewrdn: uid=moved\ndeleteoldrdn: 0\nnewsuperior: ou=B,dc=moving\n",
    );
    let after = read(&moving, "corp", &access(server.authority())).unwrap();
    let (old, new) = (keys(&before), keys(&after));
    assert_eq!(old["renamed"], new["new"]);
    assert_eq!(old["moved"], new["moved"]);
    assert_eq!(old["still"], new["still"]);
    assert_eq!(new.len(), 3);
    assert_ne!(before.sha256, after.sha256);
}

#[test]
fn a_search_that_finds_nobody_says_so() {
    let server = Slapd::shared();
    let empty = connection(server.ldaps(), search(&format!("ou=Empty,{ACME}")), None);
    let reading = read(&empty, "corp", &access(server.authority())).unwrap();
    assert!(
        reading.users.is_empty() && reading.warnings[0].contains("found no user"),
        "{:?}",
        reading.warnings
    );
}

#[test]
fn bounds_are_errors_and_never_shorter_readings() {
    let server = Slapd::shared();
    type Change = fn(&mut domesday_sources::ldap::LdapBounds);
    let bounds: [(Change, &str); 4] = [
        (|bounds| bounds.entries = 9999, "`users` has more than 9999 entries"),
        (|bounds| bounds.total_bytes = 1 << 20, "sends more than 1 MiB"),
        (|bounds| bounds.message_bytes = 200_000, "an entry of the directory has more than 0 MiB"),
        (|bounds| bounds.memberships = 10_000, "in more than 10000 groups"),
    ];
    for (change, expected) in bounds {
        let mut access = access(server.authority());
        change(&mut access.bounds);
        let error = read(&everybody(server.ldaps()), "corp", &access).unwrap_err();
        assert!(
            matches!(error, LdapError::TooMuch { .. }) && error.to_string().contains(expected),
            "{error}"
        );
    }
}
