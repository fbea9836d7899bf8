//! Parquet files, written group by group, hashed on the way out.
//!
//! A table is a row of parts. Each part is one Parquet file of plain, declared types (no embedded Arrow
//! schema): row groups of up to [`Settings::row_group_rows`] rows, ZSTD pages, statistics per page with column
//! and offset index, and the table's order as sorting columns. A part is closed when it has passed
//! [`Settings::part_bytes`] at the end of a row group. Columns of a batch are encoded side by side on the
//! threads there are; what is written does not depend on how many.

use std::io::{self, Write};
use std::sync::Arc;

use arrow_array::ArrayRef;
use arrow_schema::SchemaRef;
use parquet::arrow::arrow_writer::{
    ArrowColumnChunk, ArrowColumnWriter, ArrowRowGroupWriterFactory, compute_leaves,
};
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::{ParquetError, Result as ParquetResult};
use parquet::file::metadata::{KeyValue, SortingColumn};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::writer::SerializedFileWriter;
use rayon::prelude::*;
use sha2::{Digest as _, Sha256};

use crate::schema::{SCHEMA_VERSION, Table, parquet_schema};
use crate::{EncodeError, PRODUCT, Progress, Settings};

/// Dictionaries may grow this large before a column falls back to plain pages: names and ids of a hundred
/// thousand users repeat in every data source's rows.
const DICTIONARY_BYTES: usize = 8 << 20;

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

/// Writes one table as parts.
pub(crate) struct TableWriter<'a, W: Write + Send, F> {
    table: &'static Table,
    /// The types in which batches come; what is written are the declared ones.
    batches: SchemaRef,
    settings: &'a Settings,
    progress: &'a mut dyn FnMut(Progress),
    open: F,
    current: Option<File<W>>,
    rows: u64,
    parts: Vec<Part>,
}

impl<'a, W, F> TableWriter<'a, W, F>
where
    W: Write + Send,
    F: FnMut(&'static Table, u32) -> io::Result<W>,
{
    pub(crate) fn new(
        table: &'static Table,
        batches: SchemaRef,
        settings: &'a Settings,
        progress: &'a mut dyn FnMut(Progress),
        open: F,
    ) -> Self {
        progress(Progress { table: table.name, rows: 0 });
        Self { table, batches, settings, progress, open, current: None, rows: 0, parts: Vec::new() }
    }

    /// Adds a batch: one array per field, of the schema given, no longer than a row group.
    pub(crate) fn write(&mut self, columns: &[ArrayRef]) -> Result<(), EncodeError> {
        let rows = columns.first().map_or(0, |column| column.len());
        if rows == 0 {
            return Ok(());
        }
        if self.current.as_ref().is_some_and(|file| file.group_rows + rows > self.settings.row_group_rows) {
            self.close_group()?;
        }
        let limit = self.settings.part_bytes;
        let file = self.file()?;
        let result = file.write(columns);
        let is_large = file.group_bytes() >= limit;
        self.check(result)?;
        if is_large {
            self.close_group()?;
        }
        self.rows += rows as u64;
        (self.progress)(Progress { table: self.table.name, rows: self.rows });
        Ok(())
    }

    /// The parts; a table without rows has one part without rows.
    pub(crate) fn finish(mut self) -> Result<Vec<Part>, EncodeError> {
        if self.parts.is_empty() {
            self.file()?;
        }
        self.close_part()?;
        Ok(self.parts)
    }

    fn number(&self) -> u32 {
        u32::try_from(self.parts.len()).expect("a table has fewer than 2^32 parts")
    }

    fn check<T>(&self, result: ParquetResult<T>) -> Result<T, EncodeError> {
        result.map_err(|source| EncodeError::of_parquet(self.table.name, self.number(), source))
    }

    fn file(&mut self) -> Result<&mut File<W>, EncodeError> {
        if self.current.is_none() {
            let (table, part) = (self.table, self.number());
            let writer = (self.open)(table, part).map_err(|source| EncodeError::Write {
                table: table.name,
                part,
                source,
            })?;
            let file = File::new(writer, table, &self.batches, self.settings);
            self.current = Some(self.check(file)?);
        }
        Ok(self.current.as_mut().expect("just opened"))
    }

    fn close_group(&mut self) -> Result<(), EncodeError> {
        let Some(file) = &mut self.current else { return Ok(()) };
        let closed = file.close_group();
        let is_large = file.writer.bytes_written() >= self.settings.part_bytes;
        self.check(closed)?;
        if is_large { self.close_part() } else { Ok(()) }
    }

    fn close_part(&mut self) -> Result<(), EncodeError> {
        let Some(file) = self.current.take() else { return Ok(()) };
        let part = self.check(file.finish(self.table, self.number()))?;
        self.parts.push(part);
        Ok(())
    }
}

/// One Parquet file on its way.
struct File<W: Write> {
    writer: SerializedFileWriter<Hashing<W>>,
    factory: ArrowRowGroupWriterFactory,
    batches: SchemaRef,
    /// The columns of the row group under way; empty between groups.
    group: Vec<ArrowColumnWriter>,
    group_rows: usize,
    rows: u64,
}

impl<W: Write + Send> File<W> {
    fn new(writer: W, table: &Table, batches: &SchemaRef, settings: &Settings) -> ParquetResult<Self> {
        let schema = parquet_schema(table)?;
        let properties = Arc::new(properties(table, settings)?);
        let writer = SerializedFileWriter::new(Hashing::new(writer), schema.root_schema_ptr(), properties)?;
        let factory = ArrowRowGroupWriterFactory::new(&writer, Arc::clone(batches));
        Ok(Self { writer, factory, batches: Arc::clone(batches), group: Vec::new(), group_rows: 0, rows: 0 })
    }

    fn write(&mut self, columns: &[ArrayRef]) -> ParquetResult<()> {
        if self.group.is_empty() {
            self.group = self.factory.create_column_writers(self.writer.flushed_row_groups().len())?;
        }
        let fields = self.batches.fields();
        assert_eq!(columns.len(), fields.len(), "a batch has one array per field");
        let columns_of_fields = columns.par_iter().zip(fields.par_iter());
        self.group.par_iter_mut().zip(columns_of_fields).try_for_each(|(writer, (column, field))| {
            compute_leaves(field, column)?.iter().try_for_each(|leaf| writer.write(leaf))
        })?;
        self.group_rows += columns.first().map_or(0, |column| column.len());
        Ok(())
    }

    /// How large the row group under way will be, as far as can be told.
    fn group_bytes(&self) -> usize {
        self.group.iter().map(ArrowColumnWriter::get_estimated_total_bytes).sum()
    }

    fn close_group(&mut self) -> ParquetResult<()> {
        if self.group_rows == 0 {
            return Ok(());
        }
        let columns = std::mem::take(&mut self.group);
        let chunks: Vec<ArrowColumnChunk> =
            columns.into_par_iter().map(ArrowColumnWriter::close).collect::<ParquetResult<_>>()?;
        let mut group = self.writer.next_row_group()?;
        chunks.into_iter().try_for_each(|chunk| chunk.append_to_row_group(&mut group))?;
        group.close()?;
        self.rows += self.group_rows as u64;
        self.group_rows = 0;
        Ok(())
    }

    fn finish(mut self, table: &'static Table, number: u32) -> ParquetResult<Part> {
        self.close_group()?;
        let mut hashing = self.writer.into_inner()?;
        hashing.inner.flush()?;
        let Hashing { digest, bytes, .. } = hashing;
        Ok(Part { table, number, rows: self.rows, bytes, sha256: digest.finalize().into() })
    }
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
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(3)?))
        .set_dictionary_page_size_limit(DICTIONARY_BYTES)
        .set_statistics_enabled(EnabledStatistics::Page)
        .set_sorting_columns((!sorting.is_empty()).then_some(sorting))
        .build())
}

/// Counts and hashes what passes through.
struct Hashing<W> {
    inner: W,
    digest: Sha256,
    bytes: u64,
}

impl<W> Hashing<W> {
    fn new(inner: W) -> Self {
        Self { inner, digest: Sha256::new(), bytes: 0 }
    }
}

impl<W: Write> Write for Hashing<W> {
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
