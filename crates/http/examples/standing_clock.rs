//! The service with a clock that stands until it is told otherwise: for end-to-end tests in which nights pass.
//!
//! The first line on standard input is the instant at which the clock stands; each further line is one to set it
//! to. Configuration comes from the environment as `domesday serve` takes it. The first line on standard output
//! is the address, the second the administrator's API key, or empty. Ends in good order when the input does.

#![allow(clippy::print_stdout, reason = "it talks to the test that started it")]

use std::io::BufRead;

use domesday_http::start;
use domesday_model::Instant;
use domesday_service::{Clock, Config};
use secrecy::ExposeSecret;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    tracing_subscriber::fmt().json().flatten_event(true).with_writer(std::io::stderr).init();
    let mut lines = std::io::stdin().lock().lines();
    let at: Instant = lines.next().ok_or("the first line is the clock's instant")??.parse()?;
    let clock = Clock::standing_at(at);
    let config = Config::read(None, |name| std::env::var(name).ok())?;
    let runtime = tokio::runtime::Runtime::new()?;
    let running = runtime.block_on(start(config, clock.clone()))?;
    println!("{}", running.address);
    println!("{}", running.first_key.as_ref().map_or("", |key| key.expose_secret()));
    for line in lines {
        clock.set(line?.parse()?);
    }
    runtime.block_on(running.stop());
    Ok(())
}
