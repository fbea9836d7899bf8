//! How far the clocks of replicas may differ.

/// The greatest difference between the clocks of two replicas, in microseconds: five minutes.
///
/// A record that is dated further in the future was written by a clock that was ahead, and nothing waits for it.
pub const MAX_CLOCK_SKEW_MICROS: i64 = 300_000_000;
