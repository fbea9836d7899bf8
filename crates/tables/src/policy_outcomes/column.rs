//! One column of a row group: its distinct values, and pages of positions among them.

use parquet::basic::Encoding;
use parquet::errors::Result as ParquetResult;
use parquet::schema::types::ColumnDescPtr;

use super::chunk::{Chunk, ChunkBuilder, Page, PageMaker};
use super::hybrid::width_of;
use super::values::{Extremes, Values};

/// A column and what its positions point into.
pub(super) struct Column<'a> {
    descr: ColumnDescPtr,
    pub(super) values: &'a Values,
    /// Bits of a position.
    pub(super) width: u32,
}

/// Some rows of a column as a page says them outside of its bytes.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Rows {
    pub(super) rows: usize,
    pub(super) nulls: usize,
    pub(super) extremes: Extremes,
}

/// A page with what is said about it outside.
#[derive(Clone)]
pub(super) struct DescribedPage {
    page: Page,
    encoding: Encoding,
    about: Rows,
}

impl<'a> Column<'a> {
    pub(super) fn of(descr: ColumnDescPtr, values: &'a Values) -> Self {
        Self { descr, values, width: width_of((values.len() as u32).saturating_sub(1)) }
    }

    /// A page: the definition levels, where the column may be null, that `levels` appends, and the positions that
    /// `positions` does.
    pub(super) fn page(
        &self,
        about: Rows,
        maker: &mut PageMaker,
        levels: impl FnOnce(&mut Vec<u8>),
        positions: impl FnOnce(&mut Vec<u8>),
    ) -> ParquetResult<DescribedPage> {
        // A column of nulls alone has no dictionary to point into.
        let has_values = self.values.len() > 0;
        let encoding = if has_values { Encoding::RLE_DICTIONARY } else { Encoding::PLAIN };
        let nullable = self.descr.max_def_level() > 0;
        let page = maker.data(about.rows, encoding, |out| {
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
        Ok(DescribedPage { page: page?, encoding, about })
    }

    /// The whole column: its dictionary and these pages.
    pub(super) fn chunk(&self, pages: &[DescribedPage], maker: &mut PageMaker) -> ParquetResult<Chunk> {
        let mut chunk = ChunkBuilder::new(self.descr.clone());
        if self.values.len() > 0 {
            chunk.dictionary(&maker.dictionary(self.values)?);
        }
        for DescribedPage { page, encoding, about } in pages {
            chunk.data(page, *encoding, about.rows, about.nulls, about.extremes, self.values);
        }
        chunk.finish(self.values)
    }
}
