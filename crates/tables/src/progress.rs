//! Progress of the encoder, and cancelling it.

use std::ops::ControlFlow;

/// How far a table is: reported when it begins, with no rows, and after each of its row groups. Tables that are encoded
/// in parallel report in turn, on the threads that encode them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// The table.
    pub table: &'static str,
    /// Its rows encoded so far.
    pub rows: u64,
}

/// Receives progress, and cancels the encoding by returning [`ControlFlow::Break`].
pub type ProgressCallback<'a> = dyn FnMut(Progress) -> ControlFlow<()> + Send + 'a;
