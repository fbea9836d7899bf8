//! Drift and its repair, on random databases of a real PostgreSQL.

#![allow(clippy::unwrap_used, reason = "a test that cannot prepare its world has failed")]

#[path = "../../../sources/tests/postgres/cluster.rs"]
mod cluster;
mod facts;
mod findings;
mod generate;
#[path = "../../../store/tests/suite/postgres_server.rs"]
#[expect(dead_code, reason = "shared with the store's tests, which use more of it")]
mod postgres_server;
mod quoting;
mod repair;
mod world;
