//! The whole command line: exit code, standard output and standard error of every command, compared with what is
//! committed. `INSTA_UPDATE=always cargo test --workspace --test snapshots` accepts changes; read the difference.
//!
//! The full help of each command is `docs/cli.md`, which `cargo xtask files` compares.

#![allow(clippy::unwrap_used, reason = "a test that cannot prepare its world has failed")]

mod cli;

use std::fmt::Write as _;
use std::path::Path;

use cli::{Domesday, Finished, tree, write};

/// Variables that would change what a command does.
const VARIABLES: [&str; 9] = [
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_PROFILE",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "DATABASE_URL",
    "DOMESDAY_CONFIG",
    "DOMESDAY_SECRET_KEY",
    "DOMESDAY_STORE",
];

/// Of a longer output only the beginning is compared.
const MAX_LINES: usize = 40;

/// What differs from run to run, and what stands for it in a snapshot.
const FILTERS: [(&str, &str); 8] = [
    (r"manifest says \d+", "manifest says [NUMBER]"),
    (r"domesday_[A-Za-z0-9_-]{20,}", "[API KEY]"),
    (r"fingerprint ([0-9a-f]{4,})", "fingerprint [FINGERPRINT]"),
    (r#""fingerprint": "[^"]+""#, r#""fingerprint": "[FINGERPRINT]""#),
    (r"\b[0-9a-f]{64}\b", "[SHA-256]"),
    (r" in \d+\.\d s\.", " in [TIME]."),
    (r" *\b\d+(\.\d)? (B|KiB)\b", " [SIZE]"),
    (r#"("bytes": |"seconds": )[0-9.]+"#, "$1[NUMBER]"),
];

/// A directory with a catalog, in which commands run one after the other.
struct Session {
    dir: tempfile::TempDir,
    /// Every command so far with what came of it.
    log: String,
}

impl Session {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/snapshots");
        for (name, content) in tree(&data) {
            write(&dir.path().join(name), &String::from_utf8(content).unwrap());
        }
        Self { dir, log: String::new() }
    }

    /// Runs commands, each a line of arguments separated by spaces.
    fn run(&mut self, commands: &[&str]) {
        for command in commands {
            let args: Vec<_> = command.split(' ').filter(|arg| !arg.is_empty()).map(unquoted).collect();
            let args: Vec<_> = args.iter().map(String::as_str).collect();
            let surroundings =
                [("COLUMNS", "100"), ("HOME", "/nonexistent"), ("AWS_EC2_METADATA_DISABLED", "true")];
            let run =
                Domesday::new(&args).without(&VARIABLES).with(&surroundings).within(self.dir.path()).run();
            self.record(command, &run);
        }
    }

    fn record(&mut self, command: &str, run: &Finished) {
        let _ = writeln!(self.log, "$ domesday {command}");
        let is_help = command.ends_with(" -h");
        let stdout = if is_help { without_global_options(&run.stdout) } else { run.stdout.clone() };
        for (name, text) in [("", &stdout), ("stderr: ", &run.stderr)] {
            let lines: Vec<_> = text.lines().collect();
            for line in lines.iter().take(MAX_LINES) {
                let _ = writeln!(self.log, "{}", format!("{name}{line}").trim_end());
            }
            if lines.len() > MAX_LINES {
                let _ = writeln!(self.log, "{name}[…]");
            }
        }
        match run.code {
            Some(0) => {}
            code => {
                let _ = writeln!(
                    self.log,
                    "[exit code {}]",
                    code.map_or("none".to_owned(), |code| code.to_string())
                );
            }
        }
        self.log.push('\n');
    }

    /// Compares everything with the snapshot of this name.
    fn check(self, name: &str) {
        let directory = self.dir.path().display().to_string();
        let mut settings = insta::Settings::clone_current();
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        settings.set_snapshot_path("snapshots");
        FILTERS.iter().for_each(|(found, shown)| settings.add_filter(found, *shown));
        let log = self.log.replace(&directory, "[DIRECTORY]");
        settings.bind(|| insta::assert_snapshot!(name, log.trim_end()));
    }
}

/// A help text without the options that every command has.
fn without_global_options(help: &str) -> String {
    let mut sections: Vec<_> = help.split("\n\n").collect();
    sections.retain(|section| !section.starts_with("Output:"));
    sections.join("\n\n")
}

/// A word of a command, in which `+` stands for a space.
fn unquoted(word: &str) -> String {
    word.replace('+', " ")
}

#[test]
fn short_help_of_every_command() {
    let mut session = Session::new();
    session.run(&["--version", "", "exprot", "check --formt json", "check"]);
    // Every command below the first, as the help lists them.
    let mut pending = vec![String::new()];
    while let Some(command) = pending.pop() {
        let line = format!("{command} -h");
        session.run(&[line.trim()]);
        let run = Domesday::new(&line.split_whitespace().collect::<Vec<_>>()).run();
        let list = run.stdout.split("\nCommands:\n").nth(1).unwrap_or_default();
        let names = list.lines().take_while(|line| !line.is_empty()).filter(|line| !line.starts_with("   "));
        let names: Vec<_> = names.filter_map(|line| line.split_whitespace().next()).collect();
        pending.extend(
            names
                .iter()
                .rev()
                .filter(|name| **name != "help")
                .map(|name| format!("{command} {name}").trim().to_owned()),
        );
    }
    session.check("help");
}

#[test]
fn catalogs() {
    let mut session = Session::new();
    session.run(&[
        "check catalog",
        "check catalog --format json",
        "check broken",
        "check broken --format json",
        "check missing",
        "check https://example.com/catalog",
        "init new",
        "init new",
        "check catalog --format cedar",
        "check catalog --format csv",
        "apply catalog --dry-run --at 2026-01-01T00:00:00Z",
        "apply catalog --store store.db --at 2026-01-01T00:00:00Z",
        "apply catalog --store store.db --at 2026-01-02T00:00:00Z",
        "apply changed --store store.db --at 2026-01-02T00:00:00Z --dry-run",
        "apply changed --store store.db --at 2026-01-02T00:00:00Z --dry-run --prune --format json",
        "apply broken --store store.db",
        "apply catalog --store mysql://host/database",
        "apply catalog --at yesterday",
        "schema --table data-product-assets",
        "schema --table data-product-assets --format json",
        "schema --table users",
        "policy export --format cedar --catalog catalog",
        "policy export --catalog catalog --part schema",
        "policy export --catalog catalog --to cedar",
        "policy export --store missing.db",
    ]);
    session.check("catalogs");
}

#[test]
fn access() {
    let mut session = Session::new();
    let at = "--at 2026-01-02T00:00:00Z";
    session.run(&[
        &format!("explain --catalog catalog --user ada --data-source Ledger {at}"),
        &format!("explain --catalog catalog --user cy --data-source Ledger {at}"),
        &format!("explain --catalog catalog --user cy --data-source Orders --scope write {at}"),
        &format!("explain --catalog catalog --user ada --data-source Ledger --column iban {at}"),
        &format!("explain --catalog catalog --user cy --data-source Ledger --format markdown {at}"),
        &format!("explain --catalog catalog --user ada --data-source Orders --format json {at}"),
        "explain --catalog catalog --user Ada+Adams --data-source Ledger",
        "explain --catalog catalog --user zoe --data-source Ledger",
        "explain --catalog catalog --user ada --data-source ledger --format json",
        "explain --catalog catalog --user ada --data-source Ledger --column ibn",
        "explain --user ada --data-source Ledger",
        "explain --user ada --data-source Ledger --format json",
        &format!("diff --catalog catalog --catalog changed {at}"),
        &format!("diff --catalog catalog --catalog changed --format markdown {at}"),
        &format!("diff --catalog catalog --catalog changed --format json {at}"),
        &format!("diff --catalog catalog --catalog changed --max-gained 1 --quiet {at}"),
        &format!("diff --catalog catalog --catalog catalog {at}"),
        &format!("access --catalog catalog --data-source Ledger {at}"),
        &format!("access --catalog catalog --user cy --format markdown {at}"),
        &format!("access --catalog catalog --data-source Orders --format csv {at}"),
        &format!("access --catalog catalog --user ada --data-source Ledger --json {at}"),
        &format!("access --catalog catalog --user bob --outcome blocked {at}"),
        "access --catalog catalog --user Bob",
        "access --catalog catalog",
        &format!("diff --catalog catalog --catalog changed --format csv {at}"),
        "diff --catalog a --catalog b --catalog c",
        "diff --catalog catalog",
    ]);
    session.check("access");
}

#[test]
fn deliveries() {
    let mut session = Session::new();
    let at = "--at 2026-01-02T00:00:00Z";
    session.run(&[
        &format!("export --catalog catalog --to out {at}"),
        &format!("export --catalog catalog --to out --format json {at}"),
        "export --catalog broken --to out --quiet",
        "export --catalog catalog --to ftp://host/path",
        "export --catalog catalog --to s3://acme-audit",
        "export --catalog catalog --to out --region eu-central-1",
        "export --to out",
        "destination verify --to out",
        "destination verify --to out --format json",
        "destination check-integrity --to out",
        "destination check-integrity --to out --format json",
        "destination check-integrity --to elsewhere",
        "destination check-integrity --to out --expect 12",
        "setup iam-policy --to s3://acme-audit/access",
        "setup iam-policy --to s3://acme-audit/access --format terraform",
        "setup iam-policy --to out",
        "setup bucket-policy --to s3://acme-audit --principal arn:aws:iam::111122223333:role/domesday",
        "setup bucket-policy --to s3://acme-audit --principal domesday",
        "setup trust-policy --to s3://acme-audit --principal arn:aws:iam::111122223333:role/domesday --external-id 42",
        "setup trust-policy --to s3://acme-audit --principal arn:aws:iam::111122223333:role/domesday",
        "setup assume-policy --role-arn arn:aws:iam::111122223333:role/domesday --quiet",
        "setup assume-policy --role-arn domesday --quiet",
        "setup key-policy --to s3://acme-audit --principal arn:aws:iam::111122223333:role/domesday",
        "setup lifecycle --to s3://acme-audit/access --days 400",
        "setup identity --region eu-central-1",
        "setup ddl --engine duckdb --to out",
        "setup ddl --engine oracle --to out",
    ]);
    write(&session.dir.path().join("out/v1/user-metadata/part-00000.parquet"), "changed");
    session.run(&["destination audit --to out"]);
    session.check("deliveries");
}

#[test]
fn batches() {
    let mut session = Session::new();
    let files = "--snapshot acme.snapshot --plan acme.plan --to out";
    session.run(&[
        "snapshot --catalog catalog --at 2026-11-24T02:00:00Z --out acme.snapshot",
        "snapshot --catalog catalog --at 2026-11-24T02:00:00Z --out acme.snapshot --format json",
        "snapshot --catalog catalog --out missing/acme.snapshot",
        "batch plan --snapshot acme.snapshot --tasks 1 --out acme.plan",
        "batch plan --snapshot acme.snapshot --tasks 1 --out acme.plan --format json",
        "batch plan --snapshot acme.snapshot --tasks 1 --out acme.plan --layout swap",
        "batch plan --snapshot acme.plan --tasks 1 --out acme.plan",
        "batch plan --snapshot acme.snapshot --tasks 0 --out acme.plan",
        &format!("batch task {files} --index 0"),
        &format!("batch task {files} --index 1"),
        &format!("batch finish {files} --reports acme.plan"),
        &format!("batch finish {files} --reports missing.json"),
    ]);
    session.check("batches");
}

#[test]
fn service() {
    let mut session = Session::new();
    session.run(&[
        "audit verify",
        "audit verify --format json",
        "apply catalog --at 2026-01-01T00:00:00Z --quiet",
        "audit verify",
        "audit verify --expect 1:00",
        &format!("audit verify --expect 99:{}", "0a".repeat(32)),
        "audit export --after 8",
        "backup --to copy.db",
        "backup --to copy.db",
        "restore --from copy.db",
        "restore --from copy.db --replace",
        "restore --from catalog/data.yaml --replace",
        "key new domesday.key",
        "key new domesday.key",
        "key new new.key --quiet",
        "key rotate --to new.key",
        "key rotate --to missing.key",
        "key admin",
        "key admin --format json",
        "config check",
        "config check --format json",
        "config check --config missing.toml",
    ]);
    write(&session.dir.path().join("wrong.toml"), "listn = \"8080\"\n[delivery]\nattempts = 0\n");
    session.run(&[
        "config check --config wrong.toml",
        "serve --config wrong.toml",
        "openapi --format markdown",
    ]);
    session.check("service");
}

#[test]
fn generated_scripts() {
    let mut session = Session::new();
    session.run(&["completions tcsh", "man --out man", "man --out catalog/data.yaml", "openapi"]);
    session.check("generated");
}
