//! The commands of the documents: they run, or say that no test runs them, and the program knows each.

#![allow(clippy::unwrap_used, reason = "a test that cannot prepare its world has failed")]
#![cfg(unix)]

mod cli;

use std::fs;
use std::path::{Path, PathBuf};

use cli::blocks::{Block, blocks, run};

/// What a block of commands begins its lines with.
const PROGRAMS: [&str; 14] = [
    "domesday ",
    "cargo ",
    "curl ",
    "pip ",
    "python ",
    "helm ",
    "kubectl ",
    "docker ",
    "podman ",
    "spark-submit ",
    "psql ",
    "dbt ",
    "jq ",
    "tar ",
];

/// The documents whose blocks `sh` run here, each with what must be there before.
const RUN_HERE: [(&str, &str); 4] = [
    (
        "docs/connections-csv.md",
        "mkdir governance; mv lists.yaml governance; printf 'group,Login\\nAudit,ada\\n' > memberships.csv
         domesday init more && mv more/* governance && domesday apply governance",
    ),
    ("docs/databases.md", "domesday init governance && domesday apply governance && mkdir backup"),
    ("docs/service.md", ""),
    ("examples/acme/README.md", ""),
];

/// The documents whose blocks other tests run or read: the tutorial's, those of packages, those of readers.
const RUN_ELSEWHERE: [&str; 6] = [
    "README.md",
    "docs/tutorial.md",
    "docs/install.md",
    "docs/recipes.md",
    "docs/drift.md",
    "docs/review-changes.md",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// Returns every document that users read, by its path in the repository.
fn documents() -> Vec<(String, Vec<Block>)> {
    let root = root();
    let folders =
        ["", "docs", "integrations/spark", "integrations/github", "examples/acme", "examples/postgres"];
    let mut documents = Vec::new();
    for folder in folders {
        for entry in fs::read_dir(root.join(folder)).into_iter().flatten() {
            let path = entry.unwrap().path();
            // The reference of the command line is made from the program.
            if path.extension().is_some_and(|it| it == "md") && !path.ends_with("docs/cli.md") {
                let name = path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
                documents.push((name, blocks(&fs::read_to_string(&path).unwrap())));
            }
        }
    }
    assert!(documents.len() > 20, "{} documents", documents.len());
    documents
}

fn has_commands(block: &Block) -> bool {
    let is_shell = matches!(block.info.split(' ').next(), Some("" | "sh" | "console" | "bash"));
    let begins = |line: &str| PROGRAMS.iter().any(|program| line.trim_start().starts_with(program));
    is_shell && block.text.lines().any(begins)
}

#[test]
fn every_block_of_commands_is_run_or_says_that_it_is_not() {
    for (name, blocks) in documents() {
        let is_run = RUN_HERE.iter().any(|(run, _)| *run == name);
        if RUN_ELSEWHERE.contains(&name.as_str()) {
            continue;
        }
        for block in blocks.iter().filter(|block| has_commands(block)) {
            let is_clear = block.info == "sh no-test" || block.info == "sh" && is_run;
            assert!(
                is_clear,
                "{name}:{}: no test runs this block, and it is not marked `sh no-test`",
                block.line
            );
        }
    }
}

#[test]
fn commands_that_need_no_other_machine_run() {
    for (name, setup) in RUN_HERE {
        let blocks = blocks(&fs::read_to_string(root().join(name)).unwrap());
        let directory = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(root().join("examples"), directory.path().join("examples")).unwrap();
        // What a document shows of a file is the file.
        for (info, file) in [("yaml", "lists.yaml"), ("csv", "people.csv")] {
            if let Some(block) = blocks.iter().find(|block| block.info == info) {
                fs::write(directory.path().join(file), &block.text).unwrap();
            }
        }
        let prepared = run(setup, directory.path());
        assert_eq!(prepared.code, Some(0), "{name}: {}", prepared.stderr);
        let mut count = 0;
        for block in blocks.iter().filter(|block| block.info == "sh") {
            let finished = run(&block.text, directory.path());
            let line = block.line;
            assert_eq!(finished.code, Some(0), "{name}:{line}: {}{}", finished.stdout, finished.stderr);
            count += 1;
        }
        assert!(count > 0, "{name} has no block that is run");
    }
}

/// Returns the commands of the program in a block, without what follows a pipe, a redirection or a comment.
fn commands(block: &Block) -> Vec<String> {
    let text = block.text.replace("\\\n", " ");
    let lines = text.lines().map(|line| line.trim().trim_start_matches("$ "));
    let lines = lines.filter(|line| line.starts_with("domesday "));
    let end = |line: &str| ["|", ">", " #", "&&"].iter().filter_map(|it| line.find(it)).min();
    lines.map(|line| line[..end(line).unwrap_or(line.len())].trim().to_owned()).collect()
}

#[test]
fn the_program_knows_every_command_of_the_documents() {
    let mut count = 0;
    for (name, blocks) in documents() {
        for block in blocks.iter().filter(|block| has_commands(block)) {
            for command in commands(block) {
                // The parser meets every option before it prints the help.
                let finished = run(&format!("{command} --help > /dev/null"), Path::new("/"));
                assert_eq!(finished.code, Some(0), "{name}:{}: {command}: {}", block.line, finished.stderr);
                count += 1;
            }
        }
    }
    assert!(count > 30, "{count} commands");
    let unknown = run("domesday export --no-such-option --help", Path::new("/"));
    assert_eq!(unknown.code, Some(2));
}
