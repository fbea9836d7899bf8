//! A batch of rows: four keys a row, and the texts behind the keys as dictionaries.
//!
//! Arrow dictionaries are only the way in: the files declare plain types.

use std::sync::Arc;

use arrow_array::builder::{ArrayBuilder as _, Int64Builder, StringBuilder, TimestampMicrosecondBuilder};
use arrow_array::types::UInt32Type;
use arrow_array::{ArrayRef, DictionaryArray, Int64Array, StringArray, UInt32Array};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use domesday_model::{ColumnIx, Scope, Snapshot, SnapshotDataSource, UserIx};
use uuid::Uuid;

use super::class::ReasonText;
use crate::EncodeError;
use crate::schema::{self, arrow_schema};

/// Where batches go.
pub(super) type Sink<'a> = dyn FnMut(&[ArrayRef]) -> Result<(), EncodeError> + 'a;

/// Text of a batch that ends it early: string arrays have 32-bit offsets, and memory is not endless.
const BATCH_TEXT_BYTES: usize = 64 << 20;

/// The types of batches: the table's own, each as a dictionary.
pub(crate) fn batch_schema() -> SchemaRef {
    let plain = arrow_schema(schema::POLICY_OUTCOMES);
    let dictionary = |field: &Arc<Field>| {
        let data_type = DataType::Dictionary(Box::new(DataType::UInt32), Box::new(field.data_type().clone()));
        Field::new(field.name(), data_type, field.is_nullable())
    };
    Arc::new(Schema::new(plain.fields().iter().map(dictionary).collect::<Vec<_>>()))
}

/// Rows under way.
pub(super) struct Batch<'a> {
    snapshot: &'a Snapshot,
    sink: &'a mut Sink<'a>,
    limit: usize,
    /// All users of the snapshot: global id, id and name, the same in every batch.
    people: [ArrayRef; 3],
    users: Vec<u32>,
    places: Vec<u32>,
    reasons: Vec<u32>,
    columns: Vec<u32>,
    place_values: Places,
    reason_values: Reasons,
    column_values: Vec<Option<i64>>,
    text_bytes: usize,
}

/// A data source and scope.
#[derive(Default)]
struct Places {
    ids: Int64Builder,
    names: StringBuilder,
    scopes: StringBuilder,
    merged: StringBuilder,
}

struct Reasons {
    outcomes: StringBuilder,
    grants: StringBuilder,
    guardrails: StringBuilder,
    data_policies: StringBuilder,
    reasons: StringBuilder,
    requests: StringBuilder,
    expires_at: TimestampMicrosecondBuilder,
}

impl Default for Reasons {
    fn default() -> Self {
        Self {
            outcomes: StringBuilder::new(),
            grants: StringBuilder::new(),
            guardrails: StringBuilder::new(),
            data_policies: StringBuilder::new(),
            reasons: StringBuilder::new(),
            requests: StringBuilder::new(),
            expires_at: TimestampMicrosecondBuilder::new().with_timezone("UTC"),
        }
    }
}

impl<'a> Batch<'a> {
    /// The column key of table rows.
    pub(super) const NO_COLUMN: u32 = 0;

    pub(super) fn new(snapshot: &'a Snapshot, limit: usize, sink: &'a mut Sink<'a>) -> Self {
        let mut buffer = Uuid::encode_buffer();
        let mut global_ids =
            StringBuilder::with_capacity(snapshot.users.len(), snapshot.users.len() * buffer.len());
        for user in &snapshot.users {
            global_ids.append_value(user.global_id.hyphenated().encode_lower(&mut buffer));
        }
        let ids = Int64Array::from_iter_values(snapshot.users.iter().map(|user| user.id.0));
        let names = StringArray::from_iter_values(snapshot.users.iter().map(|user| &*user.username));
        Self {
            snapshot,
            sink,
            limit,
            people: [Arc::new(global_ids.finish()), Arc::new(ids), Arc::new(names)],
            users: Vec::with_capacity(limit),
            places: Vec::with_capacity(limit),
            reasons: Vec::with_capacity(limit),
            columns: Vec::with_capacity(limit),
            place_values: Places::default(),
            reason_values: Reasons::default(),
            column_values: vec![None],
            text_bytes: 0,
        }
    }

    /// How many rows it still takes.
    pub(super) fn room(&self) -> usize {
        self.limit - self.users.len()
    }

    /// The key of a data source and scope, new in this batch.
    pub(super) fn place(&mut self, source: &SnapshotDataSource, scope: Scope, merged_policy: &str) -> u32 {
        let places = &mut self.place_values;
        places.ids.append_value(source.id.0);
        places.names.append_value(&source.name);
        places.scopes.append_value(scope.as_str());
        places.merged.append_value(merged_policy);
        self.text_bytes += source.name.len() + merged_policy.len();
        key(places.names.len() - 1)
    }

    /// The key of a reason, new in this batch.
    pub(super) fn reason(&mut self, text: &ReasonText) -> u32 {
        let reasons = &mut self.reason_values;
        reasons.outcomes.append_value(text.outcome);
        reasons.grants.append_value(&text.grants);
        reasons.guardrails.append_value(&text.guardrails);
        reasons.data_policies.append_value(&text.data_policies);
        reasons.reasons.append_value(text.reason);
        reasons.requests.append_option(text.request.as_deref());
        reasons.expires_at.append_option(text.expires_at.map(|end| end.as_micros()));
        self.text_bytes += text.grants.len() + text.guardrails.len() + text.data_policies.len();
        key(reasons.outcomes.len() - 1)
    }

    /// The key of the first of these columns, new in this batch; the others follow.
    pub(super) fn columns(&mut self, columns: &[ColumnIx]) -> u32 {
        let first = key(self.column_values.len());
        let ids = columns.iter().map(|ix| Some(self.snapshot.columns[ix.get()].id.0));
        self.column_values.extend(ids);
        first
    }

    /// Adds a row, of keys that this batch gave.
    pub(super) fn row(&mut self, user: UserIx, place: u32, reason: u32, column: u32) {
        self.users.push(user.0);
        self.places.push(place);
        self.reasons.push(reason);
        self.columns.push(column);
    }

    /// Hands the batch on when it takes no more; keys given before mean nothing then.
    pub(super) fn flush_if_full(&mut self) -> Result<(), EncodeError> {
        if self.room() == 0 || self.text_bytes >= BATCH_TEXT_BYTES { self.flush() } else { Ok(()) }
    }

    /// Hands on what there is.
    pub(super) fn flush(&mut self) -> Result<(), EncodeError> {
        let take = |keys: &mut Vec<u32>| {
            let capacity = keys.capacity();
            UInt32Array::from(std::mem::replace(keys, Vec::with_capacity(capacity)))
        };
        let users = take(&mut self.users);
        let (places, reasons, columns) =
            (take(&mut self.places), take(&mut self.reasons), take(&mut self.columns));
        let [global_ids, user_ids, usernames] = self.people.clone();
        let mut place = std::mem::take(&mut self.place_values);
        let mut reason = std::mem::take(&mut self.reason_values);
        let column_ids = Int64Array::from(std::mem::replace(&mut self.column_values, vec![None]));
        self.text_bytes = 0;
        if users.is_empty() {
            return Ok(());
        }
        let mut export_date = TimestampMicrosecondBuilder::new().with_timezone("UTC");
        export_date.append_value(self.snapshot.at.as_micros());
        let one = UInt32Array::from(vec![0; users.len()]);
        let fields: [(&str, &UInt32Array, ArrayRef); 16] = [
            ("global_user_id", &users, global_ids),
            ("user_id", &users, user_ids),
            ("username", &users, usernames),
            ("datasource_id", &places, Arc::new(place.ids.finish())),
            ("datasource_name", &places, Arc::new(place.names.finish())),
            ("column_id", &columns, Arc::new(column_ids)),
            ("scope", &places, Arc::new(place.scopes.finish())),
            ("outcome", &reasons, Arc::new(reason.outcomes.finish())),
            ("grant_policy_ids", &reasons, Arc::new(reason.grants.finish())),
            ("guardrail_policy_ids", &reasons, Arc::new(reason.guardrails.finish())),
            ("data_policy_ids", &reasons, Arc::new(reason.data_policies.finish())),
            ("reason", &reasons, Arc::new(reason.reasons.finish())),
            ("request_id", &reasons, Arc::new(reason.requests.finish())),
            ("merged_policy", &places, Arc::new(place.merged.finish())),
            ("expires_at", &reasons, Arc::new(reason.expires_at.finish())),
            ("export_date", &one, Arc::new(export_date.finish())),
        ];
        let named = fields.iter().map(|(name, _, _)| *name);
        assert!(
            named.eq(schema::POLICY_OUTCOMES.fields.iter().map(|field| field.name)),
            "in the table's order"
        );
        let arrays = fields.map(|(_, keys, values)| -> ArrayRef {
            Arc::new(DictionaryArray::<UInt32Type>::new(keys.clone(), values))
        });
        (self.sink)(&arrays)
    }
}

fn key(position: usize) -> u32 {
    u32::try_from(position).expect("a batch holds fewer than 2^32 values")
}
