//! The catalog one object at a time: data sources, users, groups, tags and domains, in lists and each on a page, with forms.

mod columns;
mod data_sources;
mod delete;
mod domains;
mod edit;
mod failures;
mod field;
mod fields;
mod form;
mod groups;
mod list;
mod origins;
mod parts;
mod show;
mod status;
mod subject;
mod tags;
mod users;

use axum::Router;
use axum::extract::{Path, State};
use axum::routing::{get, post};

use super::form::Form;
use super::signed_in::SignedIn;
use crate::state::App;
use subject::{SUBJECTS, Subject};

/// Returns the routes of these pages.
pub(super) fn routes() -> Router<App> {
    SUBJECTS.iter().fold(Router::new(), |router, subject| router.merge(routes_of(subject)))
}

fn routes_of(subject: &'static Subject) -> Router<App> {
    let path = subject.path;
    let of_object = |part: &str| format!("{path}/{{key}}{part}");
    let router = Router::new()
        .route(
            path,
            get(move |State(app): State<App>, signed_in: SignedIn, query: Form| {
                list::show(subject, app, signed_in, query)
            })
            .post(move |State(app): State<App>, signed_in: SignedIn, form: Form| {
                edit::create(subject, app, signed_in, form)
            }),
        )
        .route(
            &format!("{path}.csv"),
            get(move |State(app): State<App>, signed_in: SignedIn, query: Form| {
                list::csv(subject, app, signed_in, query)
            }),
        )
        .route(
            &of_object(""),
            get(move |State(app): State<App>, Path(key): Path<String>, signed_in: SignedIn, query: Form| {
                show::show(subject, app, key, signed_in, query)
            }),
        )
        .route(
            &of_object("/edit"),
            get(move |State(app): State<App>, Path(key): Path<String>, signed_in: SignedIn, query: Form| {
                edit::ask(subject, app, key, signed_in, query)
            })
            .post(
                move |State(app): State<App>, Path(key): Path<String>, signed_in: SignedIn, form: Form| {
                    edit::save(subject, app, key, signed_in, form)
                },
            ),
        )
        .route(
            &of_object("/delete"),
            get(move |State(app): State<App>, Path(key): Path<String>, signed_in: SignedIn| {
                delete::ask(subject, app, key, signed_in)
            })
            .post(
                move |State(app): State<App>, Path(key): Path<String>, signed_in: SignedIn, form: Form| {
                    delete::delete(subject, app, key, signed_in, form)
                },
            ),
        );
    if subject.states.is_none() {
        return router;
    }
    router.route(
        &of_object("/status"),
        post(move |State(app): State<App>, Path(key): Path<String>, signed_in: SignedIn, form: Form| {
            status::set(subject, app, key, signed_in, form)
        }),
    )
}
