//! Dates of HTTP in their three forms (RFC 9110, section 5.6.7).

use domesday_model::Instant;
use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

const DAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

/// Reads `Sun, 06 Nov 1994 08:49:37 GMT`, `Sunday, 06-Nov-94 08:49:37 GMT` or `Sun Nov  6 08:49:37 1994`. The name
/// of the day is not compared with the date. Of a year in two digits the last one is meant that is not more than 50
/// years after `now`.
pub(super) fn parse(text: &str, now: Instant) -> Option<Instant> {
    let words: Vec<_> = text.split_ascii_whitespace().collect();
    let (year, month, day, time) = match words.as_slice() {
        [name, day, month, year, time, "GMT"] => {
            is_day(name.strip_suffix(',')?, true)?;
            (digits(year, 4)?, *month, digits(day, 2)?, *time)
        }
        [name, date, time, "GMT"] => {
            is_day(name.strip_suffix(',')?, false)?;
            let [day, month, year] = <[&str; 3]>::try_from(date.split('-').collect::<Vec<_>>()).ok()?;
            (whole_year(digits(year, 2)?, now), month, digits(day, 2)?, *time)
        }
        [name, month, day, time, year] => {
            is_day(name, true)?;
            let day = if day.len() == 1 { digits(day, 1)? } else { digits(day, 2)? };
            (digits(year, 4)?, *month, day, *time)
        }
        _ => return None,
    };
    let month = MONTHS.iter().position(|known| *known == month)? + 1;
    let [hour, minute, second] = <[&str; 3]>::try_from(time.split(':').collect::<Vec<_>>()).ok()?;
    // A leap second is the last one before the next minute.
    let second = digits(second, 2)?.min(if second == "60" { 59 } else { i16::MAX });
    let small = |number: i16| i8::try_from(number).ok();
    let time = Time::new(small(digits(hour, 2)?)?, small(digits(minute, 2)?)?, small(second)?, 0).ok()?;
    let date = Date::new(year, i8::try_from(month).ok()?, small(day)?).ok()?;
    // Only the last day of the year 9999 is later than every instant.
    let timestamp = TimeZone::UTC.to_timestamp(DateTime::from_parts(date, time)).unwrap_or(Timestamp::MAX);
    Some(timestamp.into())
}

fn is_day(name: &str, is_short: bool) -> Option<()> {
    let is_known = |day: &&str| if is_short { day[..3] == *name } else { **day == *name };
    DAYS.iter().any(is_known).then_some(())
}

/// A number of so many digits.
fn digits(text: &str, count: usize) -> Option<i16> {
    let is_number = text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_number { text.parse().ok() } else { None }
}

fn whole_year(two_digits: i16, now: Instant) -> i16 {
    let this_year: i16 = now.to_string().get(..4).and_then(|year| year.parse().ok()).unwrap_or(2000);
    let year = this_year - this_year.rem_euclid(100) + two_digits;
    match year - this_year {
        51.. => year - 100,
        ..-49 => year + 100,
        _ => year,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, now: &str) -> Option<String> {
        parse(text, now.parse().unwrap()).map(|at| at.to_string())
    }

    #[test]
    fn all_three_forms_are_read() {
        for text in
            ["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"]
        {
            assert_eq!(read(text, "1994-01-01T00:00:00Z").as_deref(), Some("1994-11-06T08:49:37Z"), "{text}");
        }
        let leap = read("Sat, 31 Dec 2016 23:59:60 GMT", "2016-01-01T00:00:00Z");
        assert_eq!(leap.as_deref(), Some("2016-12-31T23:59:59Z"));
        let late = read("Sat Nov 28 08:49:37 2026", "2026-01-01T00:00:00Z");
        assert_eq!(late.as_deref(), Some("2026-11-28T08:49:37Z"));
    }

    #[test]
    fn two_digits_of_a_year_mean_the_nearest_one() {
        let year = |text: &str, now: &str| read(text, now).unwrap()[..4].to_owned();
        assert_eq!(year("Sunday, 06-Nov-27 08:49:37 GMT", "2026-06-01T00:00:00Z"), "2027");
        assert_eq!(year("Sunday, 06-Nov-76 08:49:37 GMT", "2026-06-01T00:00:00Z"), "2076");
        assert_eq!(year("Sunday, 06-Nov-77 08:49:37 GMT", "2026-06-01T00:00:00Z"), "1977");
        assert_eq!(year("Sunday, 06-Nov-01 08:49:37 GMT", "2099-06-01T00:00:00Z"), "2101");
    }

    #[test]
    fn what_is_no_date_is_none() {
        for text in [
            "",
            "Sun, 6 Nov 1994 08:49:37 GMT",
            "Sun, 31 Feb 2026 08:49:37 GMT",
            "Sun, 06 Nov 1994 24:49:37 GMT",
            "Sun, 06 Nov 1994 08:49:61 GMT",
            "Sun, 06 Nov 1994 08:49 GMT",
            "Sun, 06 Nov 1994 08:49:37",
            "Sun, 06 Nov 1994 08:49:37 UTC",
            "Xyz, 06 Nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 08:49:37 GMT GMT",
            "Sünday, 06-Nov-94 08:49:37 GMT",
        ] {
            assert_eq!(read(text, "1994-01-01T00:00:00Z"), None, "{text}");
        }
    }
}
