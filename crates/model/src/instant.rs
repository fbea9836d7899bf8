//! Instants in the resolution of the output contract: microseconds of UTC.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A point in time, in whole microseconds since 1970-01-01T00:00:00Z.
///
/// Written and read as RFC 3339 with an offset; anything finer than a microsecond is cut off, since the access
/// summary's timestamps hold no more (Parquet `TIMESTAMP(MICROS)`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(i64);

/// Why a text is not an instant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected an RFC 3339 instant with offset such as 2026-01-02T03:04:05Z, found `{0}`")]
pub struct InstantError(String);

impl Instant {
    /// The instant `micros` microseconds after the epoch.
    #[must_use]
    pub fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Microseconds since the epoch.
    #[must_use]
    pub fn as_micros(self) -> i64 {
        self.0
    }
}

impl From<jiff::Timestamp> for Instant {
    fn from(timestamp: jiff::Timestamp) -> Self {
        Self(timestamp.as_microsecond())
    }
}

impl FromStr for Instant {
    type Err = InstantError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // jiff is more liberal than RFC 3339: it also takes a space for the `T` and bracketed zone names.
        let wrong = || InstantError(text.to_owned());
        if text.contains('[') || !matches!(text.as_bytes().get(10), Some(b'T' | b't')) {
            return Err(wrong());
        }
        text.parse::<jiff::Timestamp>().map(Self::from).map_err(|_| wrong())
    }
}

impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_microsecond(self.0) {
            Ok(timestamp) => timestamp.fmt(f),
            Err(_) => write!(f, "{} µs", self.0),
        }
    }
}

impl Serialize for Instant {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Instant {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_offsets_and_cuts_to_microseconds() {
        let instant: Instant = "2026-01-02T03:04:05.1234567+02:00".parse().unwrap();
        assert_eq!(instant.to_string(), "2026-01-02T01:04:05.123456Z");
    }

    #[test]
    fn refuses_what_has_no_offset_or_is_no_rfc_3339() {
        for text in
            ["2026-01-02", "2026-01-02T03:04:05", "2026-01-02 03:04:05Z", "now", "", "2026-13-02T03:04:05Z"]
        {
            let error = text.parse::<Instant>().unwrap_err();
            assert!(error.to_string().contains("RFC 3339"), "{text}");
        }
    }
}
