//! Connections as the command line reads them.

use std::net::SocketAddr;

use anyhow::Context;
use domesday_model::{Connection, ConnectionKind, Instant, SecretReference};
use domesday_service::connections::{Source, SyncRequest, SyncView, open_password, sync_store, with_lease};
use domesday_service::{ServiceError, sealer};
use domesday_store::{Freshness, Store};
use secrecy::SecretString;
use serde_json::Value;

use crate::cli::{ConfigFileArg, TakeOverArgs};
use crate::instant::instant_or_now;
use crate::output::{DIM, GOOD, Output, STRONG, WARNING, grouped};
use crate::service_config::{existing_key, read_config};

/// The actor of the audit log for changes at the command line.
pub(crate) const ACTOR: &str = "command line";

/// The variable that names a file of certificates of authorities.
const AUTHORITIES: &str = "DOMESDAY_CONNECTIONS_CA_FILE";

/// How to sync.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct SyncOptions {
    pub(crate) dry_run: bool,
    pub(crate) accept_gone: bool,
}

impl From<&TakeOverArgs> for SyncOptions {
    fn from(args: &TakeOverArgs) -> Self {
        Self { dry_run: args.dry_run, accept_gone: args.accept_gone }
    }
}

/// Returns the connections of a store in their order.
pub(crate) fn connections(store: &mut Store) -> anyhow::Result<Vec<Connection>> {
    let objects = store.connections()?;
    Ok(objects.into_iter().map(Freshness::parse).collect::<Result<_, _>>()?)
}

/// Finds a connection of a store.
pub(crate) fn find(store: &mut Store, name: &str) -> anyhow::Result<Connection> {
    let all = connections(store)?;
    let names: Vec<_> = all.iter().map(|connection| format!("`{}`", connection.name)).collect();
    all.into_iter().find(|connection| connection.name == name).with_context(|| match &names[..] {
        [] => format!("there is no connection `{name}`, and no other\nhelp: declare it under `connections` in the catalog and apply that"),
        names => format!("there is no connection `{name}`; there are {}", names.join(", ")),
    })
}

/// Returns the password of a connection: from where its file says, or as the service keeps it sealed.
pub(crate) fn password(
    store: &mut Store,
    connection: &Connection,
    config: Option<&ConfigFileArg>,
) -> Result<Option<SecretString>, String> {
    match connection.kind.secret_reference() {
        Some(SecretReference::Env(name)) => match std::env::var(name) {
            Ok(password) => Ok(Some(password.into())),
            Err(_) => Err(format!("the environment variable {name}, which has its password, is not set")),
        },
        Some(SecretReference::File(path)) => match std::fs::read_to_string(path) {
            Ok(password) => Ok(Some(password.trim_end_matches(['\r', '\n']).into())),
            Err(error) => Err(format!("the file of its password, {}: {error}", path.display())),
        },
        None => sealed_password(store, connection, config),
    }
}

fn sealed_password(
    store: &mut Store,
    connection: &Connection,
    config: Option<&ConfigFileArg>,
) -> Result<Option<SecretString>, String> {
    let sealed = store.connection_secret(&connection.name).map_err(|error| error.to_string())?;
    let (Some(sealed), Some(config)) = (sealed, config) else { return Ok(None) };
    let config = read_config(config).map_err(|error| error.to_string())?;
    let sealer = sealer(&existing_key(&config.secret_key))
        .map_err(|error| format!("its password is sealed by the service: {error}"))?;
    open_password(&sealer, &connection.name, &sealed).map(Some)
}

/// Returns the certificates of authorities that connections trust in addition to the public ones.
pub(crate) fn authorities() -> anyhow::Result<Vec<u8>> {
    match std::env::var_os(AUTHORITIES) {
        None => Ok(Vec::new()),
        Some(path) => {
            std::fs::read(&path).with_context(|| format!("cannot read {} ({AUTHORITIES})", path.display()))
        }
    }
}

/// Allows every address: the operator's list of hosts applies to the service, and not to commands.
pub(crate) fn any_address(_: &str, _: &[SocketAddr]) -> Result<(), String> {
    Ok(())
}

/// Syncs a connection of a store.
pub(crate) fn sync(
    store: &mut Store,
    connection: &Connection,
    options: SyncOptions,
    config: Option<&ConfigFileArg>,
    at: Option<Instant>,
) -> anyhow::Result<SyncView> {
    let request = SyncRequest {
        trigger: "manual",
        actor: ACTOR.to_owned(),
        from: None,
        dry_run: options.dry_run,
        accept_gone: options.accept_gone,
    };
    let source = Source {
        password: password(store, connection, config),
        authorities: authorities()?,
        judge_addresses: &any_address,
    };
    let now = || instant_or_now(at);
    let holder = format!("command line:{}", std::process::id());
    let record = with_lease(store, &connection.name, &holder, now(), |store| -> Result<_, ServiceError> {
        Ok(sync_store(store, connection, source, &request, &now, &|_, _| None)?)
    })?;
    Ok(SyncView::of(record, options.dry_run))
}

/// Prints a sync that ended, and returns whether it changed what it was to change.
pub(crate) fn print_sync(view: &SyncView, output: Output) -> bool {
    let (report, name) = (&view.report, &view.connection);
    for warning in texts(&report["warnings"]) {
        output.warning(format_args!("{name}: {warning}"));
    }
    for skipped in report["skipped"].as_array().into_iter().flatten() {
        let text = |key: &str| skipped[key].as_str().unwrap_or_default().to_owned();
        output.warning(format_args!("{name}: left out {}: {}", text("entry"), text("reason")));
    }
    if view.state != "succeeded" {
        let error = report["error"].as_str().unwrap_or("it failed");
        output.note(format_args!("{WARNING}{name}: {}:{WARNING:#} {error}", view.state));
        if view.state == "refused" {
            output.note(
                "help: look at what would be gone with --dry-run; if they really left, add --accept-gone",
            );
        }
        if report.get("changes").is_none() {
            return false;
        }
    }
    print_changes(report, output);
    if !output.is_quiet() {
        let counts = report["counts"]
            .as_object()
            .into_iter()
            .flatten()
            .filter(|(_, count)| count["read"] != 0 || count["gone"] != 0);
        for (kind, count) in counts {
            let number = |key: &str| grouped(count[key].as_u64().unwrap_or_default());
            output.result(format_args!(
                "{GOOD}{name}{GOOD:#}: {STRONG}{kind}{STRONG:#} {} read, {} created, {} changed, {} unchanged, {} gone, {} left out",
                number("read"),
                number("created"),
                number("changed"),
                number("unchanged"),
                number("gone"),
                number("skipped"),
            ));
        }
    }
    view.state == "succeeded"
}

/// Prints what a dry run would change.
fn print_changes(report: &Value, output: Output) {
    for change in report["changes"].as_array().into_iter().flatten() {
        let sign = match change["action"].as_str() {
            Some("create") => '+',
            Some("gone") => '-',
            _ => '~',
        };
        let (kind, name) =
            (change["kind"].as_str().unwrap_or_default(), change["name"].as_str().unwrap_or_default());
        output.result(format_args!("{sign} {kind} {STRONG}{name}{STRONG:#}"));
        for field in change["fields"].as_array().into_iter().flatten() {
            let side = |key: &str| field.get(key).map_or("(not set)".to_owned(), Value::to_string);
            output.result(format_args!(
                "    {DIM}{}: {} -> {}{DIM:#}",
                field["field"].as_str().unwrap_or_default(),
                side("before"),
                side("after")
            ));
        }
    }
}

fn texts(list: &Value) -> impl Iterator<Item = &str> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str)
}

/// Returns the kind of a connection in words.
pub(crate) fn kind(connection: &Connection) -> &'static str {
    match &connection.kind {
        ConnectionKind::Scim(_) => "pushed by an identity provider",
        ConnectionKind::Csv(_) | ConnectionKind::Dbt(_) => "imported",
        ConnectionKind::Ldap(_) | ConnectionKind::Postgres(_) => "read",
    }
}
