//! Who sent a request to a page.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use domesday_service::caller::{Caller, Permit};
use domesday_store::Session;

use super::shell::Shell;
use crate::problem::Problem;
use crate::state::App;

/// Who sent the request, and the frame of the page that answers it.
#[derive(Debug, Clone)]
pub(super) struct SignedIn {
    pub(super) caller: Caller,
    pub(super) session: Session,
    pub(super) shell: Shell,
}

impl SignedIn {
    /// Returns the caller for a change, which is judged by `permit` again when it is made.
    pub(super) fn caller_for(&self, permit: Permit) -> Caller {
        Caller { permit, ..self.caller.clone() }
    }
}

impl FromRequestParts<App> for SignedIn {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Problem> {
        let found = parts.extensions.get::<Self>().cloned();
        found.ok_or_else(|| Problem::internal(&"a page asks for a session on a route without one"))
    }
}
