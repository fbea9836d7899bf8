//! The verification of the log's chain of hashes.

use std::time::Duration;

use axum::extract::State;
use axum::response::Response;
use domesday_service::ServiceError;
use domesday_store::Store;
use tokio::sync::Semaphore;

use super::filter::PATH;
use super::list::{check, render};
use super::verification::VerificationView;
use crate::console::errors::Failure;
use crate::console::form::Form;
use crate::console::see_other;
use crate::console::signed_in::SignedIn;
use crate::state::App;

/// One verification at a time: it reads the whole log, over a connection that others wait for.
static TURN: Semaphore = Semaphore::const_new(1);

/// When a verification that found no turn may be tried again.
const RETRY_AFTER: Duration = Duration::from_secs(10);

/// Verifies the chain, and shows the log with the result.
pub(super) async fn verify(State(app): State<App>, signed_in: SignedIn) -> Result<Response, Failure> {
    check(&signed_in.caller)?;
    let _turn = TURN.try_acquire().map_err(|_| ServiceError::Busy {
        message: "the audit log is being verified already; try again when that has ended".to_owned(),
        retry_after: RETRY_AFTER,
    })?;
    let read = |store: &mut Store| -> Result<_, Failure> { Ok(store.verify_audit()?) };
    let report = app.service.pool.with(read).await?;
    render(&app, signed_in, &Form::default(), Some(VerificationView::new(&report))).await
}

/// Leads from the address of the verification to the log.
pub(super) async fn to_log() -> Response {
    see_other(PATH)
}

/// A hash in hexadecimal.
pub(super) fn hex(hash: &[u8]) -> String {
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}
