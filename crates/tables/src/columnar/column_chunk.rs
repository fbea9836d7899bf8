//! Column chunks from encoded pages: statistics, page index and metadata.

use bytes::{Buf, Bytes};
use parquet::basic::{BoundaryOrder, Compression, Encoding, EncodingMask, PageType, Type, ZstdLevel};
use parquet::column::writer::ColumnCloseResult;
use parquet::errors::{ParquetError, Result as ParquetResult};
use parquet::file::metadata::{
    ColumnChunkMetaData, ColumnIndexBuilder, LevelHistogram, OffsetIndexBuilder, PageEncodingStats,
};
use parquet::file::reader::{ChunkReader, Length};
use parquet::schema::types::ColumnDescPtr;

use super::dictionary::{Dictionary, MinMax};
use super::page_encoder::Page;
use super::statistics::{column_statistics, lower_bound, upper_bound};
use crate::part_writer::ZSTD_LEVEL;

/// A finished column of a row group.
pub(crate) struct Chunk {
    pages: Pages,
    close: ColumnCloseResult,
}

impl Chunk {
    /// Appends the column to a row group of a file.
    pub(crate) fn append<W: std::io::Write + Send>(
        self,
        group: &mut parquet::file::writer::SerializedRowGroupWriter<'_, W>,
    ) -> ParquetResult<()> {
        group.append_column(&self.pages, self.close)
    }
}

/// A column chunk while its pages are added.
pub(crate) struct ChunkBuilder {
    column: ColumnDescPtr,
    pages: Vec<Bytes>,
    bytes: usize,
    uncompressed: usize,
    dictionary: usize,
    data_pages: Vec<(Encoding, i32)>,
    rows: usize,
    nulls: usize,
    column_index: ColumnIndexBuilder,
    offset_index: OffsetIndexBuilder,
    /// The least and the greatest value of each page so far, from which the order of pages follows.
    min_max: Vec<(u32, u32)>,
}

impl ChunkBuilder {
    pub(crate) fn new(column: ColumnDescPtr) -> Self {
        let column_index = ColumnIndexBuilder::new(column.physical_type());
        Self {
            column,
            pages: Vec::new(),
            bytes: 0,
            uncompressed: 0,
            dictionary: 0,
            data_pages: Vec::new(),
            rows: 0,
            nulls: 0,
            column_index,
            offset_index: OffsetIndexBuilder::new(),
            min_max: Vec::new(),
        }
    }

    /// Adds the dictionary page, before any other page.
    pub(crate) fn add_dictionary(&mut self, page: &Page) {
        self.push_page(page);
        self.dictionary = page.bytes.len();
    }

    /// Adds a data page of so many rows, with so many nulls and these least and greatest among `values`.
    pub(crate) fn add_data(
        &mut self,
        page: &Page,
        encoding: Encoding,
        rows: usize,
        nulls: usize,
        min_max: MinMax,
        values: &Dictionary,
    ) {
        let (offset, size) = (self.bytes as i64, page.bytes.len() as i32);
        self.offset_index.append_offset_and_size(offset, size);
        self.offset_index.append_row_count(rows as i64);
        match min_max.get() {
            Some((min, max)) => {
                let (min_bytes, max_bytes) = (values.get(min), values.get(max));
                let (min_bytes, max_bytes) = match self.column.physical_type() {
                    Type::BYTE_ARRAY => (lower_bound(min_bytes), upper_bound(max_bytes).0),
                    // One byte in the format, and the lowest of eight here.
                    Type::BOOLEAN => (&min_bytes[..1], max_bytes[..1].to_vec()),
                    _ => (min_bytes, max_bytes.to_vec()),
                };
                self.column_index.append(false, min_bytes.to_vec(), max_bytes, nulls as i64, None);
                self.min_max.push((min, max));
            }
            None => self.column_index.append(true, Vec::new(), Vec::new(), nulls as i64, None),
        }
        match self.data_pages.last_mut() {
            Some((last, count)) if *last == encoding => *count += 1,
            _ => self.data_pages.push((encoding, 1)),
        }
        self.rows += rows;
        self.nulls += nulls;
        self.push_page(page);
    }

    fn push_page(&mut self, page: &Page) {
        self.bytes += page.bytes.len();
        self.uncompressed += page.uncompressed;
        self.pages.push(page.bytes.clone());
    }

    /// Finishes the column chunk.
    pub(crate) fn finish(mut self, values: &Dictionary) -> ParquetResult<Chunk> {
        let ordered = |by: fn(&(u32, u32)) -> u32| {
            self.min_max.is_sorted_by(|left, right| values.compare(by(left), by(right)).is_le())
        };
        let ascending = ordered(|(min, _)| *min) && ordered(|(_, max)| *max);
        let order = if ascending { BoundaryOrder::ASCENDING } else { BoundaryOrder::UNORDERED };
        self.column_index.set_boundary_order(order);
        let all = self
            .min_max
            .iter()
            .fold(MinMax::default(), |all, (min, max)| values.join(all, MinMax::new(*min, *max)));
        let mut encodings = vec![Encoding::RLE];
        let mut stats = Vec::new();
        if self.dictionary > 0 {
            encodings.push(Encoding::PLAIN);
            stats.push(PageEncodingStats {
                page_type: PageType::DICTIONARY_PAGE,
                encoding: Encoding::PLAIN,
                count: 1,
            });
        }
        for (encoding, count) in self.data_pages {
            encodings.push(encoding);
            stats.push(PageEncodingStats { page_type: PageType::DATA_PAGE, encoding, count });
        }
        let mut metadata = ColumnChunkMetaData::builder(self.column.clone())
            .set_compression(Compression::ZSTD(ZstdLevel::try_new(ZSTD_LEVEL)?))
            .set_encodings_mask(EncodingMask::new_from_encodings(encodings.iter()))
            .set_page_encoding_stats(stats)
            .set_num_values(self.rows as i64)
            .set_total_compressed_size(self.bytes as i64)
            .set_total_uncompressed_size(self.uncompressed as i64)
            .set_dictionary_page_offset((self.dictionary > 0).then_some(0))
            .set_data_page_offset(self.dictionary as i64)
            .set_statistics(column_statistics(&self.column, values, all, self.nulls));
        if self.column.max_def_level() > 0 {
            let levels = vec![self.nulls as i64, (self.rows - self.nulls) as i64];
            metadata = metadata.set_definition_level_histogram(Some(LevelHistogram::from(levels)));
        }
        Ok(Chunk {
            close: ColumnCloseResult {
                bytes_written: self.bytes as u64,
                rows_written: self.rows as u64,
                metadata: metadata.build()?,
                bloom_filter: None,
                column_index: Some(self.column_index.build()?),
                offset_index: Some(self.offset_index.build()),
            },
            pages: Pages(self.pages),
        })
    }
}

/// Pages in their order, as the library reads a column.
struct Pages(Vec<Bytes>);

impl Length for Pages {
    fn len(&self) -> u64 {
        self.0.iter().map(|page| page.len() as u64).sum()
    }
}

impl ChunkReader for Pages {
    type T = PagesReader;

    fn get_read(&self, start: u64) -> ParquetResult<PagesReader> {
        if start != 0 {
            return Err(ParquetError::General("columns are read from their beginning".to_owned()));
        }
        Ok(PagesReader { pages: self.0.clone().into_iter(), current: Bytes::new() })
    }

    fn get_bytes(&self, start: u64, length: usize) -> ParquetResult<Bytes> {
        Err(ParquetError::General(format!("no need to read {length} bytes at {start}")))
    }
}

struct PagesReader {
    pages: std::vec::IntoIter<Bytes>,
    current: Bytes,
}

impl std::io::Read for PagesReader {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        while self.current.is_empty() {
            let Some(next) = self.pages.next() else { return Ok(0) };
            self.current = next;
        }
        let length = self.current.len().min(buffer.len());
        self.current.copy_to_slice(&mut buffer[..length]);
        Ok(length)
    }
}
