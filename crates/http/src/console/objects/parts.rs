//! The parts of a page: facts, and tables of what belongs to the object.

use domesday_service::evaluation::ListRange;

use crate::console::link::Link;
use crate::console::listing::{Cell, RowView};
use crate::console::times::counted;

/// How many related objects a page lists; the rest is behind a link.
pub(super) const RELATED: usize = 10;

/// A name and what it is.
pub(super) struct Fact {
    pub(super) name: &'static str,
    pub(super) cell: Cell,
}

impl Fact {
    pub(super) fn new(name: &'static str, cell: Cell) -> Self {
        Self { name, cell }
    }
}

/// A table of related objects.
pub(super) struct Section {
    pub(super) id: &'static str,
    pub(super) title: &'static str,
    /// How many there are.
    pub(super) note: String,
    /// The list of all of them.
    pub(super) more: Option<Link>,
    /// The columns, each with its class.
    pub(super) heads: Vec<(&'static str, &'static str)>,
    pub(super) rows: Vec<RowView>,
    /// What is said when there are none.
    pub(super) nothing: &'static str,
}

impl Section {
    /// The policies that name an object; `nothing` says that there are none.
    pub(super) fn of_policies(rows: Vec<RowView>, nothing: &'static str) -> Self {
        Self {
            id: "policies",
            title: "Policies that name it",
            note: counted(rows.len() as u64, "policy", "policies"),
            more: None,
            heads: vec![("", "Policy"), ("", "Kind")],
            rows,
            nothing,
        }
    }
}

/// The first entries of a list, in the order of names.
pub(super) fn first_rows<O: Default>(limit: usize) -> ListRange<O> {
    ListRange { order: O::default(), is_descending: false, offset: 0, limit }
}

/// A count that leads to what it counts.
pub(super) fn count_cell(count: usize, one: &str, many: &str, href: String) -> Cell {
    let text = counted(count as u64, one, many);
    Cell::links([if count == 0 { Link::plain("none") } else { Link::new(text, href) }])
}
