//! An oracle for the engine: the access rules of `docs/access.md`, evaluated in the slow and obvious way,
//! and what is needed to compare the engine with it.
//!
//! The oracle shares nothing with the engine but the model's *types*: it compares names as texts, matches its
//! own globs, reads templates and walks conditions by itself. Rules are cited by their number in "Access,
//! precisely".

pub(crate) mod compare;
mod condition;
pub(crate) mod config;
pub(crate) mod coverage;
pub(crate) mod evaluate;
pub(crate) mod expected;
pub(crate) mod generate;
#[cfg(test)]
mod language;
mod mutants;
mod pools;
pub(crate) mod print;
mod reasons;
pub(crate) mod row;
pub(crate) mod rules;
pub(crate) mod settle;
pub(crate) mod widen;
