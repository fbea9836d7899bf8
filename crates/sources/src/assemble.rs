//! Assembles a catalog from many files: each is parsed and decoded, then the model validates the whole.

use std::collections::{BTreeMap, HashMap};

use domesday_model::validate::{CatalogProblem, Severity, Unread, validate_limited};
use domesday_model::{Catalog, Kind};

use crate::decode::{Decoder, Positions};
use crate::diagnostic::{Collector, Diagnostic, Diagnostics};
use crate::document::{self, Node, Value};
use crate::text::SourceText;
use crate::{Loaded, locate, sniff};

/// After so many files of which hardly any looks like a catalog, reading stops: this is another directory.
const MAX_FOREIGN: usize = 500;

/// A file whose objects are in the catalog.
struct Source {
    name: String,
    text: String,
}

/// A catalog under construction.
pub(crate) struct Assembly {
    collector: Collector,
    catalog: Catalog,
    sources: Vec<Source>,
    /// For each object, its file and its position there, in the order of the catalog's lists.
    places: HashMap<Kind, Vec<(usize, usize)>>,
    unread: Unread,
    files: usize,
    /// Files that do not look like part of a catalog.
    foreign: usize,
    /// The directories of those that do, with the number of files.
    directories: BTreeMap<String, usize>,
    /// How many files could not be read whole, so that their declarations are unknown.
    unread_files: usize,
    is_stopped: bool,
    /// How many values a JSON text may contain.
    max_values: usize,
}

impl Assembly {
    /// Creates an empty assembly that lists at most `most` mistakes and as many warnings.
    pub(crate) fn new(most: usize) -> Self {
        Self {
            collector: Collector::new(most),
            catalog: Catalog::default(),
            sources: Vec::new(),
            places: HashMap::new(),
            unread: Unread::default(),
            files: 0,
            foreign: 0,
            directories: BTreeMap::new(),
            unread_files: 0,
            is_stopped: false,
            max_values: usize::MAX,
        }
    }

    /// Limits the number of values in a JSON text, for texts from the network.
    pub(crate) fn with_max_values(mut self, most: usize) -> Self {
        self.max_values = most;
        self
    }

    /// Reports a diagnostic.
    pub(crate) fn report(&mut self, diagnostic: Diagnostic) {
        self.collector.add(diagnostic.severity, || diagnostic);
    }

    /// Adds a file that cannot be read: it may declare anything.
    pub(crate) fn add_unreadable(&mut self, diagnostic: Diagnostic) {
        self.unread.add_unknown();
        self.unread_files += 1;
        self.report(diagnostic);
    }

    /// Whether the files read so far show that this is not the directory of a catalog.
    pub(crate) fn is_foreign(&self) -> bool {
        self.foreign >= MAX_FOREIGN && self.foreign >= 20 * (self.files - self.foreign)
    }

    /// Notes that the remaining files are not read.
    pub(crate) fn stop(&mut self) {
        self.unread.add_unknown();
        self.is_stopped = true;
    }

    /// Whether there are no mistakes so far.
    pub(crate) fn is_clean(&self) -> bool {
        self.collector.mistakes() == 0
    }

    /// Parses and decodes a file; returns whether it is not YAML or JSON at all.
    pub(crate) fn add(&mut self, name: String, text: String) -> bool {
        self.files += 1;
        let source = SourceText::new(&text);
        let root = match document::parse(&name, source.as_str(), self.max_values) {
            Ok(root) => root,
            Err(error) => {
                self.classify(&name, sniff::looks_like_catalog(text.as_bytes()));
                self.collector.add(Severity::Error, || {
                    let message = error.message.clone();
                    Diagnostic::new(Severity::Error, &name, &source, error.at, String::new(), message)
                });
                self.unread.add_text(source.as_str());
                self.unread_files += 1;
                return error.is_grammar;
            }
        };
        self.classify(&name, declares_something(&root));
        let mut decoder = Decoder::new(&name, &source, &mut self.collector, &mut self.unread);
        let mut positions = Positions::new();
        let open = decoder.file(&root, &mut self.catalog, &mut positions);
        if !open.is_empty() {
            self.unread.add_text(&open);
            self.unread_files += 1;
        }
        if positions.is_empty() {
            return false;
        }
        for (kind, positions) in positions {
            let places = self.places.entry(kind).or_default();
            places.extend(positions.into_iter().map(|position| (self.sources.len(), position)));
        }
        self.sources.push(Source { name, text });
        false
    }

    fn classify(&mut self, name: &str, is_alike: bool) {
        if is_alike {
            let directory = name.rsplit_once('/').map_or("", |(directory, _)| directory);
            *self.directories.entry(directory.to_owned()).or_default() += 1;
        } else {
            self.foreign += 1;
        }
    }

    /// Returns the catalog, or every mistake in it.
    pub(crate) fn finish(self) -> Result<Loaded, Diagnostics> {
        let hints = self.hints();
        let Self { mut collector, catalog, sources, places, unread, files, .. } = self;
        // With errors, warnings may only result from what could not be read.
        let is_valid = collector.mistakes() == 0;
        let found = validate_limited(&catalog, &unread, collector.room());
        let listed = found.list.iter().filter(|problem| problem.severity == Severity::Error).count();
        collector.count(found.errors - listed);
        let mut located = Located { sources: &sources, places: &places, parsed: HashMap::new() };
        for problem in found.list {
            if is_valid || problem.severity == Severity::Error {
                collector.add(problem.severity, || located.diagnostic(problem));
            }
        }
        let warnings = collector.finish(hints)?;
        Ok(Loaded { catalog, warnings, files })
    }

    /// Returns the likely cause of the mistakes, and what was not checked because of them.
    fn hints(&self) -> Vec<String> {
        let mut hints = Vec::new();
        if self.foreign > 0 {
            let guess = match self.likely_directory() {
                Some(directory) => format!("; did you mean its subdirectory `{directory}`?"),
                None if self.foreign > self.files / 2 => "; is this the directory of the catalog?".to_owned(),
                None => String::new(),
            };
            let (foreign, files) = (self.foreign, self.files);
            let rest = if self.is_stopped { "; the others were not read" } else { "" };
            hints.push(format!(
                "{foreign} of the {files} files have none of the keys of a catalog \
                 (users, dataSources, policies, …){rest}{guess}"
            ));
        }
        if self.unread_files > 0 {
            let files = if self.unread_files == 1 {
                "1 file".to_owned()
            } else {
                format!("{} files", self.unread_files)
            };
            hints.push(format!(
                "{files} could not be read completely; names that may be declared there are not reported as missing"
            ));
        }
        hints
    }
}

impl Assembly {
    /// Returns the deepest subdirectory that contains more than half of the files that look like part of a catalog.
    fn likely_directory(&self) -> Option<&str> {
        let alike: usize = self.directories.values().sum();
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for (directory, files) in &self.directories {
            let ends = directory.match_indices('/').map(|(end, _)| end).chain([directory.len()]);
            for end in ends.filter(|end| *end > 0) {
                *counts.entry(&directory[..end]).or_default() += files;
            }
        }
        let likely = counts.into_iter().filter(|(_, files)| 2 * files > alike);
        likely.map(|(directory, _)| directory).max_by_key(|directory| directory.len())
    }
}

/// The places of the objects of a catalog. Only files with a problem are parsed again, each once.
struct Located<'s> {
    sources: &'s [Source],
    places: &'s HashMap<Kind, Vec<(usize, usize)>>,
    parsed: HashMap<usize, (SourceText<'s>, Option<Node>)>,
}

impl Located<'_> {
    /// Returns the diagnostic of a problem, with its place.
    fn diagnostic(&mut self, problem: CatalogProblem) -> Diagnostic {
        let CatalogProblem { severity, kind, index, path, message } = problem;
        let place = self.places.get(&kind).and_then(|places| places.get(index));
        let Some((file, position)) = place.copied() else {
            return Diagnostic::about_file(severity, kind.key(), message);
        };
        let Source { name, text } = &self.sources[file];
        let (text, root) = self.parsed.entry(file).or_insert_with(|| {
            let text = SourceText::new(text);
            let root = document::parse(name, text.as_str(), usize::MAX).ok();
            (text, root)
        });
        let (at, field) = match root {
            Some(root) => locate::locate(root, kind, position, &path),
            None => (0, kind.key().to_owned()),
        };
        Diagnostic::new(severity, name, text, at, field, message)
    }
}

/// Whether a document has a key of the catalog format.
fn declares_something(root: &Node) -> bool {
    let Value::Mapping(entries) = &root.value else { return false };
    entries.is_empty() || entries.iter().any(|(key, _)| Kind::of_key(&key.text).is_some())
}
