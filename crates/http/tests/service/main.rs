//! The service as a customer meets it: over real HTTP, against a real database, with the time in hand.

#![allow(clippy::unwrap_used, reason = "a test that cannot prepare its world has failed")]

mod access;
mod authorization;
mod bounds;
mod browsers;
mod catalog;
mod connections;
mod console;
mod console_access;
mod console_requests;
mod console_walk;
mod export;
mod first_start;
mod guarding;
mod keys;
mod lattice;
mod limits;
mod patch;
mod readiness;
mod request_answers;
mod request_documents;
mod request_rules;
mod requests;
mod routes;
mod schedule;
mod webhook;
mod world;
