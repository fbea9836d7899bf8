//! Which connections are open: a limit in all, a limit for each client, and a reserve for probes.
//!
//! No connection waits in a queue. One that is over a limit is taken into the reserve, where only `/health/…` and
//! `/metrics` are answered, and quickly; every other request there gets 503. When the reserve is full its oldest
//! connection makes room, so that a probe is answered however many connections a client has open.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant as Stopwatch;

use domesday_service::{Network, limit_key};

/// How many connections the reserve has.
pub(crate) const RESERVE: usize = 128;

/// How long a connection must have been without traffic before another may take its place.
const EVICTABLE_AFTER: Duration = Duration::from_secs(2);

/// How often the log says that a limit is reached.
const WARN_EVERY: Duration = Duration::from_secs(60);

/// The open connections of one listener.
#[derive(Debug)]
pub(crate) struct Connections {
    most: usize,
    most_per_address: usize,
    /// Proxies, each of which forwards many clients: the limit for an address does not apply to them.
    trusted: Vec<Network>,
    start: Stopwatch,
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    next: u64,
    regular: BTreeMap<u64, Arc<Activity>>,
    reserve: BTreeMap<u64, Arc<Activity>>,
    /// Open connections by client, of both kinds.
    by_client: HashMap<IpAddr, usize>,
    /// How many sockets there are, including those that were asked to close.
    sockets: usize,
    warned: Option<Stopwatch>,
}

/// The activity of a connection.
#[derive(Debug)]
pub(crate) struct Activity {
    start: Stopwatch,
    /// When bytes were last read or written, in milliseconds since `start`.
    last: AtomicU64,
    /// Whether a request is being worked on.
    is_busy: AtomicBool,
    /// Whether nothing was read since the last answer.
    is_quiet: AtomicBool,
    evict: Notify,
}

/// A connection's place; given back when dropped.
#[derive(Debug)]
pub(crate) struct Place {
    connections: Arc<Connections>,
    id: u64,
    client: Option<IpAddr>,
    /// Whether the place is in the reserve.
    pub(crate) is_reserve: bool,
    pub(crate) activity: Arc<Activity>,
}

impl Connections {
    /// A limit on all connections and one on those of each client.
    pub(crate) fn new(most: usize, most_per_address: usize, trusted: Vec<Network>) -> Arc<Self> {
        let (start, open) = (Stopwatch::now(), Mutex::default());
        Arc::new(Self { most, most_per_address, trusted, start, open })
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        // The maps are changed in single steps that do not panic.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Finds a place for a new connection; none while those that were asked to close have not all done so.
    pub(crate) fn admit(self: &Arc<Self>, peer: IpAddr) -> Option<Place> {
        let is_proxy = self.trusted.iter().any(|network| network.contains(peer));
        let client = (!is_proxy).then(|| limit_key(peer));
        let mut open = self.lock();
        if open.sockets >= self.most + 2 * RESERVE {
            return None;
        }
        let of_client = client.and_then(|client| open.by_client.get(&client)).copied().unwrap_or_default();
        let is_over = of_client >= self.most_per_address;
        let is_reserve = is_over || (open.regular.len() >= self.most && !open.evict_idle(self.start));
        if is_reserve {
            open.warn(is_over);
            if open.reserve.len() >= RESERVE
                && let Some((_, oldest)) = open.reserve.pop_first()
            {
                oldest.evict.notify_one();
            }
        }
        let (id, activity) = (open.next, Arc::new(Activity::new(self.start)));
        open.next += 1;
        open.sockets += 1;
        if let Some(client) = client {
            *open.by_client.entry(client).or_default() += 1;
        }
        let places = if is_reserve { &mut open.reserve } else { &mut open.regular };
        places.insert(id, Arc::clone(&activity));
        Some(Place { connections: Arc::clone(self), id, client, is_reserve, activity })
    }
}

impl Open {
    /// Closes the connection that has been without traffic for longest, if there is one that is not worked for.
    fn evict_idle(&mut self, start: Stopwatch) -> bool {
        let latest = start.elapsed().saturating_sub(EVICTABLE_AFTER).as_millis();
        let idle = self.regular.iter().filter(|(_, activity)| !activity.is_busy.load(Ordering::Relaxed));
        let longest = idle
            .map(|(id, activity)| (activity.last.load(Ordering::Relaxed), *id))
            .min()
            .filter(|(last, _)| u128::from(*last) < latest);
        let evicted = longest.and_then(|(_, id)| self.regular.remove(&id));
        evicted.is_some_and(|activity| {
            activity.evict.notify_one();
            true
        })
    }

    fn warn(&mut self, is_over: bool) {
        if self.warned.is_none_or(|last| last.elapsed() >= WARN_EVERY) {
            self.warned = Some(Stopwatch::now());
            let limit = if is_over { "max_connections_per_address" } else { "max_connections" };
            tracing::warn!(
                limit,
                "the limit on connections is reached; further ones get health and metrics only"
            );
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.connections.lock();
        open.regular.remove(&self.id);
        open.reserve.remove(&self.id);
        open.sockets -= 1;
        if let Some(client) = self.client
            && let Some(count) = open.by_client.get_mut(&client)
        {
            *count -= 1;
            if *count == 0 {
                open.by_client.remove(&client);
            }
        }
    }
}

impl Activity {
    fn new(start: Stopwatch) -> Self {
        let activity = Self {
            start,
            last: AtomicU64::default(),
            is_busy: AtomicBool::new(false),
            is_quiet: AtomicBool::new(true),
            evict: Notify::new(),
        };
        activity.touch();
        activity
    }

    fn touch(&self) {
        let now = u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last.store(now, Ordering::Relaxed);
    }

    /// Notes that bytes were read.
    pub(super) fn has_read(&self) {
        self.touch();
        self.is_quiet.store(false, Ordering::Relaxed);
    }

    /// Notes that bytes were written.
    pub(super) fn has_written(&self) {
        self.touch();
    }

    /// Whether nothing was read since the last answer, or ever.
    pub(super) fn is_quiet(&self) -> bool {
        self.is_quiet.load(Ordering::Relaxed)
    }

    /// Notes that a request is worked on until the answer is there.
    pub(super) fn work(self: &Arc<Self>) -> Work {
        self.is_busy.store(true, Ordering::Relaxed);
        Work(Arc::clone(self))
    }

    /// Waits until the connection must make room for another.
    pub(super) async fn evicted(&self) {
        self.evict.notified().await;
    }
}

/// A request that is worked on.
#[derive(Debug)]
pub(super) struct Work(Arc<Activity>);

impl Drop for Work {
    fn drop(&mut self) {
        self.0.touch();
        self.0.is_busy.store(false, Ordering::Relaxed);
        self.0.is_quiet.store(true, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    fn admit(connections: &Arc<Connections>, last: u8) -> Place {
        connections.admit(address(last)).unwrap()
    }

    #[tokio::test]
    async fn a_client_over_its_limit_gets_the_reserve_and_others_do_not() {
        let connections = Connections::new(100, 2, vec![address(9).into()]);
        let mut places: Vec<_> = (0..2).map(|_| admit(&connections, 1)).collect();
        assert!(places.iter().all(|place| !place.is_reserve));
        let third = admit(&connections, 1);
        assert!(third.is_reserve);
        assert!(!admit(&connections, 2).is_reserve);
        // IPv4 in IPv6 is the same client.
        assert!(connections.admit("::ffff:192.0.2.1".parse().unwrap()).unwrap().is_reserve);
        // A place that is given back can be had again.
        drop(third);
        places.pop();
        assert!(!admit(&connections, 1).is_reserve);
        // A trusted proxy speaks for many.
        let proxied: Vec<_> = (0..50).map(|_| admit(&connections, 9)).collect();
        assert!(proxied.iter().all(|place| !place.is_reserve));
    }

    #[tokio::test]
    async fn the_limit_on_all_holds_whoever_connects() {
        let connections = Connections::new(3, 2, Vec::new());
        let places: Vec<_> = (0..3).map(|last| admit(&connections, last)).collect();
        assert!(places.iter().all(|place| !place.is_reserve));
        assert!(admit(&connections, 3).is_reserve);
        drop(places);
        assert!(!admit(&connections, 3).is_reserve);
        let open = connections.lock();
        assert!(open.by_client.is_empty() && open.sockets == 0 && open.regular.is_empty());
    }

    #[tokio::test]
    async fn the_oldest_of_a_full_reserve_makes_room() {
        let connections = Connections::new(1, 1, Vec::new());
        let _regular = admit(&connections, 1);
        let reserve: Vec<_> = (0..RESERVE).map(|_| admit(&connections, 1)).collect();
        assert!(reserve.iter().all(|place| place.is_reserve));
        let _next = admit(&connections, 1);
        reserve[0].activity.evicted().await;
        let second = tokio::time::timeout(Duration::ZERO, reserve[1].activity.evicted()).await;
        assert!(second.is_err(), "one makes room for one");
    }

    #[tokio::test]
    async fn sockets_are_bounded_even_when_none_of_them_closes() {
        let connections = Connections::new(2, 1, Vec::new());
        let places: Vec<_> = (0..10 * RESERVE).map_while(|_| connections.admit(address(1))).collect();
        assert_eq!(places.len(), 2 + 2 * RESERVE);
    }

    #[tokio::test]
    async fn an_idle_connection_makes_room_and_one_at_work_does_not() {
        let connections = Connections::new(2, 2, Vec::new());
        let (idle, busy) = (admit(&connections, 1), admit(&connections, 2));
        let work = busy.activity.work();
        let long_ago = |place: &Place| place.activity.last.store(0, Ordering::Relaxed);
        long_ago(&busy);
        // Too short a pause is none.
        assert!(admit(&connections, 3).is_reserve);
        let later = connections.start.checked_sub(EVICTABLE_AFTER + Duration::from_secs(60)).unwrap();
        {
            let mut open = connections.lock();
            assert!(open.evict_idle(later), "the idle one goes");
            assert!(!open.evict_idle(later), "the busy one stays");
        }
        idle.activity.evicted().await;
        drop(work);
        long_ago(&busy);
        assert!(connections.lock().evict_idle(later));
        busy.activity.evicted().await;
    }
}
