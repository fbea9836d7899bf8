//! Instants with the resolution of the output contract: microseconds in UTC.

use std::fmt;
use std::str::FromStr;

use serde::de::Visitor;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::Excerpt;

/// A point in time, in whole microseconds since 1970-01-01T00:00:00Z.
///
/// Written and read as RFC 3339 with an offset. Anything finer than a microsecond is cut off, since the access
/// summary's timestamps have no higher resolution (Parquet `TIMESTAMP(MICROS)`). A leap second (`23:59:60Z`) is read as the second
/// before it, since no engine counts leap seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(i64);

/// Why a text is not an instant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InstantError {
    /// The text does not follow RFC 3339.
    #[error("expected an RFC 3339 instant with offset such as 2026-01-02T03:04:05Z, found `{}`", Excerpt(.0))]
    Syntax(String),
    /// The instant is outside the years 0001 to 9999 of UTC.
    #[error(
        "`{}` is outside the years 0001 to 9999 (UTC); the programs that read the exported Parquet tables \
         know no others",
        Excerpt(.0)
    )]
    Year(String),
}

const MICROS_PER_SECOND: i64 = 1_000_000;

/// 0001-01-01T00:00:00Z.
const FIRST: i64 = -62_135_596_800 * MICROS_PER_SECOND;

/// 9999-12-31T23:59:59.999999Z.
const LAST: i64 = 253_402_300_800 * MICROS_PER_SECOND - 1;

impl Instant {
    /// Returns the instant `micros` microseconds after the epoch.
    #[must_use]
    pub fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Returns the microseconds since the epoch.
    #[must_use]
    pub fn as_micros(self) -> i64 {
        self.0
    }

    /// Whether it is in the years 0001 to 9999, which can be written.
    pub(crate) fn has_known_year(self) -> bool {
        (FIRST..=LAST).contains(&self.0)
    }

    /// Returns the instant in UTC as year, month, day, seconds of the day and microseconds of the second.
    fn civil(self) -> (i64, i64, i64, i64, i64) {
        let (seconds, micros) = (self.0.div_euclid(MICROS_PER_SECOND), self.0.rem_euclid(MICROS_PER_SECOND));
        let (year, month, day) = date_from_days(seconds.div_euclid(86_400));
        (year, month, day, seconds.rem_euclid(86_400), micros)
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
        let instant = parse(text.as_bytes()).ok_or_else(|| InstantError::Syntax(text.to_owned()))?;
        match instant.0 {
            FIRST..=LAST => Ok(instant),
            _ => Err(InstantError::Year(text.to_owned())),
        }
    }
}

impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day, seconds, micros) = self.civil();
        if !(0..=9999).contains(&year) {
            return write!(f, "{} µs", self.0);
        }
        let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")?;
        if micros > 0 {
            write!(f, ".{}", format!("{micros:06}").trim_end_matches('0'))?;
        }
        f.write_str("Z")
    }
}

/// Reads `date-time` of RFC 3339, section 5.6. Not `jiff`'s parser, which accepts more (a space for the `T`, zone names,
/// offsets without colon) and less (its range ends a day before the end of the year 9999).
fn parse(text: &[u8]) -> Option<Instant> {
    let (text, offset) = split_offset(text)?;
    let (time, fraction) = text.split_at_checked(19)?;
    for (position, separator) in [(4, b'-'), (7, b'-'), (13, b':'), (16, b':')] {
        if time[position] != separator {
            return None;
        }
    }
    if !matches!(time[10], b'T' | b't') {
        return None;
    }
    let year = digits(&time[..4])?;
    let month = digits(&time[5..7]).filter(|month| (1..=12).contains(month))?;
    let day = digits(&time[8..10]).filter(|day| (1..=days_of_month(year, month)).contains(day))?;
    let hour = digits(&time[11..13]).filter(|hour| *hour <= 23)?;
    let minute = digits(&time[14..16]).filter(|minute| *minute <= 59)?;
    let second = digits(&time[17..19]).filter(|second| *second <= 60)?;
    let minutes = days_from_date(year, month, day) * 1440 + hour * 60 + minute - offset;
    if second == 60 && !is_end_of_month(minutes) {
        return None;
    }
    let seconds = minutes * 60 + second.min(59);
    Some(Instant(seconds * MICROS_PER_SECOND + micros(fraction)?))
}

/// Returns the text before the offset, and the offset in minutes.
fn split_offset(text: &[u8]) -> Option<(&[u8], i64)> {
    if let Some(rest) = text.strip_suffix(b"Z").or_else(|| text.strip_suffix(b"z")) {
        return Some((rest, 0));
    }
    let (rest, offset) = text.split_at_checked(text.len().checked_sub(6)?)?;
    let sign = match offset[0] {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let hour = digits(&offset[1..3]).filter(|hour| *hour <= 23)?;
    let minute = digits(&offset[4..]).filter(|minute| *minute <= 59)?;
    (offset[3] == b':').then_some((rest, sign * (hour * 60 + minute)))
}

/// Returns the microseconds of `.` and at least one digit, or of nothing.
fn micros(fraction: &[u8]) -> Option<i64> {
    let Some((point, fraction)) = fraction.split_first() else { return Some(0) };
    if *point != b'.' || fraction.is_empty() || !fraction.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let places = fraction.iter().map(|digit| i64::from(digit - b'0')).chain(std::iter::repeat(0));
    Some(places.take(6).fold(0, |micros, digit| micros * 10 + digit))
}

fn digits(text: &[u8]) -> Option<i64> {
    text.iter()
        .try_fold(0, |number, digit| digit.is_ascii_digit().then(|| number * 10 + i64::from(digit - b'0')))
}

/// Whether these minutes since the epoch are the last one of a month: where a leap second may be.
fn is_end_of_month(minutes: i64) -> bool {
    minutes.rem_euclid(1440) == 1439 && date_from_days(minutes.div_euclid(1440) + 1).2 == 1
}

fn days_of_month(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Returns the days from 1970-01-01 to a date of the Gregorian calendar. Years begin in March here, so that the leap day is a
/// year's last, and 400 of them, an era, are 146,097 days.
fn days_from_date(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// The inverse of [`days_from_date`].
fn date_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

impl Serialize for Instant {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Instant {
    /// Reads what was stored, too: earlier versions took the year 0000.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        /// A visitor rather than a text that is parsed afterwards: a deserializer can then say where the error is.
        struct Text;

        impl Visitor<'_> for Text {
            type Value = Instant;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an RFC 3339 instant with offset")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Instant, E> {
                match parse(text.as_bytes()) {
                    Some(instant) if instant.0 < FIRST => Ok(instant),
                    _ => text.parse().map_err(E::custom),
                }
            }
        }

        deserializer.deserialize_str(Text)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn offsets_are_applied_and_digits_beyond_microseconds_cut() {
        let table = [
            ("2026-01-02T03:04:05Z", "2026-01-02T03:04:05Z"),
            ("2026-01-02t03:04:05z", "2026-01-02T03:04:05Z"),
            ("2026-01-02T03:04:05.1234567+02:00", "2026-01-02T01:04:05.123456Z"),
            ("2026-01-02T03:04:05.100-23:59", "2026-01-03T03:03:05.1Z"),
            ("2026-01-02T03:04:05.99999999999999999999999999999999999999Z", "2026-01-02T03:04:05.999999Z"),
            ("2026-01-02T03:04:05-00:00", "2026-01-02T03:04:05Z"),
            ("2024-02-29T00:00:00Z", "2024-02-29T00:00:00Z"),
            ("2000-02-29T00:00:00Z", "2000-02-29T00:00:00Z"),
            ("1969-12-31T23:59:59.999999Z", "1969-12-31T23:59:59.999999Z"),
            ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
            ("0000-12-31T23:00:00-01:00", "0001-01-01T00:00:00Z"),
            ("9999-12-31T23:59:59Z", "9999-12-31T23:59:59Z"),
            ("9999-12-31T23:59:59.999999999Z", "9999-12-31T23:59:59.999999Z"),
            // Leap seconds, at the end of a month of UTC.
            ("2016-12-31T23:59:60Z", "2016-12-31T23:59:59Z"),
            ("2017-01-01T00:59:60.5+01:00", "2016-12-31T23:59:59.5Z"),
            ("1990-12-31T15:59:60-08:00", "1990-12-31T23:59:59Z"),
        ];
        for (text, expected) in table {
            let instant: Instant = text.parse().unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(instant.to_string(), expected, "{text}");
            assert_eq!(serde_json::from_value::<Instant>(text.into()).unwrap(), instant);
        }
    }

    #[test]
    fn nothing_but_rfc_3339_is_read() {
        let table = [
            "",
            "now",
            "2026-01-02",
            "2026-01-02T03:04:05",
            "2026-01-02T03:04Z",
            "2026-01-02 03:04:05Z",
            "2026-01-02_03:04:05Z",
            "2026-01-02T24:00:00Z",
            "2026-01-02T03:60:00Z",
            "2026-01-02T03:04:61Z",
            "2026-01-02T03:04:60Z",
            "2026-01-02T23:59:60Z",
            "2026-01-31T23:59:60+01:00",
            "2026-13-02T03:04:05Z",
            "2026-00-02T03:04:05Z",
            "2026-02-29T03:04:05Z",
            "1900-02-29T03:04:05Z",
            "2026-04-31T03:04:05Z",
            "2026-01-00T03:04:05Z",
            "2026-01-02T03:04:05+0100",
            "2026-01-02T03:04:05+01",
            "2026-01-02T03:04:05+24:00",
            "2026-01-02T03:04:05+01:60",
            "2026-01-02T03:04:05+01:00:00",
            "2026-01-02T03:04:05 +01:00",
            "2026-01-02T03:04:05\u{2212}01:00",
            "2026-01-02T03:04:05.Z",
            "2026-01-02T03:04:05,5Z",
            "2026-01-02T03:04:05.5",
            "2026-01-02T03:04:05ZZ",
            "2026-01-02T03:04:05Z[UTC]",
            "2026-01-02T03:04:05[Europe/Berlin]",
            "2026-01-02T03:04:05Europe/Berlin",
            "2026-W01-2T03:04:05Z",
            "2026-002T03:04:05Z",
            "20260102T030405Z",
            "26-01-02T03:04:05Z",
            "+2026-01-02T03:04:05Z",
            "-2026-01-02T03:04:05Z",
            "+002026-01-02T03:04:05Z",
            "12026-01-02T03:04:05Z",
            " 2026-01-02T03:04:05Z",
            "2026-01-02T03:04:05Z ",
            "2026-01-02T03:04:05Z\n",
            "２０26-01-02T03:04:05Z",
            "1767323045",
        ];
        for text in table {
            let error = text.parse::<Instant>().unwrap_err();
            assert!(error.to_string().starts_with("expected an RFC 3339 instant"), "{text}: {error}");
        }
    }

    #[test]
    fn years_that_no_reader_knows_are_refused_as_such() {
        assert!(serde_json::from_str::<Instant>("\"0000-01-01T00:00:00Z\"").is_ok(), "stores may hold it");
        for text in ["0000-01-01T00:00:00Z", "0001-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01"] {
            let error = text.parse::<Instant>().unwrap_err();
            assert_eq!(error, InstantError::Year(text.to_owned()));
            assert!(error.to_string().contains("Parquet"), "{error}");
        }
    }

    proptest! {
        /// jiff's calendar and clock say which parts are valid, and what they mean; its parser is not asked.
        #[test]
        fn agrees_with_the_parts_it_is_written_from(
            (year, month, day) in (1i16..=9998, 0i8..14, 0i8..33),
            (hour, minute, second) in (0i8..26, 0i8..62, 0i8..60),
            fraction in "[0-9]{0,12}",
            (sign, offset_hour, offset_minute) in (prop_oneof![Just('+'), Just('-'), Just('Z')], 0i64..26, 0i64..62),
        ) {
            let point = if fraction.is_empty() { "" } else { "." };
            let offset = match sign {
                'Z' => "Z".to_owned(),
                sign => format!("{sign}{offset_hour:02}:{offset_minute:02}"),
            };
            let text = format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{point}{fraction}{offset}");
            let date = jiff::civil::Date::new(year, month, day);
            let time = jiff::civil::Time::new(hour, minute, second, 0);
            let expected = match (date, time) {
                (Ok(date), Ok(time)) if sign == 'Z' || offset_hour < 24 && offset_minute < 60 => {
                    let start = jiff::tz::TimeZone::UTC.to_timestamp(date.to_datetime(time)).unwrap();
                    let east = match sign {
                        'Z' => 0,
                        sign => (offset_hour * 60 + offset_minute) * if sign == '+' { 1 } else { -1 },
                    };
                    let micros: i64 = format!("{fraction:0<6}")[..6].parse().unwrap();
                    Some(start.as_microsecond() - east * 60_000_000 + micros)
                }
                _ => None,
            };
            let expected = expected.filter(|micros| *micros >= FIRST);
            prop_assert_eq!(text.parse::<Instant>().ok().map(Instant::as_micros), expected, "{}", text);
        }

        #[test]
        fn what_is_printed_is_read_again(micros in FIRST..=LAST) {
            let instant = Instant::from_micros(micros);
            let text = instant.to_string();
            prop_assert_eq!(text.parse(), Ok(instant));
            if let Ok(timestamp) = jiff::Timestamp::from_microsecond(micros) {
                prop_assert_eq!(text, timestamp.to_string());
            }
        }

        #[test]
        fn any_text_is_read_or_refused(text in "[0-9TtZz:.+ -]{0,30}|\\PC{0,30}") {
            let _ = text.parse::<Instant>();
        }
    }
}
