//! The list of connections.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use domesday_service::connections::{self, ConnectionView};
use domesday_store::Store;

use super::words::{connection_chip, kind_title, time};
use super::{READERS, WRITERS, connection_path};
use crate::console::assets::{Assets, assets};
use crate::console::errors::Failure;
use crate::console::export::schedule::words;
use crate::console::form::Form;
use crate::console::link::Link;
use crate::console::listing::Chip;
use crate::console::page;
use crate::console::shell::Shell;
use crate::console::signed_in::SignedIn;
use crate::console::times::{TimeView, counted, grouped};
use crate::state::App;

#[derive(Template)]
#[template(path = "console/connections/list.html")]
struct ListPage {
    assets: &'static Assets,
    shell: Shell,
    rows: Vec<Row>,
    total: String,
    may_create: bool,
    toast: String,
}

struct Row {
    link: Link,
    kind: &'static str,
    chip: Chip,
    users: String,
    groups: String,
    data_sources: String,
    complete: Option<TimeView>,
    /// When it is synced next, in words.
    next: String,
}

/// Shows the page.
pub(super) async fn show(
    State(app): State<App>,
    signed_in: SignedIn,
    query: Form,
) -> Result<Response, Failure> {
    READERS.check(&signed_in.caller)?;
    let now = app.service.now();
    let read = move |store: &mut Store| -> Result<_, Failure> {
        let mut views = Vec::new();
        for object in store.connections()? {
            views.push(connections::view(store, object, now)?);
        }
        Ok(views)
    };
    let views = app.service.pool.with(read).await?;
    let toast = match query.get("deleted") {
        "" => String::new(),
        name => format!("The connection “{name}” is deleted."),
    };
    let shell = signed_in.shell;
    Ok(page(&ListPage {
        assets: assets(),
        total: counted(views.len() as u64, "connection", "connections"),
        rows: views.iter().map(|view| row(view, &shell)).collect(),
        may_create: WRITERS.check(&signed_in.caller).is_ok(),
        toast,
        shell,
    }))
}

fn row(view: &ConnectionView, shell: &Shell) -> Row {
    let connection = &view.connection;
    Row {
        link: Link::new(&connection.name, connection_path(&connection.name)),
        kind: kind_title(connection.kind.as_str()),
        chip: connection_chip(view.state),
        users: grouped(view.users),
        groups: grouped(view.groups),
        data_sources: grouped(view.data_sources),
        complete: view.last_complete_at.as_deref().and_then(|at| time(at, &shell.calendar)),
        next: next(view),
    }
}

/// How the connection is synced next, in words.
pub(super) fn next(view: &ConnectionView) -> String {
    match (view.connection.effective_schedule(), view.connection.kind.as_str()) {
        (Some(schedule), _) => words(schedule),
        (None, "scim") => "as the provider pushes".to_owned(),
        (None, _) => "when files are imported".to_owned(),
    }
}
