//! Runs simulations, several at a time, until one violates an invariant.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it reports to whoever started it")]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use domesday_simulation::{Options, Outcome, Simulator, Statistics};

/// How many nights a seed is simulated for.
const NIGHTS_PER_SEED: u64 = 50;

/// How long the simulation of one seed may take on a busy machine.
const MOST_SECONDS_PER_SEED: u64 = 120;

struct Arguments {
    nights: u64,
    first_seed: u64,
    seed: Option<u64>,
    prints_trace: bool,
    keeps_going: bool,
    dump: Option<PathBuf>,
}

fn main() -> ExitCode {
    let arguments = match parse(std::env::args().skip(1)) {
        Ok(arguments) => arguments,
        Err(message) => {
            eprintln!("{message}");
            return ExitCode::from(2);
        }
    };
    let simulator = match Simulator::new() {
        Ok(simulator) => simulator,
        Err(message) => {
            eprintln!("the simulator cannot start: {message}");
            return ExitCode::from(2);
        }
    };
    let is_good = match arguments.seed {
        Some(seed) => one(&simulator, &arguments, seed),
        None => many(&simulator, &arguments),
    };
    if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn parse(arguments: impl Iterator<Item = String>) -> Result<Arguments, String> {
    let mut parsed = Arguments {
        nights: 10_000,
        first_seed: 1,
        seed: None,
        prints_trace: false,
        keeps_going: false,
        dump: None,
    };
    let mut arguments = arguments.peekable();
    while let Some(name) = arguments.next() {
        let mut value = || arguments.next().ok_or_else(|| format!("{name} needs a value"));
        let number = |text: String| text.parse::<u64>().map_err(|error| format!("{name}: {error}"));
        match name.as_str() {
            "--nights" => parsed.nights = number(value()?)?,
            "--first-seed" => parsed.first_seed = number(value()?)?,
            "--seed" => parsed.seed = Some(number(value()?)?),
            "--keep-going" => parsed.keeps_going = true,
            "--trace" => parsed.prints_trace = true,
            "--dump" => parsed.dump = Some(value()?.into()),
            _ => {
                return Err(
                    "usage: simulate [--nights N] [--first-seed N] [--keep-going] [--seed N [--trace] [--dump DIR]]".into(),
                );
            }
        }
    }
    Ok(parsed)
}

/// Where the databases of simulations are: in memory where that can be had.
fn scratch() -> PathBuf {
    let memory = PathBuf::from("/dev/shm");
    if memory.is_dir() { memory } else { std::env::temp_dir() }
}

fn simulate(simulator: &Simulator, options: Options) -> Result<Outcome, String> {
    catch_unwind(AssertUnwindSafe(|| simulator.simulate(options, &scratch())))
        .unwrap_or_else(|_| Err("it panicked".to_owned()))
}

fn one(simulator: &Simulator, arguments: &Arguments, seed: u64) -> bool {
    let nights = if arguments.nights == 10_000 { NIGHTS_PER_SEED } else { arguments.nights };
    let options = Options { seed, nights, keeps_trace: arguments.prints_trace, dump: arguments.dump.clone() };
    let started = Instant::now();
    match simulate(simulator, options) {
        Ok(outcome) => {
            if arguments.prints_trace || outcome.violation.is_some() {
                println!("{}", outcome.trace.join("\n"));
            }
            println!("{:?}", outcome.statistics);
            println!("digest {:016x}, {:.1} s", outcome.digest, started.elapsed().as_secs_f64());
            if let Some(violation) = &outcome.violation {
                println!("seed {seed}, night {}: {violation}", outcome.statistics.nights);
            }
            outcome.violation.is_none()
        }
        Err(message) => {
            println!("seed {seed}: {message}");
            false
        }
    }
}

/// Simulates seed after seed on every core.
fn many(simulator: &Simulator, arguments: &Arguments) -> bool {
    let seeds = arguments.nights.div_ceil(NIGHTS_PER_SEED);
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    let (next, has_failed) = (AtomicU64::new(0), AtomicBool::new(false));
    let total = Mutex::new(Statistics::default());
    let under_way: Vec<Mutex<Option<(u64, Instant)>>> = (0..workers).map(|_| Mutex::new(None)).collect();
    let lock = |index: usize| under_way[index].lock().unwrap_or_else(PoisonError::into_inner);
    let started = Instant::now();
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..workers)
            .map(|worker| {
                let (next, has_failed, total) = (&next, &has_failed, &total);
                scope.spawn(move || {
                    while arguments.keeps_going || !has_failed.load(Ordering::Relaxed) {
                        let index = next.fetch_add(1, Ordering::Relaxed);
                        if index >= seeds {
                            break;
                        }
                        let seed = arguments.first_seed + index;
                        *lock(worker) = Some((seed, Instant::now()));
                        let options =
                            Options { seed, nights: NIGHTS_PER_SEED, keeps_trace: false, dump: None };
                        let outcome = simulate(simulator, options);
                        *lock(worker) = None;
                        if !report(seed, &outcome, total, arguments.keeps_going) {
                            has_failed.store(true, Ordering::Relaxed);
                        }
                    }
                })
            })
            .collect();
        while workers.iter().any(|worker| !worker.is_finished()) {
            std::thread::sleep(Duration::from_millis(200));
            for index in 0..under_way.len() {
                if let Some((seed, since)) = *lock(index)
                    && since.elapsed() > Duration::from_secs(MOST_SECONDS_PER_SEED)
                {
                    println!("seed {seed} hangs\nreproduce it with: cargo xtask simulate --seed {seed}");
                    // Its thread cannot be ended otherwise.
                    std::process::exit(1);
                }
            }
        }
    });
    let total = *total.lock().unwrap_or_else(PoisonError::into_inner);
    let seconds = started.elapsed().as_secs_f64();
    println!("{total:#?}");
    println!(
        "{} nights in {seconds:.0} s, {:.0} nights a second",
        total.nights,
        total.nights as f64 / seconds
    );
    !has_failed.load(Ordering::Relaxed)
}

/// Adds what a seed has come to; false when it violates an invariant.
fn report(seed: u64, outcome: &Result<Outcome, String>, total: &Mutex<Statistics>, is_terse: bool) -> bool {
    let why = match outcome {
        Ok(outcome) => {
            let mut total = total.lock().unwrap_or_else(PoisonError::into_inner);
            total.add(&outcome.statistics);
            match &outcome.violation {
                None => return true,
                Some(violation) => {
                    if !is_terse {
                        let end = outcome.trace.len().saturating_sub(40);
                        println!("{}", outcome.trace[end..].join("\n"));
                    }
                    format!("night {}: {violation}", outcome.statistics.nights)
                }
            }
        }
        Err(message) => message.clone(),
    };
    println!("seed {seed}, {why}\nreproduce it with: cargo xtask simulate --seed {seed}");
    false
}
