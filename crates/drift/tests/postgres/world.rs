//! One random database on a server, with the outcomes that it is compared with.

use std::sync::{Arc, MutexGuard};

use domesday_drift::Drift;
use domesday_engine::{Outcomes, evaluate};
use domesday_model::privileges::{ObservedDatabase, Privileges};
use domesday_model::{Identification, Instant, Snapshot};
use domesday_sources::postgres::read_privileges;
use postgres::{Client, Transaction};

use crate::cluster::{server_version, take_turn};
use crate::generate::{Generated, generate};
use crate::postgres_server::Server;

pub(crate) struct World {
    server: &'static Server,
    name: String,
    pub(crate) generated: Generated,
    pub(crate) identify: Vec<Identification>,
    pub(crate) outcomes: Arc<Outcomes>,
    pub(crate) version: u32,
    _turn: MutexGuard<'static, ()>,
}

impl World {
    pub(crate) fn new(seed: u64) -> Self {
        let turn = take_turn();
        let server = Server::shared();
        let name = format!("drift_{seed}");
        let mut client = server.client("postgres");
        let version = server_version(&mut client);
        client.batch_execute(&format!("CREATE DATABASE {name}")).unwrap();
        let generated = generate(seed, version);
        server.run(&name, &generated.sql.replace("DATABASE current", &format!("DATABASE {name}")));
        let text = serde_json::to_string(&generated.catalog).unwrap();
        let text = text.replace("\"DATABASE\"", &format!("\"{name}\""));
        let loaded = domesday_sources::parse_str("catalog.json", &text);
        let loaded = loaded.unwrap_or_else(|mistakes| panic!("{mistakes}\n{text}"));
        let snapshot = Snapshot::of_catalog(&loaded.catalog, Instant::from_micros(0)).unwrap();
        let identify = serde_json::from_value(generated.identify.clone()).unwrap();
        Self {
            server,
            name,
            generated,
            identify,
            outcomes: Arc::new(evaluate(snapshot)),
            version,
            _turn: turn,
        }
    }

    pub(crate) fn client(&self) -> Client {
        self.server.client(&self.name)
    }

    /// Compares what a transaction sees with the outcomes.
    pub(crate) fn drift(&self, transaction: &mut Transaction<'_>) -> Drift {
        self.drift_from(read_privileges(transaction).unwrap())
    }

    pub(crate) fn drift_from(&self, privileges: Privileges) -> Drift {
        let database = ObservedDatabase {
            connection: "db".to_owned(),
            host: "db".to_owned(),
            identify: self.identify.clone(),
            privileges,
        };
        Drift::new(Arc::clone(&self.outcomes), Arc::new(database))
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.server.run_until_done("postgres", &format!("DROP DATABASE {}", self.name));
            self.server.run("postgres", &self.generated.cleanup);
        }
    }
}
