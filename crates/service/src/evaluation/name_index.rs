//! An index of the names in a catalog, in memory.

use domesday_model::{DataSourceIx, Snapshot};

/// The separator of entries; no name contains it.
const SEPARATOR: char = '\u{1}';

/// The names of one kind, lower-cased, one after the other.
#[derive(Debug)]
pub(super) struct NameIndex {
    text: String,
    starts: Vec<u32>,
    /// The rank of each entry by its first name.
    pub(super) ranks: Vec<u32>,
}

impl NameIndex {
    fn new<'n, I: Iterator<Item = &'n str>>(entries: impl Iterator<Item = I>, is_ranked: bool) -> Self {
        let (mut text, mut starts) = (String::new(), Vec::new());
        for names in entries {
            starts.push(u32::try_from(text.len()).expect("the names of a kind have less than 4 GiB"));
            for name in names {
                text.extend(name.chars().flat_map(char::to_lowercase));
                text.push('\n');
            }
            text.push(SEPARATOR);
        }
        let mut index = Self { text, starts, ranks: Vec::new() };
        if is_ranked {
            let mut order: Vec<u32> = (0..u32::try_from(index.starts.len()).unwrap_or(u32::MAX)).collect();
            order.sort_by_key(|entry| index.entry(*entry as usize));
            index.ranks = vec![0; order.len()];
            for (rank, entry) in (0_u32..).zip(&order) {
                index.ranks[*entry as usize] = rank;
            }
        }
        index
    }

    fn entry(&self, entry: usize) -> &str {
        let end = self.starts.get(entry + 1).map_or(self.text.len(), |end| *end as usize);
        &self.text[self.starts[entry] as usize..end]
    }

    /// The entries that contain a text, in order; each once.
    fn find<'t>(&'t self, text: &'t str) -> impl Iterator<Item = usize> + 't {
        let mut from = 0;
        std::iter::from_fn(move || {
            let at = from + self.text.get(from..)?.find(text)?;
            let entry = self.starts.partition_point(|start| *start as usize <= at) - 1;
            from = self.starts.get(entry + 1).map_or(self.text.len(), |next| *next as usize);
            Some(entry)
        })
    }

    /// For each entry, whether it contains a text in any case.
    pub(super) fn matching(&self, text: &str) -> Vec<bool> {
        let mut found = vec![false; self.starts.len()];
        self.find(&lower(text)).for_each(|entry| found[entry] = true);
        found
    }

    /// The entries that contain a text and are visible: how many, and the first, those that begin with it before others.
    pub(super) fn best(
        &self,
        text: &str,
        limit: usize,
        is_visible: impl Fn(usize) -> bool,
    ) -> (usize, Vec<usize>) {
        let (mut total, mut first, mut others) = (0, Vec::new(), Vec::new());
        for entry in self.find(text).filter(|entry| is_visible(*entry)) {
            total += 1;
            let begins = self.entry(entry).split('\n').any(|name| name.starts_with(text));
            let list = if begins { &mut first } else { &mut others };
            if list.len() < limit {
                list.push(entry);
            }
        }
        first.extend(others);
        first.truncate(limit);
        (total, first)
    }
}

/// A text as the index has it; the separators are taken out.
pub(super) fn lower(text: &str) -> String {
    text.chars().filter(|it| !it.is_control()).flat_map(char::to_lowercase).collect()
}

/// The names of a catalog.
#[derive(Debug)]
pub(super) struct SearchIndex {
    pub(super) users: NameIndex,
    pub(super) sources: NameIndex,
    pub(super) columns: NameIndex,
    pub(super) groups: NameIndex,
    pub(super) policies: NameIndex,
    /// The data source of each column.
    pub(super) source_of: Vec<DataSourceIx>,
}

impl SearchIndex {
    pub(super) fn new(snapshot: &Snapshot) -> Self {
        let users = snapshot.users.iter().map(|user| {
            [Some(&*user.name), Some(&*user.username), user.email.as_deref()].into_iter().flatten()
        });
        let one = std::iter::once::<&str>;
        let mut source_of = vec![DataSourceIx::at(0); snapshot.columns.len()];
        for (position, source) in snapshot.data_sources.iter().enumerate() {
            for column in source.columns.clone() {
                source_of[column as usize] = DataSourceIx::at(position);
            }
        }
        Self {
            users: NameIndex::new(users, true),
            sources: NameIndex::new(snapshot.data_sources.iter().map(|source| one(&source.name)), true),
            columns: NameIndex::new(snapshot.columns.iter().map(|column| one(&column.name)), false),
            groups: NameIndex::new(snapshot.groups.iter().map(|group| one(&group.name)), false),
            policies: NameIndex::new(snapshot.policies.iter().map(|policy| one(&policy.spec.name)), false),
            source_of,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_found_once_in_any_case_and_those_that_begin_come_first() {
        let entries = [["Anna Berg", "anna.berg"], ["Noah Bergmann", "noah"], ["Berga", "x"], ["Zoë", "zoe"]];
        let index = NameIndex::new(entries.iter().map(|names| names.iter().copied()), true);
        assert_eq!(index.find("berg").collect::<Vec<_>>(), [0, 1, 2]);
        assert_eq!(index.best("berg", 2, |_| true), (3, vec![2, 0]));
        assert_eq!(index.best("berg", 2, |entry| entry == 1), (1, vec![1]));
        assert_eq!(index.matching("ZOË"), [false, false, false, true]);
        assert_eq!(index.matching("nothing"), [false; 4]);
        assert_eq!(index.ranks, [0, 2, 1, 3]);
    }
}
