//! The SQL that brings a database to what policies say (`docs/drift.md`, "Repair").
//!
//! Each candidate statement is applied to the access lists in memory, by PostgreSQL's rules for grantors and dependent
//! grants, and everybody whom it concerns is evaluated again. It is proposed only if the finding goes, no finding comes, and
//! nobody changes about whom nothing was found. Otherwise somebody has to decide, and a comment says what.

mod access_list;
mod candidates;
mod decision;
mod decision_text;
mod effect;
#[cfg(test)]
pub(crate) mod fixtures;
mod plan;
mod planner;
mod quote;
mod script;
mod single_revokes;
mod state;
mod statement;
mod work_out;

pub(crate) use plan::RepairPlan;
pub use quote::quote_identifier;
