//! Every promise of `docs/security.md` names files and tests that exist.

#![allow(clippy::unwrap_used, reason = "a test that cannot read the repository has failed")]

use std::fs;
use std::path::{Path, PathBuf};

/// The sources and tests below a folder.
fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs" || ending == "py") {
            found.push(path);
        }
    }
}

#[test]
fn every_promise_names_tests_that_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap();
    let mut files = Vec::new();
    ["crates", "tests"].iter().for_each(|folder| sources(&root.join(folder), &mut files));
    let document = fs::read_to_string(root.join("docs/security.md")).unwrap();
    let promises =
        document.split("## Promises").nth(1).unwrap().split("## What is not promised").next().unwrap();
    let (mut named, mut file) = (0, String::new());
    // What stands between backticks.
    for reference in promises.split('`').skip(1).step_by(2) {
        let (path, test) = reference.split_once("::").unwrap_or((reference, ""));
        if path.ends_with(".rs") || path.ends_with(".py") {
            path.clone_into(&mut file);
        } else if !path.is_empty() {
            continue;
        }
        let mut candidates = files.iter().filter(|known| known.ends_with(&file));
        let has_test = |path: &PathBuf| {
            let text = fs::read_to_string(path).unwrap();
            test.is_empty() || text.contains(&format!("fn {test}(")) || text.contains(&format!("def {test}("))
        };
        assert!(candidates.any(has_test), "there is no `{reference}` ({file})");
        named += 1;
    }
    assert!(named > 40, "only {named} tests are named");
}
