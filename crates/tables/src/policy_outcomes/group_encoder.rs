//! Encodes a row group: from pieces to column chunks.
//!
//! Every column is dictionary-encoded. What is the same for all sources of a class (users, reasons) is encoded once per
//! group; a page is a concatenation of these bytes, and equal pages are compressed once. The columns that identify the
//! source are a few bytes of repeated runs.

use std::ops::Range;

use domesday_model::{FastMap, Snapshot};
use parquet::basic::Encoding;
use parquet::errors::Result as ParquetResult;
use parquet::schema::types::{ColumnDescPtr, SchemaDescriptor};
use rayon::prelude::*;

use super::parts::GroupSize;
use super::pieces::{DistinctPieces, RowGroup, count_rows, split_pages};
use super::section::REASON_FIELDS;
use super::segments::{ReasonColumns, Segments};
use super::size_model::SizeModel;
use super::user_columns::UserColumns;
use crate::columnar::{
    Chunk, ChunkBuilder, Column, EncodedRowGroup, MinMax, PageEncoder, PageEncoderPool, RowStatistics,
};
use crate::schema;

/// Rows of a page of users or reasons: about two megabytes of dictionary indices. Equal sources within a page cost next
/// to nothing, and each page contains its classes again, so that large pages make small files.
pub(super) const PAGE_ROWS: usize = 1 << 20;

/// Encodes row groups.
pub(super) struct GroupEncoder<'a> {
    pub(super) snapshot: &'a Snapshot,
    pub(super) users: &'a UserColumns,
    pub(super) sizes: &'a SizeModel<'a>,
    pub(super) schema: &'a SchemaDescriptor,
    pub(super) page_encoders: PageEncoderPool,
}

/// A finished row group.
pub(super) struct EncodedGroup {
    /// The size by which it was planned.
    pub(super) planned: GroupSize,
    pub(super) encoded: EncodedRowGroup,
}

/// Columns that are encoded together.
#[derive(Clone, Copy)]
enum Task {
    Users,
    Reason(usize),
    Source,
    ColumnIds,
}

impl GroupEncoder<'_> {
    pub(super) fn encode(&self, group: &RowGroup<'_>) -> ParquetResult<EncodedGroup> {
        let distinct = DistinctPieces::find(group);
        let reasons = ReasonColumns::new(&distinct.pieces);
        let segments: Vec<Segments> = distinct
            .pieces
            .par_iter()
            .enumerate()
            .map(|(position, piece)| Segments::encode(piece, position, self.users, &reasons))
            .collect();
        let cuts = split_pages(group, PAGE_ROWS);

        let mut tasks = vec![Task::Users, Task::Source, Task::ColumnIds];
        tasks.extend((0..REASON_FIELDS.len()).map(Task::Reason));
        let work = |task: Task, encoder: &mut PageEncoder| match task {
            Task::Users => self.user_columns(group, &cuts, &distinct, &segments, encoder),
            Task::Source => self.source_columns(group, encoder),
            Task::ColumnIds => self.column_ids(group, &cuts, encoder),
            Task::Reason(field) => {
                let column = Column::new(self.column(REASON_FIELDS[field]), &reasons.values[field]);
                let pages = cached_pages(&cuts, &distinct, |cut| {
                    let segments =
                        cut.clone().map(|piece| &segments[distinct.of_piece[piece]].reasons[field]);
                    let mut statistics = RowStatistics {
                        rows: count_rows(&group.pieces[cut.clone()]),
                        ..RowStatistics::default()
                    };
                    for segment in segments.clone() {
                        statistics.nulls += segment.nulls;
                        statistics.min_max = column.values.join(statistics.min_max, segment.min_max);
                    }
                    let levels = segments.clone().map(|segment| segment.levels.as_slice());
                    let values = segments.map(|segment| segment.values.as_slice());
                    column.page(
                        statistics,
                        encoder,
                        |out| append_all(levels, out),
                        |out| append_all(values, out),
                    )
                })?;
                Ok(vec![(self.position(REASON_FIELDS[field]), column.chunk(&pages, encoder)?)])
            }
        };
        let done: Vec<Vec<(usize, Chunk)>> = tasks
            .into_par_iter()
            .map(|task| self.page_encoders.with(|encoder| work(task, encoder)))
            .collect::<ParquetResult<_>>()?;
        let chunks: Vec<(usize, Chunk)> = done.into_iter().flatten().collect();
        let planned =
            GroupSize { estimate: self.sizes.estimate(group, &cuts, &distinct), bound: group.bound };
        let encoded = EncodedRowGroup::new(group.rows, chunks, self.schema.num_columns());
        Ok(EncodedGroup { planned, encoded })
    }

    fn user_columns(
        &self,
        group: &RowGroup<'_>,
        cuts: &[Range<usize>],
        distinct: &DistinctPieces<'_>,
        segments: &[Segments],
        encoder: &mut PageEncoder,
    ) -> ParquetResult<Vec<(usize, Chunk)>> {
        let columns = &self.users.columns;
        let pages = cached_pages(cuts, distinct, |cut| {
            let of_cut = || cut.clone().map(|piece| &segments[distinct.of_piece[piece]]);
            let rows = count_rows(&group.pieces[cut.clone()]);
            let min_max = of_cut().fold([MinMax::default(); 3], |all, segments| {
                let join = |at: usize| columns[at].values.join(all[at], segments.user_min_max[at]);
                std::array::from_fn(join)
            });
            let page = encoder.user_page(rows, |content| {
                content.push(self.users.width as u8);
                append_all(of_cut().map(|segments| segments.users.as_slice()), content);
            });
            Ok((page?, rows, min_max))
        })?;
        let fields = ["global_user_id", "user_id", "username"];
        let chunk = |(at, field): (usize, &str)| {
            let mut chunk = ChunkBuilder::new(self.column(field));
            chunk.add_dictionary(&columns[at].page);
            for (page, rows, min_max) in &pages {
                let values = &columns[at].values;
                chunk.add_data(page, Encoding::RLE_DICTIONARY, *rows, 0, min_max[at], values);
            }
            Ok((self.position(field), chunk.finish(&columns[at].values)?))
        };
        fields.into_iter().enumerate().map(chunk).collect()
    }

    pub(super) fn position(&self, field: &str) -> usize {
        schema::POLICY_OUTCOMES.position(field).expect("a field of the table")
    }

    pub(super) fn column(&self, field: &str) -> ColumnDescPtr {
        self.schema.column(self.position(field))
    }
}

/// Encodes the pages of a column, those of equal pieces only once.
fn cached_pages<P: Clone>(
    cuts: &[Range<usize>],
    distinct: &DistinctPieces<'_>,
    mut make: impl FnMut(&Range<usize>) -> ParquetResult<P>,
) -> ParquetResult<Vec<P>> {
    let mut known: FastMap<&[usize], P> = FastMap::default();
    cuts.iter()
        .map(|cut| {
            let pieces = &distinct.of_piece[cut.clone()];
            if let Some(page) = known.get(pieces) {
                return Ok(page.clone());
            }
            let page = make(cut)?;
            known.insert(pieces, page.clone());
            Ok(page)
        })
        .collect()
}

/// Concatenates bytes.
fn append_all<'b>(all: impl Iterator<Item = &'b [u8]>, out: &mut Vec<u8>) {
    all.for_each(|bytes| out.extend_from_slice(bytes));
}
