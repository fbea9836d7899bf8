//! Options that several commands share: what they read, and how a listing is taken over.

use std::path::PathBuf;

use clap::Args;

use super::{StoreArg, path_parser};

/// A catalog directory or a store. The connections that the directory declares are read if that is asked for.
#[derive(Debug, Args)]
pub(crate) struct InputArgs {
    /// Read this catalog directory instead of a store
    #[arg(long, value_name = "DIR", value_parser = path_parser())]
    pub(crate) catalog: Option<PathBuf>,
    /// Read the connections that the catalog directory declares first
    #[arg(long)]
    pub(crate) sync: bool,
    #[command(flatten)]
    pub(crate) store: StoreArg,
}

/// A catalog directory or a store. The connections that the directory declares are read first.
#[derive(Debug, Args)]
pub(crate) struct SyncedInputArgs {
    /// Read this catalog directory instead of a store
    #[arg(long, value_name = "DIR", value_parser = path_parser())]
    pub(crate) catalog: Option<PathBuf>,
    /// Leave out what the connections of the catalog directory list, in place of reading them first
    #[arg(long)]
    pub(crate) no_sync: bool,
    #[command(flatten)]
    pub(crate) store: StoreArg,
}

/// How what a connection lists is taken over.
#[derive(Debug, Args)]
pub(crate) struct TakeOverArgs {
    #[command(flatten)]
    pub(crate) store: StoreArg,
    /// Print what would change without changing anything
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Accept any number of users and data sources that are gone
    #[arg(long)]
    pub(crate) accept_gone: bool,
}
