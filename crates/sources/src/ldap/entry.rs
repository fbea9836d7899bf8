//! An entry of a directory with the attributes that were asked for.

use super::message::{RawAttribute, RawEntry};
use super::settings::Attribute;

/// An entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) dn: String,
    /// Names in lower case, with values in no order.
    attributes: Vec<(String, Vec<Vec<u8>>)>,
    /// Attributes of which only the first values are here, each with the number of the next.
    open_ranges: Vec<(String, u64)>,
    /// An attribute with a value that is too long to be kept.
    pub(super) oversized: Option<String>,
}

impl Entry {
    /// Keeps the attributes that were asked for, and of those the values that are not too long.
    pub(super) fn new(raw: RawEntry, requested: &[String], value_bytes: usize) -> Self {
        let RawEntry { mut dn, attributes } = raw;
        let mut oversized = None;
        if dn.len() > value_bytes {
            dn.truncate(dn.floor_char_boundary(value_bytes));
            oversized = Some("the distinguished name".to_owned());
        }
        let mut entry = Self { dn, attributes: Vec::new(), open_ranges: Vec::new(), oversized };
        for RawAttribute { name, mut values } in attributes {
            let name = name.to_lowercase();
            // A type that is asked for comes with its subtypes: `cn;lang-de` for `cn`.
            let has_options = name.contains(';');
            let range = split_range(&name);
            let is_requested = requested.iter().any(|requested| requested.eq_ignore_ascii_case(&name));
            if has_options && range.is_none() && !is_requested {
                continue;
            }
            if values.iter().any(|value| value.len() > value_bytes) {
                entry.oversized.get_or_insert_with(|| name.clone());
                values.retain(|value| value.len() <= value_bytes);
            }
            match range {
                Some((attribute, next)) => {
                    if let Some(next) = next {
                        entry.open_ranges.push((attribute.to_owned(), next));
                    }
                    entry.attributes.push((attribute.to_owned(), values));
                }
                None => entry.attributes.push((name, values)),
            }
        }
        // Beside a range, Active Directory sends the attribute without a value.
        entry.attributes.retain(|(_, values)| !values.is_empty());
        entry
    }

    /// Returns how many bytes the entry occupies, roughly.
    pub(super) fn bytes(&self) -> u64 {
        let values = self.attributes.iter().flat_map(|(_, values)| values);
        let bytes: usize = values.map(|value| value.len() + 24).sum();
        (bytes + self.dn.len() + 100) as u64
    }

    /// Returns the values of an attribute.
    pub(super) fn values(&self, attribute: &Attribute) -> impl Iterator<Item = &[u8]> {
        let is_same = |name: &String| attribute.aliases.contains(name);
        let lists = self.attributes.iter().filter(move |(name, _)| is_same(name));
        lists.flat_map(|(_, values)| values.iter().map(Vec::as_slice))
    }

    /// Returns the values of an attribute by its name in lower case.
    pub(super) fn values_of(&self, name: &str) -> impl Iterator<Item = &[u8]> {
        let lists = self.attributes.iter().filter(move |(known, _)| known == name);
        lists.flat_map(|(_, values)| values.iter().map(Vec::as_slice))
    }

    /// Returns an attribute with more values than were sent, and the number of the next value.
    pub(super) fn open_range(&self) -> Option<(String, u64)> {
        self.open_ranges.last().cloned()
    }

    /// Appends further values of an attribute; false when they are not the ones that come next.
    pub(super) fn append_range(&mut self, attribute: &str, next: u64, more: Self) -> bool {
        let Self { attributes, open_ranges, oversized, .. } = more;
        let open_range = open_ranges.into_iter().next();
        let added: Vec<_> = attributes
            .into_iter()
            .filter(|(name, _)| name == attribute)
            .flat_map(|(_, values)| values)
            .collect();
        let is_progress = !added.is_empty()
            && open_range.as_ref().is_none_or(|(name, after)| name == attribute && *after > next);
        if !is_progress {
            return false;
        }
        if let Some((_, values)) = self.attributes.iter_mut().find(|(name, _)| name == attribute) {
            values.extend(added);
        }
        self.open_ranges.retain(|(name, _)| name != attribute);
        self.open_ranges.extend(open_range);
        self.oversized = self.oversized.take().or(oversized);
        true
    }
}

/// Splits `member;range=0-1499` into the attribute and the number of the next value; `None` as the number when there is
/// none: `member;range=1500-*`.
fn split_range(name: &str) -> Option<(&str, Option<u64>)> {
    let (attribute, range) = name.split_once(";range=")?;
    let (_, last) = range.split_once('-')?;
    let next = if last == "*" { None } else { Some(last.parse::<u64>().ok()?.checked_add(1)?) };
    Some((attribute, next))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(attributes: &[(&str, &[&str])]) -> RawEntry {
        let attributes = attributes.iter().map(|(name, values)| RawAttribute {
            name: (*name).to_owned(),
            values: values.iter().map(|value| value.as_bytes().to_vec()).collect(),
        });
        RawEntry { dn: "cn=all,dc=x".to_owned(), attributes: attributes.collect() }
    }

    #[test]
    fn ranges_are_joined_in_order() {
        let requested = ["member".to_owned()];
        let mut entry =
            Entry::new(raw(&[("member", &[]), ("member;range=0-1", &["a", "b"])]), &requested, 100);
        assert_eq!(entry.open_range(), Some(("member".to_owned(), 2)));
        let next = Entry::new(raw(&[("member;Range=2-3", &["c", "d"])]), &requested, 100);
        assert!(entry.append_range("member", 2, next));
        assert_eq!(entry.open_range(), Some(("member".to_owned(), 4)));
        // The same range again would never end.
        let same = Entry::new(raw(&[("member;range=2-3", &["c", "d"])]), &requested, 100);
        assert!(!entry.clone().append_range("member", 4, same));
        assert!(!entry.clone().append_range("member", 4, Entry::new(raw(&[]), &requested, 100)));
        let last = Entry::new(raw(&[("member;range=4-*", &["e"])]), &requested, 100);
        assert!(entry.append_range("member", 4, last));
        assert_eq!(entry.open_range(), None);
        let values: Vec<&[u8]> = entry.values_of("member").collect();
        assert_eq!(values, [b"a", b"b", b"c", b"d", b"e"]);
    }

    #[test]
    fn subtypes_and_values_that_are_too_long_are_left_out() {
        let attributes = raw(&[("CN", &["Ada"]), ("cn;lang-de", &["Ada!"]), ("mail", &["0123456789ab"])]);
        let entry = Entry::new(attributes.clone(), &["cn".to_owned(), "mail".to_owned()], 11);
        assert_eq!(entry.values_of("cn").collect::<Vec<_>>(), [b"Ada"]);
        assert_eq!(entry.oversized.as_deref(), Some("mail"));
        let entry = Entry::new(attributes, &["cn;LANG-de".to_owned()], 11);
        assert_eq!(entry.values_of("cn;lang-de").collect::<Vec<_>>(), [b"Ada!"]);
    }
}
