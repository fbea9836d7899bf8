//! Schedules in words, and the fields of a form in which one is chosen.

use domesday_service::Cron;

use crate::console::errors::sentence;
use crate::console::form::Form;

const WEEKDAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/// Returns a cron expression in words, without the time zone.
pub(in crate::console) fn words(cron: &str) -> String {
    in_words(cron).unwrap_or_else(|| format!("by the cron expression {cron}"))
}

fn in_words(cron: &str) -> Option<String> {
    let fields: Vec<_> = cron.split(' ').collect();
    let [minute, hour, day, month, weekday] = fields.as_slice() else { return None };
    if *month != "*" {
        return None;
    }
    let number = |text: &str| text.parse::<u32>().ok();
    let every = |text: &str| text.strip_prefix("*/").and_then(number);
    if let (Some(minute), Some(hour)) = (number(minute), number(hour)) {
        let days = match (*day, *weekday) {
            ("*", "*") => "every day".to_owned(),
            ("*", days) => on_weekdays(days)?,
            (day, "*") => format!("on day {} of every month", number(day)?),
            _ => return None,
        };
        return Some(format!("{days} at {hour:02}:{minute:02}"));
    }
    if (*day, *weekday) != ("*", "*") {
        return None;
    }
    match (number(minute), every(minute), *hour, every(hour)) {
        (Some(0), _, "*", _) => Some("every hour".to_owned()),
        (Some(minute), _, "*", _) => Some(format!("every hour at minute {minute}")),
        (Some(0), _, _, Some(hours)) if 24 % hours == 0 => Some(format!("every {hours} hours")),
        (_, Some(minutes), "*", _) if 60 % minutes == 0 => Some(format!("every {minutes} minutes")),
        _ => None,
    }
}

fn on_weekdays(text: &str) -> Option<String> {
    if text == "1-5" || text.eq_ignore_ascii_case("mon-fri") {
        return Some("from Monday to Friday".to_owned());
    }
    let name = |day: &str| {
        let by_name =
            || WEEKDAYS.iter().position(|name| day.len() == 3 && name[..3].eq_ignore_ascii_case(day));
        let position = day.parse::<usize>().ok().map(|day| day % 7).or_else(by_name)?;
        WEEKDAYS.get(position).copied()
    };
    let names = text.split(',').map(name).collect::<Option<Vec<_>>>()?;
    let (last, before) = names.split_last()?;
    Some(match before {
        [] => format!("every {last}"),
        before => format!("every {} and {last}", before.join(", ")),
    })
}

/// The fields of a schedule in a form: daily at a time, or a cron expression.
#[derive(Debug, Clone, Default)]
pub(super) struct ScheduleForm {
    pub(super) is_cron: bool,
    pub(super) time: String,
    pub(super) time_error: String,
    pub(super) cron: String,
    pub(super) cron_error: String,
}

impl ScheduleForm {
    /// Fills the fields in from a schedule.
    pub(super) fn of(cron: &str) -> Self {
        let fields: Vec<_> = cron.split(' ').collect();
        let daily = match fields.as_slice() {
            [minute, hour, "*", "*", "*"] => minute.parse::<u32>().ok().zip(hour.parse::<u32>().ok()),
            _ => None,
        };
        Self {
            is_cron: daily.is_none(),
            time: daily.map_or_else(|| "03:00".to_owned(), |(minute, hour)| format!("{hour:02}:{minute:02}")),
            cron: cron.to_owned(),
            ..Self::default()
        }
    }

    /// Reads the fields that were sent.
    pub(super) fn sent(form: &Form) -> Self {
        Self {
            is_cron: form.get("when") == "cron",
            time: form.get("time").to_owned(),
            cron: form.get("cron").to_owned(),
            ..Self::default()
        }
    }

    /// Returns the schedule; without one, what is wrong is beside its field.
    pub(super) fn schedule(&mut self) -> Option<Cron> {
        if self.is_cron {
            match self.cron.parse::<Cron>() {
                Ok(cron) => return Some(cron),
                Err(error) => self.cron_error = sentence(&error.to_string()),
            }
            return None;
        }
        let time = self.time.split_once(':');
        let time =
            time.and_then(|(hour, minute)| Some((hour.parse::<u32>().ok()?, minute.parse::<u32>().ok()?)));
        let cron = time.and_then(|(hour, minute)| format!("{minute} {hour} * * *").parse().ok());
        if cron.is_none() {
            "Enter a time such as 03:00.".clone_into(&mut self.time_error);
        }
        cron
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_schedules_are_said_in_words() {
        for (cron, text) in [
            ("0 3 * * *", "every day at 03:00"),
            ("30 4 * * 1-5", "from Monday to Friday at 04:30"),
            ("0 6 * * 0,3,sat", "every Sunday, Wednesday and Saturday at 06:00"),
            ("0 6 * * 7", "every Sunday at 06:00"),
            ("0 6 1 * *", "on day 1 of every month at 06:00"),
            ("0 * * * *", "every hour"),
            ("15 * * * *", "every hour at minute 15"),
            ("0 */6 * * *", "every 6 hours"),
            ("*/15 * * * *", "every 15 minutes"),
            ("*/7 * * * *", "by the cron expression */7 * * * *"),
            ("0 6 1 1 *", "by the cron expression 0 6 1 1 *"),
            ("0 6,18 * * *", "by the cron expression 0 6,18 * * *"),
            ("0 6 1 * 1", "by the cron expression 0 6 1 * 1"),
        ] {
            assert_eq!(words(cron), text);
        }
    }

    #[test]
    fn a_form_gives_a_schedule_or_says_what_is_wrong() {
        let read = |text: &str| {
            let mut form = ScheduleForm::sent(&Form::parse(text));
            (form.schedule().map(|cron| cron.to_string()), form)
        };
        assert_eq!(read("when=daily&time=04%3A30").0.as_deref(), Some("30 4 * * *"));
        assert_eq!(read("when=cron&cron=0+*/6+*+*+*").0.as_deref(), Some("0 */6 * * *"));
        assert!(!read("when=daily&time=soon").1.time_error.is_empty());
        assert!(read("when=cron&cron=daily").1.cron_error.contains("five fields"));
        let (daily, other) = (ScheduleForm::of("30 4 * * *"), ScheduleForm::of("0 6 * * 1"));
        assert_eq!((daily.is_cron, daily.time.as_str(), other.is_cron), (false, "04:30", true));
    }
}
