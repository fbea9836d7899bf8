//! The commands that documents show.

use std::path::Path;
use std::process::Command;

use super::Finished;

const BINARY: &str = env!("CARGO_BIN_EXE_domesday");

/// A fenced block of a document.
pub(crate) struct Block {
    /// The words after the fence: `sh`, `sh no-test`, `text`.
    pub(crate) info: String,
    pub(crate) text: String,
    /// The line of the fence, from 1.
    pub(crate) line: usize,
}

/// Returns the fenced blocks of a document.
pub(crate) fn blocks(document: &str) -> Vec<Block> {
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
pub(crate) fn run(script: &str, directory: &Path) -> Finished {
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
