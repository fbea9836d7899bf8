//! The files of a catalog directory.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use domesday_model::validate::Severity;

use crate::LoadError;
use crate::diagnostic::Diagnostic;
use crate::document::Position;

/// The endings of the files that are read.
const ENDINGS: [&str; 3] = [".yaml", ".yml", ".json"];

/// A file read whole.
pub(crate) struct File {
    /// Its path inside the catalog, with `/` between parts.
    pub(crate) name: String,
    pub(crate) text: String,
}

/// Every catalog file below a directory in path order; a file that is no UTF-8 comes as its diagnostic.
pub(crate) fn files(dir: &Path) -> Result<Vec<Result<File, Diagnostic>>, LoadError> {
    let unreadable = |path: &Path| {
        let path = path.to_owned();
        move |source| LoadError::Unreadable { path, source }
    };
    if !fs::metadata(dir).map_err(unreadable(dir))?.is_dir() {
        return Err(LoadError::NotADirectory { path: dir.to_owned() });
    }
    let (mut paths, mut others, mut entered) = (BTreeSet::new(), 0, BTreeSet::new());
    let mut pending: Vec<(PathBuf, String)> = vec![(dir.to_owned(), String::new())];
    while let Some((path, prefix)) = pending.pop() {
        // A link that leads back up is followed once at most.
        if !entered.insert(fs::canonicalize(&path).map_err(unreadable(&path))?) {
            continue;
        }
        for entry in fs::read_dir(&path).map_err(unreadable(&path))? {
            let entry = entry.map_err(unreadable(&path))?;
            let file_name = entry.file_name();
            let name = file_name.to_string_lossy();
            if name.starts_with('.') {
                continue;
            }
            let (path, name) = (entry.path(), format!("{prefix}{name}"));
            if fs::metadata(&path).map_err(unreadable(&path))?.is_dir() {
                pending.push((path, format!("{name}/")));
            } else if ENDINGS.iter().any(|ending| name.ends_with(ending)) {
                paths.insert((name, path));
            } else {
                others += 1;
            }
        }
    }
    if paths.is_empty() {
        return Err(LoadError::Empty { path: dir.to_owned(), others });
    }
    let read = |(name, path): (String, PathBuf)| {
        let bytes = fs::read(&path).map_err(unreadable(&path))?;
        Ok(String::from_utf8(bytes).map_err(|error| no_text(&name, &error)).map(|text| File { name, text }))
    };
    paths.into_iter().map(read).collect()
}

/// Where a file stops being UTF-8.
fn no_text(name: &str, error: &std::string::FromUtf8Error) -> Diagnostic {
    let bytes = error.as_bytes();
    let good = &bytes[..error.utf8_error().valid_up_to()];
    let text = String::from_utf8_lossy(good);
    let line = text.matches('\n').count() + 1;
    let column = text.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    let shown = String::from_utf8_lossy(bytes);
    let message = format!("expected UTF-8, found the byte 0x{:02x}", bytes[good.len()]);
    Diagnostic::new(Severity::Error, name, &shown, Position { line, column }, String::new(), message)
}
