//! Which policies count in a scope and whom they admit (`docs/access.md` rules 1, 4, 5 and 6).
//!
//! [`Admission`] is of all users at once, for evaluation; [`PairAdmission`] judges one user, stored or hypothetical,
//! for explanations.

mod pairs;
mod scope;
mod sets;

pub(crate) use pairs::{AssumedUser, PairAdmission};
pub(crate) use scope::counts_in_scope;
pub(crate) use sets::{Admission, individuals};
