//! The identity that the service has for AWS, which the owner of a role names in its trust policy.

use std::time::{Duration, Instant as Stopwatch};

use domesday_delivery::{Environment, ServiceIdentity};
use tokio::sync::Mutex;

use crate::problem::Problem;
use crate::service::App;

/// How long an answer of STS is kept: a process changes its identity seldom, and set-up asks for it several times.
const FRESH: Duration = Duration::from_secs(300);

/// The last identity found. Behind a mutex, so that one lookup at a time occupies a thread.
#[derive(Debug, Default)]
pub(crate) struct IdentityCache(Mutex<Option<Known>>);

#[derive(Debug)]
struct Known {
    region: String,
    endpoint: Option<String>,
    found_at: Stopwatch,
    identity: ServiceIdentity,
}

/// The identity of the service, as the STS of a region or of an endpoint reports it.
///
/// # Errors
/// 422 when the service has no credentials of its own, or there is no STS to ask.
pub(crate) async fn service_identity(
    app: &App,
    region: &str,
    endpoint: Option<&str>,
) -> Result<ServiceIdentity, Problem> {
    let mut known = app.identity.0.lock().await;
    if let Some(known) = known.as_ref()
        && (known.region.as_str(), known.endpoint.as_deref()) == (region, endpoint)
        && known.found_at.elapsed() < FRESH
    {
        return Ok(known.identity.clone());
    }
    let (region, endpoint) = (region.to_owned(), endpoint.map(str::to_owned));
    let place = (region.clone(), endpoint.clone());
    let ask =
        move || domesday_delivery::service_identity(&region, endpoint.as_deref(), Environment::of_process());
    let found = tokio::task::spawn_blocking(ask).await.map_err(|error| Problem::internal(&error))?;
    let identity = found.map_err(|error| {
        let detail = format!("the service does not know its own identity: {}", error.problem());
        Problem::invalid(detail).with("fix", error.fix())
    })?;
    let (region, endpoint) = place;
    *known = Some(Known { region, endpoint, found_at: Stopwatch::now(), identity: identity.clone() });
    Ok(identity)
}
