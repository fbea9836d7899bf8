//! Writes Parquet files, group by group, and hashes them.
//!
//! A table is a sequence of parts. Each part is one Parquet file of plain, declared types (no embedded Arrow
//! schema): ZSTD pages, statistics per page with column and offset index, and the table's order as sorting
//! columns. A part is closed when it has passed [`Settings::part_bytes`] at the end of a row group, or when its
//! encoder closes it.

use std::io::{self, Write};
use std::ops::ControlFlow;
use std::sync::Arc;

use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::{ParquetError, Result as ParquetResult};
use parquet::file::metadata::{KeyValue, SortingColumn};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::writer::SerializedFileWriter;
use sha2::{Digest as _, Sha256};

use crate::schema::{SCHEMA_VERSION, TABLES, Table, parquet_schema};
use crate::{EncodeError, PRODUCT, Progress, ProgressCallback, Settings};

/// Dictionaries may grow this large before a column falls back to plain pages: names and ids repeat.
const DICTIONARY_BYTES: usize = 8 << 20;

/// The ZSTD level of every page.
pub(crate) const ZSTD_LEVEL: i32 = 3;

/// A finished file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// The table it is of.
    pub table: &'static Table,
    /// Its number among the table's parts, from 0.
    pub number: u32,
    /// Rows in it.
    pub rows: u64,
    /// Its size in bytes.
    pub bytes: u64,
    /// SHA-256 of its bytes.
    pub sha256: [u8; 32],
}

impl Part {
    /// Returns its position among the parts of a summary: in the order of [`TABLES`], then by number.
    #[must_use]
    pub fn order(&self) -> (usize, u32) {
        let position = TABLES.iter().position(|table| std::ptr::eq(table, self.table));
        (position.unwrap_or(TABLES.len()), self.number)
    }
}

/// One Parquet file while it is written.
pub(crate) type File<W> = SerializedFileWriter<HashingWriter<W>>;

/// Writes one table as parts, a row group at a time.
pub(crate) struct PartWriter<'a, W: Write + Send, F> {
    table: &'static Table,
    settings: &'a Settings,
    progress: &'a mut ProgressCallback<'a>,
    open: F,
    current: Option<File<W>>,
    /// Rows of the current part.
    part_rows: u64,
    /// Rows of all parts.
    rows: u64,
    /// The number of the first part.
    first: u32,
    parts: Vec<Part>,
}

impl<'a, W, F> PartWriter<'a, W, F>
where
    W: Write + Send,
    F: FnMut(&'static Table, u32) -> io::Result<W>,
{
    /// Begins a table with a part of this number, and reports it.
    pub(crate) fn begin(
        table: &'static Table,
        first: u32,
        settings: &'a Settings,
        progress: &'a mut ProgressCallback<'a>,
        open: F,
    ) -> Result<Self, EncodeError> {
        let mut parts = Self {
            table,
            settings,
            progress,
            open,
            current: None,
            part_rows: 0,
            rows: 0,
            first,
            parts: Vec::new(),
        };
        parts.report()?;
        Ok(parts)
    }

    fn report(&mut self) -> Result<(), EncodeError> {
        match (self.progress)(Progress { table: self.table.name, rows: self.rows }) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(EncodeError::Cancelled),
        }
    }

    pub(crate) fn settings(&self) -> &'a Settings {
        self.settings
    }

    /// Returns the current file, opened when there is none.
    pub(crate) fn file(&mut self) -> Result<&mut File<W>, EncodeError> {
        if self.current.is_none() {
            let (table, part) = (self.table, self.number());
            let writer = (self.open)(table, part).map_err(|source| EncodeError::Write {
                table: table.name,
                part,
                source,
            })?;
            let file = new_file(writer, table, self.settings);
            self.current = Some(self.check(file)?);
        }
        Ok(self.current.as_mut().expect("just opened"))
    }

    /// Adds a row group of so many rows, which `write` appends to the file; closes the part when it is large.
    pub(crate) fn group(
        &mut self,
        rows: usize,
        write: impl FnOnce(&mut File<W>) -> ParquetResult<()>,
    ) -> Result<(), EncodeError> {
        self.append_group(rows, write)?;
        let limit = self.settings.part_bytes;
        let is_large = self.current.as_ref().is_some_and(|file| file.bytes_written() >= limit);
        if is_large { self.close_part() } else { Ok(()) }
    }

    /// Adds a row group of so many rows, which `write` appends to the file.
    pub(crate) fn append_group(
        &mut self,
        rows: usize,
        write: impl FnOnce(&mut File<W>) -> ParquetResult<()>,
    ) -> Result<(), EncodeError> {
        let result = write(self.file()?);
        self.check(result)?;
        self.part_rows += rows as u64;
        self.rows += rows as u64;
        self.report()
    }

    /// Returns the parts; a table without rows has one part without rows.
    pub(crate) fn finish(mut self) -> Result<Vec<Part>, EncodeError> {
        if self.parts.is_empty() {
            self.file()?;
        }
        self.close_part()?;
        Ok(self.parts)
    }

    pub(crate) fn check<T>(&self, result: ParquetResult<T>) -> Result<T, EncodeError> {
        result.map_err(|source| EncodeError::from_parquet(self.table.name, self.number(), source))
    }

    fn number(&self) -> u32 {
        let written = u32::try_from(self.parts.len()).expect("a table has fewer than 2^32 parts");
        self.first + written
    }

    /// Closes the current part, if there is one.
    pub(crate) fn close_part(&mut self) -> Result<(), EncodeError> {
        let Some(file) = self.current.take() else { return Ok(()) };
        let hashing = self.check(close(file))?;
        self.parts.push(Part {
            table: self.table,
            number: self.number(),
            rows: std::mem::take(&mut self.part_rows),
            bytes: hashing.bytes,
            sha256: hashing.digest.finalize().into(),
        });
        Ok(())
    }
}

fn new_file<W: Write + Send>(writer: W, table: &Table, settings: &Settings) -> ParquetResult<File<W>> {
    let schema = parquet_schema(table)?;
    let properties = Arc::new(properties(table, settings)?);
    SerializedFileWriter::new(HashingWriter::new(writer), schema.root_schema_ptr(), properties)
}

fn close<W: Write + Send>(file: File<W>) -> ParquetResult<HashingWriter<W>> {
    let mut hashing = file.into_inner()?;
    hashing.inner.flush()?;
    Ok(hashing)
}

fn properties(table: &Table, settings: &Settings) -> ParquetResult<WriterProperties> {
    let sorting = table.sorted_by.iter().map(|name| {
        let position = table.position(name).and_then(|position| i32::try_from(position).ok());
        let column_idx = position.ok_or_else(|| ParquetError::General(format!("no field {name}")))?;
        Ok(SortingColumn { column_idx, descending: false, nulls_first: true })
    });
    let sorting = sorting.collect::<ParquetResult<Vec<_>>>()?;
    let about = |key: &str, value: &str| KeyValue::new(key.to_owned(), value.to_owned());
    Ok(WriterProperties::builder()
        .set_created_by(format!("{PRODUCT} version {}", settings.product_version))
        .set_key_value_metadata(Some(vec![
            about("domesday.table", table.name),
            about("domesday.schema_version", SCHEMA_VERSION),
        ]))
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(ZSTD_LEVEL)?))
        .set_dictionary_page_size_limit(DICTIONARY_BYTES)
        .set_statistics_enabled(EnabledStatistics::Page)
        .set_sorting_columns((!sorting.is_empty()).then_some(sorting))
        .build())
}

/// A writer that counts and hashes the bytes.
pub(crate) struct HashingWriter<W> {
    inner: W,
    digest: Sha256,
    bytes: u64,
}

impl<W> HashingWriter<W> {
    fn new(inner: W) -> Self {
        Self { inner, digest: Sha256::new(), bytes: 0 }
    }
}

impl<W: Write> Write for HashingWriter<W> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(buffer)?;
        self.digest.update(&buffer[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
