//! `domesday serve`: the service, until it is told to stop.

use std::cell::RefCell;
use std::time::Duration;

use domesday_http::start_with;
use domesday_service::{Clock, Config, ConfigError, LogLevel};
use secrecy::{ExposeSecret, SecretString};
use tracing_subscriber::filter::LevelFilter;

use crate::cli::{ConfigFileArg, Format, ServeArgs};
use crate::interrupt::{EXIT_INTERRUPTED, interrupted};
use crate::output::{DIM, Output, STRONG};

/// How long threads may take to end after the service has stopped.
const THREADS_GRACE: Duration = Duration::from_secs(1);

pub(crate) fn run(args: &ServeArgs, output: &Output) -> anyhow::Result<()> {
    let config = read_config(&args.config)?;
    no_core_dumps();
    allow_all_files();
    log_to_stderr(config.log);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let output = *output;
    let is_complete = runtime.block_on(async {
        // Printed before it is committed: a key that nobody saw could not be had again.
        let running = start_with(config, Clock::system(), move |key| print_key(output, key)).await?;
        if !output.is_quiet() {
            output.note(format_args!("Listening on {}", running.address));
            if let Some(address) = running.operations_address {
                output.note(format_args!("Health and metrics on {address}"));
            }
        }
        interrupted().await?;
        let is_complete = tokio::select! {
            is_complete = running.stop() => is_complete,
            code = interrupted() => {
                output.note("a second signal: the service ends at once");
                std::process::exit(code.unwrap_or(EXIT_INTERRUPTED).into());
            }
        };
        anyhow::Ok(is_complete)
    })?;
    if is_complete {
        // Nothing is left but idle threads.
        runtime.shutdown_timeout(THREADS_GRACE);
        return Ok(());
    }
    // A thread that hangs in a call cannot be ended, and must not keep the process.
    runtime.shutdown_background();
    std::process::exit(1);
}

/// Prints the administrator's API key.
fn print_key(output: Output, key: &SecretString) -> std::io::Result<()> {
    let key = key.expose_secret();
    if output.format == Format::Json {
        let document = serde_json::json!({ "apiKey": key });
        return output.try_result(format_args!("{document:#}"));
    }
    output.try_result(format_args!(
        "{STRONG}The administrator's API key, shown this once:{STRONG:#}\n\n    {key}\n\n{DIM}Keep it safe; `domesday \
         key admin` makes another when it is lost.{DIM:#}"
    ))
}

/// The configuration of a command.
pub(crate) fn read_config(arg: &ConfigFileArg) -> anyhow::Result<Config> {
    let unreadable = RefCell::new(Vec::new());
    let variable = |name: &str| {
        let value = std::env::var_os(name)?;
        // Taken as not set, it would be the default that counts.
        value.into_string().map_err(|_| unreadable.borrow_mut().push(format!("{name} is not UTF-8"))).ok()
    };
    let config = Config::read(arg.config.as_deref(), variable);
    let unreadable = unreadable.into_inner();
    match config {
        Ok(config) if unreadable.is_empty() => Ok(config),
        Ok(_) => Err(ConfigError(unreadable).into()),
        Err(ConfigError(mut mistakes)) => {
            mistakes.extend(unreadable);
            Err(ConfigError(mistakes).into())
        }
    }
}

/// A dump of this process's memory would hold secrets: none is written.
fn no_core_dumps() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, setrlimit};
        let none = Rlimit { current: Some(0), maximum: Some(0) };
        // Where even that is refused, dumps are the operator's matter.
        let _ = setrlimit(Resource::Core, none);
    }
}

/// Lets the process open as many files as it may, one for each connection: the usual limit is a thousand, and may be
/// raised.
fn allow_all_files() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        let limit = getrlimit(Resource::Nofile);
        // Where it cannot be raised, the service has fewer connections, and says so.
        let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit });
    }
}

/// One JSON object a line, with the request's or run's id.
fn log_to_stderr(level: LogLevel) {
    let level = match level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
    };
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(true)
        .with_span_list(false)
        .with_target(false)
        .with_max_level(level)
        .with_writer(std::io::stderr)
        .init();
}
