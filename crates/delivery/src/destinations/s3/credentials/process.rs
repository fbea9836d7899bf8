//! A credential process: a program that a profile names and that prints credentials.

use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use super::agent_document::parse_process_output;
use super::credentials_value::Credentials;
use super::provider::{CredentialsProvider, ProviderContext};
use crate::DeliveryError;
use crate::destinations::s3::shared_config::Profile;
use crate::destinations::s3::shell_words;

/// How long a program may take: some ask a person for a second factor.
const TIME_LIMIT: Duration = Duration::from_secs(60);

/// The longest output that is read.
const MAX_OUTPUT_BYTES: u64 = 64 << 10;

/// How often is checked whether it has ended.
const POLL: Duration = Duration::from_millis(20);

/// Runs the program that a profile names and reads its output; its error output remains visible to the user.
pub(super) struct ProcessProvider<'a> {
    pub(super) profile: Profile<'a>,
}

impl CredentialsProvider for ProcessProvider<'_> {
    fn name(&self) -> &'static str {
        "process"
    }

    fn provide(&self, context: &ProviderContext) -> Result<Option<Credentials>, DeliveryError> {
        let Some(command) = self.profile.get("credential_process") else { return Ok(None) };
        let output = self.run(context, command)?;
        let source = format!("the credential_process of the profile `{}`", self.profile.name);
        let found = parse_process_output(&output, &source)?
            .ok_or_else(|| self.unusable("has a credential_process that printed no credentials"))?;
        found.check_unexpired(context.now(), &source).map(Some)
    }
}

impl ProcessProvider<'_> {
    fn unusable(&self, reason: &str) -> DeliveryError {
        self.profile.unusable(reason)
    }

    /// Runs a command line to its end and returns its output.
    fn run(&self, context: &ProviderContext, command: &str) -> Result<String, DeliveryError> {
        let words = shell_words::split(command).map_err(|error| {
            self.unusable(&format!("has a credential_process that is no command: {error}"))
        })?;
        let (program, arguments) =
            words.split_first().ok_or_else(|| self.unusable("has an empty credential_process"))?;
        let could_not_run =
            |error: std::io::Error| self.unusable(&format!("could not run its credential_process: {error}"));
        let mut child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .map_err(could_not_run)?;
        let output = self.read_output(context, &mut child);
        if output.is_err() {
            // Its output is no longer needed. Processes that it started itself are not ended.
            let _ = child.kill();
            let _ = child.wait();
        }
        let output = output?;
        let status = child.wait().map_err(could_not_run)?;
        if !status.success() {
            return Err(self.unusable(&format!("has a credential_process that ended with {status}")));
        }
        Ok(output)
    }

    /// Reads what a program prints until it closes its output, the time is over or the work is cancelled.
    fn read_output(&self, context: &ProviderContext, child: &mut Child) -> Result<String, DeliveryError> {
        let output = child.stdout.take();
        let (sender, receiver) = mpsc::sync_channel(1);
        std::thread::spawn(move || {
            let mut bytes = Vec::new();
            if let Some(output) = output {
                // Output that ends in a failure is incomplete, and is refused when it is parsed.
                let _ = output.take(MAX_OUTPUT_BYTES).read_to_end(&mut bytes);
            }
            let _ = sender.send(String::from_utf8_lossy(&bytes).into_owned());
        });
        let started = Instant::now();
        loop {
            if let Ok(text) = receiver.recv_timeout(POLL) {
                return Ok(text);
            }
            context.http.call_context().check()?;
            if started.elapsed() > TIME_LIMIT {
                return Err(self.unusable("has a credential_process that did not end within a minute"));
            }
        }
    }
}
