//! Why tables could not be encoded, by what to do about it.

use std::io;

use parquet::errors::ParquetError;

/// Why tables could not be encoded.
#[derive(Debug, thiserror::Error)]
pub enum EncodeError {
    /// The caller's writer failed: make room or fix the path, then run again.
    #[error("cannot write part {part} of {table}: {source}")]
    Write {
        /// The table.
        table: &'static str,
        /// The part's number.
        part: u32,
        /// The writer's error.
        source: io::Error,
    },
    /// A name refers to nothing: the store's content is not consistent. Applying the catalog again repairs it.
    #[error("{by} refers to the {kind} `{name}`, which does not exist; apply the catalog again")]
    Dangling {
        /// The kind referred to, in words.
        kind: &'static str,
        /// The name that nothing has.
        name: String,
        /// The object that refers to it.
        by: String,
    },
    /// A part is not what its plan says: the plan is of another snapshot or version.
    #[error("part {part} has {rows} rows, and {planned} by the plan; make a new plan of this snapshot")]
    OtherPlan {
        /// The part's number.
        part: u32,
        /// Its rows.
        rows: u64,
        /// Its rows by the plan.
        planned: u64,
    },
    /// The caller's progress callback asked to stop. The parts written so far are of no use.
    #[error("encoding was cancelled")]
    Cancelled,
    /// The Parquet library refused what it was given: a fault of this program.
    #[error("cannot encode {table}: {source}; this is a fault of the program, please report it")]
    Parquet {
        /// The table.
        table: &'static str,
        /// The library's error.
        source: ParquetError,
    },
}

impl EncodeError {
    /// Classifies the library's error: the error of the writer below it, or a fault of this program.
    pub(crate) fn from_parquet(table: &'static str, part: u32, source: ParquetError) -> Self {
        match source {
            ParquetError::External(cause) => match cause.downcast::<io::Error>() {
                Ok(source) => Self::Write { table, part, source: *source },
                Err(cause) => Self::Parquet { table, source: ParquetError::External(cause) },
            },
            source => Self::Parquet { table, source },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_say_what_to_do() {
        let full = || io::Error::new(io::ErrorKind::StorageFull, "no space left on device");
        let table = "user-metadata";
        let errors = [
            (
                EncodeError::Write { table, part: 3, source: full() },
                "cannot write part 3 of user-metadata: no space left on device",
            ),
            (
                EncodeError::Dangling { kind: "user", name: "eve".into(), by: "request `REQ-1`".into() },
                "request `REQ-1` refers to the user `eve`, which does not exist; apply the catalog again",
            ),
            (
                EncodeError::Parquet { table, source: ParquetError::General("no".into()) },
                "cannot encode user-metadata: Parquet error: no; this is a fault of the program, please report it",
            ),
            (EncodeError::Cancelled, "encoding was cancelled"),
            (
                EncodeError::OtherPlan { part: 3, rows: 7, planned: 8 },
                "part 3 has 7 rows, and 8 by the plan; make a new plan of this snapshot",
            ),
        ];
        for (error, message) in errors {
            assert_eq!(error.to_string(), message);
        }
    }

    #[test]
    fn an_error_of_the_writer_is_found_inside_the_librarys() {
        let inside = ParquetError::External(Box::new(io::Error::from(io::ErrorKind::StorageFull)));
        let error = EncodeError::from_parquet("tag-metadata", 1, inside);
        assert!(matches!(error, EncodeError::Write { part: 1, .. }), "{error:?}");
    }
}
