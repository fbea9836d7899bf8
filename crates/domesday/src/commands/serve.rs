//! `domesday serve`: runs the service until it receives a signal.

use std::time::Duration;

use domesday_http::start_with;
use domesday_service::{Clock, LogLevel};
use secrecy::{ExposeSecret, SecretString};
use tracing_subscriber::filter::LevelFilter;

use super::demo::Demo;
use crate::cli::{Format, ServeArgs};
use crate::interrupt::SignalListener;
use crate::output::{DIM, Output, STRONG};
use crate::service_config::read_config;

/// How long the start may still take after a signal, so that what it writes and prints belongs together.
const START_GRACE: Duration = Duration::from_secs(10);

/// How long threads may take to end after the service stopped.
const THREADS_GRACE: Duration = Duration::from_secs(1);

pub(crate) fn run(args: &ServeArgs, output: &Output) -> anyhow::Result<()> {
    let demo = if args.demo { Some(Demo::prepare()?) } else { None };
    let config = match &demo {
        Some(demo) => demo.config()?,
        None => read_config(&args.config)?,
    };
    forbid_core_dumps();
    raise_file_limit();
    log_to_stderr(config.log);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let output = *output;
    let is_complete = runtime.block_on(async {
        let mut signals = SignalListener::new()?;
        // Printed before it is committed: a key that was not printed is lost.
        let starting = start_with(config, Clock::system(), move |key| print_key(output, key));
        tokio::pin!(starting);
        let running = tokio::select! {
            running = &mut starting => running?,
            code = signals.next() => match tokio::time::timeout(START_GRACE, starting).await {
                Ok(running) => return anyhow::Ok(running?.stop().await),
                Err(_) => {
                    Demo::delete(demo.as_ref());
                    std::process::exit(code.into());
                }
            },
        };
        if let Some(link) = &running.sign_in_link {
            print_link(output, link)?;
        }
        if !output.is_quiet() {
            output.note(format_args!("Listening on {}", running.address));
            if args.demo {
                output.note(format_args!(
                    "The example company, in a temporary store: everything is deleted when the service stops"
                ));
            }
            if let Some(address) = running.operations_address {
                output.note(format_args!("Health and metrics on {address}"));
            }
        }
        signals.next().await;
        let is_complete = tokio::select! {
            is_complete = running.stop() => is_complete,
            code = signals.next() => {
                output.note("second signal: the service exits immediately");
                Demo::delete(demo.as_ref());
                std::process::exit(code.into());
            }
        };
        anyhow::Ok(is_complete)
    })?;
    if is_complete {
        // Only idle threads are left.
        runtime.shutdown_timeout(THREADS_GRACE);
        return Ok(());
    }
    // A thread that hangs in a call cannot be stopped, and must not keep the process alive.
    runtime.shutdown_background();
    Demo::delete(demo.as_ref());
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
        "{STRONG}The administrator's API key, shown only once:{STRONG:#}\n\n    {key}\n\n{DIM}Keep it safe. If it is lost, \
         `domesday key admin` creates another.{DIM:#}"
    ))
}

/// Prints the link that signs in the operator.
fn print_link(output: Output, link: &SecretString) -> std::io::Result<()> {
    let link = link.expose_secret();
    if output.format == Format::Json {
        let document = serde_json::json!({ "signInLink": link });
        return output.try_result(format_args!("{document:#}"));
    }
    output.try_result(format_args!(
        "\n{STRONG}Open this link to sign in to the console as the administrator:{STRONG:#}\n\n    {link}\n\n{DIM}It works \
         once, for 15 minutes, until somebody has signed in.{DIM:#}"
    ))
}

/// Forbids core dumps, which would contain secrets.
fn forbid_core_dumps() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, setrlimit};
        let none = Rlimit { current: Some(0), maximum: Some(0) };
        // Where this is refused, core dumps are up to the operator.
        let _ = setrlimit(Resource::Core, none);
    }
}

/// Raises the limit on open files, one for each connection: the default is often 1,024.
fn raise_file_limit() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        let limit = getrlimit(Resource::Nofile);
        // Where it cannot be raised, the service accepts fewer connections, and logs that.
        let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit });
    }
}

/// Logs one JSON object a line to standard error, with the id of the request or run.
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
