//! Writes an enterprise as a directory of catalog files, and measures reading it.

use std::fs;
use std::path::Path;
use std::time::Instant as Stopwatch;

use domesday_model::{Catalog, Declared, Kind};
use serde::Serialize;
use serde_json::{Value, json};

use crate::phases::{cpu_seconds, peak_bytes};
use crate::stores::Reading;

/// The largest number of objects in one file: about what a generator of catalogs writes.
const OBJECTS_A_FILE: usize = 1_000;

/// The cost of reading a catalog.
#[derive(Debug, Clone, Serialize)]
pub struct CatalogReading {
    /// Files read.
    pub files: usize,
    /// Their bytes.
    pub bytes: u64,
    /// Seconds from files to a validated catalog.
    #[serde(flatten)]
    pub reading: Reading,
}

/// Writes a catalog below a directory as JSON files.
///
/// # Errors
/// When a file cannot be written.
pub fn write(catalog: &Catalog, dir: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(dir)?;
    if let Some(tenant) = &catalog.tenant {
        fs::write(dir.join("tenant.json"), json!({ "tenant": tenant.spec }).to_string())?;
    }
    let put = Put { dir };
    put.kind(Kind::Tag, &catalog.tags)?;
    put.kind(Kind::Group, &catalog.groups)?;
    put.kind(Kind::User, &catalog.users)?;
    put.kind(Kind::Domain, &catalog.domains)?;
    put.kind(Kind::DataSource, &catalog.data_sources)?;
    put.kind(Kind::Policy, &catalog.policies)?;
    put.kind(Kind::DataPolicy, &catalog.data_policies)?;
    put.kind(Kind::Agreement, &catalog.agreements)?;
    put.kind(Kind::RequestForm, &catalog.request_forms)?;
    put.kind(Kind::DataProduct, &catalog.data_products)?;
    put.kind(Kind::Request, &catalog.requests)
}

struct Put<'a> {
    dir: &'a Path,
}

impl Put<'_> {
    fn kind<T: Serialize>(&self, kind: Kind, objects: &[Declared<T>]) -> anyhow::Result<()> {
        for (part, objects) in objects.chunks(OBJECTS_A_FILE).enumerate() {
            let list = objects.iter().map(|object| Ok(without_nulls(serde_json::to_value(&object.spec)?)));
            let list = list.collect::<serde_json::Result<Vec<Value>>>()?;
            let file = self.dir.join(format!("{}-{part:04}.json", kind.key()));
            fs::write(file, serde_json::to_string_pretty(&json!({ kind.key(): list }))?)?;
        }
        Ok(())
    }
}

/// Removes a key whose value is null: the catalog format omits it.
fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(fields) => fields
            .into_iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(key, value)| (key, without_nulls(value)))
            .collect(),
        Value::Array(items) => items.into_iter().map(without_nulls).collect(),
        plain => plain,
    }
}

/// Reads and validates a directory with the function that the commands use.
///
/// # Errors
/// When the catalog cannot be read or has an error.
pub fn read(dir: &Path) -> anyhow::Result<CatalogReading> {
    let mut bytes = 0;
    for entry in fs::read_dir(dir)? {
        bytes += entry?.metadata()?.len();
    }
    let (clock, cpu) = (Stopwatch::now(), cpu_seconds());
    let loaded = domesday_sources::load(dir)?;
    let seconds = clock.elapsed().as_secs_f64();
    let cpu_seconds = cpu_seconds() - cpu;
    let catalog = &loaded.catalog;
    let of_user = |user: &Declared<domesday_model::User>| {
        user.groups.len() + user.attributes.values().map(|values| values.len()).sum::<usize>()
    };
    let reading = Reading {
        users: catalog.users.len(),
        entitlements: catalog.users.iter().map(of_user).sum(),
        data_sources: catalog.data_sources.len(),
        columns: catalog.data_sources.iter().map(|source| source.columns.len()).sum(),
        seconds,
        cpu_seconds,
        peak_bytes: peak_bytes(),
    };
    Ok(CatalogReading { files: loaded.files, bytes, reading })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::enterprise::{Size, enterprise};

    #[test]
    fn what_is_written_is_read_again() {
        let dir = tempfile::tempdir().unwrap();
        let catalog = enterprise(Size::S);
        write(&catalog, dir.path()).unwrap();
        let read = domesday_sources::load(dir.path()).unwrap().catalog;
        let specs = |catalog: &Catalog| -> Vec<String> {
            let mut users: Vec<_> = catalog.users.iter().map(|user| format!("{:?}", user.spec)).collect();
            users.extend(catalog.data_sources.iter().map(|source| format!("{:?}", source.spec)));
            users.extend(catalog.policies.iter().map(|policy| format!("{:?}", policy.spec)));
            users.extend(catalog.requests.iter().map(|request| format!("{:?}", request.spec)));
            users
        };
        assert_eq!(specs(&read), specs(&catalog));
    }
}
