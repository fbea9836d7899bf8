//! Assigns rows to row groups and pages.
//!
//! A data source's rows come in three sections: read, write, columns. A *piece* is a range of rows of one
//! section; a row group is a sequence of pieces. Groups and pages end between two data sources wherever possible, so
//! that a reader of one source opens few of them, and so that equal sources have equal pages.
//!
//! Groups follow from the shapes of classes, so that they can be planned without outcomes ([`ClassShape`]), and from
//! nothing before their first row, so that planning can begin at any of them.

use std::ops::Range;
use std::sync::Arc;

use domesday_engine::{ClassIx, SourceOutcomes};
use domesday_model::FastSet;

use super::RowPosition;
use super::class_shape::{ClassShape, HasShape};
use super::pieces::{Piece, RowGroup};
use super::prepared_class::PreparedClass;
use super::section::Section;
use super::size_model::{AddedPiece, SizeBound, SizeModel};

/// The most rows of a piece.
const MAX_PIECE_ROWS: usize = 1 << 17;

/// Assigns data sources to row groups.
pub(super) struct RowGroupPlanner<'a, 'm, C = PreparedClass> {
    limit: usize,
    max_bytes: u64,
    model: &'m SizeModel<'m>,
    pieces: Vec<Piece<'a, C>>,
    rows: usize,
    start: RowPosition,
    bound: SizeBound,
    /// The classes in the current group.
    classes: FastSet<ClassIx>,
    full: Vec<RowGroup<'a, C>>,
}

impl<'a, 'm, C: HasShape> RowGroupPlanner<'a, 'm, C> {
    /// Creates a planner of groups of at most `limit` rows and, where a group can be divided, `max_bytes` bytes.
    pub(super) fn new(limit: usize, max_bytes: u64, model: &'m SizeModel<'m>) -> Self {
        Self {
            limit: limit.max(1),
            max_bytes,
            model,
            pieces: Vec::new(),
            rows: 0,
            start: RowPosition::default(),
            bound: SizeBound::default(),
            classes: FastSet::default(),
            full: Vec::new(),
        }
    }

    /// Adds some rows of the data source at a position.
    pub(super) fn add(
        &mut self,
        position: usize,
        source: &'a SourceOutcomes,
        class: &Arc<C>,
        wanted: Range<usize>,
    ) {
        let shape = class.shape();
        if self.rows + shape.rows() > self.limit {
            self.close();
        }
        let mut offset = 0;
        for section in Section::ALL {
            let rows = shape.section(section).rows;
            let mut start = wanted.start.saturating_sub(offset).min(rows);
            let stop = wanted.end.saturating_sub(offset).min(rows);
            while start < stop {
                let mut end = stop.min(start + MAX_PIECE_ROWS.min(self.limit - self.rows));
                if self.bound_with(source, shape, section, end - start).bytes(self.model) > self.max_bytes {
                    self.close();
                    end = stop.min(start + MAX_PIECE_ROWS.min(self.limit));
                }
                let at = RowPosition { source: position, row: offset + start };
                self.push(at, Piece { source, class: Arc::clone(class), section, rows: start..end });
                if self.rows == self.limit {
                    self.close();
                }
                start = end;
            }
            offset += rows;
        }
    }

    /// Returns the bound of the current group with another piece.
    fn bound_with(
        &self,
        source: &SourceOutcomes,
        shape: &ClassShape,
        section: Section,
        rows: usize,
    ) -> SizeBound {
        self.bound.with(
            self.model,
            &AddedPiece {
                source: source.source,
                shape,
                section,
                rows,
                is_new_class: !self.classes.contains(&source.class),
                is_new_source: self.pieces.last().is_none_or(|last| last.source.source != source.source),
            },
        )
    }

    fn push(&mut self, at: RowPosition, piece: Piece<'a, C>) {
        if self.pieces.is_empty() {
            self.start = at;
        }
        self.bound = self.bound_with(piece.source, piece.class.shape(), piece.section, piece.rows.len());
        self.classes.insert(piece.source.class);
        self.rows += piece.rows.len();
        self.pieces.push(piece);
    }

    /// Ends the current group.
    pub(super) fn close(&mut self) {
        if self.rows > 0 {
            self.full.push(RowGroup {
                pieces: std::mem::take(&mut self.pieces),
                rows: std::mem::take(&mut self.rows),
                start: self.start,
                bound: std::mem::take(&mut self.bound).bytes(self.model),
            });
            self.classes.clear();
        }
    }

    /// Returns how many groups are ready.
    pub(super) fn ready_count(&self) -> usize {
        self.full.len()
    }

    /// Returns the groups that are ready, at most so many, in order.
    pub(super) fn take(&mut self, count: usize) -> Vec<RowGroup<'a, C>> {
        self.full.drain(..count.min(self.full.len())).collect()
    }
}
