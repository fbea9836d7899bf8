//! Threads of which one runs at a time: work that blocks is suspended wherever it waits, and continued when the
//! simulation says so.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;

thread_local! {
    static CURRENT: RefCell<Option<(u64, Arc<Handoff>)>> = const { RefCell::new(None) };
}

/// Whose turn it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    Simulation,
    Coroutine,
    /// The coroutine is to end: its process has crashed.
    Crash,
    Ended,
}

#[derive(Debug)]
struct Handoff {
    turn: Mutex<Turn>,
    changed: Condvar,
}

impl Handoff {
    fn set(&self, turn: Turn) {
        *self.turn.lock().unwrap_or_else(PoisonError::into_inner) = turn;
        self.changed.notify_all();
    }

    fn wait_for(&self, is_awaited: impl Fn(Turn) -> bool) -> Turn {
        let mut turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        while !is_awaited(*turn) {
            turn = self.changed.wait(turn).unwrap_or_else(PoisonError::into_inner);
        }
        *turn
    }
}

/// What unwinds the thread of a process that crashed.
struct Crashed;

/// Work that blocks, on a thread that runs only while the simulation waits for it.
pub(crate) struct Coroutine {
    handoff: Arc<Handoff>,
    thread: Option<JoinHandle<()>>,
}

impl Coroutine {
    /// Prepares a coroutine; it begins when it is first resumed.
    pub(crate) fn new(id: u64, work: Box<dyn FnOnce() + Send>) -> Self {
        let handoff = Arc::new(Handoff { turn: Mutex::new(Turn::Simulation), changed: Condvar::new() });
        let own = Arc::clone(&handoff);
        let run = move || {
            let first = own.wait_for(|turn| matches!(turn, Turn::Coroutine | Turn::Crash));
            if first == Turn::Coroutine {
                CURRENT.with(|current| *current.borrow_mut() = Some((id, Arc::clone(&own))));
                // A panic is reported where its result is waited for; a crash is meant.
                let _ = catch_unwind(AssertUnwindSafe(work));
                CURRENT.with(|current| *current.borrow_mut() = None);
            } else {
                drop(work);
            }
            own.set(Turn::Ended);
        };
        Self { handoff, thread: Some(std::thread::spawn(run)) }
    }

    /// Continues the coroutine until it waits or ends; returns whether it has ended.
    pub(crate) fn resume(&mut self) -> bool {
        self.continue_as(Turn::Coroutine)
    }

    /// Ends the coroutine where it waits.
    pub(crate) fn crash(&mut self) {
        while !self.continue_as(Turn::Crash) {}
    }

    fn continue_as(&mut self, turn: Turn) -> bool {
        if self.thread.is_none() {
            return true;
        }
        self.handoff.set(turn);
        let ended =
            self.handoff.wait_for(|turn| matches!(turn, Turn::Simulation | Turn::Ended)) == Turn::Ended;
        if ended && let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        ended
    }
}

impl Drop for Coroutine {
    fn drop(&mut self) {
        self.crash();
    }
}

/// The id of the coroutine that runs on this thread, if one does.
pub(crate) fn current() -> Option<u64> {
    CURRENT.with(|current| current.borrow().as_ref().map(|(id, _)| *id))
}

/// Lets the simulation go on until it resumes this coroutine.
pub(crate) fn suspend() {
    let handoff = CURRENT.with(|current| current.borrow().as_ref().map(|(_, handoff)| Arc::clone(handoff)));
    let Some(handoff) = handoff else { return };
    if std::thread::panicking() {
        // What is cleaned up after a crash waits for nobody.
        return;
    }
    handoff.set(Turn::Simulation);
    if handoff.wait_for(|turn| matches!(turn, Turn::Coroutine | Turn::Crash)) == Turn::Crash {
        resume_unwind(Box::new(Crashed));
    }
}
