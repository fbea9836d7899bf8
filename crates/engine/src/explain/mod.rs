//! Explanations: which grants admitted, which did not and because of which part of their condition, which grants a
//! conflict of levels silences, which guardrails block, which requests count, and how a user sees each masked column.
//!
//! The answer comes from the outcomes ([`Outcomes::class`](crate::Outcomes::class)); the steps come from the class from
//! which the outcomes were made and from the evaluator of single pairs. A property test compares every step with every
//! row. Everything here is data; the command line and the API put it into words.

mod column;
mod column_row;
mod condition;
mod conflict;
mod pair;
mod policy;
mod request;

pub use column::{ColumnExplanation, MaskStep, SelectedBy};
pub use column_row::{ColumnStep, Sight};
pub use condition::{AtomFacts, ConditionFunction, ConditionStep};
pub use conflict::{ConflictStep, RivalStep};
pub use pair::{Access, Exclusion, Explanation};
pub use policy::{NamedAs, PolicyStep};
pub use request::{RequestObstacle, RequestStep};
