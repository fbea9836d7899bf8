//! Which files of a directory are a catalog: what is read, what is warned of, and what is refused with a reason.

#![allow(clippy::unwrap_used, reason = "a test that cannot prepare its world has failed")]

mod cli;

use std::path::Path;

use cli::{Domesday, Finished, write};

const USERS: &str = "users: [{ username: ada }]\ndataSources: [{ name: Ledger, platform: snowflake }]\n";
const GRANT: &str = "policies: [{ name: Everyone, type: grant, level: anyone, appliesTo: all }]\n";
const GUARDRAIL: &str = "policies: [{ name: Nobody, type: guardrail, level: individuals, individuals: { users: [eve] }, appliesTo: all }]\n\
                         users: [{ username: eve }]\n";

fn check(dir: &Path) -> Finished {
    Domesday::new(&["check"]).arg(dir).run()
}

/// A directory with two files that are right.
fn catalog() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    write(&dir.path().join("a.yaml"), USERS);
    write(&dir.path().join("b.yaml"), GRANT);
    dir
}

#[test]
fn a_guardrail_blocks_whatever_the_case_of_its_files_ending() {
    for name in ["Guardrails.YAML", "guardrails.Yml", "deep/er/g.YML", "G.JSON"] {
        let dir = catalog();
        let json = r#"{ "policies": [{ "name": "Nobody", "type": "guardrail", "level": "individuals",
            "individuals": { "users": ["eve"] }, "appliesTo": "all" }], "users": [{ "username": "eve" }] }"#;
        write(&dir.path().join(name), if name.ends_with("JSON") { json } else { GUARDRAIL });
        let run = Domesday::new(&[
            "explain",
            "--format",
            "json",
            "--user",
            "ada",
            "--data-source",
            "Ledger",
            "--catalog",
        ])
        .arg(dir.path())
        .run();
        run.succeeds();
        assert!(run.stdout.contains("\"BLOCKED\""), "{name}: {}", run.stdout);
    }
}

#[test]
fn files_that_look_meant_and_are_not_read_are_warned_of() {
    let dir = catalog();
    let meant = [
        "Guardrails.yaml.txt",
        "Guardrails.yml~",
        "Guardrails.json5",
        "Guardrails.jsonc",
        "Guardrails.yaml.bak",
        "#g.yaml#",
        "Guardrails.YAML.orig",
        "Guardrails",
        "Guardrails.txt",
        "Guardrails.yaml ",
        ".guardrails.yaml",
        ".g.yaml.swp",
    ];
    for name in meant {
        write(&dir.path().join(name), GUARDRAIL);
    }
    write(&dir.path().join(".disabled/g.yaml"), GUARDRAIL);
    let not_meant = ["README.md", ".gitlab-ci.yml", "notes.txt", "LICENSE", ".github/ci.yml", "x.py"];
    for name in not_meant {
        write(&dir.path().join(name), "# users\nstages: [check]\n");
    }
    let json = Domesday::new(&["check", "--format", "json"]).arg(dir.path()).run();
    json.succeeds();
    let report: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    let mut files: Vec<_> =
        report["warnings"].as_array().unwrap().iter().map(|one| one["file"].as_str().unwrap()).collect();
    files.sort_unstable();
    let mut expected = [meant.as_slice(), &[".disabled"]].concat();
    expected.sort_unstable();
    assert_eq!(files, expected);

    // Apart from the catalog, in which every JSON file counts.
    let apart = tempfile::tempdir().unwrap();
    let (store, out) = (apart.path().join("store.db"), apart.path().join("out"));
    let commands: [&[&str]; 4] = [
        &["check"],
        &["apply", "--dry-run", "--store", store.to_str().unwrap()],
        &["export", "--to", out.to_str().unwrap(), "--catalog"],
        &["diff", "--catalog", dir.path().to_str().unwrap(), "--catalog"],
    ];
    for command in commands {
        let run = Domesday::new(command).arg(dir.path()).run();
        run.succeeds();
        assert!(run.stderr.contains("Guardrails.yml~: not read"), "{command:?}: {}", run.stderr);
        let run = Domesday::new(command).arg(dir.path()).args(&["--format", "json"]).run();
        run.succeeds();
        assert!(run.stdout.contains("Guardrails.yml~"), "{command:?}: {}", run.stdout);
    }
}

#[cfg(unix)]
#[test]
fn what_is_no_file_is_refused_with_a_reason_and_not_waited_for() {
    use std::os::unix::fs::symlink;
    use std::os::unix::net::UnixListener;

    let dir = catalog();
    let at = |name: &str| dir.path().join(name);
    let made = std::process::Command::new("mkfifo").arg(at("pipe.yaml")).status().unwrap();
    assert!(made.success());
    let _socket = UnixListener::bind(at("socket.yml")).unwrap();
    symlink("/dev/zero", at("zero.json")).unwrap();
    symlink("nowhere.yaml", at("gone.yaml")).unwrap();
    symlink("nowhere", at("directory")).unwrap();
    symlink("round.yaml", at("round.yaml")).unwrap();
    std::process::Command::new("mkfifo").arg(at("not-meant")).status().unwrap();
    let run = check(dir.path());
    run.fails_with(1);
    for says in [
        "pipe.yaml: this is a named pipe",
        "socket.yml: this is a socket",
        "zero.json: this is a device",
        "gone.yaml: this is a link to `nowhere.yaml`, which does not exist",
        "directory: this is a link to `nowhere`, which does not exist",
        "round.yaml: this is a link to `round.yaml`, which cannot be followed",
        "the catalog has 6 mistakes",
    ] {
        assert!(run.stderr.contains(says), "{says} in {}", run.stderr);
    }
}

#[cfg(unix)]
#[test]
fn links_are_followed_but_not_in_circles() {
    use std::os::unix::fs::symlink;

    let dir = tempfile::tempdir().unwrap();
    let catalog = dir.path().join("catalog");
    write(&catalog.join("a.yaml"), USERS);
    write(&dir.path().join("shared/b.yaml"), GRANT);
    write(&dir.path().join("other.yaml"), "users: [{ username: mallory }]\n");
    symlink("../shared", catalog.join("shared")).unwrap();
    symlink("..", catalog.join("up")).unwrap();
    symlink(".", catalog.join("here")).unwrap();
    symlink("nowhere", catalog.join("old.txt")).unwrap();
    let run = check(&catalog);
    run.succeeds();
    assert!(run.stdout.contains("2 files, 1 user,"), "{}", run.stdout);
    assert!(run.stderr.contains("up: not read: this link points to"), "{}", run.stderr);
    assert!(run.stderr.contains("here: not read: this link points to"), "{}", run.stderr);
    assert!(run.stderr.contains("old.txt: this is a link to `nowhere`"), "{}", run.stderr);
}

#[test]
fn other_encodings_are_named() {
    let utf_16 = |mark: &[u8], big: bool| {
        let units =
            USERS.encode_utf16().flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() });
        [mark, &units.collect::<Vec<_>>()].concat()
    };
    for bytes in
        [utf_16(&[0xff, 0xfe], false), utf_16(&[0xfe, 0xff], true), utf_16(&[], false), utf_16(&[], true)]
    {
        let dir = catalog();
        std::fs::write(dir.path().join("c.yaml"), bytes).unwrap();
        let run = check(dir.path());
        run.fails_with(1);
        assert!(run.stderr.contains("c.yaml: expected UTF-8, found UTF-16"), "{}", run.stderr);
    }
    let dir = catalog();
    std::fs::write(dir.path().join("c.yaml"), b"\xef\xbb\xbfgroups: [{ name: caf\xe9 }]\n").unwrap();
    let run = check(dir.path());
    run.fails_with(1);
    assert!(run.stderr.contains("c.yaml:1:21: expected UTF-8, found the byte 0xe9"), "{}", run.stderr);
}

#[test]
fn a_broken_file_hides_no_mistake_of_others_and_makes_none() {
    let dir = tempfile::tempdir().unwrap();
    write(&dir.path().join("broken.yaml"), "groups:\n  - { name: Analysts\npolicies: []\n");
    write(&dir.path().join("list.yaml"), "- name: Auditors\n");
    write(
        &dir.path().join("typo.yaml"),
        "users: [{ username: eve, groups: [Strangers] }]\ngroops:\n  - name: \"Caf\\u00e9 'Owners'\"\n",
    );
    write(
        &dir.path().join("users.yaml"),
        "users:\n  - { username: ada, groups: [Analysts, Auditors, \"Café 'Owners'\"] }\n  - { username: bob, groups: [Nobody], status: gone }\n",
    );
    write(
        &dir.path().join("z.yaml"),
        "dataSources:\n  - { name: S, platform: p, columns: [{ name: c, type: t }] }\n\
         users: [{ username: ada }]\n\
         dataProducts:\n  - { name: P, createdBy: ada, dataSources: [{ name: S, columns: [d] }] }\n",
    );
    let run = check(dir.path());
    run.fails_with(1);
    for says in [
        "broken.yaml:3:",
        "list.yaml:1:1: expected a mapping, found a list",
        "typo.yaml:2:1: groops: unknown key; did you mean `groups`?",
        "typo.yaml:1:35: users[0].groups: there is no group `Strangers`",
        "users.yaml:3:31: users[1].groups: there is no group `Nobody`",
        "users.yaml:3:48: users[1].status: expected",
        "z.yaml:3:21: users[0].username: the user `ada` is declared twice",
        "has no column `d`",
        "the catalog has 8 mistakes",
        "3 files could not be read completely",
    ] {
        assert!(run.stderr.contains(says), "{says} in {}", run.stderr);
    }
}

#[test]
fn the_first_mistakes_are_printed_with_their_number_and_all_on_demand() {
    let dir = catalog();
    let users: String =
        (0..1500).map(|index| format!("  - {{ username: u{index}, groups: [x{index}] }}\n")).collect();
    write(&dir.path().join("c.yaml"), &format!("users:\n{users}"));
    let printed = |run: &Finished| run.stderr.matches("error: c.yaml:").count();
    let run = check(dir.path());
    run.fails_with(1);
    assert_eq!(printed(&run), 20);
    assert!(run.stderr.contains("error: c.yaml:2:"), "{}", run.stderr);
    assert!(run.stderr.contains("… and 1480 more; --all prints every one"), "{}", run.stderr);
    assert!(run.stderr.contains("the catalog has 1,500 mistakes"), "{}", run.stderr);
    let run = Domesday::new(&["check", "--all"]).arg(dir.path()).run();
    run.fails_with(1);
    assert_eq!(printed(&run), 1500);
    for (args, listed) in
        [(&["check", "--format", "json"][..], 1000), (&["check", "--format", "json", "--all"], 1500)]
    {
        let run = Domesday::new(args).arg(dir.path()).run();
        run.fails_with(1);
        let report: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
        assert_eq!(report["mistakes"], 1500);
        assert_eq!(report["diagnostics"].as_array().unwrap().len(), listed);
    }
}

#[test]
fn another_directory_than_the_catalogs_is_guessed() {
    let dir = tempfile::tempdir().unwrap();
    for index in 0..30 {
        write(
            &dir.path().join(format!("web/package{index}.json")),
            r#"{ "name": "x", "version": "1", "files": [] }"#,
        );
    }
    write(&dir.path().join("governance/catalog/users/a.yaml"), USERS);
    write(&dir.path().join("governance/catalog/b.yaml"), GRANT);
    write(&dir.path().join("examples/c.yaml"), "groups: [{ name: g }]\n");
    let run = check(dir.path());
    run.fails_with(1);
    assert!(run.stderr.contains("30 of the 33 files"), "{}", run.stderr);
    assert!(run.stderr.contains("did you mean its subdirectory `governance/catalog`?"), "{}", run.stderr);
    assert!(run.stderr.lines().count() < 80, "{}", run.stderr);
}

#[test]
fn diff_and_explain_write_markdown_and_others_refuse_it() {
    let before = catalog();
    let after = catalog();
    write(&after.path().join("c.yaml"), &GUARDRAIL.replace("Nobody", "No *one* | none"));
    let run = Domesday::new(&["diff", "--format", "markdown", "--catalog"])
        .arg(before.path())
        .args(&["--catalog"])
        .arg(after.path())
        .run();
    run.succeeds();
    assert!(run.stdout.starts_with("# Changes of access\n"), "{}", run.stdout);
    assert!(
        run.stdout.contains("| blocked | ada | READ | Ledger | No \\*one\\* \\| none |"),
        "{}",
        run.stdout
    );
    let run = Domesday::new(&[
        "explain",
        "--format",
        "markdown",
        "--user",
        "ada",
        "--data-source",
        "Ledger",
        "--catalog",
    ])
    .arg(after.path())
    .run();
    run.succeeds();
    assert!(run.stdout.starts_with("# Access of ada to Ledger\n"), "{}", run.stdout);
    assert!(run.stdout.contains("\n## Guardrails\n\n- ✗ No \\*one\\* \\| none: "), "{}", run.stdout);
    for args in
        [&["check", "x"][..], &["apply", "x"], &["export", "--to", "x"], &["openapi"], &["config", "check"]]
    {
        let run = Domesday::new(args).args(&["--format", "markdown"]).run();
        run.fails_with(2);
        assert!(run.stderr.contains("markdown"), "{}", run.stderr);
    }
}

#[test]
fn a_cause_is_told_once() {
    let missing = tempfile::tempdir().unwrap().path().join("none");
    let said = |run: &Finished| {
        run.stderr.matches("No such file").count() + run.stdout.matches("No such file").count()
    };
    for args in [
        &["check"][..],
        &["apply"],
        &["config", "check", "--config"],
        &["check", "--format", "json"],
        &["config", "check", "--format", "json", "--config"],
    ] {
        let run = Domesday::new(args).arg(&missing).run();
        run.fails_with(1);
        assert_eq!(said(&run), 1, "{args:?}: {}{}", run.stdout, run.stderr);
    }
}
