//! `domesday export` as its users see it: what it prints, what it writes, and that it is the same each time.

mod cli;

use std::fs;
use std::path::{Path, PathBuf};

use cli::{Domesday, tree, write};

const AT: &str = "2026-11-24T02:00:00Z";

fn example() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/acme")
}

fn export(to: &Path) -> Domesday {
    Domesday::new(&["export", "--at", AT, "--catalog"])
        .arg(example())
        .args(&["--to", &to.display().to_string()])
}

#[test]
fn the_same_catalog_and_instant_give_the_same_bytes() {
    let dir = tempfile::tempdir().unwrap();
    let (first, second) = (dir.path().join("first"), dir.path().join("second"));
    export(&first).run().succeeds();
    export(&second).run().succeeds();
    // And once more over what is there.
    export(&second).run().succeeds();
    let (first, second) = (tree(&first), tree(&second));
    assert_eq!(first.keys().collect::<Vec<_>>(), second.keys().collect::<Vec<_>>());
    assert_eq!(first.len(), 16, "fourteen tables, the snapshot and the manifest");
    first.iter().for_each(|(key, bytes)| assert!(second[key] == *bytes, "{key} differs"));
}

#[test]
fn another_instant_is_another_snapshot_in_the_same_place() {
    let dir = tempfile::tempdir().unwrap();
    export(dir.path()).run().succeeds();
    let before = tree(dir.path());
    let later = Domesday::new(&["export", "--at", "2027-06-01T02:00:00Z", "--catalog"]).arg(example());
    later.arg("--to").arg(dir.path()).run().succeeds();
    let after = tree(dir.path());
    assert_eq!(before.keys().collect::<Vec<_>>(), after.keys().collect::<Vec<_>>());
    let same: Vec<_> =
        before.iter().filter(|(key, bytes)| after[*key] == **bytes).map(|(key, _)| key.as_str()).collect();
    let without_rows = ["v1/access-drift/part-00000.parquet", "v1/actual-access/part-00000.parquet"];
    assert_eq!(same, without_rows, "every row carries its instant");
}

#[test]
fn the_manifest_names_every_file_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    export(dir.path()).run().succeeds();
    let files = tree(dir.path());
    let manifest: serde_json::Value = serde_json::from_slice(&files["v1/_manifest.json"]).unwrap();
    // The minor version of the contract, while the folder is that of the major one.
    assert_eq!(manifest["schema_version"], "1.1");
    let listed = manifest["files"].as_array().unwrap();
    assert_eq!(listed.len(), files.len() - 1);
    for file in listed {
        let bytes = &files[file["key"].as_str().unwrap()];
        assert_eq!(file["bytes"], bytes.len(), "{file}");
        assert_eq!(file["sha256"], domesday_tables::hex(&domesday_tables::sha256(bytes)), "{file}");
    }
}

#[test]
fn a_store_and_its_catalog_give_the_same_outcomes() {
    let dir = tempfile::tempdir().unwrap();
    let store = dir.path().join("store.db");
    let apply = Domesday::new(&["apply", "--at", AT]).arg(example()).arg("--store").arg(&store).run();
    apply.succeeds();
    let out = dir.path().join("out");
    let run = Domesday::new(&["export", "--format", "json", "--at", AT, "--store"]).arg(&store);
    let run = run.arg("--to").arg(&out).run();
    run.succeeds();
    let of_store: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    let run = export(&dir.path().join("other")).args(&["--format", "json"]).run();
    let of_catalog: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    for field in ["outcomes", "users", "dataSources"] {
        assert!(!of_store[field].is_null(), "{field}");
        assert_eq!(of_store[field], of_catalog[field], "{field}");
    }
}

#[test]
fn days_form_a_chain() {
    let dir = tempfile::tempdir().unwrap();
    let (store, out) = (dir.path().join("store.db"), dir.path().join("out"));
    Domesday::new(&["apply", "--at", AT]).arg(example()).arg("--store").arg(&store).run().succeeds();
    let mut previous = serde_json::Value::Null;
    for day in ["2026-11-24T02:00:00Z", "2026-11-25T02:00:00Z", "2026-11-26T02:00:00Z"] {
        let run =
            Domesday::new(&["export", "--quiet", "--at", day, "--store"]).arg(&store).arg("--to").arg(&out);
        run.run().succeeds();
        let bytes = fs::read(out.join("v1/_manifest.json")).unwrap();
        let manifest: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        assert_eq!(manifest["previous_manifest_sha256"], previous, "{day}");
        previous = domesday_tables::hex(&domesday_tables::sha256(&bytes)).into();
    }
}

#[test]
fn quiet_says_nothing_and_json_is_one_document() {
    let dir = tempfile::tempdir().unwrap();
    let run = export(&dir.path().join("quiet")).arg("--quiet").run();
    run.succeeds();
    assert_eq!(run.stdout, "");
    let run = export(&dir.path().join("json")).args(&["--format", "json"]).run();
    run.succeeds();
    let report: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(report["tables"].as_array().unwrap().len(), 14);
    let run = Domesday::new(&["export", "--format", "json", "--catalog"]).arg(dir.path().join("none"));
    let run = run.arg("--to").arg(dir.path().join("never")).run();
    run.fails_with(1);
    let error: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert!(error.to_string().contains("none"), "{error}");
}

#[test]
fn colours_are_for_who_wants_them() {
    let dir = tempfile::tempdir().unwrap();
    let plain = export(&dir.path().join("a")).run();
    assert!(!plain.stdout.contains('\u{1b}'));
    let coloured = export(&dir.path().join("b")).args(&["--color", "always"]).run();
    assert!(coloured.stdout.contains('\u{1b}'));
}

#[test]
fn fewer_parts_than_before_leave_no_stale_rows() {
    let dir = tempfile::tempdir().unwrap();
    export(dir.path()).run().succeeds();
    // What an earlier run with more data left behind.
    let stale = dir.path().join("v1/policy-outcomes/part-00001.parquet");
    fs::copy(dir.path().join("v1/policy-outcomes/part-00000.parquet"), &stale).unwrap();
    let rows = |path: &Path| fs::metadata(path).unwrap().len();
    let before = rows(&stale);
    export(dir.path()).run().succeeds();
    assert!(rows(&stale) < before, "the surplus part still holds rows");
    let manifest = fs::read_to_string(dir.path().join("v1/_manifest.json")).unwrap();
    assert!(manifest.contains("policy-outcomes/part-00001.parquet"), "the manifest names it");
}

#[test]
fn a_wrong_command_line_is_told_with_exit_code_2() {
    for args in [&["export"][..], &["exprot"], &["export", "--to", "x", "--at", "yesterday"]] {
        let run = Domesday::new(args).run();
        run.fails_with(2);
        assert!(run.stderr.contains("error:"), "{}", run.stderr);
    }
    let help = Domesday::new(&["--help"]).run();
    help.succeeds();
    assert!(help.stdout.contains("Exit codes"), "{}", help.stdout);
}

/// A day is a whole: while one export follows another, whoever looks finds files that are whole.
#[test]
fn a_catalog_with_a_mistake_leaves_the_day_before_in_place() {
    let dir = tempfile::tempdir().unwrap();
    let (catalog, out) = (dir.path().join("catalog"), dir.path().join("out"));
    write(&catalog.join("a.yaml"), "users: [{ username: ada }]\n");
    let run = || {
        let run = Domesday::new(&["export", "--at", AT, "--catalog"]).arg(&catalog);
        run.arg("--to").arg(&out).run()
    };
    run().succeeds();
    let before = tree(&out);
    write(&catalog.join("a.yaml"), "users: [{ username: ada, status: gone }]\n");
    run().fails_with(1);
    assert_eq!(tree(&out), before);
}
