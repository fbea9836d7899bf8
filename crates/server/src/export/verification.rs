//! Verifications of a destination: a few at a time, each with an end, since the server that is asked may hang.

use std::time::Duration;

use axum::http::{StatusCode, header};
use domesday_delivery::{
    CancelReason, CancellationToken, Supervision, Target, TenantName, Verification, verify,
};

use crate::problem::Problem;
use crate::service::App;

/// How long a request waits for its turn.
const TURN_TIMEOUT: Duration = Duration::from_secs(5);

/// What `Retry-After` says when there are too many: a verification takes 45 seconds at most.
const RETRY_AFTER_SECONDS: &str = "15";

/// Tries a destination. A caller who goes away, or a service that stops, ends it.
///
/// # Errors
/// When too many are under way.
pub(crate) async fn run_verification(
    app: &App,
    target: Target,
    tenant: TenantName,
) -> Result<Verification, Problem> {
    let turn = tokio::time::timeout(TURN_TIMEOUT, app.verifications.clone().acquire_owned()).await;
    let turn = turn.map_err(|_| {
        let detail = "as many destinations as can be are being verified just now; try again in a moment";
        let problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, "busy", detail);
        problem.header(header::RETRY_AFTER, RETRY_AFTER_SECONDS)
    })?;
    let turn = turn.map_err(|error| Problem::internal(&error))?;
    let service = app.clone();
    let cancellation =
        CancellationToken::with_check(move || service.is_stopping().then_some(CancelReason::Shutdown));
    let _cancel = CancelOnDrop(cancellation.clone());
    let supervision = Supervision { cancellation, ..Supervision::new() };
    let task = tokio::task::spawn_blocking(move || {
        // The turn ends with the work, not with the request that waits for it.
        let _turn = turn;
        verify(&target, &tenant, &supervision).0
    });
    task.await.map_err(|error| Problem::internal(&error))
}

/// Cancels work when nobody waits for it any more.
struct CancelOnDrop(CancellationToken);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.cancel(CancelReason::Requested);
    }
}
