//! What makes a catalog wrong, whatever it was read from.
//!
//! [`validate`] returns every problem at once. A problem points at a field by the object's kind and position
//! and a [`Path`] inside it; who read the catalog turns that into a line of a file or a JSON pointer.
//! Rules: catalog.md; a reference to a name that exists nowhere is an error, attribute keys and values are
//! data and never are.

mod access;
mod bounds;
mod names;
mod people;

use std::collections::{HashMap, HashSet};
use std::fmt;

use crate::{Catalog, Kind};

use names::Known;

/// Whether a problem stops the catalog from being taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// It does.
    Error,
    /// It does not, yet somebody should look.
    Warning,
}

/// One step from an object down to a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// A key of a mapping, as written in the catalog format.
    Key(String),
    /// A position in a list.
    Index(usize),
    /// The entry of a list of names that has this text; lists that mean sets keep no positions.
    Item(String),
}

/// The way from an object to a field.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Path(pub Vec<Step>);

impl Path {
    /// The object itself.
    #[must_use]
    pub fn root() -> Self {
        Self::default()
    }

    /// One key down.
    #[must_use]
    pub fn key(mut self, key: &str) -> Self {
        self.0.push(Step::Key(key.to_owned()));
        self
    }

    /// One list position down.
    #[must_use]
    pub fn index(mut self, index: usize) -> Self {
        self.0.push(Step::Index(index));
        self
    }

    /// One list entry down, by its text.
    #[must_use]
    pub fn item(mut self, text: &str) -> Self {
        self.0.push(Step::Item(text.to_owned()));
        self
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, step) in self.0.iter().enumerate() {
            match step {
                Step::Key(key) if position == 0 => f.write_str(key)?,
                Step::Key(key) => write!(f, ".{key}")?,
                Step::Index(index) => write!(f, "[{index}]")?,
                Step::Item(_) => {}
            }
        }
        Ok(())
    }
}

/// Something wrong with one field of one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Error or warning.
    pub severity: Severity,
    /// The object's kind.
    pub kind: Kind,
    /// The object's position among its kind.
    pub index: usize,
    /// The field inside it.
    pub path: Path,
    /// What is wrong and what was expected.
    pub message: String,
}

/// Every problem of a catalog, in catalog order.
///
/// ```
/// use domesday_model::{Catalog, Declared, User, validate::validate};
///
/// let mut ada = User::named("ada");
/// ada.groups.insert("Analyst".into());
/// let catalog = Catalog { users: vec![Declared::new(ada, "users.yaml")], ..Catalog::default() };
/// assert!(validate(&catalog)[0].message.starts_with("there is no group `Analyst`"));
/// ```
#[must_use]
pub fn validate(catalog: &Catalog) -> Vec<Problem> {
    validate_beside(catalog, &Unread::default())
}

/// What whoever read a catalog could not take in. It is said to be wrong already; that something refers to it
/// is not a mistake of its own.
#[derive(Debug, Clone, Default)]
pub struct Unread {
    names: HashMap<Kind, HashSet<String>>,
    nameless: HashSet<Kind>,
}

impl Unread {
    /// Adds an object that was not read, or of which a part was not; `None` when not even its name was.
    pub fn add(&mut self, kind: Kind, name: Option<String>) {
        match name {
            Some(name) => {
                self.names.entry(kind).or_default().insert(name);
            }
            None => {
                self.nameless.insert(kind);
            }
        }
    }

    fn may_be(&self, kind: Kind, name: &str) -> bool {
        self.nameless.contains(&kind) || self.names.get(&kind).is_some_and(|names| names.contains(name))
    }
}

/// [`validate`] for a catalog that was read in part, so that every mistake can be told at once.
#[must_use]
pub fn validate_beside(catalog: &Catalog, unread: &Unread) -> Vec<Problem> {
    let mut problems = Problems::default();
    bounds::check(catalog, &mut problems);
    check_relations(catalog, unread, &mut problems);
    problems.sorted()
}

/// What is wrong with the texts and numbers of a catalog by themselves: lengths, characters, ranges
/// ([`crate::limits`]).
#[must_use]
pub fn validate_bounds(catalog: &Catalog) -> Vec<Problem> {
    let mut problems = Problems::default();
    bounds::check(catalog, &mut problems);
    problems.sorted()
}

/// [`validate`] without [`validate_bounds`], for objects that a store accepted before a bound existed.
#[must_use]
pub fn validate_relations(catalog: &Catalog) -> Vec<Problem> {
    let mut problems = Problems::default();
    check_relations(catalog, &Unread::default(), &mut problems);
    problems.sorted()
}

fn check_relations(catalog: &Catalog, unread: &Unread, problems: &mut Problems) {
    let known = Known::of(catalog, unread, problems);
    people::check(catalog, &known, problems);
    access::check_policies(catalog, &known, problems);
    access::check_requests(catalog, &known, problems);
}

/// Collects problems of one object after the other.
#[derive(Default)]
struct Problems {
    list: Vec<Problem>,
}

impl Problems {
    /// The problems in catalog order.
    fn sorted(self) -> Vec<Problem> {
        let mut list = self.list;
        list.sort_by_key(|problem| (problem.kind, problem.index));
        list
    }

    fn error(&mut self, at: (Kind, usize), path: Path, message: impl Into<String>) {
        self.push(Severity::Error, at, path, message.into());
    }

    fn warning(&mut self, at: (Kind, usize), path: Path, message: impl Into<String>) {
        self.push(Severity::Warning, at, path, message.into());
    }

    fn push(&mut self, severity: Severity, (kind, index): (Kind, usize), path: Path, message: String) {
        self.list.push(Problem { severity, kind, index, path, message });
    }
}
