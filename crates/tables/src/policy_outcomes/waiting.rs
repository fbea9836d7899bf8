//! Results that are needed again later, within a budget of memory.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;

/// Values by the position at which they are needed next. The whole sequence of needs is known beforehand, so
/// when memory runs short the value needed last goes first, which no other choice betters.
pub(super) struct Waiting<T> {
    /// For each position, the next one of the same key.
    next: Vec<Option<usize>>,
    values: BTreeMap<usize, (T, usize)>,
    bytes: usize,
    limit: usize,
}

impl<T> Waiting<T> {
    /// For a sequence of keys, the values to take no more than `limit` bytes.
    pub(super) fn of<K: Hash + Eq>(
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

    /// Whether the value of the key at a position was kept, up to now.
    pub(super) fn has(&self, position: usize) -> bool {
        self.values.contains_key(&position)
    }

    /// The value of the key at a position, if it was kept.
    pub(super) fn take(&mut self, position: usize) -> Option<T> {
        let (value, bytes) = self.values.remove(&position)?;
        self.bytes -= bytes;
        Some(value)
    }

    /// Keeps the value of the key at a position for as long as it is needed and there is room.
    pub(super) fn keep(&mut self, position: usize, value: T, bytes: usize) {
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
        let mut waiting = Waiting::of(keys.iter(), limit);
        let mut made = Vec::new();
        for (position, key) in keys.iter().enumerate() {
            let value = waiting.take(position).unwrap_or_else(|| {
                made.push(*key);
                *key
            });
            assert_eq!(value, *key);
            waiting.keep(position, value, 1);
        }
        assert_eq!(waiting.bytes, 0);
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
