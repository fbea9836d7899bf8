//! Small worlds for the tests: a catalog in JSON, its files in memory, their rows as JSON.

#![allow(dead_code, reason = "each test file uses its own part")]
#![allow(clippy::unwrap_used, reason = "a test that cannot prepare its world has failed")]

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex};

use domesday_engine::evaluate;
use domesday_model::{Catalog, Declared, Instant, Snapshot};
use domesday_tables::{Encoded, Settings, Table, encode};
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use parquet::file::statistics::Statistics;
use parquet::record::Field;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// The world that most tests look at.
pub(crate) const ACME: &str = include_str!("../data/acme.json");

/// Its instant.
pub(crate) const AT: &str = "2026-06-01T00:00:00Z";

/// A row, field to value, in the order of the file.
pub(crate) type Row = Map<String, Value>;

pub(crate) fn snapshot(catalog: &str) -> Arc<Snapshot> {
    let mut catalog: Value = serde_json::from_str(catalog).unwrap();
    let catalog = Catalog {
        tenant: catalog.get("tenant").map(declared),
        tags: list(&mut catalog, "tags"),
        groups: list(&mut catalog, "groups"),
        users: list(&mut catalog, "users"),
        domains: list(&mut catalog, "domains"),
        data_sources: list(&mut catalog, "dataSources"),
        policies: list(&mut catalog, "policies"),
        data_policies: list(&mut catalog, "dataPolicies"),
        agreements: list(&mut catalog, "agreements"),
        request_forms: list(&mut catalog, "requestForms"),
        data_products: list(&mut catalog, "dataProducts"),
        requests: list(&mut catalog, "requests"),
        connections: list(&mut catalog, "connections"),
    };
    Arc::new(Snapshot::of_catalog(&catalog, AT.parse().unwrap()).unwrap())
}

fn list<T: DeserializeOwned>(catalog: &mut Value, key: &str) -> Vec<Declared<T>> {
    let items = catalog.get_mut(key).map(Value::take).unwrap_or_default();
    items.as_array().into_iter().flatten().map(declared).collect()
}

fn declared<T: DeserializeOwned>(spec: &Value) -> Declared<T> {
    let spec = T::deserialize(spec).unwrap_or_else(|error| panic!("{error} in {spec}"));
    Declared::new(spec, "acme.json")
}

/// Files by table and part.
pub(crate) type Files = BTreeMap<(&'static str, u32), Vec<u8>>;

/// A file in memory.
pub(crate) struct Buffer(Arc<Mutex<Files>>, (&'static str, u32));

impl Buffer {
    pub(crate) fn new(files: Arc<Mutex<Files>>, file: (&'static str, u32)) -> Self {
        Self(files, file)
    }
}

impl Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().entry(self.1).or_default().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

pub(crate) fn settings() -> Settings {
    Settings { link_base: "https://domesday.example".into(), ..Settings::default() }
}

pub(crate) fn encoded(snapshot: &Arc<Snapshot>, settings: &Settings) -> (Encoded, Files) {
    let files = Arc::new(Mutex::new(Files::new()));
    let open = |table: &'static Table, part| Ok(Buffer::new(Arc::clone(&files), (table.name, part)));
    let encoded =
        encode(&evaluate(Arc::clone(snapshot)), &[], settings, &mut |_| ControlFlow::Continue(()), open)
            .unwrap();
    let files = std::mem::take(&mut *files.lock().unwrap());
    (encoded, files)
}

/// The rows of a file, read by the Parquet library.
pub(crate) fn rows(bytes: &[u8]) -> Vec<Row> {
    let reader = open(bytes);
    let rows = reader.get_row_iter(None).unwrap();
    rows.map(|row| row.unwrap().get_column_iter().map(|(name, field)| (name.clone(), value(field))).collect())
        .collect()
}

/// The rows of one row group of a file.
pub(crate) fn group_rows(bytes: &[u8], group: usize) -> Vec<Row> {
    let reader = open(bytes);
    let group = reader.get_row_group(group).unwrap();
    let rows = group.get_row_iter(None).unwrap().map(|row| row.unwrap());
    rows.map(|row| row.get_column_iter().map(|(name, field)| (name.clone(), value(field))).collect())
        .collect()
}

/// A value as statistics order it: numbers and instants before all texts.
pub(crate) type Sortable = (i64, Vec<u8>);

pub(crate) fn sortable(value: &Value) -> Sortable {
    match value {
        Value::Number(number) => (number.as_i64().unwrap(), Vec::new()),
        Value::Bool(value) => (i64::from(*value), Vec::new()),
        Value::String(text) => match text.parse::<Instant>() {
            Ok(instant) => (instant.as_micros(), Vec::new()),
            Err(_) => (i64::MAX, text.as_bytes().to_vec()),
        },
        other => panic!("{other}"),
    }
}

/// The least and greatest value that statistics state.
pub(crate) fn bounds(statistics: &Statistics) -> Option<(Sortable, Sortable)> {
    match statistics {
        Statistics::Int64(values) => {
            Some(((*values.min_opt()?, Vec::new()), (*values.max_opt()?, Vec::new())))
        }
        Statistics::Boolean(values) => {
            let number = |value: &bool| (i64::from(*value), Vec::new());
            Some((number(values.min_opt()?), number(values.max_opt()?)))
        }
        Statistics::ByteArray(values) => {
            let text = |text: &parquet::data_type::ByteArray| (i64::MAX, text.data().to_vec());
            Some((text(values.min_opt()?), text(values.max_opt()?)))
        }
        other => panic!("no column has {other:?}"),
    }
}

pub(crate) fn open(bytes: &[u8]) -> SerializedFileReader<std::fs::File> {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    SerializedFileReader::new(file).unwrap()
}

fn value(field: &Field) -> Value {
    match field {
        Field::Null => Value::Null,
        Field::Bool(value) => (*value).into(),
        Field::Long(value) => (*value).into(),
        Field::Str(value) => value.as_str().into(),
        Field::TimestampMicros(micros) => Instant::from_micros(*micros).to_string().into(),
        other => panic!("no table holds {other:?}"),
    }
}

/// The rows of one table of a world, all parts in order.
pub(crate) fn table(files: &Files, table: &str) -> Vec<Row> {
    files.iter().filter(|((name, _), _)| *name == table).flat_map(|(_, bytes)| rows(bytes)).collect()
}

/// The rows with only these fields, as JSON arrays one a line: what a test compares.
pub(crate) fn columns(rows: &[Row], fields: &[&str]) -> Vec<String> {
    let of = |row: &Row| fields.iter().map(|field| row[*field].clone()).collect::<Vec<_>>();
    rows.iter().map(|row| Value::from(of(row)).to_string()).collect()
}
