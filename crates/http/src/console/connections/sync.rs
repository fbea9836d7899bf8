//! The page of one sync, and of a dry run.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use domesday_service::ServiceError;
use domesday_service::connections::SyncView;
use domesday_service::permissions::objects::check_connection_kind;
use domesday_store::{Freshness, Store};
use uuid::Uuid;

use super::report::ReportView;
use super::{READERS, connection_path, find};
use crate::console::assets::{Assets, assets};
use crate::console::errors::Failure;
use crate::console::form::Form;
use crate::console::page;
use crate::console::shell::Shell;
use crate::console::signed_in::SignedIn;
use crate::state::App;

#[derive(Template)]
#[template(path = "console/connections/sync.html")]
pub(super) struct SyncPage {
    assets: &'static Assets,
    shell: Shell,
    connection: String,
    path: String,
    title: String,
    is_dry_run: bool,
    report: ReportView,
    /// Whether the caller may accept what a sync was refused for, by reading the connection again.
    may_accept: bool,
    /// The files of an import, to be imported after all; empty when there are none.
    bundle: String,
    toast: &'static str,
}

impl SyncPage {
    pub(super) fn new(shell: Shell, connection: &str, sync: &SyncView) -> Self {
        let report = ReportView::new(sync, &shell.calendar);
        let is_dry_run = sync.id.is_none();
        let title = match &report.began {
            _ if is_dry_run => "Dry run".to_owned(),
            Some(began) => format!("Sync of {}", began.text),
            None => "Sync".to_owned(),
        };
        Self {
            assets: assets(),
            shell,
            connection: connection.to_owned(),
            path: connection_path(connection),
            title,
            is_dry_run,
            report,
            may_accept: false,
            bundle: String::new(),
            toast: "",
        }
    }

    /// Carries the files of an import, so that they need not be chosen again.
    pub(super) fn with_bundle(self, bundle: String) -> Self {
        Self { bundle, ..self }
    }

    pub(super) fn render(&self) -> Response {
        page(self)
    }
}

/// Shows a sync.
pub(super) async fn show(
    State(app): State<App>,
    Path((name, id)): Path<(String, String)>,
    signed_in: SignedIn,
    query: Form,
) -> Result<Response, Failure> {
    READERS.check(&signed_in.caller)?;
    let none = || ServiceError::not_found(format!("there is no sync `{id}` of this connection"));
    let id = Uuid::parse_str(&id).map_err(|_| none())?;
    let searched = name.clone();
    let read = move |store: &mut Store| -> Result<_, Failure> {
        let connection = Freshness::parse(find(store, &searched)?)?;
        let is_last = store.syncs(&searched, None, 1)?.first().is_some_and(|last| last.id == id);
        Ok((connection, store.sync(id)?, is_last))
    };
    let (connection, sync, is_last) = app.service.pool.with(read).await?;
    let sync = sync.filter(|sync| sync.connection == name).ok_or_else(none)?;
    let is_writer = check_connection_kind(&signed_in.caller, &connection.kind).is_ok();
    let mut view = SyncPage::new(signed_in.shell, &name, &SyncView::from(sync));
    view.may_accept = is_last && is_writer && view.report.is_refused && connection.kind.is_pulled();
    if query.has("imported") {
        view.toast = "The files are imported.";
    }
    Ok(view.render())
}
