//! The way to the bucket: requests take time, fail, and arrive or not.

use std::fmt;
use std::sync::Arc;

use domesday_delivery::{SimulatedNetwork, SimulatedRequest, SimulatedResponse};

use crate::bucket::Caller;
use crate::constants::SECOND;
use crate::coroutine;
use crate::faults::CallFault;
use crate::s3::refusal;
use crate::world::{Process, World};

/// How long a call waits for its response.
const TIMEOUT: i64 = 60 * SECOND;

/// The bucket as a process reaches it.
pub(crate) struct SimulatedS3 {
    world: Arc<World>,
    process: Process,
}

impl SimulatedS3 {
    pub(crate) fn new(world: &Arc<World>, process: Process) -> Self {
        Self { world: Arc::clone(world), process }
    }
}

impl fmt::Debug for SimulatedS3 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SimulatedS3")
    }
}

impl SimulatedNetwork for SimulatedS3 {
    fn send(&self, request: SimulatedRequest<'_>) -> Result<SimulatedResponse, String> {
        let replica = self.process.replica;
        let (fault, before, after) = {
            let mut state = self.world.lock();
            let state = &mut *state;
            state.statistics.requests += 1;
            let call = state.faults.call(&mut state.rng, state.now);
            if call.0.is_some() {
                state.statistics.network_errors += 1;
            }
            call
        };
        self.world.pass(replica, before);
        match fault {
            Some(CallFault::Status(status, code)) => {
                self.world
                    .lock()
                    .log(format_args!("replica {replica}: {} is answered {code}", request.method));
                self.world.pass(replica, after);
                return Ok(refusal(status, code));
            }
            Some(CallFault::Broken { arrives: false }) => return Err("the connection broke".to_owned()),
            Some(CallFault::TimedOut { arrives: false }) => {
                self.world.pass(replica, TIMEOUT);
                return Err("there was no response in time".to_owned());
            }
            _ => {}
        }
        // From here on the bytes leave the machine: the body is read, which fails once the run is cancelled.
        let mut body = Vec::new();
        if request.body.read_to_end(&mut body).is_err() {
            return Err("the body was not sent".to_owned());
        }
        let caller = Caller { replica, attempt: coroutine::current().unwrap_or_default() };
        let response = self.world.lock().receive(caller, request.method, request.url, request.headers, &body);
        match fault {
            Some(CallFault::Broken { .. }) => return Err("the connection broke".to_owned()),
            Some(CallFault::TimedOut { .. }) => {
                self.world.pass(replica, TIMEOUT);
                return Err("there was no response in time".to_owned());
            }
            _ => {}
        }
        self.world.pass(replica, after);
        Ok(response)
    }
}
