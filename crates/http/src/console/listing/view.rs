//! A list as it is shown.

use domesday_service::evaluation::ListPage;

use super::address::{ListAddress, PAGE};
use super::cell::Cell;
use crate::console::link::Link;
use crate::console::pager::{Page, Pager};
use crate::console::times::counted;

/// Of how many values one is chosen from a list; of more it is typed.
const MAX_CHOICES: usize = 300;

/// A filter of which one value is chosen.
pub(in crate::console) struct Choice {
    pub(in crate::console) name: &'static str,
    pub(in crate::console) label: &'static str,
    pub(in crate::console) is_set: bool,
    pub(in crate::console) options: Vec<ChoiceOption>,
    /// Whether the value is typed, and the value.
    pub(in crate::console) is_typed: bool,
    pub(in crate::console) value: String,
}

/// A value of a filter.
pub(in crate::console) struct ChoiceOption {
    pub(in crate::console) value: String,
    pub(in crate::console) text: String,
    pub(in crate::console) is_chosen: bool,
}

/// The head of a column.
pub(in crate::console) struct Head {
    pub(in crate::console) text: &'static str,
    pub(in crate::console) class: &'static str,
    /// Where the list is in this order; empty when it cannot be.
    pub(in crate::console) href: String,
    pub(in crate::console) sort: &'static str,
}

/// A row: the name of the object, and a cell for each further column, with the column's class.
#[derive(Debug, Clone)]
pub(in crate::console) struct RowView {
    pub(in crate::console) name: Link,
    pub(in crate::console) is_code: bool,
    pub(in crate::console) note: String,
    pub(in crate::console) cells: Vec<(&'static str, Cell)>,
}

/// What a list is of.
pub(in crate::console) struct ListingKind {
    /// What the form of the filters is called.
    pub(in crate::console) label: &'static str,
    pub(in crate::console) placeholder: &'static str,
    pub(in crate::console) one: &'static str,
    pub(in crate::console) many: &'static str,
    /// What an empty list says.
    pub(in crate::console) nothing: &'static str,
    /// Where its objects come from.
    pub(in crate::console) source: &'static str,
}

/// The list as it is shown.
pub(in crate::console) struct Listing {
    pub(in crate::console) kind: &'static ListingKind,
    pub(in crate::console) path: String,
    pub(in crate::console) text: String,
    pub(in crate::console) choices: Vec<Choice>,
    /// The order, for the form of the filters.
    pub(in crate::console) order: Vec<(&'static str, String)>,
    pub(in crate::console) heads: Vec<Head>,
    pub(in crate::console) rows: Vec<RowView>,
    pub(in crate::console) total: String,
    pub(in crate::console) unfiltered: String,
    pub(in crate::console) is_filtered: bool,
    pub(in crate::console) range: String,
    pub(in crate::console) previous: String,
    pub(in crate::console) next: String,
    pub(in crate::console) csv: String,
    /// What the caller can do about an empty list.
    pub(in crate::console) start: Vec<Link>,
}

impl Choice {
    /// A filter whose value is typed.
    pub(in crate::console) fn typed(address: &ListAddress, name: &'static str, label: &'static str) -> Self {
        let value = address.value(name).to_owned();
        Self { name, label, is_set: !value.is_empty(), options: Vec::new(), is_typed: true, value }
    }

    /// A filter whose value is chosen, or typed where there are too many values.
    pub(in crate::console) fn new(
        address: &ListAddress,
        name: &'static str,
        label: &'static str,
        any: &str,
        values: impl ExactSizeIterator<Item = (String, String)>,
    ) -> Self {
        if values.len() > MAX_CHOICES {
            return Self::typed(address, name, label);
        }
        let chosen = address.value(name);
        let option =
            |(value, text): (String, String)| ChoiceOption { is_chosen: value == chosen, value, text };
        let any = (String::new(), any.to_owned());
        let options = std::iter::once(any).chain(values).map(option).collect();
        Self { name, label, is_set: !chosen.is_empty(), options, is_typed: false, value: String::new() }
    }
}

impl Head {
    /// A column by which the list is not sorted.
    pub(in crate::console) fn plain(text: &'static str, class: &'static str) -> Self {
        Self { text, class, href: String::new(), sort: "" }
    }

    /// A column by which the list can be sorted.
    pub(in crate::console) fn sorted(
        address: &ListAddress,
        text: &'static str,
        class: &'static str,
        name: &'static str,
    ) -> Self {
        let (sort, target) = match address.order() {
            (order, false) if order == name => ("ascending", format!("-{name}")),
            (order, true) if order == name => ("descending", name.to_owned()),
            _ => ("", name.to_owned()),
        };
        Self { text, class, href: address.href(address.path(), &[("sort", &target), ("page", "")]), sort }
    }
}

impl Listing {
    /// Puts a list together; `row` shows an object.
    pub(in crate::console) fn new<T>(
        kind: &'static ListingKind,
        address: &ListAddress,
        heads: Vec<Head>,
        choices: Vec<Choice>,
        page: ListPage<T>,
        row: impl FnMut(T) -> RowView,
    ) -> Self {
        let ListPage { items, total, unfiltered } = page;
        let rows: Vec<_> = items.into_iter().map(row).collect();
        let page = Page { number: address.page(), size: PAGE, shown: rows.len(), total };
        let Pager { range, previous, next } = page.pager(kind.one, kind.many, |number| {
            address.href(address.path(), &[("page", &number.to_string())])
        });
        Self {
            kind,
            path: address.path().to_owned(),
            text: address.value("q").to_owned(),
            choices,
            order: address.sort_field(),
            heads,
            total: counted(total as u64, kind.one, kind.many),
            unfiltered: counted(unfiltered as u64, kind.one, kind.many),
            is_filtered: address.is_filtered(),
            range,
            previous,
            next,
            csv: address.href(&format!("{}.csv", address.path()), &[("page", "")]),
            rows,
            start: Vec::new(),
        }
    }
}
