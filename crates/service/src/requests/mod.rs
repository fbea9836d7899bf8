//! Access requests: who makes, sees, decides and revokes them.
//!
//! A request is made in [`create`], decided in [`decide`], written as a document in [`document`] and listed in [`list`].
//! Each change checks and writes in one transaction. The review steps of the product's form say who may decide, one step
//! after the other; GOVERNANCE always may. Nobody decides a request that they made or that is for them.

pub mod create;
pub mod decide;
pub mod document;
pub mod list;

mod obstacles;
mod review;

pub use obstacles::{Obstacle, find_obstacles};
pub use review::READERS;
