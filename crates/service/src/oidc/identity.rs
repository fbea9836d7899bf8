//! Which user of the catalog a person is, by the claims about them.

use domesday_model::{Kind, UserId, UserStatus};
use domesday_store::Store;
use serde_json::Value;

use super::error::{OidcError, excerpt};
use super::id_token::Claims;
use crate::caller::parse_user;

const PREFERRED_USERNAME: &str = "preferred_username";
const EMAIL: &str = "email";
const EMAIL_VERIFIED: &str = "email_verified";

/// The longest name that is looked up, in bytes.
const MAX_NAME: usize = 1000;

/// A user who signs in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SignedInUser {
    pub(super) id: UserId,
    pub(super) username: String,
}

/// Whether the claims suffice to say who a person is, or the provider must be asked for others.
pub(super) fn is_complete(claims: &Claims, username_claim: Option<&str>) -> bool {
    let has_email = || claims.contains_key(EMAIL) && claims.contains_key(EMAIL_VERIFIED);
    match username_claim {
        Some(EMAIL) => has_email(),
        Some(claim) => claims.contains_key(claim),
        None => claims.contains_key(PREFERRED_USERNAME) || has_email(),
    }
}

/// Finds the active user whom the claims name.
///
/// # Errors
/// When no active user is named, or not unmistakably.
pub(super) fn find(
    store: &mut Store,
    claims: &Claims,
    username_claim: Option<&str>,
) -> Result<SignedInUser, OidcError> {
    let by_name = |store: &mut Store, claim: &str| match text(claims, claim) {
        Some(name) => user_with_name(store, name),
        None => Err(OidcError::NoName(format!("`{claim}`"))),
    };
    match username_claim {
        Some(EMAIL) => user_with_verified_email(store, claims, &format!("`{EMAIL}`")),
        Some(claim) => by_name(store, claim),
        None => match by_name(store, PREFERRED_USERNAME) {
            Err(OidcError::NoName(_)) => {
                user_with_verified_email(store, claims, &format!("`{PREFERRED_USERNAME}` or `{EMAIL}`"))
            }
            // Some providers have an address there that is nobody's username.
            Err(unknown @ OidcError::UnknownUser(_)) => {
                match user_with_verified_email(store, claims, EMAIL) {
                    Err(OidcError::NoName(_) | OidcError::UnverifiedEmail(_) | OidcError::UnknownUser(_)) => {
                        Err(unknown)
                    }
                    found => found,
                }
            }
            found => found,
        },
    }
}

fn text<'c>(claims: &'c Claims, claim: &str) -> Option<&'c str> {
    let text = claims.get(claim)?.as_str()?;
    // No name contains a control character, and not every database compares U+0000.
    (!text.is_empty() && text.len() <= MAX_NAME && !text.chars().any(char::is_control)).then_some(text)
}

fn user_with_name(store: &mut Store, name: &str) -> Result<SignedInUser, OidcError> {
    let stored = store.object(Kind::User, name)?;
    let stored = stored.ok_or_else(|| OidcError::UnknownUser(excerpt(name)))?;
    let id = UserId(stored.id);
    let user = parse_user(stored)?;
    if user.status != UserStatus::Active {
        return Err(OidcError::DisabledUser(user.username));
    }
    Ok(SignedInUser { id, username: user.username })
}

/// Anybody may enter any address at some providers: it counts only when it is verified, and when it is one user's alone.
fn user_with_verified_email(
    store: &mut Store,
    claims: &Claims,
    expected: &str,
) -> Result<SignedInUser, OidcError> {
    let email = text(claims, EMAIL).ok_or_else(|| OidcError::NoName(expected.to_owned()))?;
    // Some providers write the truth as a text.
    let is_verified = match claims.get(EMAIL_VERIFIED) {
        Some(Value::Bool(is_verified)) => *is_verified,
        Some(Value::String(text)) => text == "true",
        _ => false,
    };
    if !is_verified {
        return Err(OidcError::UnverifiedEmail(excerpt(email)));
    }
    let mut found = Vec::new();
    for stored in store.objects_mentioning(Kind::User, email)? {
        let name = stored.name.clone();
        let user = parse_user(stored)?;
        if user.email.as_deref().is_some_and(|known| known.eq_ignore_ascii_case(email)) {
            found.push(name);
        }
    }
    match found.as_slice() {
        [] => Err(OidcError::UnknownUser(excerpt(email))),
        [name] => user_with_name(store, name),
        _ => Err(OidcError::AmbiguousEmail(excerpt(email))),
    }
}
