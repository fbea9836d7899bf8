//! The tutorial: its commands run, and print what it shows.

#![allow(clippy::unwrap_used, reason = "a test that cannot prepare its world has failed")]
#![cfg(unix)]

mod cli;

use std::path::Path;
use std::process::Command;

use cli::Finished;

const BINARY: &str = env!("CARGO_BIN_EXE_domesday");

/// A fenced block of the tutorial.
struct Block {
    /// The words after the fence: `sh`, `sh no-test`, `text`.
    info: String,
    text: String,
    /// The line of the fence, from 1.
    line: usize,
}

fn blocks(document: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    for (index, line) in document.lines().enumerate() {
        match (line.strip_prefix("```"), &mut open) {
            (Some(info), None) => {
                open = Some(Block { info: info.to_owned(), text: String::new(), line: index + 1 });
            }
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (None, Some(block)) => block.text.extend([line, "\n"]),
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "a block is not closed");
    blocks
}

/// Runs commands in a directory; the first that fails ends them.
fn run(script: &str, directory: &Path) -> Finished {
    let programs = Path::new(BINARY).parent().unwrap();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let paths = std::iter::once(programs.to_path_buf()).chain(std::env::split_paths(&path));
    let mut command = Command::new("sh");
    command.args(["-eu", "-c", script]).current_dir(directory);
    command.env("PATH", std::env::join_paths(paths).unwrap()).env("NO_COLOR", "1").env("HOME", directory);
    for variable in ["DOMESDAY_STORE", "DOMESDAY_CONFIG", "DATABASE_URL", "DOMESDAY_CONSOLE_URL"] {
        command.env_remove(variable);
    }
    Finished::of(&mut command)
}

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
