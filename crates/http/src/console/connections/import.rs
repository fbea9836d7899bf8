//! The import of a connection of kind `csv`: a list of users and one of memberships are uploaded, tried or imported.

use std::collections::BTreeMap;
use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use domesday_model::{Connection, Instant};
use domesday_service::ServiceError;
use domesday_service::apply::max_catalog_bytes;
use domesday_service::caller::Caller;
use domesday_service::connections::{self, find_writable, parse_csv};
use domesday_sources::Diagnostics;
use domesday_store::Store;

use super::sync::SyncPage;
use super::{WRITERS, connection_path};
use crate::console::assets::{Assets, assets};
use crate::console::catalog::{MistakeView, bundle, mistakes};
use crate::console::errors::{Failure, sentence};
use crate::console::form::Form;
use crate::console::shell::Shell;
use crate::console::signed_in::SignedIn;
use crate::console::times::counted;
use crate::console::upload::UploadedFiles;
use crate::console::{page, see_other};
use crate::state::{App, AppState};

#[derive(Template)]
#[template(path = "console/connections/import.html")]
struct ImportPage {
    assets: &'static Assets,
    shell: Shell,
    connection: String,
    path: String,
    /// The headers that stand for fields, a line each.
    columns: Vec<String>,
    /// What is wrong with the files as a whole.
    problem: String,
    mistakes: Vec<MistakeView>,
    count: String,
    hints: Vec<String>,
    most: String,
}

/// A file: its name, and its content.
type File = (String, Vec<u8>);

/// Finds the connection of an import, which the caller may write.
async fn find(app: &AppState, signed_in: &SignedIn, name: &str) -> Result<Connection, Failure> {
    WRITERS.check(&signed_in.caller)?;
    let (name, caller) = (name.to_owned(), signed_in.caller.clone());
    let read = move |store: &mut Store| -> Result<_, Failure> { Ok(find_writable(store, &caller, &name)?) };
    let connection = app.service.pool.with(read).await?;
    if connection.kind.as_str() != "csv" {
        let text =
            format!("the connection `{}` takes no lists; only those of the kind csv do", connection.name);
        return Err(ServiceError::conflict(text).into());
    }
    Ok(connection)
}

fn import_page(app: &AppState, signed_in: &SignedIn, connection: &Connection) -> ImportPage {
    let map = match &connection.kind {
        domesday_model::ConnectionKind::Csv(csv) => &csv.map,
        _ => &BTreeMap::new(),
    };
    ImportPage {
        assets: assets(),
        shell: signed_in.shell.clone(),
        connection: connection.name.clone(),
        path: connection_path(&connection.name),
        columns: map.iter().map(|(field, header)| format!("{field} = {header}")).collect(),
        problem: String::new(),
        mistakes: Vec::new(),
        count: String::new(),
        hints: Vec::new(),
        most: format!("{} MiB", max_catalog_bytes(app.service.config.max_body_bytes) >> 20),
    }
}

fn refused(view: &ImportPage) -> Response {
    let mut response = page(view);
    *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    response
}

/// Shows the form.
pub(super) async fn show(
    State(app): State<App>,
    Path(name): Path<String>,
    signed_in: SignedIn,
) -> Result<Response, Failure> {
    let connection = find(&app, &signed_in, &name).await?;
    Ok(page(&import_page(&app, &signed_in, &connection)))
}

/// Tries or imports the lists.
pub(super) async fn submit(
    State(app): State<App>,
    Path(name): Path<String>,
    signed_in: SignedIn,
    uploaded: UploadedFiles,
    form: Form,
) -> Result<Response, Failure> {
    let connection = find(&app, &signed_in, &name).await?;
    let mut view = import_page(&app, &signed_in, &connection);
    let files = match files(&app, &uploaded, &form).await? {
        Ok(files) => files,
        Err(problem) => {
            view.problem = problem;
            return Ok(refused(&view));
        }
    };
    let lists = Arc::clone(&files);
    let parse = move || -> Result<_, ServiceError> {
        let memberships = lists.get(1).map(|(_, content)| content.as_slice());
        let parsed = parse_csv(&connection, &lists[0].1, memberships, &BTreeMap::new())?;
        let name = |at: usize, default: &str| lists.get(at).map_or(default, |(name, _)| name).to_owned();
        Ok(parsed.map_err(|errors| {
            errors.with_file_names(&name(0, "users"), &name(1, "memberships")).into_diagnostics()
        }))
    };
    let reading = match app.service.pool.compute(parse).await? {
        Ok(reading) => reading,
        Err(wrong) => {
            add_mistakes(&mut view, &wrong);
            return Ok(refused(&view));
        }
    };
    let (dry_run, accept_gone) = (form.get("do") == "try", form.get("accept") == "yes");
    let imported = name.clone();
    let work = move |store: &mut Store, caller: &Caller, now: Instant| -> Result<_, Failure> {
        find_writable(store, caller, &imported)?;
        Ok(caller.change(now, |change| {
            connections::import(store, &imported, reading, dry_run, accept_gone, change)
        })?)
    };
    let sync = app.service.write(signed_in.caller_for(WRITERS), work).await?;
    match &sync.id {
        Some(id) if sync.state == "succeeded" => {
            Ok(see_other(&format!("{}/syncs/{id}?imported", connection_path(&name))))
        }
        // What was chosen is carried on, to be imported or accepted.
        _ => {
            let pack = move || -> Result<_, ServiceError> { Ok(bundle::pack(&files)) };
            let bundle = app.service.pool.compute(pack).await?;
            Ok(SyncPage::new(signed_in.shell, &name, &sync).with_bundle(bundle).render())
        }
    }
}

fn add_mistakes(view: &mut ImportPage, wrong: &Diagnostics) {
    view.mistakes = mistakes(wrong);
    view.count = counted(wrong.mistakes() as u64, "mistake", "mistakes");
    view.hints = wrong.hints().iter().map(|hint| sentence(hint)).collect();
}

/// Returns the list of users and that of memberships, if there is one: those that were chosen now, or before.
async fn files(
    app: &AppState,
    uploaded: &UploadedFiles,
    form: &Form,
) -> Result<Result<Arc<[File]>, String>, Failure> {
    let bundle = form.get("bundle").to_owned();
    if !bundle.is_empty() {
        let most = max_catalog_bytes(app.service.config.max_body_bytes);
        let unpack = move || -> Result<_, ServiceError> { Ok(bundle::unpack(&bundle, most)) };
        let files = app.service.pool.compute(unpack).await?.filter(|files| matches!(files.len(), 1..=2));
        return Ok(files
            .map(Into::into)
            .ok_or_else(|| "The lists did not arrive. Choose them again.".to_owned()));
    }
    let Some(users) = uploaded.in_field("users") else {
        return Ok(Err("Choose the list of users.".to_owned()));
    };
    let memberships = uploaded.in_field("memberships");
    Ok(Ok(std::iter::once(users).chain(memberships).cloned().collect()))
}
