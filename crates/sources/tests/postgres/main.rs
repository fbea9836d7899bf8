//! What is read from PostgreSQL, against PostgreSQL itself.

#![allow(clippy::unwrap_used, reason = "a test that cannot prepare its world has failed")]

mod cluster;
mod failures;
mod generate;
mod oracle;
#[path = "../../../store/tests/suite/postgres_server.rs"]
mod postgres_server;
#[path = "../ldap/proxy.rs"]
#[expect(dead_code, reason = "shared with the tests of directories, which use more of it")]
mod proxy;
mod reading;
mod world;
