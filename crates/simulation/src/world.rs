//! What the parts of a simulation share: the time, chance, what waits for a time, the state of the replicas, and the
//! bucket.

use std::collections::BTreeMap;
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use domesday_service::{BlockingJob, BlockingWork};

use crate::acknowledged::Acknowledged;
use crate::bucket::Bucket;
use crate::constants::{HOUR, REPLICAS, SECOND};
use crate::coroutine;
use crate::faults::Faults;
use crate::rng::Rng;
use crate::trace::Trace;

/// How long the service waits in one piece for a time of the clock, where nothing is to be expected meanwhile.
const LONG_SLEEP: i64 = 3 * HOUR;

/// How long it does otherwise, as on a real machine.
const SHORT_SLEEP: i64 = 30 * SECOND;

/// Something that happens at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Event {
    /// The faults of a night are drawn.
    NightBegins,
    /// Every fault of a night ends.
    FaultsEnd,
    /// What a night has to have come to is checked.
    NightIsChecked,
    /// A replica that crashed or was stopped is started again.
    Restart(usize),
    /// The clock of a replica is set right.
    ClockIsSetRight(usize),
}

/// What waits for a time.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Timer {
    Sleep(u64),
    Coroutine { id: u64, replica: usize },
    Event(Event),
}

/// A process of a replica: what was left of an earlier one is not its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Process {
    pub(crate) replica: usize,
    pub(crate) number: u64,
}

/// Work that blocks and waits for its turn.
pub(crate) struct Work {
    pub(crate) process: Process,
    pub(crate) kind: BlockingWork,
    pub(crate) job: BlockingJob,
}

struct SleepState {
    process: Process,
    until: i64,
    is_over: bool,
    waker: Option<Waker>,
}

/// A replica as the simulation sees it.
#[derive(Debug, Default)]
pub(crate) struct ReplicaState {
    pub(crate) process: u64,
    pub(crate) is_up: bool,
    /// Whether a task of it may have something to do.
    pub(crate) is_ready: bool,
    pub(crate) paused_until: i64,
    /// By how much its clock is ahead of the true time.
    pub(crate) clock_offset: i64,
}

/// What a simulation has come to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Nights that passed.
    pub nights: u64,
    /// Nights without a fault.
    pub calm_nights: u64,
    /// Summaries delivered, as far as the bucket received a manifest.
    pub deliveries: u64,
    /// Attempts at runs.
    pub attempts: u64,
    /// Requests that the bucket received.
    pub requests: u64,
    /// Crashes of a process.
    pub crashes: u64,
    /// Pauses of a process.
    pub pauses: u64,
    /// Clocks that were set wrong.
    pub clock_jumps: u64,
    /// Transactions that failed.
    pub database_errors: u64,
    /// Requests to the bucket that failed.
    pub network_errors: u64,
    /// Calls of clients that were acknowledged.
    pub calls: u64,
    /// Times that the bucket was read as the views read it.
    pub reads: u64,
    /// Files that two attempts put at the same time while the clocks of their replicas disagreed.
    pub excused_overlaps: u64,
    /// Chains of manifests that stated that they begin anew.
    pub chain_restarts: u64,
}

impl Statistics {
    /// Adds those of another simulation.
    pub fn add(&mut self, other: &Self) {
        self.nights += other.nights;
        self.calm_nights += other.calm_nights;
        self.deliveries += other.deliveries;
        self.attempts += other.attempts;
        self.requests += other.requests;
        self.crashes += other.crashes;
        self.pauses += other.pauses;
        self.clock_jumps += other.clock_jumps;
        self.database_errors += other.database_errors;
        self.network_errors += other.network_errors;
        self.calls += other.calls;
        self.reads += other.reads;
        self.excused_overlaps += other.excused_overlaps;
        self.chain_restarts += other.chain_restarts;
    }
}

/// The state of a simulation.
pub(crate) struct State {
    /// The true time, in microseconds.
    pub(crate) now: i64,
    pub(crate) start: i64,
    pub(crate) rng: Rng,
    pub(crate) trace: Trace,
    timers: BTreeMap<(i64, u64), Timer>,
    sleeps: BTreeMap<u64, SleepState>,
    sequence: u64,
    pub(crate) replicas: [ReplicaState; REPLICAS],
    /// Work that was handed over and not begun.
    pub(crate) work: Vec<Work>,
    pub(crate) bucket: Bucket,
    pub(crate) faults: Faults,
    pub(crate) acknowledged: Acknowledged,
    /// A connection that sees the database as it is.
    pub(crate) peek: rusqlite::Connection,
    pub(crate) statistics: Statistics,
    /// The first invariant that was violated.
    pub(crate) violation: Option<String>,
}

impl State {
    pub(crate) fn new(seed: u64, start: i64, is_trace_whole: bool, peek: rusqlite::Connection) -> Self {
        Self {
            now: start,
            start,
            rng: Rng::new(seed),
            trace: Trace::new(is_trace_whole),
            timers: BTreeMap::new(),
            sleeps: BTreeMap::new(),
            sequence: 0,
            replicas: Default::default(),
            work: Vec::new(),
            bucket: Bucket::default(),
            faults: Faults::default(),
            acknowledged: Acknowledged::default(),
            peek,
            statistics: Statistics::default(),
            violation: None,
        }
    }

    /// Writes a line into the trace.
    pub(crate) fn log(&mut self, line: fmt::Arguments<'_>) {
        self.trace.add(self.now, line);
    }

    /// Records that an invariant is violated.
    pub(crate) fn violate(&mut self, what: String) {
        self.log(format_args!("VIOLATED: {what}"));
        self.violation.get_or_insert(what);
    }

    fn next_id(&mut self) -> u64 {
        self.sequence += 1;
        self.sequence
    }

    /// Lets something happen after a while.
    pub(crate) fn after(&mut self, wait: i64, timer: Timer) {
        let id = self.next_id();
        self.timers.insert((self.now + wait.max(0), id), timer);
    }

    /// Advances the time to the next thing that waits for it.
    pub(crate) fn advance(&mut self) -> Option<Timer> {
        while let Some(((at, id), timer)) = self.timers.pop_first() {
            let replica = match timer {
                Timer::Sleep(id) => match self.sleeps.get(&id) {
                    Some(sleep) => Some(sleep.process.replica),
                    None => continue,
                },
                Timer::Coroutine { replica, .. } => Some(replica),
                Timer::Event(_) => None,
            };
            if let Some(replica) = replica {
                let paused_until = self.replicas[replica].paused_until;
                if paused_until > at.max(self.now) {
                    self.timers.insert((paused_until, id), timer);
                    continue;
                }
            }
            self.now = self.now.max(at);
            return Some(timer);
        }
        None
    }

    /// Ends a sleep; returns what is to be woken.
    pub(crate) fn end_sleep(&mut self, id: u64) -> Option<Waker> {
        let sleep = self.sleeps.get_mut(&id)?;
        sleep.is_over = true;
        let (process, waker) = (sleep.process, sleep.waker.take());
        self.set_ready(process);
        waker
    }

    /// Marks that a task of a process may have something to do.
    pub(crate) fn set_ready(&mut self, process: Process) {
        let replica = &mut self.replicas[process.replica];
        if replica.process == process.number && replica.is_up {
            replica.is_ready = true;
        }
    }

    /// Shortens waits that are longer than those of a real machine: something has happened meanwhile.
    pub(crate) fn shorten_sleeps(&mut self) {
        let limit = self.now + SHORT_SLEEP;
        let long: Vec<u64> =
            self.sleeps.iter().filter(|(_, sleep)| sleep.until > limit).map(|(id, _)| *id).collect();
        for id in long {
            let wait = self.rng.between(0, SHORT_SLEEP);
            if let Some(sleep) = self.sleeps.get_mut(&id) {
                sleep.until = self.now + wait;
            }
            self.after(wait, Timer::Sleep(id));
        }
    }

    /// How long the service may wait in one piece.
    pub(crate) fn longest_sleep(&self) -> i64 {
        let open = "SELECT EXISTS (SELECT 1 FROM run WHERE state IN ('queued', 'running'))";
        let is_open = self.peek.query_row(open, [], |row| row.get::<_, bool>(0)).unwrap_or(true);
        if is_open { SHORT_SLEEP } else { LONG_SLEEP }
    }

    /// Whether a replica works.
    pub(crate) fn is_at_work(&self, replica: usize) -> bool {
        self.replicas[replica].is_up && self.replicas[replica].paused_until <= self.now
    }
}

/// The shared state.
pub(crate) struct World(Mutex<State>);

impl World {
    pub(crate) fn new(state: State) -> Arc<Self> {
        Arc::new(Self(Mutex::new(state)))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets time pass for the coroutine of this thread.
    pub(crate) fn pass(&self, replica: usize, wait: i64) {
        let Some(id) = coroutine::current() else { return };
        if std::thread::panicking() {
            return;
        }
        self.lock().after(wait, Timer::Coroutine { id, replica });
        coroutine::suspend();
    }
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("World")
    }
}

/// A wait of a task.
pub(crate) struct Sleeping {
    world: Arc<World>,
    id: u64,
}

impl Sleeping {
    pub(crate) fn new(world: &Arc<World>, process: Process, wait: i64) -> Self {
        let mut state = world.lock();
        let id = state.next_id();
        let until = state.now + wait;
        state.sleeps.insert(id, SleepState { process, until, is_over: false, waker: None });
        state.after(wait, Timer::Sleep(id));
        Self { world: Arc::clone(world), id }
    }
}

impl Future for Sleeping {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        match self.world.lock().sleeps.get_mut(&self.id) {
            Some(sleep) if !sleep.is_over => {
                sleep.waker = Some(context.waker().clone());
                Poll::Pending
            }
            _ => Poll::Ready(()),
        }
    }
}

impl Drop for Sleeping {
    fn drop(&mut self) {
        self.world.lock().sleeps.remove(&self.id);
    }
}
