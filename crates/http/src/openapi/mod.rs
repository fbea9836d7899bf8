//! The OpenAPI document: [`document()`] makes it from the table of routes, [`query_parameters`] reads the parameters of a
//! route off a type, `catalog` has the schemas of the catalog's documents.

mod catalog;
mod document;
mod parameters;
mod reference;

pub(crate) use document::document;
pub(crate) use parameters::{QueryParameter, query_parameters};
pub(crate) use reference::reference;
