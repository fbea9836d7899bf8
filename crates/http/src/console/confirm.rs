//! The page that asks once before something is done that cannot be undone.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;

use super::assets::{Assets, assets};
use super::page;
use super::shell::Shell;

#[derive(Template)]
#[template(path = "console/confirm.html")]
struct ConfirmPage {
    assets: &'static Assets,
    shell: Shell,
    question: Confirmation,
}

/// What is asked.
#[derive(Debug, Clone, Default)]
pub(super) struct Confirmation {
    /// The question, which names what it is about.
    pub(super) title: String,
    /// What will be lost.
    pub(super) text: String,
    /// Where the form is sent to.
    pub(super) action: String,
    /// The page that *Cancel* leads to.
    pub(super) back: String,
    /// What leaving without doing it is called; empty: *Cancel*.
    pub(super) back_text: &'static str,
    /// The button's text.
    pub(super) verb: &'static str,
    /// Hidden fields, by name.
    pub(super) fields: Vec<(&'static str, String)>,
    /// Where a reason is typed, if one is asked for.
    pub(super) reason: Option<ReasonField>,
    /// What can be done instead, and undone.
    pub(super) alternative: Option<Alternative>,
    /// Why it was refused when it was confirmed before; empty when it was not.
    pub(super) refused: String,
}

/// What can be done instead.
#[derive(Debug, Clone, Default)]
pub(super) struct Alternative {
    pub(super) text: &'static str,
    /// The button's text.
    pub(super) verb: &'static str,
    /// Where its form is sent to.
    pub(super) action: String,
    /// Hidden fields, by name.
    pub(super) fields: Vec<(&'static str, String)>,
}

/// The field `reason` of a confirmation.
#[derive(Debug, Clone, Default)]
pub(super) struct ReasonField {
    pub(super) label: &'static str,
    /// What was typed before.
    pub(super) value: String,
    /// What is wrong with it; empty when nothing is.
    pub(super) error: String,
}

impl Confirmation {
    /// Renders the page: 422 when the reason that was sent is not accepted.
    pub(super) fn ask(self, shell: Shell) -> Response {
        let is_refused = self.reason.as_ref().is_some_and(|reason| !reason.error.is_empty());
        let mut response = page(&ConfirmPage { assets: assets(), shell, question: self });
        if is_refused {
            *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
        }
        response
    }
}
