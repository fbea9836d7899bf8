//! The parts of the service, put together.

use std::io;
use std::sync::Arc;

use domesday_model::Instant;
use domesday_store::{Store, StoreError};
use secrecy::SecretString;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::caller::{self, Caller};
use crate::clock::Clock;
use crate::config::Config;
use crate::connections::{AllowedHosts, SyncContext, SyncScheduler};
use crate::drift_watch::DriftWatch;
use crate::error::ServiceError;
use crate::evaluation::Evaluations;
use crate::exports::{Destinations, Exports, IdentityCache};
use crate::last_use::{self, LastUse};
use crate::metrics::Metrics;
use crate::oidc::SingleSignOn;
use crate::outdated_names;
use crate::policy_warnings::PolicyWarnings;
use crate::pool::Pool;
use crate::readiness::Readiness;
use crate::runs::{RunContext, Scheduler};
use crate::seal::Sealer;
use crate::signals::Signals;
use crate::start::{Prepared, StartError, authorities, prepare};
use crate::traces::Traces;
use crate::webhook::WebhookSender;

/// How many previews are evaluated at a time: each evaluates the whole catalog twice.
const MAX_PREVIEWS: usize = 1;

/// The parts of the service. Functions take the parts that they need; only this type knows them all.
#[derive(Debug)]
#[non_exhaustive]
pub struct Service {
    /// The configuration.
    pub config: Config,
    /// The time.
    pub clock: Clock,
    /// Connections to the store.
    pub pool: Pool,
    /// Seals secrets.
    pub sealer: Arc<Sealer>,
    /// Counters and gauges.
    pub metrics: Arc<Metrics>,
    /// Spans for a collector.
    pub traces: Traces,
    /// When API keys were last used.
    pub last_use: Arc<LastUse>,
    /// Whether a change could be committed.
    pub readiness: Readiness,
    /// The outcomes of the catalog.
    pub evaluations: Evaluations,
    /// Warnings about policies as they are written.
    pub policy_warnings: PolicyWarnings,
    /// The destinations of exports.
    pub destinations: Destinations,
    /// The exports.
    pub exports: Exports,
    /// The identity of the service for AWS.
    pub identity: IdentityCache,
    /// Turns at previews, which are costly.
    pub previews: Semaphore,
    /// Single sign-on to the console, where a provider is configured.
    pub single_sign_on: Option<SingleSignOn>,
    /// What syncs of connections need.
    pub syncs: SyncContext,
    /// Signals between tasks.
    pub signals: Arc<Signals>,
    /// Tells this process from others on the same database.
    pub replica: Uuid,
}

/// A service that is prepared to start.
#[derive(Debug)]
pub struct PreparedService {
    /// The service.
    pub service: Arc<Service>,
    /// The first administrator's API key, when this start created it. Shown once: nothing can show it again.
    pub first_key: Option<SecretString>,
    /// Whether somebody has ever signed in to the console. Until then each start creates a link
    /// ([`crate::sessions::new_link`]).
    pub has_signed_in: bool,
}

impl Service {
    /// Opens the store, creates the tenant and the first API key if there are none, and puts the parts together.
    /// `announce` is given the first administrator's API key before it is committed: a key that could be shown to nobody
    /// is not created, and the next start creates another.
    ///
    /// # Errors
    /// When the store or the secret key cannot be used, or `announce` fails.
    pub async fn prepare(
        config: Config,
        clock: Clock,
        traces: Traces,
        replica: Uuid,
        announce: impl FnOnce(&SecretString) -> io::Result<()> + Send + 'static,
    ) -> Result<PreparedService, StartError> {
        let (config, prepared) = prepare(config, clock.now(), announce).await?;
        let pool = Pool::on(clock.machine().clone(), config.database.clone());
        let Prepared { sealer, first_key, has_signed_in } = prepared;
        let sealer = Arc::new(sealer);
        let (metrics, signals) = (Arc::new(Metrics::default()), Arc::new(Signals::default()));
        let evaluations = Evaluations::new(pool.clone(), clock.clone(), Arc::clone(&metrics));
        let policy_warnings = PolicyWarnings::new(pool.clone(), clock.clone(), evaluations.clone());
        let destinations =
            Destinations::new(&config, Arc::clone(&sealer), Arc::clone(&signals)).on(clock.machine().clone());
        let exports = Exports::new(
            pool.clone(),
            clock.clone(),
            destinations.clone(),
            Arc::clone(&signals),
            config.webhook.is_some(),
        );
        let syncs = SyncContext {
            pool: pool.clone(),
            clock: clock.clone(),
            sealer: Arc::clone(&sealer),
            metrics: Arc::clone(&metrics),
            allowed_hosts: AllowedHosts::new(config.connection_hosts.clone()),
            authorities: authorities(config.connection_authorities.as_deref())?,
            replica,
            has_webhook: config.webhook.is_some(),
            drift: DriftWatch {
                pool: pool.clone(),
                clock: clock.clone(),
                evaluations: evaluations.clone(),
                metrics: Arc::clone(&metrics),
                signals: Arc::clone(&signals),
                has_webhook: config.webhook.is_some(),
            },
        };
        let service = Self {
            syncs,
            readiness: Readiness::new(config.database.clone()),
            clock,
            pool,
            sealer,
            metrics,
            traces,
            last_use: Arc::default(),
            evaluations,
            policy_warnings,
            destinations,
            exports,
            identity: IdentityCache::default(),
            previews: Semaphore::new(MAX_PREVIEWS),
            single_sign_on: config.oidc.clone().map(|oidc| SingleSignOn::new(oidc, &config.public_url)),
            signals,
            replica,
            config,
        };
        Ok(PreparedService { service: Arc::new(service), first_key, has_signed_in })
    }

    /// Starts the task that queues and executes runs until the service stops.
    pub fn spawn_scheduler(&self, tasks: &mut JoinSet<()>) {
        let context = RunContext {
            pool: self.pool.clone(),
            clock: self.clock.clone(),
            destinations: self.destinations.clone(),
            syncs: self.syncs.clone(),
            metrics: Arc::clone(&self.metrics),
            traces: self.traces.clone(),
            signals: Arc::clone(&self.signals),
            replica: self.replica,
            public_url: self.config.public_url.as_str().into(),
            run_timeout: self.config.run_timeout,
            shutdown_grace: self.config.shutdown_grace,
            has_webhook: self.config.webhook.is_some(),
        };
        tasks.spawn(Scheduler::new(context).run());
    }

    /// Starts the tasks that work until the service stops: the scheduler, the sender of webhook messages, and others.
    pub fn spawn_tasks(&self, tasks: &mut JoinSet<()>) {
        self.spawn_scheduler(tasks);
        let sender = WebhookSender::new(
            self.pool.clone(),
            self.clock.clone(),
            Arc::clone(&self.metrics),
            self.traces.clone(),
            Arc::clone(&self.signals),
            self.config.webhook.clone(),
        );
        tasks.spawn(sender.run());
        tasks.spawn(SyncScheduler::new(self.syncs.clone(), Arc::clone(&self.signals)).run());
        tasks.spawn(outdated_names::report(self.pool.clone()));
        tasks.spawn(last_use::run(Arc::clone(&self.last_use), self.pool.clone(), Arc::clone(&self.signals)));
    }

    /// Writes and sends what is left, once no request and no task is under way any more.
    pub async fn finish(&self) {
        last_use::finish(&self.last_use, &self.pool).await;
        self.traces.stop().await;
    }

    /// The present instant.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.clock.now()
    }

    /// Runs a change in one exclusive transaction, with the caller as they are then ([`caller::write`]).
    ///
    /// # Errors
    /// As [`caller::write`].
    pub async fn write<T, E, F>(&self, caller: Caller, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + From<ServiceError> + Send + 'static,
        F: FnOnce(&mut Store, &Caller, Instant) -> Result<T, E> + Send + 'static,
    {
        caller::write(&self.pool, &self.clock, caller, work).await
    }
}
