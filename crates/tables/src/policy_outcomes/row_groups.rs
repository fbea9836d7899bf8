//! Assigns rows to row groups and pages.
//!
//! A data source's rows come in three sections: read, write, columns. A *piece* is a range of rows of one
//! section; a row group is a sequence of pieces. Groups and pages end between two data sources wherever possible, so
//! that a reader of one source opens few of them, and so that equal sources have equal pages.

use std::ops::Range;
use std::sync::Arc;

use domesday_engine::{ClassIx, SourceOutcomes};

use super::prepared_class::{PreparedClass, Section};

/// The most rows of a piece.
const MAX_PIECE_ROWS: usize = 1 << 17;

/// Some rows of one section of a data source.
#[derive(Clone)]
pub(super) struct Piece<'a> {
    pub(super) source: &'a SourceOutcomes,
    pub(super) class: Arc<PreparedClass>,
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

impl Piece<'_> {
    pub(super) fn key(&self) -> PieceKey {
        let (start, end) = (self.rows.start, self.rows.end);
        PieceKey { class: self.source.class, section: self.section, start, end }
    }
}

/// The rows of one row group.
#[derive(Default)]
pub(super) struct RowGroup<'a> {
    pub(super) pieces: Vec<Piece<'a>>,
    pub(super) rows: usize,
}

/// Assigns data sources to row groups.
pub(super) struct RowGroupPlanner<'a> {
    limit: usize,
    current: RowGroup<'a>,
    full: Vec<RowGroup<'a>>,
}

impl<'a> RowGroupPlanner<'a> {
    /// Creates a planner of groups of at most `limit` rows.
    pub(super) fn new(limit: usize) -> Self {
        Self { limit: limit.max(1), current: RowGroup::default(), full: Vec::new() }
    }

    pub(super) fn add(&mut self, source: &'a SourceOutcomes, class: &Arc<PreparedClass>) {
        if self.current.rows + class.rows() > self.limit {
            self.close();
        }
        for section in Section::ALL {
            let rows = class.section_rows(section);
            let mut start = 0;
            while start < rows {
                let end = rows.min(start + MAX_PIECE_ROWS.min(self.limit - self.current.rows));
                let class = Arc::clone(class);
                self.current.pieces.push(Piece { source, class, section, rows: start..end });
                self.current.rows += end - start;
                if self.current.rows == self.limit {
                    self.close();
                }
                start = end;
            }
        }
    }

    /// Ends the current group.
    pub(super) fn close(&mut self) {
        if self.current.rows > 0 {
            self.full.push(std::mem::take(&mut self.current));
        }
    }

    /// Returns how many groups are ready.
    pub(super) fn ready_count(&self) -> usize {
        self.full.len()
    }

    /// Returns the groups that are ready, at most so many, in order.
    pub(super) fn take(&mut self, count: usize) -> Vec<RowGroup<'a>> {
        self.full.drain(..count.min(self.full.len())).collect()
    }
}

/// Returns the number of rows of some pieces.
pub(super) fn count_rows(pieces: &[Piece<'_>]) -> usize {
    pieces.iter().map(|piece| piece.rows.len()).sum()
}

/// Splits the pieces of a group into pages of up to about `limit` rows.
pub(super) fn split_pages(group: &RowGroup<'_>, limit: usize) -> Vec<Range<usize>> {
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
