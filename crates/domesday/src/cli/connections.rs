//! Commands on connections: sync, connection, import.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{ConfigFileArg, StoreArg, TakeOverArgs, path_parser};

/// Read connections, and take over what they list
///
/// Each connection is read completely, and what it lists becomes its layer of users, groups and data sources, in one
/// transaction. Who is no longer listed becomes disabled, and is never deleted. A sync that would make more absent than
/// the connection's `maxGone` allows changes nothing, unless --accept-gone is given.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  domesday sync                            every connection that is read, in their order
  domesday sync corp-ad --dry-run          print what would change
  domesday sync corp-ad --accept-gone      after making sure that so many really left")]
pub(crate) struct SyncArgs {
    /// The connections, by name [default: all that are read]
    #[arg(value_name = "NAME")]
    pub(crate) names: Vec<String>,
    #[command(flatten)]
    pub(crate) take_over: TakeOverArgs,
    #[command(flatten)]
    pub(crate) config: ConfigFileArg,
}

/// List and try connections
#[derive(Debug, Args)]
pub(crate) struct ConnectionArgs {
    #[command(subcommand)]
    pub(crate) command: ConnectionCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConnectionCommand {
    List(ConnectionListArgs),
    Verify(ConnectionVerifyArgs),
}

/// List the connections of a store with their state
#[derive(Debug, Args)]
pub(crate) struct ConnectionListArgs {
    #[command(flatten)]
    pub(crate) store: StoreArg,
}

/// Connect as a sync would, and print what is found
///
/// Changes nothing. Prints what the source is, how much its first page contains, and what would be left out.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  domesday connection verify corp-ad --store domesday.db")]
pub(crate) struct ConnectionVerifyArgs {
    /// The connection
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) store: StoreArg,
    #[command(flatten)]
    pub(crate) config: ConfigFileArg,
}

/// Import files of a connection
#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    #[command(subcommand)]
    pub(crate) command: ImportCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ImportCommand {
    Csv(ImportCsvArgs),
    Dbt(ImportDbtArgs),
}

/// Import a list of users, and one of memberships
///
/// The files are CSV with a header, in UTF-8. Columns have the names of the catalog's fields (username, name, email,
/// employeeNumber, department, title, manager, leavingDate, status, groups), or are mapped with --map. Who was listed
/// before and is not in the files becomes disabled. Every mistake is printed with its line, and nothing is changed then.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  domesday import csv --connection hr --users people.csv --groups memberships.csv
  domesday import csv --connection hr --users people.csv --map username=Login --map email=Mail --dry-run")]
pub(crate) struct ImportCsvArgs {
    /// The connection, of kind csv
    #[arg(long, value_name = "NAME")]
    pub(crate) connection: String,
    /// The list of users
    #[arg(long, value_name = "FILE", value_parser = path_parser())]
    pub(crate) users: PathBuf,
    /// The list of memberships: group,username
    #[arg(long, value_name = "FILE", value_parser = path_parser())]
    pub(crate) groups: Option<PathBuf>,
    /// A field and the header of its column
    #[arg(long, value_name = "FIELD=HEADER", value_parser = field_and_header)]
    pub(crate) map: Vec<(String, String)>,
    #[command(flatten)]
    pub(crate) take_over: TakeOverArgs,
}

/// Import the data sources of a dbt project
///
/// Models, sources, seeds and snapshots become data sources with their columns, tags, descriptions and owners. Manifests of
/// version 9 to 12 are read. With the catalog, the columns are those of the database, with their types; without it, the
/// described columns add to what other origins know. What was imported before and is not in the manifest becomes disabled.
/// Every mistake is printed with its node, and nothing is changed then.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  domesday import dbt --connection shop --manifest target/manifest.json --catalog target/catalog.json
  domesday import dbt --connection shop --manifest target/manifest.json --dry-run")]
pub(crate) struct ImportDbtArgs {
    /// The connection, of kind dbt
    #[arg(long, value_name = "NAME")]
    pub(crate) connection: String,
    /// The manifest that dbt writes: target/manifest.json
    #[arg(long, value_name = "FILE", value_parser = path_parser())]
    pub(crate) manifest: PathBuf,
    /// The catalog that `dbt docs generate` writes: target/catalog.json
    #[arg(long, value_name = "FILE", value_parser = path_parser())]
    pub(crate) catalog: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) take_over: TakeOverArgs,
}

fn field_and_header(text: &str) -> Result<(String, String), String> {
    let (field, header) = text.split_once('=').ok_or("expected FIELD=HEADER, such as username=Login")?;
    if field.is_empty() || header.is_empty() {
        return Err("expected FIELD=HEADER, such as username=Login".to_owned());
    }
    Ok((field.to_owned(), header.to_owned()))
}
