//! What is the same in all simulations.

/// A second in microseconds.
pub(crate) const SECOND: i64 = 1_000_000;
/// A minute in microseconds.
pub(crate) const MINUTE: i64 = 60 * SECOND;
/// An hour in microseconds.
pub(crate) const HOUR: i64 = 60 * MINUTE;

/// How many replicas there are.
pub(crate) const REPLICAS: usize = 2;

/// The bucket's name and region, and the path of the summaries.
pub(crate) const BUCKET: &str = "acme-audit";
pub(crate) const REGION: &str = "eu-central-1";
pub(crate) const PATH: &str = "access";
pub(crate) const ENDPOINT: &str = "http://s3.simulation.test";
