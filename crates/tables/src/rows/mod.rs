//! The rows of every table but policy-outcomes, one file for each subject.
//!
//! Each function writes one table in its order. Values are given field by field with the field's name, so that
//! a row reads like the table's definition, and [`Rows`] checks one against the other.

pub(crate) mod assets;
mod context;
pub(crate) mod people;
pub(crate) mod policies;
mod policy_text;
pub(crate) mod products;
pub(crate) mod requests;
mod row_builder;

pub(crate) use context::RowContext;
pub(crate) use row_builder::Rows;
