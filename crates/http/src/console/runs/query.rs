//! The address of the list of runs: its filters, order and page.

use domesday_service::ServiceError;
use domesday_store::{RunFilter, RunState};

use crate::console::form::Form;

/// How many runs a page has.
pub(super) const PAGE: usize = 25;

/// The address of the list.
pub(super) const PATH: &str = "/console/runs";

/// What the address asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RunQuery {
    pub(super) state: String,
    pub(super) trigger: String,
    pub(super) is_oldest_first: bool,
    pub(super) page: usize,
}

/// The values of the filter by state, with what a person reads.
pub(super) const STATES: [(&str, &str); 6] = [
    ("", "Any state"),
    ("succeeded", "Succeeded"),
    ("failed", "Failed"),
    ("cancelled", "Cancelled"),
    ("running", "Running"),
    ("queued", "Queued"),
];

/// The values of the filter by what started a run.
pub(super) const TRIGGERS: [(&str, &str); 3] =
    [("", "Started by anyone"), ("schedule", "Schedule"), ("person", "Person")];

fn invalid(name: &str, allowed: &str) -> ServiceError {
    ServiceError::invalid(format!("the address has a `{name}` that is not known; it is {allowed}"))
}

impl RunQuery {
    pub(super) fn read(form: &Form) -> Result<Self, ServiceError> {
        let known = |name: &str, values: &[(&str, &str)]| {
            let value = form.get(name);
            let is_known = values.iter().any(|(known, _)| *known == value);
            let allowed = || values.iter().skip(1).map(|(value, _)| *value).collect::<Vec<_>>().join(", ");
            if is_known { Ok(value.to_owned()) } else { Err(invalid(name, &format!("one of {}", allowed()))) }
        };
        let page = match form.get("page") {
            "" => Some(1),
            page => page.parse().ok().filter(|page| *page > 0),
        };
        Ok(Self {
            state: known("state", &STATES)?,
            trigger: known("trigger", &TRIGGERS)?,
            is_oldest_first: match form.get("sort") {
                "" | "-started" => false,
                "started" => true,
                _ => return Err(invalid("sort", "started or -started")),
            },
            page: page.ok_or_else(|| invalid("page", "a number from 1"))?,
        })
    }

    pub(super) fn is_filtered(&self) -> bool {
        !(self.state.is_empty() && self.trigger.is_empty())
    }

    pub(super) fn filter(&self) -> RunFilter {
        let states = RunState::ALL.into_iter().filter(|state| match self.state.as_str() {
            "" => false,
            "failed" => matches!(state, RunState::Failed | RunState::Abandoned),
            name => state.as_str() == name,
        });
        let is_manual = match self.trigger.as_str() {
            "" => None,
            trigger => Some(trigger == "person"),
        };
        RunFilter { states: states.collect(), is_manual }
    }

    pub(super) fn offset(&self) -> usize {
        (self.page - 1).saturating_mul(PAGE)
    }

    /// The address of the list in another order or of another page.
    pub(super) fn href(&self, path: &str) -> String {
        let page = if self.page > 1 { self.page.to_string() } else { String::new() };
        let sort = if self.is_oldest_first { "started" } else { "" };
        let fields = [("state", &*self.state), ("trigger", &*self.trigger), ("sort", sort), ("page", &*page)];
        // The values are letters and digits.
        let fields: Vec<_> = fields
            .iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        if fields.is_empty() { path.to_owned() } else { format!("{path}?{}", fields.join("&")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_and_written() {
        let query = RunQuery::read(&Form::parse("state=failed&trigger=person&sort=started&page=3")).unwrap();
        assert_eq!(query.href(PATH), "/console/runs?state=failed&trigger=person&sort=started&page=3");
        assert_eq!(query.filter().states, [RunState::Failed, RunState::Abandoned]);
        assert_eq!((query.filter().is_manual, query.offset()), (Some(true), 50));
        let plain = RunQuery::read(&Form::parse("")).unwrap();
        assert_eq!((plain.href(PATH).as_str(), plain.is_filtered()), (PATH, false));
        for wrong in ["state=lost", "trigger=x", "sort=rows", "page=0", "page=x"] {
            assert!(RunQuery::read(&Form::parse(wrong)).is_err(), "{wrong}");
        }
    }
}
