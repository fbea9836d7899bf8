//! The outcomes of the current revision, kept in memory so that access queries are answered at once.
//!
//! A change of the catalog gives it another revision, and the next query evaluates anew before it answers: an answer is
//! never older than the question. Within a revision time passes too, and a request's approval may expire: an evaluation is
//! valid until the first such expiry after its instant.

mod access;
mod access_figures;
mod cache;
mod evaluated;
mod figures;
mod inventory;
mod name_index;
mod naming;
mod policies;
mod policy_summaries;
mod rows;
mod search;
mod visible;

pub use access::{AccessFilter, AccessPage, AccessRow, PageStart};
pub use access_figures::AccessFigures;
pub use cache::Evaluations;
pub use evaluated::Evaluation;
pub use figures::DomainReach;
pub use inventory::{
    DataSourceFilter, DataSourceOrder, Grouping, GroupingOrder, ListPage, ListRange, UserFilter, UserOrder,
};
pub use naming::NamingPolicies;
pub use policies::{DraftMatches, PolicyDraft};
pub(crate) use policy_summaries::People;
pub use policy_summaries::{PolicySummaries, PolicySummary};
pub use rows::{ColumnSummary, RowFilter, RowOrder, RowPage, RowRange, SourceSummary, UserSummary};
pub use search::{Hits, SearchResult};
pub use visible::{ASSET_READERS, READERS, Selection, Selector, View, reduce, reduce_column};
