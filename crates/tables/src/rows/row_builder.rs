//! Builds column batches from rows, checked against the table's definition.
//!
//! Each value is given with the name of its field. Another name, another type, a null in a field that is not nullable,
//! and a row that ends early are faults of this crate and panic, so that a test which writes one row of a table proves
//! all of them right.

use std::sync::Arc;

use arrow_array::ArrayRef;
use arrow_array::builder::{BooleanBuilder, Int64Builder, StringBuilder, TimestampMicrosecondBuilder};
use domesday_model::Instant;
use uuid::Uuid;

use crate::EncodeError;
use crate::schema::{FieldKind, Table};

/// Receives the batches.
type Sink<'a> = dyn FnMut(&[ArrayRef]) -> Result<(), EncodeError> + 'a;

/// Bytes of text that end a batch early: string arrays have 32-bit offsets, and memory is limited.
const BATCH_TEXT_BYTES: usize = 64 << 20;

/// The rows of one table.
pub(crate) struct Rows<'a> {
    table: &'static Table,
    at: Instant,
    columns: Vec<Column>,
    rows: usize,
    text_bytes: usize,
    batch_rows: usize,
    sink: &'a mut Sink<'a>,
}

enum Column {
    Text(StringBuilder),
    Integer(Int64Builder),
    Boolean(BooleanBuilder),
    Timestamp(TimestampMicrosecondBuilder),
}

impl<'a> Rows<'a> {
    pub(crate) fn new(table: &'static Table, at: Instant, batch_rows: usize, sink: &'a mut Sink<'a>) -> Self {
        let columns = table.fields.iter().map(|field| Column::new(field.kind)).collect();
        Self { table, at, columns, rows: 0, text_bytes: 0, batch_rows, sink }
    }

    /// Begins a row; [`Row::end`] ends it.
    pub(crate) fn row(&mut self) -> Row<'_, 'a> {
        Row { rows: self, next: 0 }
    }

    /// Writes the last batch.
    pub(crate) fn finish(mut self) -> Result<(), EncodeError> {
        self.flush()
    }

    fn flush(&mut self) -> Result<(), EncodeError> {
        if self.rows == 0 {
            return Ok(());
        }
        let columns: Vec<ArrayRef> = self.columns.iter_mut().map(Column::finish).collect();
        (self.rows, self.text_bytes) = (0, 0);
        (self.sink)(&columns)
    }
}

impl Column {
    fn new(kind: FieldKind) -> Self {
        match kind {
            FieldKind::String => Self::Text(StringBuilder::new()),
            FieldKind::Integer => Self::Integer(Int64Builder::new()),
            FieldKind::Boolean => Self::Boolean(BooleanBuilder::new()),
            FieldKind::Timestamp => Self::Timestamp(TimestampMicrosecondBuilder::new().with_timezone("UTC")),
        }
    }

    fn finish(&mut self) -> ArrayRef {
        match self {
            Self::Text(builder) => Arc::new(builder.finish()),
            Self::Integer(builder) => Arc::new(builder.finish()),
            Self::Boolean(builder) => Arc::new(builder.finish()),
            Self::Timestamp(builder) => Arc::new(builder.finish()),
        }
    }
}

/// A row being written, its fields in the table's order.
#[must_use = "a row counts once it has ended"]
pub(crate) struct Row<'r, 'a> {
    rows: &'r mut Rows<'a>,
    next: usize,
}

impl Row<'_, '_> {
    pub(crate) fn text(self, field: &str, value: &str) -> Self {
        self.set_text(field, Some(value), false)
    }

    pub(crate) fn optional_text(self, field: &str, value: Option<&str>) -> Self {
        self.set_text(field, value, true)
    }

    pub(crate) fn uuid(self, field: &str, value: Uuid) -> Self {
        let mut buffer = Uuid::encode_buffer();
        self.text(field, value.hyphenated().encode_lower(&mut buffer))
    }

    pub(crate) fn optional_uuid(self, field: &str, value: Option<Uuid>) -> Self {
        let mut buffer = Uuid::encode_buffer();
        self.optional_text(field, value.map(|value| &*value.hyphenated().encode_lower(&mut buffer)))
    }

    pub(crate) fn integer(self, field: &str, value: i64) -> Self {
        self.set_integer(field, Some(value), false)
    }

    /// Adds a count.
    pub(crate) fn count(self, field: &str, value: usize) -> Self {
        self.integer(field, i64::try_from(value).expect("fewer than 2^63 things"))
    }

    pub(crate) fn optional_integer(self, field: &str, value: Option<i64>) -> Self {
        self.set_integer(field, value, true)
    }

    pub(crate) fn boolean(mut self, field: &str, value: bool) -> Self {
        let Column::Boolean(column) = self.column(field, false) else { wrong_type(field) };
        column.append_value(value);
        self
    }

    pub(crate) fn instant(self, field: &str, value: Instant) -> Self {
        self.set_instant(field, Some(value), false)
    }

    pub(crate) fn optional_instant(self, field: &str, value: Option<Instant>) -> Self {
        self.set_instant(field, value, true)
    }

    /// Adds the export date, which ends every table, and with it the row.
    pub(crate) fn end(self) -> Result<(), EncodeError> {
        let at = self.rows.at;
        let Row { rows, next } = self.instant("export_date", at);
        assert_eq!(next, rows.columns.len(), "a row of {} ends early", rows.table.name);
        rows.rows += 1;
        if rows.rows >= rows.batch_rows || rows.text_bytes >= BATCH_TEXT_BYTES {
            rows.flush()
        } else {
            Ok(())
        }
    }

    fn set_text(mut self, field: &str, value: Option<&str>, nullable: bool) -> Self {
        let Column::Text(column) = self.column(field, nullable) else { wrong_type(field) };
        column.append_option(value);
        self.rows.text_bytes += value.map_or(0, str::len);
        self
    }

    fn set_integer(mut self, field: &str, value: Option<i64>, nullable: bool) -> Self {
        let Column::Integer(column) = self.column(field, nullable) else { wrong_type(field) };
        column.append_option(value);
        self
    }

    fn set_instant(mut self, field: &str, value: Option<Instant>, nullable: bool) -> Self {
        let Column::Timestamp(column) = self.column(field, nullable) else { wrong_type(field) };
        column.append_option(value.map(Instant::as_micros));
        self
    }

    /// Returns the column of the next field, which must have this name and nullability.
    fn column(&mut self, field: &str, nullable: bool) -> &mut Column {
        let table = self.rows.table;
        let next = table.fields.get(self.next).map(|next| (next.name, next.nullable));
        assert_eq!(next, Some((field, nullable)), "in {}, field {}", table.name, self.next);
        self.next += 1;
        &mut self.rows.columns[self.next - 1]
    }
}

fn wrong_type(field: &str) -> ! {
    panic!("{field} has another type")
}
