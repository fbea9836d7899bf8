//! The task that sends what is due, whichever replica recorded it.

use std::time::Duration;

use domesday_model::Instant;
use domesday_store::{Message, MessageAttempt, MessageState, Store};
use tracing::Instrument;

use super::post::{Answer, TIMEOUT, post};
use crate::clock::Hourly;
use crate::config::Webhook;
use crate::problem::Problem;
use crate::service::App;

/// The waits before each further attempt; after the last the message is given up.
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

/// What the loop keeps in mind between two rounds.
#[derive(Debug, Default)]
struct Outbox {
    /// Whether the receiver said that it wants no more messages.
    gone: bool,
    /// When messages were last forgotten.
    forgot: Hourly,
}

/// Sends messages until the service stops.
pub(crate) async fn keep(app: App) {
    let mut stop = app.stop.subscribe();
    let mut outbox = Outbox::default();
    while !app.is_stopping() {
        let changes = app.clock.watch();
        let next = match outbox.round(&app).await {
            Ok(next) => next,
            Err(problem) => {
                tracing::error!(%problem, "the webhook's messages could not be looked after; it is tried again");
                None
            }
        };
        tokio::select! {
            () = app.clock.wait_towards(next, changes) => {}
            () = app.told.notified() => {}
            _ = stop.changed() => {}
        }
    }
}

impl Outbox {
    /// Sends what is due, and says when there is something to send next.
    async fn round(&mut self, app: &App) -> Result<Option<Instant>, Problem> {
        let mut next = None;
        if let Some(webhook) = &app.config.webhook {
            while !app.is_stopping() {
                let (now, until) = (app.now(), after(app.now(), CLAIM));
                let claim =
                    move |store: &mut Store| -> Result<_, Problem> { Ok(store.claim_message(now, until)?) };
                let Some(message) = app.pool.with(claim).await? else { break };
                let span = tracing::info_span!("webhook", id = %message.id, run = %message.run_id);
                self.attempt(app, webhook, message).instrument(span).await?;
            }
            let look = |store: &mut Store| -> Result<_, Problem> { Ok(store.pending_messages()?) };
            let pending;
            (pending, next) = app.pool.with(look).await?;
            app.metrics.webhooks_pending(pending);
        }
        self.forget(app).await?;
        Ok(next)
    }

    /// Makes one attempt and writes down what came of it.
    async fn attempt(&mut self, app: &App, webhook: &Webhook, message: Message) -> Result<(), Problem> {
        let answer = if self.gone {
            Answer::Gone
        } else {
            let traced = app.traces.message(webhook, &message);
            let (webhook, message, now) = (webhook.clone(), message.clone(), app.now());
            let sent = tokio::task::spawn_blocking(move || post(&webhook, &message, now)).await;
            let attempt = sent.map_err(|error| Problem::internal(&error))?;
            traced.received(attempt.status);
            attempt.answer
        };
        let now = app.now();
        let settled = match answer {
            Answer::Taken => MessageAttempt::Delivered,
            Answer::Gone => {
                self.gone = true;
                MessageAttempt::GivenUp { error: GONE.to_owned() }
            }
            Answer::Refused { error, wait } => match waits_after(message.attempts) {
                Some(least) => {
                    MessageAttempt::Retry { due_at: after(now, wait.unwrap_or_default().max(least)), error }
                }
                None => MessageAttempt::GivenUp { error },
            },
        };
        match &settled {
            MessageAttempt::Delivered => app.metrics.webhook("delivered"),
            MessageAttempt::Retry { due_at, error } => {
                app.metrics.webhook("failed");
                tracing::warn!(%error, again_at = %due_at, attempt = message.attempts, "the webhook was not taken");
            }
            MessageAttempt::GivenUp { error } => {
                app.metrics.webhook("given-up");
                tracing::error!(%error, attempts = message.attempts, "the webhook was given up");
            }
        }
        let settle = move |store: &mut Store| -> Result<_, Problem> {
            Ok(store.settle_message(&message, &settled, now)?)
        };
        if !app.pool.with(settle).await? {
            tracing::warn!("the attempt took so long that another was begun; that one counts");
        }
        Ok(())
    }

    /// Forgets, once an hour, what nobody will look for any more.
    async fn forget(&mut self, app: &App) -> Result<(), Problem> {
        let now = app.now();
        if !self.forgot.is_due(now) {
            return Ok(());
        }
        let (delivered, others) = (before(now, DELIVERED_KEPT), before(now, OTHERS_KEPT));
        let nobody_sends = app.config.webhook.is_none();
        let forget = move |store: &mut Store| -> Result<(), Problem> {
            store.delete_messages(MessageState::Delivered, delivered)?;
            store.delete_messages(MessageState::GivenUp, others)?;
            if nobody_sends {
                store.delete_messages(MessageState::Pending, others)?;
            }
            Ok(())
        };
        app.pool.with(forget).await?;
        self.forgot.done(now);
        Ok(())
    }
}

/// How long to wait after this many attempts; none when there were enough.
fn waits_after(attempts: u32) -> Option<Duration> {
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
