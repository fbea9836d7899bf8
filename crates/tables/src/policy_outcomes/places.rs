//! The columns that name the data source and its columns: a few bytes of repeated runs.

use std::ops::Range;

use domesday_model::{ColumnIx, Scope};
use parquet::errors::Result as ParquetResult;

use super::chunk::{Chunk, PageMaker};
use super::class::Section;
use super::column::{Column, Rows};
use super::group::Context;
use super::hybrid;
use super::plan::{Group, Piece, pages, rows_of};
use super::values::{Extremes, Values};
use crate::schema::FieldKind;

/// Rows of a page that names the source: few, since readers look for a source by these pages.
const PAGE_ROWS: usize = 1 << 16;

impl Context<'_> {
    /// The columns that say the same in every row of a piece.
    pub(super) fn places(
        &self,
        group: &Group<'_>,
        maker: &mut PageMaker,
    ) -> ParquetResult<Vec<(usize, Chunk)>> {
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
        let cuts = pages(group, PAGE_ROWS);
        let fields = [
            ("datasource_id", ids),
            ("datasource_name", names),
            ("scope", scopes),
            ("merged_policy", merged),
            ("export_date", dates),
        ];
        let chunk = |(at, (field, values)): (usize, (&str, Values))| {
            let column = Column::of(self.column(field), &values);
            let page = |cut: &Range<usize>| {
                let pieces = group.pieces[cut.clone()].iter().zip(&positions[cut.clone()]);
                let runs = pieces.map(|(piece, positions)| (positions[at], piece.rows.len()));
                let about = Rows {
                    rows: rows_of(&group.pieces[cut.clone()]),
                    nulls: 0,
                    extremes: values.extremes(runs.clone().map(|(position, _)| position)),
                };
                column.page(about, maker, |_| (), |out| hybrid::runs(runs, column.width, out))
            };
            let pages = cuts.iter().map(page).collect::<ParquetResult<Vec<_>>>()?;
            Ok((self.position(field), column.chunk(&pages, maker)?))
        };
        fields.into_iter().enumerate().map(chunk).collect()
    }

    /// column_id: null on table rows; on column rows the source's masked columns again and again.
    pub(super) fn column_ids(
        &self,
        group: &Group<'_>,
        cuts: &[Range<usize>],
        maker: &mut PageMaker,
    ) -> ParquetResult<Vec<(usize, Chunk)>> {
        let mut values = Values::new(FieldKind::Integer);
        let mut last = None;
        // Where among the values the columns of each piece's source begin.
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
        let column = Column::of(self.column("column_id"), &values);
        let page = |cut: &Range<usize>| {
            let pieces = || group.pieces[cut.clone()].iter().zip(&firsts[cut.clone()]);
            let mut about = Rows::default();
            for (piece, first) in pieces() {
                about.rows += piece.rows.len();
                if piece.section == Section::Columns {
                    about.extremes = values.join(about.extremes, cycle_extremes(piece, *first, &values));
                } else {
                    about.nulls += piece.rows.len();
                }
            }
            let is_set = |piece: &Piece<'_>| u32::from(piece.section == Section::Columns);
            let levels = pieces().map(|(piece, _)| (is_set(piece), piece.rows.len()));
            column.page(
                about,
                maker,
                |out| hybrid::runs(levels, 1, out),
                |out| {
                    for (piece, first) in pieces().filter(|(piece, _)| piece.section == Section::Columns) {
                        let (from, slots) = cycle(piece);
                        hybrid::cycle(*first, slots, from, piece.rows.len(), column.width, out);
                    }
                },
            )
        };
        let pages = cuts.iter().map(page).collect::<ParquetResult<Vec<_>>>()?;
        Ok(vec![(self.position("column_id"), column.chunk(&pages, maker)?)])
    }
}

/// With which column of its source a piece of column rows begins, and how many there are.
fn cycle(piece: &Piece<'_>) -> (usize, usize) {
    let slots = piece.class.outcomes.columns.slots.len();
    (piece.rows.start % slots, slots)
}

fn cycle_extremes(piece: &Piece<'_>, first: u32, values: &Values) -> Extremes {
    let (from, slots) = cycle(piece);
    let seen = 0..piece.rows.len().min(slots);
    values.extremes(seen.map(|row| first + ((from + row) % slots) as u32))
}
