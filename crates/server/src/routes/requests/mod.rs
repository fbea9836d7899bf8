//! Access requests by who has a part in them: whoever asks, for whom, and those who decide.
//!
//! Requests are listed in [`list`], made in [`ask`], decided in [`decide`], and written as documents in [`document`].
//! Each change checks and writes in one transaction. Who may decide is what the review steps of the product's form say,
//! step after step, and GOVERNANCE always; nobody decides a request that they made or that is for them.

mod ask;
mod decide;
mod document;
mod list;
mod notices;
mod view;

use axum::extract::DefaultBodyLimit;
use axum::http::Method;

use crate::openapi::reference;
use crate::route::{Permit, Route, schema};

pub(super) use document::prepare_apply;

const PATH: &str = "/api/v1/requests";

/// How large the body of a call about one request may be, in bytes. Answers are limited to 64 KiB; escapes of JSON
/// take up to six bytes for one.
const MAX_BODY_BYTES: usize = 512 << 10;

pub(super) fn routes() -> Vec<Route> {
    let object = || schema(reference("RequestObject"));
    let mut routes = vec![
        list::route(),
        Route::new(Method::POST, PATH, Permit::AnyKey, "askForAccess", ask::ask)
            .about(
                "Asks for access to a data product or a data source, or for an exception from masking: for oneself, or \
                 with GOVERNANCE for somebody else. Required questions of the product's form must be answered, only \
                 its questions may be, and its agreements must be accepted. 409 when a pending request asks for the \
                 same thing for the same user, and when the caller has 100 pending requests. `notices` says what an \
                 approval would not suffice for.",
            )
            .idempotent()
            .body::<ask::Ask>()
            .answers_as(201, "Asked; pending.", "application/json", Some(object()))
            .fails(&[400, 409, 413, 415, 422]),
        Route::new(Method::POST, format!("{PATH}/{{name}}/cancel"), Permit::AnyKey, "cancelRequest", decide::cancel)
            .about("Takes a pending request back: the user who made it, the one it is for, or GOVERNANCE.")
            .answers_as(200, "Canceled.", "application/json", Some(object()))
            .fails(&[404, 409, 412]),
        Route::new(
            Method::POST,
            format!("{PATH}/{{name}}/determinations"),
            Permit::AnyKey,
            "decideRequest",
            decide::decide,
        )
        .about(
            "Decides a pending request: an approver of the present review step, or GOVERNANCE, which decides for good. \
             Nobody decides a request that they made or that is for them. An approval counts for the present step \
             alone.",
        )
        .body::<decide::Decision>()
        .answers_as(200, "Decided.", "application/json", Some(object()))
        .fails(&[400, 404, 409, 412, 413, 415, 422]),
        Route::new(
            Method::POST,
            format!("{PATH}/{{name}}/revoke"),
            Permit::AnyKey,
            "revokeRequest",
            decide::revoke,
        )
        .about(
            "Revokes an approved request, which ends the access it gives: GOVERNANCE, or an approver of any step of \
             its review. Nobody revokes a request that they made or that is for them.",
        )
        .body::<decide::Revocation>()
        .answers_as(200, "Revoked.", "application/json", Some(object()))
        .fails(&[400, 404, 409, 412, 413, 415, 422]),
    ];
    for route in &mut routes {
        if route.body.is_some() {
            let handler = std::mem::take(&mut route.handler);
            route.handler = handler.layer(DefaultBodyLimit::max(MAX_BODY_BYTES));
        }
    }
    let mut routes: Vec<_> = routes.into_iter().map(|route| route.tag("requests")).collect();
    routes.extend(document::routes());
    routes
}
