//! What is read from PostgreSQL, against PostgreSQL itself.

#![allow(clippy::unwrap_used, reason = "a test that cannot prepare its world has failed")]

mod generate;
mod oracle;
#[path = "../../../store/tests/suite/postgres_server.rs"]
#[expect(dead_code, reason = "shared with the store's tests, which use more of it")]
mod postgres_server;
