//! Pieces: ranges of rows of one section of a data source, of which row groups and pages are made.

use std::ops::Range;
use std::sync::Arc;

use domesday_engine::{ClassIx, SourceOutcomes};
use domesday_model::FastMap;

use super::RowPosition;
use super::prepared_class::PreparedClass;
use super::section::Section;

/// Some rows of one section of a data source.
pub(super) struct Piece<'a, C = PreparedClass> {
    pub(super) source: &'a SourceOutcomes,
    pub(super) class: Arc<C>,
    pub(super) section: Section,
    pub(super) rows: Range<usize>,
}

/// Pieces with equal keys have equal rows, except for the columns that identify the source and its columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct PieceKey {
    class: ClassIx,
    section: Section,
    start: usize,
    end: usize,
}

impl<C> Piece<'_, C> {
    pub(super) fn key(&self) -> PieceKey {
        let (start, end) = (self.rows.start, self.rows.end);
        PieceKey { class: self.source.class, section: self.section, start, end }
    }
}

/// The rows of one row group.
pub(super) struct RowGroup<'a, C = PreparedClass> {
    pub(super) pieces: Vec<Piece<'a, C>>,
    pub(super) rows: usize,
    /// Its first row.
    pub(super) start: RowPosition,
    /// The most bytes that it can take.
    pub(super) bound: u64,
}

/// The pieces of a group that differ in more than the source.
pub(super) struct DistinctPieces<'g, C = PreparedClass> {
    pub(super) pieces: Vec<&'g Piece<'g, C>>,
    /// For each piece of the group, its equal among `pieces`.
    pub(super) of_piece: Vec<usize>,
}

impl<'g, C> DistinctPieces<'g, C> {
    pub(super) fn find(group: &'g RowGroup<'g, C>) -> Self {
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

/// Returns the number of rows of some pieces.
pub(super) fn count_rows<C>(pieces: &[Piece<'_, C>]) -> usize {
    pieces.iter().map(|piece| piece.rows.len()).sum()
}

/// Splits the pieces of a group into pages of up to about `limit` rows.
pub(super) fn split_pages<C>(group: &RowGroup<'_, C>, limit: usize) -> Vec<Range<usize>> {
    let mut pages = Vec::new();
    let (mut start, mut rows) = (0, 0);
    let mut at = 0;
    for pieces in group.pieces.chunk_by(|left, right| left.source.source == right.source.source) {
        let of_source = count_rows(pieces);
        let mut cut = |at: usize, rows: &mut usize| {
            pages.push(start..at);
            (start, *rows) = (at, 0);
        };
        if rows > 0 && rows + of_source > limit {
            cut(at, &mut rows);
        }
        for piece in pieces {
            if rows > 0 && rows + piece.rows.len() > limit {
                cut(at, &mut rows);
            }
            rows += piece.rows.len();
            at += 1;
        }
    }
    if start < at {
        pages.push(start..at);
    }
    pages
}
