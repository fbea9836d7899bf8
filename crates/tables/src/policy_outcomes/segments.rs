//! The encoded rows of a piece, which are reused wherever the piece occurs.

use super::pieces::Piece;
use super::section::{REASON_FIELDS, Section};
use super::user_columns::UserColumns;
use crate::columnar::rle_hybrid::{append_packed, append_repeated, bit_width};
use crate::columnar::{Dictionary, MinMax, NULL, Segment};
use crate::schema::{self, FieldKind};

/// From this many rows per user, their dictionary index is written once with a count.
pub(super) const MIN_REPEATED_ROWS: usize = 8;

/// A piece's part of the columns that are the same for every source of its class.
pub(super) struct Segments {
    /// Dictionary indices of users, for all three columns.
    pub(super) users: Vec<u8>,
    pub(super) user_min_max: [MinMax; 3],
    pub(super) reasons: [Segment; REASON_FIELDS.len()],
}

/// The dictionaries of the columns that depend on the reason, and each piece's reasons as dictionary indices.
pub(super) struct ReasonColumns {
    pub(super) values: [Dictionary; REASON_FIELDS.len()],
    pub(super) widths: [u32; REASON_FIELDS.len()],
    /// By piece, by field, by reason.
    positions: Vec<[Vec<u32>; REASON_FIELDS.len()]>,
}

impl ReasonColumns {
    /// Builds the dictionaries for some pieces, in their order.
    pub(super) fn new(pieces: &[&Piece<'_>]) -> Self {
        let mut values = REASON_FIELDS.map(|field| Dictionary::new(kind(field)));
        let positions = pieces
            .iter()
            .map(|piece| {
                let reasons = piece.class.reasons(piece.section);
                let mut positions = [const { Vec::new() }; REASON_FIELDS.len()];
                for (field, (positions, values)) in positions.iter_mut().zip(&mut values).enumerate() {
                    let position =
                        |value: &Option<Vec<u8>>| value.as_deref().map_or(NULL, |value| values.intern(value));
                    *positions = reasons.iter().map(|reason| &reason[field]).map(position).collect();
                }
                positions
            })
            .collect();
        let widths = values.each_ref().map(|values| bit_width((values.len() as u32).saturating_sub(1)));
        Self { values, widths, positions }
    }
}

fn kind(field: &str) -> FieldKind {
    let table = schema::POLICY_OUTCOMES;
    table.fields[table.position(field).expect("a field of the table")].kind
}

impl Segments {
    /// Encodes a piece; `position` is its position among those for which `reasons` was built.
    pub(super) fn encode(
        piece: &Piece<'_>,
        position: usize,
        columns: &UserColumns,
        reasons: &ReasonColumns,
    ) -> Self {
        let (users, user_min_max) = encode_users(piece, columns);
        let codes = reason_codes(piece);
        let mut used = vec![false; piece.class.reasons(piece.section).len()];
        codes.iter().for_each(|code| used[*code as usize] = true);
        let segment = |field: usize| {
            let positions = &reasons.positions[position][field];
            encode_reasons(&codes, &used, positions, reasons.widths[field], &reasons.values[field])
        };
        Self { users, user_min_max, reasons: std::array::from_fn(segment) }
    }
}

/// Returns the position of the reason of each row.
fn reason_codes(piece: &Piece<'_>) -> Vec<u32> {
    match piece.section {
        Section::Table(scope) => piece.class.outcomes.scope(scope).reason_of[piece.rows.clone()].to_vec(),
        Section::Columns => {
            let slots = &piece.class.outcomes.columns.slots;
            rows_of_columns(piece, slots.len()).map(|(user, slot)| slots[slot][user]).collect()
        }
    }
}

/// Returns the user and slot of each row of a piece of column rows.
fn rows_of_columns(piece: &Piece<'_>, slots: usize) -> impl Iterator<Item = (usize, usize)> {
    let (mut user, mut slot) = (piece.rows.start / slots, piece.rows.start % slots);
    (0..piece.rows.len()).map(move |_| {
        let row = (user, slot);
        slot += 1;
        if slot == slots {
            (user, slot) = (user + 1, 0);
        }
        row
    })
}

/// Encodes the dictionary indices of the users of a piece.
fn encode_users(piece: &Piece<'_>, columns: &UserColumns) -> (Vec<u8>, [MinMax; 3]) {
    let outcomes = &piece.class.outcomes;
    let width = columns.width;
    let mut bytes = Vec::with_capacity(piece.rows.len() * width as usize / 8 + 32);
    let positions: Vec<u32>;
    match piece.section {
        Section::Table(scope) => {
            let users = &outcomes.scope(scope).users[piece.rows.clone()];
            positions = users.iter().map(|user| columns.position(*user)).collect();
            append_packed(&positions, width, &mut bytes);
        }
        Section::Columns => {
            let slots = outcomes.columns.slots.len();
            let first = piece.rows.start / slots;
            let last = piece.rows.end.div_ceil(slots);
            let users = &outcomes.columns.users[first..last];
            positions = users.iter().map(|user| columns.position(*user)).collect();
            if slots >= MIN_REPEATED_ROWS {
                for (user, position) in (first..).zip(&positions) {
                    let from = piece.rows.start.max(user * slots);
                    let to = piece.rows.end.min((user + 1) * slots);
                    append_repeated(*position, to - from, width, &mut bytes);
                }
            } else {
                let rows = rows_of_columns(piece, slots);
                let each: Vec<u32> = rows.map(|(user, _)| positions[user - first]).collect();
                append_packed(&each, width, &mut bytes);
            }
        }
    }
    let min_max = columns.min_max(&positions);
    (bytes, min_max)
}

/// Encodes one field of the rows whose reasons are `codes`; `positions` are the field's dictionary indices by reason.
fn encode_reasons(
    codes: &[u32],
    used: &[bool],
    positions: &[u32],
    width: u32,
    values: &Dictionary,
) -> Segment {
    let in_use = || positions.iter().zip(used).filter(|(_, used)| **used).map(|(position, _)| *position);
    let each = || codes.iter().map(|code| positions[*code as usize]).collect();
    Segment::of_distinct(codes.len(), in_use, each, width, values)
}
