//! *Overview*: whether last night's summary arrived, who reaches what, what requires attention. Those who may not read all
//! access see what concerns themselves.

mod attention;
mod company;
mod last_run;
mod mine;

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use domesday_service::evaluation::READERS;

use super::errors::Failure;
use super::signed_in::SignedIn;
use crate::state::App;

const PATH: &str = "/console";

/// Returns the route of the page.
pub(super) fn routes() -> Router<App> {
    Router::new().route(PATH, get(show))
}

async fn show(State(app): State<App>, signed_in: SignedIn) -> Result<Response, Failure> {
    if signed_in.caller.has_any(READERS) {
        company::show(&app, signed_in).await
    } else {
        mine::show(&app, signed_in).await
    }
}
