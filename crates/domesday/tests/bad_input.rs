//! Bad input: each mistake gets a clear error at its place, exit code 1, and leaves store and destination as
//! they were.

mod cli;

use std::fs;
use std::path::Path;

use cli::{Domesday, write};

/// A case: its name, the files of the catalog, and what the errors must say, each with its place.
struct Case {
    name: &'static str,
    files: &'static [(&'static str, &'static str)],
    says: &'static [&'static str],
}

const CASES: &[Case] = &[
    Case {
        name: "unknown group",
        files: &[(
            "a.yaml",
            "users:\n  - username: ada\n    groups: [Analyst]\ngroups:\n  - name: Analysts\n",
        )],
        says: &["a.yaml:3:14: users[0].groups: there is no group `Analyst`; did you mean `Analysts`?"],
    },
    Case {
        name: "unknown group in a condition",
        files: &[(
            "a.yaml",
            "policies:\n  - { name: P, type: grant, condition: \"@isInGroups('Nobody')\", appliesTo: all }\n",
        )],
        says: &["policies[0].condition: there is no group `Nobody`"],
    },
    Case {
        name: "unknown tag",
        files: &[(
            "a.yaml",
            "policies:\n  - name: P\n    type: grant\n    level: anyone\n    appliesTo: { tagged: [PII] }\n",
        )],
        says: &["a.yaml:5:27: policies[0].appliesTo", "there is no tag `PII`"],
    },
    Case {
        name: "unknown user",
        files: &[(
            "a.yaml",
            "policies:\n  - name: P\n    type: grant\n    level: individuals\n    individuals: { users: [eve] }\n    appliesTo: all\n",
        )],
        says: &["a.yaml:5:28: policies[0].individuals.users: there is no user `eve`"],
    },
    Case {
        name: "unknown source",
        files: &[(
            "a.yaml",
            "policies:\n  - name: P\n    type: grant\n    level: anyone\n    appliesTo: { dataSources: [Ledger] }\n",
        )],
        says: &["there is no data source `Ledger`"],
    },
    Case {
        name: "condition that does not parse",
        files: &[(
            "a.yaml",
            "policies:\n  - name: P\n    type: grant\n    condition: \"@isInGroups('A') AND\"\n    appliesTo: all\n",
        )],
        says: &["a.yaml:4:", "policies[0].condition: expected"],
    },
    Case {
        name: "duplicate names over two files",
        files: &[
            ("a.yaml", "users:\n  - username: ada\n"),
            ("b.json", "{\"users\": [{\"username\": \"ada\"}]}"),
        ],
        says: &["b.json:1:", "users[0].username: the user `ada` is declared twice"],
    },
    Case {
        name: "unknown key",
        files: &[("a.yaml", "users:\n  - username: ada\n    grups: [A]\n")],
        says: &["a.yaml:3:5: users[0].grups: unknown key", "groups"],
    },
    Case {
        name: "wrong type",
        files: &[("a.yaml", "users:\n  - username: [ada]\n")],
        says: &["a.yaml:2:15: users[0].username: expected a text, found a list"],
    },
    Case {
        name: "level without what it requires",
        files: &[(
            "a.yaml",
            "policies:\n  - { name: P, type: grant, level: individuals, appliesTo: all }\n  - { name: Q, type: grant, appliesTo: all }\n",
        )],
        says: &["policies[0]", "individuals", "policies[1]", "condition"],
    },
    Case {
        name: "guardrail of a level it cannot have",
        files: &[("a.yaml", "policies:\n  - { name: P, type: guardrail, level: anyone, appliesTo: all }\n")],
        says: &["policies[0].level", "guardrail"],
    },
    Case {
        name: "numbers out of range",
        files: &[(
            "a.yaml",
            "agreements:\n  - { name: A, version: 0, text: t }\nrequestForms:\n  - { name: F, version: 9223372036854775807 }\n\
             dataPolicies:\n  - name: M\n    mask: { kind: rounding, precision: -5 }\n    columns: { names: [a] }\n    appliesTo: all\n",
        )],
        says: &[
            "a.yaml:2:25: agreements[0].version: expected a version from 1 to 2147483647, found 0",
            "a.yaml:4:25: requestForms[0].version: expected a version from 1 to 2147483647, found 9223372036854775807",
            "a.yaml:7:40: dataPolicies[0].mask.precision: expected a number greater than 0, found -5",
        ],
    },
    Case {
        name: "time zone in lower case",
        files: &[("a.yaml", "tenant: { name: T, timeZone: europe/berlin }\n")],
        says: &[
            "a.yaml:1:30: tenant.timeZone: expected an IANA time zone such as Europe/Berlin, found `europe/berlin`; \
             did you mean `Europe/Berlin`?",
        ],
    },
    Case {
        name: "name with a line break",
        files: &[("a.yaml", "groups:\n  - name: \"A\\nB\"\n")],
        says: &["a.yaml:2:11: groups[0].name: the name contains the control character U+000A"],
    },
    Case {
        name: "request without target",
        files: &[(
            "a.yaml",
            "users: [{ username: ada }]\nrequests:\n  - { id: R1, type: dataAccess, user: ada, status: pending, createdAt: 2026-01-01T00:00:00Z }\n",
        )],
        says: &["requests[0]", "dataProduct", "dataSource"],
    },
    Case {
        name: "every mistake at once",
        files: &[
            ("a.yaml", "users:\n  - username: ada\n    status: gone\n  - nme: bob\n"),
            ("b.yaml", "groups:\n  - { name: A, attributes: 7 }\n"),
        ],
        says: &["a.yaml:3:13: users[0].status", "a.yaml:4:", "b.yaml:2:28: groups[0].attributes", "mistakes"],
    },
    Case {
        name: "a wrong type and a wrong name at once, and no mistake made of what could not be read",
        files: &[(
            "a.yaml",
            "groups:\n  - { name: Audit, attributes: 7 }\n\
             users:\n  - { username: ada, groups: [Audit, Adit] }\n\
             dataSources:\n  - { name: Ledger, columns: [{ name: IBAN }] }\n\
             policies:\n  - { name: P, type: grant, level: anyone, appliesTo: { dataSources: [Ledger] } }\n",
        )],
        says: &[
            "a.yaml:2:32: groups[0].attributes",
            "a.yaml:4:38: users[0].groups: there is no group `Adit`; did you mean `Audit`?",
            "a.yaml:6:5: dataSources[0]: `platform` is missing",
            "a.yaml:6:31: dataSources[0].columns[0]: `type` is missing",
            "the catalog has 4 mistakes",
        ],
    },
    Case { name: "nothing declared", files: &[("a.yaml", "# only a comment\n")], says: &["nothing"] },
    Case {
        name: "no catalog",
        files: &[("notes.yaml", "title: Minutes\n")],
        says: &["notes.yaml:1:1: title: unknown key"],
    },
    Case { name: "no file of a catalog", files: &[("readme.txt", "hello")], says: &[".yaml"] },
];

#[test]
fn each_mistake_is_told_at_its_place_and_changes_nothing() {
    for case in CASES {
        let dir = tempfile::tempdir().unwrap();
        let catalog = dir.path().join("catalog");
        case.files.iter().for_each(|(name, text)| write(&catalog.join(name), text));
        let out = dir.path().join("out");

        let export = Domesday::new(&["export", "--catalog"]).arg(&catalog).arg("--to").arg(&out).run();
        export.fails_with(1);
        case.says.iter().for_each(|text| {
            assert!(export.stderr.contains(text), "{}: expected `{text}` in\n{}", case.name, export.stderr);
        });
        assert_eq!(export.stdout, "", "{}", case.name);
        assert!(!out.exists(), "{}: the destination was made", case.name);

        let store = dir.path().join("store.db");
        let apply = Domesday::new(&["apply"]).arg(&catalog).arg("--store").arg(&store).run();
        apply.fails_with(1);
        assert!(!store.exists(), "{}: the store was made", case.name);
    }
}

#[test]
fn what_is_no_directory_is_told_so() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("catalog.yaml");
    write(&file, "users: []\n");
    for (path, says) in [(file, "directory"), (dir.path().join("nowhere"), "nowhere")] {
        let run = Domesday::new(&["check"]).arg(&path).run();
        run.fails_with(1);
        assert!(run.stderr.contains(says), "{}", run.stderr);
    }
}

#[test]
fn bytes_that_are_no_utf_8_are_told_by_line_and_column() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("a.yaml"), b"users:\n  - username: ad\xff\n").unwrap();
    let run = Domesday::new(&["check"]).arg(dir.path()).run();
    run.fails_with(1);
    assert!(run.stderr.contains("a.yaml:2:17: ") && run.stderr.contains("UTF-8"), "{}", run.stderr);
}

#[test]
fn aliases_that_explode_are_refused_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let mut text = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
    for level in 1..40 {
        let below = format!("*a{}, ", level - 1).repeat(9);
        text.push_str(&format!("a{level}: &a{level} [{below}]\n"));
    }
    write(&dir.path().join("bomb.yaml"), &text);
    let run = Domesday::new(&["check"]).arg(dir.path()).run();
    run.fails_with(1);
    assert!(run.stderr.contains("bomb.yaml") && run.stderr.contains("alias"), "{}", run.stderr);
}

#[test]
fn an_idle_level_choice_is_a_warning_and_the_export_succeeds() {
    let dir = tempfile::tempdir().unwrap();
    let catalog = dir.path().join("catalog");
    write(
        &catalog.join("a.yaml"),
        "dataSources:\n  - { name: Ledger, platform: snowflake, levelChoice: Free }\n\
         policies:\n  - { name: Free, type: grant, level: anyone, appliesTo: all }\n",
    );
    let run =
        Domesday::new(&["export", "--catalog"]).arg(&catalog).arg("--to").arg(dir.path().join("out")).run();
    run.succeeds();
    assert!(run.stderr.contains("warning:") && run.stderr.contains("levelChoice"), "{}", run.stderr);
}

fn example() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/acme")
}

fn export_to(to: &str) -> cli::Finished {
    Domesday::new(&["export", "--at", "2026-11-24T02:00:00Z", "--catalog"])
        .arg(example())
        .args(&["--to", to])
        .run()
}

#[test]
fn destinations_that_cannot_be_are_told_so() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    write(&file, "mine");
    for (to, says) in [
        (file.display().to_string(), "is a file"),
        (format!("{}/below", file.display()), "is a file"),
        ("ftp://example/x".to_owned(), "no destination"),
        ("file://relative".to_owned(), "absolute"),
        (String::new(), "empty"),
    ] {
        let run = export_to(&to);
        run.fails_with(1);
        assert!(run.stderr.contains(says), "{to}: {}", run.stderr);
    }
    assert_eq!(fs::read_to_string(&file).unwrap(), "mine");
}

/// `/proc` takes no files from anybody, root included.
#[cfg(target_os = "linux")]
#[test]
fn a_destination_that_cannot_be_written_is_told_so() {
    let run = export_to("/proc/summary");
    run.fails_with(1);
    assert!(run.stderr.contains("/proc"), "{}", run.stderr);
}

/// A limit on the size of files stands for a disk that fills up: writing fails in the middle of a table.
#[cfg(target_os = "linux")]
#[test]
fn a_destination_that_fills_up_is_left_as_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("out");
    export_to(&out.display().to_string()).succeeds();
    let before = cli::tree(&out);
    let script = format!(
        "trap '' XFSZ; ulimit -f 4; exec '{}' export --at 2026-11-25T02:00:00Z --catalog '{}' --to '{}'",
        env!("CARGO_BIN_EXE_domesday"),
        example().display(),
        out.display()
    );
    let run = cli::Finished::of(std::process::Command::new("bash").args(["-c", &script]));
    run.fails_with(1);
    assert!(run.stderr.contains("no room left"), "{}", run.stderr);
    assert_eq!(cli::tree(&out), before, "the destination changed");
}

#[test]
fn stores_that_are_none_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let notes = dir.path().join("notes.txt");
    write(&notes, &"these are notes and no database at all. ".repeat(50));
    let run = Domesday::new(&["export", "--to"]).arg(dir.path().join("out")).arg("--store").arg(&notes).run();
    run.fails_with(1);
    assert!(run.stderr.contains("not a Domesday store"), "{}", run.stderr);
    let missing = dir.path().join("none.db");
    let run =
        Domesday::new(&["export", "--to"]).arg(dir.path().join("out")).arg("--store").arg(&missing).run();
    run.fails_with(1);
    assert!(run.stderr.contains("there is no store"), "{}", run.stderr);
    assert!(!missing.exists() && !dir.path().join("out").exists());
}

#[test]
fn wrong_command_lines_end_with_2() {
    for args in [&["export"][..], &["nonsense"], &["export", "--to", "x", "--at", "yesterday"]] {
        Domesday::new(args).run().fails_with(2);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_result_that_cannot_be_printed_is_a_failure() {
    for format in ["text", "json"] {
        // Every write to it ends with "no space left".
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let run = Domesday::new(&["schema", "--format", format]).printing_to(full).run();
        run.fails_with(1);
        assert_eq!(run.stderr.matches("the result is incomplete").count(), 1, "{}", run.stderr);
    }
}
