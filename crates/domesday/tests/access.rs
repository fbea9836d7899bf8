//! `domesday access`, `domesday init` and the formats of lists.

#![allow(clippy::unwrap_used, reason = "a test that cannot prepare its world has failed")]

mod cli;

use std::collections::BTreeSet;

use cli::acme::{AT, catalog, facts};
use cli::{Domesday, tree, write};
use serde_json::Value;

fn access(args: &[&str]) -> Value {
    let run = Domesday::new(&["access", "--json", "--at", AT, "--catalog"]).arg(catalog()).args(args).run();
    run.succeeds();
    serde_json::from_str(&run.stdout).unwrap()
}

/// The facts that the example expects were worked out by hand.
#[test]
fn the_example_company_is_listed_as_it_expects() {
    let facts = facts();
    let facts = facts.iter().filter(|fact| fact.column.is_none());
    let sources: BTreeSet<_> = facts.clone().map(|fact| &fact.data_source).collect();
    for source in sources {
        let listed = access(&["--data-source", source]);
        let items = listed["items"].as_array().unwrap();
        assert_eq!(listed["total"], items.len());
        for fact in facts.clone().filter(|fact| fact.data_source == *source) {
            let found = items.iter().find(|item| item["user"] == *fact.user && item["scope"] == *fact.scope);
            match fact.outcome.as_str() {
                "GRANTED" | "BLOCKED" => {
                    let found = found.unwrap_or_else(|| panic!("{} to {source}", fact.user));
                    assert_eq!(found["outcome"], *fact.outcome, "{} to {source}", fact.user);
                    let reasons: Vec<_> =
                        found["reasons"].as_array().unwrap().iter().map(|it| it.as_str().unwrap()).collect();
                    assert_eq!(Some(reasons.join("+")), fact.reason, "{} to {source}", fact.user);
                }
                _ => assert!(found.is_none(), "{} to {source}", fact.user),
            }
        }
    }
}

#[test]
fn a_user_and_a_data_source_are_two_views_of_the_same_access() {
    let of_source = access(&["--data-source", "Dealer Contacts"]);
    let rows = of_source["items"].as_array().unwrap();
    assert!(rows.len() > 3);
    for row in rows {
        let user = row["user"].as_str().unwrap();
        let of_user = access(&["--user", user]);
        assert!(of_user["items"].as_array().unwrap().contains(row), "{row}");
        let of_both = access(&["--user", user, "--data-source", "Dealer Contacts"]);
        assert!(of_both["items"].as_array().unwrap().contains(row), "{row}");
    }
}

#[test]
fn filters_leave_out_the_other_rows() {
    let all = access(&["--data-source", "Dealer Contacts"]);
    let count = |filter: &[&str]| {
        let args: Vec<_> = ["--data-source", "Dealer Contacts"].iter().chain(filter).copied().collect();
        access(&args)["total"].as_u64().unwrap()
    };
    let total = all["total"].as_u64().unwrap();
    assert_eq!(count(&["--scope", "read"]) + count(&["--scope", "write"]), total);
    assert_eq!(count(&["--outcome", "granted"]) + count(&["--outcome", "blocked"]), total);
    assert!(count(&["--outcome", "blocked", "--scope", "write"]) > 0);
}

#[test]
fn csv_and_json_have_the_same_rows() {
    let listed = access(&["--data-source", "Dealer Contacts"]);
    let run = Domesday::new(&["access", "--data-source", "Dealer Contacts", "--at", AT, "--format", "csv"])
        .arg("--catalog")
        .arg(catalog())
        .run();
    run.succeeds();
    let mut csv = csv::Reader::from_reader(run.stdout.as_bytes());
    let headers = csv.headers().unwrap().clone();
    let of = |record: &csv::StringRecord, name: &str| {
        record[headers.iter().position(|header| header == name).unwrap()].to_owned()
    };
    let items = listed["items"].as_array().unwrap();
    let records: Vec<_> = csv.records().map(Result::unwrap).collect();
    assert_eq!(records.len(), items.len());
    for (record, item) in records.iter().zip(items) {
        for name in ["user", "scope", "outcome"] {
            assert_eq!(of(record, name), item[name].as_str().unwrap());
        }
        let grants: Value = serde_json::from_str(&of(record, "grants")).unwrap();
        assert_eq!(grants, item["grants"]);
        assert_eq!(of(record, "request_id"), item["requestId"].as_str().unwrap_or_default());
    }
}

#[test]
fn init_creates_a_valid_catalog_and_its_next_commands_run() {
    let dir = tempfile::tempdir().unwrap();
    let run = Domesday::new(&["init", "new/Bob's catalog", "--json"]).within(dir.path()).run();
    run.succeeds();
    let report: Value = serde_json::from_str(&run.stdout).unwrap();
    let catalog = dir.path().join("new/Bob's catalog");
    assert_eq!(tree(&catalog).len(), report["files"].as_array().unwrap().len());
    let run = Domesday::new(&["check", "--json"]).arg(&catalog).run();
    run.succeeds();
    let check: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(check["warnings"], serde_json::json!([]));
    for kind in ["groups", "users", "dataSources", "policies", "dataPolicies"] {
        assert!(check["objects"][kind].as_u64().unwrap() > 0, "{kind}");
    }
    for command in report["next"].as_array().unwrap() {
        let quoted = command.as_str().unwrap().strip_prefix("domesday ").unwrap();
        let args: Vec<_> = quoted
            .split(' ')
            .filter(|word| !word.contains("Bob") && !word.contains("catalog'") && *word != "--catalog")
            .collect();
        let (first, rest) = args.split_first().unwrap();
        let run = Domesday::new(&[first]);
        let run = if *first == "check" { run } else { run.arg("--catalog") };
        run.arg(&catalog).args(rest).run().succeeds();
    }
}

/// The connection is a comment; without the marks it is valid too.
#[test]
fn the_connection_of_the_first_catalog_can_be_uncommented() {
    let dir = tempfile::tempdir().unwrap();
    Domesday::new(&["init", "governance"]).within(dir.path()).run().succeeds();
    let path = dir.path().join("governance/tenant.yaml");
    let text = std::fs::read_to_string(&path).unwrap();
    let (before, connection) = text.split_once("# connections:").unwrap();
    let connection: String =
        connection.lines().map(|line| format!("{}\n", line.strip_prefix("# ").unwrap_or(line))).collect();
    write(&path, &format!("{before}connections:{connection}"));
    let run = Domesday::new(&["check", "governance", "--json"]).within(dir.path()).run();
    run.succeeds();
    let check: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(check["objects"]["connections"], 1);
}

#[test]
fn init_never_changes_a_directory_with_files() {
    let dir = tempfile::tempdir().unwrap();
    write(&dir.path().join("used/notes.txt"), "mine");
    write(&dir.path().join("repository/.git/HEAD"), "ref: refs/heads/main\n");
    let before = tree(dir.path());
    for directory in ["used", "used/notes.txt"] {
        let run = Domesday::new(&["init", directory]).within(dir.path()).run();
        run.fails_with(1);
        assert!(run.stderr.contains(directory), "{}", run.stderr);
    }
    assert_eq!(tree(dir.path()), before);
    Domesday::new(&["init", "repository"]).within(dir.path()).run().succeeds();
    let run = Domesday::new(&["init", "repository"]).within(dir.path()).run();
    run.fails_with(1);
    assert!(run.stderr.contains("is not empty"), "{}", run.stderr);
}

#[test]
fn json_is_short_for_the_format_and_excludes_others() {
    let dir = tempfile::tempdir().unwrap();
    write(&dir.path().join("a.yaml"), "users: [{ username: ada }]\n");
    let long = Domesday::new(&["check", "--format", "json"]).arg(dir.path()).run();
    for args in [&["check", "--json"][..], &["--json", "check"]] {
        let short = Domesday::new(args).arg(dir.path()).run();
        short.succeeds();
        assert_eq!(short.stdout, long.stdout);
    }
    for args in [
        &["check", "--json", "--format", "text"][..],
        &["access", "--json", "--format", "csv", "--user", "ada"],
        &["--json", "access", "--format", "csv", "--user", "ada"],
        &["--format", "markdown", "diff", "--json", "--catalog", "x"],
    ] {
        let run = Domesday::new(args).run();
        run.fails_with(2);
        assert!(run.stderr.contains("--json"), "{}", run.stderr);
    }
}

#[test]
fn lists_have_csv_and_markdown_and_other_commands_refuse_them() {
    let dir = tempfile::tempdir().unwrap();
    write(&dir.path().join("catalog/a.yaml"), "connections:\n  - { name: corp_hr, kind: scim }\n");
    Domesday::new(&["apply", "catalog", "--store", "s.db"]).within(dir.path()).run().succeeds();
    let list = |format| {
        let args = ["connection", "list", "--store", "s.db", "--format", format];
        let run = Domesday::new(&args).within(dir.path()).run();
        run.succeeds();
        run.stdout
    };
    let csv = list("csv");
    assert!(
        csv.starts_with("name,kind,state,users,groups,data_sources,last_complete_at\ncorp_hr,scim,"),
        "{csv}"
    );
    let markdown = list("markdown");
    assert!(markdown.contains("| corp\\_hr | scim | "), "{markdown}");
    for args in [
        &["check", "x"][..],
        &["connection", "verify", "x"],
        &["explain", "--user", "a", "--data-source", "b"],
    ] {
        let run = Domesday::new(args).args(&["--format", "csv"]).run();
        run.fails_with(2);
        assert!(run.stderr.contains("`domesday connection list`"), "{}", run.stderr);
    }
    let (before, after) = (dir.path().join("before"), dir.path().join("after"));
    write(
        &before.join("a.yaml"),
        "users: [{ username: ada }]\ndataSources: [{ name: Ledger, platform: x }]\n",
    );
    write(
        &after.join("a.yaml"),
        "users: [{ username: ada }]\ndataSources: [{ name: Ledger, platform: x, owners: [ada] }]\n",
    );
    let diff = Domesday::new(&["diff", "--format", "csv", "--catalog", "before", "--catalog", "after"]);
    let diff = diff.within(dir.path()).run();
    diff.succeeds();
    assert!(diff.stdout.contains("added,ada,READ,Ledger,,\"[\"\"ownership\"\"]\"\n"), "{}", diff.stdout);
}

#[test]
fn a_reader_that_stops_reading_is_no_failure() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    for format in ["csv", "markdown", "text", "json"] {
        let run = Domesday::new(&["access", "--user", "daan.visser", "--format", format, "--catalog"]);
        let mut command = run.arg(catalog()).into_command();
        let output = command.stdout(writer.try_clone().unwrap()).output().unwrap();
        let message = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success() && !message.contains("error"), "{format}: {message}");
    }
}

#[test]
fn a_store_of_the_environment_does_not_count_beside_a_catalog() {
    let args = ["access", "--json", "--at", AT, "--user", "sophie.lang", "--catalog"];
    let run = Domesday::new(&args).arg(catalog()).with(&[("DOMESDAY_STORE", "elsewhere.db")]).run();
    run.succeeds();
    let run = Domesday::new(&args).arg(catalog()).args(&["--store", "elsewhere.db"]).run();
    run.fails_with(2);
    assert!(run.stderr.contains("'--catalog <DIR>' cannot be used with '--store <STORE>'"), "{}", run.stderr);
}
