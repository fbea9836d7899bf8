//! Every input of the corpus, on every run of the tests and without any fuzzing engine.

use std::fs;
use std::path::Path;

/// Puts each file of a corpus to its function; says how many there were.
fn replay(target: &str, check: fn(&[u8])) -> usize {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
    let mut paths: Vec<_> =
        fs::read_dir(dir).expect("the corpus is there").map(|entry| entry.expect("a file").path()).collect();
    paths.sort();
    let broken: Vec<_> = paths
        .iter()
        .filter(|path| {
            let data = fs::read(path).expect("a readable file");
            std::panic::catch_unwind(|| check(&data)).is_err()
        })
        .collect();
    assert!(broken.is_empty(), "a promise is broken, as told above, by {broken:?}");
    paths.len()
}

#[test]
fn conditions() {
    assert!(replay("condition", domesday_fuzz::condition) >= 30);
}

#[test]
fn catalogs() {
    assert!(replay("catalog", domesday_fuzz::catalog) >= 20);
}

#[test]
fn outcomes() {
    assert!(replay("outcomes", domesday_fuzz::outcomes) >= 20);
}
