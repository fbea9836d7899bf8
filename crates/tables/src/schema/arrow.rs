//! The definition as Arrow and Parquet schemas.
//!
//! String is BYTE_ARRAY with the logical type STRING, Integer INT64, Boolean
//! BOOLEAN, Timestamp INT64 with `TIMESTAMP(isAdjustedToUTC=true, MICROS)`; NOT NULL is `REQUIRED`.

use arrow_schema::{DataType, Field as ArrowField, Schema, TimeUnit};
use parquet::arrow::ArrowSchemaConverter;
use parquet::errors::ParquetError;
use parquet::schema::types::SchemaDescriptor;

use super::{FieldKind, Table};

/// Returns the Arrow schema of a table: plain types, nullability as in the contract.
#[must_use]
pub fn arrow_schema(table: &Table) -> Schema {
    let fields = table.fields.iter();
    Schema::new(
        fields
            .map(|field| ArrowField::new(field.name, data_type(field.kind), field.nullable))
            .collect::<Vec<_>>(),
    )
}

/// Returns the Parquet schema of a table's files.
///
/// # Errors
/// Never for a table of this crate; the conversion is fallible for types that no table has.
pub fn parquet_schema(table: &Table) -> Result<SchemaDescriptor, ParquetError> {
    ArrowSchemaConverter::new().schema_root("schema").convert(&arrow_schema(table))
}

pub(crate) fn data_type(kind: FieldKind) -> DataType {
    match kind {
        FieldKind::String => DataType::Utf8,
        FieldKind::Integer => DataType::Int64,
        FieldKind::Boolean => DataType::Boolean,
        FieldKind::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
    }
}

#[cfg(test)]
mod tests {
    use parquet::basic::{LogicalType, Repetition, TimeUnit, Type};

    use super::*;
    use crate::schema::{SNAPSHOT, TABLES};

    #[test]
    fn parquet_types_follow_the_contract() {
        for table in TABLES.iter().chain([&SNAPSHOT]) {
            let schema = parquet_schema(table).unwrap();
            assert_eq!(schema.num_columns(), table.fields.len());
            for (field, column) in table.fields.iter().zip(schema.columns()) {
                let (physical, logical) = match field.kind {
                    FieldKind::String => (Type::BYTE_ARRAY, Some(LogicalType::String)),
                    FieldKind::Integer => (Type::INT64, None),
                    FieldKind::Boolean => (Type::BOOLEAN, None),
                    FieldKind::Timestamp => {
                        (Type::INT64, Some(LogicalType::timestamp(true, TimeUnit::MICROS)))
                    }
                };
                let repetition = if field.nullable { Repetition::OPTIONAL } else { Repetition::REQUIRED };
                let place = format!("{}.{}", table.name, field.name);
                assert_eq!(column.name(), field.name, "{place}");
                assert_eq!(column.physical_type(), physical, "{place}");
                assert_eq!(column.logical_type_ref(), logical.as_ref(), "{place}");
                assert_eq!(column.self_type().get_basic_info().repetition(), repetition, "{place}");
            }
        }
    }
}
