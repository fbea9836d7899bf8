//! Finds dependencies that no source of their crate uses.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::Failure;
use crate::paths::root;

/// Fails when a crate declares a dependency that its sources never name, or the workspace one that no crate declares.
pub(crate) fn check_used() -> Result<(), Failure> {
    let mut manifests = vec![root().join("bench"), root().join("xtask")];
    manifests.extend(entries(&root().join("crates"))?);
    let (mut unused, mut declared) = (Vec::new(), BTreeSet::new());
    for folder in manifests {
        let manifest = read(&folder.join("Cargo.toml"))?;
        let mut sources = String::new();
        add_sources(&folder, &mut sources)?;
        for name in dependencies(&manifest, |section| section != "[workspace.dependencies]") {
            if !names_crate(&sources, &name.replace('-', "_")) {
                unused.push(format!("{}: `{name}`", folder.display()));
            }
            declared.insert(name.to_owned());
        }
    }
    let workspace = read(&root().join("Cargo.toml"))?;
    let shared = dependencies(&workspace, |section| section == "[workspace.dependencies]");
    unused.extend(
        shared.filter(|name| !declared.contains(*name)).map(|name| format!("the workspace: `{name}`")),
    );
    if unused.is_empty() {
        return Ok(());
    }
    Err(format!("these dependencies are not used; remove them:\n  {}", unused.join("\n  ")))
}

/// Returns the names in those sections of a manifest that declare dependencies and that `is_wanted` selects.
fn dependencies(manifest: &str, is_wanted: impl Fn(&str) -> bool) -> impl Iterator<Item = &str> {
    let mut is_inside = false;
    manifest.lines().filter_map(move |line| {
        if line.starts_with('[') {
            is_inside = line.ends_with("dependencies]") && is_wanted(line);
            return None;
        }
        let name = line.split(['.', ' ', '=']).next().unwrap_or_default();
        (is_inside && line.contains('=') && !line.starts_with(['#', ' ']) && !name.is_empty()).then_some(name)
    })
}

/// Whether sources name a crate, as in `name::item`, `use name;` or `extern crate name`.
fn names_crate(sources: &str, name: &str) -> bool {
    sources.match_indices(name).any(|(at, _)| {
        let before = sources[..at].chars().next_back();
        let after = &sources[at + name.len()..];
        let begins = before.is_none_or(|c| !c.is_alphanumeric() && !matches!(c, '_' | ':' | '"'));
        begins && (after.starts_with("::") || after.starts_with(';') || after.starts_with(" as "))
    })
}

/// Adds every Rust source below a folder, without comments.
fn add_sources(folder: &Path, sources: &mut String) -> Result<(), Failure> {
    for path in entries(folder)? {
        if path.is_dir() {
            add_sources(&path, sources)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            for line in read(&path)?.lines().filter(|line| !line.trim_start().starts_with("// ")) {
                sources.push_str(line);
                sources.push('\n');
                // A module of another crate, such as the oracle of the engine's tests.
                let module =
                    line.trim_start().strip_prefix("#[path = \"").and_then(|line| line.split('"').next());
                if let Some(other) =
                    module.and_then(|module| folder.join(module).parent().map(Path::to_owned))
                {
                    add_sources(&other, sources)?;
                }
            }
        }
    }
    Ok(())
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let failed = |error: std::io::Error| format!("cannot read {}: {error}", folder.display());
    let entries = std::fs::read_dir(folder).map_err(failed)?;
    entries.map(|entry| Ok(entry.map_err(failed)?.path())).collect()
}

fn read(path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path).map_err(|error| format!("cannot read {}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(manifest: &str, sources: &str, expect: &[&str]) {
        let unused =
            dependencies(manifest, |_| true).filter(|name| !names_crate(sources, &name.replace('-', "_")));
        assert_eq!(unused.collect::<Vec<_>>(), expect);
    }

    #[test]
    fn unused_dependencies_are_found() {
        check("[dependencies]\nserde = \"1\"\n", "use serde::Serialize;", &[]);
        check("[dependencies]\nserde-json.workspace = true\n", "serde_json::to_string(&x)", &[]);
        check("[dependencies]\nserde = \"1\"\n", "use serde_json::Value;", &["serde"]);
        check("[dependencies]\njson = \"1\"\n", "crate::json::x(); my_json::x()", &["json"]);
        check("[dev-dependencies]\n# a = 1\nb.workspace = true\n", "", &["b"]);
        check("[target.'cfg(unix)'.dependencies]\nrustix = { version = \"1\" }\n", "", &["rustix"]);
        check("[package]\nname = \"a\"\n[features]\nx = []\n", "", &[]);
    }
}
