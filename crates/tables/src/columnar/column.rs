//! One dictionary-encoded column of a row group.

use parquet::basic::Encoding;
use parquet::errors::Result as ParquetResult;
use parquet::schema::types::ColumnDescPtr;

use super::column_chunk::{Chunk, ChunkBuilder};
use super::dictionary::{Dictionary, MinMax};
use super::page_encoder::{Page, PageEncoder};
use super::rle_hybrid::bit_width;

/// A column and its dictionary.
pub(crate) struct Column<'a> {
    descr: ColumnDescPtr,
    pub(crate) values: &'a Dictionary,
    /// Bits of a dictionary index.
    pub(crate) width: u32,
}

/// The statistics of some rows of a column.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct RowStatistics {
    pub(crate) rows: usize,
    pub(crate) nulls: usize,
    pub(crate) min_max: MinMax,
}

/// A page and its statistics.
#[derive(Clone)]
pub(crate) struct PageWithStatistics {
    page: Page,
    encoding: Encoding,
    statistics: RowStatistics,
}

impl PageWithStatistics {
    /// Returns the same page for another column with the same dictionary indices.
    pub(crate) fn with_min_max(&self, min_max: MinMax) -> Self {
        Self { statistics: RowStatistics { min_max, ..self.statistics }, ..self.clone() }
    }
}

impl<'a> Column<'a> {
    pub(crate) fn new(descr: ColumnDescPtr, values: &'a Dictionary) -> Self {
        Self { descr, values, width: bit_width((values.len() as u32).saturating_sub(1)) }
    }

    /// Encodes a page: `levels` appends the definition levels, where the column may be null, and `positions` the
    /// dictionary indices.
    pub(crate) fn page(
        &self,
        statistics: RowStatistics,
        encoder: &mut PageEncoder,
        levels: impl FnOnce(&mut Vec<u8>),
        positions: impl FnOnce(&mut Vec<u8>),
    ) -> ParquetResult<PageWithStatistics> {
        // A column of nulls only has no dictionary.
        let has_values = self.values.len() > 0;
        let encoding = if has_values { Encoding::RLE_DICTIONARY } else { Encoding::PLAIN };
        let nullable = self.descr.max_def_level() > 0;
        let page = encoder.data_page(statistics.rows, encoding, |out| {
            if nullable {
                out.extend_from_slice(&[0; 4]);
                levels(out);
                let length = u32::try_from(out.len() - 4).expect("the levels of a page are small");
                out[..4].copy_from_slice(&length.to_le_bytes());
            }
            if has_values {
                out.push(self.width as u8);
                positions(out);
            }
        });
        Ok(PageWithStatistics { page: page?, encoding, statistics })
    }

    /// Returns the column chunk: the dictionary and these pages.
    pub(crate) fn chunk(
        &self,
        pages: &[PageWithStatistics],
        encoder: &mut PageEncoder,
    ) -> ParquetResult<Chunk> {
        let mut chunk = ChunkBuilder::new(self.descr.clone());
        if self.values.len() > 0 {
            chunk.add_dictionary(&encoder.dictionary_page(self.values)?);
        }
        for PageWithStatistics { page, encoding, statistics } in pages {
            chunk.add_data(
                page,
                *encoding,
                statistics.rows,
                statistics.nulls,
                statistics.min_max,
                self.values,
            );
        }
        chunk.finish(self.values)
    }
}
