//! The log, newest entries first.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use domesday_service::ServiceError;
use domesday_service::caller::{Caller, Permit};
use domesday_service::evaluation::READERS;
use domesday_store::Store;

use super::entries::{ACTIONS, EntryView, KINDS};
use super::filter::{LogAddress, PATH};
use super::verification::VerificationView;
use crate::console::assets::{Assets, assets};
use crate::console::errors::Failure;
use crate::console::form::Form;
use crate::console::object_links::Links;
use crate::console::page;
use crate::console::shell::Shell;
use crate::console::signed_in::SignedIn;
use crate::console::times::counted;
use crate::state::App;

/// How many entries a page has.
const PAGE: usize = 25;

#[derive(Template)]
#[template(path = "console/audit/list.html")]
struct LogPage {
    assets: &'static Assets,
    shell: Shell,
    verification: Option<VerificationView>,
    person: String,
    object: String,
    from: String,
    until: String,
    kinds: Vec<FilterOption>,
    actions: Vec<FilterOption>,
    is_filtered: bool,
    entries: Vec<EntryView>,
    total: String,
    all: String,
    newer: String,
    older: String,
    csv: String,
}

/// A value of a filter.
struct FilterOption {
    value: &'static str,
    text: &'static str,
    is_chosen: bool,
}

/// Refuses those who may not read the log.
pub(super) fn check(caller: &Caller) -> Result<(), ServiceError> {
    Permit::AnyOf(READERS).check(caller)
}

/// Shows the log.
pub(super) async fn show(
    State(app): State<App>,
    signed_in: SignedIn,
    query: Form,
) -> Result<Response, Failure> {
    check(&signed_in.caller)?;
    render(&app, signed_in, &query, None).await
}

/// Renders the log, with the result of a verification if there was one.
pub(super) async fn render(
    app: &App,
    signed_in: SignedIn,
    query: &Form,
    verification: Option<VerificationView>,
) -> Result<Response, Failure> {
    let address = LogAddress::read(query, &signed_in.shell.calendar)?;
    let (filter, start) = (address.filter.clone(), address.start);
    let read = move |store: &mut Store| -> Result<_, Failure> {
        Ok((store.search_audit(&filter, start, PAGE)?, store.audit_length()?))
    };
    let (found, all) = app.service.pool.with(read).await?;
    let evaluation = app.service.evaluations.current(signed_in.caller.revision).await?;
    let links = Links::new(evaluation.snapshot(), &signed_in.caller, &signed_in.shell.calendar);
    let entries: Vec<_> = found.entries.iter().map(|entry| EntryView::in_list(entry, &links)).collect();
    let options = |name: &str, list: &[(&'static str, &'static str)]| {
        let chosen = address.value(name);
        let option = |(value, text): &(&'static str, &'static str)| FilterOption {
            value,
            text,
            is_chosen: *value == chosen,
        };
        list.iter().map(option).collect::<Vec<_>>()
    };
    let value = |name: &str| address.value(name).to_owned();
    let newest = entries.first().filter(|_| found.has_newer).map(|entry| ("after", entry.seq));
    let oldest = entries.last().filter(|_| found.has_older).map(|entry| ("before", entry.seq));
    let href = |place| address.href(PATH, Some(place));
    Ok(page(&LogPage {
        assets: assets(),
        verification,
        person: value("person"),
        object: value("object"),
        from: value("from"),
        until: value("until"),
        kinds: options("kind", &KINDS),
        actions: options("action", &ACTIONS),
        is_filtered: !address.fields.is_empty(),
        entries,
        total: counted(found.total, "entry", "entries"),
        all: counted(all, "entry", "entries"),
        newer: newest.map_or_else(String::new, href),
        older: oldest.map_or_else(String::new, href),
        csv: address.href("/console/audit.csv", None),
        shell: signed_in.shell,
    }))
}
