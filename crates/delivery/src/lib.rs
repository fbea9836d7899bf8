//! Destinations of the access summary: where its files go and how they get there whole.
//!
//! A summary is first written to a [`Spool`] beside the destination, then delivered file by file in the order
//! that readers need: tables, zero-row files over parts that today no longer has, the `snapshot` row, the
//! manifest last. Each file appears under its key whole or not at all.
//!
//! What is not here: no evaluation and no encoding; and a local directory is the only destination so far.

mod error;
mod layout;
mod local;

pub use error::DeliveryError;
pub use layout::{Layout, stale_parts};
pub use local::{LocalDirectory, Spool, SpooledFile};
