//! Why a change was refused, for the form that asked for it.

use axum::http::StatusCode;
use domesday_service::ServiceError;
use domesday_sources::Diagnostics;
use domesday_store::StoreError;

use super::fields::{FieldErrors, field_of};
use super::subject::Subject;
use crate::console::errors::{Failure, sentence};

/// How many objects that stand against a change are named.
const MAX_NAMED: usize = 5;

/// Why a change was refused.
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    /// What concerns the form as a whole.
    pub(super) note: String,
    /// What concerns its fields.
    pub(super) fields: FieldErrors,
    /// Whether somebody else changed the object in the meantime.
    pub(super) is_outdated: bool,
}

impl Refusal {
    fn new(status: StatusCode, note: impl Into<String>) -> Self {
        Self { status, note: note.into(), fields: FieldErrors::new(), is_outdated: false }
    }

    /// The refusal of values that cannot be read.
    pub(super) fn of_fields(fields: FieldErrors) -> Self {
        Self { fields, ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, "") }
    }

    /// The refusal of a document that is not valid.
    pub(super) fn of_document(subject: &'static Subject, wrong: &Diagnostics) -> Self {
        let mut refusal = Self::of_fields(FieldErrors::new());
        wrong.iter().for_each(|one| refusal.add(subject, &one.field, &one.message));
        refusal
    }

    pub(super) fn outdated() -> Self {
        Self { is_outdated: true, ..Self::new(StatusCode::PRECONDITION_FAILED, "") }
    }

    /// Sorts an error of a change; one that is not the caller's to correct is a failure.
    pub(super) fn of_error(subject: &'static Subject, error: ServiceError) -> Result<Self, Failure> {
        let note = sentence(&error.to_string());
        match error {
            ServiceError::Store(StoreError::Invalid { problems }) => {
                let mut refusal = Self::of_fields(FieldErrors::new());
                for problem in &problems {
                    refusal.add(subject, &problem.path.to_string(), &problem.message);
                }
                Ok(refusal)
            }
            ServiceError::Store(StoreError::Inconsistent { problems }) => {
                let named = problems.iter().take(MAX_NAMED).map(|(name, problem)| {
                    format!("{} “{name}”: {}", problem.kind, sentence(&problem.message))
                });
                let named = named.collect::<Vec<_>>().join(" ");
                let more = problems.len().saturating_sub(MAX_NAMED);
                let more = if more > 0 { format!(" And {more} more.") } else { String::new() };
                let note = format!("Other objects refer to it; change them first. {named}{more}");
                Ok(Self::new(StatusCode::CONFLICT, note))
            }
            ServiceError::Store(StoreError::Listed { .. }) => Ok(Self::new(StatusCode::CONFLICT, note)),
            ServiceError::Store(StoreError::Precondition { .. }) | ServiceError::PreconditionFailed(_) => {
                Ok(Self::outdated())
            }
            ServiceError::Forbidden { .. } => Ok(Self::new(StatusCode::FORBIDDEN, note)),
            ServiceError::Invalid { .. } | ServiceError::Conflict { .. } => {
                Ok(Self::new(StatusCode::UNPROCESSABLE_ENTITY, note))
            }
            other => Err(other.into()),
        }
    }

    fn add(&mut self, subject: &'static Subject, path: &str, message: &str) {
        let message = sentence(message);
        let Some(field) = field_of(subject, path) else {
            self.note.push_str(&message);
            self.note.push(' ');
            return;
        };
        let text = self.fields.entry(field.key).or_default();
        if !text.is_empty() {
            text.push(' ');
        }
        // Which column it is, since they are one field.
        match path.strip_prefix("columns") {
            Some(rest) if !rest.is_empty() => text.push_str(&format!("{rest}: {message}")),
            _ => text.push_str(&message),
        }
    }
}
