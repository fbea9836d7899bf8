//! SIGINT (Ctrl-C) and SIGTERM: the first signal cancels the work, a second one exits immediately.

use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use domesday_delivery::{CancelReason, CancellationToken};

use crate::output::{ERROR, Output};

/// The exit code of a process that SIGINT ended, by the convention of shells.
const EXIT_INTERRUPTED: u8 = 130;

/// The same for SIGTERM.
const EXIT_TERMINATED: u8 = 143;

/// How long cancelled work may take to end. The next export deletes files that it leaves behind.
const GRACE: Duration = Duration::from_secs(2);

/// The exit code once the work was cancelled. Global, as signals are.
static EXIT_CODE: AtomicU8 = AtomicU8::new(EXIT_INTERRUPTED);

/// Returns the exit code for work that a signal cancelled.
pub(crate) fn exit_code() -> u8 {
    EXIT_CODE.load(Ordering::Relaxed)
}

/// Work that a signal stopped, with what became of it.
#[derive(Debug, thiserror::Error)]
#[error("stopped: {0}")]
pub(crate) struct Stopped(pub(crate) String);

/// Fails once work is cancelled.
///
/// # Errors
/// [`Stopped`], with what became of the work.
pub(crate) fn check(cancellation: &CancellationToken, outcome: &str) -> anyhow::Result<()> {
    match cancellation.reason() {
        None => Ok(()),
        Some(_) => Err(Stopped(outcome.to_owned()).into()),
    }
}

/// Cancels work at the first signal, and exits the process when the work does not end soon.
pub(crate) fn cancel_when_interrupted(cancellation: CancellationToken, output: Output) {
    listen(cancellation, output, None);
}

/// Cancels work at the first signal, prints what it still does, and waits for its end: work that is not to be left
/// half-done, and that ends by its own time limits.
pub(crate) fn cancel_at_next_step(cancellation: CancellationToken, output: Output, rest: &'static str) {
    listen(cancellation, output, Some(rest));
}

fn listen(cancellation: CancellationToken, output: Output, rest: Option<&'static str>) {
    let wait = move || {
        // Without a runtime, signals keep their default action: they end the process.
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return };
        runtime.block_on(async {
            let Ok(mut signals) = SignalListener::new() else { return };
            let code = signals.next().await;
            EXIT_CODE.store(code, Ordering::Relaxed);
            cancellation.cancel(CancelReason::Requested);
            if let Some(rest) = rest {
                output.note(format_args!("stopping {rest}; another signal stops at once"));
            }
            tokio::select! {
                _ = signals.next() => {}
                () = tokio::time::sleep(GRACE), if rest.is_none() => {}
            }
            output.note(format_args!("{ERROR}error:{ERROR:#} stopped before the work ended"));
            std::process::exit(code.into());
        });
    };
    // The same holds when no thread can be started.
    let _ = std::thread::Builder::new().name("signals".to_owned()).spawn(wait);
}

/// A listener to SIGINT and SIGTERM. From its creation on they do not end the process by themselves, and none is missed.
pub(crate) struct SignalListener {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
}

impl SignalListener {
    /// Starts to listen; needs a runtime.
    pub(crate) fn new() -> std::io::Result<Self> {
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            Ok(Self {
                interrupt: signal(SignalKind::interrupt())?,
                terminate: signal(SignalKind::terminate())?,
            })
        }
        #[cfg(not(unix))]
        Ok(Self {})
    }

    /// Waits for the next signal and returns the exit code of a process that it ends.
    pub(crate) async fn next(&mut self) -> u8 {
        #[cfg(unix)]
        tokio::select! {
            _ = self.terminate.recv() => EXIT_TERMINATED,
            _ = self.interrupt.recv() => EXIT_INTERRUPTED,
        }
        #[cfg(not(unix))]
        {
            // Where Ctrl-C cannot be listened to, it ends the process by itself.
            if tokio::signal::ctrl_c().await.is_err() {
                std::future::pending::<()>().await;
            }
            EXIT_INTERRUPTED
        }
    }
}
