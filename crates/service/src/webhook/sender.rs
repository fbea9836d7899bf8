//! The task that sends the messages that are due, whichever replica recorded them.

use std::sync::Arc;
use std::time::Duration;

use domesday_model::Instant;
use domesday_store::{Message, MessageAttempt, MessageState, Store};
use tracing::Instrument;

use super::post::{Response, TIMEOUT, post};
use crate::clock::{Clock, Hourly};
use crate::config::Webhook;
use crate::error::ServiceError;
use crate::metrics::Metrics;
use crate::pool::Pool;
use crate::signals::Signals;
use crate::traces::Traces;

/// The wait before each further attempt; after the last the message is given up.
const WAITS: [Duration; 5] = [
    Duration::from_secs(5),
    Duration::from_secs(30),
    Duration::from_secs(120),
    Duration::from_secs(600),
    Duration::from_secs(3600),
];

/// How long an attempt has a message alone: longer than it can take, by more than replicas' clocks may differ.
const CLAIM: Duration = Duration::from_secs(60);
const _: () = assert!(CLAIM.as_secs() > 2 * TIMEOUT.as_secs());

/// How long messages that were delivered are kept.
const DELIVERED_KEPT: Duration = Duration::from_secs(7 * 86_400);

/// How long others are kept: those given up, and those of a time when there was a receiver.
const OTHERS_KEPT: Duration = Duration::from_secs(90 * 86_400);

/// Why messages are given up once the receiver said that it is gone.
const GONE: &str =
    "answered 410: the receiver wants no more messages; nothing is sent until the service is started again";

/// Sends messages to the receiver, one task a process. Without a receiver it only deletes old ones.
#[derive(Debug)]
pub(crate) struct WebhookSender {
    pool: Pool,
    clock: Clock,
    metrics: Arc<Metrics>,
    traces: Traces,
    signals: Arc<Signals>,
    webhook: Option<Webhook>,
    /// Whether the receiver answered that it wants no more messages.
    is_gone: bool,
    /// When messages were last deleted.
    cleanup: Hourly,
}

impl WebhookSender {
    pub(crate) fn new(
        pool: Pool,
        clock: Clock,
        metrics: Arc<Metrics>,
        traces: Traces,
        signals: Arc<Signals>,
        webhook: Option<Webhook>,
    ) -> Self {
        let cleanup = Hourly::default();
        Self { pool, clock, metrics, traces, signals, webhook, is_gone: false, cleanup }
    }

    /// Sends messages until the service stops.
    pub(crate) async fn run(mut self) {
        let signals = Arc::clone(&self.signals);
        let mut stop = signals.subscribe();
        while !signals.is_stopping() {
            let changes = self.clock.watch();
            let next = match self.tick().await {
                Ok(next) => next,
                Err(error) => {
                    tracing::error!(%error, "the webhook's messages could not be processed; it is tried again");
                    None
                }
            };
            tokio::select! {
                () = self.clock.wait_until(next, changes) => {}
                () = signals.webhook_wake.notified() => {}
                _ = stop.changed() => {}
            }
        }
    }

    /// Sends the messages that are due, and returns when the next is.
    async fn tick(&mut self) -> Result<Option<Instant>, ServiceError> {
        let mut next = None;
        if let Some(webhook) = self.webhook.clone() {
            while !self.signals.is_stopping() {
                let (now, until) = (self.clock.now(), after(self.clock.now(), CLAIM));
                let claim = move |store: &mut Store| -> Result<_, ServiceError> {
                    Ok(store.claim_message(now, until)?)
                };
                let Some(message) = self.pool.with(claim).await? else { break };
                let span = tracing::info_span!("webhook", id = %message.id, run = %message.run_id);
                self.attempt(&webhook, message).instrument(span).await?;
            }
            let read = |store: &mut Store| -> Result<_, ServiceError> { Ok(store.pending_messages()?) };
            let pending;
            (pending, next) = self.pool.with(read).await?;
            self.metrics.webhooks_pending(pending);
        }
        self.delete_old_messages().await?;
        Ok(next)
    }

    /// Makes one attempt and records its result.
    async fn attempt(&mut self, webhook: &Webhook, message: Message) -> Result<(), ServiceError> {
        let response = if self.is_gone {
            Response::Gone
        } else {
            let traced = self.traces.message(webhook, &message);
            let (webhook, message, now) = (webhook.clone(), message.clone(), self.clock.now());
            let sent = tokio::task::spawn_blocking(move || post(&webhook, &message, now)).await;
            let attempt = sent.map_err(|error| ServiceError::internal(&error))?;
            traced.set_response_status(attempt.status);
            attempt.response
        };
        let now = self.clock.now();
        let settled = match response {
            Response::Accepted => MessageAttempt::Delivered,
            Response::Gone => {
                self.is_gone = true;
                MessageAttempt::GivenUp { error: GONE.to_owned() }
            }
            Response::Refused { error, wait } => match next_wait(message.attempts) {
                Some(least) => {
                    MessageAttempt::Retry { due_at: after(now, wait.unwrap_or_default().max(least)), error }
                }
                None => MessageAttempt::GivenUp { error },
            },
        };
        match &settled {
            MessageAttempt::Delivered => self.metrics.webhook("delivered"),
            MessageAttempt::Retry { due_at, error } => {
                self.metrics.webhook("failed");
                tracing::warn!(%error, again_at = %due_at, attempt = message.attempts, "the webhook message was not accepted");
            }
            MessageAttempt::GivenUp { error } => {
                self.metrics.webhook("given-up");
                tracing::error!(%error, attempts = message.attempts, "the webhook message was given up");
            }
        }
        let settle = move |store: &mut Store| -> Result<_, ServiceError> {
            Ok(store.settle_message(&message, &settled, now)?)
        };
        if !self.pool.with(settle).await? {
            tracing::warn!("the attempt took so long that another was begun; that one counts");
        }
        Ok(())
    }

    /// Deletes, once an hour, messages past their retention.
    async fn delete_old_messages(&mut self) -> Result<(), ServiceError> {
        let now = self.clock.now();
        if !self.cleanup.is_due(now) {
            return Ok(());
        }
        let (delivered, others) = (before(now, DELIVERED_KEPT), before(now, OTHERS_KEPT));
        let nobody_sends = self.webhook.is_none();
        let delete = move |store: &mut Store| -> Result<(), ServiceError> {
            store.delete_messages(MessageState::Delivered, delivered)?;
            store.delete_messages(MessageState::GivenUp, others)?;
            if nobody_sends {
                store.delete_messages(MessageState::Pending, others)?;
            }
            Ok(())
        };
        self.pool.with(delete).await?;
        self.cleanup.mark_done(now);
        Ok(())
    }
}

/// Returns the wait after this many attempts; none after the last.
fn next_wait(attempts: u32) -> Option<Duration> {
    WAITS.get(usize::try_from(attempts).ok()?.checked_sub(1)?).copied()
}

fn after(at: Instant, wait: Duration) -> Instant {
    let wait = i64::try_from(wait.as_micros()).unwrap_or(i64::MAX);
    Instant::from_micros(at.as_micros().saturating_add(wait))
}

fn before(at: Instant, wait: Duration) -> Instant {
    let wait = i64::try_from(wait.as_micros()).unwrap_or(i64::MAX);
    Instant::from_micros(at.as_micros().saturating_sub(wait))
}
