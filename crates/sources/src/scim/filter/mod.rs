//! Filters (RFC 7644, section 3.4.2.2).
//!
//! An attribute that the schemas do not have counts as one without a value. `null` in a comparison stands for no value.

mod ast;
mod evaluate;
mod parse;

pub(super) use ast::Literal;
pub use ast::{Filter, Lookup};
pub(super) use evaluate::{matches_element, values};
pub(super) use parse::{Scope, parse_element_filter};
