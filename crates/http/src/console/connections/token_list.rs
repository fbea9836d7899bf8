//! The tokens of a connection that is pushed to, as its page shows them.

use domesday_model::Permission;
use domesday_service::caller::{Caller, Permit};
use domesday_service::{ServiceError, scim};
use domesday_store::{ScimToken, Store};
use uuid::Uuid;

use crate::console::times::{Calendar, TimeView};
use crate::state::AppState;

/// Who creates and revokes tokens.
pub(super) const WRITERS: Permit = Permit::AnyOf(&[Permission::UserAdmin]);

/// Who sees tokens.
const READERS: Permit = Permit::AnyOf(&[Permission::UserAdmin, Permission::Audit]);

/// The tokens as they are shown.
pub(super) struct TokensView {
    pub(super) rows: Vec<TokenRow>,
    pub(super) may_write: bool,
    pub(super) form: TokenForm,
    pub(super) created: Option<CreatedView>,
}

/// A token.
pub(super) struct TokenRow {
    pub(super) id: Uuid,
    pub(super) name: String,
    pub(super) created: TimeView,
    pub(super) creator: String,
    pub(super) used: Option<TimeView>,
    pub(super) revoked: Option<TimeView>,
}

/// The form of a new token.
pub(super) struct TokenForm {
    /// Tells the form from others: sent twice, it creates one token.
    pub(super) once: String,
    pub(super) name: String,
    pub(super) problem: String,
}

/// A token that was just created.
pub(super) struct CreatedView {
    pub(super) name: String,
    /// Empty when the form was sent before: the secret was shown then.
    pub(super) secret: String,
}

/// What sending the form of a new token came to.
#[derive(Default)]
pub(super) struct Outcome {
    pub(super) created: Option<CreatedView>,
    pub(super) refused: Option<TokenForm>,
}

/// Reads the tokens of a connection, as far as the caller may see them.
pub(super) fn read(
    store: &mut Store,
    caller: &Caller,
    connection: &str,
) -> Result<Option<Vec<ScimToken>>, ServiceError> {
    READERS.check(caller).is_ok().then(|| scim::tokens(store, connection)).transpose()
}

/// Returns the tokens as they are shown.
pub(super) fn view(
    app: &AppState,
    caller: &Caller,
    calendar: &Calendar,
    tokens: Vec<ScimToken>,
    outcome: Outcome,
) -> TokensView {
    let row = |token: ScimToken| TokenRow {
        used: app.service.last_use.latest_of_token(token.id, token.last_used_at).map(|at| calendar.time(at)),
        id: token.id,
        name: token.name,
        created: calendar.time(token.created_at),
        creator: token.created_by,
        revoked: token.revoked_at.map(|at| calendar.time(at)),
    };
    let form = outcome.refused.unwrap_or_else(|| TokenForm {
        once: Uuid::new_v4().to_string(),
        name: String::new(),
        problem: String::new(),
    });
    TokensView {
        rows: tokens.into_iter().map(row).collect(),
        may_write: WRITERS.check(caller).is_ok(),
        form,
        created: outcome.created,
    }
}
