//! The tables of the access summary: schema as data, Parquet encoding, manifest.
//!
//! [`encode()`] takes the engine's [`Outcomes`](domesday_engine::Outcomes) and writes all
//! [`TABLES`] as Parquet parts into whatever its caller opens; the caller delivers them, writes the row
//! that names the snapshot ([`encode_snapshot_row`]), overwrites parts that today's summary no longer has
//! ([`encode_empty`]), and lists everything in a [`Manifest`].
//!
//! - [`schema`]: the definition of the tables, from which everything else about them follows.
//! - `rows`: the rows of the tables that come row by row, one file for each subject.
//! - `policy_outcomes`: policy-outcomes, which is encoded by class: its rows are never made.
//! - `drift_tables`: actual-access and access-drift, which are encoded by group of relations.
//! - `columnar`: what both encoders put column chunks together with.
//! - `batch_writer`: writes the tables that come row by row. `part_writer`: Parquet files and their digests.
//!
//! What is not here: no file, no clock, no HTTP. The same outcomes and settings give the same bytes.

mod batch_writer;
mod columnar;
mod digest;
mod drift_tables;
mod encode;
mod error;
mod json;
mod manifest;
mod part_writer;
mod policy_outcomes;
mod progress;
mod rows;
pub mod schema;
mod settings;
mod snapshot_id;

pub use digest::{hex, parse_hex, sha256};
pub use encode::{
    Encoded, SnapshotRow, encode, encode_empty, encode_other_tables, encode_parts, encode_snapshot_row,
};
pub use error::EncodeError;
pub use manifest::{
    ChainLink, Evidence, Manifest, ManifestConnection, ManifestDrift, ManifestFile, ManifestSnapshot,
    ManifestSync, ManifestTenant, PolicyStates, PolicyTotals, Totals,
};
pub use part_writer::Part;
pub use policy_outcomes::{OutcomeCounts, OutcomePlan, PlannedPart, RowPosition, plan as plan_outcomes};
pub use progress::{Progress, ProgressCallback};
pub use schema::{
    Field, FieldKind, POLICY_OUTCOMES, SCHEMA_FOLDER, SCHEMA_VERSION, SNAPSHOT, TABLES, Table, arrow_schema,
    parquet_schema, render_json, render_markdown, table,
};
pub use settings::Settings;
pub use snapshot_id::snapshot_id;

/// The name of the program in files and manifest.
pub const PRODUCT: &str = "domesday";

/// The version of the rules in `docs/access.md`. Changes when the same catalog would have other outcomes.
pub const RULES_VERSION: &str = "1";
