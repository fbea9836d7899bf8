//! Conditions on users (`docs/access.md`, "Condition language").
//!
//! There are two evaluators: [`SetEvaluator`](sets::SetEvaluator) finds all active users for whom a condition holds at a
//! data source, for evaluation, and [`PairEvaluator`] decides for one user, for explanations. Every atom is defined once in
//! each; a property test compares the two.
//!
//! The users for whom a condition holds depend on the data source only through the variables and tag functions that it
//! uses, its [`ConditionInputs`]. Two sources with the same inputs share a *binding* of the condition, and with it one
//! set of users ([`Bindings`]).

mod bindings;
mod inputs;
mod pairs;
mod sets;
mod tags;

pub(crate) use bindings::{BindingIx, Bindings, ConditionIx, ConditionPlace};
pub(crate) use inputs::ConditionInputs;
pub(crate) use pairs::{PairEvaluator, StoredUser, UserView};
pub(crate) use tags::column_tags;
