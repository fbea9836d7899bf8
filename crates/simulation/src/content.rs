//! What the objects of a summary contain, as far as a reader selects by it.

use std::fmt;

use domesday_model::Instant;
use domesday_tables::Manifest;
use parquet::file::metadata::ParquetMetaData;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::file::statistics::Statistics;
use parquet::record::Field;

/// The content of an object.
#[derive(Debug, Clone)]
pub(crate) enum Content {
    /// A part of a table.
    Part {
        rows: i64,
        /// The only `export_date` of its rows; none without rows.
        date: Option<i64>,
    },
    /// The row that names the current snapshot.
    Snapshot(Named),
    /// A manifest.
    Manifest(Box<Manifest>),
    /// Scripts for engines, probes.
    Other,
}

/// What the `snapshot` row names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Named {
    pub(crate) layout: String,
    pub(crate) slot: Option<String>,
    pub(crate) date: i64,
}

impl Content {
    /// Reads an object.
    ///
    /// # Errors
    /// When it is not what its key states.
    pub(crate) fn read(key: &str, body: &[u8]) -> Result<Self, String> {
        if key.ends_with(".json") {
            let manifest = serde_json::from_slice(body).map_err(|error| error.to_string())?;
            return Ok(Self::Manifest(Box::new(manifest)));
        }
        if !key.ends_with(".parquet") {
            return Ok(Self::Other);
        }
        let reader = SerializedFileReader::new(owned(body)).map_err(|error| error.to_string())?;
        if key == "v1/snapshot/part-00000.parquet" {
            return Ok(Self::Snapshot(snapshot(&reader)?));
        }
        let rows = reader.metadata().file_metadata().num_rows();
        Ok(Self::Part { rows, date: export_date(reader.metadata())? })
    }
}

impl fmt::Display for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Part { rows, date } => {
                let date = date.map_or_else(|| "-".to_owned(), |date| Instant::from_micros(date).to_string());
                write!(f, "{rows} rows of {date}")
            }
            Self::Snapshot(named) => {
                let (slot, date) = (named.slot.as_deref().unwrap_or("-"), Instant::from_micros(named.date));
                write!(f, "names {} slot {slot} of {date}", named.layout)
            }
            Self::Manifest(manifest) => write!(f, "manifest of {}", manifest.snapshot.instant),
            Self::Other => f.write_str("other"),
        }
    }
}

fn owned(body: &[u8]) -> bytes::Bytes {
    body.to_vec().into()
}

/// The one `export_date` of a part, from the statistics of its row groups.
fn export_date(metadata: &ParquetMetaData) -> Result<Option<i64>, String> {
    let mut found: Option<i64> = None;
    for group in metadata.row_groups() {
        let column = group.columns().iter().find(|column| column.column_path().string() == "export_date");
        let column = column.ok_or("it has no `export_date`")?;
        let Some(Statistics::Int64(statistics)) = column.statistics() else {
            return Err("`export_date` has no statistics".to_owned());
        };
        let (Some(min), Some(max)) = (statistics.min_opt(), statistics.max_opt()) else { continue };
        if min != max || found.is_some_and(|found| found != *min) {
            return Err("it has rows of two instants".to_owned());
        }
        found = Some(*min);
    }
    Ok(found)
}

fn snapshot(reader: &SerializedFileReader<bytes::Bytes>) -> Result<Named, String> {
    let mut rows = reader.get_row_iter(None).map_err(|error| error.to_string())?;
    let row = rows.next().ok_or("it has no row")?.map_err(|error| error.to_string())?;
    if rows.next().is_some() {
        return Err("it has two rows".to_owned());
    }
    let mut named = Named { layout: String::new(), slot: None, date: i64::MIN };
    for (name, field) in row.get_column_iter() {
        match (name.as_str(), field) {
            ("layout", Field::Str(layout)) => named.layout = layout.clone(),
            ("slot", Field::Str(slot)) => named.slot = Some(slot.clone()),
            ("export_date", Field::TimestampMicros(date)) => named.date = *date,
            _ => {}
        }
    }
    if named.layout.is_empty() || named.date == i64::MIN {
        return Err(format!("it names no layout or instant: {row:?}"));
    }
    Ok(named)
}
