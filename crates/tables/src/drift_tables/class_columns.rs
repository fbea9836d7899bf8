//! The columns that are the same for every relation of a class: role, user, and fields with few values.

use domesday_model::privileges::RoleIx;
use domesday_model::{FastMap, UserIx};
use rayon::prelude::*;
use uuid::Uuid;

use super::row_groups::DistinctPieces;
use super::table_rows::{ClassRows, TableRows};
use crate::columnar::rle_hybrid::bit_width;
use crate::columnar::{Dictionary, MinMax, NULL, Segment};
use crate::schema::FieldKind;

/// The dictionaries of a row group, and the encoded rows of its distinct pieces.
pub(super) struct ClassColumns {
    pub(super) role_names: Dictionary,
    /// In the order of `usernames`: a row has the same dictionary index in both columns.
    pub(super) global_user_ids: Dictionary,
    pub(super) usernames: Dictionary,
    /// By field of [`TableRows::CODED_FIELDS`].
    pub(super) coded: Vec<Dictionary>,
    /// By distinct piece.
    pub(super) segments: Vec<ClassSegments>,
}

/// The encoded rows of a distinct piece.
pub(super) struct ClassSegments {
    pub(super) roles: Segment,
    /// For both columns; the bounds are those of usernames.
    pub(super) users: Segment,
    pub(super) global_user_ids: MinMax,
    /// By field.
    pub(super) coded: Vec<Segment>,
}

/// The dictionary indices of a distinct piece.
struct Positions {
    /// By row.
    roles: Vec<u32>,
    users: Vec<u32>,
    /// By field, then code.
    coded: Vec<Vec<u32>>,
}

impl ClassColumns {
    /// Encodes the distinct pieces of a row group.
    pub(super) fn new<T: TableRows>(table: &T, distinct: &DistinctPieces<'_>, rows: &[ClassRows]) -> Self {
        let text = || Dictionary::new(FieldKind::String);
        let mut columns = Self {
            role_names: text(),
            global_user_ids: text(),
            usernames: text(),
            coded: T::CODED_FIELDS.iter().map(|_| text()).collect(),
            segments: Vec::new(),
        };
        let positions = columns.intern(table, distinct, rows);
        let this = &columns;
        let pieces = positions.into_par_iter().zip(rows);
        columns.segments = pieces.map(|(positions, rows)| this.encode(positions, rows)).collect();
        columns
    }

    /// Adds the values of all rows to the dictionaries, in order.
    fn intern<T: TableRows>(
        &mut self,
        table: &T,
        distinct: &DistinctPieces<'_>,
        rows: &[ClassRows],
    ) -> Vec<Positions> {
        let mut roles: FastMap<(usize, RoleIx), u32> = FastMap::default();
        let mut users: FastMap<UserIx, u32> = FastMap::default();
        let mut buffer = Uuid::encode_buffer();
        let pieces = distinct.pieces.iter().zip(rows).map(|(piece, rows)| {
            let of_database = &table.drifts()[piece.of.drift].database().privileges.roles;
            let mut role = |role: RoleIx| {
                let intern = || self.role_names.intern(of_database[role.get()].name.as_bytes());
                *roles.entry((piece.of.drift, role)).or_insert_with(intern)
            };
            let roles = rows.roles.iter().map(|it| it.map_or(NULL, &mut role)).collect();
            let mut user = |user: UserIx| {
                *users.entry(user).or_insert_with(|| {
                    let user = &table.snapshot().users[user.get()];
                    self.global_user_ids
                        .push(user.global_id.hyphenated().encode_lower(&mut buffer).as_bytes());
                    self.usernames.push(user.username.as_bytes())
                })
            };
            let users = rows.users.iter().map(|it| it.map_or(NULL, &mut user)).collect();
            let coded = self.coded.iter_mut().zip(&rows.coded).map(|(values, codes)| {
                codes.values.iter().map(|value| values.intern(value.as_bytes())).collect()
            });
            Positions { roles, users, coded: coded.collect() }
        });
        pieces.collect()
    }

    fn encode(&self, positions: Positions, rows: &ClassRows) -> ClassSegments {
        let fields = self.coded.iter().zip(positions.coded).zip(&rows.coded);
        let coded =
            fields.map(|((values, positions), codes)| codes.encode(&positions, width(values), values));
        let coded = coded.collect();
        let users = Segment::new(positions.users.clone(), width(&self.usernames), &self.usernames);
        let mut seen = positions.users;
        seen.sort_unstable();
        seen.dedup();
        let seen = seen.into_iter().filter(|position| *position != NULL);
        ClassSegments {
            roles: Segment::new(positions.roles, width(&self.role_names), &self.role_names),
            users,
            global_user_ids: self.global_user_ids.min_max(seen),
            coded,
        }
    }
}

/// Returns the bits of an index into a dictionary.
fn width(values: &Dictionary) -> u32 {
    bit_width((values.len() as u32).saturating_sub(1))
}
