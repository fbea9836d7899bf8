//! A row group whose columns are encoded.

use std::io::Write;

use parquet::errors::Result as ParquetResult;
use parquet::file::writer::SerializedFileWriter;

use super::column_chunk::Chunk;

/// A finished row group.
pub(crate) struct EncodedRowGroup {
    pub(crate) rows: usize,
    /// Its columns in order.
    chunks: Vec<Chunk>,
}

impl EncodedRowGroup {
    /// Creates a row group of columns, each with its position.
    ///
    /// # Panics
    /// When they are not the columns of a table, each once.
    pub(crate) fn new(rows: usize, mut chunks: Vec<(usize, Chunk)>, columns: usize) -> Self {
        chunks.sort_by_key(|(position, _)| *position);
        assert!(chunks.iter().map(|(position, _)| *position).eq(0..columns));
        Self { rows, chunks: chunks.into_iter().map(|(_, chunk)| chunk).collect() }
    }

    /// Appends the row group to a file.
    pub(crate) fn append<W: Write + Send>(self, file: &mut SerializedFileWriter<W>) -> ParquetResult<()> {
        let mut group = file.next_row_group()?;
        self.chunks.into_iter().try_for_each(|chunk| chunk.append(&mut group))?;
        group.close().map(drop)
    }
}
