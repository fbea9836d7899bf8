//! The progress line of this process, which other output must not be mixed with.

use std::sync::{Mutex, PoisonError};

use indicatif::ProgressBar;

/// The progress line that is shown. Global, as the terminal is.
static BAR: Mutex<Option<ProgressBar>> = Mutex::new(None);

/// Sets the progress line that is shown, or that none is.
pub(crate) fn set_progress_bar(bar: Option<ProgressBar>) {
    *BAR.lock().unwrap_or_else(PoisonError::into_inner) = bar;
}

/// Prints something while no progress line is shown.
pub(crate) fn without_progress<T>(print: impl FnOnce() -> T) -> T {
    // A copy: the lock is not held while something is printed.
    let bar = BAR.lock().unwrap_or_else(PoisonError::into_inner).clone();
    match bar {
        Some(bar) => bar.suspend(print),
        None => print(),
    }
}
