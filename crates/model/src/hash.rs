//! Maps with a hash function that is quick on short keys.

use std::collections::{HashMap, HashSet};

/// A map by names and indices of one catalog. Seeded anew in each process, but made for speed: not for keys that
/// somebody outside could choose by the million.
pub type FastMap<K, V> = HashMap<K, V, foldhash::fast::RandomState>;

/// The set to [`FastMap`].
pub type FastSet<K> = HashSet<K, foldhash::fast::RandomState>;
