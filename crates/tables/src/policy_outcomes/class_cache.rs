//! A cache of classes within a memory limit.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;

/// Caches values by the position at which they are needed next. The whole sequence of needs is known beforehand, so
/// the value needed last is evicted first: Belady's optimal eviction.
pub(super) struct ClassCache<T> {
    /// For each position, the next one of the same key.
    next: Vec<Option<usize>>,
    values: BTreeMap<usize, (T, usize)>,
    bytes: usize,
    limit: usize,
}

impl<T> ClassCache<T> {
    /// Creates a cache for a sequence of keys, whose values take no more than `limit` bytes.
    pub(super) fn new<K: Hash + Eq>(
        keys: impl DoubleEndedIterator<Item = K> + ExactSizeIterator,
        limit: usize,
    ) -> Self {
        let mut next = vec![None; keys.len()];
        let mut later: HashMap<K, usize> = HashMap::new();
        for (position, key) in keys.enumerate().rev() {
            next[position] = later.insert(key, position);
        }
        Self { next, values: BTreeMap::new(), bytes: 0, limit }
    }

    /// Whether the value of the key at a position is cached.
    pub(super) fn contains(&self, position: usize) -> bool {
        self.values.contains_key(&position)
    }

    /// Removes and returns the value of the key at a position, if it is cached.
    pub(super) fn take(&mut self, position: usize) -> Option<T> {
        let (value, bytes) = self.values.remove(&position)?;
        self.bytes -= bytes;
        Some(value)
    }

    /// Inserts the value of the key at a position, if it is needed again, and evicts values beyond the limit.
    pub(super) fn insert(&mut self, position: usize, value: T, bytes: usize) {
        let Some(next) = self.next[position] else { return };
        self.values.insert(next, (value, bytes));
        self.bytes += bytes;
        while self.bytes > self.limit {
            let Some((_, (_, bytes))) = self.values.pop_last() else { break };
            self.bytes -= bytes;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How often values are made for a sequence of keys, each taking one byte.
    fn made(keys: &str, limit: usize) -> Vec<char> {
        let keys: Vec<char> = keys.chars().collect();
        let mut cache = ClassCache::new(keys.iter(), limit);
        let mut made = Vec::new();
        for (position, key) in keys.iter().enumerate() {
            let value = cache.take(position).unwrap_or_else(|| {
                made.push(*key);
                *key
            });
            assert_eq!(value, *key);
            cache.insert(position, value, 1);
        }
        assert_eq!(cache.bytes, 0);
        made
    }

    #[test]
    fn with_room_every_value_is_made_once() {
        assert_eq!(made("abcabca", 3), ['a', 'b', 'c']);
        assert_eq!(made("aaaa", 1), ['a']);
        assert_eq!(made("", 1), []);
    }

    #[test]
    fn without_room_the_value_needed_last_is_made_again() {
        assert_eq!(made("abccab", 2), ['a', 'b', 'c', 'b']);
        assert_eq!(made("aba", 0), ['a', 'b', 'a']);
    }
}
