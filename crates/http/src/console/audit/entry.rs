//! One entry of the log, whole.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use domesday_service::ServiceError;
use domesday_store::Store;

use super::changes::Bounds;
use super::entries::EntryView;
use super::filter::PATH;
use super::list::check;
use super::verify::hex;
use crate::console::assets::{Assets, assets};
use crate::console::errors::Failure;
use crate::console::object_links::Links;
use crate::console::page;
use crate::console::shell::Shell;
use crate::console::signed_in::SignedIn;
use crate::console::times::{TimeView, grouped};
use crate::state::App;

#[derive(Template)]
#[template(path = "console/audit/entry.html")]
struct EntryPage {
    assets: &'static Assets,
    shell: Shell,
    number: String,
    entry: EntryView,
    time: TimeView,
    target: String,
    from: String,
    hash: String,
    previous_hash: String,
    /// The entries before and after; empty when there is none.
    older: String,
    newer: String,
}

/// Shows an entry.
pub(super) async fn show(
    State(app): State<App>,
    Path(seq): Path<String>,
    signed_in: SignedIn,
) -> Result<Response, Failure> {
    check(&signed_in.caller)?;
    let none = || ServiceError::not_found(format!("the audit log has no entry `{seq}`"));
    let number: u64 = seq.parse().map_err(|_| none())?;
    let read = move |store: &mut Store| -> Result<_, Failure> {
        Ok((store.audit_entry(number)?, store.audit_length()?))
    };
    let (entry, length) = app.service.pool.with(read).await?;
    let entry = entry.ok_or_else(none)?;
    let evaluation = app.service.evaluations.current(signed_in.caller.revision).await?;
    let links = Links::new(evaluation.snapshot(), &signed_in.caller, &signed_in.shell.calendar);
    let neighbor = |is_there: bool, number: u64| {
        if is_there { format!("{PATH}/{number}") } else { String::new() }
    };
    Ok(page(&EntryPage {
        assets: assets(),
        number: grouped(number),
        time: signed_in.shell.calendar.full(entry.at),
        target: entry.target.clone(),
        from: entry.from.clone().unwrap_or_default(),
        hash: hex(&entry.hash),
        previous_hash: hex(&entry.previous),
        older: neighbor(number > 1, number.saturating_sub(1)),
        newer: neighbor(number < length, number + 1),
        entry: EntryView::new(&entry, &links, Bounds::PAGE),
        shell: signed_in.shell,
    }))
}
