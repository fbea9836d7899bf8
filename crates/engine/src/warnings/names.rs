//! The names of a snapshot's data sources and users. Each list is made when it is first used.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use domesday_model::condition::{is_same_or_ancestor, value_matches};
use domesday_model::{FastMap, Snapshot, Symbol, TagIx, glob_matches, nearest_names};

/// A list of names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NameList {
    DataSources,
    Domains,
    Owners,
    Platforms,
    Hosts,
    Databases,
    Schemas,
    Tables,
    /// Tags of data sources.
    Tags,
    /// Tags of columns.
    ColumnTags,
    Columns,
    AttributeKeys,
    /// The values of one attribute.
    Values(Symbol),
}

const LISTS: usize = 12;

/// The lists of one snapshot.
#[derive(Debug)]
pub(super) struct Names<'s> {
    snapshot: &'s Snapshot,
    lists: [OnceLock<Vec<&'s str>>; LISTS],
    attributes: OnceLock<FastMap<Symbol, Vec<&'s str>>>,
}

impl<'s> Names<'s> {
    pub(super) fn new(snapshot: &'s Snapshot) -> Self {
        Self { snapshot, lists: Default::default(), attributes: OnceLock::new() }
    }

    /// Whether any name of a list matches a pattern.
    pub(super) fn matches(&self, list: NameList, pattern: &str) -> bool {
        let names = self.list(list);
        if pattern.contains(['*', '?']) {
            names.iter().any(|name| glob_matches(pattern, name))
        } else {
            names.binary_search(&pattern).is_ok()
        }
    }

    /// Whether any tag of a list is `name` or below it.
    pub(super) fn has_tag_below(&self, list: NameList, name: &str) -> bool {
        self.list(list).iter().any(|tag| is_same_or_ancestor(name, tag))
    }

    /// Returns the symbol of an attribute that a user or a group has.
    pub(super) fn attribute(&self, key: &str) -> Option<Symbol> {
        self.snapshot.symbols.find(key).filter(|key| self.attributes().contains_key(key))
    }

    /// Whether somebody has a value of an attribute that satisfies the value wanted.
    pub(super) fn has_value(&self, key: Symbol, wanted: &str) -> bool {
        self.list(NameList::Values(key)).iter().any(|held| value_matches(held, wanted))
    }

    /// Whether somebody has exactly this value of an attribute.
    pub(super) fn has_exact_value(&self, key: Symbol, value: &str) -> bool {
        self.list(NameList::Values(key)).binary_search(&value).is_ok()
    }

    /// Returns the name of a list that is most similar to a text or pattern.
    pub(super) fn most_similar(&self, list: NameList, text: &str) -> Option<&'s str> {
        let names = self.list(list);
        let core: String = text.trim_matches('*').chars().filter(|c| !matches!(c, '*' | '?')).collect();
        if core.is_empty() {
            return None;
        }
        if let Some(found) = nearest_names(&core, names.iter().copied(), 1).first() {
            return Some(found);
        }
        if !text.ends_with('*') {
            return None;
        }
        // A pattern with an open end means the beginning of a name.
        let count = core.chars().count();
        let beginning = |name: &'s str| {
            let end = name.char_indices().nth(count).map_or(name.len(), |(end, _)| end);
            &name[..end]
        };
        let near = *nearest_names(&core, names.iter().map(|name| beginning(name)), 1).first()?;
        names.iter().copied().find(|name| beginning(name) == near)
    }

    fn list(&self, list: NameList) -> &[&'s str] {
        let position = match list {
            NameList::DataSources => 0,
            NameList::Domains => 1,
            NameList::Owners => 2,
            NameList::Platforms => 3,
            NameList::Hosts => 4,
            NameList::Databases => 5,
            NameList::Schemas => 6,
            NameList::Tables => 7,
            NameList::Tags => 8,
            NameList::ColumnTags => 9,
            NameList::Columns => 10,
            NameList::AttributeKeys => 11,
            NameList::Values(key) => return self.attributes().get(&key).map_or(&[], Vec::as_slice),
        };
        self.lists[position].get_or_init(|| self.collect(list).into_iter().collect())
    }

    fn collect(&self, list: NameList) -> BTreeSet<&'s str> {
        let snapshot = self.snapshot;
        let sources = snapshot.data_sources.iter();
        let tag = |tag: &TagIx| snapshot.tags[tag.get()].spec.name.as_str();
        match list {
            NameList::DataSources => sources.map(|source| &*source.name).collect(),
            NameList::Domains => sources
                .filter_map(|source| Some(snapshot.domains[source.domain?.get()].spec.name.as_str()))
                .collect(),
            NameList::Owners => sources
                .flat_map(|source| source.owners.iter())
                .map(|owner| &*snapshot.users[owner.get()].username)
                .collect(),
            NameList::Platforms => sources.map(|source| &*source.platform).collect(),
            NameList::Hosts => sources.filter_map(|source| source.host.as_deref()).collect(),
            NameList::Databases => sources.filter_map(|source| source.database.as_deref()).collect(),
            NameList::Schemas => sources.filter_map(|source| source.schema.as_deref()).collect(),
            NameList::Tables => sources.filter_map(|source| source.table.as_deref()).collect(),
            NameList::Tags => sources.flat_map(|source| source.tags.iter().map(tag)).collect(),
            NameList::ColumnTags => {
                snapshot.columns.iter().flat_map(|column| column.tags.iter().map(tag)).collect()
            }
            NameList::Columns => snapshot.columns.iter().map(|column| &*column.name).collect(),
            NameList::AttributeKeys => {
                self.attributes().keys().map(|key| snapshot.symbols.text(*key)).collect()
            }
            NameList::Values(_) => BTreeSet::new(),
        }
    }

    /// Returns the attributes that users and groups have, with their values in order.
    fn attributes(&self) -> &FastMap<Symbol, Vec<&'s str>> {
        self.attributes.get_or_init(|| {
            let snapshot = self.snapshot;
            let users = snapshot.users.iter().flat_map(|user| user.attributes.iter());
            let groups = snapshot.groups.iter().flat_map(|group| group.attributes.iter());
            let mut pairs: Vec<_> = users.chain(groups).copied().collect();
            pairs.sort_unstable();
            pairs.dedup();
            let mut attributes: FastMap<Symbol, Vec<&'s str>> = FastMap::default();
            for (key, value) in pairs {
                attributes.entry(key).or_default().push(snapshot.symbols.text(value));
            }
            attributes.values_mut().for_each(|values| values.sort_unstable());
            attributes
        })
    }
}
