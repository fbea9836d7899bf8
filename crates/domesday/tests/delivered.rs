//! `domesday destination check-integrity` over directories that were delivered into: what is as the manifests state passes,
//! everything else is a finding, and nothing outside of the directory is read.

#![allow(clippy::unwrap_used, reason = "a test that cannot prepare its world has failed")]

mod cli;

use std::fs;
use std::path::{Path, PathBuf};

use cli::{Domesday, tree, write};
use domesday_delivery::{
    DeliveryError, IntegrityOptions, IntegrityReport, LocalConfig, StoredManifest, TenantName,
    check_integrity,
};
use serde_json::{Value, json};

const DAYS: [&str; 4] =
    ["2026-11-24T02:00:00Z", "2026-11-25T02:00:00Z", "2026-11-26T02:00:00Z", "2026-11-27T02:00:00Z"];

const MANIFEST: &str = "v1/_manifest.json";

const CATALOG: &str = r#"{
  "tenant": {"name": "Acme", "timeZone": "Europe/Berlin", "id": "11111111-2222-4333-8444-555555555555"},
  "groups": [{"name": "Analysts"}],
  "users": [{"username": "ada", "groups": ["Analysts"]}, {"username": "bob"}],
  "dataSources": [{"name": "Ledger", "platform": "snowflake"}],
  "policies": [{"name": "Analysts read", "type": "grant", "level": "entitlements",
                "condition": "@isInGroups('Analysts')", "appliesTo": "all"}]
}"#;

/// A directory to deliver into, and a store that remembers it.
struct World {
    dir: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        write(&dir.path().join("catalog/world.json"), CATALOG);
        let world = Self { dir };
        let apply = Domesday::new(&["apply", "--at", DAYS[0]]).arg(world.path("catalog"));
        apply.arg("--store").arg(world.path("store.db")).run().succeeds();
        world
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn out(&self) -> PathBuf {
        self.path("out")
    }

    fn key(&self, key: &str) -> PathBuf {
        self.out().join(key)
    }

    /// Exports from the store; gives the warnings.
    fn export(&self, layout: &str, at: &str) -> Vec<String> {
        self.export_from(&["--store"], "store.db", layout, at)
    }

    fn export_from(&self, source: &[&str], name: &str, layout: &str, at: &str) -> Vec<String> {
        let run =
            Domesday::new(&["export", "--format", "json", "--settle", "0", "--layout", layout, "--at", at]);
        let run = run.args(source).arg(self.path(name)).arg("--to").arg(self.out()).run();
        run.succeeds();
        let report: Value = serde_json::from_str(&run.stdout).unwrap();
        report["warnings"]
            .as_array()
            .unwrap()
            .iter()
            .map(|warning| warning.as_str().unwrap().to_owned())
            .collect()
    }

    fn given(&self) -> StoredManifest {
        StoredManifest { name: "given".to_owned(), bytes: fs::read(self.key(MANIFEST)).unwrap() }
    }

    fn audit(&self, options: &IntegrityOptions) -> Result<IntegrityReport, DeliveryError> {
        audit_of(&self.out(), options)
    }

    fn edit_manifest(&self, key: &str, edit: impl FnOnce(&mut Value)) {
        edit_json(&self.key(key), edit);
    }
}

fn audit_of(out: &Path, options: &IntegrityOptions) -> Result<IntegrityReport, DeliveryError> {
    let tenant = TenantName { id: uuid::Uuid::nil(), name: "audit".to_owned() };
    check_integrity(&LocalConfig::new(out), &tenant, options)
}

fn edit_json(path: &Path, edit: impl FnOnce(&mut Value)) {
    let text = fs::read_to_string(path).unwrap();
    let mut value: Value = serde_json::from_str(&text).unwrap();
    edit(&mut value);
    // Written as a manifest is, where it still is one, so that its form gives nothing away.
    let text = match serde_json::from_value::<domesday_tables::Manifest>(value.clone()) {
        Ok(manifest) => manifest.to_json(),
        Err(_) => value.to_string(),
    };
    fs::write(path, text).unwrap();
}

fn is_clean(audit: &IntegrityReport) {
    assert!(audit.ok && audit.problems.is_empty(), "{audit:#?}");
}

fn finds(audit: &IntegrityReport, text: &str) {
    assert!(!audit.ok && audit.problems.iter().any(|problem| problem.contains(text)), "{text}: {audit:#?}");
}

#[test]
fn a_history_is_checked_to_its_beginning() {
    let world = World::new();
    DAYS.iter().for_each(|day| drop(world.export("history", day)));
    let audited = world.audit(&IntegrityOptions::default()).unwrap();
    is_clean(&audited);
    assert_eq!((audited.links, audited.unlinked.len()), (3, 0));
    assert_eq!(audited.files, 15 + 3 * 14);
    assert!(audited.not_checked.iter().any(|what| what.contains("--expect")), "{audited:#?}");
    let expected =
        IntegrityOptions { expected: Some(audited.manifest_sha256), ..IntegrityOptions::default() };
    let audited = world.audit(&expected).unwrap();
    is_clean(&audited);
    assert!(audited.not_checked.is_empty(), "{audited:#?}");
    let other = IntegrityOptions { expected: Some("0".repeat(64)), ..IntegrityOptions::default() };
    finds(&world.audit(&other).unwrap(), "expected was 000");
}

#[test]
fn a_deleted_table_of_an_earlier_day_is_a_finding_and_a_forgotten_day_is_reported() {
    let world = World::new();
    DAYS.iter().for_each(|day| drop(world.export("history", day)));
    let day = |table: &str, day: &str| world.key(&format!("v1/{table}/export_date={}", &day[..10]));
    let tables: Vec<String> = domesday_tables::TABLES.iter().map(|table| table.name.to_owned()).collect();
    let forget = |of: &str| tables.iter().for_each(|table| fs::remove_dir_all(day(table, of)).unwrap());

    let part = day("user-metadata", DAYS[0]).join("part-00000.parquet");
    let bytes = fs::read(&part).unwrap();
    fs::remove_file(&part).unwrap();
    finds(
        &world.audit(&IntegrityOptions::default()).unwrap(),
        "export_date=2026-11-24/part-00000.parquet is missing",
    );
    fs::write(&part, bytes).unwrap();

    forget(DAYS[0]);
    let audited = world.audit(&IntegrityOptions::default()).unwrap();
    is_clean(&audited);
    assert_eq!(audited.forgotten, 14);
    assert!(audited.not_checked.iter().any(|what| what.contains("2026-11-24")), "{audited:#?}");
    let kept = |days| IntegrityOptions { kept_days: Some(days), ..IntegrityOptions::default() };
    is_clean(&world.audit(&kept(3)).unwrap());
    finds(&world.audit(&kept(4)).unwrap(), "the day 2026-11-24 is missing");

    forget(DAYS[2]);
    finds(&world.audit(&IntegrityOptions::default()).unwrap(), "the day 2026-11-26 is missing");
}

#[test]
fn a_missing_or_nulled_link_is_a_finding() {
    let world = World::new();
    DAYS.iter().for_each(|day| drop(world.export("history", day)));
    let kept = |n: usize| format!("v1/_manifests/{}.json", DAYS[n].replace(':', ""));
    let original = tree(&world.out());
    let restore = || original.iter().for_each(|(key, bytes)| fs::write(world.key(key), bytes).unwrap());

    fs::remove_file(world.key(&kept(1))).unwrap();
    finds(&world.audit(&IntegrityOptions::default()).unwrap(), "the chain is broken");
    restore();
    // The link of the newest, in both of its places: it still states that it continues a chain.
    for key in [MANIFEST.to_owned(), kept(3)] {
        world.edit_manifest(&key, |manifest| manifest["previous_manifest_sha256"] = Value::Null);
    }
    finds(&world.audit(&IntegrityOptions::default()).unwrap(), "the chain is broken");
    // And nothing is stated: what comes before is in no chain.
    for key in [MANIFEST.to_owned(), kept(3)] {
        world.edit_manifest(&key, |manifest| {
            let manifest = manifest.as_object_mut().unwrap();
            manifest.remove("chain");
            manifest.remove("previous_manifest_key");
        });
    }
    finds(&world.audit(&IntegrityOptions::default()).unwrap(), "is in no chain");
    restore();
    world.edit_manifest(&kept(2), |manifest| manifest["previous_manifest_sha256"] = Value::Null);
    finds(&world.audit(&IntegrityOptions::default()).unwrap(), "the chain is broken");
    restore();
    // An earlier manifest is put back over the newest.
    fs::copy(world.key(&kept(2)), world.key(MANIFEST)).unwrap();
    finds(&world.audit(&IntegrityOptions::default()).unwrap(), "comes after the newest manifest");
    restore();
    is_clean(&world.audit(&IntegrityOptions::default()).unwrap());
}

#[test]
fn a_chain_that_states_that_it_begins_anew_is_no_finding() {
    let world = World::new();
    // Exports of a catalog directory have no record of deliveries.
    for day in &DAYS[..2] {
        world.export_from(&["--catalog"], "catalog", "history", day);
    }
    let audited = world.audit(&IntegrityOptions::default()).unwrap();
    is_clean(&audited);
    assert_eq!(audited.links, 0);
    assert!(audited.notes.iter().any(|note| note.contains("begins anew")), "{audited:#?}");
    assert_eq!(audited.files, 15 + 14, "the day before is checked all the same");
    let run = Domesday::new(&["destination", "audit", "--to"]).arg(world.out()).run();
    run.succeeds();
    assert!(!run.stdout.contains("cut off") && !run.stdout.contains("links"), "{}", run.stdout);

    // A store that does not know them either, and then continues.
    for day in &DAYS[2..] {
        world.export("history", day);
    }
    let audited = world.audit(&IntegrityOptions::default()).unwrap();
    is_clean(&audited);
    assert_eq!((audited.links, audited.unlinked.len()), (1, 2));
    assert_eq!(audited.files, 15 + 3 * 14);
    // The same snapshot once more.
    world.export("history", DAYS[3]);
    is_clean(&world.audit(&IntegrityOptions::default()).unwrap());
}

#[test]
fn what_was_not_checked_is_stated_with_the_reason() {
    let world = World::new();
    world.export("latest", DAYS[0]);
    let audited = world.audit(&IntegrityOptions::default()).unwrap();
    is_clean(&audited);
    assert_eq!(audited.not_checked.len(), 1, "{audited:#?}");
    let first = world.given();
    world.export("latest", DAYS[1]);
    let audited = world.audit(&IntegrityOptions::default()).unwrap();
    is_clean(&audited);
    assert!(audited.not_checked.iter().any(|what| what.contains("--previous")), "{audited:#?}");
    let run = Domesday::new(&["destination", "audit", "--to"]).arg(world.out()).run();
    run.succeeds();
    assert!(run.stdout.contains("no earlier manifest was checked"), "{}", run.stdout);
    let given = IntegrityOptions { given: vec![first.clone()], ..IntegrityOptions::default() };
    let audited = world.audit(&given).unwrap();
    is_clean(&audited);
    assert_eq!(audited.links, 1);
    // One more without its predecessor: the first cannot be reached.
    world.export("latest", DAYS[2]);
    let audited = world.audit(&given).unwrap();
    is_clean(&audited);
    assert!(audited.not_checked.iter().any(|what| what.contains("the link to given of")), "{audited:#?}");
    // A manifest of something else is in no chain.
    let mut other = first;
    other.bytes = String::from_utf8(other.bytes).unwrap().replace("Acme", "Bcme").into_bytes();
    fs::remove_dir_all(world.out()).unwrap();
    let fresh = World::new();
    fresh.export("latest", DAYS[3]);
    finds(
        &fresh.audit(&IntegrityOptions { given: vec![other], ..IntegrityOptions::default() }).unwrap(),
        "in no chain",
    );
}

#[test]
fn two_snapshots_of_one_instant_both_stay_in_the_chain() {
    let world = World::new();
    world.export("history", DAYS[0]);
    world.export("history", DAYS[1]);
    write(&world.path("catalog/world.json"), &CATALOG.replace("\"bob\"", "\"eve\""));
    let apply = Domesday::new(&["apply", "--at", DAYS[0]]).arg(world.path("catalog"));
    apply.arg("--store").arg(world.path("store.db")).run().succeeds();
    world.export("history", DAYS[1]);
    world.export("history", DAYS[2]);
    let audited = world.audit(&IntegrityOptions::default()).unwrap();
    is_clean(&audited);
    assert_eq!((audited.links, audited.unlinked.len()), (3, 0));
}

#[test]
fn every_object_is_named_or_reported() {
    for layout in ["latest", "swap", "history"] {
        let world = World::new();
        world.export(layout, DAYS[0]);
        for stray in [
            "v1/user-metadata/below/part-00000.parquet",
            "v1/user-metadata/part-00009.parquet",
            "v1/user-metadata/notes.txt",
            "v1/user-metadata/part-00000.csv",
            "v1/user-metadata/export_date=2019-01-01/part-00000.parquet",
            "v1/user-metadata/export_date=2999-01-01/part-00000.parquet",
            "v1/user-metadata/export_date=2026-13-01/part-00000.parquet",
            "v1/user-metadata/slot=c/part-00000.parquet",
            "v1/invented/part-00000.parquet",
            "v1/_setup/duckdb.sql",
            "v1/_setup/other.sql",
            "v1/_manifests/notes.txt",
            "v1/_manifests/2026-01-01T000000Z.json",
            "v1/part-00000.parquet",
            "v2/user-metadata/part-00000.parquet",
            "notes.txt",
            "a\nb",
        ] {
            let path = world.key(stray);
            let source = if layout == "latest" { "v1/user-metadata/part-00000.parquet" } else { MANIFEST };
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::copy(world.key(source), &path).unwrap();
            finds(&world.audit(&IntegrityOptions::default()).unwrap(), &stray.replace('\n', "\\n"));
            fs::remove_file(&path).unwrap();
        }
        is_clean(&world.audit(&IntegrityOptions::default()).unwrap());
    }
}

#[test]
fn keys_of_a_manifest_are_not_followed_out_of_the_directory() {
    let world = World::new();
    world.export("latest", DAYS[0]);
    let secret = world.path("secret");
    fs::copy(world.key("v1/user-metadata/part-00000.parquet"), &secret).unwrap();
    let absolute = secret.display().to_string();
    let original = fs::read(world.key(MANIFEST)).unwrap();
    for key in [
        "../secret",
        "v1/../../secret",
        "v1/user-metadata/../../../secret",
        absolute.as_str(),
        "..\\secret",
        "v1%2F..%2F..%2Fsecret",
        "../../etc/passwd",
        "",
        "v",
        "v1",
        "v1/user-metadata",
        "é",
    ] {
        world.edit_manifest(MANIFEST, |manifest| {
            for file in manifest["files"].as_array_mut().unwrap() {
                // Everything else about the file fits, so that only the key can be what is reported.
                if file["table"] == "user-metadata" {
                    file["key"] = key.into();
                }
            }
        });
        let audited = world.audit(&IntegrityOptions::default()).unwrap();
        finds(&audited, "it was not read");
        assert_eq!(audited.files, 14, "{key}");
        fs::write(world.key(MANIFEST), &original).unwrap();
    }
}

#[cfg(unix)]
#[test]
fn links_and_devices_are_findings_and_not_followed() {
    use std::os::unix::fs::symlink;

    let world = World::new();
    world.export("latest", DAYS[0]);
    let part = world.key("v1/user-metadata/part-00000.parquet");
    let elsewhere = world.path("elsewhere.parquet");
    fs::rename(&part, &elsewhere).unwrap();
    symlink(&elsewhere, &part).unwrap();
    finds(&world.audit(&IntegrityOptions::default()).unwrap(), "a symbolic link");
    fs::remove_file(&part).unwrap();
    // Reading a pipe that nobody writes would never end.
    let made = std::process::Command::new("mkfifo").arg(&part).status().unwrap();
    assert!(made.success());
    finds(&world.audit(&IntegrityOptions::default()).unwrap(), "no regular file");
    fs::remove_file(&part).unwrap();
    fs::rename(&elsewhere, &part).unwrap();
    is_clean(&world.audit(&IntegrityOptions::default()).unwrap());
    // A whole folder: what is in it is not looked at, so the table is missing.
    let folder = world.key("v1/user-metadata");
    fs::rename(&folder, world.path("elsewhere")).unwrap();
    symlink(world.path("elsewhere"), &folder).unwrap();
    finds(&world.audit(&IntegrityOptions::default()).unwrap(), "part-00000.parquet is missing");
    fs::remove_file(&folder).unwrap();
    fs::rename(world.path("elsewhere"), &folder).unwrap();
    // The manifest itself.
    fs::rename(world.key(MANIFEST), world.path("m.json")).unwrap();
    symlink(world.path("m.json"), world.key(MANIFEST)).unwrap();
    assert!(world.audit(&IntegrityOptions::default()).is_err());
}

#[test]
fn numbers_and_sizes_of_a_hostile_manifest_do_no_harm() {
    let world = World::new();
    world.export("latest", DAYS[0]);
    let original = fs::read(world.key(MANIFEST)).unwrap();
    let edits: [fn(&mut Value); 6] = [
        |manifest| {
            for file in manifest["files"].as_array_mut().unwrap() {
                file["rows"] = u64::MAX.into();
                file["bytes"] = u64::MAX.into();
            }
        },
        |manifest| {
            for name in ["granted", "blocked", "masked", "unmasked"] {
                manifest["totals"]["outcomes"][name] = u64::MAX.into();
            }
        },
        |manifest| manifest["files"] = json!([]),
        |manifest| manifest["layout"] = "nonsense".into(),
        |manifest| manifest["slot"] = "a".into(),
        |manifest| manifest["snapshot"]["instant"] = "9999-12-30T22:00:00Z".into(),
    ];
    for edit in edits {
        world.edit_manifest(MANIFEST, edit);
        assert!(!world.audit(&IntegrityOptions::default()).unwrap().ok);
        fs::write(world.key(MANIFEST), &original).unwrap();
    }
    // Larger than any manifest, and cut off in the middle of it.
    fs::File::create(world.key(MANIFEST)).unwrap().set_len(1 << 40).unwrap();
    let error = world.audit(&IntegrityOptions::default()).unwrap_err();
    assert!(error.to_string().contains("more than"), "{error}");
    fs::write(world.key(MANIFEST), &original[..original.len() / 2]).unwrap();
    assert!(world.audit(&IntegrityOptions::default()).is_err());
    fs::write(world.key(MANIFEST), "[".repeat(1 << 20)).unwrap();
    assert!(world.audit(&IntegrityOptions::default()).is_err());
}

#[test]
fn a_change_of_layout_leaves_no_rows_of_the_day_before() {
    for (before, after) in [
        ("latest", "swap"),
        ("latest", "history"),
        ("swap", "latest"),
        ("swap", "history"),
        ("history", "latest"),
        ("history", "swap"),
    ] {
        let world = World::new();
        world.export(before, DAYS[0]);
        world.export(before, DAYS[1]);
        let old: Vec<String> = tree(&world.out()).into_keys().filter(|key| key.contains("/part-")).collect();
        let warnings = world.export(after, DAYS[2]);
        let files = tree(&world.out());
        let manifest: Value = serde_json::from_slice(&files[MANIFEST]).unwrap();
        let rows = |key: &str| {
            let files = manifest["files"].as_array().unwrap().iter();
            files.filter(|file| file["key"] == key).map(|file| file["rows"].as_u64().unwrap()).next()
        };
        for key in old.iter().filter(|key| !key.starts_with("v1/snapshot/")) {
            match before {
                // Evidence, in folders that readers of another layout do not look into.
                "history" => assert_eq!(rows(key), None, "{before} {after} {key}"),
                _ => assert_eq!(rows(key), Some(0), "{before} {after} {key}"),
            }
        }
        let expected =
            if before == "history" { "2 days of the layout `history`" } else { "the layout has changed" };
        assert!(warnings.iter().any(|warning| warning.contains(expected)), "{warnings:?}");
        assert!(manifest["warnings"].to_string().contains("layout"), "{manifest}");
        is_clean(&world.audit(&IntegrityOptions::default()).unwrap());
        // The day after: said once, and still nothing unnamed.
        let warnings = world.export(after, DAYS[3]);
        assert!(!warnings.iter().any(|warning| warning.contains("has changed")), "{warnings:?}");
        is_clean(&world.audit(&IntegrityOptions::default()).unwrap());
        // And back.
        world.export(before, "2026-11-28T02:00:00Z");
        is_clean(&world.audit(&IntegrityOptions::default()).unwrap());
    }
}

/// A generator of numbers that is the same every time.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(limit.max(1)).unwrap()).unwrap()
    }
}

/// Changes a delivered directory in one place; gives what was changed.
fn mutate(out: &Path, keys: &[String], random: &mut Random) -> String {
    let key = &keys[random.below(keys.len())];
    let path = out.join(key);
    let bytes = fs::read(&path).unwrap();
    let other = |random: &mut Random| {
        let stems =
            ["v1/user-metadata/", "v1/tag-metadata/export_date=2026-11-24/", "v1/", "v1/_manifests/", ""];
        let names = ["part-00000.parquet", "part-00007.parquet", "x.json", "2026-11-24T020001Z.json", "x"];
        format!("{}{}", stems[random.below(stems.len())], names[random.below(names.len())])
    };
    match random.below(7) {
        0 => {
            fs::remove_file(&path).unwrap();
            format!("{key} deleted")
        }
        1 => {
            let mut changed = bytes;
            let at = random.below(changed.len());
            changed[at] ^= 1 << random.below(8);
            fs::write(&path, changed).unwrap();
            format!("{key} changed at {at}")
        }
        2 => {
            fs::write(&path, &bytes[..random.below(bytes.len())]).unwrap();
            format!("{key} truncated")
        }
        3 => {
            fs::write(&path, [&bytes[..], b"x"].concat()).unwrap();
            format!("{key} longer")
        }
        4 => {
            let new = other(random);
            let target = out.join(&new);
            fs::create_dir_all(target.parent().unwrap()).unwrap();
            if target.exists() {
                fs::remove_file(&target).unwrap();
            }
            fs::rename(&path, target).unwrap();
            format!("{key} renamed to {new}")
        }
        5 => {
            let new = loop {
                let new = other(random);
                if !out.join(&new).exists() {
                    break new;
                }
            };
            let target = out.join(&new);
            fs::create_dir_all(target.parent().unwrap()).unwrap();
            fs::copy(&path, target).unwrap();
            format!("{key} copied to {new}")
        }
        _ => {
            let manifests: Vec<_> = keys.iter().filter(|key| key.ends_with(".json")).collect();
            let key = manifests[random.below(manifests.len())];
            let mut what = String::new();
            edit_json(&out.join(key), |manifest| what = mutate_json(manifest, random));
            format!("{key} with {what}")
        }
    }
}

/// Changes a field of a manifest, or of one of its files.
fn mutate_json(manifest: &mut Value, random: &mut Random) -> String {
    let of_file = random.below(2) == 0;
    let object = if of_file {
        let files = manifest["files"].as_array_mut().unwrap();
        let n = random.below(files.len());
        &mut files[n]
    } else {
        manifest
    };
    let object = object.as_object_mut().unwrap();
    let names: Vec<String> = object.keys().cloned().collect();
    let name = names[random.below(names.len())].clone();
    let before = object[&name].clone();
    let values =
        [Value::Null, json!("x"), json!("../../etc/passwd"), json!(7), json!([]), json!({}), json!("")];
    let value = values[random.below(values.len())].clone();
    let value =
        if value == before || (before.is_null() && value.is_null()) { json!("changed") } else { value };
    object.insert(name.clone(), value.clone());
    format!("{name}: {value}")
}

/// Each layout, delivered over several days, changed in one place at random, many times.
#[test]
fn any_change_to_what_was_delivered_is_a_finding() {
    let copy = |from: &Path, to: &Path| {
        for (key, bytes) in tree(from) {
            let path = to.join(key);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
    };
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for layouts in [["latest"; 3], ["swap"; 3], ["history"; 3], ["history", "latest", "history"]] {
        let world = World::new();
        let mut given = Vec::new();
        for (layout, day) in layouts.iter().zip(DAYS) {
            if !given.is_empty() || world.key(MANIFEST).exists() {
                given.push(world.given());
            }
            world.export(layout, day);
        }
        let options = IntegrityOptions { given, ..IntegrityOptions::default() };
        let clean = world.audit(&options).unwrap();
        is_clean(&clean);
        // The newest manifest alone can be put anew to fit whatever else was: its digest is known from elsewhere.
        let options = IntegrityOptions { expected: Some(clean.manifest_sha256), ..options };
        is_clean(&world.audit(&options).unwrap());
        let keys: Vec<String> = tree(&world.out()).into_keys().collect();
        for n in 0..40 {
            let changed = world.path("changed");
            copy(&world.out(), &changed);
            let what = mutate(&changed, &keys, &mut random);
            if tree(&changed) != tree(&world.out()) {
                let found = audit_of(&changed, &options);
                assert!(
                    found.as_ref().map_or(true, |audit| !audit.ok),
                    "{layouts:?} {n}: {what}: {found:#?}"
                );
            }
            fs::remove_dir_all(&changed).unwrap();
        }
    }
}

#[test]
fn what_looks_like_a_url_is_no_directory() {
    let dir = tempfile::tempdir().unwrap();
    let catalog = dir.path().join("catalog");
    write(&catalog.join("world.json"), CATALOG);
    let catalog = catalog.display().to_string();
    let within = dir.path().join("work");
    fs::create_dir(&within).unwrap();
    let urls = [
        "s3:/bucket/x",
        "s3:bucket",
        "s3//bucket/x",
        "S3://bucket/x",
        "s3a://bucket/x",
        "gs://bucket/x",
        "https://bucket.s3.amazonaws.com/x",
        "file:x",
        "file:/x",
        "a:b",
        "hdfs://x/y",
        " s3://bucket",
    ];
    for url in urls {
        let export = ["export", "--catalog", catalog.as_str(), "--to", url];
        for args in [
            &export[..],
            &["setup", "ddl", "--engine", "duckdb", "--to", url],
            &["setup", "iam-policy", "--to", url],
            &["destination", "verify", "--to", url],
            &["destination", "audit", "--to", url],
            &["export", "--store", url, "--to", "out"],
            &["apply", catalog.as_str(), "--store", url],
            &["explain", "--store", url, "--user", "ada", "--data-source", "Ledger"],
        ] {
            let run = Domesday::new(args).within(&within).run();
            run.fails_with(1);
            assert!(run.stderr.contains("URL") || run.stderr.contains("bucket"), "{args:?}: {}", run.stderr);
        }
        for args in [
            &["export", "--catalog", url, "--to", "out"][..],
            &["apply", url],
            &["check", url],
            &["diff", "--catalog", url, "--catalog", catalog.as_str()],
            &["explain", "--catalog", url, "--user", "ada", "--data-source", "Ledger"],
            &["policy", "export", "--catalog", url],
        ] {
            let run = Domesday::new(args).within(&within).run();
            assert_ne!(run.code, Some(0), "{args:?}");
        }
        assert_eq!(fs::read_dir(&within).unwrap().count(), 0, "{url} left something behind");
    }
    // Written as a path, it is one.
    let run = Domesday::new(&["export", "--quiet", "--catalog", catalog.as_str(), "--to", "./a:b"]);
    run.within(&within).run().succeeds();
    assert!(within.join("a:b/v1/_manifest.json").exists());
}
