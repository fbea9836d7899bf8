//! Assigns rows to row groups and pages.
//!
//! Groups and pages end between two data sources wherever possible, so that a reader of one source opens few of them, and so
//! that equal sources have equal pages.

use std::ops::Range;

use domesday_model::FastMap;

use super::table_rows::{Piece, SourceRows, TableRows};
use crate::Settings;

/// The most rows of a piece.
const MAX_PIECE_ROWS: usize = 1 << 14;

/// Texts that compress less than this many times make larger parts than the settings say.
const TEXT_COMPRESSION: usize = 4;

/// Iterates over the row groups of a table.
pub(super) struct RowGroups<'t, T, I> {
    table: &'t T,
    sources: I,
    /// A data source of which these first rows are in groups already.
    current: Option<(SourceRows, usize)>,
    max_rows: usize,
    /// The most bytes of text, as far as a group can be divided.
    max_bytes: usize,
}

impl<'t, T: TableRows> RowGroups<'t, T, ()> {
    /// Plans groups of at most [`Settings::row_group_rows`], with no more text than a part should have.
    pub(super) fn new(
        table: &'t T,
        settings: &Settings,
    ) -> RowGroups<'t, T, impl Iterator<Item = SourceRows> + use<'t, T>> {
        RowGroups {
            table,
            sources: table.sources(),
            current: None,
            max_rows: settings.row_group_rows.max(1),
            max_bytes: settings.part_bytes.saturating_mul(TEXT_COMPRESSION),
        }
    }
}

impl<T: TableRows, I: Iterator<Item = SourceRows>> Iterator for RowGroups<'_, T, I> {
    type Item = Vec<Piece>;

    fn next(&mut self) -> Option<Vec<Piece>> {
        let mut pieces = Vec::new();
        let (mut rows, mut bytes) = (0, 0_usize);
        while let Some((of, start)) = self.current.take().or_else(|| Some((self.sources.next()?, 0))) {
            let row_bytes = self.table.row_bytes(&of);
            let room = (self.max_rows - rows).min(self.max_bytes.saturating_sub(bytes) / row_bytes);
            let rest = of.rows - start;
            let is_divided = start > 0;
            if rows > 0 && (room == 0 || (!is_divided && rest > room)) {
                self.current = Some((of, start));
                break;
            }
            let end = start + rest.min(room.max(1)).min(MAX_PIECE_ROWS);
            rows += end - start;
            bytes = bytes.saturating_add((end - start).saturating_mul(row_bytes));
            pieces.push(Piece { of, rows: start..end });
            if end < of.rows {
                self.current = Some((of, end));
            }
        }
        (!pieces.is_empty()).then_some(pieces)
    }
}

/// The pieces of a row group that differ in more than the relation.
pub(super) struct DistinctPieces<'g> {
    pub(super) pieces: Vec<&'g Piece>,
    /// How often each occurs.
    pub(super) counts: Vec<usize>,
    /// For each piece of the row group, its equal among `pieces`.
    pub(super) of_piece: Vec<usize>,
}

impl<'g> DistinctPieces<'g> {
    pub(super) fn find(group: &'g [Piece]) -> Self {
        let mut by_key: FastMap<(usize, u32, usize, usize), usize> = FastMap::default();
        let mut distinct = Self { pieces: Vec::new(), counts: Vec::new(), of_piece: Vec::new() };
        for piece in group {
            let key = (piece.of.drift, piece.of.group, piece.rows.start, piece.rows.end);
            let position = *by_key.entry(key).or_insert(distinct.pieces.len());
            if position == distinct.pieces.len() {
                distinct.pieces.push(piece);
                distinct.counts.push(0);
            }
            distinct.counts[position] += 1;
            distinct.of_piece.push(position);
        }
        distinct
    }
}

/// Returns the number of rows of some pieces.
pub(super) fn count_rows(pieces: &[Piece]) -> usize {
    pieces.iter().map(|piece| piece.rows.len()).sum()
}

/// Splits the pieces of a row group into pages of up to `limit` rows; a larger piece is a page of its own.
pub(super) fn split_pages(group: &[Piece], limit: usize) -> Vec<Range<usize>> {
    let mut pages = Vec::new();
    let (mut start, mut rows) = (0, 0);
    for (at, piece) in group.iter().enumerate() {
        if rows > 0 && rows + piece.rows.len() > limit {
            pages.push(start..at);
            (start, rows) = (at, 0);
        }
        rows += piece.rows.len();
    }
    if start < group.len() {
        pages.push(start..group.len());
    }
    pages
}
