//! Columns whose values are written as they are: texts that occur once, and Booleans, which have no dictionary.

use std::ops::Range;

use parquet::basic::Encoding;
use parquet::errors::Result as ParquetResult;
use parquet::schema::types::ColumnDescPtr;

use super::column_chunk::{Chunk, ChunkBuilder};
use super::dictionary::{Dictionary, MinMax};
use super::page_encoder::{Page, PageEncoder};
use super::rle_hybrid::append_runs;
use crate::schema::FieldKind;

/// Bytes of values that end a page.
const PAGE_BYTES: usize = 1 << 20;

/// A page with the bounds of its values.
pub(crate) struct PlainPage {
    page: Page,
    rows: usize,
    nulls: usize,
    /// The least and the greatest value, numbers as eight bytes; none where all are null.
    bounds: Option<(Vec<u8>, Vec<u8>)>,
}

/// A page of texts, while they are added.
#[derive(Debug, Default)]
pub(crate) struct TextPage {
    values: Vec<u8>,
    /// Whether rows have a value, and how many of them.
    levels: Vec<(u32, usize)>,
    rows: usize,
    nulls: usize,
    /// Where the least and the greatest text are among the values.
    bounds: Option<(Range<usize>, Range<usize>)>,
}

impl TextPage {
    pub(crate) fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// Whether the page has as many bytes as a page should have.
    pub(crate) fn is_full(&self) -> bool {
        self.values.len() >= PAGE_BYTES
    }

    /// Adds a text, which `write` appends.
    pub(crate) fn push(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        let start = self.values.len() + 4;
        self.values.extend_from_slice(&[0; 4]);
        write(&mut self.values);
        let range = start..self.values.len();
        let length = u32::try_from(range.len()).expect("a text is shorter than 4 GiB");
        self.values[start - 4..start].copy_from_slice(&length.to_le_bytes());
        self.add_level(1);
        let text = &self.values[range.clone()];
        match &mut self.bounds {
            None => self.bounds = Some((range.clone(), range)),
            Some((min, _)) if text < &self.values[min.clone()] => *min = range,
            Some((_, max)) if text > &self.values[max.clone()] => *max = range,
            Some(_) => (),
        }
    }

    pub(crate) fn push_null(&mut self) {
        self.nulls += 1;
        self.add_level(0);
    }

    fn add_level(&mut self, level: u32) {
        self.rows += 1;
        match self.levels.last_mut() {
            Some((last, count)) if *last == level => *count += 1,
            _ => self.levels.push((level, 1)),
        }
    }

    /// Encodes the page, and empties it for the next one.
    pub(crate) fn finish(
        &mut self,
        is_nullable: bool,
        encoder: &mut PageEncoder,
    ) -> ParquetResult<PlainPage> {
        let levels = std::mem::take(&mut self.levels);
        let page = encoder.text_page(self.rows, |out| {
            if is_nullable {
                out.extend_from_slice(&[0; 4]);
                append_runs(levels.into_iter(), 1, out);
                let length = u32::try_from(out.len() - 4).expect("the levels of a page are small");
                out[..4].copy_from_slice(&length.to_le_bytes());
            }
            out.extend_from_slice(&self.values);
        })?;
        let text = |range: Range<usize>| self.values[range].to_vec();
        let bounds = self.bounds.take().map(|(min, max)| (text(min), text(max)));
        self.values.clear();
        let (rows, nulls) = (std::mem::take(&mut self.rows), std::mem::take(&mut self.nulls));
        Ok(PlainPage { page, rows, nulls, bounds })
    }
}

/// Encodes a page of Booleans.
pub(crate) fn boolean_page(
    rows: usize,
    values: impl Iterator<Item = bool>,
    encoder: &mut PageEncoder,
) -> ParquetResult<PlainPage> {
    let mut seen = [false; 2];
    let page = encoder.data_page(rows, Encoding::PLAIN, |out| {
        for (row, value) in values.enumerate() {
            if row % 8 == 0 {
                out.push(0);
            }
            if let Some(last) = out.last_mut() {
                *last |= u8::from(value) << (row % 8);
            }
            seen[usize::from(value)] = true;
        }
    })?;
    let number = |value: bool| i64::from(value).to_le_bytes().to_vec();
    let bounds = (rows > 0).then(|| (number(!seen[0]), number(seen[1])));
    Ok(PlainPage { page, rows, nulls: 0, bounds })
}

/// Returns the column chunk of these pages.
pub(crate) fn plain_chunk(
    column: ColumnDescPtr,
    kind: FieldKind,
    pages: &[PlainPage],
) -> ParquetResult<Chunk> {
    let mut chunk = ChunkBuilder::new(column);
    // Not a dictionary of the column: statistics compare the bounds of pages in it.
    let mut bounds = Dictionary::new(kind);
    for PlainPage { page, rows, nulls, bounds: of_page } in pages {
        let min_max = of_page.as_ref().map_or_else(MinMax::default, |(min, max)| {
            let min = bounds.push(min);
            MinMax::new(min, bounds.push(max))
        });
        chunk.add_data(page, Encoding::PLAIN, *rows, *nulls, min_max, &bounds);
    }
    chunk.finish(&bounds)
}
