//! The limit on failed authentication: a client that sends many wrong keys has to wait.
//!
//! Only failures count and only failures are refused: a valid key works whatever else comes from its address, so
//! that nobody behind the same proxy can be locked out. Keys cannot be guessed; the limit bounds the noise.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use domesday_model::Instant;
use domesday_service::limit_key;

/// The length of a window in microseconds.
const WINDOW_MICROS: i64 = 60_000_000;

/// How many addresses are remembered; past that the oldest windows are dropped.
const ADDRESSES: usize = 10_000;

/// Failures by address, or by /64 network for IPv6.
#[derive(Debug)]
pub(crate) struct Limiter {
    /// How many failures an address may have in one window before it has to wait.
    most: u32,
    windows: Mutex<HashMap<IpAddr, (Instant, u32)>>,
}

impl Limiter {
    /// A limit of `most` failures a minute.
    pub(crate) fn new(most: u32) -> Self {
        Self { most, windows: Mutex::default() }
    }

    /// Returns the seconds to wait when an address has had too many failures, without counting one. For calls that cost
    /// something before they fail.
    pub(crate) fn wait(&self, address: IpAddr, now: Instant) -> Option<u64> {
        let windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        let (start, count) = windows.get(&limit_key(address))?;
        let left = WINDOW_MICROS - now.as_micros().saturating_sub(start.as_micros());
        let is_over = !(1..=WINDOW_MICROS).contains(&left);
        (!is_over && *count > self.most).then(|| left.unsigned_abs().div_ceil(1_000_000))
    }

    /// Counts a failure; returns the seconds to wait when there were too many.
    pub(crate) fn count_failure(&self, address: IpAddr, now: Instant) -> Option<u64> {
        let address = limit_key(address);
        let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        // A window that begins in the future is over too: the clock was set back.
        let over =
            |start: Instant| !(0..WINDOW_MICROS).contains(&now.as_micros().saturating_sub(start.as_micros()));
        if windows.len() >= ADDRESSES && !windows.contains_key(&address) {
            windows.retain(|_, (start, _)| !over(*start));
            if windows.len() >= ADDRESSES {
                windows.clear();
            }
        }
        let (start, count) = windows.entry(address).or_insert((now, 0));
        if over(*start) {
            (*start, *count) = (now, 0);
        }
        *count += 1;
        let left = WINDOW_MICROS - (now.as_micros() - start.as_micros());
        (*count > self.most).then(|| left.unsigned_abs().div_ceil(1_000_000).max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_waits_out_its_window_and_others_do_not() {
        let limiter = Limiter::new(20);
        let address = |last| IpAddr::from([192, 0, 2, last]);
        let at = |seconds: i64| Instant::from_micros(seconds * 1_000_000);
        for _ in 0..20 {
            assert_eq!(limiter.count_failure(address(1), at(0)), None);
        }
        assert_eq!(limiter.count_failure(address(1), at(10)), Some(50));
        assert_eq!(limiter.wait(address(1), at(20)), Some(40));
        assert_eq!(limiter.count_failure(address(2), at(10)), None);
        assert_eq!(limiter.wait(address(2), at(20)), None);
        assert_eq!(limiter.wait(address(1), at(60)), None);
        assert_eq!(limiter.count_failure(address(1), at(60)), None);
    }

    #[test]
    fn the_addresses_of_an_ipv6_network_count_as_one() {
        let limiter = Limiter::new(20);
        let at = |seconds: i64| Instant::from_micros(seconds * 1_000_000);
        let address = |last: u16| IpAddr::from([0x2001, 0xdb8, 0, 1, 0, 0, 0, last]);
        for last in 0..20 {
            assert_eq!(limiter.count_failure(address(last), at(0)), None);
        }
        assert!(limiter.count_failure(address(20), at(0)).is_some());
        assert_eq!(limiter.count_failure(IpAddr::from([0x2001, 0xdb8, 0, 2, 0, 0, 0, 1]), at(0)), None);
    }

    #[test]
    fn a_clock_that_is_set_back_ends_a_window() {
        let limiter = Limiter::new(1);
        let address = IpAddr::from([192, 0, 2, 1]);
        let at = |seconds: i64| Instant::from_micros(seconds * 1_000_000);
        assert_eq!(limiter.count_failure(address, at(9_000)), None);
        assert!(limiter.count_failure(address, at(9_000)).is_some());
        assert_eq!(limiter.count_failure(address, at(0)), None);
    }

    #[test]
    fn memory_is_bounded() {
        let limiter = Limiter::new(20);
        for number in 0..u32::try_from(3 * ADDRESSES).unwrap() {
            limiter.count_failure(IpAddr::from(number.to_be_bytes()), Instant::from_micros(0));
        }
        assert!(limiter.windows.lock().unwrap().len() <= ADDRESSES);
    }
}
