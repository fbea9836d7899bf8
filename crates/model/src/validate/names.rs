//! The names a catalog declares: unique per kind, and what references are checked against.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeSet, HashMap, HashSet};

use super::{Path, Problems, Unread};
use crate::near::nearest_within;
use crate::{ALL_USERS, Catalog, Excerpt, Kind, dotted_ancestors};

/// The limit of work for suggestions of names over all mistakes, in pairs of characters compared.
const MOST_COMPARED: usize = 1 << 26;

/// The longest tag, in bytes, whose ancestors are listed: each is a text of its own, so that their lengths add up to the
/// square of the tag's.
const LONGEST_TAG: usize = 4096;

/// Every name of every kind that can be referred to.
pub(super) struct Known<'c> {
    names: HashMap<Kind, HashSet<&'c str>>,
    /// Position of each data source.
    sources: HashMap<&'c str, usize>,
    /// The columns of data sources that something refers to, by the source's position.
    columns: RefCell<HashMap<usize, HashSet<&'c str>>>,
    catalog: &'c Catalog,
    unread: &'c Unread,
    /// The work that suggestions of names may still take.
    compared: Cell<usize>,
}

impl<'c> Known<'c> {
    /// Gathers the names, reporting each that is declared twice.
    pub(super) fn collect(catalog: &'c Catalog, unread: &'c Unread, problems: &mut Problems) -> Self {
        let mut names = HashMap::new();
        let mut gather = |kind: Kind, list: &mut dyn Iterator<Item = &'c str>, field: &str| {
            let mut seen: HashMap<&'c str, usize> = HashMap::new();
            for (index, name) in list.enumerate() {
                if name.trim().is_empty() {
                    let message = format!("expected the name of a {kind}, found an empty text");
                    problems.error((kind, index), Path::root().key(field), message);
                }
                if let Some(first) = seen.get(name) {
                    let first = first + 1;
                    problems.error_with((kind, index), || {
                        let message = format!(
                            "the {kind} `{}` is declared twice (first as number {first} of `{}`); names are unique per kind",
                            Excerpt(name),
                            kind.key()
                        );
                        (Path::root().key(field), message)
                    });
                } else {
                    seen.insert(name, index);
                }
            }
            let set: HashSet<&'c str> = seen.keys().copied().collect();
            names.insert(kind, set);
            seen
        };
        gather(Kind::Connection, &mut catalog.connections.iter().map(|it| it.name.as_str()), "name");
        gather(Kind::Tag, &mut catalog.tags.iter().map(|tag| tag.name.as_str()), "name");
        gather(Kind::Group, &mut catalog.groups.iter().map(|group| group.name.as_str()), "name");
        gather(Kind::User, &mut catalog.users.iter().map(|user| user.username.as_str()), "username");
        gather(Kind::Domain, &mut catalog.domains.iter().map(|domain| domain.name.as_str()), "name");
        let sources = gather(
            Kind::DataSource,
            &mut catalog.data_sources.iter().map(|source| source.name.as_str()),
            "name",
        );
        gather(Kind::Policy, &mut catalog.policies.iter().map(|policy| policy.name.as_str()), "name");
        gather(
            Kind::DataPolicy,
            &mut catalog.data_policies.iter().map(|policy| policy.name.as_str()),
            "name",
        );
        gather(
            Kind::Agreement,
            &mut catalog.agreements.iter().map(|agreement| agreement.name.as_str()),
            "name",
        );
        gather(Kind::RequestForm, &mut catalog.request_forms.iter().map(|form| form.name.as_str()), "name");
        gather(
            Kind::DataProduct,
            &mut catalog.data_products.iter().map(|product| product.name.as_str()),
            "name",
        );
        gather(Kind::Request, &mut catalog.requests.iter().map(|request| request.id.as_str()), "id");

        let tags = names.entry(Kind::Tag).or_default();
        for tag in catalog.tags.iter().filter(|tag| tag.name.len() <= LONGEST_TAG) {
            tags.extend(dotted_ancestors(&tag.name));
        }
        names.entry(Kind::Group).or_default().insert(ALL_USERS);
        let (columns, compared) = (RefCell::default(), Cell::new(MOST_COMPARED));
        Self { names, sources, columns, catalog, unread, compared }
    }

    /// Whether the kind has an object of this name that was read.
    pub(super) fn is_declared(&self, kind: Kind, name: &str) -> bool {
        self.names.get(&kind).is_some_and(|names| names.contains(name))
    }

    /// Whether the kind has an object of this name, read or not.
    pub(super) fn has(&self, kind: Kind, name: &str) -> bool {
        self.is_declared(kind, name) || self.unread.has(kind, name) || self.unread.may_declare(name)
    }

    /// Whether a policy of this name may be among what was not read.
    pub(super) fn is_unread_policy(&self, name: &str) -> bool {
        let kinds = [Kind::Policy, Kind::DataPolicy];
        kinds.iter().any(|kind| self.unread.has(*kind, name))
            || !kinds.iter().any(|kind| self.is_declared(*kind, name)) && self.unread.may_declare(name)
    }

    /// Whether a data source has a column; `true` for a source that was not read whole.
    pub(super) fn has_column(&self, source: &str, column: &str) -> bool {
        let position = self.sources.get(source).copied();
        let Some(position) = position.filter(|_| !self.unread.has(Kind::DataSource, source)) else {
            return true;
        };
        let mut sources = self.columns.borrow_mut();
        let columns = sources.entry(position).or_insert_with(|| {
            self.catalog.data_sources[position].columns.iter().map(|column| column.name.as_str()).collect()
        });
        columns.contains(column)
    }

    /// Reports a reference to a name that does not exist, with the nearest existing name.
    pub(super) fn check(
        &self,
        kind: Kind,
        name: &str,
        at: (Kind, usize),
        path: Path,
        problems: &mut Problems,
    ) {
        if self.has(kind, name) {
            return;
        }
        match self.listing(kind, at.0) {
            None => problems.error_with(at, || (path, self.missing(kind, name))),
            Some(connection) => {
                let message = format!(
                    "there is no {kind} `{}` in the catalog; it counts once the connection `{connection}` lists it",
                    Excerpt(name)
                );
                problems.warning(at, path, message);
            }
        }
    }

    /// Returns a declared connection that may list objects of a kind, where one that is not there yet does no harm: policies,
    /// products, requests and what connections describe too do without it.
    fn listing(&self, kind: Kind, by: Kind) -> Option<&'c str> {
        let is_people = matches!(kind, Kind::User | Kind::Group);
        let is_harmless = match by {
            Kind::Policy | Kind::DataPolicy => is_people || kind == Kind::DataSource,
            Kind::User | Kind::DataSource | Kind::Domain | Kind::RequestForm => is_people,
            Kind::DataProduct | Kind::Request => kind == Kind::DataSource,
            _ => false,
        };
        let mut connections = self.catalog.connections.iter().filter(|_| is_harmless);
        let found = connections.find(|connection| connection.kind.brings_people() == is_people)?;
        Some(&found.spec.name)
    }

    /// Reports a reference to a column that a data source does not have.
    pub(super) fn check_column(
        &self,
        source: &str,
        column: &str,
        at: (Kind, usize),
        path: Path,
        problems: &mut Problems,
    ) {
        if self.has_column(source, column) {
            return;
        }
        let message = || format!("the data source `{}` has no column `{}`", Excerpt(source), Excerpt(column));
        match self.listing(Kind::DataSource, at.0) {
            None => problems.error_with(at, || (path, message())),
            Some(connection) => {
                let message = format!(
                    "{} in the catalog; it counts once the connection `{connection}` lists it",
                    message()
                );
                problems.warning(at, path, message);
            }
        }
    }

    /// Returns the message for a name that does not exist.
    pub(super) fn missing(&self, kind: Kind, name: &str) -> String {
        let known = self.names.get(&kind).into_iter().flatten().copied();
        let mut budget = self.compared.get();
        let near = nearest_within(name, known, 1, &mut budget);
        self.compared.set(budget);
        let name = Excerpt(name);
        match near.first() {
            Some(near) => format!("there is no {kind} `{name}`; did you mean `{}`?", Excerpt(near)),
            None => format!("there is no {kind} `{name}` in the catalog; declare it under `{}`", kind.key()),
        }
    }

    /// [`Known::check`] for each name of a set.
    pub(super) fn check_set(
        &self,
        kind: Kind,
        set: &BTreeSet<String>,
        at: (Kind, usize),
        path: &Path,
        problems: &mut Problems,
    ) {
        for name in set {
            self.check(kind, name, at, path.clone().item(name), problems);
        }
    }

    /// [`Known::check`] for a name that may be absent.
    pub(super) fn check_one(
        &self,
        kind: Kind,
        name: Option<&String>,
        at: (Kind, usize),
        field: &str,
        problems: &mut Problems,
    ) {
        if let Some(name) = name {
            self.check(kind, name, at, Path::root().key(field), problems);
        }
    }
}
