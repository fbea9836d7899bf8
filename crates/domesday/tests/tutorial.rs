//! The tutorial: its commands run, and print what it shows.

#![allow(clippy::unwrap_used, reason = "a test that cannot prepare its world has failed")]
#![cfg(unix)]

mod cli;

use std::path::Path;

use cli::blocks::{Block, blocks, run};

#[test]
fn every_command_of_the_tutorial_runs_and_prints_what_is_shown() {
    let document = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/tutorial.md");
    let blocks = blocks(&std::fs::read_to_string(document).unwrap());
    let directory = tempfile::tempdir().unwrap();
    let (mut printed, mut tested, mut shown) = (String::new(), 0, 0);
    for Block { info, text, line } in &blocks {
        match info.as_str() {
            "sh" => {
                let finished = run(text, directory.path());
                assert_eq!(
                    finished.code,
                    Some(0),
                    "line {line}:\n{text}\n{}\n{}",
                    finished.stdout,
                    finished.stderr
                );
                printed = finished.stdout;
                tested += 1;
            }
            "sh no-test" => {}
            "text" => {
                // Which instant it is differs from day to day.
                let lines = text.lines().filter(|line| !line.contains("As of "));
                for wanted in lines {
                    assert!(
                        printed.lines().any(|line| line.trim_end() == wanted),
                        "line {line}: `{wanted}` is not in\n{printed}"
                    );
                }
                shown += 1;
            }
            other => panic!("line {line}: a block of `{other}` is neither run nor compared"),
        }
    }
    assert!(tested >= 8 && shown >= 3, "{tested} blocks were run, {shown} compared");
}

#[test]
fn a_command_that_fails_in_the_middle_fails_its_block() {
    let directory = tempfile::tempdir().unwrap();
    let finished = run("domesday check missing\necho after\n", directory.path());
    assert_eq!((finished.code, finished.stdout.as_str()), (Some(1), ""));
}
