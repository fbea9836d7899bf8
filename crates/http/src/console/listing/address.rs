//! The address of a list.

use domesday_service::ServiceError;
use domesday_service::evaluation::ListRange;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::console::form::Form;

/// How many rows a page has.
pub(super) const PAGE: usize = 25;

/// The longest value of a filter, in characters: names have at most 255.
const MAX_VALUE: usize = 300;

/// What the address of a list asks for.
#[derive(Debug)]
pub(in crate::console) struct ListAddress {
    path: String,
    /// Names and values, as they are in the address.
    fields: Vec<(&'static str, String)>,
    order: &'static str,
    is_descending: bool,
    page: usize,
}

impl ListAddress {
    /// Reads an address with some filters. The first order is that of a list without one.
    ///
    /// # Errors
    /// [`ServiceError::Invalid`] when the order or the page is none.
    pub(in crate::console) fn read(
        path: &str,
        form: &Form,
        filters: &[&'static str],
        orders: &[&'static str],
    ) -> Result<Self, ServiceError> {
        let mut fields = Vec::new();
        for name in filters.iter().chain(&["sort", "page"]) {
            let value: String = form.get(name).chars().take(MAX_VALUE).collect();
            if !value.is_empty() {
                fields.push((*name, value));
            }
        }
        let value = |wanted: &str| {
            fields.iter().find(|(name, _)| *name == wanted).map_or("", |(_, value)| value.as_str())
        };
        let sort = value("sort");
        let (name, is_descending) = sort.strip_prefix('-').map_or((sort, false), |name| (name, true));
        let first = orders.first().copied().unwrap_or_default();
        let order = if name.is_empty() { Some(&first) } else { orders.iter().find(|order| **order == name) };
        let order = *order.ok_or_else(|| {
            ServiceError::invalid(format!(
                "the address has an order `sort` that is not known; it is {}, with a `-` before it for the reverse",
                orders.join(" or ")
            ))
        })?;
        let page = match value("page") {
            "" => 1,
            page => page.parse().ok().filter(|page| *page > 0).ok_or_else(|| {
                ServiceError::invalid("the address has a `page` that is not known; it is a number from 1")
            })?,
        };
        Ok(Self { path: path.to_owned(), fields, order, is_descending, page })
    }

    pub(in crate::console) fn path(&self) -> &str {
        &self.path
    }

    /// The value of a filter; empty when it is not set.
    pub(in crate::console) fn value(&self, name: &str) -> &str {
        self.fields.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value.as_str())
    }

    /// Whether a filter is set.
    pub(super) fn is_filtered(&self) -> bool {
        self.fields.iter().any(|(name, _)| !matches!(*name, "sort" | "page"))
    }

    pub(super) fn order(&self) -> (&'static str, bool) {
        (self.order, self.is_descending)
    }

    pub(super) fn page(&self) -> usize {
        self.page
    }

    /// The order as it is in the address, for the form of the filters.
    pub(super) fn sort_field(&self) -> Vec<(&'static str, String)> {
        self.fields.iter().filter(|(name, _)| *name == "sort").cloned().collect()
    }

    /// The page of the list that is asked for; `orders` are the values of the orders.
    pub(in crate::console) fn range<O: Copy + Default>(&self, orders: &[(&'static str, O)]) -> ListRange<O> {
        let order = orders.iter().find(|(name, _)| *name == self.order).map(|(_, order)| *order);
        ListRange {
            order: order.unwrap_or_default(),
            is_descending: self.is_descending,
            offset: (self.page - 1).saturating_mul(PAGE),
            limit: PAGE,
        }
    }

    /// The address with other values; an empty value leaves the name out.
    pub(super) fn href(&self, path: &str, changes: &[(&'static str, &str)]) -> String {
        let is_changed = |name: &str| changes.iter().any(|(changed, _)| *changed == name);
        let kept = self.fields.iter().map(|(name, value)| (*name, value.as_str()));
        let kept = kept.filter(|(name, _)| !is_changed(name));
        let fields = kept.chain(changes.iter().copied()).filter(|(_, value)| !value.is_empty());
        address(path, fields)
    }
}

/// Returns an address with a query.
pub(in crate::console) fn address<'f>(
    path: &str,
    fields: impl Iterator<Item = (&'static str, &'f str)>,
) -> String {
    let fields: Vec<_> = fields
        .map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC)))
        .collect();
    if fields.is_empty() { path.to_owned() } else { format!("{path}?{}", fields.join("&")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str) -> Result<ListAddress, ServiceError> {
        ListAddress::read("/console/users", &Form::parse(query), &["q", "group"], &["name", "created"])
    }

    #[test]
    fn an_address_is_read_and_written() {
        let read_one = read("q=a%26b&sort=-created&page=3&other=x").unwrap();
        assert_eq!((read_one.order(), read_one.page(), read_one.is_filtered()), (("created", true), 3, true));
        assert_eq!(read_one.href(read_one.path(), &[("page", "")]), "/console/users?q=a%26b&sort=%2Dcreated");
        let range = read_one.range(&[("name", 1), ("created", 2)]);
        assert_eq!((range.order, range.offset, range.limit), (2, 50, PAGE));
        let plain = read("").unwrap();
        assert_eq!((plain.order(), plain.page(), plain.is_filtered()), (("name", false), 1, false));
        for wrong in ["sort=size", "page=0", "page=x"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
