//! A database of a test's own, and a role that reads it.

use domesday_model::PostgresConnection;
use domesday_sources::postgres::{PostgresAccess, PostgresBounds, PostgresError, read};
use domesday_sources::reading::Reading;
use postgres::Client;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::MutexGuard;
use std::time::Duration;

use crate::cluster::take_turn;
use crate::postgres_server::Server;

/// The password of the reading role.
pub(crate) const PASSWORD: &str = "reader's secret";

/// A database and its reader.
pub(crate) struct World {
    pub(crate) server: &'static Server,
    pub(crate) name: String,
    _turn: MutexGuard<'static, ()>,
}

impl World {
    /// Creates a database with objects, and a role of the same name that may only connect.
    pub(crate) fn new(name: &str, sql: &str) -> Self {
        let turn = take_turn();
        let server = Server::shared();
        server.run("postgres", &format!("CREATE DATABASE \"{name}\""));
        let password = PASSWORD.replace('\'', "''");
        server.run(name, &format!("CREATE ROLE \"{name}\" LOGIN PASSWORD '{password}'"));
        server.run(name, sql);
        Self { server, name: name.to_owned(), _turn: turn }
    }

    pub(crate) fn client(&self) -> Client {
        self.server.client(&self.name)
    }

    pub(crate) fn run(&self, sql: &str) {
        self.server.run(&self.name, sql);
    }

    /// The connection to the database, with further fields.
    pub(crate) fn connection(&self, fields: Value) -> PostgresConnection {
        self.connection_on(self.server.port(), "verify-full", fields)
    }

    /// The connection through a port of `localhost`.
    #[expect(clippy::needless_pass_by_value, reason = "called with literals")]
    pub(crate) fn connection_on(&self, port: u16, ssl_mode: &str, fields: Value) -> PostgresConnection {
        let name = &self.name;
        let mut document =
            json!({ "url": format!("postgres://{name}@localhost:{port}/{name}?sslmode={ssl_mode}") });
        for (key, value) in fields.as_object().unwrap() {
            document[key] = value.clone();
        }
        serde_json::from_value(document).unwrap()
    }

    /// Reads the database as the reader.
    pub(crate) fn read(&self, fields: Value) -> Reading {
        read(&self.connection(fields), "warehouse", &access(self.server)).unwrap()
    }

    /// Why the database cannot be read.
    pub(crate) fn read_error(&self, connection: &PostgresConnection) -> PostgresError {
        read(connection, "warehouse", &access(self.server)).unwrap_err()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let name = &self.name;
            self.server.run_until_done("postgres", &format!("DROP DATABASE \"{name}\""));
            self.server.run("postgres", &format!("DROP ROLE \"{name}\""));
        }
    }
}

/// Allows every address.
pub(crate) fn anywhere(_: &str, _: &[SocketAddr]) -> Result<(), String> {
    Ok(())
}

/// Access to a server whose certificate is trusted.
pub(crate) fn access(server: &Server) -> PostgresAccess<'static> {
    PostgresAccess {
        password: Some(PASSWORD.into()),
        authorities: std::fs::read(server.authority()).unwrap(),
        connect_limit: Duration::from_secs(30),
        bounds: PostgresBounds::default(),
        judge_addresses: &anywhere,
    }
}
