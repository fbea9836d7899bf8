//! The twelve tables of the access summary: schema as data, Parquet encoding, manifest.
//!
//! The way of the data: [`encode()`] takes the engine's [`Outcomes`](domesday_engine::Outcomes) and writes all
//! twelve [`TABLES`] as Parquet parts into whatever its caller opens; the caller delivers them, writes the row
//! that names the snapshot ([`encode_snapshot_row`]), overwrites parts that today no longer has
//! ([`encode_empty`]), and states everything in a [`Manifest`].
//!
//! - [`schema`]: the definition of the tables, from which everything else about them follows.
//! - `rows`: what stands in each row of eleven of the tables, a file a subject.
//! - `policy_outcomes`: the twelfth, policy-outcomes, whose rows exist only inside the readers of its files.
//! - `batches`: the tables that come row by row. `part`: Parquet files and their digests.
//!
//! What is not here: no file, no clock, no HTTP. The same outcomes and settings give the same bytes.

mod batches;
mod encode;
mod error;
mod hex;
mod json;
mod manifest;
mod part;
mod policy_outcomes;
mod progress;
mod rows;
pub mod schema;
mod settings;
mod snapshot_id;

pub use encode::{Encoded, SnapshotRow, encode, encode_empty, encode_snapshot_row};
pub use error::EncodeError;
pub use hex::{hex, parse_hex, sha256};
pub use manifest::{
    ChainLink, Evidence, Manifest, ManifestFile, ManifestSnapshot, ManifestTenant, PolicyStates,
    PolicyTotals, Totals,
};
pub use part::Part;
pub use policy_outcomes::OutcomeCounts;
pub use progress::{Progress, ProgressCallback};
pub use schema::{
    Field, FieldKind, SCHEMA_FOLDER, SCHEMA_VERSION, SNAPSHOT, TABLES, Table, arrow_schema, parquet_schema,
    render_json, render_markdown, table,
};
pub use settings::Settings;
pub use snapshot_id::snapshot_id;

/// The program, as files and manifest name it.
pub const PRODUCT: &str = "domesday";

/// The version of the evaluation's rules (specification, section 3, "Access, precisely"); changes when the
/// same catalog would give other outcomes.
pub const RULES_VERSION: &str = "1";
