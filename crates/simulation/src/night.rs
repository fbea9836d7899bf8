//! The faults of a night, drawn from the seed: what happens at which step of what the replicas do.

use crate::constants::{HOUR, MINUTE, REPLICAS, SECOND};
use crate::faults::{DatabaseFault, NetworkFault};
use crate::rng::Rng;

/// What a client asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Call {
    /// Changes the catalog.
    ChangeCatalog,
    /// Starts a run by hand.
    StartRun,
    /// Cancels the run that is queued or under way.
    CancelRun,
    /// Changes the layout.
    ChangeLayout,
    /// Changes the schedule by some minutes.
    ChangeSchedule,
    /// Deletes the export, and creates it again a moment later.
    RecreateExport,
    /// Creates the export.
    CreateExport,
}

/// Something that happens in a night.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trigger {
    /// A process ends without warning, and is started again after a while.
    Crash { restart_after: i64 },
    /// A process is stopped in good order, as for an update, and started again.
    Stop { restart_after: i64 },
    /// A process stands still.
    Pause { duration: i64 },
    /// A clock is set wrong, and right again after a while.
    ClockJump { offset: i64, duration: i64 },
    /// The database fails, for one replica or for all.
    Database { fault: DatabaseFault, is_for_all: bool, duration: i64 },
    /// The bucket fails.
    Network { fault: NetworkFault, duration: i64 },
    /// A client calls.
    Call(Call),
}

/// The faults of a night.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    /// By the step at which they happen, the last first.
    triggers: Vec<(u64, Trigger)>,
    /// Steps so far.
    steps: u64,
}

impl Plan {
    /// Draws the faults of a night. Many nights have none.
    pub(crate) fn draw(rng: &mut Rng) -> Self {
        let count = match rng.below(10) {
            0..=2 => 0,
            3..=5 => 1,
            6 | 7 => 2,
            8 => 3,
            _ => 5,
        };
        let mut triggers: Vec<_> = (0..count)
            .map(|_| {
                // Most happen while the run of the night is under way; the first steps are those before it.
                let step = if rng.per_mille(150) { rng.below(20) } else { rng.below(400) };
                (step, draw_trigger(rng))
            })
            .collect();
        triggers.sort_by_key(|(step, _)| std::cmp::Reverse(*step));
        Self { triggers, steps: 0 }
    }

    /// Whether nothing happens in this night.
    pub(crate) fn is_calm(&self) -> bool {
        self.triggers.is_empty()
    }

    /// Counts a step, and returns what happens at it.
    pub(crate) fn step(&mut self) -> Option<Trigger> {
        self.steps += 1;
        let is_due = self.triggers.last().is_some_and(|(step, _)| *step <= self.steps);
        if is_due { self.triggers.pop().map(|(_, trigger)| trigger) } else { None }
    }
}

fn draw_trigger(rng: &mut Rng) -> Trigger {
    match rng.below(16) {
        0..=2 => Trigger::Crash { restart_after: draw_duration(rng) },
        3 => Trigger::Stop { restart_after: draw_duration(rng) },
        4..=6 => Trigger::Pause { duration: draw_duration(rng) },
        7 | 8 => {
            let size = match rng.below(4) {
                0 => rng.between(MINUTE, 10 * MINUTE),
                1 => rng.between(10 * MINUTE, 20 * HOUR),
                2 => rng.between(20 * HOUR, 60 * HOUR),
                _ => rng.between(60 * HOUR, 10_000 * HOUR),
            };
            let offset = if rng.per_mille(500) { size } else { -size };
            Trigger::ClockJump { offset, duration: draw_duration(rng) }
        }
        9 | 10 => {
            let fault = [DatabaseFault::Away, DatabaseFault::ReadOnly, DatabaseFault::Flaky][rng.index(3)];
            let is_for_all = rng.per_mille(600);
            Trigger::Database { fault, is_for_all, duration: draw_duration(rng) }
        }
        11 | 12 => {
            let fault = [NetworkFault::Flaky, NetworkFault::Silent, NetworkFault::Slow, NetworkFault::Denied]
                [rng.index(4)];
            Trigger::Network { fault, duration: draw_duration(rng) }
        }
        _ => Trigger::Call(match rng.below(8) {
            0 | 1 => Call::ChangeCatalog,
            2 => Call::StartRun,
            3 | 4 => Call::CancelRun,
            5 => Call::ChangeLayout,
            6 => Call::ChangeSchedule,
            _ => Call::RecreateExport,
        }),
    }
}

/// How long something lasts: around the times after which leases, requests and attempts end.
fn draw_duration(rng: &mut Rng) -> i64 {
    match rng.below(4) {
        0 => rng.between(SECOND, 20 * SECOND),
        1 => rng.between(20 * SECOND, 2 * MINUTE),
        2 => rng.between(MINUTE, 10 * MINUTE),
        _ => rng.between(10 * MINUTE, HOUR),
    }
}

/// A replica by chance.
pub(crate) fn any_replica(rng: &mut Rng) -> usize {
    rng.index(REPLICAS)
}
