//! The rows of actual-access.

use domesday_drift::{Drift, RelationGroup, RelationNames, Template};
use domesday_model::Scope;
use domesday_model::Snapshot;
use rayon::prelude::*;

use super::table_rows::{ClassRows, CodesBuilder, Piece, SourceRows, TableRows};
use crate::json;
use crate::rows::RowContext;
use crate::schema::{self, Table};

/// The rows of actual-access: reading before writing, then by role name.
pub(crate) struct AccessRows<'a> {
    snapshot: &'a Snapshot,
    drifts: &'a [Drift],
    /// See [`TableRows::row_bytes`]: by database, then group.
    row_bytes: Vec<Vec<usize>>,
}

impl<'a> AccessRows<'a> {
    pub(crate) fn new(world: &RowContext<'a>) -> Self {
        let row_bytes = |drift: &Drift| {
            let groups = drift.groups().par_iter();
            groups.map(|group| column_bytes(drift, group)).collect()
        };
        Self {
            snapshot: world.snapshot,
            drifts: world.drifts,
            row_bytes: world.drifts.iter().map(row_bytes).collect(),
        }
    }
}

/// Estimates the bytes of the names of columns in a row.
fn column_bytes(drift: &Drift, group: &RelationGroup) -> usize {
    let (relation, _) = group.relations[0];
    let columns = &drift.database().privileges.relations[relation.get()].columns;
    let name_bytes = |column: &u32| columns[*column as usize].name.len() + 3;
    let (mut rows, mut bytes) = (0, 0);
    for access in Scope::ALL.into_iter().flat_map(|scope| drift.access(group).scope(scope)) {
        rows += access.roles.len();
        let of_columns = access.columns.as_deref().unwrap_or_default();
        bytes += access.roles.len() * of_columns.iter().map(name_bytes).sum::<usize>();
    }
    bytes / rows.max(1) + 1
}

/// Returns how many roles can, in each scope.
fn rows_by_scope(drift: &Drift, group: &RelationGroup) -> [usize; 2] {
    Scope::ALL.map(|scope| drift.roles_by_name(group, scope).len())
}

impl TableRows for AccessRows<'_> {
    const CODED_FIELDS: &'static [&'static str] = &["scope", "via"];
    const COLUMN_FIELD: &'static str = "columns";
    const FLAG_FIELD: Option<&'static str> = Some("is_row_filtered");
    const TEXT_FIELDS: &'static [&'static str] = &[];

    fn table() -> &'static Table {
        schema::ACTUAL_ACCESS
    }

    fn snapshot(&self) -> &Snapshot {
        self.snapshot
    }

    fn drifts(&self) -> &[Drift] {
        self.drifts
    }

    fn rows_per_relation(&self, drift: &Drift, group: &RelationGroup) -> usize {
        rows_by_scope(drift, group).iter().sum()
    }

    fn row_bytes(&self, source: &SourceRows) -> usize {
        self.row_bytes[source.drift][source.group as usize]
    }

    fn class_rows(&self, piece: &Piece) -> ClassRows {
        let drift = &self.drifts[piece.of.drift];
        let group = &drift.groups()[piece.of.group as usize];
        let roles_of = &drift.database().privileges.roles;
        let count = piece.rows.len();
        let mut scopes = CodesBuilder::new(count);
        let mut paths = CodesBuilder::new(count);
        let mut columns = CodesBuilder::new(count);
        let (mut roles, mut flags) = (Vec::with_capacity(count), Vec::with_capacity(count));
        let mut offset = 0;
        for scope in Scope::ALL {
            let accesses = drift.roles_by_name(group, scope);
            let end = offset + accesses.len();
            let skipped = piece.rows.start.saturating_sub(offset);
            let taken = piece.rows.end.min(end).saturating_sub(offset + skipped);
            for (role, access) in accesses.skip(skipped).take(taken) {
                roles.push(Some(role));
                flags.push(access.is_row_filtered);
                scopes.push(Some(scope), |scope| scope.as_str().into());
                paths.push(Some(&access.path), |path| {
                    json::strings(path.words(|role| roles_of[role.get()].name.as_str())).into()
                });
                columns.push(access.columns.as_deref(), |columns| (*columns).into());
            }
            offset = end;
        }
        let users = roles.iter().map(|role| role.and_then(|role| drift.user_of(role))).collect();
        let coded = vec![scopes.finish(), paths.finish()];
        ClassRows { roles, users, coded, columns: columns.finish(), flags }
    }

    fn column_value(&self, source: &SourceRows, columns: &[u32]) -> Option<Vec<u8>> {
        let privileges = &self.drifts[source.drift].database().privileges;
        let of_relation = &privileges.relations[source.relation.get()].columns;
        let names = columns.iter().map(|column| of_relation[*column as usize].name.as_str());
        Some(json::strings(names).into_bytes())
    }

    fn templates(&self, _: usize, _: &Piece) -> Vec<Option<Template>> {
        Vec::new()
    }

    fn names(&self, _: usize, source: &SourceRows) -> RelationNames<'_> {
        RelationNames::in_sentences(&self.drifts[source.drift], source.relation)
    }
}
