//! PATCH (RFC 7644, section 3.5.2).
//!
//! Beyond the standard, the habits of Okta and Microsoft Entra are understood: names of operations in any case of
//! letters, an object without a path whose keys are paths (`name.givenName`, `urn:…:User:department`,
//! `emails[type eq "work"].value`), members to be removed in `value`, and an `add` through a filter that selects nothing,
//! which creates the value that the filter describes. Operations on unknown attributes are ignored, and so are
//! read-only attributes in an object without a path.

mod apply;
mod elements;
mod operation;
mod parse;

pub use operation::{MembersChange, Operation, PatchStep};
pub use parse::parse_patch;

#[cfg(test)]
mod tests;
