//! An oracle for the engine: the access rules of design.md, section 3, evaluated the slow and obvious way,
//! and what is needed to set the engine against it.
//!
//! The oracle shares nothing with the engine but the model's *types*: it compares names as texts, matches its
//! own globs, reads templates and walks conditions by itself. Rules are cited by their number in "Access,
//! precisely".

pub(crate) mod compare;
pub(crate) mod condition;
pub(crate) mod coverage;
pub(crate) mod evaluate;
pub(crate) mod generate;
pub(crate) mod mutants;
pub(crate) mod print;
pub(crate) mod row;
mod settle;
