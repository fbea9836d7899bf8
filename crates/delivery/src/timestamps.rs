//! Times in the formats of servers: RFC 3339, the same without an offset, or the dates of HTTP.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::fmt::rfc2822::DateTimeParser;
use jiff::tz::TimeZone;

/// Parses a time. One without an offset is in UTC, as all servers that leave it out mean it.
pub(crate) fn parse_time(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if text.len() > 64 {
        return None;
    }
    let in_utc = || TimeZone::UTC.to_timestamp(text.parse::<DateTime>().ok()?).ok();
    text.parse()
        .ok()
        .or_else(in_utc)
        .or_else(|| DateTimeParser::new().relaxed_weekday(true).parse_timestamp(text).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_time_is_none() {
        for text in ["", "2026", "2026-13-01T00:00:00Z", "1767225600", "now", &"2".repeat(100)] {
            assert_eq!(parse_time(text), None, "{text}");
        }
        assert_eq!(parse_time("2026-01-01T00:00:00+0000"), parse_time("2026-01-01T00:00:00"));
    }
}
