//! One row group: pieces to column chunks.
//!
//! Everything is dictionary-encoded. What is the same for all sources of a class (users, reasons) is turned to
//! bytes once per group; a page is such bytes one after the other, and equal pages are compressed once. What
//! names the source is a few bytes of repeated runs.

use std::io::Write;
use std::ops::Range;

use domesday_model::{ColumnIx, FastMap, Scope, Snapshot};
use parquet::basic::Encoding;
use parquet::errors::Result as ParquetResult;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::{ColumnDescPtr, SchemaDescriptor};
use rayon::prelude::*;

use super::chunk::{Chunk, ChunkBuilder, Page, PageMaker, PageMakers};
use super::class::{REASON_FIELDS, Section};
use super::hybrid::width_of;
use super::people::People;
use super::plan::{Group, Piece, PieceKey, pages};
use super::segment::{ReasonColumns, Segment, Segments, column_ids, constant, content};
use super::values::{Extremes, Values};
use crate::schema::{self, FieldKind};

/// Rows of a page of users or reasons: about two megabytes of positions. Equal sources within a page cost next to
/// nothing, and each page states its classes anew, so that large pages make small files.
const PAGE_ROWS: usize = 1 << 20;

/// Rows of a page that names the source: few, since readers look for a source by these pages.
const PLACE_PAGE_ROWS: usize = 1 << 16;

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
                let of_piece = |piece: usize| &segments[distinct.of_piece[piece]].reasons[field];
                let column = Column {
                    descr: self.column(REASON_FIELDS[field]),
                    values: &reasons.values[field],
                    width: reasons.widths[field],
                };
                let pages = cached_pages(&cuts, &distinct, |cut| column.page(group, cut, of_piece, maker))?;
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
            let rows = group.pieces[cut.clone()].iter().map(|piece| piece.rows.len()).sum();
            let extremes = of_cut().fold([Extremes::default(); 3], |all, segments| {
                let join = |at: usize| people[at].values.join(all[at], segments.user_extremes[at]);
                std::array::from_fn(join)
            });
            let page = maker.data(rows, Encoding::RLE_DICTIONARY, |content| {
                content.push(self.people.width as u8);
                of_cut().for_each(|segments| content.extend_from_slice(&segments.users));
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

    /// The columns that say the same in every row of a piece.
    fn places(&self, group: &Group<'_>, maker: &mut PageMaker) -> ParquetResult<Vec<(usize, Chunk)>> {
        let mut ids = Values::new(FieldKind::Integer);
        let mut names = Values::new(FieldKind::String);
        let mut scopes = Values::new(FieldKind::String);
        let mut merged = Values::new(FieldKind::String);
        let mut dates = Values::new(FieldKind::Timestamp);
        let date = dates.intern_number(self.snapshot.at.as_micros());
        let positions: Vec<[u32; 5]> = group
            .pieces
            .iter()
            .map(|piece| {
                let source = &self.snapshot.data_sources[piece.source.source.get()];
                // A column row states the policy by which its reader may read.
                let scope = match piece.section {
                    Section::Table(scope) => scope,
                    Section::Columns => Scope::Read,
                };
                [
                    ids.intern_number(source.id.0),
                    names.intern(source.name.as_bytes()),
                    scopes.intern(piece.section.scope().as_str().as_bytes()),
                    merged.intern(piece.class.outcomes.scope(scope).merged_policy.as_bytes()),
                    date,
                ]
            })
            .collect();
        let cuts = pages(group, PLACE_PAGE_ROWS);
        let columns = [
            ("datasource_id", ids),
            ("datasource_name", names),
            ("scope", scopes),
            ("merged_policy", merged),
            ("export_date", dates),
        ];
        let mut chunk = |(at, (field, values)): (usize, &(&'static str, Values))| {
            let column = Column { descr: self.column(field), values, width: width(values) };
            let segment = |piece: &Piece<'_>, at: &[u32; 5], field: usize| {
                constant(at[field], piece.rows.len(), column.width)
            };
            let segments: Vec<Segment> = group
                .pieces
                .iter()
                .zip(&positions)
                .map(|(piece, positions)| segment(piece, positions, at))
                .collect();
            let pages = cuts.iter().map(|cut| column.page(group, cut, |piece| &segments[piece], maker));
            let pages = pages.collect::<ParquetResult<Vec<_>>>()?;
            Ok((self.position(field), column.chunk(&pages, maker)?))
        };
        columns.iter().enumerate().map(&mut chunk).collect()
    }

    fn column_ids(
        &self,
        group: &Group<'_>,
        cuts: &[Range<usize>],
        maker: &mut PageMaker,
    ) -> ParquetResult<Vec<(usize, Chunk)>> {
        let mut values = Values::new(FieldKind::Integer);
        let mut last = None;
        let firsts: Vec<u32> = group
            .pieces
            .iter()
            .map(|piece| match last {
                Some((source, first)) if source == piece.source.source => first,
                _ => {
                    let first = values.len() as u32;
                    let id = |ix: &ColumnIx| self.snapshot.columns[ix.get()].id.0;
                    let has_columns = piece.class.section_rows(Section::Columns) > 0;
                    for ix in piece.source.columns.iter().filter(|_| has_columns) {
                        values.push(&id(ix).to_le_bytes());
                    }
                    last = Some((piece.source.source, first));
                    first
                }
            })
            .collect();
        let column = Column { descr: self.column("column_id"), values: &values, width: width(&values) };
        let pieces = group.pieces.iter().zip(&firsts);
        let segments: Vec<Segment> =
            pieces.map(|(piece, first)| column_ids(piece, *first, column.width, &values)).collect();
        let pages = cuts.iter().map(|cut| column.page(group, cut, |piece| &segments[piece], maker));
        let pages = pages.collect::<ParquetResult<Vec<_>>>()?;
        Ok(vec![(self.position("column_id"), column.chunk(&pages, maker)?)])
    }

    fn position(&self, field: &str) -> usize {
        schema::POLICY_OUTCOMES.position(field).expect("a field of the table")
    }

    fn column(&self, field: &str) -> ColumnDescPtr {
        self.schema.column(self.position(field))
    }
}

fn width(values: &Values) -> u32 {
    width_of((values.len() as u32).saturating_sub(1))
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

/// A page with what is said about it outside.
#[derive(Clone)]
struct DescribedPage {
    page: Page,
    encoding: Encoding,
    rows: usize,
    nulls: usize,
    extremes: Extremes,
}

/// One column of a row group.
struct Column<'a> {
    descr: ColumnDescPtr,
    values: &'a Values,
    width: u32,
}

impl Column<'_> {
    fn page<'s>(
        &self,
        group: &Group<'_>,
        cut: &Range<usize>,
        segment: impl Fn(usize) -> &'s Segment + Copy,
        maker: &mut PageMaker,
    ) -> ParquetResult<DescribedPage> {
        let segments = cut.clone().map(segment);
        let rows = group.pieces[cut.clone()].iter().map(|piece| piece.rows.len()).sum();
        // A column of nulls alone has no dictionary to point into.
        let has_values = self.values.len() > 0;
        let encoding = if has_values { Encoding::RLE_DICTIONARY } else { Encoding::PLAIN };
        let nullable = self.descr.max_def_level() > 0;
        Ok(DescribedPage {
            page: maker.data(rows, encoding, |out| {
                content(segments.clone(), nullable, has_values.then_some(self.width), out);
            })?,
            encoding,
            rows,
            nulls: segments.clone().map(|segment| segment.nulls).sum(),
            extremes: segments
                .fold(Extremes::default(), |all, segment| self.values.join(all, segment.extremes)),
        })
    }

    fn chunk(&self, pages: &[DescribedPage], maker: &mut PageMaker) -> ParquetResult<Chunk> {
        let mut chunk = ChunkBuilder::new(self.descr.clone());
        if self.values.len() > 0 {
            chunk.dictionary(&maker.dictionary(self.values)?);
        }
        for DescribedPage { page, encoding, rows, nulls, extremes } in pages {
            chunk.data(page, *encoding, *rows, *nulls, *extremes, self.values);
        }
        chunk.finish(self.values)
    }
}
