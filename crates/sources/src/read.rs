//! Reads the files of a catalog directory, and warns of files that look like part of it and are not read.

use std::collections::HashSet;
use std::fs::{self, File, FileType, Metadata};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use domesday_model::Excerpt;
use domesday_model::validate::Severity;

use crate::LoadError;
use crate::assemble::Assembly;
use crate::diagnostic::Diagnostic;
use crate::document::has_ending;
use crate::sniff::looks_like_catalog;
use crate::text::SourceText;

/// The extensions of the files that are read, in any case.
const ENDINGS: [&str; 3] = [".yaml", ".yml", ".json"];

/// Extensions of documents, programs and data, in which the keys of a catalog have another meaning.
const OTHER_ENDINGS: [&str; 26] = [
    ".md",
    ".rst",
    ".adoc",
    ".html",
    ".xml",
    ".csv",
    ".sql",
    ".py",
    ".rs",
    ".go",
    ".js",
    ".ts",
    ".java",
    ".sh",
    ".toml",
    ".lock",
    ".log",
    ".png",
    ".jpg",
    ".svg",
    ".pdf",
    ".parquet",
    ".db",
    ".gitignore",
    ".tf",
    ".cedar",
];

/// How many files and directories are visited: more than any catalog has, less than a whole disk.
const MAX_ENTRIES: usize = 250_000;

/// The maximum size of a file, in bytes.
const MAX_BYTES: u64 = 1 << 30;

/// How many bytes of an unread file are inspected.
const SNIFFED_BYTES: u64 = 64 << 10;

/// How many unread files are inspected.
const MAX_SNIFFED: usize = 2000;

/// Reads every catalog file below a directory, in path order.
pub(crate) fn read(dir: &Path, assembly: &mut Assembly) -> Result<(), LoadError> {
    let unreadable = |source| LoadError::Unreadable { path: dir.to_owned(), source };
    if !fs::metadata(dir).map_err(unreadable)?.is_dir() {
        return Err(LoadError::NotADirectory { path: dir.to_owned() });
    }
    let root = fs::canonicalize(dir).map_err(unreadable)?;
    let mut found = Found { files: Vec::new(), others: 0, looked_at: 0, sniffed: 0, entered: HashSet::new() };
    found.walk(Directory { path: dir.to_owned(), real: root, prefix: String::new() }, assembly)?;
    if found.files.is_empty() && assembly.is_clean() {
        return Err(LoadError::Empty { path: dir.to_owned(), others: found.others });
    }
    found.files.sort_unstable();
    for (name, path) in found.files {
        if assembly.is_foreign() {
            assembly.stop();
            break;
        }
        match read_file(&name, &path) {
            Ok(text) => {
                assembly.add(name, text);
            }
            Err(diagnostic) => assembly.add_unreadable(*diagnostic),
        }
    }
    Ok(())
}

/// Reads files that are in memory, in path order; returns whether any is named like one of a catalog.
pub(crate) fn read_files(mut files: Vec<(String, Vec<u8>)>, assembly: &mut Assembly) -> bool {
    let is_hidden = |name: &str| name.split('/').any(|part| part.starts_with('.'));
    files.retain(|(name, _)| has_ending(name, &ENDINGS) && !is_hidden(name));
    let is_any = !files.is_empty();
    files.sort_unstable();
    for (name, bytes) in files {
        match to_text(&name, bytes) {
            Ok(text) => {
                assembly.add(name, text);
            }
            Err(diagnostic) => assembly.add_unreadable(*diagnostic),
        }
    }
    is_any
}

struct Directory {
    path: PathBuf,
    /// The path with links resolved.
    real: PathBuf,
    /// The prefix of the names of its files.
    prefix: String,
}

/// The result of a directory walk.
struct Found {
    /// The files to read, with their paths inside the catalog.
    files: Vec<(String, PathBuf)>,
    /// How many other files there are.
    others: usize,
    looked_at: usize,
    /// How many unread files were inspected.
    sniffed: usize,
    entered: HashSet<PathBuf>,
}

impl Found {
    fn walk(&mut self, root: Directory, assembly: &mut Assembly) -> Result<(), LoadError> {
        let top = root.path.clone();
        let mut pending = vec![root];
        while let Some(directory) = pending.pop() {
            if !self.entered.insert(directory.real.clone()) {
                continue;
            }
            let mut entries = match entries(&directory.path) {
                Ok(entries) => entries,
                Err(source) if directory.path == top => {
                    return Err(LoadError::Unreadable { path: top, source });
                }
                Err(error) => {
                    let name = directory.prefix.trim_end_matches('/');
                    assembly.add_unreadable(refusal(name, format!("cannot read this directory: {error}")));
                    continue;
                }
            };
            // Sorted, so that a directory with two paths always gets the same one.
            entries.sort_unstable();
            let mut below = Vec::new();
            for (file_name, path) in entries {
                self.looked_at += 1;
                if self.looked_at > MAX_ENTRIES {
                    return Err(LoadError::TooMany { path: top, most: MAX_ENTRIES });
                }
                below.extend(self.entry(&directory, &file_name, path, assembly));
            }
            pending.extend(below.into_iter().rev());
        }
        Ok(())
    }

    /// Processes an entry of a directory. Returns it if it is a directory to walk.
    fn entry(
        &mut self,
        directory: &Directory,
        file_name: &str,
        path: PathBuf,
        assembly: &mut Assembly,
    ) -> Option<Directory> {
        let name = format!("{}{file_name}", directory.prefix);
        let is_hidden = file_name.starts_with('.');
        let is_named = has_ending(file_name, &ENDINGS);
        let metadata = match fs::metadata(&path) {
            Ok(metadata) => metadata,
            Err(_) if is_hidden => return None,
            Err(error) => {
                // Without an extension it may be a link to a directory.
                let may_matter = is_named || !file_name.contains('.');
                let message = broken_entry(&path, &error);
                if may_matter {
                    assembly.add_unreadable(refusal(&name, message));
                } else {
                    assembly.report(Diagnostic::about_file(Severity::Warning, &name, message));
                }
                return None;
            }
        };
        if metadata.is_dir() {
            if is_hidden {
                warn_of_hidden_directory(&name, &path, assembly);
                return None;
            }
            let real = match fs::canonicalize(&path) {
                Ok(real) => real,
                Err(error) => {
                    assembly.add_unreadable(refusal(&name, broken_entry(&path, &error)));
                    return None;
                }
            };
            if directory.real.starts_with(&real) {
                let message = "not read: this link points to a directory that contains it".to_owned();
                assembly.report(Diagnostic::about_file(Severity::Warning, &name, message));
                return None;
            }
            return Some(Directory { path, real, prefix: format!("{name}/") });
        }
        if is_named && !is_hidden {
            match kind_of_special(metadata.file_type()) {
                None => self.files.push((name, path)),
                Some(kind) => {
                    let message = format!("this is {kind}, not a file; remove it or put a file in its place");
                    assembly.add_unreadable(refusal(&name, message));
                }
            }
            return None;
        }
        if !is_hidden {
            self.others += 1;
        }
        if let Some(reason) = self.unread_reason(file_name, &path, &metadata) {
            let message = format!("not read: {reason}; it looks like part of the catalog");
            assembly.report(Diagnostic::about_file(Severity::Warning, &name, message));
        }
        None
    }

    /// Returns why a file is not read that looks like part of the catalog by its name or content.
    fn unread_reason(&mut self, file_name: &str, path: &Path, metadata: &Metadata) -> Option<&'static str> {
        if !metadata.is_file() {
            return None;
        }
        let lower = file_name.to_lowercase();
        let is_hidden = file_name.starts_with('.');
        if has_ending(&lower, &OTHER_ENDINGS) {
            return None;
        }
        // `Guardrails.yaml.txt`, `Guardrails.yml~`, `Guardrails.json5`
        let names_ending = !is_hidden && ENDINGS.iter().any(|ending| lower.contains(ending));
        self.sniffed += usize::from(!names_ending);
        let is_meant = names_ending || self.sniffed <= MAX_SNIFFED && looks_like_catalog(&beginning(path)?);
        let reason = if is_hidden {
            "its name begins with `.`"
        } else {
            "its name does not end in .yaml, .yml or .json"
        };
        is_meant.then_some(reason)
    }
}

/// Returns the names and paths of a directory's entries.
fn entries(path: &Path) -> io::Result<Vec<(String, PathBuf)>> {
    let entry = |entry: io::Result<fs::DirEntry>| {
        let entry = entry?;
        Ok((entry.file_name().to_string_lossy().into_owned(), entry.path()))
    };
    fs::read_dir(path)?.take(MAX_ENTRIES + 1).map(entry).collect()
}

fn refusal(name: &str, message: String) -> Diagnostic {
    Diagnostic::about_file(Severity::Error, name, message)
}

/// Returns why an entry cannot be read.
fn broken_entry(path: &Path, error: &io::Error) -> String {
    match fs::read_link(path) {
        Ok(target) if error.kind() == io::ErrorKind::NotFound => {
            let target = target.to_string_lossy();
            format!("this is a link to `{}`, which does not exist", Excerpt(&target))
        }
        Ok(target) => {
            let target = target.to_string_lossy();
            format!("this is a link to `{}`, which cannot be followed: {error}", Excerpt(&target))
        }
        Err(_) => format!("cannot read this file: {error}"),
    }
}

/// Returns the kind of an entry that is neither a file nor a directory: reading it could block forever.
fn kind_of_special(file_type: FileType) -> Option<&'static str> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        if file_type.is_fifo() {
            return Some("a named pipe");
        }
        if file_type.is_socket() {
            return Some("a socket");
        }
        if file_type.is_char_device() || file_type.is_block_device() {
            return Some("a device");
        }
    }
    (!file_type.is_file()).then_some("something else")
}

/// Warns of a hidden directory that directly contains files of a catalog.
fn warn_of_hidden_directory(name: &str, path: &Path, assembly: &mut Assembly) {
    const LOOKED_AT: usize = 200;
    let files = fs::read_dir(path).into_iter().flatten().take(LOOKED_AT).flatten();
    let is_meant = |entry: &fs::DirEntry| {
        let is_file = entry.file_type().is_ok_and(|file_type| file_type.is_file());
        is_file
            && has_ending(&entry.file_name().to_string_lossy(), &ENDINGS)
            && beginning(&entry.path()).is_some_and(|bytes| looks_like_catalog(&bytes))
    };
    if files.into_iter().any(|entry| is_meant(&entry)) {
        let message = "not read: its name begins with `.`; it contains files of a catalog".to_owned();
        assembly.report(Diagnostic::about_file(Severity::Warning, name, message));
    }
}

/// Returns the beginning of a regular file.
fn beginning(path: &Path) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    open(path).ok()?.0.take(SNIFFED_BYTES).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

/// Opens a regular file. Does not block on a file that was replaced by a pipe.
fn open(path: &Path) -> io::Result<(File, Metadata)> {
    let mut options = fs::OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.custom_flags(rustix::fs::OFlags::NONBLOCK.bits().cast_signed());
    }
    let file = options.open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no longer a file"));
    }
    Ok((file, metadata))
}

/// Reads a file as text.
fn read_file(name: &str, path: &Path) -> Result<String, Box<Diagnostic>> {
    let unreadable = |error: io::Error| Box::new(refusal(name, format!("cannot read this file: {error}")));
    let (file, metadata) = open(path).map_err(unreadable)?;
    let too_large = || {
        let message = format!("this file is larger than {} MiB; split it", MAX_BYTES >> 20);
        Box::new(refusal(name, message))
    };
    if metadata.len() > MAX_BYTES {
        return Err(too_large());
    }
    let mut bytes = Vec::new();
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(too_large());
    }
    to_text(name, bytes)
}

/// Decodes the bytes of a file.
fn to_text(name: &str, bytes: Vec<u8>) -> Result<String, Box<Diagnostic>> {
    let is_utf_16 = match bytes.get(..2) {
        Some([0xff, 0xfe] | [0xfe, 0xff]) => true,
        // ASCII in UTF-16 without a mark: every other byte is 0.
        Some([0, second]) => *second != 0,
        Some([first, 0]) => *first != 0,
        _ => false,
    };
    if is_utf_16 {
        let message = "expected UTF-8, found UTF-16 or UTF-32; save the file as UTF-8".to_owned();
        return Err(Box::new(refusal(name, message)));
    }
    String::from_utf8(bytes).map_err(|error| {
        let (bytes, valid) = (error.as_bytes(), error.utf8_error().valid_up_to());
        let message = format!("expected UTF-8, found the byte 0x{:02x}", bytes[valid]);
        let shown = String::from_utf8_lossy(bytes);
        // A byte order mark is not part of what is shown.
        let mark = if shown.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
        let text = SourceText::new(&shown);
        let at = valid.saturating_sub(mark);
        Box::new(Diagnostic::new(Severity::Error, name, &text, at, String::new(), message))
    })
}
