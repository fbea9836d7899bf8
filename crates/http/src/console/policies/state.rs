//! Activating, staging and disabling a policy with one click.

use axum::extract::{Path, State};
use axum::response::Response;
use domesday_service::ServiceError;

use super::{find_to_change, policy_path, save, words};
use crate::console::errors::Failure;
use crate::console::form::Form;
use crate::console::see_other;
use crate::console::signed_in::SignedIn;
use crate::state::App;

/// Puts a policy into another state.
pub(super) async fn change(
    State(app): State<App>,
    Path(id): Path<String>,
    signed_in: SignedIn,
    form: Form,
) -> Result<Response, Failure> {
    let (_, policy) = find_to_change(&app, &signed_in, &id).await?;
    let state = words::STATES.iter().find(|(value, ..)| *value == form.get("state"));
    let (state, ..) = state.ok_or_else(|| ServiceError::invalid("there is no such state of a policy"))?;
    let mut document = policy.document.clone();
    let before = document["state"].as_str().unwrap_or("active").to_owned();
    document["state"] = (*state).into();
    save::replace(&app, &signed_in.caller, policy.kind, document, form.get("etag")).await?;
    Ok(see_other(&format!("{}?was={before}", policy_path(policy.id))))
}
