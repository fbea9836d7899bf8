//! Members of groups as clients name them.

use serde_json::Value;

use super::error::ScimError;
use super::resource::Document;

/// A member of a group, as a client names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The id of the member.
    pub value: String,
    /// Its name for people, as the client knows it.
    pub display: Option<String>,
}

impl Member {
    /// Reads members as they are stored in a list.
    pub(super) fn parse_list(value: Value) -> Result<Vec<Self>, ScimError> {
        let Value::Array(elements) = value else { return Ok(Vec::new()) };
        let parse = |mut element: Value| {
            let Value::String(value) = element["value"].take() else {
                return Err(ScimError::value("a member has no `value`; send the id of a user or group"));
            };
            let display = match element["display"].take() {
                Value::String(display) => Some(display),
                _ => None,
            };
            Ok(Self { value, display })
        };
        elements.into_iter().map(parse).collect()
    }
}

/// Takes the members out of a group.
///
/// # Errors
/// `invalidValue` when a member has no `value`.
pub fn take_members(document: &mut Document) -> Result<Vec<Member>, ScimError> {
    match document.shift_remove("members") {
        None => Ok(Vec::new()),
        Some(value) => Member::parse_list(value),
    }
}
