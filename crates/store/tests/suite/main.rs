//! The store's behaviour, the same on each database that can hold it.
//!
//! A test takes a [`Database`](databases::Database) and is listed with `on_each_database!`, which makes a test
//! of it for each.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod apply;
mod audit;
mod backup;
mod concurrency;
mod databases;
mod failover;
mod layers;
mod layers_model;
mod network;
mod objects;
mod oracle;
mod outbox;
mod postgres_server;
mod privileges;
mod readiness;
mod requests;
mod scim;
mod service;
mod sessions;
mod upgrade;
mod world;
