//! How many bytes row groups take: estimated, and bounded.
//!
//! Where a part ends depends on its estimated size, never on its real size: a machine that writes a few parts then finds
//! the same ends as one that writes all of them. All sizes are whole numbers derived from the snapshot, the same on every
//! machine.

use std::ops::Range;

use domesday_model::{DataSourceIx, FastSet, Snapshot};

use super::class_shape::{ClassShape, HasShape};
use super::pieces::{DistinctPieces, Piece, RowGroup};
use super::section::{REASON_FIELDS, Section};
use super::segments::MIN_REPEATED_ROWS;
use super::user_columns::UserColumns;

/// The sizes of everything that all row groups of a snapshot have in common.
pub(super) struct SizeModel<'s> {
    snapshot: &'s Snapshot,
    /// Bits of the dictionary index of a user.
    user_width: u64,
    /// The bytes of the dictionary pages of users, which every row group repeats.
    user_dictionaries: u64,
}

/// Columns that identify the user.
const USER_COLUMNS: u64 = 3;

/// The estimated bits of a piece in the columns that identify its source: runs of a few bytes.
const PIECE_BITS: u64 = 14 * 8;

/// The estimated bits of a piece that the same page has already: compression finds it, column by column.
const REPEATED_PIECE_BITS: u64 = 24 * 8;

impl<'s> SizeModel<'s> {
    pub(super) fn new(snapshot: &'s Snapshot, users: &UserColumns) -> Self {
        let dictionaries = users.columns.iter().map(|column| column.page.bytes.len() as u64);
        Self { snapshot, user_width: users.width.into(), user_dictionaries: dictionaries.sum() }
    }

    /// Estimates the bytes of a row group with these pages.
    pub(super) fn estimate<C: HasShape>(
        &self,
        group: &RowGroup<'_, C>,
        pages: &[Range<usize>],
        distinct: &DistinctPieces<'_, C>,
    ) -> u64 {
        let mut bits = 0;
        // For each distinct piece, the number of the page that last had it, counted from one.
        let mut last_page = vec![0; distinct.pieces.len()];
        for (page, cut) in (1..).zip(pages) {
            for position in &distinct.of_piece[cut.clone()] {
                let last = std::mem::replace(&mut last_page[*position], page);
                bits += PIECE_BITS;
                bits += if last == page {
                    REPEATED_PIECE_BITS
                } else {
                    self.piece_bits(distinct.pieces[*position])
                };
            }
        }
        let mut bytes = bits / 8 + self.user_dictionaries;
        let mut classes = FastSet::default();
        for pieces in group.pieces.chunk_by(|left, right| left.source.source == right.source.source) {
            let (source, shape) = (pieces[0].source, pieces[0].class.shape());
            if classes.insert(source.class) {
                bytes += shape.text_bytes as u64 / 3;
            }
            bytes += self.name_bytes(source.source) / 3 + 3 + 2 * shape.slots as u64;
        }
        bytes
    }

    /// Estimates the bits of a piece where its page does not have it yet.
    fn piece_bits<C: HasShape>(&self, piece: &Piece<'_, C>) -> u64 {
        let shape = piece.class.shape();
        let section = shape.section(piece.section);
        let rows = piece.rows.len() as u64;
        let users = match piece.section {
            // Packed indices of an arbitrary set of users do not compress, those of a set that is similar to one in the
            // same page compress by half: measured are three quarters.
            Section::Table(_) => rows * self.user_width * 3 / 4,
            Section::Columns => {
                let users = rows / shape.slots as u64 + 1;
                // A run for each user, or the same index a few times.
                if shape.slots >= MIN_REPEATED_ROWS {
                    users * (self.user_width.next_multiple_of(8) + 8)
                } else {
                    users * self.user_width * 3 / 2
                }
            }
        };
        USER_COLUMNS * users + section.reason_bits * rows / section.rows.max(1) as u64
    }

    fn name_bytes(&self, source: DataSourceIx) -> u64 {
        self.snapshot.data_sources[source.get()].name.len() as u64
    }
}

/// A piece that is added to a row group.
pub(super) struct AddedPiece<'p> {
    pub(super) source: DataSourceIx,
    pub(super) shape: &'p ClassShape,
    pub(super) section: Section,
    pub(super) rows: usize,
    /// Whether it is the first of its class in the group.
    pub(super) is_new_class: bool,
    /// Whether it is the first of its source in the group.
    pub(super) is_new_source: bool,
}

/// What bounds the size of a row group: nothing in it is assumed to compress.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct SizeBound {
    rows: u64,
    /// Bits whose number does not depend on the rest of the group.
    bits: u64,
    /// Values of fields that vary, each an index of a reason's value.
    reason_values: u64,
    /// Rows that name a column.
    column_rows: u64,
    reasons: u64,
    columns: u64,
    /// Bytes of dictionaries.
    dictionaries: u64,
}

/// The most bytes of a run: its length and its value.
const RUN_BYTES: u64 = 5 + 4;

/// Values after the last full group of eight are runs of their own.
const MAX_RUNS_AT_END: u64 = 7;

/// The most bytes of a page in its header and in the indexes of the file.
const PAGE_OVERHEAD: u64 = 300;

/// The columns of the table, each of which has pages.
const COLUMNS: u64 = 16;

/// The most bytes of a row group in the footer.
const GROUP_OVERHEAD: u64 = 32 << 10;

/// Columns with one value for each piece.
const SOURCE_COLUMNS: u64 = 5;

impl SizeBound {
    /// Returns the bound of the group with another piece.
    pub(super) fn with(self, model: &SizeModel<'_>, piece: &AddedPiece<'_>) -> Self {
        let AddedPiece { shape, section, .. } = *piece;
        let rows = piece.rows as u64;
        let varying = shape.section(section).varying_fields as u64;
        let at_end = (MAX_RUNS_AT_END.min(rows) + 1) * RUN_BYTES * 8;
        let is_columns = section == Section::Columns;
        let users = if is_columns && shape.slots >= MIN_REPEATED_ROWS {
            (rows / shape.slots as u64 + 2) * RUN_BYTES * 8
        } else {
            rows * model.user_width + at_end
        };
        let runs = 2 * REASON_FIELDS.len() as u64 + SOURCE_COLUMNS + 1;
        let mut bound = self;
        bound.rows += rows;
        bound.bits += USER_COLUMNS * users + 2 * varying * at_end + runs * RUN_BYTES * 8;
        bound.reason_values += varying * rows;
        if is_columns {
            bound.column_rows += rows;
            bound.bits += at_end;
        }
        if piece.is_new_class {
            bound.reasons += shape.reasons as u64;
            let values = shape.reasons * REASON_FIELDS.len();
            bound.dictionaries += (shape.text_bytes + 4 * values) as u64;
        }
        if piece.is_new_source {
            bound.columns += shape.slots as u64;
            bound.dictionaries += model.name_bytes(piece.source) + 4 + 8 + 8 * shape.slots as u64;
        }
        bound
    }

    /// Returns the most bytes that the group can take.
    pub(super) fn bytes(&self, model: &SizeModel<'_>) -> u64 {
        // An index, the rounding of packed runs between repeated ones, and a level.
        let reasons = self.reason_values * (bits_of(self.reasons) + 1 + 2);
        let bits = self.bits + reasons + self.column_rows * bits_of(self.columns);
        let pages = (self.rows >> 15) + 2;
        let content = bits.div_ceil(8) + self.dictionaries + model.user_dictionaries;
        // What does not compress becomes a little larger.
        content + content / 128 + pages * COLUMNS * PAGE_OVERHEAD + GROUP_OVERHEAD
    }
}

/// Returns the bits of an index below `count`; at least one.
fn bits_of(count: u64) -> u64 {
    u64::from(u64::BITS - count.leading_zeros()).max(1)
}
