//! Asking for access: to a data product, which its page shows, or to a data source or a masked column, here.

mod form;
mod page;
mod send;

use axum::Router;
use axum::routing::get;

use super::paths::ASK;
use crate::state::App;

pub(super) use form::{AskForm, Subject};
pub(super) use send::{Outcome, send};

/// Returns the routes of this page.
pub(super) fn routes() -> Router<App> {
    Router::new().route(ASK, get(page::show).post(page::ask))
}
