//! How values of the model are written in explanations: by their names in tables, as the API and the command line show
//! them.

use std::fmt::Display;

use domesday_model::{LevelKind, MaskKind, Scope};
use serde::Serializer;

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes the field by reference")]
pub(crate) fn scope<S: Serializer>(scope: &Scope, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(scope.as_str())
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes the field by reference")]
pub(crate) fn level<S: Serializer>(level: &LevelKind, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(level.as_str())
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes the field by reference")]
pub(crate) fn mask<S: Serializer>(mask: &MaskKind, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(mask.as_str())
}

/// Writes a list of values as they are displayed.
pub(crate) fn displayed<T: Display, S: Serializer>(values: &[T], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(values.iter().map(ToString::to_string))
}
