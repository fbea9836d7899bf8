//! Validates a catalog, independent of its file format.
//!
//! [`validate`] returns every problem at once. A problem points at a field by the object's kind and position
//! and a [`Path`] inside it; the reader of the catalog turns that into a line of a file or a JSON pointer.
//! Rules: `docs/catalog.md`. A reference to a name that does not exist is an error; attribute keys and values are data
//! and are not checked.

mod access;
mod bounds;
mod names;
mod people;

use std::cell::Cell;
use std::collections::{HashMap, HashSet};
use std::fmt;

use crate::{Catalog, Kind};

use names::Known;

/// Whether a problem rejects the catalog.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The catalog is rejected.
    Error,
    /// The catalog is accepted; the author should look at it.
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

/// The path from an object to a field.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Path(pub Vec<Step>);

impl Path {
    /// The object itself.
    #[must_use]
    pub fn root() -> Self {
        Self::default()
    }

    /// Appends a key.
    #[must_use]
    pub fn key(mut self, key: &str) -> Self {
        self.0.push(Step::Key(short(key)));
        self
    }

    /// Appends a list position.
    #[must_use]
    pub fn index(mut self, index: usize) -> Self {
        self.0.push(Step::Index(index));
        self
    }

    /// Appends a list entry by its text.
    #[must_use]
    pub fn item(mut self, text: &str) -> Self {
        self.0.push(Step::Item(short(text)));
        self
    }
}

/// A text as a step: what is longer than any name leads nowhere, and copied for each problem it would fill memory.
fn short(text: &str) -> String {
    const LONGEST: usize = 2048;
    if text.len() <= LONGEST {
        return text.to_owned();
    }
    let mut end = LONGEST;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}…", &text[..end])
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

/// A mistake in one field of one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CatalogProblem {
    /// Error or warning.
    pub severity: Severity,
    /// The object's kind.
    pub kind: Kind,
    /// The object's position among its kind.
    pub index: usize,
    /// The field inside it.
    pub path: Path,
    /// The mistake and what was expected.
    pub message: String,
}

/// The largest number of errors, and of warnings, that [`validate`] lists.
pub const LISTED: usize = 10_000;

/// Returns every problem of a catalog in catalog order; at most [`LISTED`] errors and as many warnings.
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
pub fn validate(catalog: &Catalog) -> Vec<CatalogProblem> {
    validate_beside(catalog, &Unread::default())
}

/// Objects that could not be read, and texts that may declare more of them. They are reported already; references to
/// them are not mistakes of their own.
#[derive(Debug, Default)]
pub struct Unread {
    names: HashMap<Kind, HashSet<String>>,
    nameless: HashSet<Kind>,
    /// Texts that could not be read as a whole, as [`plain`] makes them.
    texts: Vec<String>,
    /// Whether something was not read of which not even the text is known.
    unknown: bool,
    /// How many bytes of texts were searched.
    searched: Cell<usize>,
}

/// The number of bytes of texts that are searched for names. Names beyond it are assumed to exist.
const MOST_SEARCHED: usize = 1 << 30;

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

    /// Adds a text that may declare any object whose name it contains.
    pub fn add_text(&mut self, text: &str) {
        self.texts.push(plain(text));
    }

    /// Adds something that may declare any object at all.
    pub fn add_unknown(&mut self) {
        self.unknown = true;
    }

    /// Whether an object of this kind and name was there, and not read.
    fn has(&self, kind: Kind, name: &str) -> bool {
        self.nameless.contains(&kind) || self.names.get(&kind).is_some_and(|names| names.contains(name))
    }

    /// Whether what was not read may declare an object of this name.
    fn may_declare(&self, name: &str) -> bool {
        if self.unknown || self.texts.is_empty() {
            return self.unknown;
        }
        let searched = self.searched.get() + self.texts.iter().map(String::len).sum::<usize>();
        self.searched.set(searched);
        let name = plain(name);
        searched > MOST_SEARCHED || self.texts.iter().any(|text| text.contains(&name))
    }
}

/// A text in which a name is found however it was written: without white space, quotes and backslashes, and with the
/// characters for which escapes of four digits stand.
fn plain(text: &str) -> String {
    let mut units = Vec::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(character) = rest.next() {
        match character {
            '\\' => {
                let digits = rest.as_str().strip_prefix('u').and_then(|rest| rest.get(..4));
                if let Some(code) = digits.and_then(|digits| u16::from_str_radix(digits, 16).ok()) {
                    units.push(code);
                    rest.nth(4);
                }
            }
            '\'' | '"' => {}
            _ if character.is_whitespace() => {}
            _ => units.extend_from_slice(character.encode_utf16(&mut [0; 2])),
        }
    }
    String::from_utf16_lossy(&units)
}

/// The first problems of a catalog, and the number of all.
#[derive(Debug, Default)]
pub struct Found {
    /// In catalog order.
    pub list: Vec<CatalogProblem>,
    /// How many errors there are, listed or not.
    pub errors: usize,
}

/// [`validate`] for a catalog that was read in part, so that every mistake is reported at once.
#[must_use]
pub fn validate_beside(catalog: &Catalog, unread: &Unread) -> Vec<CatalogProblem> {
    validate_limited(catalog, unread, LISTED).list
}

/// [`validate_beside`], listing at most `most` errors and as many warnings.
#[must_use]
pub fn validate_limited(catalog: &Catalog, unread: &Unread, most: usize) -> Found {
    let mut problems = Problems::new(most);
    bounds::check(catalog, &mut problems);
    check_relations(catalog, unread, &mut problems);
    problems.sorted()
}

/// Returns the mistakes in single texts and numbers of a catalog: lengths, characters, ranges ([`crate::limits`]).
#[must_use]
pub fn validate_bounds(catalog: &Catalog) -> Vec<CatalogProblem> {
    let mut problems = Problems::new(LISTED);
    bounds::check(catalog, &mut problems);
    problems.sorted().list
}

/// [`validate`] without [`validate_bounds`], for objects that a store accepted before a bound existed.
#[must_use]
pub fn validate_relations(catalog: &Catalog) -> Vec<CatalogProblem> {
    let mut problems = Problems::new(LISTED);
    check_relations(catalog, &Unread::default(), &mut problems);
    problems.sorted().list
}

fn check_relations(catalog: &Catalog, unread: &Unread, problems: &mut Problems) {
    let known = Known::collect(catalog, unread, problems);
    people::check(catalog, &known, problems);
    access::check_policies(catalog, &known, problems);
    access::check_requests(catalog, &known, problems);
}

/// Collects problems of one object after the other: counts all of them and stores some, so that memory is bounded
/// whatever is checked.
struct Problems {
    list: Vec<CatalogProblem>,
    most: usize,
    errors: usize,
    warnings: usize,
}

impl Problems {
    fn new(most: usize) -> Self {
        Self { list: Vec::new(), most, errors: 0, warnings: 0 }
    }

    /// The problems in catalog order.
    fn sorted(self) -> Found {
        let Self { mut list, errors, .. } = self;
        list.sort_by_key(|problem| (problem.kind, problem.index));
        Found { list, errors }
    }

    fn error(&mut self, at: (Kind, usize), path: Path, message: impl Into<String>) {
        self.error_with(at, || (path, message.into()));
    }

    /// An error whose path and message are made only if it is stored.
    fn error_with(&mut self, at: (Kind, usize), make: impl FnOnce() -> (Path, String)) {
        self.errors += 1;
        if self.errors <= self.most {
            self.push(Severity::Error, at, make());
        }
    }

    fn warning(&mut self, at: (Kind, usize), path: Path, message: impl Into<String>) {
        self.warnings += 1;
        if self.warnings <= self.most {
            self.push(Severity::Warning, at, (path, message.into()));
        }
    }

    fn push(&mut self, severity: Severity, (kind, index): (Kind, usize), (path, message): (Path, String)) {
        self.list.push(CatalogProblem { severity, kind, index, path, message });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_found_however_a_text_writes_it() {
        let mut unread = Unread::default();
        unread.add_text(
            r#"- { name: 'O''Brien  & Söhne' }, "Gr\u00fc\u00DFe \ud83d\ude00", "a \"b\" \\c", C: x"#,
        );
        for name in ["O'Brien & Söhne", "Grüße \u{1f600}", r#"a "b" \c"#, "C"] {
            assert!(unread.may_declare(name), "{name}");
        }
        assert!(!unread.may_declare("Analysts"));
        assert!(!Unread::default().may_declare("C"));
        unread.add_unknown();
        assert!(unread.may_declare("Analysts"));
    }
}
