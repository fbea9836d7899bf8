//! One row group: pieces to column chunks.
//!
//! Everything is dictionary-encoded. What is the same for all sources of a class (users, reasons) is turned to
//! bytes once per group; a page is such bytes one after the other, and equal pages are compressed once. What
//! names the source is a few bytes of repeated runs.

use std::io::Write;
use std::ops::Range;

use domesday_model::{FastMap, Snapshot};
use parquet::basic::Encoding;
use parquet::errors::Result as ParquetResult;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::{ColumnDescPtr, SchemaDescriptor};
use rayon::prelude::*;

use super::chunk::{Chunk, ChunkBuilder, PageMaker, PageMakers};
use super::class::REASON_FIELDS;
use super::column::{Column, Rows};
use super::people::People;
use super::plan::{Group, Piece, PieceKey, pages, rows_of};
use super::segment::{ReasonColumns, Segments};
use super::values::Extremes;
use crate::schema;

/// Rows of a page of users or reasons: about two megabytes of positions. Equal sources within a page cost next to
/// nothing, and each page states its classes anew, so that large pages make small files.
const PAGE_ROWS: usize = 1 << 20;

/// What row groups are made with.
pub(super) struct Context<'a> {
    pub(super) snapshot: &'a Snapshot,
    pub(super) people: &'a People,
    pub(super) schema: &'a SchemaDescriptor,
    pub(super) makers: PageMakers,
}

/// A finished row group.
pub(super) struct EncodedGroup {
    pub(super) rows: usize,
    chunks: Vec<Chunk>,
}

impl EncodedGroup {
    pub(super) fn append<W: Write + Send>(self, file: &mut SerializedFileWriter<W>) -> ParquetResult<()> {
        let mut group = file.next_row_group()?;
        self.chunks.into_iter().try_for_each(|chunk| chunk.append(&mut group))?;
        group.close().map(drop)
    }

    /// Its size in a file, without metadata.
    pub(super) fn bytes(&self) -> usize {
        self.chunks.iter().map(Chunk::bytes).sum()
    }
}

/// Columns that are made together.
#[derive(Clone, Copy)]
enum Task {
    Users,
    Reason(usize),
    Places,
    ColumnIds,
}

impl Context<'_> {
    pub(super) fn encode(&self, group: &Group<'_>) -> ParquetResult<EncodedGroup> {
        let distinct = Distinct::of(group);
        let reasons = ReasonColumns::of(&distinct.pieces);
        let segments: Vec<Segments> = distinct
            .pieces
            .par_iter()
            .enumerate()
            .map(|(at, piece)| Segments::of(piece, at, self.people, &reasons))
            .collect();
        let cuts = pages(group, PAGE_ROWS);

        let mut tasks = vec![Task::Users, Task::Places, Task::ColumnIds];
        tasks.extend((0..REASON_FIELDS.len()).map(Task::Reason));
        let work = |task: Task, maker: &mut PageMaker| match task {
            Task::Users => self.users(group, &cuts, &distinct, &segments, maker),
            Task::Places => self.places(group, maker),
            Task::ColumnIds => self.column_ids(group, &cuts, maker),
            Task::Reason(field) => {
                let column = Column::of(self.column(REASON_FIELDS[field]), &reasons.values[field]);
                let pages = cached_pages(&cuts, &distinct, |cut| {
                    let segments =
                        cut.clone().map(|piece| &segments[distinct.of_piece[piece]].reasons[field]);
                    let mut about = Rows { rows: rows_of(&group.pieces[cut.clone()]), ..Rows::default() };
                    for segment in segments.clone() {
                        about.nulls += segment.nulls;
                        about.extremes = column.values.join(about.extremes, segment.extremes);
                    }
                    let levels = segments.clone().map(|segment| segment.levels.as_slice());
                    let values = segments.map(|segment| segment.values.as_slice());
                    column.page(about, maker, |out| append(levels, out), |out| append(values, out))
                })?;
                Ok(vec![(self.position(REASON_FIELDS[field]), column.chunk(&pages, maker)?)])
            }
        };
        let done: Vec<Vec<(usize, Chunk)>> = tasks
            .into_par_iter()
            .map(|task| self.makers.with(|maker| work(task, maker)))
            .collect::<ParquetResult<_>>()?;
        let mut chunks: Vec<(usize, Chunk)> = done.into_iter().flatten().collect();
        chunks.sort_by_key(|(position, _)| *position);
        assert!(chunks.iter().map(|(position, _)| *position).eq(0..self.schema.num_columns()));
        Ok(EncodedGroup { rows: group.rows, chunks: chunks.into_iter().map(|(_, chunk)| chunk).collect() })
    }

    fn users(
        &self,
        group: &Group<'_>,
        cuts: &[Range<usize>],
        distinct: &Distinct<'_>,
        segments: &[Segments],
        maker: &mut PageMaker,
    ) -> ParquetResult<Vec<(usize, Chunk)>> {
        let people = &self.people.columns;
        let pages = cached_pages(cuts, distinct, |cut| {
            let of_cut = || cut.clone().map(|piece| &segments[distinct.of_piece[piece]]);
            let rows = rows_of(&group.pieces[cut.clone()]);
            let extremes = of_cut().fold([Extremes::default(); 3], |all, segments| {
                let join = |at: usize| people[at].values.join(all[at], segments.user_extremes[at]);
                std::array::from_fn(join)
            });
            let page = maker.users(rows, |content| {
                content.push(self.people.width as u8);
                append(of_cut().map(|segments| segments.users.as_slice()), content);
            });
            Ok((page?, rows, extremes))
        })?;
        let fields = ["global_user_id", "user_id", "username"];
        let chunk = |(at, field): (usize, &str)| {
            let mut chunk = ChunkBuilder::new(self.column(field));
            chunk.dictionary(&people[at].page);
            for (page, rows, extremes) in &pages {
                let values = &people[at].values;
                chunk.data(page, Encoding::RLE_DICTIONARY, *rows, 0, extremes[at], values);
            }
            Ok((self.position(field), chunk.finish(&people[at].values)?))
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

/// The pieces of a group that differ in more than the source.
struct Distinct<'g> {
    pieces: Vec<&'g Piece<'g>>,
    /// For each piece of the group, its equal among `pieces`.
    of_piece: Vec<usize>,
}

impl<'g> Distinct<'g> {
    fn of(group: &'g Group<'g>) -> Self {
        let mut by_key: FastMap<PieceKey, usize> = FastMap::default();
        let mut pieces = Vec::new();
        let of_piece = group.pieces.iter().map(|piece| {
            *by_key.entry(piece.key()).or_insert_with(|| {
                pieces.push(piece);
                pieces.len() - 1
            })
        });
        let of_piece = of_piece.collect();
        Self { pieces, of_piece }
    }
}

/// Makes the pages of a column, those of equal pieces only once.
fn cached_pages<P: Clone>(
    cuts: &[Range<usize>],
    distinct: &Distinct<'_>,
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

/// Appends bytes one after the other.
fn append<'b>(all: impl Iterator<Item = &'b [u8]>, out: &mut Vec<u8>) {
    all.for_each(|bytes| out.extend_from_slice(bytes));
}
