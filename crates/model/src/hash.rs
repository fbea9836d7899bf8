//! Maps with a hash function that is fast for short keys.

use std::collections::{HashMap, HashSet};

/// A map by names and indices of one catalog. Seeded in each process, but not resistant to attacks: not for keys that
/// a client can choose by the million.
pub type FastMap<K, V> = HashMap<K, V, foldhash::fast::RandomState>;

/// A set with the hash function of [`FastMap`].
pub type FastSet<K> = HashSet<K, foldhash::fast::RandomState>;
