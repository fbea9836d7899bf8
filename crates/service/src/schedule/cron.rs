//! Cron expressions in a time zone. How they treat daylight saving: `docs/service.md`.
//!
//! Five fields: minute, hour, day of the month, month, day of the week (0 and 7 are Sunday). `*`, lists, ranges,
//! steps and English three-letter names, as in crontab(5); when both day fields are restricted, either suffices.
//! Times are meant in the tenant's zone: one that a clock change skips counts as the first instant after the gap,
//! one that it repeats counts once, the first time.

use std::fmt;
use std::str::FromStr;

use domesday_model::Instant;
use jiff::civil::{Date, DateTime};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{Timestamp, ToSpan};

/// How many months ahead an occurrence is searched. Dates and weekdays repeat after 400 years; the rarest schedule, on
/// 29 February when it is a given day of the week, occurs again after 40 years at the latest.
const HORIZON_MONTHS: i32 = 400 * 12;

/// A cron expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cron {
    text: String,
    minutes: u64,
    hours: u64,
    days: u64,
    months: u64,
    weekdays: u64,
    /// Whether either day field suffices: both are restricted.
    either_day: bool,
}

/// Why a text is no cron expression.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CronError {
    /// Not five fields.
    #[error(
        "expected five fields (minute, hour, day of month, month, day of week) as in `0 3 * * *`, found {0}"
    )]
    Fields(usize),
    /// One field is wrong.
    #[error("the {field} of a schedule cannot be `{found}`; expected {expected}")]
    Field {
        /// Which field.
        field: &'static str,
        /// What was found.
        found: String,
        /// What was expected.
        expected: String,
    },
    /// It never happens, as on 30 February.
    #[error("the schedule `{0}` never occurs: no month that it names has such a day")]
    Never(String),
}

struct Field {
    name: &'static str,
    low: u32,
    high: u32,
    names: &'static [&'static str],
}

const FIELDS: [Field; 5] = [
    Field { name: "minute", low: 0, high: 59, names: &[] },
    Field { name: "hour", low: 0, high: 23, names: &[] },
    Field { name: "day of month", low: 1, high: 31, names: &[] },
    Field {
        name: "month",
        low: 1,
        high: 12,
        names: &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
    },
    Field { name: "day of week", low: 0, high: 7, names: &["sun", "mon", "tue", "wed", "thu", "fri", "sat"] },
];

impl FromStr for Cron {
    type Err = CronError;

    fn from_str(text: &str) -> Result<Self, CronError> {
        let parts: Vec<_> = text.split_ascii_whitespace().collect();
        let [minute, hour, day, month, weekday] = parts.as_slice() else {
            return Err(CronError::Fields(parts.len()));
        };
        let mut weekdays = FIELDS[4].parse(weekday)?;
        if weekdays >> 7 & 1 == 1 {
            weekdays |= 1;
        }
        let cron = Self {
            text: parts.join(" "),
            minutes: FIELDS[0].parse(minute)?,
            hours: FIELDS[1].parse(hour)?,
            days: FIELDS[2].parse(day)?,
            months: FIELDS[3].parse(month)?,
            weekdays,
            either_day: !day.starts_with('*') && !weekday.starts_with('*'),
        };
        let occurs = cron.dates(jiff::civil::date(2000, 1, 1)).next().is_some();
        if occurs { Ok(cron) } else { Err(CronError::Never(cron.text)) }
    }
}

impl Field {
    fn parse(&self, text: &str) -> Result<u64, CronError> {
        let wrong = || CronError::Field {
            field: self.name,
            found: text.to_owned(),
            expected: format!(
                "`*`, numbers from {} to {}, ranges `a-b`, steps `*/n`, lists `a,b`",
                self.low, self.high
            ),
        };
        let mut set = 0;
        for part in text.split(',') {
            let (range, step) = match part.split_once('/') {
                Some((range, step)) => {
                    (range, step.parse().ok().filter(|step| (1..=59).contains(step)).ok_or_else(wrong)?)
                }
                None => (part, 1),
            };
            let (low, high) = match range.split_once('-') {
                _ if range == "*" => (self.low, self.high),
                Some((low, high)) => {
                    (self.value(low).ok_or_else(wrong)?, self.value(high).ok_or_else(wrong)?)
                }
                None => {
                    let low = self.value(range).ok_or_else(wrong)?;
                    // `5/10` starts at 5 and goes on to the end, as most crons have it.
                    (low, if part.contains('/') { self.high } else { low })
                }
            };
            if low > high {
                return Err(wrong());
            }
            (low..=high).step_by(step).for_each(|value| set |= 1_u64 << value);
        }
        Ok(set)
    }

    fn value(&self, text: &str) -> Option<u32> {
        if let Some(position) = self.names.iter().position(|name| name.eq_ignore_ascii_case(text)) {
            return u32::try_from(position).ok().map(|position| position + self.low);
        }
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse().ok().filter(|value| digits && (self.low..=self.high).contains(value))
    }
}

impl Cron {
    /// The first occurrence after an instant; `None` past the calendar's end.
    #[must_use]
    pub fn next_after(&self, after: Instant, zone: &TimeZone) -> Option<Instant> {
        let after = Timestamp::from_microsecond(after.as_micros()).ok()?;
        let local = zone.to_datetime(after);
        for date in self.dates(local.date()) {
            for time in self.times(date).filter(|time| *time >= local.with_second_zero()) {
                if let Some(found) = first_instant(zone, time).filter(|found| *found > after) {
                    return Some(found.into());
                }
            }
        }
        None
    }

    /// The dates of the schedule from a date on, as far as the horizon. Months that are not named cost nothing.
    fn dates(&self, from: Date) -> impl Iterator<Item = Date> + '_ {
        let months = (0..HORIZON_MONTHS).map_while(move |months| {
            if months == 0 { Some(from) } else { from.first_of_month().checked_add(months.months()).ok() }
        });
        months
            .filter(|first| u32::try_from(first.month()).is_ok_and(|month| self.months >> month & 1 == 1))
            .flat_map(|first| {
                (first.day()..=first.days_in_month())
                    .filter_map(move |day| first.with().day(day).build().ok())
                    .filter(|date| self.on(*date))
            })
    }

    /// The last occurrence after `from` and not after `to`.
    #[must_use]
    pub fn last_between(&self, from: Instant, to: Instant, zone: &TimeZone) -> Option<Instant> {
        let mut found = None;
        // From the nearest stretch of time to the farthest, so that years of every minute are not walked.
        for stretch in [1_i64, 24, 24 * 31, 24 * 366 * 9, 24 * 366 * 400] {
            let start = Instant::from_micros(to.as_micros() - stretch * 3_600_000_000).max(from);
            let mut at = start;
            while let Some(next) = self.next_after(at, zone).filter(|next| *next <= to) {
                found = Some(next);
                at = next;
            }
            if found.is_some() || start == from {
                break;
            }
        }
        found
    }

    fn on(&self, date: Date) -> bool {
        let has = |set: u64, value: i8| u32::try_from(value).is_ok_and(|value| set >> value & 1 == 1);
        let day = has(self.days, date.day());
        let weekday = has(self.weekdays, date.weekday().to_sunday_zero_offset());
        has(self.months, date.month()) && if self.either_day { day || weekday } else { day && weekday }
    }

    fn times(&self, date: Date) -> impl Iterator<Item = DateTime> + '_ {
        let within = |set: u64, high: i8| (0..high).filter(move |value| set >> value & 1 == 1);
        within(self.hours, 24)
            .flat_map(move |hour| within(self.minutes, 60).map(move |minute| date.at(hour, minute, 0, 0)))
    }
}

impl fmt::Display for Cron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// A local time cut to its minute.
trait ToMinute {
    fn with_second_zero(self) -> DateTime;
}

impl ToMinute for DateTime {
    fn with_second_zero(self) -> DateTime {
        self.date().at(self.hour(), self.minute(), 0, 0)
    }
}

/// Returns the instant of a local time: the first of two, and the first after a gap that contains it.
fn first_instant(zone: &TimeZone, time: DateTime) -> Option<Timestamp> {
    match zone.to_ambiguous_timestamp(time).offset() {
        AmbiguousOffset::Unambiguous { offset } | AmbiguousOffset::Fold { before: offset, .. } => {
            offset.to_timestamp(time).ok()
        }
        AmbiguousOffset::Gap { before, .. } => {
            let inside = before.to_timestamp(time).ok()?;
            let upto = inside.checked_add(1.second()).ok()?;
            zone.preceding(upto).next().map(|transition| transition.timestamp())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn occurrences(cron: &str, zone: &str, from: &str, count: usize) -> Vec<String> {
        let (cron, zone): (Cron, _) = (cron.parse().unwrap(), TimeZone::get(zone).unwrap());
        let mut at: Instant = from.parse().unwrap();
        let mut list = Vec::new();
        for _ in 0..count {
            at = cron.next_after(at, &zone).unwrap();
            list.push(at.to_string());
        }
        list
    }

    #[test]
    fn nightly_across_the_clock_changes_of_berlin() {
        // 02:30 does not exist on 29 March: the first instant after the gap is 03:00 summer time.
        let spring = occurrences("30 2 * * *", "Europe/Berlin", "2026-03-28T00:00:00Z", 3);
        assert_eq!(spring, ["2026-03-28T01:30:00Z", "2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"]);
        // 02:30 comes twice on 25 October: the first one counts.
        let autumn = occurrences("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", 2);
        assert_eq!(autumn, ["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"]);
        let three = occurrences("0 3 * * *", "Europe/Berlin", "2026-03-28T00:00:00Z", 3);
        assert_eq!(three, ["2026-03-28T02:00:00Z", "2026-03-29T01:00:00Z", "2026-03-30T01:00:00Z"]);
    }

    #[test]
    fn nightly_across_the_clock_changes_of_new_york() {
        let spring = occurrences("15 2 * * *", "America/New_York", "2026-03-07T08:00:00Z", 2);
        assert_eq!(spring, ["2026-03-08T07:00:00Z", "2026-03-09T06:15:00Z"]);
        let autumn = occurrences("0 1 * * *", "America/New_York", "2026-10-31T12:00:00Z", 2);
        assert_eq!(autumn, ["2026-11-01T05:00:00Z", "2026-11-02T06:00:00Z"]);
    }

    #[test]
    fn lord_howe_shifts_by_half_an_hour() {
        // 4 October: 02:00 +10:30 becomes 02:30 +11:00.
        let spring = occurrences("10 2 * * *", "Australia/Lord_Howe", "2026-10-03T00:00:00Z", 2);
        assert_eq!(spring, ["2026-10-03T15:30:00Z", "2026-10-04T15:10:00Z"]);
        // 5 April: 02:00 +11:00 becomes 01:30 +10:30, so 01:45 comes twice.
        let autumn = occurrences("45 1 * * *", "Australia/Lord_Howe", "2026-04-04T00:00:00Z", 2);
        assert_eq!(autumn, ["2026-04-04T14:45:00Z", "2026-04-05T15:15:00Z"]);
    }

    #[test]
    fn a_gap_swallows_several_times_into_one() {
        let list = occurrences("*/20 2,3 * * *", "Europe/Berlin", "2026-03-29T00:59:59Z", 3);
        assert_eq!(list, ["2026-03-29T01:00:00Z", "2026-03-29T01:20:00Z", "2026-03-29T01:40:00Z"]);
    }

    #[test]
    fn a_day_that_a_zone_skips_altogether_counts_after_it() {
        // Samoa had no 30 December 2011.
        let list = occurrences("0 3 * * *", "Pacific/Apia", "2011-12-29T14:00:00Z", 2);
        assert_eq!(list, ["2011-12-30T10:00:00Z", "2011-12-30T13:00:00Z"]);
    }

    #[test]
    fn either_day_field_suffices_when_both_are_given() {
        let list = occurrences("0 0 13 * fri", "UTC", "2026-02-01T00:00:00Z", 3);
        assert_eq!(list, ["2026-02-06T00:00:00Z", "2026-02-13T00:00:00Z", "2026-02-20T00:00:00Z"]);
    }

    #[test]
    fn the_last_occurrence_is_found_across_years_of_downtime() {
        let zone = TimeZone::UTC;
        let instant = |text: &str| text.parse::<Instant>().unwrap();
        let (from, to) = (instant("2020-01-01T00:00:00Z"), instant("2026-06-01T12:00:00Z"));
        let last = |cron: &str| {
            let cron: Cron = cron.parse().unwrap();
            cron.last_between(from, to, &zone).map(|at| at.to_string())
        };
        assert_eq!(last("* * * * *").as_deref(), Some("2026-06-01T12:00:00Z"));
        assert_eq!(last("0 3 * * *").as_deref(), Some("2026-06-01T03:00:00Z"));
        assert_eq!(last("0 3 29 2 *").as_deref(), Some("2024-02-29T03:00:00Z"));
        let cron: Cron = "0 3 * * *".parse().unwrap();
        assert_eq!(cron.last_between(instant("2026-06-01T03:00:00Z"), to, &zone), None);
    }

    #[test]
    fn rare_occurrences_are_found_however_far_they_are() {
        // Every leap year, but 2100 is none.
        let leap = occurrences("0 0 29 2 *", "UTC", "2095-01-01T00:00:00Z", 3);
        assert_eq!(leap, ["2096-02-29T00:00:00Z", "2104-02-29T00:00:00Z", "2108-02-29T00:00:00Z"]);
        // `*/7` leaves the day of the week restricted to Sunday without making either day field suffice.
        let sunday = occurrences("0 0 29 2 */7", "UTC", "2032-03-01T00:00:00Z", 2);
        assert_eq!(sunday, ["2060-02-29T00:00:00Z", "2088-02-29T00:00:00Z"]);
        // 40 years apart, since 2100 is no leap year.
        let sunday = occurrences("0 0 29 2 */7", "UTC", "2088-03-01T00:00:00Z", 1);
        assert_eq!(sunday, ["2128-02-29T00:00:00Z"]);
        // Either day field suffices when both are restricted: every Monday of February, and the 29th.
        let either = occurrences("0 0 29 2 mon", "UTC", "2028-02-22T00:00:00Z", 2);
        assert_eq!(either, ["2028-02-28T00:00:00Z", "2028-02-29T00:00:00Z"]);
        // The 31st of the months that have one.
        let last = occurrences("0 0 31 4,5 *", "UTC", "2026-01-01T00:00:00Z", 2);
        assert_eq!(last, ["2026-05-31T00:00:00Z", "2027-05-31T00:00:00Z"]);
        let cron: Cron = "0 0 29 2 */7".parse().unwrap();
        let instant = |text: &str| text.parse::<Instant>().unwrap();
        let last = cron.last_between(
            instant("1970-01-01T00:00:00Z"),
            instant("2060-02-28T00:00:00Z"),
            &TimeZone::UTC,
        );
        assert_eq!(last, Some(instant("2032-02-29T00:00:00Z")));
        // The end of the calendar is an end, not a failure.
        let cron: Cron = "0 0 29 2 *".parse().unwrap();
        assert_eq!(cron.next_after(instant("9999-03-01T00:00:00Z"), &TimeZone::UTC), None);
        assert_eq!(cron.next_after(Instant::from_micros(i64::MAX), &TimeZone::UTC), None);
    }

    #[test]
    fn what_is_no_schedule_is_refused_with_the_field() {
        for (text, part) in [
            ("0 3 * *", "five fields"),
            ("60 3 * * *", "minute"),
            ("0 24 * * *", "hour"),
            ("0 3 0 * *", "day of month"),
            ("0 3 * 13 *", "month"),
            ("0 3 * * 8", "day of week"),
            ("0 3 5-1 * *", "day of month"),
            ("*/0 * * * *", "minute"),
            ("+1 * * * *", "minute"),
            ("0 3 30 2 *", "never occurs"),
            ("0 3 30,31 2 *", "never occurs"),
            ("0 3 31 4,6,9,11 *", "never occurs"),
            ("0 3 31 feb */2", "never occurs"),
            ("@daily", "five fields"),
            ("0 0 3 * * *", "five fields"),
            ("", "five fields"),
            ("0 3 L * *", "day of month"),
            ("0 3 ? * *", "day of month"),
            ("0 3 * * sat-sun", "day of week"),
            ("0 99999999999999999999 * * *", "hour"),
            ("0,, 3 * * *", "minute"),
            ("*/60 3 * * *", "minute"),
            ("0 3 * * mon#1", "day of week"),
        ] {
            let error = text.parse::<Cron>().unwrap_err().to_string();
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
