//! What happens at its time or at its step: nights begin and end, processes crash, clocks are set, clients call.

use crate::calls;
use crate::checks::Night;
use crate::constants::{HOUR, MINUTE, REPLICAS, SECOND};
use crate::night::{Call, Plan, Trigger, any_replica};
use crate::simulation::{Simulation, USUAL_SKEW};
use crate::world::{Event, Timer};

/// How long a stopped process may take to end.
const STOP_TIME: i64 = 45 * SECOND;

/// How many nights at the end of a simulation have no faults.
const LAST_NIGHTS: u64 = 2;

impl Simulation {
    /// Lets something happen that waited for this time.
    pub(crate) fn happen(&mut self, event: Event) -> Result<(), String> {
        match event {
            Event::NightBegins => self.begin_night(),
            Event::FaultsEnd => self.end_faults()?,
            Event::NightIsChecked => self.end_night(),
            Event::Restart(replica) => {
                self.kill(replica);
                self.start(replica)?;
            }
            Event::ClockIsSetRight(replica) => self.set_clock_right(replica),
        }
        Ok(())
    }

    fn begin_night(&mut self) {
        let mut state = self.world.lock();
        let is_last = state.statistics.nights + LAST_NIGHTS >= self.options.nights;
        self.plan = if is_last { Plan::default() } else { Plan::draw(&mut state.rng) };
        self.steps = 0;
        let due = state.due_on_day();
        self.night = Night { due, is_calm: self.plan.is_calm(), ..Night::default() };
        let night = state.statistics.nights;
        state.log(format_args!("night {night}, calm: {}", self.night.is_calm));
        state.after(7 * HOUR, Timer::Event(Event::FaultsEnd));
        state.after(23 * HOUR, Timer::Event(Event::NightIsChecked));
        state.after(24 * HOUR, Timer::Event(Event::NightBegins));
    }

    fn end_faults(&mut self) -> Result<(), String> {
        self.plan = Plan::default();
        self.awaits_queued_run = false;
        {
            let mut state = self.world.lock();
            state.faults.clear();
            for replica in &mut state.replicas {
                replica.paused_until = 0;
            }
            state.shorten_sleeps();
        }
        for replica in 0..REPLICAS {
            self.set_clock_right(replica);
            if self.replicas[replica].is_none() {
                self.start(replica)?;
            }
        }
        if self.world.lock().export_document().is_none() {
            self.call(Call::CreateExport);
        }
        Ok(())
    }

    fn end_night(&mut self) {
        let mut state = self.world.lock();
        state.check_night(self.night);
        state.statistics.nights += 1;
        state.statistics.calm_nights += u64::from(self.night.is_calm);
    }

    /// Lets something of the plan happen.
    pub(crate) fn trigger(&mut self, trigger: Trigger) -> Result<(), String> {
        self.night.has_wrong_clock |= matches!(trigger, Trigger::ClockJump { .. });
        self.night.may_fail |= matches!(trigger, Trigger::Network { .. } | Trigger::ClockJump { .. });
        let replica = self.draw_replica();
        {
            let mut state = self.world.lock();
            state.log(format_args!("replica {replica}: {trigger:?}"));
            state.shorten_sleeps();
        }
        match trigger {
            Trigger::Crash { restart_after } => {
                if self.replicas[replica].is_some() {
                    self.world.lock().statistics.crashes += 1;
                    self.kill(replica);
                    self.world.lock().after(restart_after, Timer::Event(Event::Restart(replica)));
                }
            }
            Trigger::Stop { restart_after } => {
                if let Some(running) = &self.replicas[replica] {
                    running.service.signals.stop();
                    let mut state = self.world.lock();
                    state.set_ready(running.process);
                    state.after(restart_after + STOP_TIME, Timer::Event(Event::Restart(replica)));
                }
            }
            Trigger::Pause { duration } => {
                let mut state = self.world.lock();
                state.statistics.pauses += 1;
                state.replicas[replica].paused_until = state.now + duration;
            }
            Trigger::ClockJump { offset, duration } => {
                let mut state = self.world.lock();
                state.statistics.clock_jumps += 1;
                state.replicas[replica].clock_offset += offset;
                state.faults.clocks_disagree_until = state.now + duration + 3 * MINUTE;
                state.after(duration, Timer::Event(Event::ClockIsSetRight(replica)));
            }
            Trigger::Database { fault, is_for_all, duration } => {
                let mut state = self.world.lock();
                let (until, replica) = (state.now + duration, (!is_for_all).then_some(replica));
                state.faults.set_database(replica, fault, until);
            }
            Trigger::Network { fault, duration } => {
                let mut state = self.world.lock();
                let until = state.now + duration;
                state.faults.set_network(fault, until);
            }
            // Half of those who cancel a run do so just when it is about to begin.
            Trigger::Call(Call::CancelRun) if self.world.lock().rng.per_mille(500) => {
                self.awaits_queued_run = true;
            }
            Trigger::Call(call) => self.call(call),
        }
        Ok(())
    }

    /// The replica that something happens to: mostly the one that is at work.
    fn draw_replica(&self) -> usize {
        let busy = self.coroutines.values().next().map(|running| running.process.replica);
        let mut state = self.world.lock();
        match busy {
            Some(busy) if state.rng.per_mille(750) => busy,
            _ => any_replica(&mut state.rng),
        }
    }

    /// Lets a client call a replica that is at work.
    pub(crate) fn call(&mut self, call: Call) {
        let at_work: Vec<usize> = {
            let state = self.world.lock();
            (0..REPLICAS).filter(|replica| state.is_at_work(*replica)).collect()
        };
        let Some(index) = (!at_work.is_empty()).then(|| self.world.lock().rng.index(at_work.len())) else {
            return;
        };
        let Some(replica) = &self.replicas[at_work[index]] else { return };
        calls::call(&self.world, replica, call);
        self.world.lock().set_ready(replica.process);
    }

    fn set_clock_right(&mut self, replica: usize) {
        let mut state = self.world.lock();
        if state.replicas[replica].clock_offset.abs() > USUAL_SKEW {
            state.replicas[replica].clock_offset = state.rng.between(-USUAL_SKEW, USUAL_SKEW);
            state.log(format_args!("replica {replica}: its clock is right again"));
            state.faults.clocks_disagree_until = state.now + 3 * MINUTE;
            state.shorten_sleeps();
        }
    }

    /// Whether a run is queued, now and then.
    pub(crate) fn finds_queued_run(&self) -> bool {
        let mut state = self.world.lock();
        let sql = "SELECT EXISTS (SELECT 1 FROM run WHERE state = 'queued')";
        let is_queued = state.peek.query_row(sql, [], |row| row.get::<_, bool>(0)).unwrap_or_default();
        is_queued && state.rng.per_mille(250)
    }
}
