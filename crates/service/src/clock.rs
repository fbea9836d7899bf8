//! The time of the service, as a value: the system's, one that a test moves by hand, or that of a simulated machine.
//!
//! Nothing else in this crate reads a clock, so a night can pass in a test without waiting for it.

use std::sync::Arc;
use std::time::{Duration, Instant as Stopwatch};

use domesday_model::Instant;
use tokio::sync::watch;
use uuid::Uuid;

use crate::machine::{Machine, SimulatedMachine};

/// The longest the service sleeps in one piece: a machine's clock may be set while it does.
const LONGEST_SLEEP: Duration = Duration::from_secs(30);

/// A source of time; clones share it.
#[derive(Debug, Clone)]
pub struct Clock {
    /// The instant it was set to; none means the machine's time.
    set: watch::Sender<Option<Instant>>,
    started: Stopwatch,
    machine: Machine,
}

impl Clock {
    /// The system's time.
    #[must_use]
    pub fn system() -> Self {
        Self::new(None, Machine::default())
    }

    /// A clock that stays at an instant until it is set to another.
    #[must_use]
    pub fn standing_at(at: Instant) -> Self {
        Self::new(Some(at), Machine::default())
    }

    /// The clock of a simulated machine. A service with this clock leaves the work that blocks, the network and the
    /// failures of its database to that machine, too.
    #[must_use]
    pub fn simulated(machine: Arc<dyn SimulatedMachine>) -> Self {
        Self::new(None, Machine::simulated(machine))
    }

    fn new(set: Option<Instant>, machine: Machine) -> Self {
        Self { set: watch::Sender::new(set), started: Stopwatch::now(), machine }
    }

    /// The machine whose clock this is.
    pub(crate) fn machine(&self) -> &Machine {
        &self.machine
    }

    /// The present instant.
    #[must_use]
    pub fn now(&self) -> Instant {
        let set = *self.set.borrow();
        set.unwrap_or_else(|| match self.machine.as_simulated() {
            Some(machine) => machine.now(),
            None => jiff::Timestamp::now().into(),
        })
    }

    /// The time since the clock was made, as the machine counts it: nobody sets it.
    pub(crate) fn elapsed(&self) -> Duration {
        self.machine.as_simulated().map_or_else(|| self.started.elapsed(), |machine| machine.elapsed())
    }

    /// Waits for a time that nobody sets.
    pub(crate) async fn sleep(&self, duration: Duration) {
        match self.machine.as_simulated() {
            Some(machine) => machine.sleep(duration).await,
            None => tokio::time::sleep(duration).await,
        }
    }

    /// A number from 0 to 1 that spreads what would otherwise happen at once.
    pub(crate) fn jitter(&self) -> f64 {
        match self.machine.as_simulated() {
            Some(machine) => machine.jitter(),
            None => (Uuid::new_v4().as_u64_pair().0 >> 16) as f64 / (1_u64 << 48) as f64,
        }
    }

    /// Sets the clock and wakes tasks that wait for a later time.
    pub fn set(&self, at: Instant) {
        self.set.send_replace(Some(at));
    }

    /// Subscribes to changes of the clock, for [`Clock::wait_until`].
    pub(crate) fn watch(&self) -> ClockChanges {
        ClockChanges(self.set.subscribe())
    }

    /// Waits until `at` at the latest, or shorter: the caller reads the time again. `changes` were subscribed to before the
    /// caller last read it, so that a clock that was set in between ends the wait at once.
    pub(crate) async fn wait_until(&self, at: Option<Instant>, ClockChanges(mut changes): ClockChanges) {
        let standing = self.set.borrow().is_some();
        let left = at.map(|at| at.as_micros().saturating_sub(self.now().as_micros()).max(0).unsigned_abs());
        if left == Some(0) {
            return;
        }
        if standing {
            // The clock lives as long as its clones, so the channel cannot close while this waits.
            let _ = changes.changed().await;
            return;
        }
        let longest = self.machine.as_simulated().map_or(LONGEST_SLEEP, |machine| machine.longest_sleep());
        let left = left.map_or(longest, Duration::from_micros).min(longest);
        tokio::select! {
            biased;
            () = self.sleep(left) => {}
            _ = changes.changed() => {}
        }
    }
}

/// The settings of a clock since it was watched.
#[derive(Debug)]
pub(crate) struct ClockChanges(watch::Receiver<Option<Instant>>);

/// By how much a clock may be off from the time that has passed before it counts as set, in microseconds: corrections of
/// a second or two are everyday.
const JUMP_MICROS: i64 = 60_000_000;

/// Notices when a clock is set ahead or back.
#[derive(Debug, Default)]
pub(crate) struct ClockMonitor {
    /// What the clock showed when it was last read, and the monotonic time of the machine.
    last: Option<(Instant, Duration)>,
}

impl ClockMonitor {
    /// Reads a clock and returns by how many microseconds it was set since it was last read: ahead, or, negative, back.
    /// A clock in hand is only ever set, so that setting it ahead counts as the passing of time.
    pub(crate) fn observe(&mut self, clock: &Clock) -> Option<i64> {
        let (now, read_at) = (clock.now(), clock.elapsed());
        let (before, read_before) = self.last.replace((now, read_at))?;
        let off = now.as_micros().saturating_sub(before.as_micros());
        if clock.set.borrow().is_some() {
            return (off < -JUMP_MICROS).then_some(off);
        }
        let passed = read_at.saturating_sub(read_before).as_micros();
        let off = off.saturating_sub(i64::try_from(passed).unwrap_or(i64::MAX));
        (off.saturating_abs() > JUMP_MICROS).then_some(off)
    }
}

/// Remembers when something was last done that is to be done once an hour.
#[derive(Debug, Default)]
pub(crate) struct Hourly(Option<Instant>);

impl Hourly {
    /// Whether another hour of the clock has begun since it was last done.
    pub(crate) fn is_due(&self, now: Instant) -> bool {
        let hour = |at: Instant| at.as_micros().div_euclid(3_600_000_000);
        self.0.is_none_or(|last| hour(last) != hour(now))
    }

    /// Records that it is done.
    pub(crate) fn mark_done(&mut self, now: Instant) {
        self.0 = Some(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_standing_clock_wakes_when_it_is_set() {
        let clock = Clock::standing_at(Instant::from_micros(0));
        let other = clock.clone();
        let waiting = tokio::spawn(async move {
            while other.now() < Instant::from_micros(10) {
                other.wait_until(Some(Instant::from_micros(10)), other.watch()).await;
            }
            other.now()
        });
        tokio::task::yield_now().await;
        clock.set(Instant::from_micros(11));
        assert_eq!(waiting.await.unwrap(), Instant::from_micros(11));
    }

    #[test]
    fn a_clock_that_is_set_back_is_noticed_once() {
        let day = 86_400_000_000;
        let clock = Clock::standing_at(Instant::from_micros(10 * day));
        let mut monitor = ClockMonitor::default();
        assert_eq!(monitor.observe(&clock), None);
        clock.set(Instant::from_micros(11 * day));
        assert_eq!(monitor.observe(&clock), None, "a day has passed");
        clock.set(Instant::from_micros(11 * day - 1_000_000));
        assert_eq!(monitor.observe(&clock), None, "a correction");
        clock.set(Instant::from_micros(10 * day));
        assert_eq!(monitor.observe(&clock), Some(1_000_000 - day));
        assert_eq!(monitor.observe(&clock), None);
        let mut monitor = ClockMonitor::default();
        assert_eq!((monitor.observe(&Clock::system()), monitor.observe(&Clock::system())), (None, None));
    }

    #[tokio::test]
    async fn a_clock_set_before_the_wait_wakes_it_too() {
        let clock = Clock::standing_at(Instant::from_micros(0));
        let changes = clock.watch();
        clock.set(Instant::from_micros(5));
        clock.wait_until(Some(Instant::from_micros(10)), changes).await;
    }
}
