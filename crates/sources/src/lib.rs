//! Declarative files: a directory of YAML and JSON documents that is the whole catalog.
//!
//! The way of a file: its text becomes a tree of values with positions (`document`), the tree becomes the
//! model's types with every mistake collected (`decode`), and what the model then finds wrong with the catalog
//! as a whole is traced back to a line (`locate`). The format is docs/catalog.md.
//!
//! What is not here: no store and no evaluation. A catalog with an error is never returned.

mod decode;
mod diagnostic;
mod document;
mod locate;
mod read;

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};

use domesday_model::validate::{Severity, Unread, validate_beside};
use domesday_model::{Catalog, Kind};

use decode::{Decoder, Positions};
pub use diagnostic::{Diagnostic, Diagnostics};
use document::Node;
use read::File;

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

/// Loads a directory: every catalog file below it, hidden ones left out, in path order.
///
/// # Errors
/// When the directory cannot be read or its catalog has an error. [`LoadError::Invalid`] has every error.
pub fn load(dir: &Path) -> Result<Loaded, LoadError> {
    let mut unreadable = Vec::new();
    let mut files = Vec::new();
    for file in read::files(dir)? {
        match file {
            Ok(file) => files.push(file),
            Err(diagnostic) => unreadable.push(diagnostic),
        }
    }
    let loaded = assemble(&files, unreadable).map_err(LoadError::Invalid)?;
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
/// Every error of the document.
pub fn parse_str(name: &str, text: &str) -> Result<Loaded, Diagnostics> {
    assemble(&[File { name: name.to_owned(), text: text.to_owned() }], Vec::new())
}

/// One catalog of many files; `diagnostics` are those of files that could not even be read.
fn assemble(files: &[File], mut diagnostics: Vec<Diagnostic>) -> Result<Loaded, Diagnostics> {
    let mut catalog = Catalog::default();
    // For each object, the file it stands in and its position there, in the order of the catalog's lists.
    let mut places: HashMap<Kind, Vec<(usize, usize)>> = HashMap::new();
    let mut unread = Unread::default();
    // What a file that could not be read at all declares, nobody knows: references to it would be told in vain.
    let mut whole = diagnostics.is_empty();
    for (file_index, file) in files.iter().enumerate() {
        let root = match document::parse(&file.name, &file.text) {
            Ok(root) => root,
            Err(error) => {
                let field = String::new();
                let error =
                    Diagnostic::new(Severity::Error, &file.name, &file.text, error.at, field, error.message);
                diagnostics.push(error);
                whole = false;
                continue;
            }
        };
        let mut decoder = Decoder::new(&file.name, &file.text, &mut unread);
        let mut positions = Positions::new();
        decoder.file(&root, &mut catalog, &mut positions);
        diagnostics.append(&mut decoder.diagnostics);
        for (kind, positions) in positions {
            let places = places.entry(kind).or_default();
            places.extend(positions.into_iter().map(|position| (file_index, position)));
        }
    }
    if whole {
        let is_right = diagnostics.iter().all(|diagnostic| diagnostic.severity != Severity::Error);
        let mut problems = problems(files, &catalog, &unread, &places);
        // Beside errors, what looks odd may be so only for want of what was not read.
        problems.retain(|problem| is_right || problem.severity == Severity::Error);
        diagnostics.append(&mut problems);
    }
    diagnostics.sort_by(|left, right| {
        (&left.file, left.line, left.column).cmp(&(&right.file, right.line, right.column))
    });
    if diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error) {
        return Err(Diagnostics(diagnostics));
    }
    Ok(Loaded { catalog, warnings: diagnostics, files: files.len() })
}

/// What is wrong with the catalog as a whole, each problem at its place.
fn problems(
    files: &[File],
    catalog: &Catalog,
    unread: &Unread,
    places: &HashMap<Kind, Vec<(usize, usize)>>,
) -> Vec<Diagnostic> {
    let mut roots: HashMap<usize, Option<Node>> = HashMap::new();
    let locate = |problem: domesday_model::validate::Problem| {
        let (file_index, position) = *places.get(&problem.kind)?.get(problem.index)?;
        let file = &files[file_index];
        let root = roots.entry(file_index).or_insert_with(|| document::parse(&file.name, &file.text).ok());
        let (at, field) = locate::locate(root.as_ref()?, problem.kind, position, &problem.path);
        Some(Diagnostic::new(problem.severity, &file.name, &file.text, at, field, problem.message))
    };
    validate_beside(catalog, unread).into_iter().filter_map(locate).collect()
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
/// Every mistake in it, with the field inside the object.
pub fn parse_object(kind: Kind, json: &str) -> Result<serde_json::Value, Diagnostics> {
    // A list of one, all on the object's first line, so that lines and columns are nearly its own.
    let start = if kind == Kind::Tenant { "{\"tenant\":".len() } else { kind.key().len() + "{\"\":[".len() };
    let text = match kind {
        Kind::Tenant => format!("{{\"tenant\":{json}}}"),
        _ => format!("{{\"{}\":[{json}]}}", kind.key()),
    };
    let name = "object.json";
    let mut unread = Unread::default();
    let mut decoder = Decoder::new(name, &text, &mut unread);
    let mut catalog = Catalog::default();
    match document::parse(name, &text) {
        Ok(root) => decoder.file(&root, &mut catalog, &mut Positions::new()),
        Err(error) => {
            let error = Diagnostic::new(Severity::Error, name, &text, error.at, String::new(), error.message);
            return Err(Diagnostics(vec![error]));
        }
    }
    let mut diagnostics = decoder.diagnostics;
    diagnostics.retain(|diagnostic| diagnostic.severity == Severity::Error);
    let value =
        if diagnostics.is_empty() && catalog.count(kind) == 1 { value_of(&catalog, kind) } else { None };
    value.ok_or_else(|| {
        let (list, item) = (kind.key().to_owned(), format!("{}[0]", kind.key()));
        for diagnostic in &mut diagnostics {
            let field = diagnostic.field.strip_prefix(&item).or_else(|| diagnostic.field.strip_prefix(&list));
            if let Some(field) = field {
                diagnostic.field = field.trim_start_matches('.').to_owned();
            }
            if diagnostic.line == 1 {
                diagnostic.column = diagnostic.column.saturating_sub(start).max(1);
            }
        }
        Diagnostics(diagnostics)
    })
}

/// The only object of a kind, as it is stored.
fn value_of(catalog: &Catalog, kind: Kind) -> Option<serde_json::Value> {
    let value = match kind {
        Kind::Tenant => serde_json::to_value(&catalog.tenant.as_ref()?.spec),
        Kind::Tag => serde_json::to_value(&catalog.tags.first()?.spec),
        Kind::Group => serde_json::to_value(&catalog.groups.first()?.spec),
        Kind::User => serde_json::to_value(&catalog.users.first()?.spec),
        Kind::Domain => serde_json::to_value(&catalog.domains.first()?.spec),
        Kind::DataSource => serde_json::to_value(&catalog.data_sources.first()?.spec),
        Kind::Policy => serde_json::to_value(&catalog.policies.first()?.spec),
        Kind::DataPolicy => serde_json::to_value(&catalog.data_policies.first()?.spec),
        Kind::Agreement => serde_json::to_value(&catalog.agreements.first()?.spec),
        Kind::RequestForm => serde_json::to_value(&catalog.request_forms.first()?.spec),
        Kind::DataProduct => serde_json::to_value(&catalog.data_products.first()?.spec),
        Kind::Request => serde_json::to_value(&catalog.requests.first()?.spec),
    };
    value.ok()
}
