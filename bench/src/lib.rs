//! Measuring the product: generated enterprises ([`enterprise`]) and the phases of a run over them.
//!
//! Nothing of this is part of the product; the product does not know that it is measured.

pub mod catalog;
pub mod cedar;
pub mod enterprise;
pub mod load;
pub mod normalized;
pub mod phases;
pub mod random;
pub mod stores;
