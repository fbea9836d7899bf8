//! Declarative files: a directory of YAML and JSON documents that is the whole catalog.
//!
//! The way of a file: its text becomes a tree of values with positions (`document`), the tree becomes the
//! model's types with every mistake collected (`decode`), and what the model then finds wrong with the catalog
//! as a whole is traced back to a line (`locate`). The format is docs/catalog.md.
//!
//! What is not here: no store and no evaluation. A catalog with an error is never returned.

mod assemble;
mod decode;
mod diagnostic;
mod document;
mod locate;
pub mod postgres;
mod read;
mod sniff;
mod text;

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

/// How many mistakes, and as many warnings, are stored unless the caller wants more. All of them are counted.
pub const STORED: usize = 1000;

/// How many values a JSON text that [`parse_str`] reads may contain.
const MOST_VALUES: usize = 10_000_000;

/// How many values one object may contain: more than a data source of 100,000 columns has.
const MOST_VALUES_OF_OBJECT: usize = 1_000_000;

/// A catalog without errors.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The catalog.
    pub catalog: Catalog,
    /// What somebody should look at.
    pub warnings: Vec<Diagnostic>,
    /// How many files it was read from.
    pub files: usize,
}

/// Why a directory could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The path is something else.
    #[error("{path} is no directory; name the directory that holds the catalog's files", path = path.display())]
    NotADirectory {
        /// What was named.
        path: PathBuf,
    },
    /// A file or directory cannot be read.
    #[error("cannot read {path}: {source}", path = path.display())]
    Unreadable {
        /// The file or directory.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// There is far more in it than a catalog has.
    #[error(
        "{path} contains more than {most} files and directories; name the directory that holds the catalog's files",
        path = path.display()
    )]
    TooMany {
        /// The directory.
        path: PathBuf,
        /// How many were looked at.
        most: usize,
    },
    /// There is nothing to read.
    #[error("{path} holds no catalog: no file ending in .yaml, .yml or .json{}", other_files(*others), path = path.display())]
    Empty {
        /// The directory.
        path: PathBuf,
        /// How many other files are in it.
        others: usize,
    },
    /// The files declare nothing.
    #[error("{path} declares nothing: its files hold no object", path = path.display())]
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

/// Loads a directory: every catalog file below it, hidden ones left out, in path order. Of the mistakes at most
/// [`STORED`], and as many warnings, are listed.
///
/// # Errors
/// When the directory cannot be read or its catalog has an error. [`LoadError::Invalid`] has the errors.
pub fn load(dir: &Path) -> Result<Loaded, LoadError> {
    load_listing(dir, STORED)
}

/// [`load`], listing as many mistakes and warnings as the caller wants.
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

/// Reads one document as a whole catalog; JSON when `name` ends in `.json`, else YAML.
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
    let mut assembly = Assembly::new(STORED).with_most_values(MOST_VALUES);
    let is_syntax = assembly.add(name.to_owned(), text.to_owned());
    assembly.finish().map_err(|diagnostics| Diagnostics { is_syntax, hints: Vec::new(), ..diagnostics })
}

/// Reads one object as strictly as a file is read, and gives it back in the form in which it is stored. What it
/// refers to is not looked at: that takes the rest of the catalog.
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
/// The mistakes in it, with the field inside the object.
pub fn parse_object(kind: Kind, json: &str) -> Result<serde_json::Value, Diagnostics> {
    let text = parse_object_text(kind, json)?;
    Ok(serde_json::from_str(&text).expect("a document is written with fewer levels than are read"))
}

/// [`parse_object`] as JSON text, in which the numbers of answers keep the digits that they were written with.
///
/// # Errors
/// As [`parse_object`].
pub fn parse_object_text(kind: Kind, json: &str) -> Result<String, Diagnostics> {
    const NAME: &str = "object.json";
    let text = SourceText::new(json);
    let root = document::parse_json(text.as_str(), MOST_VALUES_OF_OBJECT)
        .map_err(|error| refused(NAME, &text, error))?;
    let (mut collector, mut unread) = (Collector::new(STORED), Unread::default());
    let document = Decoder::new(NAME, &text, &mut collector, &mut unread).object(kind, &root);
    collector.finish(Vec::new())?;
    Ok(document.expect("an object that could not be read has a mistake"))
}

/// Checks that a text is JSON whose content any reader takes alike: no key twice in an object, no half of a surrogate
/// pair, no U+0000, no nesting deeper than a catalog has.
///
/// # Errors
/// The first place where it is not; [`Diagnostics::is_syntax`] tells whether it is no JSON at all.
pub fn check_json(text: &str) -> Result<(), Diagnostics> {
    let text = SourceText::new(text);
    document::check_json(text.as_str()).map_err(|error| refused("body.json", &text, error))
}

/// The refusal of a text that is no tree.
fn refused(name: &str, text: &SourceText<'_>, error: SyntaxError) -> Diagnostics {
    let diagnostic = Diagnostic::new(Severity::Error, name, text, error.at, String::new(), error.message);
    Diagnostics {
        list: vec![diagnostic],
        mistakes: 1,
        unlisted: 0,
        is_syntax: error.is_grammar,
        hints: Vec::new(),
    }
}
