//! `domesday-bench`: makes enterprises and measures the product over them.

use std::io::Write as _;
use std::path::PathBuf;

use clap::{Parser, Subcommand};
use domesday_bench::enterprise::{Size, enterprise};
use domesday_bench::{normalized, phases};

/// Makes enterprises and measures the product over them.
#[derive(Debug, Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Fills a new store with an enterprise.
    Fill {
        /// How large.
        size: Size,
        /// The store's file.
        store: PathBuf,
    },
    /// Writes a store's content as normalized Parquet tables, for a database to work on.
    Normalize {
        /// The store's file.
        store: PathBuf,
        /// The directory for the tables.
        out: PathBuf,
    },
    /// Runs every phase of the product once and prints what each took, as JSON.
    Run {
        /// The store's file.
        store: PathBuf,
        /// The directory for the tables.
        out: PathBuf,
    },
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
        Command::Run { store, out } => serde_json::to_string_pretty(&phases::run(&store, &out)?)? + "\n",
    };
    std::io::stdout().write_all(text.as_bytes())?;
    Ok(())
}
