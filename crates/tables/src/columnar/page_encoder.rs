//! Compressed and serialized pages.
//!
//! The bytes of a page can be written at several places of a file and in several columns: everything that differs
//! (position, statistics, dictionary) is stored outside of the page.

use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use parquet::basic::Encoding;
use parquet::column::page::{CompressedPage, Page as ParquetPage, PageWriter as _};
use parquet::errors::{ParquetError, Result as ParquetResult};
use parquet::file::writer::{SerializedPageWriter, TrackedWrite};

use super::dictionary::Dictionary;
use crate::part_writer::ZSTD_LEVEL;

/// A serialized page with its header, which can be written any number of times.
#[derive(Debug, Clone)]
pub(crate) struct Page {
    pub(crate) bytes: Bytes,
    /// The size of header and content before compression.
    pub(crate) uncompressed: usize,
}

/// Compresses and serializes pages. Creating one is expensive, so each encodes many pages.
pub(crate) struct PageEncoder {
    compressor: zstd::bulk::Compressor<'static>,
    /// Buffers for a page before and after compression.
    content: Vec<u8>,
    compressed: Vec<u8>,
}

/// The ZSTD level of pages that are small or without repetition, such as ids: a higher level gains nothing there.
const FAST_LEVEL: i32 = 1;

impl PageEncoder {
    pub(crate) fn new() -> ParquetResult<Self> {
        let compressor = zstd::bulk::Compressor::new(FAST_LEVEL)?;
        Ok(Self { compressor, content: Vec::new(), compressed: Vec::new() })
    }

    /// Encodes a data page. `write` appends the levels, if the column has them, and the encoded values.
    pub(crate) fn data_page(
        &mut self,
        rows: usize,
        encoding: Encoding,
        write: impl FnOnce(&mut Vec<u8>),
    ) -> ParquetResult<Page> {
        self.data_page_at(FAST_LEVEL, rows, encoding, write)
    }

    /// Encodes a data page of users. Most of a file consists of these, so they are compressed better.
    pub(crate) fn user_page(&mut self, rows: usize, write: impl FnOnce(&mut Vec<u8>)) -> ParquetResult<Page> {
        self.data_page_at(ZSTD_LEVEL, rows, Encoding::RLE_DICTIONARY, write)
    }

    /// Encodes a data page of texts, nearly all of which differ in a few characters.
    pub(crate) fn text_page(&mut self, rows: usize, write: impl FnOnce(&mut Vec<u8>)) -> ParquetResult<Page> {
        self.data_page_at(FAST_LEVEL, rows, Encoding::PLAIN, write)
    }

    fn data_page_at(
        &mut self,
        level: i32,
        rows: usize,
        encoding: Encoding,
        write: impl FnOnce(&mut Vec<u8>),
    ) -> ParquetResult<Page> {
        self.page(level, write, |buf| {
            Ok(ParquetPage::DataPage {
                buf,
                num_values: value_count(rows)?,
                encoding,
                def_level_encoding: Encoding::RLE,
                rep_level_encoding: Encoding::RLE,
                statistics: None,
            })
        })
    }

    /// Encodes a dictionary page.
    pub(crate) fn dictionary_page(&mut self, values: &Dictionary) -> ParquetResult<Page> {
        self.page(
            FAST_LEVEL,
            |content| values.append_plain(content),
            |buf| {
                let num_values = value_count(values.len())?;
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

/// Idle page encoders, to be reused.
#[derive(Default)]
pub(crate) struct PageEncoderPool(Mutex<Vec<PageEncoder>>);

impl PageEncoderPool {
    /// Calls `work` with an idle encoder, created when there is none.
    pub(crate) fn with<T>(
        &self,
        work: impl FnOnce(&mut PageEncoder) -> ParquetResult<T>,
    ) -> ParquetResult<T> {
        let idle = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut encoder = idle.map_or_else(PageEncoder::new, Ok)?;
        let done = work(&mut encoder);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(encoder);
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

fn value_count(number: usize) -> ParquetResult<u32> {
    u32::try_from(number).map_err(|_| ParquetError::General("a page of more than 2^32 values".to_owned()))
}
