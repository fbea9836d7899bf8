//! The loop of a simulation: of everything that could happen next, chance picks one.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use domesday_model::Instant;
use domesday_service::BlockingWork;
use domesday_store::Store;
use rusqlite::OpenFlags;
use tempfile::TempDir;

use crate::bucket::FIRST_VERIFICATION;
use crate::checks::Night;
use crate::constants::{HOUR, REPLICAS, SECOND};
use crate::coroutine::Coroutine;
use crate::database::Template;
use crate::night::{Call, Plan};
use crate::replica::Replica;
use crate::world::{Event, Process, State, Statistics, Timer, World};

/// How many steps a night may take; one that does not end takes more.
const MOST_STEPS: u64 = 300_000;

/// By how much the clocks of replicas differ when they are right.
pub(crate) const USUAL_SKEW: i64 = 2 * SECOND;

/// What is simulated.
#[derive(Debug, Clone)]
pub struct Options {
    /// What everything is drawn from.
    pub seed: u64,
    /// How many nights pass.
    pub nights: u64,
    /// Whether the whole trace is kept, and not only its end.
    pub keeps_trace: bool,
    /// Where the bucket is written to in the end.
    pub dump: Option<PathBuf>,
}

/// How a simulation ended.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The invariant that was violated, if one was.
    pub violation: Option<String>,
    /// What it has come to.
    pub statistics: Statistics,
    /// The digest of everything that happened: the same seed gives the same.
    pub digest: u64,
    /// The end of the trace, or all of it.
    pub trace: Vec<String>,
}

pub(crate) struct Running {
    pub(crate) process: Process,
    coroutine: Coroutine,
    is_ready: bool,
}

/// A simulation.
pub(crate) struct Simulation {
    pub(crate) world: Arc<World>,
    pub(crate) options: Options,
    template: Template,
    database: PathBuf,
    pub(crate) replicas: [Option<Replica>; REPLICAS],
    pub(crate) coroutines: BTreeMap<u64, Running>,
    next_coroutine: u64,
    pub(crate) plan: Plan,
    pub(crate) night: Night,
    pub(crate) steps: u64,
    /// Whether a client cancels the next run that it finds queued.
    pub(crate) awaits_queued_run: bool,
    // Removed last.
    _dir: TempDir,
}

/// What could happen next.
#[derive(Debug, Clone, Copy)]
enum Choice {
    Step(usize),
    Work(usize),
    Resume(u64),
}

impl Simulation {
    pub(crate) fn new(
        options: Options,
        template: &Template,
        within: &Path,
        start: Instant,
    ) -> Result<Self, String> {
        let dir =
            tempfile::Builder::new().prefix("simulation-").tempdir_in(within).map_err(|e| e.to_string())?;
        let database = dir.path().join("governance.db");
        template.write(&database)?;
        let peek = rusqlite::Connection::open_with_flags(&database, OpenFlags::SQLITE_OPEN_READ_WRITE)
            .map_err(|error| error.to_string())?;
        let mut state = State::new(options.seed, start.as_micros(), options.keeps_trace, peek);
        state.bucket.keeps_bodies = options.dump.is_some();
        for replica in 0..REPLICAS {
            state.replicas[replica].clock_offset = state.rng.between(-USUAL_SKEW, USUAL_SKEW);
        }
        Ok(Self {
            world: World::new(state),
            options,
            template: template.clone(),
            database,
            replicas: Default::default(),
            coroutines: BTreeMap::new(),
            next_coroutine: 0,
            plan: Plan::default(),
            night: Night::default(),
            steps: 0,
            awaits_queued_run: false,
            _dir: dir,
        })
    }

    /// Lets every night pass.
    pub(crate) fn run(mut self) -> Result<Outcome, String> {
        for replica in 0..REPLICAS {
            self.start(replica)?;
        }
        self.world.lock().after(HOUR, Timer::Event(Event::NightBegins));
        while !self.has_ended() {
            self.advance()?;
        }
        for replica in 0..REPLICAS {
            self.kill(replica);
        }
        self.check_audit()?;
        if let Some(dir) = self.options.dump.clone() {
            self.dump(&dir)?;
        }
        let mut state = self.world.lock();
        Ok(Outcome {
            violation: state.violation.take(),
            statistics: state.statistics,
            digest: state.trace.digest(),
            trace: state.trace.lines(),
        })
    }

    fn has_ended(&self) -> bool {
        let state = self.world.lock();
        state.violation.is_some() || state.statistics.nights >= self.options.nights
    }

    /// Does one thing that can be done now, or lets time pass until there is one.
    fn advance(&mut self) -> Result<(), String> {
        self.begin_coroutines();
        let choices = self.choices();
        if choices.is_empty() {
            let timer = self.world.lock().advance();
            match timer {
                Some(timer) => return self.fire(timer),
                None => self.world.lock().violate("nothing happens any more".to_owned()),
            }
            return Ok(());
        }
        if self.count_step()? {
            return Ok(());
        }
        let choice = choices[self.world.lock().rng.index(choices.len())];
        match choice {
            Choice::Step(replica) => self.step(replica),
            Choice::Work(index) => self.work(index),
            Choice::Resume(id) => self.resume(id),
        }
        Ok(())
    }

    fn choices(&self) -> Vec<Choice> {
        let state = self.world.lock();
        let replicas =
            (0..REPLICAS).filter(|replica| state.is_at_work(*replica) && state.replicas[*replica].is_ready);
        let work = state.work.iter().enumerate().filter(|(_, work)| state.is_at_work(work.process.replica));
        let coroutines = self
            .coroutines
            .iter()
            .filter(|(_, running)| running.is_ready && state.is_at_work(running.process.replica));
        replicas
            .map(Choice::Step)
            .chain(work.map(|(index, _)| Choice::Work(index)))
            .chain(coroutines.map(|(id, _)| Choice::Resume(*id)))
            .collect()
    }

    /// Counts a step of the night, and lets happen what is planned for it. Returns whether that was something.
    fn count_step(&mut self) -> Result<bool, String> {
        self.steps += 1;
        if self.steps > MOST_STEPS {
            self.world.lock().violate(format!("a night takes more than {MOST_STEPS} steps"));
        }
        if self.awaits_queued_run && self.finds_queued_run() {
            self.awaits_queued_run = false;
            self.call(Call::CancelRun);
            return Ok(true);
        }
        let now = self.world.lock().now;
        if self.night.due.is_some_and(|due| now >= due - 5 * SECOND)
            && let Some(trigger) = self.plan.step()
        {
            self.trigger(trigger)?;
            return Ok(true);
        }
        Ok(false)
    }

    /// Makes coroutines of work that may take long.
    fn begin_coroutines(&mut self) {
        let mut state = self.world.lock();
        let is_long = |kind| matches!(kind, BlockingWork::Attempt | BlockingWork::Verification);
        let (long, short): (Vec<_>, Vec<_>) =
            std::mem::take(&mut state.work).into_iter().partition(|work| is_long(work.kind));
        state.work = short;
        drop(state);
        for work in long {
            self.next_coroutine += 1;
            let is_attempt = work.kind == BlockingWork::Attempt;
            let id = if is_attempt { self.next_coroutine } else { FIRST_VERIFICATION + self.next_coroutine };
            let coroutine = Coroutine::new(id, work.job);
            self.coroutines.insert(id, Running { process: work.process, coroutine, is_ready: true });
        }
    }

    fn step(&mut self, replica: usize) {
        self.world.lock().replicas[replica].is_ready = false;
        let has_stopped = self.replicas[replica].as_mut().is_some_and(Replica::step);
        if has_stopped {
            self.world.lock().log(format_args!("replica {replica} has stopped"));
            self.kill(replica);
        }
    }

    fn work(&mut self, index: usize) {
        let work = self.world.lock().work.remove(index);
        (work.job)();
        self.world.lock().set_ready(work.process);
    }

    fn resume(&mut self, id: u64) {
        let Some(running) = self.coroutines.get_mut(&id) else { return };
        running.is_ready = false;
        let process = running.process;
        if running.coroutine.resume() {
            self.coroutines.remove(&id);
        }
        self.world.lock().set_ready(process);
    }

    /// Something has waited for this time.
    fn fire(&mut self, timer: Timer) -> Result<(), String> {
        match timer {
            Timer::Sleep(id) => {
                let waker = self.world.lock().end_sleep(id);
                if let Some(waker) = waker {
                    waker.wake();
                }
            }
            Timer::Coroutine { id, .. } => {
                if let Some(running) = self.coroutines.get_mut(&id) {
                    running.is_ready = true;
                }
            }
            Timer::Event(event) => self.happen(event)?,
        }
        Ok(())
    }

    pub(crate) fn start(&mut self, replica: usize) -> Result<(), String> {
        let process = {
            let mut state = self.world.lock();
            state.log(format_args!("replica {replica} starts"));
            let replica_state = &mut state.replicas[replica];
            replica_state.process += 1;
            replica_state.is_up = true;
            replica_state.is_ready = true;
            Process { replica, number: replica_state.process }
        };
        self.replicas[replica] = Some(Replica::start(&self.world, process, &self.database, &self.template)?);
        Ok(())
    }

    /// Ends a process wherever it is.
    pub(crate) fn kill(&mut self, replica: usize) {
        let Some(running) = self.replicas[replica].take() else { return };
        let lost = {
            let mut state = self.world.lock();
            state.log(format_args!("replica {replica} ends"));
            state.replicas[replica].is_up = false;
            state.replicas[replica].is_ready = false;
            let (lost, kept) = std::mem::take(&mut state.work)
                .into_iter()
                .partition::<Vec<_>, _>(|work| work.process == running.process);
            state.work = kept;
            lost
        };
        drop(lost);
        self.coroutines.retain(|_, coroutine| coroutine.process != running.process);
        running.kill();
    }

    /// Verifies the chain of the audit log.
    fn check_audit(&self) -> Result<(), String> {
        let mut store = Store::open(&self.database).map_err(|error| error.to_string())?;
        let report = store.verify_audit().map_err(|error| error.to_string())?;
        if let Some(fault) = report.fault {
            self.world.lock().violate(format!("the audit log does not verify: {fault:?}"));
        }
        Ok(())
    }

    fn dump(&self, dir: &Path) -> Result<(), String> {
        let state = self.world.lock();
        for (key, object) in &state.bucket.objects {
            let path = dir.join(key);
            let parent = path.parent().unwrap_or(dir);
            std::fs::create_dir_all(parent)
                .and_then(|()| std::fs::write(&path, object.body.as_deref().unwrap_or_default()))
                .map_err(|error| format!("{}: {error}", path.display()))?;
        }
        Ok(())
    }
}
