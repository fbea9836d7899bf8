//! Ctrl-C and SIGTERM: the first one cancels the work, a second one ends the process at once.

use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use domesday_delivery::{CancelReason, CancellationToken};

/// What a process that was ended by SIGINT exits with, as shells have it.
pub(crate) const EXIT_INTERRUPTED: u8 = 130;

/// The same for SIGTERM.
const EXIT_TERMINATED: u8 = 143;

/// How long cancelled work may take to end by itself. What it leaves behind, the next export removes.
const GRACE: Duration = Duration::from_secs(2);

/// What this process exits with once its work was cancelled. Of the process, as signals are.
static EXIT_CODE: AtomicU8 = AtomicU8::new(EXIT_INTERRUPTED);

/// What a process whose work was cancelled by a signal exits with.
pub(crate) fn exit_code() -> u8 {
    EXIT_CODE.load(Ordering::Relaxed)
}

/// Cancels work when the process is interrupted, and ends the process when the work does not end soon.
pub(crate) fn cancel_when_interrupted(cancellation: CancellationToken) {
    let wait = move || {
        // Without signals to wait for, the system ends the process as it always does.
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return };
        runtime.block_on(async {
            let Ok(code) = interrupted().await else { return };
            EXIT_CODE.store(code, Ordering::Relaxed);
            cancellation.cancel(CancelReason::Requested);
            tokio::select! {
                _ = interrupted() => {}
                () = tokio::time::sleep(GRACE) => {}
            }
            std::process::exit(code.into());
        });
    };
    // Where no thread can be had, the same holds.
    let _ = std::thread::Builder::new().name("signals".to_owned()).spawn(wait);
}

/// Waits for SIGINT or SIGTERM, and tells what the process exits with.
pub(crate) async fn interrupted() -> std::io::Result<u8> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminate = signal(SignalKind::terminate())?;
        tokio::select! {
            _ = terminate.recv() => Ok(EXIT_TERMINATED),
            pressed = tokio::signal::ctrl_c() => pressed.map(|()| EXIT_INTERRUPTED),
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await.map(|()| EXIT_INTERRUPTED)
}
