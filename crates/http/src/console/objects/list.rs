//! The list of a kind, and the same as CSV.

use std::sync::Arc;

use askama::Template;
use axum::response::Response;
use domesday_model::Kind;
use domesday_service::evaluation::Evaluation;
use domesday_service::permissions::objects::{read_permit, write_permit};

use super::subject::Subject;
use super::{data_sources, domains, edit, groups, tags, users};
use crate::console::assets::{Assets, assets};
use crate::console::errors::Failure;
use crate::console::form::Form;
use crate::console::link::Link;
use crate::console::listing::{ListAddress, Listing};
use crate::console::object_links::Links;
use crate::console::page;
use crate::console::shell::Shell;
use crate::console::signed_in::SignedIn;
use crate::console::upload;
use crate::state::App;

#[derive(Template)]
#[template(path = "console/objects/list.html")]
struct ListPage {
    assets: &'static Assets,
    shell: Shell,
    title: &'static str,
    about: &'static str,
    /// The label of the link to the form of a new one; empty for those who cannot create any.
    new: String,
    list: Listing,
    toast: String,
}

/// Reads the address of the list of a kind.
fn read(subject: &'static Subject, query: &Form) -> Result<ListAddress, Failure> {
    fn names<O>(orders: &[(&'static str, O)]) -> Vec<&'static str> {
        orders.iter().map(|(name, _)| *name).collect()
    }
    let (filters, orders) = match subject.kind {
        Kind::User => (users::FILTERS, names(users::ORDERS)),
        Kind::Group => (groups::FILTERS, names(groups::ORDERS)),
        Kind::Tag => (tags::FILTERS, names(tags::ORDERS)),
        Kind::Domain => (domains::FILTERS, names(domains::ORDERS)),
        _ => (data_sources::FILTERS, names(data_sources::ORDERS)),
    };
    Ok(ListAddress::read(subject.path, query, filters, &orders)?)
}

async fn current(app: &App, signed_in: &SignedIn) -> Result<Arc<Evaluation>, Failure> {
    Ok(app.service.evaluations.current(signed_in.caller.revision).await?)
}

/// Shows the list, or with `?new` the form of a new object.
pub(super) async fn show(
    subject: &'static Subject,
    app: App,
    signed_in: SignedIn,
    query: Form,
) -> Result<Response, Failure> {
    if query.has("new") {
        return edit::ask_new(subject, &app, signed_in).await;
    }
    read_permit(subject.kind).check(&signed_in.caller)?;
    let address = read(subject, &query)?;
    let evaluation = current(&app, &signed_in).await?;
    let links = Links::new(evaluation.snapshot(), &signed_in.caller, &signed_in.shell.calendar);
    let mut list = match subject.kind {
        Kind::User => users::list(&evaluation, &links, &address),
        Kind::Group => groups::list(&evaluation, &links, &address),
        Kind::Tag => tags::list(&evaluation, &links, &address),
        Kind::Domain => domains::list(&links, &address),
        _ => data_sources::list(&evaluation, &links, &address),
    };
    let may_create = write_permit(subject.kind).check(&signed_in.caller).is_ok();
    if may_create {
        list.start.push(Link::new(format!("New {}", subject.kind), format!("{}?new", subject.path)));
    }
    if upload::PERMIT.check(&signed_in.caller).is_ok() {
        list.start.push(Link::new("Load a catalog", upload::PATH));
    }
    Ok(page(&ListPage {
        assets: assets(),
        title: subject.title,
        about: subject.about,
        new: if may_create { format!("New {}", subject.kind) } else { String::new() },
        list,
        toast: if query.has("deleted") { format!("The {} is deleted.", subject.kind) } else { String::new() },
        shell: signed_in.shell,
    }))
}

/// Returns what the filter shows as CSV.
pub(super) async fn csv(
    subject: &'static Subject,
    app: App,
    signed_in: SignedIn,
    query: Form,
) -> Result<Response, Failure> {
    read_permit(subject.kind).check(&signed_in.caller)?;
    let address = read(subject, &query)?;
    let evaluation = current(&app, &signed_in).await?;
    let links = Links::new(evaluation.snapshot(), &signed_in.caller, &signed_in.shell.calendar);
    let csv = match subject.kind {
        Kind::User => users::csv(&evaluation, &links, &address),
        Kind::Group => groups::csv(&evaluation, &links, &address),
        Kind::Tag => tags::csv(&evaluation, &links, &address),
        Kind::Domain => domains::csv(&links, &address),
        _ => data_sources::csv(&evaluation, &links, &address),
    };
    let name = subject.path.rsplit('/').next().unwrap_or_default();
    Ok(csv.into_response(name))
}
