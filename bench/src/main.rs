//! `domesday-bench`: generates enterprises and measures the product over them.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use clap::{Parser, Subcommand};
use domesday_bench::enterprise::{Size, at, enterprise};
use domesday_bench::load::{Load, Measured};
use domesday_bench::random::Random;
use domesday_bench::{catalog, cedar, drift, normalized, phases, stores};
use domesday_model::Snapshot;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use secrecy::SecretString;
use serde::Serialize;

/// Generates enterprises and measures the product over them.
#[derive(Debug, Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Fills a new store with an enterprise.
    Fill {
        /// The size.
        size: Size,
        /// The store's file.
        store: PathBuf,
    },
    /// Writes a store's content as normalized Parquet tables, the input of a database.
    Normalize {
        /// The store's file.
        store: PathBuf,
        /// The directory for the tables.
        out: PathBuf,
    },
    /// Writes the snapshot of an enterprise to one file, as `domesday snapshot` does of a store.
    WriteSnapshot {
        /// The size.
        size: Size,
        /// The file.
        file: PathBuf,
    },
    /// Runs every phase of the product once and prints the cost of each, as JSON.
    Run {
        /// The store's file.
        store: PathBuf,
        /// The directory for the tables.
        out: PathBuf,
    },
    /// Runs Cedar's authorizer over a sample of users and data sources, pair by pair, and prints the extrapolated cost
    /// of all pairs, as JSON.
    Cedar {
        /// The store's file.
        store: PathBuf,
        /// How many users and how many data sources: each user is asked about each source, in both scopes.
        #[arg(long, default_value_t = 150)]
        each: usize,
    },
    /// Writes an enterprise as a directory of catalog files.
    WriteCatalog {
        /// The size.
        size: Size,
        /// The directory.
        dir: PathBuf,
    },
    /// Reads and validates a directory of catalog files and prints the cost, as JSON.
    ReadCatalog {
        /// The directory.
        dir: PathBuf,
    },
    /// Applies an enterprise to an empty store and prints the cost, as JSON.
    ///
    /// The store's URL comes from the variable DATABASE_URL.
    Apply {
        /// The size.
        size: Size,
    },
    /// Fills an empty PostgreSQL database with roles and tables, finds drift, asks PostgreSQL about a sample of the
    /// tables, and prints the cost, as JSON.
    ///
    /// The database's URL comes from the variable DATABASE_URL; its cluster gets the roles.
    Drift {
        /// Roles.
        #[arg(long, default_value_t = 5_000)]
        roles: usize,
        /// Tables.
        #[arg(long, default_value_t = 20_000)]
        tables: usize,
        /// Tables that PostgreSQL is asked about.
        #[arg(long, default_value_t = 100)]
        sample: usize,
    },
    /// Reads the snapshot of a store and prints the cost, as JSON.
    ///
    /// The store's URL comes from the variable DATABASE_URL.
    Snapshot,
    /// Sends requests to a running service and prints latencies and throughput, as JSON.
    ///
    /// The API key comes from the variable DOMESDAY_KEY.
    Load(LoadArgs),
}

#[derive(Debug, clap::Args)]
struct LoadArgs {
    /// The kind of request.
    question: Question,
    /// The store's file, for the names of users and data sources.
    #[arg(long)]
    store: PathBuf,
    /// The service's address.
    #[arg(long)]
    address: SocketAddr,
    /// Requests per second; as many as possible without it.
    #[arg(long)]
    rate: Option<f64>,
    /// Seconds to run.
    #[arg(long, default_value_t = 10.0)]
    seconds: f64,
    /// The number of connections.
    #[arg(long, default_value_t = 16)]
    connections: usize,
}

/// The kind of request that a load sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Question {
    /// A request that needs no key, no database and no evaluation.
    Live,
    /// A small request that needs a key and the database.
    Tenant,
    /// What a user can reach, first page.
    User,
    /// Who can reach a data source, first page.
    DataSource,
    /// Whether a user can reach a data source.
    Pair,
}

impl Question {
    /// So many different questions, drawn evenly.
    fn paths(self, snapshot: &Snapshot, count: usize) -> Vec<String> {
        let mut random = Random::new(7);
        let draw = |_| {
            let user = &snapshot.users[random.below(snapshot.users.len())].username;
            let source = &snapshot.data_sources[random.below(snapshot.data_sources.len())].name;
            let encoded = |name: &str| utf8_percent_encode(name, NON_ALPHANUMERIC).to_string();
            let (user, source) = (encoded(user), encoded(source));
            match self {
                Self::Live => "/health/live".to_owned(),
                Self::Tenant => "/deployment/tenant".to_owned(),
                Self::User => format!("/api/v1/access?user={user}"),
                Self::DataSource => format!("/api/v1/access?dataSource={source}"),
                Self::Pair => format!("/api/v1/access?user={user}&dataSource={source}"),
            }
        };
        (0..count).map(draw).collect()
    }
}

/// The number of different requests of a load.
const QUESTIONS: usize = 100_000;

fn load(args: &LoadArgs) -> anyhow::Result<Measured> {
    let paths = args.question.paths(&phases::load(&args.store)?, QUESTIONS);
    let load = Load {
        address: args.address,
        key: std::env::var("DOMESDAY_KEY").ok(),
        connections: args.connections,
        rate: args.rate,
        lasts: Duration::from_secs_f64(args.seconds),
    };
    load.run(&paths)
}

fn store_url() -> anyhow::Result<SecretString> {
    Ok(std::env::var("DATABASE_URL").context("DATABASE_URL names no store")?.into())
}

fn json(value: &impl Serialize) -> anyhow::Result<String> {
    Ok(serde_json::to_string_pretty(value)? + "\n")
}

fn main() -> anyhow::Result<()> {
    let text = match Cli::parse().command {
        Command::Fill { size, store } => {
            phases::fill(&enterprise(size), &store)?;
            String::new()
        }
        Command::Normalize { store, out } => {
            std::fs::create_dir_all(&out)?;
            normalized::write(&phases::load(&store)?, &out)?;
            String::new()
        }
        Command::WriteSnapshot { size, file } => {
            std::fs::write(file, Snapshot::of_catalog(&enterprise(size), at())?.to_file(""))?;
            String::new()
        }
        Command::Run { store, out } => json(&phases::run(&store, &out)?)?,
        Command::Cedar { store, each } => json(&cedar::sample(&Arc::new(phases::load(&store)?), each)?)?,
        Command::WriteCatalog { size, dir } => {
            catalog::write(&enterprise(size), &dir)?;
            String::new()
        }
        Command::ReadCatalog { dir } => json(&catalog::read(&dir)?)?,
        Command::Apply { size } => json(&stores::apply(&enterprise(size), &store_url()?)?)?,
        Command::Drift { roles, tables, sample } => {
            json(&drift::compare(&store_url()?, roles, tables, sample)?)?
        }
        Command::Snapshot => json(&stores::read(&store_url()?)?)?,
        Command::Load(args) => json(&load(&args)?)?,
    };
    std::io::stdout().write_all(text.as_bytes())?;
    Ok(())
}
