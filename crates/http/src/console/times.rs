//! Instants as people read them: in the tenant's time zone, with the exact instant beside.

use domesday_model::Instant;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ZonedDateTime};

/// An instant as it is shown.
#[derive(Debug, Clone)]
pub(super) struct TimeView {
    /// The instant in UTC.
    pub(super) iso: String,
    /// The local time in words.
    pub(super) text: String,
}

/// The present instant in the tenant's time zone.
#[derive(Debug, Clone)]
pub(super) struct Calendar {
    zone: TimeZone,
    now: ZonedDateTime,
}

fn timestamp(at: Instant) -> Timestamp {
    Timestamp::from_microsecond(at.as_micros()).unwrap_or(Timestamp::MAX)
}

impl Calendar {
    pub(super) fn new(zone: &str, now: Instant) -> Self {
        let zone = TimeZone::get(zone).unwrap_or(TimeZone::UTC);
        Self { now: timestamp(now).to_zoned_datetime(zone.clone()), zone }
    }

    /// The day in words where it is near, without the year within twelve months, with the time of day.
    pub(super) fn time(&self, at: Instant) -> TimeView {
        let local = timestamp(at).to_zoned_datetime(self.zone.clone());
        let text = format!("{}, {}", self.day_of(&local), local.strftime("%H:%M"));
        TimeView { iso: at.to_string(), text }
    }

    /// The day alone.
    pub(super) fn day(&self, at: Instant) -> TimeView {
        let local = timestamp(at).to_zoned_datetime(self.zone.clone());
        TimeView { iso: at.to_string(), text: self.day_of(&local) }
    }

    /// A time to come: a night in words where it is the next.
    pub(super) fn upcoming(&self, at: Instant) -> TimeView {
        let local = timestamp(at).to_zoned_datetime(self.zone.clone());
        let days = local.date().duration_since(self.now.date()).as_hours() / 24;
        let is_tonight = match days {
            0 => local.hour() >= 18 || self.now.hour() < 6 && local.hour() < 6,
            1 => local.hour() < 6 && self.now.hour() >= 6,
            _ => false,
        };
        let day = if is_tonight { "tonight".to_owned() } else { self.day_of(&local) };
        TimeView { iso: at.to_string(), text: format!("{day}, {}", local.strftime("%H:%M")) }
    }

    /// The date, without the year.
    pub(super) fn date(&self, at: Instant) -> String {
        timestamp(at).to_zoned_datetime(self.zone.clone()).strftime("%-d %b").to_string()
    }

    /// The weekday, the date and the time.
    pub(super) fn weekday(&self, at: Instant) -> TimeView {
        let local = timestamp(at).to_zoned_datetime(self.zone.clone());
        TimeView { iso: at.to_string(), text: local.strftime("%A, %-d %b, %H:%M").to_string() }
    }

    /// The day and the time with the year.
    pub(super) fn full(&self, at: Instant) -> TimeView {
        let local = timestamp(at).to_zoned_datetime(self.zone.clone());
        TimeView { iso: at.to_string(), text: local.strftime("%-d %b %Y, %H:%M").to_string() }
    }

    fn day_of(&self, local: &ZonedDateTime) -> String {
        let days = local.date().duration_since(self.now.date()).as_hours() / 24;
        match days {
            0 => "today".to_owned(),
            -1 => "yesterday".to_owned(),
            1 => "tomorrow".to_owned(),
            -364..=364 => local.strftime("%-d %b").to_string(),
            _ => local.strftime("%-d %b %Y").to_string(),
        }
    }

    /// The beginning of a day that is written as `2027-02-22`; none when it is no day.
    pub(super) fn beginning(&self, day: &str) -> Option<Instant> {
        let date: jiff::civil::Date = day.parse().ok()?;
        let start = date.to_zoned_datetime(self.zone.clone()).ok()?;
        Some(Instant::from_micros(start.timestamp().as_microsecond()))
    }
}

impl Calendar {
    /// The beginning of the day after the one that begins at an instant. Days have up to 25 hours.
    pub(super) fn next_day(&self, start: Instant) -> Instant {
        let day = timestamp(start).to_zoned_datetime(self.zone.clone());
        let next = day.tomorrow().and_then(|next| next.start_of_day());
        next.map_or(start, |next| Instant::from_micros(next.timestamp().as_microsecond()))
    }
}

/// A count, grouped by thousands.
pub(super) fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A count with its noun.
pub(super) fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{} {}", grouped(count), if count == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_grouped_by_thousands() {
        let shown = [0, 999, 1_000, 12_345, 1_234_567].map(grouped);
        assert_eq!(shown, ["0", "999", "1,000", "12,345", "1,234,567"]);
        assert_eq!((counted(1, "row", "rows"), counted(2, "row", "rows")), ("1 row".into(), "2 rows".into()));
    }

    #[test]
    fn instants_are_shown_in_the_zone_and_near_days_in_words() {
        let instant = |text: &str| text.parse::<Instant>().unwrap();
        let calendar = Calendar::new("Europe/Berlin", instant("2026-11-24T22:30:00Z"));
        for (at, text) in [
            ("2026-11-24T08:00:00Z", "today, 09:00"),
            ("2026-11-24T23:30:00Z", "tomorrow, 00:30"),
            ("2026-11-22T23:30:00Z", "yesterday, 00:30"),
            ("2026-05-31T10:00:00Z", "31 May, 12:00"),
            ("2025-05-31T10:00:00Z", "31 May 2025, 12:00"),
        ] {
            assert_eq!(calendar.time(instant(at)).text, text);
        }
        for (at, text) in [
            ("2026-11-25T02:00:00Z", "tonight, 03:00"),
            ("2026-11-25T09:00:00Z", "tomorrow, 10:00"),
            ("2026-11-24T22:45:00Z", "tonight, 23:45"),
            ("2026-11-28T02:00:00Z", "28 Nov, 03:00"),
        ] {
            assert_eq!(calendar.upcoming(instant(at)).text, text);
        }
        assert_eq!(calendar.weekday(instant("2026-11-25T02:00:00Z")).text, "Wednesday, 25 Nov, 03:00");
        assert_eq!(calendar.beginning("2027-02-22"), Some(instant("2027-02-21T23:00:00Z")));
        assert_eq!(calendar.beginning("22.02.2027"), None);
    }
}
