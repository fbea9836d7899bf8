//! Lists of objects: filters, order and page are in the address, so that a list can be sent to a colleague.

mod address;
mod cell;
mod view;

pub(super) use address::{ListAddress, address};
pub(super) use cell::{Cell, Chip, Value};
pub(super) use view::{Choice, Head, Listing, ListingKind, RowView};
