//! Lists that are filtered, sorted and paged by their address.

use domesday_service::ServiceError;

use super::form::Form;
use super::pager::{Page, Pager};
use super::paths::with_query;

/// The longest value of a filter, in characters.
const MAX_TEXT: usize = 200;

/// The address of a list: the values of its filters, its order and its page.
#[derive(Debug, Clone)]
pub(super) struct ListAddress {
    path: &'static str,
    fields: Vec<(&'static str, String)>,
    page: usize,
}

/// A filter with a list of values to choose from.
#[derive(Debug)]
pub(super) struct Choice {
    pub(super) name: &'static str,
    pub(super) label: &'static str,
    pub(super) is_set: bool,
    /// Value, text, and whether it is chosen.
    pub(super) options: Vec<(String, String, bool)>,
}

/// The head of a column.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) text: &'static str,
    pub(super) class: &'static str,
    pub(super) href: String,
    /// `ascending`, `descending`, or empty.
    pub(super) sort: &'static str,
}

impl ListAddress {
    /// Reads the fields with these names and the page.
    ///
    /// # Errors
    /// [`ServiceError::Invalid`] when the page is not a number from 1.
    pub(super) fn read(
        path: &'static str,
        form: &Form,
        names: &[&'static str],
    ) -> Result<Self, ServiceError> {
        let page = match form.get("page") {
            "" => Some(1),
            page => page.parse().ok().filter(|page| *page > 0),
        };
        let page = page
            .ok_or_else(|| ServiceError::invalid("the address has a `page` that is not a number from 1"))?;
        let value = |name: &&'static str| {
            let value: String = form.get(name).chars().take(MAX_TEXT).collect();
            (!value.is_empty()).then_some((*name, value))
        };
        Ok(Self { path, fields: names.iter().filter_map(value).collect(), page })
    }

    /// The value of a field; empty when it is absent.
    pub(super) fn value(&self, name: &str) -> &str {
        self.fields.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value)
    }

    /// Reads a field that has one of several values.
    ///
    /// # Errors
    /// [`ServiceError::Invalid`] when it has another.
    pub(super) fn one_of<T: Copy>(
        &self,
        name: &str,
        values: &[(&str, T)],
    ) -> Result<Option<T>, ServiceError> {
        let value = self.value(name);
        if value.is_empty() {
            return Ok(None);
        }
        let found = values.iter().find(|(known, _)| *known == value).map(|(_, value)| *value);
        found.map(Some).ok_or_else(|| {
            let known: Vec<_> = values.iter().map(|(known, _)| *known).collect();
            ServiceError::invalid(format!(
                "the address has a `{name}` that is not one of {}",
                known.join(", ")
            ))
        })
    }

    /// The order: a name, and whether it is reversed.
    pub(super) fn order(&self) -> (&str, bool) {
        let sort = self.value("sort");
        sort.strip_prefix('-').map_or((sort, false), |name| (name, true))
    }

    /// The address with another path and other values; an empty value leaves the field out.
    pub(super) fn href(&self, path: &str, changes: &[(&str, &str)]) -> String {
        let is_changed = |name: &str| changes.iter().any(|(changed, _)| *changed == name);
        let kept = self.fields.iter().map(|(name, value)| (*name, value.as_str()));
        let kept = kept.filter(|(name, _)| !is_changed(name));
        with_query(path, kept.chain(changes.iter().copied()))
    }

    pub(super) fn choice(
        &self,
        name: &'static str,
        label: &'static str,
        any: &str,
        values: impl IntoIterator<Item = (String, String)>,
    ) -> Choice {
        let chosen = self.value(name);
        let values = std::iter::once((String::new(), any.to_owned())).chain(values);
        let options = values.map(|(value, text)| {
            let is_chosen = value == chosen;
            (value, text, is_chosen)
        });
        Choice { name, label, is_set: !chosen.is_empty(), options: options.collect() }
    }

    /// The head of a column by which the list can be sorted; `default` says that it is when nothing else is asked for.
    pub(super) fn head(
        &self,
        text: &'static str,
        class: &'static str,
        name: &str,
        default: Option<bool>,
    ) -> Head {
        let current = match self.order() {
            ("", _) => default,
            (known, is_descending) if known == name => Some(is_descending),
            _ => None,
        };
        let (sort, target) = match current {
            Some(false) => ("ascending", format!("-{name}")),
            Some(true) => ("descending", name.to_owned()),
            None => ("", name.to_owned()),
        };
        Head { text, class, href: self.href(self.path, &[("sort", &target)]), sort }
    }

    /// Takes the page out of a list that is filtered and sorted.
    pub(super) fn page<T>(&self, list: Vec<T>, size: usize, one: &str, many: &str) -> (Vec<T>, Pager) {
        let total = list.len();
        let start = Page::start(self.page, size, total);
        let shown: Vec<T> = list.into_iter().skip(start).take(size).collect();
        let pager = self.pager(size, shown.len(), total, one, many);
        (shown, pager)
    }

    /// How many rows come before the page, where pages have a size.
    pub(super) fn offset(&self, size: usize) -> usize {
        (self.page - 1).saturating_mul(size)
    }

    /// The way from the page to its neighbours, where it has `shown` rows of `total`.
    pub(super) fn pager(&self, size: usize, shown: usize, total: usize, one: &str, many: &str) -> Pager {
        let page = Page { number: self.page, size, shown, total };
        page.pager(one, many, |number| self.href(self.path, &[("page", &number.to_string())]))
    }

    /// Whether anything but the page is set.
    pub(super) fn is_filtered(&self) -> bool {
        !self.fields.is_empty()
    }
}

/// Whether a text contains another, in any case.
pub(super) fn contains(text: &str, searched: &str) -> bool {
    searched.is_empty() || text.to_lowercase().contains(&searched.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str) -> Result<ListAddress, ServiceError> {
        ListAddress::read("/list", &Form::parse(query), &["q", "sort"])
    }

    #[test]
    fn pages_are_cut_from_the_whole_and_lead_to_each_other() {
        let (rows, pager) = read("q=a&page=2").unwrap().page((0..60).collect(), 25, "row", "rows");
        assert_eq!((rows.first(), rows.len()), (Some(&25), 25));
        assert_eq!(pager.range, "26–50 of 60 rows");
        assert_eq!((pager.previous.as_str(), pager.next.as_str()), ("/list?q=a&page=1", "/list?q=a&page=3"));
        let (rows, pager) = read("page=9").unwrap().page(vec![1], 25, "row", "rows");
        assert!(rows.is_empty() && pager.range.is_empty() && pager.next.is_empty());
        assert_eq!(pager.previous, "/list?page=1");
        assert!(read("page=0").is_err() && read("page=x").is_err());
    }

    #[test]
    fn heads_turn_the_order_around() {
        let address = read("q=a&sort=-name").unwrap();
        let head = address.head("Name", "", "name", None);
        assert_eq!((head.sort, head.href.as_str()), ("descending", "/list?q=a&sort=name"));
        let head = read("").unwrap().head("Asked", "", "asked", Some(true));
        assert_eq!((head.sort, head.href.as_str()), ("descending", "/list?sort=asked"));
        assert!(address.one_of("sort", &[("name", 1)]).is_err());
    }
}
