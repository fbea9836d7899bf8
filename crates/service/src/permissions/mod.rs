//! Permissions beyond those that a call needs by itself: who may read or change which object.
//!
//! [`objects`] decides by the kind of the object; [`people`] and [`data_sources`] have the longer rules.

pub mod objects;

mod data_sources;
pub(crate) mod people;
