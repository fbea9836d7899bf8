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
use super::link::Link;
use super::signed_in::SignedIn;
use super::times::grouped;
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

/// A line of a ranking.
struct Bar {
    link: Link,
    /// Its length as a percentage of the longest.
    width: String,
    value: String,
}

/// Returns the lines of a ranking, which is in descending order.
fn bars(ranking: impl IntoIterator<Item = (Link, u64)>) -> Vec<Bar> {
    let ranking: Vec<_> = ranking.into_iter().collect();
    let largest = ranking.first().map_or(1, |(_, value)| (*value).max(1));
    let bar = |(link, value): (Link, u64)| Bar {
        link,
        width: format!("{:.1}%", value as f64 * 100.0 / largest as f64),
        value: grouped(value),
    };
    ranking.into_iter().map(bar).collect()
}
