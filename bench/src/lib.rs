//! Measures the product: generates enterprises ([`enterprise`]) and times the phases of a run over them.
//!
//! The product does not depend on this crate.

pub mod catalog;
pub mod cedar;
pub mod drift;
pub mod enterprise;
pub mod load;
pub mod normalized;
pub mod phases;
pub mod random;
pub mod stores;
