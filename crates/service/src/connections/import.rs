//! Imports: files of a connection that is neither read nor pushed.

use std::collections::BTreeMap;

use domesday_model::privileges::{Person, RoleOwners};
use domesday_model::{Connection, ConnectionKind, Identification, Kind, User};
use domesday_sources::csv::CsvErrors;
use domesday_sources::dbt::{DbtErrors, Project};
use domesday_sources::reading::Reading;
use domesday_store::{ChangeBy, Store, SyncRecord};

use crate::error::ServiceError;

use super::find::find;
use super::sync::take_over;
use super::view::SyncView;

/// Reads lists as [`parse_csv`] does.
///
/// # Errors
/// [`ServiceError::Conflict`] when the connection is of another kind, [`ServiceError::Invalid`] with every mistake of the
/// lists and its line.
pub fn read_csv(
    connection: &Connection,
    users: &[u8],
    memberships: Option<&[u8]>,
    map: &BTreeMap<String, String>,
) -> Result<Reading, ServiceError> {
    let parsed = parse_csv(connection, users, memberships, map)?;
    parsed.map_err(|mistakes| ServiceError::invalid(mistakes.to_string()))
}

/// Reads a list of users, and one of memberships, for a connection of kind `csv`. `map` names headers beside those that the
/// connection names. The lists may have mistakes, which say their lines.
///
/// # Errors
/// [`ServiceError::Conflict`] when the connection is of another kind.
pub fn parse_csv(
    connection: &Connection,
    users: &[u8],
    memberships: Option<&[u8]>,
    map: &BTreeMap<String, String>,
) -> Result<Result<Reading, CsvErrors>, ServiceError> {
    let ConnectionKind::Csv(csv) = &connection.kind else {
        return Err(ServiceError::conflict(format!(
            "the connection `{}` is of kind {}; lists are imported into connections of kind csv",
            connection.name,
            connection.kind.as_str()
        )));
    };
    Ok(domesday_sources::csv::read(csv, &connection.name, users, memberships, map))
}

/// Reads the files of a dbt project as [`parse_dbt`] does.
///
/// # Errors
/// [`ServiceError::Conflict`] when the connection is of another kind, [`ServiceError::Invalid`] with every mistake of the
/// files and its node.
pub fn read_dbt(
    connection: &Connection,
    manifest: &[u8],
    catalog: Option<&[u8]>,
) -> Result<Project, ServiceError> {
    let parsed = parse_dbt(connection, manifest, catalog)?;
    parsed.map_err(|mistakes| ServiceError::invalid(mistakes.to_string()))
}

/// Reads the manifest of a dbt project, and its catalog, for a connection of kind `dbt`. The files may have mistakes, which
/// name their nodes.
///
/// # Errors
/// [`ServiceError::Conflict`] when the connection is of another kind.
pub fn parse_dbt(
    connection: &Connection,
    manifest: &[u8],
    catalog: Option<&[u8]>,
) -> Result<Result<Project, DbtErrors>, ServiceError> {
    let ConnectionKind::Dbt(dbt) = &connection.kind else {
        return Err(ServiceError::conflict(format!(
            "the connection `{}` is of kind {}; the files of a dbt project are imported into connections of kind dbt",
            connection.name,
            connection.kind.as_str()
        )));
    };
    Ok(domesday_sources::dbt::read(dbt, manifest, catalog))
}

/// Files of a connection without mistakes.
#[derive(Debug)]
pub enum ImportedFiles {
    /// Lists of users and memberships.
    Lists(Reading),
    /// A dbt project, whose owners are found among the users of the store.
    Project(Project),
}

/// Returns what a project lists, its owners found among the users of the store by username or e-mail address.
fn project_reading(store: &mut Store, project: Project) -> Result<Reading, ServiceError> {
    const PAGE: usize = 10_000;
    let names = project.owner_names();
    let mut people: Vec<(String, Option<String>)> = Vec::new();
    let mut after = None;
    while !names.is_empty() {
        let page = store.object_page(Kind::User, after.as_deref(), PAGE)?;
        let Some(last) = page.objects.last() else { break };
        after = Some(last.name.clone());
        for object in page.objects {
            let user: User =
                serde_json::from_value(object.document).map_err(|error| ServiceError::internal(&error))?;
            let is_named = |text: &str| names.contains(text);
            if is_named(&user.username) || user.email.as_deref().is_some_and(is_named) {
                people.push((user.username, user.email));
            }
        }
    }
    let identify = [Identification::Username, Identification::Email];
    let list = people.iter().map(|(username, email)| Person { username, email: email.as_deref() });
    let owners = RoleOwners::new(&identify, list);
    Ok(project.into_reading(|name| owners.person(name).map(|at| people[at].0.clone())))
}

/// Makes the layer of a connection what its files listed.
///
/// # Errors
/// [`ServiceError::NotFound`] when there is no such connection; when the store fails. Nothing changes then.
pub fn import(
    store: &mut Store,
    name: &str,
    files: ImportedFiles,
    dry_run: bool,
    accept_gone: bool,
    change: &ChangeBy<'_>,
) -> Result<SyncView, ServiceError> {
    let (connection, _) = find(store, name)?;
    let reading = match files {
        ImportedFiles::Lists(reading) => reading,
        ImportedFiles::Project(project) => project_reading(store, project)?,
    };
    let max_gone = (!accept_gone).then_some(connection.max_gone);
    let at = store.next_sync_start(name, change.at)?;
    let record = SyncRecord::begin(name, "import", change.actor, at);
    let mut record = take_over(store, record, reading, max_gone, dry_run, change)?;
    record.ended_at = Some(change.at);
    if !dry_run {
        store.write_sync(&record, None, change)?;
    }
    Ok(SyncView::of(record, dry_run))
}
