//! Column chunks from finished pages: page headers, statistics, page index, metadata.
//!
//! A page's bytes are shared: the same page can stand at several places of a file and in several columns,
//! since what differs (position, statistics, dictionary) is said outside of it.

use std::sync::{Mutex, PoisonError};

use bytes::{Buf, Bytes};
use parquet::basic::{BoundaryOrder, Compression, Encoding, EncodingMask, PageType, Type, ZstdLevel};
use parquet::column::page::{CompressedPage, Page as ParquetPage, PageWriter as _};
use parquet::column::writer::ColumnCloseResult;
use parquet::data_type::ByteArray;
use parquet::errors::{ParquetError, Result as ParquetResult};
use parquet::file::metadata::{
    ColumnChunkMetaData, ColumnIndexBuilder, LevelHistogram, OffsetIndexBuilder, PageEncodingStats,
};
use parquet::file::reader::{ChunkReader, Length};
use parquet::file::statistics::{Statistics, ValueStatistics};
use parquet::file::writer::{SerializedPageWriter, TrackedWrite};
use parquet::schema::types::ColumnDescPtr;

use super::values::{Extremes, Values, number};
use crate::part::ZSTD_LEVEL;

/// Texts in statistics are cut to this many bytes, as the format allows.
const STATISTICS_BYTES: usize = 64;

/// A page with its header, ready to be written any number of times.
#[derive(Debug, Clone)]
pub(super) struct Page {
    bytes: Bytes,
    /// Header and content, before compression.
    uncompressed: usize,
}

/// Compresses pages; one for as many pages as possible, since it is costly to make.
pub(super) struct PageMaker {
    compressor: zstd::bulk::Compressor<'static>,
    /// The page at hand before and after compression: as large as the largest so far.
    content: Vec<u8>,
    compressed: Vec<u8>,
}

/// The ZSTD level of pages that are small or hold no repetition, as ids: looking harder finds nothing there.
const QUICK: i32 = 1;

impl PageMaker {
    pub(super) fn new() -> ParquetResult<Self> {
        let compressor = zstd::bulk::Compressor::new(QUICK)?;
        Ok(Self { compressor, content: Vec::new(), compressed: Vec::new() })
    }

    /// A data page: levels, if the column has them, and values as the format wants them, which `write` appends.
    pub(super) fn data(
        &mut self,
        rows: usize,
        encoding: Encoding,
        write: impl FnOnce(&mut Vec<u8>),
    ) -> ParquetResult<Page> {
        self.data_at(QUICK, rows, encoding, write)
    }

    /// A data page of lists of users: most of a file is such, and worth more care.
    pub(super) fn users(&mut self, rows: usize, write: impl FnOnce(&mut Vec<u8>)) -> ParquetResult<Page> {
        self.data_at(ZSTD_LEVEL, rows, Encoding::RLE_DICTIONARY, write)
    }

    fn data_at(
        &mut self,
        level: i32,
        rows: usize,
        encoding: Encoding,
        write: impl FnOnce(&mut Vec<u8>),
    ) -> ParquetResult<Page> {
        self.page(level, write, |buf| {
            Ok(ParquetPage::DataPage {
                buf,
                num_values: count(rows)?,
                encoding,
                def_level_encoding: Encoding::RLE,
                rep_level_encoding: Encoding::RLE,
                statistics: None,
            })
        })
    }

    pub(super) fn dictionary(&mut self, values: &Values) -> ParquetResult<Page> {
        self.page(
            QUICK,
            |content| values.plain(content),
            |buf| {
                let num_values = count(values.len())?;
                let encoding = Encoding::PLAIN;
                Ok(ParquetPage::DictionaryPage { buf, num_values, encoding, is_sorted: false })
            },
        )
    }

    fn page(
        &mut self,
        level: i32,
        write: impl FnOnce(&mut Vec<u8>),
        page: impl FnOnce(Bytes) -> ParquetResult<ParquetPage>,
    ) -> ParquetResult<Page> {
        self.content.clear();
        write(&mut self.content);
        self.compressor.set_compression_level(level)?;
        self.compressed.clear();
        self.compressed.reserve(zstd::zstd_safe::compress_bound(self.content.len()));
        self.compressor.compress_to_buffer(&self.content, &mut self.compressed)?;
        serialize(page(Bytes::copy_from_slice(&self.compressed))?, self.content.len())
    }
}

/// Page makers that are not at work: as many as ever were at once.
#[derive(Default)]
pub(super) struct PageMakers(Mutex<Vec<PageMaker>>);

impl PageMakers {
    /// Lends one out, made when none is free.
    pub(super) fn with<T>(&self, work: impl FnOnce(&mut PageMaker) -> ParquetResult<T>) -> ParquetResult<T> {
        let free = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut maker = free.map_or_else(PageMaker::new, Ok)?;
        let done = work(&mut maker);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(maker);
        done
    }
}

fn serialize(page: ParquetPage, content: usize) -> ParquetResult<Page> {
    let compressed = page.buffer().len();
    let mut sink = TrackedWrite::new(Vec::with_capacity(compressed + 64));
    SerializedPageWriter::new(&mut sink).write_page(CompressedPage::new(page, content))?;
    let bytes = Bytes::from(sink.into_inner()?);
    let uncompressed = bytes.len() - compressed + content;
    Ok(Page { bytes, uncompressed })
}

fn count(number: usize) -> ParquetResult<u32> {
    u32::try_from(number).map_err(|_| ParquetError::General("a page of more than 2^32 values".to_owned()))
}

/// A finished column of a row group.
pub(super) struct Chunk {
    pages: Pages,
    close: ColumnCloseResult,
}

impl Chunk {
    pub(super) fn append<W: std::io::Write + Send>(
        self,
        group: &mut parquet::file::writer::SerializedRowGroupWriter<'_, W>,
    ) -> ParquetResult<()> {
        group.append_column(&self.pages, self.close)
    }

    pub(super) fn bytes(&self) -> usize {
        self.close.bytes_written as usize
    }
}

/// A column chunk under way, its pages one after the other.
pub(super) struct ChunkBuilder {
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
    /// Extremes of the pages so far, to tell the order of pages.
    extremes: Vec<(u32, u32)>,
}

impl ChunkBuilder {
    pub(super) fn new(column: ColumnDescPtr) -> Self {
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
            extremes: Vec::new(),
        }
    }

    /// Adds the dictionary, before any other page.
    pub(super) fn dictionary(&mut self, page: &Page) {
        self.push(page);
        self.dictionary = page.bytes.len();
    }

    /// Adds a data page of so many rows, with so many nulls and these extremes among `values`.
    pub(super) fn data(
        &mut self,
        page: &Page,
        encoding: Encoding,
        rows: usize,
        nulls: usize,
        extremes: Extremes,
        values: &Values,
    ) {
        let (offset, size) = (self.bytes as i64, page.bytes.len() as i32);
        self.offset_index.append_offset_and_size(offset, size);
        self.offset_index.append_row_count(rows as i64);
        match extremes.get() {
            Some((min, max)) => {
                let text = self.column.physical_type() == Type::BYTE_ARRAY;
                let (min_bytes, max_bytes) = (values.get(min), values.get(max));
                let min_bytes = if text { lower_bound(min_bytes) } else { min_bytes };
                let max_bytes = if text { upper_bound(max_bytes).0 } else { max_bytes.to_vec() };
                self.column_index.append(false, min_bytes.to_vec(), max_bytes, nulls as i64, None);
                self.extremes.push((min, max));
            }
            None => self.column_index.append(true, Vec::new(), Vec::new(), nulls as i64, None),
        }
        match self.data_pages.last_mut() {
            Some((last, count)) if *last == encoding => *count += 1,
            _ => self.data_pages.push((encoding, 1)),
        }
        self.rows += rows;
        self.nulls += nulls;
        self.push(page);
    }

    fn push(&mut self, page: &Page) {
        self.bytes += page.bytes.len();
        self.uncompressed += page.uncompressed;
        self.pages.push(page.bytes.clone());
    }

    pub(super) fn finish(mut self, values: &Values) -> ParquetResult<Chunk> {
        let ordered = |by: fn(&(u32, u32)) -> u32| {
            self.extremes.is_sorted_by(|left, right| values.compare(by(left), by(right)).is_le())
        };
        let ascending = ordered(|(min, _)| *min) && ordered(|(_, max)| *max);
        let order = if ascending { BoundaryOrder::ASCENDING } else { BoundaryOrder::UNORDERED };
        self.column_index.set_boundary_order(order);
        let all = self
            .extremes
            .iter()
            .fold(Extremes::default(), |all, (min, max)| values.join(all, Extremes::of(*min, *max)));
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
            .set_statistics(statistics(&self.column, values, all, self.nulls));
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

fn statistics(column: &ColumnDescPtr, values: &Values, extremes: Extremes, nulls: usize) -> Statistics {
    let nulls = Some(nulls as u64);
    let extremes = extremes.get().map(|(min, max)| (values.get(min), values.get(max)));
    if column.physical_type() == Type::BYTE_ARRAY {
        let min = extremes.map(|(min, _)| lower_bound(min));
        let (max, exact) = extremes.map_or((None, true), |(_, max)| {
            let (bound, exact) = upper_bound(max);
            (Some(ByteArray::from(bound)), exact)
        });
        let min_is_exact = extremes.is_none_or(|(min, _)| min.len() <= STATISTICS_BYTES);
        let min = min.map(|min| ByteArray::from(min.to_vec()));
        let statistics = ValueStatistics::new(min, max, None, nulls, false);
        Statistics::ByteArray(statistics.with_min_is_exact(min_is_exact).with_max_is_exact(exact))
    } else {
        let min = extremes.map(|(min, _)| number(min));
        let max = extremes.map(|(_, max)| number(max));
        Statistics::Int64(
            ValueStatistics::new(min, max, None, nulls, false).with_backwards_compatible_min_max(true),
        )
    }
}

/// A text no greater than this one, of bounded length.
fn lower_bound(text: &[u8]) -> &[u8] {
    &text[..character_boundary(text)]
}

/// A text no less than this one, of bounded length where there is one, and whether it is the text itself.
fn upper_bound(text: &[u8]) -> (Vec<u8>, bool) {
    let mut bound = text[..character_boundary(text)].to_vec();
    if bound.len() == text.len() {
        return (bound, true);
    }
    // Greater than every text that begins like this one: its last character below `~`, one greater.
    while let Some(last) = bound.pop() {
        if last < b'~' {
            bound.push(last + 1);
            return (bound, false);
        }
    }
    (text.to_vec(), true)
}

fn character_boundary(text: &[u8]) -> usize {
    let is_boundary = |at: &usize| text.get(*at).is_none_or(|byte| byte & 0xc0 != 0x80);
    (0..=text.len().min(STATISTICS_BYTES)).rev().find(is_boundary).unwrap_or(0)
}

/// Pages one after the other, as the library reads a column that it is given.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_of_texts_hold_and_are_short() {
        let long = |text: &str| text.repeat(40);
        for text in ["", "a", "~", &long("ab"), &long("~"), &long("ü~"), &long("日本"), &long("~z")] {
            let text = text.as_bytes();
            let lower = lower_bound(text);
            let (upper, exact) = upper_bound(text);
            assert!(lower <= text && text <= upper.as_slice());
            assert!(std::str::from_utf8(lower).is_ok() && std::str::from_utf8(&upper).is_ok());
            assert_eq!(exact, upper == text);
            assert!(upper.len() <= STATISTICS_BYTES || upper == text);
        }
        assert_eq!(upper_bound(long("ab").as_bytes()).0.len(), STATISTICS_BYTES);
    }
}
