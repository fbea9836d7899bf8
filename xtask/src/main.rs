//! The task runner: every step of the gate is one of its commands.
//!
//! `cargo xtask ci` runs them all; `.ci/run` calls it. Only Rust, Python 3 and a C compiler must be installed: the steps
//! install their tools into a cache directory outside of the checkout.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a task runner prints")]

mod dependencies;
mod fuzz;
mod generated;
mod paths;
mod postgresql;
mod process;
mod release;
mod runner;
mod simulate;
mod steps;
mod tools;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use steps::STEPS;

/// Why a step failed.
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
        ["advisories"] => steps::advisories(),
        ["image", binary, directory] => release::image::build(binary.as_ref(), directory.as_ref()),
        ["chart", directory] => release::chart::package(directory.as_ref()),
        ["release"] => release::release(None),
        ["release", directory] => release::release(Some(directory)),
        ["screenshots"] => steps::screenshots(),
        ["postgres", versions @ ..] if !versions.is_empty() => postgresql::test(versions),
        ["simulate", arguments @ ..] if !arguments.is_empty() => simulate::simulate(arguments),
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
    println!("cargo xtask ci       run every step below in order, until one fails");
    for step in &STEPS {
        println!("cargo xtask {:<9}{}", step.name, step.about);
    }
    println!(
        "cargo xtask simulate --nights N | --seed N [--trace]   simulate more nights, or one seed again"
    );
    println!(
        "cargo xtask postgres VERSION...   the tests of connected databases on other versions, such as 14 15 17"
    );
    println!("cargo xtask image BINARY DIR  build the container image of a binary");
    println!("cargo xtask chart DIR  package the Helm chart");
    println!("cargo xtask regen    rewrite the generated files, and the output in the recipes");
    println!("cargo xtask release [DIR]  make everything that users install, in target/packages or DIR");
    println!("cargo xtask screenshots  take the pictures of the console in docs/pictures again");
    println!("cargo xtask advisories   check the dependencies against the advisory database");
}

fn ci() -> Result<(), Failure> {
    let mut took: Vec<(&str, Duration)> = Vec::new();
    for step in &STEPS {
        println!("\n==> {}: {}", step.name, step.about);
        let started = Instant::now();
        (step.run)().map_err(|failure| {
            format!("step `{}` failed: {failure}\nrun it alone with `cargo xtask {}`", step.name, step.name)
        })?;
        took.push((step.name, started.elapsed()));
    }
    println!("\nEvery step passed:");
    for (name, took) in took {
        println!("  {name:<10}{:>6.0} s", took.as_secs_f64());
    }
    Ok(())
}
