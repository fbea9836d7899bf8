//! The task runner: every step of the gate is one of its commands.
//!
//! `cargo xtask ci` runs them all and is what `.ci/run` calls. Nothing but Rust, Python 3 and a C compiler has to
//! be there: tools that a step needs are installed into the cache folder, outside the checkout.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a task runner talks to its user")]

mod cache;
mod fuzz;
mod generated;
mod steps;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use steps::STEPS;

/// Why a step failed, in words.
type Failure = String;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let result = match args.as_slice() {
        [] | ["help" | "--help" | "-h"] => {
            help();
            Ok(())
        }
        ["ci"] => ci(),
        ["regen"] => generated::write(),
        ["deny", "--advisories"] => steps::advisories(),
        [name] => match STEPS.iter().find(|step| step.name == *name) {
            Some(step) => (step.run)(),
            None => Err(format!("there is no step `{name}`; see `cargo xtask help`")),
        },
        _ => Err("one step at a time; see `cargo xtask help`".to_owned()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("xtask: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn help() {
    println!("cargo xtask ci      every step below, in order, until one fails");
    for step in &STEPS {
        println!("cargo xtask {:<8}{}", step.name, step.about);
    }
    println!("cargo xtask regen   rewrite the generated files and the recipes' output");
    println!("cargo xtask deny --advisories   dependencies against the advisory database, fetched first");
}

fn ci() -> Result<(), Failure> {
    let mut took: Vec<(&str, Duration)> = Vec::new();
    for step in &STEPS {
        println!("\n==> {}: {}", step.name, step.about);
        let started = Instant::now();
        (step.run)().map_err(|failure| {
            format!(
                "step `{}` failed: {failure}\nrun it by itself with `cargo xtask {}`",
                step.name, step.name
            )
        })?;
        took.push((step.name, started.elapsed()));
    }
    println!("\nEvery step passed:");
    for (name, took) in took {
        println!("  {name:<10}{:>6.0} s", took.as_secs_f64());
    }
    Ok(())
}
