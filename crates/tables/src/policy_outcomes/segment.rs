//! The rows of a piece as bytes of its columns, made once however often the piece occurs.

use super::class::{REASON_FIELDS, Section};
use super::hybrid::{mixed, packed, repeated, width_of};
use super::people::People;
use super::plan::Piece;
use super::values::{Extremes, Values};
use crate::schema::{self, FieldKind};

/// Where a value is null.
const NULL: u32 = u32::MAX;

/// From this many rows a user, their position is written once with a count.
const WORTH_COUNTING: usize = 8;

/// A piece's part of one column.
#[derive(Debug, Clone, Default)]
pub(super) struct Segment {
    /// Definition levels, where the column may be null.
    pub(super) levels: Vec<u8>,
    pub(super) values: Vec<u8>,
    pub(super) nulls: usize,
    pub(super) extremes: Extremes,
}

/// A piece's part of the columns that are the same for every source of its class.
pub(super) struct Segments {
    /// Positions of users, for all three columns.
    pub(super) users: Vec<u8>,
    pub(super) user_extremes: [Extremes; 3],
    pub(super) reasons: [Segment; REASON_FIELDS.len()],
}

/// The values that reasons put into a row group, and each piece's reasons as positions among them.
pub(super) struct ReasonColumns {
    pub(super) values: [Values; REASON_FIELDS.len()],
    pub(super) widths: [u32; REASON_FIELDS.len()],
    /// By piece, by field, by reason.
    positions: Vec<[Vec<u32>; REASON_FIELDS.len()]>,
}

impl ReasonColumns {
    /// For these pieces, in their order.
    pub(super) fn of(pieces: &[&Piece<'_>]) -> Self {
        let mut values = REASON_FIELDS.map(|field| Values::new(kind(field)));
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
        let widths = values.each_ref().map(|values| width_of((values.len() as u32).saturating_sub(1)));
        Self { values, widths, positions }
    }
}

fn kind(field: &str) -> FieldKind {
    let table = schema::POLICY_OUTCOMES;
    table.fields[table.position(field).expect("a field of the table")].kind
}

impl Segments {
    /// The segments of the `at`th of the pieces that `reasons` was made for.
    pub(super) fn of(piece: &Piece<'_>, at: usize, people: &People, reasons: &ReasonColumns) -> Self {
        let (users, user_extremes) = users(piece, people);
        let codes = codes(piece);
        let mut used = vec![false; piece.class.reasons(piece.section).len()];
        codes.iter().for_each(|code| used[*code as usize] = true);
        let segment = |field: usize| {
            let positions = &reasons.positions[at][field];
            reason_segment(&codes, &used, positions, reasons.widths[field], &reasons.values[field])
        };
        Self { users, user_extremes, reasons: std::array::from_fn(segment) }
    }
}

/// The reason of each row.
fn codes(piece: &Piece<'_>) -> Vec<u32> {
    match piece.section {
        Section::Table(scope) => piece.class.outcomes.scope(scope).reason_of[piece.rows.clone()].to_vec(),
        Section::Columns => {
            let slots = &piece.class.outcomes.columns.slots;
            rows_of_columns(piece, slots.len()).map(|(user, slot)| slots[slot][user]).collect()
        }
    }
}

/// The user and slot of each row of a piece of column rows.
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

fn users(piece: &Piece<'_>, people: &People) -> (Vec<u8>, [Extremes; 3]) {
    let outcomes = &piece.class.outcomes;
    let width = people.width;
    let mut bytes = Vec::with_capacity(piece.rows.len() * width as usize / 8 + 32);
    let positions: Vec<u32>;
    match piece.section {
        Section::Table(scope) => {
            let users = &outcomes.scope(scope).users[piece.rows.clone()];
            positions = users.iter().map(|user| people.position(*user)).collect();
            packed(&positions, width, &mut bytes);
        }
        Section::Columns => {
            let slots = outcomes.columns.slots.len();
            let first = piece.rows.start / slots;
            let last = piece.rows.end.div_ceil(slots);
            let users = &outcomes.columns.users[first..last];
            positions = users.iter().map(|user| people.position(*user)).collect();
            if slots >= WORTH_COUNTING {
                for (user, position) in (first..).zip(&positions) {
                    let from = piece.rows.start.max(user * slots);
                    let to = piece.rows.end.min((user + 1) * slots);
                    repeated(*position, to - from, width, &mut bytes);
                }
            } else {
                let rows = rows_of_columns(piece, slots);
                let each: Vec<u32> = rows.map(|(user, _)| positions[user - first]).collect();
                packed(&each, width, &mut bytes);
            }
        }
    }
    let extremes = people.extremes(&positions);
    (bytes, extremes)
}

/// One field of the rows whose reasons are `codes`; `positions` has the field's position for each reason.
fn reason_segment(codes: &[u32], used: &[bool], positions: &[u32], width: u32, values: &Values) -> Segment {
    let in_use = || positions.iter().zip(used).filter(|(_, used)| **used).map(|(position, _)| *position);
    let rows = codes.len();
    let mut segment = Segment {
        extremes: values.extremes(in_use().filter(|position| *position != NULL)),
        ..Segment::default()
    };
    let first = in_use().next().unwrap_or(NULL);
    if in_use().all(|position| position == first) {
        if first == NULL {
            segment.nulls = rows;
            repeated(0, rows, 1, &mut segment.levels);
        } else {
            repeated(1, rows, 1, &mut segment.levels);
            repeated(first, rows, width, &mut segment.values);
        }
        return segment;
    }
    let mut each: Vec<u32> = codes.iter().map(|code| positions[*code as usize]).collect();
    if in_use().any(|position| position == NULL) {
        let levels: Vec<u32> = each.iter().map(|position| u32::from(*position != NULL)).collect();
        mixed(&levels, 1, &mut segment.levels);
        each.retain(|position| *position != NULL);
        segment.nulls = rows - each.len();
    } else {
        repeated(1, rows, 1, &mut segment.levels);
    }
    mixed(&each, width, &mut segment.values);
    segment
}
