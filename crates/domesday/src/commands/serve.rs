//! `domesday serve`: the service, until it is told to stop.

use domesday_server::{Clock, Config, LogLevel, start_with};
use secrecy::{ExposeSecret, SecretString};
use tracing_subscriber::filter::LevelFilter;

use crate::cli::{ConfigFileArg, Format, ServeArgs};
use crate::output::{DIM, Output, STRONG};

pub(crate) fn run(args: &ServeArgs, output: &Output) -> anyhow::Result<()> {
    let config = read_config(&args.config)?;
    no_core_dumps();
    allow_all_files();
    log_to_stderr(config.log);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let output = *output;
    runtime.block_on(async {
        // Printed before it is committed: a key that nobody saw could not be had again.
        let running = start_with(config, Clock::system(), move |key| print_key(output, key)).await?;
        if !output.is_quiet() {
            output.note(format_args!("Listening on {}", running.address));
            if let Some(address) = running.operations_address {
                output.note(format_args!("Health and metrics on {address}"));
            }
        }
        told_to_stop().await?;
        running.stop().await;
        Ok(())
    })
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
    Ok(Config::read(arg.config.as_deref(), |name| std::env::var(name).ok())?)
}

/// Waits for SIGTERM or SIGINT.
async fn told_to_stop() -> anyhow::Result<()> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminate = signal(SignalKind::terminate())?;
        tokio::select! {
            _ = terminate.recv() => {}
            pressed = tokio::signal::ctrl_c() => pressed?,
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await?;
    Ok(())
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
