//! A credential process: a program that a profile names and that prints credentials.

use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use super::profile::unusable;
use super::{Credentials, Means, container};
use crate::DeliveryError;

/// How long a program may take: some ask a person for a second factor.
const TIME_LIMIT: Duration = Duration::from_secs(60);

/// The longest output that is read.
const MAX_OUTPUT_BYTES: u64 = 64 << 10;

/// How often is looked whether it has ended.
const POLL: Duration = Duration::from_millis(20);

/// Runs the program that a profile names and reads what it prints; its error output stays the user's to see.
pub(super) fn credentials(means: &Means, name: &str, command: &str) -> Result<Credentials, DeliveryError> {
    let words = words(command);
    let (program, arguments) =
        words.split_first().ok_or_else(|| unusable(name, "has an empty credential_process"))?;
    let could_not_run =
        |error: &std::io::Error| unusable(name, &format!("could not run its credential_process: {error}"));
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .map_err(|error| could_not_run(&error))?;
    let ended = wait(means, &mut child, name);
    if ended.is_err() {
        // It is of no use any more; what it started itself is its own.
        let _ = child.kill();
        let _ = child.wait();
    }
    let text = ended?;
    let status = child.wait().map_err(|error| could_not_run(&error))?;
    if !status.success() {
        return Err(unusable(name, &format!("has a credential_process that ended with {status}")));
    }
    container::read(&text, &format!("the credential_process of the profile `{name}`"))?
        .ok_or_else(|| unusable(name, "has a credential_process that printed no credentials"))
}

/// Reads what a program prints until it closes its output, the time is over or the work is cancelled.
fn wait(means: &Means, child: &mut Child, name: &str) -> Result<String, DeliveryError> {
    let output = child.stdout.take();
    let (sender, receiver) = mpsc::sync_channel(1);
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(output) = output {
            // What was read before a failure is no document, and so is refused later.
            let _ = output.take(MAX_OUTPUT_BYTES).read_to_end(&mut bytes);
        }
        let _ = sender.send(String::from_utf8_lossy(&bytes).into_owned());
    });
    let started = Instant::now();
    loop {
        if let Ok(text) = receiver.recv_timeout(POLL) {
            return Ok(text);
        }
        means.http.supervision().check()?;
        if started.elapsed() > TIME_LIMIT {
            return Err(unusable(name, "has a credential_process that did not end within a minute"));
        }
    }
}

/// A command line's words; double quotes keep blanks together.
fn words(command: &str) -> Vec<String> {
    let (mut words, mut word, mut quoted, mut any) = (Vec::new(), String::new(), false, false);
    for c in command.chars() {
        match c {
            '"' => (quoted, any) = (!quoted, true),
            c if c.is_whitespace() && !quoted => {
                if any || !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
                any = false;
            }
            c => word.push(c),
        }
    }
    if any || !word.is_empty() {
        words.push(word);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_keep_words_together() {
        assert_eq!(words("a \"b c\"  d\"\" \"\""), ["a", "b c", "d", ""]);
    }
}
