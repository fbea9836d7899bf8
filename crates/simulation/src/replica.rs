//! One process of the service: its runtime, which is stepped until it has nothing to do, and its tasks.

use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Poll, Waker};
use std::time::Duration;

use domesday_service::caller::{self, Caller, Permit};
use domesday_service::traces::Traces;
use domesday_service::{Clock, Config, Service, ServiceError};
use secrecy::SecretString;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::constants::ENDPOINT;
use crate::database::{Template, expose};
use crate::machine::Machine;
use crate::world::{Process, World};

/// Tells when every task of a runtime waits.
#[derive(Debug, Default)]
struct IdleSignal {
    is_armed: AtomicBool,
    is_idle: AtomicBool,
    waker: Mutex<Option<Waker>>,
}

impl IdleSignal {
    /// Called by the runtime before its thread would sleep.
    fn thread_parks(&self) {
        if !self.is_armed.load(Ordering::Relaxed) {
            return;
        }
        self.is_idle.store(true, Ordering::Relaxed);
        if let Some(waker) = self.waker.lock().unwrap_or_else(PoisonError::into_inner).take() {
            waker.wake();
        }
    }
}

/// A process.
pub(crate) struct Replica {
    pub(crate) process: Process,
    pub(crate) service: Arc<Service>,
    // Dropped before the runtime.
    tasks: JoinSet<()>,
    runtime: Runtime,
    idle: Arc<IdleSignal>,
    api_key: SecretString,
}

impl Replica {
    /// Starts the service on a database.
    ///
    /// # Errors
    /// When it does not start.
    pub(crate) fn start(
        world: &Arc<World>,
        process: Process,
        database: &Path,
        template: &Template,
    ) -> Result<Self, String> {
        let idle = Arc::new(IdleSignal::default());
        let signal = Arc::clone(&idle);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .on_thread_park(move || signal.thread_parks())
            .build()
            .map_err(|error| error.to_string())?;
        let secret_key = expose(&template.secret_key);
        let config = Config::read(None, |name| match name {
            "DOMESDAY_STORE" => Some(database.display().to_string()),
            "DOMESDAY_SECRET_KEY" => Some(secret_key.clone()),
            "DOMESDAY_ALLOWED_ENDPOINTS" => Some(ENDPOINT.to_owned()),
            "DOMESDAY_WEBHOOK_URL" => Some("https://hooks.simulation.test/domesday".to_owned()),
            "DOMESDAY_WEBHOOK_SECRET" => Some("whsec_c2ltdWxhdGVkLXNlY3JldC1zaW11bGF0ZWQ=".to_owned()),
            _ => None,
        });
        let config = config.map_err(|error| error.to_string())?;
        let id = Uuid::from_u64_pair(process.number, process.replica as u64);
        let traces = Traces::start(None, id).map_err(|error| error.to_string())?;
        let clock = Clock::simulated(Arc::new(Machine::new(world, process)));
        let prepared = runtime.block_on(Service::prepare(config, clock, traces, id, |_| Ok(())));
        let service = prepared.map_err(|error| error.to_string())?.service;
        let mut tasks = JoinSet::new();
        let entered = runtime.enter();
        service.spawn_scheduler(&mut tasks);
        drop(entered);
        idle.is_armed.store(true, Ordering::Relaxed);
        Ok(Self { process, service, tasks, runtime, idle, api_key: template.api_key.clone() })
    }

    /// Runs every task that has something to do, until all of them wait. Returns whether the service has stopped.
    pub(crate) fn step(&mut self) -> bool {
        self.idle.is_idle.store(false, Ordering::Relaxed);
        let idle = &self.idle;
        self.runtime.block_on(std::future::poll_fn(|context| {
            if idle.is_idle.load(Ordering::Relaxed) {
                return Poll::Ready(());
            }
            *idle.waker.lock().unwrap_or_else(PoisonError::into_inner) = Some(context.waker().clone());
            Poll::Pending
        }));
        while self.tasks.try_join_next().is_some() {}
        self.tasks.is_empty()
    }

    /// Lets a client call this process: `call` gets the service and who is calling.
    pub(crate) fn call<F>(&self, call: impl FnOnce(Arc<Service>, Caller) -> F + Send + 'static, end: CallEnd)
    where
        F: Future<Output = Result<String, ServiceError>> + Send + 'static,
    {
        let (service, key) = (Arc::clone(&self.service), self.api_key.clone());
        self.runtime.spawn(async move {
            let address = IpAddr::V4(Ipv4Addr::LOCALHOST);
            let now = service.now();
            let who =
                caller::authenticate(&service.pool, &service.last_use, key, Permit::AnyKey, address, now)
                    .await;
            end(match who {
                Ok(who) => call(service, who).await,
                Err(error) => Err(error),
            });
        });
    }

    /// Ends the process as a signal that cannot be caught does.
    pub(crate) fn kill(self) {
        drop(self.tasks);
        // Threads of the runtime hold nothing that the simulation waits for.
        self.runtime.shutdown_timeout(Duration::ZERO);
    }
}

/// Receives the result of a client's call.
pub(crate) type CallEnd = Box<dyn FnOnce(Result<String, ServiceError>) + Send>;
