//! Declarative files: a directory of YAML and JSON documents that is the whole catalog.
//!
//! A file is processed in three steps: its text is parsed into a tree of values with positions (`document`), the tree is
//! decoded into the model's types, collecting every mistake (`decode`), and the problems that the model finds in the
//! catalog as a whole are located in the files (`locate`). The format is `docs/catalog.md`.
//!
//! There is no store and no evaluation here. A catalog with an error is never returned.
//!
//! Systems of record have a folder for each kind (`ldap`, `csv`, `dbt`, `postgres`); a complete read of one is a
//! [`reading::Reading`].

mod assemble;
pub mod connections;
pub mod csv;
pub mod dbt;
mod decode;
mod diagnostic;
mod digest;
mod document;
pub mod example;
pub mod ldap;
mod locate;
mod naming;
pub mod network;
pub mod postgres;
mod read;
pub mod reading;
pub mod scim;
mod sniff;
mod text;
mod tls;

use std::io;
use std::path::{Path, PathBuf};

use domesday_model::validate::{Severity, Unread};
use domesday_model::{Catalog, Kind};

use assemble::Assembly;
use decode::Decoder;
use diagnostic::Collector;
pub use diagnostic::{Diagnostic, Diagnostics};
use document::SyntaxError;
use text::SourceText;

/// How many mistakes, and how many warnings, are listed by default. All of them are counted.
pub const STORED: usize = 1000;

/// How many values a JSON text may contain for [`parse_str`].
const MAX_VALUES: usize = 10_000_000;

/// How many values one object may contain: more than a data source with 100,000 columns.
const MAX_OBJECT_VALUES: usize = 1_000_000;

/// A catalog without errors.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The catalog.
    pub catalog: Catalog,
    /// Warnings, which do not make it invalid.
    pub warnings: Vec<Diagnostic>,
    /// How many files it was read from.
    pub files: usize,
}

/// Why a directory could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The path is not a directory.
    #[error("{path} is not a directory; name the directory that contains the catalog", path = path.display())]
    NotADirectory {
        /// The path.
        path: PathBuf,
    },
    /// A file or directory cannot be read.
    #[error("cannot read {path}: {source}", path = path.display())]
    Unreadable {
        /// The file or directory.
        path: PathBuf,
        /// The error of the system.
        source: io::Error,
    },
    /// The directory contains more files than a catalog can have.
    #[error(
        "{path} contains more than {most} files and directories; name the directory that contains the catalog",
        path = path.display()
    )]
    TooMany {
        /// The directory.
        path: PathBuf,
        /// The limit.
        most: usize,
    },
    /// The directory contains no file of a catalog.
    #[error("{path} contains no catalog: no file ends in .yaml, .yml or .json{}", other_files(*others), path = path.display())]
    Empty {
        /// The directory.
        path: PathBuf,
        /// How many other files are in it.
        others: usize,
    },
    /// The files declare nothing.
    #[error("{path} declares nothing: its files contain no object", path = path.display())]
    Nothing {
        /// The directory.
        path: PathBuf,
    },
    /// The catalog has errors.
    #[error("{0}")]
    Invalid(Diagnostics),
}

fn other_files(others: usize) -> String {
    match others {
        0 => String::new(),
        1 => ", but one other file".to_owned(),
        _ => format!(", but {others} other files"),
    }
}

/// Loads a directory: every catalog file below it except hidden ones, in path order. Lists at most [`STORED`] mistakes
/// and as many warnings.
///
/// # Errors
/// When the directory cannot be read, or its catalog has errors ([`LoadError::Invalid`]).
pub fn load(dir: &Path) -> Result<Loaded, LoadError> {
    load_listing(dir, STORED)
}

/// Loads a directory as [`load`] does, and lists at most `most` mistakes and as many warnings.
///
/// # Errors
/// As [`load`].
pub fn load_listing(dir: &Path, most: usize) -> Result<Loaded, LoadError> {
    let mut assembly = Assembly::new(most);
    read::read(dir, &mut assembly)?;
    let loaded = assembly.finish().map_err(LoadError::Invalid)?;
    if loaded.catalog.is_empty() {
        return Err(LoadError::Nothing { path: dir.to_owned() });
    }
    Ok(loaded)
}

/// Loads a catalog from the files of a directory that is not on a disk: names, which are paths separated by `/`, with
/// contents. Files that are hidden or not named like those of a catalog are left out, as [`load`] does; `None` when all are.
/// Lists at most [`STORED`] mistakes and as many warnings.
///
/// # Errors
/// The mistakes of the catalog.
pub fn load_files(files: Vec<(String, Vec<u8>)>) -> Option<Result<Loaded, Diagnostics>> {
    let mut assembly = Assembly::new(STORED).with_max_values(MAX_VALUES);
    let is_any = read::read_files(files, &mut assembly);
    is_any.then(|| assembly.finish())
}

/// Parses one document as a whole catalog: JSON when `name` ends in `.json`, else YAML.
///
/// ```
/// let loaded = domesday_sources::parse_str("users.yaml", "users: [{ username: ada }]").unwrap();
/// assert_eq!(loaded.catalog.users[0].username, "ada");
///
/// let wrong = domesday_sources::parse_str("users.yaml", "users: [{ usrname: ada }]").unwrap_err();
/// assert!(wrong.to_string().starts_with("users.yaml:1:9: users[0]: `username` is missing"));
/// ```
///
/// # Errors
/// The errors of the document.
pub fn parse_str(name: &str, text: &str) -> Result<Loaded, Diagnostics> {
    let mut assembly = Assembly::new(STORED).with_max_values(MAX_VALUES);
    let is_syntax = assembly.add(name.to_owned(), text.to_owned());
    assembly.finish().map_err(|diagnostics| Diagnostics { is_syntax, hints: Vec::new(), ..diagnostics })
}

/// Parses one object as strictly as a file, and returns it in the form in which it is stored. References are not checked:
/// they depend on the rest of the catalog.
///
/// ```
/// use domesday_model::Kind;
///
/// let user = domesday_sources::parse_object(Kind::User, r#"{ "username": "ada", "employeeNumber": 7 }"#);
/// assert_eq!(user.unwrap()["employeeNumber"], "7");
///
/// let wrong = domesday_sources::parse_object(Kind::User, r#"{ "usrname": "ada" }"#).unwrap_err();
/// assert_eq!(wrong.iter().next().unwrap().message, "`username` is missing");
/// ```
///
/// # Errors
/// The mistakes, with their fields inside the object.
pub fn parse_object(kind: Kind, json: &str) -> Result<serde_json::Value, Diagnostics> {
    let text = parse_object_text(kind, json)?;
    Ok(serde_json::from_str(&text).expect("a document has fewer levels than the parser allows"))
}

/// Parses one object as [`parse_object`] does, and returns it as JSON text, in which the numbers of answers keep their
/// digits.
///
/// # Errors
/// As [`parse_object`].
pub fn parse_object_text(kind: Kind, json: &str) -> Result<String, Diagnostics> {
    const NAME: &str = "object.json";
    let text = SourceText::new(json);
    let root = document::parse_json(text.as_str(), MAX_OBJECT_VALUES)
        .map_err(|error| syntax_error(NAME, &text, error))?;
    let (mut collector, mut unread) = (Collector::new(STORED), Unread::default());
    let document = Decoder::new(NAME, &text, &mut collector, &mut unread).object(kind, &root);
    collector.finish(Vec::new())?;
    Ok(document.expect("an object without a mistake is decoded"))
}

/// Checks that a text is JSON that every parser reads alike: no duplicate keys, no lone surrogates, no U+0000, no nesting
/// beyond that of a catalog.
///
/// # Errors
/// The first mistake; [`Diagnostics::is_syntax`] tells whether the text is not JSON at all.
pub fn check_json(text: &str) -> Result<(), Diagnostics> {
    let text = SourceText::new(text);
    document::check_json(text.as_str()).map_err(|error| syntax_error("body.json", &text, error))
}

/// Returns a syntax error as diagnostics.
fn syntax_error(name: &str, text: &SourceText<'_>, error: SyntaxError) -> Diagnostics {
    let diagnostic = Diagnostic::new(Severity::Error, name, text, error.at, String::new(), error.message);
    Diagnostics {
        list: vec![diagnostic],
        mistakes: 1,
        unlisted: 0,
        is_syntax: error.is_grammar,
        hints: Vec::new(),
    }
}
