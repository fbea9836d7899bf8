//! What the two tables have in common: rows by class.

use std::ops::Range;

use domesday_drift::{Drift, RelationGroup, RelationNames, Template};
use domesday_model::privileges::{RelationIx, RoleIx};
use domesday_model::{DataSourceIx, FastMap, Snapshot, UserIx};

use crate::columnar::{Dictionary, NULL, Segment};
use crate::schema::Table;

/// A data source with rows. Those of the same database and class have equal rows, except for what names the relation.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SourceRows {
    /// The position of its database among the drifts.
    pub(super) drift: usize,
    pub(super) source: DataSourceIx,
    pub(super) relation: RelationIx,
    /// The position of its group among those of the database.
    pub(super) group: u32,
    /// The rows of the data source, at least one.
    pub(super) rows: usize,
}

/// Some rows of a data source.
#[derive(Debug, Clone)]
pub(crate) struct Piece {
    pub(super) of: SourceRows,
    pub(super) rows: Range<usize>,
}

/// One of the two tables. Both have the fields connection, role_name, global_user_id, username, datasource_id,
/// datasource_name, observed_at and export_date, and those that are named here.
pub(crate) trait TableRows: Sync {
    /// The fields with few different values, in the order of [`ClassRows::coded`].
    const CODED_FIELDS: &'static [&'static str];
    /// The field about columns of the relation; see [`ClassRows::columns`].
    const COLUMN_FIELD: &'static str;
    /// The Boolean field; see [`ClassRows::flags`].
    const FLAG_FIELD: Option<&'static str>;
    /// The fields that are a text about the relation.
    const TEXT_FIELDS: &'static [&'static str];

    fn table() -> &'static Table;

    fn snapshot(&self) -> &Snapshot;

    fn drifts(&self) -> &[Drift];

    /// Iterates over the data sources with rows, in the order of the table.
    fn sources(&self) -> impl Iterator<Item = SourceRows> {
        self.drifts().iter().enumerate().flat_map(move |(position, drift)| {
            let of_database = drift.data_sources().iter().map(move |(source, group, relation)| {
                let rows = self.rows_per_relation(drift, &drift.groups()[*group as usize]);
                SourceRows { drift: position, source: *source, relation: *relation, group: *group, rows }
            });
            of_database.filter(|source| source.rows > 0)
        })
    }

    /// Returns how many rows each relation of a group has.
    fn rows_per_relation(&self, drift: &Drift, group: &RelationGroup) -> usize;

    /// Estimates the bytes of a row in fields whose values do not repeat; at least one.
    fn row_bytes(&self, source: &SourceRows) -> usize;

    /// Returns some rows of a class.
    fn class_rows(&self, piece: &Piece) -> ClassRows;

    /// Returns the value of [`TableRows::COLUMN_FIELD`] for columns by their positions in the relation: text as it is, numbers
    /// as eight bytes; none where the data source lacks the column.
    fn column_value(&self, source: &SourceRows, columns: &[u32]) -> Option<Vec<u8>>;

    /// Returns the texts of a class in the field at a position of [`TableRows::TEXT_FIELDS`], by row.
    fn templates(&self, field: usize, piece: &Piece) -> Vec<Option<Template>>;

    /// Returns the names that the texts of a field take.
    fn names(&self, field: usize, source: &SourceRows) -> RelationNames<'_>;
}

/// Some rows of a class.
pub(crate) struct ClassRows {
    pub(super) roles: Vec<Option<RoleIx>>,
    pub(super) users: Vec<Option<UserIx>>,
    /// By field.
    pub(super) coded: Vec<Codes<Box<str>>>,
    /// Positions of columns.
    pub(super) columns: Codes<Box<[u32]>>,
    /// Empty without such a field.
    pub(super) flags: Vec<bool>,
}

/// Values of which many are equal.
pub(crate) struct Codes<V> {
    /// By row: a position in `values`, `NULL` where there is no value.
    pub(super) codes: Vec<u32>,
    /// The different values, in order of first use.
    pub(super) values: Vec<V>,
}

impl<V> Codes<V> {
    /// Encodes the rows; the values have these dictionary indices, `NULL` for one that stands for no value.
    pub(super) fn encode(&self, positions: &[u32], width: u32, values: &Dictionary) -> Segment {
        let position = |code: &u32| if *code == NULL { NULL } else { positions[*code as usize] };
        let each = || self.codes.iter().map(position).collect();
        let null = self.codes.contains(&NULL).then_some(NULL);
        let distinct = || positions.iter().copied().chain(null);
        Segment::of_distinct(self.codes.len(), distinct, each, width, values)
    }
}

/// Builds [`Codes`] from keys that are compared in place of the values.
pub(super) struct CodesBuilder<K, V> {
    codes: Codes<V>,
    known: FastMap<K, u32>,
}

impl<K: std::hash::Hash + Eq, V> CodesBuilder<K, V> {
    pub(super) fn new(rows: usize) -> Self {
        let codes = Codes { codes: Vec::with_capacity(rows), values: Vec::new() };
        Self { codes, known: FastMap::default() }
    }

    /// Adds a row; `value` is called for a key that is new.
    pub(super) fn push(&mut self, key: Option<K>, value: impl FnOnce(&K) -> V) {
        let Some(key) = key else { return self.codes.codes.push(NULL) };
        let values = &mut self.codes.values;
        let code = *self.known.entry(key).or_insert_with_key(|key| {
            values.push(value(key));
            u32::try_from(values.len() - 1).expect("fewer than 2^32 values in a row group")
        });
        self.codes.codes.push(code);
    }

    pub(super) fn finish(self) -> Codes<V> {
        self.codes
    }
}
