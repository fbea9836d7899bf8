//! Writes tables that come as Arrow batches: those that come row by row.
//!
//! Row groups of up to [`Settings::row_group_rows`](crate::Settings::row_group_rows) rows. Columns of a batch
//! are encoded in parallel; the bytes do not depend on the number of threads.

use std::io::{self, Write};
use std::sync::Arc;

use arrow_array::ArrayRef;
use arrow_schema::SchemaRef;
use parquet::arrow::arrow_writer::{
    ArrowColumnChunk, ArrowColumnWriter, ArrowRowGroupWriterFactory, compute_leaves,
};
use parquet::errors::Result as ParquetResult;
use rayon::prelude::*;

use crate::part_writer::{File, PartWriter};
use crate::schema::{Table, arrow_schema};
use crate::{EncodeError, Part, ProgressCallback, Settings};

/// Writes one table from batches of the table's Arrow schema.
pub(crate) struct BatchWriter<'a, W: Write + Send, F> {
    parts: PartWriter<'a, W, F>,
    schema: SchemaRef,
    /// The columns of the current row group; empty between groups.
    group: Vec<ArrowColumnWriter>,
    group_rows: usize,
}

impl<'a, W, F> BatchWriter<'a, W, F>
where
    W: Write + Send,
    F: FnMut(&'static Table, u32) -> io::Result<W>,
{
    pub(crate) fn begin(
        table: &'static Table,
        settings: &'a Settings,
        progress: &'a mut ProgressCallback<'a>,
        open: F,
    ) -> Result<Self, EncodeError> {
        let parts = PartWriter::begin(table, 0, settings, progress, open)?;
        Ok(Self { parts, schema: Arc::new(arrow_schema(table)), group: Vec::new(), group_rows: 0 })
    }

    /// Adds a batch: one array per field, no longer than a row group.
    pub(crate) fn write(&mut self, columns: &[ArrayRef]) -> Result<(), EncodeError> {
        let rows = columns.first().map_or(0, |column| column.len());
        if rows == 0 {
            return Ok(());
        }
        if self.group_rows > 0 && self.group_rows + rows > self.parts.settings().row_group_rows {
            self.close_group()?;
        }
        if self.group.is_empty() {
            let schema = Arc::clone(&self.schema);
            let writers = column_writers(self.parts.file()?, schema);
            self.group = self.parts.check(writers)?;
        }
        let encoded = encode(&mut self.group, &self.schema, columns);
        self.parts.check(encoded)?;
        self.group_rows += rows;
        let bytes: usize = self.group.iter().map(ArrowColumnWriter::get_estimated_total_bytes).sum();
        if bytes >= self.parts.settings().part_bytes { self.close_group() } else { Ok(()) }
    }

    /// Returns the parts; a table without rows has one part without rows.
    pub(crate) fn finish(mut self) -> Result<Vec<Part>, EncodeError> {
        self.close_group()?;
        self.parts.finish()
    }

    fn close_group(&mut self) -> Result<(), EncodeError> {
        let rows = std::mem::take(&mut self.group_rows);
        if rows == 0 {
            return Ok(());
        }
        let columns = std::mem::take(&mut self.group);
        let chunks = columns.into_par_iter().map(ArrowColumnWriter::close).collect::<ParquetResult<_>>();
        let chunks: Vec<ArrowColumnChunk> = self.parts.check(chunks)?;
        self.parts.group(rows, |file| {
            let mut group = file.next_row_group()?;
            chunks.into_iter().try_for_each(|chunk| chunk.append_to_row_group(&mut group))?;
            group.close().map(drop)
        })
    }
}

fn column_writers<W: Write + Send>(
    file: &File<W>,
    schema: SchemaRef,
) -> ParquetResult<Vec<ArrowColumnWriter>> {
    let factory = ArrowRowGroupWriterFactory::new(file, schema);
    factory.create_column_writers(file.flushed_row_groups().len())
}

fn encode(writers: &mut [ArrowColumnWriter], schema: &SchemaRef, columns: &[ArrayRef]) -> ParquetResult<()> {
    let fields = schema.fields();
    assert_eq!(columns.len(), fields.len(), "a batch has one array per field");
    let columns_of_fields = columns.par_iter().zip(fields.par_iter());
    writers.par_iter_mut().zip(columns_of_fields).try_for_each(|(writer, (column, field))| {
        compute_leaves(field, column)?.iter().try_for_each(|leaf| writer.write(leaf))
    })
}
