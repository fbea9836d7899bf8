//! The directories that the steps use.

use std::path::{Path, PathBuf};

/// Returns the cache directory, for build products and tools that outlive a checkout: `DOMESDAY_CACHE`, or a directory
/// in the user's cache.
pub(crate) fn cache_dir() -> PathBuf {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    variable("DOMESDAY_CACHE")
        .or_else(|| variable("XDG_CACHE_HOME").map(|cache| cache.join("domesday")))
        .or_else(|| variable("HOME").map(|home| home.join(".cache/domesday")))
        .unwrap_or_else(|| root().join("target/cache"))
}

/// Returns the root of the checkout.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask is a folder of the workspace")
}

/// Returns the directory of build products: `CARGO_TARGET_DIR`, or `target` in the checkout.
pub(crate) fn target_dir() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |path| root().join(path))
}
