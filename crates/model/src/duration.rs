//! Durations of approvals, in ISO 8601.

use std::fmt;
use std::str::FromStr;

use jiff::Span;
use jiff::fmt::temporal::SpanParser;
use jiff::tz::TimeZone;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::Instant;

/// A duration such as `PT12H`, `P2W`, `P3M` or `P1Y`, from one second to a hundred years.
///
/// Weeks and days have 24 hours each. Months and years are those of the calendar in UTC: three months from 31 January
/// end on 30 April at the same time of day.
#[derive(Debug, Clone)]
pub struct ApprovalDuration {
    text: String,
    span: Span,
}

/// Why a text is not a duration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected an ISO 8601 duration from one second to 100 years, such as PT12H, P2W, P3M or P1Y, found `{0}`"
)]
pub struct DurationError(String);

/// 2000-01-01T00:00:00Z in microseconds: where durations are measured from when their bounds are checked.
const REFERENCE: i64 = 946_684_800_000_000;

/// A hundred years from the reference, leap days included.
const MAX_MICROS: i64 = 36_525 * 86_400_000_000;

impl ApprovalDuration {
    /// Returns the text as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns the end of a duration that begins at `start`, at most the last representable instant.
    #[must_use]
    pub fn end_from(&self, start: Instant) -> Instant {
        end(start, &self.span).unwrap_or_else(|| Instant::from(jiff::Timestamp::MAX))
    }
}

fn end(start: Instant, span: &Span) -> Option<Instant> {
    let start = jiff::Timestamp::from_microsecond(start.as_micros()).ok()?;
    let end = TimeZone::UTC.to_datetime(start).checked_add(*span).ok()?;
    TimeZone::UTC.to_timestamp(end).ok().map(Instant::from)
}

impl FromStr for ApprovalDuration {
    type Err = DurationError;

    fn from_str(text: &str) -> Result<Self, DurationError> {
        let wrong = || DurationError(text.chars().take(100).collect());
        // The parser also accepts signs and lower case, which ISO 8601 does not allow.
        let designators = |byte: u8| byte.is_ascii_digit() || b"PTYMWDHS.".contains(&byte);
        if text.len() > 60 || !text.starts_with('P') || !text.bytes().all(designators) {
            return Err(wrong());
        }
        let span = SpanParser::new().parse_span(text).map_err(|_| wrong())?;
        let micros = end(Instant::from_micros(REFERENCE), &span).ok_or_else(wrong)?.as_micros() - REFERENCE;
        if !(1_000_000..=MAX_MICROS).contains(&micros) {
            return Err(wrong());
        }
        Ok(Self { text: text.to_owned(), span })
    }
}

impl PartialEq for ApprovalDuration {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for ApprovalDuration {}

impl fmt::Display for ApprovalDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Serialize for ApprovalDuration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for ApprovalDuration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_and_years_follow_the_calendar() {
        let start: Instant = "2026-01-31T23:00:00Z".parse().unwrap();
        let table = [
            ("PT12H", "2026-02-01T11:00:00Z"),
            ("PT90S", "2026-01-31T23:01:30Z"),
            ("P2W", "2026-02-14T23:00:00Z"),
            ("P90D", "2026-05-01T23:00:00Z"),
            ("P3M", "2026-04-30T23:00:00Z"),
            ("P1Y", "2027-01-31T23:00:00Z"),
            ("P1Y2M10DT2H30M", "2027-04-11T01:30:00Z"),
            ("P100Y", "2126-01-31T23:00:00Z"),
        ];
        for (text, end) in table {
            let duration: ApprovalDuration = text.parse().unwrap();
            assert_eq!(duration.end_from(start).to_string(), end, "{text}");
            assert_eq!(duration.to_string(), text);
        }
    }

    #[test]
    fn what_is_no_duration_or_out_of_bounds_is_refused() {
        for text in [
            "",
            "P",
            "PT",
            "P0D",
            "PT0S",
            "-P1D",
            "+P1D",
            "p1d",
            "1 day",
            "P1",
            "P-1D",
            "PT0.5S",
            "P101Y",
            "P36526D",
            "P99999999999D",
            "1d",
            "P1D ",
            "PT1H PT1H",
            "P1H",
        ] {
            assert!(text.parse::<ApprovalDuration>().is_err(), "{text}");
        }
    }
}
