//! What the address of the log asks for.

use domesday_service::ServiceError;
use domesday_store::{AuditFilter, AuditPageStart};

use super::entries::KINDS;
use crate::console::form::Form;
use crate::console::listing::address;
use crate::console::times::Calendar;

pub(super) const PATH: &str = "/console/audit";

/// The longest value of a filter, in characters: a kind and a name.
const MAX_VALUE: usize = 300;

const NAMES: [&str; 6] = ["person", "object", "kind", "action", "from", "until"];

/// The filters of the log and the place of its page.
pub(super) struct LogAddress {
    /// Names and values of the filters, as they are in the address.
    pub(super) fields: Vec<(&'static str, String)>,
    pub(super) filter: AuditFilter,
    pub(super) start: AuditPageStart,
}

impl LogAddress {
    /// Reads an address.
    ///
    /// # Errors
    /// [`ServiceError::Invalid`] when a day or the place of the page is none.
    pub(super) fn read(form: &Form, calendar: &Calendar) -> Result<Self, ServiceError> {
        let mut fields = Vec::new();
        for name in NAMES {
            let value: String = form.get(name).chars().take(MAX_VALUE).collect();
            if !value.is_empty() {
                fields.push((name, value));
            }
        }
        let mut address = Self { fields, filter: AuditFilter::default(), start: start(form)? };
        let text = |name| Some(address.value(name).to_owned()).filter(|text| !text.is_empty());
        let day = |name| match text(name) {
            None => Ok(None),
            Some(day) => calendar.beginning(&day).map(Some).ok_or_else(|| {
                ServiceError::invalid(format!(
                    "the filter `{name}` is not a day; write it as year, month and day, such as 2026-11-24"
                ))
            }),
        };
        let until = day("until")?.map(|start| calendar.next_day(start));
        address.filter = AuditFilter {
            actor: text("person"),
            action: text("action"),
            kind: text("kind"),
            targets: text("object").map(|object| targets(&object)),
            from: day("from")?,
            until,
        };
        Ok(address)
    }

    pub(super) fn value(&self, name: &str) -> &str {
        self.fields.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value.as_str())
    }

    /// The address of the log with these filters, and its page.
    pub(super) fn href(&self, path: &str, place: Option<(&'static str, u64)>) -> String {
        let place = place.map(|(name, seq)| (name, seq.to_string()));
        let place = place.iter().map(|(name, seq)| (*name, seq.as_str()));
        address(path, self.fields.iter().map(|(name, value)| (*name, value.as_str())).chain(place))
    }
}

/// An object is named alone or with its kind.
fn targets(object: &str) -> Vec<String> {
    if let Some((kind, _)) = object.split_once('/')
        && KINDS.iter().any(|(known, _)| *known == kind)
    {
        return vec![object.to_owned()];
    }
    KINDS.iter().map(|(kind, _)| format!("{kind}/{object}")).collect()
}

fn start(form: &Form) -> Result<AuditPageStart, ServiceError> {
    let number = |name: &str| match form.get(name) {
        "" => Ok(None),
        text => text.parse::<u64>().map(Some).map_err(|_| {
            ServiceError::invalid(format!("`{name}` in the address is not the number of an entry"))
        }),
    };
    Ok(match (number("before")?, number("after")?) {
        (Some(seq), _) => AuditPageStart::Before(seq),
        (None, Some(seq)) => AuditPageStart::After(seq),
        (None, None) => AuditPageStart::Newest,
    })
}

#[cfg(test)]
mod tests {
    use domesday_model::Instant;

    use super::*;

    #[test]
    fn days_are_those_of_the_tenant_and_objects_may_name_their_kind() {
        let calendar = Calendar::new("Europe/Berlin", "2026-11-24T22:30:00Z".parse().unwrap());
        let read = |query: &str| LogAddress::read(&Form::parse(query), &calendar);
        let found = read("from=2026-10-24&until=2026-10-25&object=users/ada&before=7").unwrap();
        // The day on which the clocks go back has 25 hours.
        let instant = |text: &str| text.parse::<Instant>().ok();
        assert_eq!(found.filter.from, instant("2026-10-23T22:00:00Z"));
        assert_eq!(found.filter.until, instant("2026-10-25T23:00:00Z"));
        assert_eq!(found.filter.targets, Some(vec!["users/ada".to_owned()]));
        assert_eq!(found.start, AuditPageStart::Before(7));
        let named = read("object=a/b").unwrap().filter.targets.unwrap();
        assert_eq!((named.len(), named[0].as_str()), (KINDS.len(), "users/a/b"));
        assert!(read("from=yesterday").is_err() && read("after=x").is_err());
    }
}
