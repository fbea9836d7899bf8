//! Sessions on the profile: ending one, or all others.

use axum::extract::{Path, State};
use axum::response::Response;
use domesday_model::Instant;
use domesday_service::caller::{Caller, Permit};
use domesday_service::sessions;
use domesday_store::Store;

use super::{PATH, browser, confirm, parse_id};
use crate::console::errors::Failure;
use crate::console::see_other;
use crate::console::signed_in::SignedIn;
use crate::state::App;

/// Asks whether a session is to be ended.
pub(in crate::console) async fn confirm_end(
    State(app): State<App>,
    Path(id): Path<String>,
    signed_in: SignedIn,
) -> Result<Response, Failure> {
    let (id, user) = (parse_id(&id)?, signed_in.caller.user_id);
    let read = move |store: &mut Store| -> Result<_, Failure> { Ok(sessions::find(store, user, id)?) };
    let session = app.service.pool.with(read).await?;
    let title = format!("End the session of {}?", browser(&session.browser));
    let text = format!(
        "The browser at {} is signed out at once. What was being typed there is lost.",
        session.address
    );
    Ok(confirm(signed_in, title, text, format!("{PATH}/sessions/{id}/end"), "End"))
}

/// Ends a session.
pub(in crate::console) async fn end_session(
    State(app): State<App>,
    Path(id): Path<String>,
    signed_in: SignedIn,
) -> Result<Response, Failure> {
    let id = parse_id(&id)?;
    let work = move |store: &mut Store, caller: &Caller, now: Instant| -> Result<(), Failure> {
        Ok(sessions::end(store, caller, id, now)?)
    };
    app.service.write(signed_in.caller_for(Permit::AnyKey), work).await?;
    Ok(see_other(&format!("{PATH}?ended")))
}

/// Asks whether all other sessions are to be ended.
pub(in crate::console) async fn confirm_end_others(signed_in: SignedIn) -> Response {
    let text = "Every other browser is signed out at once. What was being typed there is lost.".to_owned();
    confirm(
        signed_in,
        "End all other sessions?".to_owned(),
        text,
        format!("{PATH}/sessions/end"),
        "End all others",
    )
}

/// Ends all other sessions.
pub(in crate::console) async fn end_others(
    State(app): State<App>,
    signed_in: SignedIn,
) -> Result<Response, Failure> {
    let work = |store: &mut Store, caller: &Caller, now: Instant| -> Result<(), Failure> {
        sessions::end_others(store, caller, now)?;
        Ok(())
    };
    app.service.write(signed_in.caller_for(Permit::AnyKey), work).await?;
    Ok(see_other(&format!("{PATH}?others")))
}
