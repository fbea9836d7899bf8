//! What stands in the rows of every table but policy-outcomes, a file a subject.
//!
//! Each function writes one table in its order. Values are given field by field with the field's name, so that
//! a row reads like the table's definition, and [`Rows`] holds the two against each other.

pub(crate) mod assets;
mod builder;
pub(crate) mod people;
pub(crate) mod policies;
pub(crate) mod products;
pub(crate) mod requests;
mod wording;
mod world;

pub(crate) use builder::Rows;
pub(crate) use world::World;
