//! The import of a connection: lists of users and memberships, or the files of a dbt project, are uploaded, tried or imported.

use std::collections::BTreeMap;
use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use domesday_model::{Connection, ConnectionKind, Instant};
use domesday_service::ServiceError;
use domesday_service::apply::max_catalog_bytes;
use domesday_service::caller::Caller;
use domesday_service::connections::{self, ImportedFiles, find_writable, parse_csv, parse_dbt};
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
    text: &'static KindText,
    /// The headers that stand for fields, a line each.
    columns: Vec<String>,
    /// What is wrong with the files as a whole.
    problem: String,
    mistakes: Vec<MistakeView>,
    count: String,
    hints: Vec<String>,
    most: String,
}

/// What the page says of a kind of connection.
struct KindText {
    /// What it means that something is not in the files.
    lead: &'static str,
    /// What the files are called.
    noun: &'static str,
    /// The files: the required one, and one that may be missing.
    files: [FileField; 2],
}

/// A file that is chosen.
struct FileField {
    name: &'static str,
    label: &'static str,
    accept: &'static str,
    hint: &'static str,
    is_required: bool,
}

static CSV: KindText = KindText {
    lead: "The lists are complete: who is not on them, and in no other connection, becomes disabled.",
    noun: "lists",
    files: [
        FileField {
            name: "users",
            label: "Users",
            accept: ".csv",
            hint: "CSV in UTF-8 with a header: username, name, email, groups and others.",
            is_required: true,
        },
        FileField {
            name: "memberships",
            label: "Memberships",
            accept: ".csv",
            hint: "CSV with a header: group and username.",
            is_required: false,
        },
    ],
};

static DBT: KindText = KindText {
    lead: "The manifest is complete: a data source that is not in it, and in no other connection, becomes disabled.",
    noun: "files",
    files: [
        FileField {
            name: "manifest",
            label: "Manifest",
            accept: ".json",
            hint: "target/manifest.json, as dbt-core 1.5 to 1.11 write it.",
            is_required: true,
        },
        FileField {
            name: "catalog",
            label: "Catalog",
            accept: ".json",
            hint: "target/catalog.json, which dbt docs generate writes. It has the columns of the database with their types.",
            is_required: false,
        },
    ],
};

/// Returns what the page says; none for a kind that takes no files.
fn kind_text(connection: &Connection) -> Option<&'static KindText> {
    match &connection.kind {
        ConnectionKind::Csv(_) => Some(&CSV),
        ConnectionKind::Dbt(_) => Some(&DBT),
        _ => None,
    }
}

/// A file: its name, and its content.
type File = (String, Vec<u8>);

/// Finds the connection of an import, which the caller may write.
async fn find(
    app: &AppState,
    signed_in: &SignedIn,
    name: &str,
) -> Result<(Connection, &'static KindText), Failure> {
    WRITERS.check(&signed_in.caller)?;
    let (name, caller) = (name.to_owned(), signed_in.caller.clone());
    let read = move |store: &mut Store| -> Result<_, Failure> { Ok(find_writable(store, &caller, &name)?) };
    let connection = app.service.pool.with(read).await?;
    let text = kind_text(&connection).ok_or_else(|| {
        let name = &connection.name;
        ServiceError::conflict(format!(
            "the connection `{name}` takes no files; those of the kinds csv and dbt do"
        ))
    })?;
    Ok((connection, text))
}

fn import_page(
    app: &AppState,
    signed_in: &SignedIn,
    connection: &Connection,
    text: &'static KindText,
) -> ImportPage {
    let map = match &connection.kind {
        ConnectionKind::Csv(csv) => &csv.map,
        _ => &BTreeMap::new(),
    };
    ImportPage {
        assets: assets(),
        shell: signed_in.shell.clone(),
        connection: connection.name.clone(),
        path: connection_path(&connection.name),
        text,
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
    let (connection, text) = find(&app, &signed_in, &name).await?;
    Ok(page(&import_page(&app, &signed_in, &connection, text)))
}

/// Tries or imports the files.
pub(super) async fn submit(
    State(app): State<App>,
    Path(name): Path<String>,
    signed_in: SignedIn,
    uploaded: UploadedFiles,
    form: Form,
) -> Result<Response, Failure> {
    let (connection, text) = find(&app, &signed_in, &name).await?;
    let mut view = import_page(&app, &signed_in, &connection, text);
    let files = match files(&app, text, &uploaded, &form).await? {
        Ok(files) => files,
        Err(problem) => {
            view.problem = problem;
            return Ok(refused(&view));
        }
    };
    let chosen = Arc::clone(&files);
    let parse = move || parse(&connection, text, &chosen);
    let parsed = match app.service.pool.compute(parse).await? {
        Ok(parsed) => parsed,
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
            connections::import(store, &imported, parsed, dry_run, accept_gone, change)
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

/// Reads the files, or returns their mistakes with the names of the files.
fn parse(
    connection: &Connection,
    text: &KindText,
    files: &[File],
) -> Result<Result<ImportedFiles, Diagnostics>, ServiceError> {
    let first = files.first().map_or(&[][..], |(_, content)| content);
    let second = files.get(1).map(|(_, content)| content.as_slice());
    let [first_name, second_name] =
        [0, 1].map(|at| files.get(at).map_or(text.files[at].name, |(name, _)| name.as_str()));
    match &connection.kind {
        ConnectionKind::Dbt(_) => {
            let parsed = parse_dbt(connection, first, second)?;
            Ok(parsed
                .map(ImportedFiles::Project)
                .map_err(|errors| errors.with_file_names(first_name, second_name).into_diagnostics()))
        }
        _ => {
            let parsed = parse_csv(connection, first, second, &BTreeMap::new())?;
            Ok(parsed
                .map(ImportedFiles::Lists)
                .map_err(|errors| errors.with_file_names(first_name, second_name).into_diagnostics()))
        }
    }
}

fn add_mistakes(view: &mut ImportPage, wrong: &Diagnostics) {
    view.mistakes = mistakes(wrong);
    view.count = counted(wrong.mistakes() as u64, "mistake", "mistakes");
    view.hints = wrong.hints().iter().map(|hint| sentence(hint)).collect();
}

/// Returns the required file and the other, if there is one: those that were chosen now, or before.
async fn files(
    app: &AppState,
    text: &KindText,
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
            .ok_or_else(|| format!("The {} did not arrive. Choose them again.", text.noun)));
    }
    let [first, second] = &text.files;
    let Some(required) = uploaded.in_field(first.name) else {
        return Ok(Err(format!("Choose a file under “{}”.", first.label)));
    };
    let other = uploaded.in_field(second.name);
    Ok(Ok(std::iter::once(required).chain(other).cloned().collect()))
}
