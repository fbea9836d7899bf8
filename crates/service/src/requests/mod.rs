//! Access requests: who makes, sees, decides and revokes them.
//!
//! A request is made in [`create`], decided in [`decide`], written as a document in [`document`] and listed in [`list`];
//! [`selection`] finds them in memory.
//! Each change checks and writes in one transaction. The review steps of the product's form say who may decide, one step
//! after the other; GOVERNANCE always may. Nobody decides a request that they made or that is for them.

pub mod create;
pub mod decide;
pub mod document;
pub mod list;
pub mod selection;

mod obstacles;
mod progress;
mod review;
mod review_data;

pub use obstacles::{Obstacle, find_obstacles, find_obstacles_of};
pub use progress::ReviewProgress;
pub use review::READERS;
