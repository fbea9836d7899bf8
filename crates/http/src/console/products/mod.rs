//! *Data products*: cards by domain; a product with its data sources and members, and the form that asks for it.

mod list;
mod show;

use axum::Router;
use axum::routing::get;
use domesday_model::{
    DataProduct, DataProductId, Instant, Record, Request, RequestStatus, RequestType, Snapshot, Target,
};

use crate::state::App;

pub(super) const PATH: &str = "/console/products";

/// Returns the routes of these pages.
pub(super) fn routes() -> Router<App> {
    Router::new()
        .route(PATH, get(list::show))
        .route("/console/products.csv", get(list::csv))
        .route("/console/products/{product}", get(show::show).post(show::ask))
}

/// What a user has of a data product.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing<'s> {
    /// A request is pending.
    Pending(&'s Request),
    /// An approved request is in force.
    Member(&'s Request),
}

/// Whether a request is for access to a data product.
fn is_for(request: &Request, product: &str) -> bool {
    request.kind == RequestType::DataAccess
        && matches!(&request.target, Target::DataProduct(name) if name == product)
}

/// The approved requests for a data product that are in force.
fn memberships<'s>(
    snapshot: &'s Snapshot,
    product: &'s Record<DataProductId, DataProduct>,
    now: Instant,
) -> impl Iterator<Item = &'s Request> {
    snapshot
        .requests
        .iter()
        .filter(move |request| request.is_in_force(now) && is_for(request, &product.spec.name))
}

/// What a user has of a data product.
fn standing<'s>(snapshot: &'s Snapshot, username: &str, product: &str, now: Instant) -> Option<Standing<'s>> {
    let own = || snapshot.requests.iter().filter(|it| it.user == username && is_for(it, product));
    let member = own().find(|request| request.is_in_force(now)).map(Standing::Member);
    let pending = || own().find(|it| it.status == RequestStatus::Pending).map(Standing::Pending);
    member.or_else(pending)
}
