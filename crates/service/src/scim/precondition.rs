//! Preconditions of requests (RFC 7644, section 3.14; RFC 9110, section 13.1).

use domesday_store::ScimResource;

use super::error::ScimFailure;

/// The entity tags of a header, without `W/` and quotes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EntityTags {
    /// `*`: whatever there is.
    Any,
    /// One of these.
    OneOf(Vec<String>),
}

impl EntityTags {
    fn contain(&self, tag: &str) -> bool {
        match self {
            Self::Any => true,
            Self::OneOf(tags) => tags.iter().any(|one| one == tag),
        }
    }
}

/// What a request requires of the present state of a resource.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ScimPrecondition {
    /// `If-Match`.
    pub if_match: Option<EntityTags>,
    /// `If-None-Match`.
    pub if_none_match: Option<EntityTags>,
}

impl ScimPrecondition {
    /// Checks the precondition of a change.
    pub(super) fn check(&self, resource: &ScimResource) -> Result<(), ScimFailure> {
        let tag = entity_tag(resource);
        let is_other = self.if_match.as_ref().is_some_and(|tags| !tags.contain(&tag));
        if is_other || self.is_known(&tag) {
            return Err(ScimFailure::PreconditionFailed(format!(
                "the {} has the version W/\"{tag}\" by now; read it again and repeat the change",
                resource.kind
            )));
        }
        Ok(())
    }

    /// Whether the client has this version already.
    #[must_use]
    pub fn is_known(&self, tag: &str) -> bool {
        self.if_none_match.as_ref().is_some_and(|tags| tags.contain(tag))
    }
}

/// Returns the entity tag of a resource, without `W/` and quotes. No other version of it has the same, and no resource
/// that was created after it was deleted.
pub(super) fn entity_tag(resource: &ScimResource) -> String {
    format!("{}-{}", resource.number, resource.version)
}
