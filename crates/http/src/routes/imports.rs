//! Imports: the files of connections that are neither read nor pushed to.

use std::borrow::Cow;
use std::collections::BTreeMap;

use axum::extract::{DefaultBodyLimit, State};
use axum::http::Method;
use axum::response::Response;
use domesday_model::{Connection, ConnectionKind, Instant};
use domesday_service::ServiceError;
use domesday_service::apply::max_catalog_bytes;
use domesday_service::caller::Caller;
use domesday_service::connections::{ImportedFiles, find_writable, import, read_csv, read_dbt};
use domesday_store::Store;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::connections::{PATH, WRITERS, sync_schema};
use crate::extract::{Authenticated, JsonText, Path, parse};
use crate::problem::Problem;
use crate::response::json as to_response;
use crate::route::{Route, schema};
use crate::state::App;

pub(super) fn routes(max_body_bytes: usize) -> Vec<Route> {
    let path = format!("{PATH}/{{name}}/imports");
    let mut route = Route::new(Method::POST, path, WRITERS, "importFiles", import_files)
        .tag("connections")
        .about(
            "Makes the layer of a connection what its files say: of kind `csv` a list of users, and one of memberships; of \
             kind `dbt` the manifest of a project, and its catalog. Files with a mistake change nothing.",
        )
        .body::<ImportBody>()
        .answers_as(200, "The sync.", "application/json", Some(schema(sync_schema())))
        .fails(&[400, 404, 409, 413, 415, 422]);
    // Manifests are as large as catalogs.
    route.handler = route.handler.layer(DefaultBodyLimit::max(max_catalog_bytes(max_body_bytes)));
    vec![route]
}

/// Files to import.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ImportBody {
    /// The list of users, as CSV with a header. Required for connections of kind `csv`.
    users: Option<String>,
    /// The list of memberships, as CSV with a header.
    groups: Option<String>,
    /// Fields of users, each with the header of its column.
    #[serde(default)]
    map: BTreeMap<String, String>,
    /// The content of `target/manifest.json`: the object itself, or its text. Required for connections of kind `dbt`.
    #[schemars(with = "Option<Value>")]
    manifest: Option<Box<RawValue>>,
    /// The content of `target/catalog.json`: the object itself, or its text.
    #[schemars(with = "Option<Value>")]
    catalog: Option<Box<RawValue>>,
    /// Say what would change, and change nothing.
    #[serde(default)]
    dry_run: bool,
    /// Accept any number of users and data sources that are gone.
    #[serde(default)]
    accept_gone: bool,
}

impl ImportBody {
    /// Reads the files for a connection.
    fn read(&self, connection: &Connection) -> Result<ImportedFiles, Problem> {
        match &connection.kind {
            ConnectionKind::Dbt(_) => {
                self.refuse_other(
                    connection,
                    &[("users", self.users.is_some()), ("groups", self.groups.is_some())],
                )?;
                let manifest = self.manifest.as_deref().map(json_content).transpose()?;
                let manifest = manifest.ok_or_else(|| missing(connection, "manifest"))?;
                let catalog = self.catalog.as_deref().map(json_content).transpose()?;
                let catalog = catalog.as_deref().map(str::as_bytes);
                let project = read_dbt(connection, manifest.as_bytes(), catalog)?;
                Ok(ImportedFiles::Project(project))
            }
            _ => {
                let files = [("manifest", self.manifest.is_some()), ("catalog", self.catalog.is_some())];
                self.refuse_other(connection, &files)?;
                let groups = self.groups.as_deref().map(str::as_bytes);
                // A connection of a kind that takes no files is refused for that first.
                let users = self.users.as_deref().unwrap_or_default().as_bytes();
                let reading = read_csv(connection, users, groups, &self.map);
                if self.users.is_none() && matches!(connection.kind, ConnectionKind::Csv(_)) {
                    return Err(missing(connection, "users"));
                }
                Ok(ImportedFiles::Lists(reading?))
            }
        }
    }

    /// Refuses files of another kind of connection, which would be left out without a word.
    fn refuse_other(&self, connection: &Connection, files: &[(&str, bool)]) -> Result<(), Problem> {
        match files.iter().find(|(_, is_given)| *is_given) {
            None => Ok(()),
            Some((field, _)) => Err(Problem::invalid(format!(
                "the connection `{}` is of kind {}, which takes no `{field}`",
                connection.name,
                connection.kind.as_str()
            ))),
        }
    }
}

fn missing(connection: &Connection, field: &str) -> Problem {
    let (name, kind) = (&connection.name, connection.kind.as_str());
    Problem::invalid(format!(
        "`{field}` is missing; the connection `{name}` is of kind {kind}, which needs it"
    ))
}

/// Returns the text of a JSON file that a body has as an object or as a text.
fn json_content(value: &RawValue) -> Result<Cow<'_, str>, Problem> {
    let text = value.get();
    if !text.starts_with('"') {
        return Ok(Cow::Borrowed(text));
    }
    let text = serde_json::from_str(text);
    text.map(Cow::Owned).map_err(|error| Problem::invalid(format!("the body does not fit: {error}")))
}

async fn import_files(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Path(name): Path<String>,
    JsonText(text): JsonText,
) -> Result<Response, Problem> {
    // The files are read before the transaction, in which the caller is judged again.
    let (searched, judged) = (name.clone(), caller.clone());
    let find =
        move |store: &mut Store| -> Result<_, Problem> { Ok(find_writable(store, &judged, &searched)?) };
    let connection = app.service.pool.with(find).await?;
    let read = move || -> Result<_, Problem> {
        let body: ImportBody = parse(&text)?;
        Ok((body.read(&connection)?, connection, body.dry_run, body.accept_gone))
    };
    let (files, connection, dry_run, accept_gone) = app.service.pool.compute(read).await?;
    let work = move |store: &mut Store, caller: &Caller, now: Instant| -> Result<_, Problem> {
        if find_writable(store, caller, &name)? != connection {
            let message = format!("the connection `{name}` was changed meanwhile; import its files again");
            return Err(ServiceError::conflict(message).into());
        }
        let sync = caller.change(now, |change| import(store, &name, files, dry_run, accept_gone, change))?;
        Ok(sync)
    };
    Ok(to_response(app.service.write(caller, work).await?))
}
