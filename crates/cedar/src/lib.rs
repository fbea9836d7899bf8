//! A snapshot as Cedar policies, schema and entities: a grant is `permit(…) when {…}`, a guardrail `forbid(…) unless {…}`.
//!
//! Users of Cedar get their policies with a schema that Cedar's validator accepts; the engine gets an oracle,
//! since this translation shares nothing with it. What Cedar's language cannot express (joining strings, `?` in a
//! glob, which level wins a conflict) is computed here and stored in the entities, under names that say so.
//! Masks on columns are not translated: Cedar decides on access, not on how a value is shown.
//!
//! Rule numbers are those of `docs/access.md`, "Access, precisely".

mod conditions;
mod entities;
mod literals;
mod policies;
mod schema;

use domesday_model::Snapshot;

use conditions::Templates;

/// A snapshot in Cedar's formats.
#[derive(Debug, Clone, PartialEq)]
pub struct CedarExport {
    /// The schema, in Cedar's own syntax.
    pub schema: String,
    /// The policies, in Cedar's own syntax, each with the annotations `@id`, `@name` and `@kind` (`grant`,
    /// `guardrail`, `right` for what ownership and products give, `status` for what disables).
    pub policies: String,
    /// The entities, in Cedar's JSON format.
    pub entities: serde_json::Value,
}

/// Translates a snapshot.
///
/// ```
/// # fn main() -> Result<(), domesday_model::SnapshotError> {
/// use domesday_model::{Catalog, Instant, Snapshot};
///
/// let snapshot = Snapshot::of_catalog(&Catalog::default(), Instant::from_micros(0))?;
/// assert!(domesday_cedar::export(&snapshot).policies.contains("permit"));
/// # Ok(())
/// # }
/// ```
#[must_use]
pub fn export(snapshot: &Snapshot) -> CedarExport {
    let templates = Templates::collect(snapshot);
    CedarExport {
        schema: schema::schema(snapshot, &templates),
        policies: policies::policies(snapshot, &templates),
        entities: entities::entities(snapshot, &templates),
    }
}
