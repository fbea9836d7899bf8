//! Where this process's own credentials are looked for, in order.

use super::{Credentials, Means, container, instance, profile, web_identity};
use crate::DeliveryError;

/// The first credentials that the surroundings give. A place that is named but does not work is an error, not a
/// reason to look further: whoever named it meant it.
pub(super) fn credentials(means: &Means) -> Result<Credentials, DeliveryError> {
    if let Some(found) = environment(means)? {
        return Ok(found);
    }
    if let Some(found) = profile::credentials(means)? {
        return Ok(found);
    }
    if let Some(found) = web_identity::credentials(means)? {
        return Ok(found);
    }
    if let Some(found) = container::credentials(means)? {
        return Ok(found);
    }
    let on_instance = instance::credentials(means);
    on_instance.map_err(|reason| DeliveryError::NoCredentials {
        tried: format!(
            "AWS_ACCESS_KEY_ID is not set, no profile has credentials, there is no web identity and no container, {reason}"
        ),
    })
}

/// `AWS_ACCESS_KEY_ID` and what belongs to it.
pub(super) fn environment(means: &Means) -> Result<Option<Credentials>, DeliveryError> {
    let get = |name| means.environment.get(name);
    let Some(access_key_id) = get("AWS_ACCESS_KEY_ID") else { return Ok(None) };
    let secret = get("AWS_SECRET_ACCESS_KEY").ok_or_else(|| DeliveryError::NoCredentials {
        tried: "AWS_ACCESS_KEY_ID is set and AWS_SECRET_ACCESS_KEY is not".to_owned(),
    })?;
    let token = get("AWS_SESSION_TOKEN").map(Into::into);
    let names = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"];
    Credentials::new(access_key_id, secret.into(), token, None, names).map(Some)
}
