//! The columns that identify the data source and its columns: a few bytes of repeated runs.

use std::ops::Range;

use domesday_model::{ColumnIx, Scope};
use parquet::errors::Result as ParquetResult;

use super::group_encoder::GroupEncoder;
use super::pieces::{Piece, RowGroup, count_rows, split_pages};
use super::section::Section;
use crate::columnar::{Chunk, Column, Dictionary, MinMax, PageEncoder, RowStatistics, rle_hybrid};
use crate::schema::FieldKind;

/// Rows of a page that identifies the source: few, since readers find a source by these pages.
const PAGE_ROWS: usize = 1 << 16;

impl GroupEncoder<'_> {
    /// Encodes the columns with the same value in every row of a piece.
    pub(super) fn source_columns(
        &self,
        group: &RowGroup<'_>,
        encoder: &mut PageEncoder,
    ) -> ParquetResult<Vec<(usize, Chunk)>> {
        let mut ids = Dictionary::new(FieldKind::Integer);
        let mut names = Dictionary::new(FieldKind::String);
        let mut scopes = Dictionary::new(FieldKind::String);
        let mut merged = Dictionary::new(FieldKind::String);
        let mut dates = Dictionary::new(FieldKind::Timestamp);
        let date = dates.intern_number(self.snapshot.at.as_micros());
        let positions: Vec<[u32; 5]> = group
            .pieces
            .iter()
            .map(|piece| {
                let source = &self.snapshot.data_sources[piece.source.source.get()];
                // A column row states the policies by which its reader may read.
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
        let cuts = split_pages(group, PAGE_ROWS);
        let fields = [
            ("datasource_id", ids),
            ("datasource_name", names),
            ("scope", scopes),
            ("merged_policy", merged),
            ("export_date", dates),
        ];
        let chunk = |(at, (field, values)): (usize, (&str, Dictionary))| {
            let column = Column::new(self.column(field), &values);
            let page = |cut: &Range<usize>| {
                let pieces = group.pieces[cut.clone()].iter().zip(&positions[cut.clone()]);
                let runs = pieces.map(|(piece, positions)| (positions[at], piece.rows.len()));
                let statistics = RowStatistics {
                    rows: count_rows(&group.pieces[cut.clone()]),
                    nulls: 0,
                    min_max: values.min_max(runs.clone().map(|(position, _)| position)),
                };
                column.page(
                    statistics,
                    encoder,
                    |_| (),
                    |out| rle_hybrid::append_runs(runs, column.width, out),
                )
            };
            let pages = cuts.iter().map(page).collect::<ParquetResult<Vec<_>>>()?;
            Ok((self.position(field), column.chunk(&pages, encoder)?))
        };
        fields.into_iter().enumerate().map(chunk).collect()
    }

    /// Encodes column_id: null on table rows, and the source's masked columns in a cycle on column rows.
    pub(super) fn column_ids(
        &self,
        group: &RowGroup<'_>,
        cuts: &[Range<usize>],
        encoder: &mut PageEncoder,
    ) -> ParquetResult<Vec<(usize, Chunk)>> {
        let mut values = Dictionary::new(FieldKind::Integer);
        let mut last = None;
        // The dictionary index of the first column of each piece's source.
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
        let column = Column::new(self.column("column_id"), &values);
        let page = |cut: &Range<usize>| {
            let pieces = || group.pieces[cut.clone()].iter().zip(&firsts[cut.clone()]);
            let mut statistics = RowStatistics::default();
            for (piece, first) in pieces() {
                statistics.rows += piece.rows.len();
                if piece.section == Section::Columns {
                    statistics.min_max =
                        values.join(statistics.min_max, cycle_min_max(piece, *first, &values));
                } else {
                    statistics.nulls += piece.rows.len();
                }
            }
            let is_set = |piece: &Piece<'_>| u32::from(piece.section == Section::Columns);
            let levels = pieces().map(|(piece, _)| (is_set(piece), piece.rows.len()));
            column.page(
                statistics,
                encoder,
                |out| rle_hybrid::append_runs(levels, 1, out),
                |out| {
                    for (piece, first) in pieces().filter(|(piece, _)| piece.section == Section::Columns) {
                        let (from, slots) = column_cycle(piece);
                        rle_hybrid::append_cycle(*first, slots, from, piece.rows.len(), column.width, out);
                    }
                },
            )
        };
        let pages = cuts.iter().map(page).collect::<ParquetResult<Vec<_>>>()?;
        Ok(vec![(self.position("column_id"), column.chunk(&pages, encoder)?)])
    }
}

/// Returns the column of its source with which a piece of column rows begins, and how many there are.
fn column_cycle(piece: &Piece<'_>) -> (usize, usize) {
    let slots = piece.class.outcomes.columns.slots.len();
    (piece.rows.start % slots, slots)
}

fn cycle_min_max(piece: &Piece<'_>, first: u32, values: &Dictionary) -> MinMax {
    let (from, slots) = column_cycle(piece);
    let seen = 0..piece.rows.len().min(slots);
    values.min_max(seen.map(|row| first + ((from + row) % slots) as u32))
}
