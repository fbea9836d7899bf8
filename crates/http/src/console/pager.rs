//! The place of a page in a list, and the way to its neighbours.

use super::times::{counted, grouped};

/// The end of a list.
#[derive(Debug)]
pub(super) struct Pager {
    /// Which rows are shown; empty when there are none.
    pub(super) range: String,
    /// The address of the page before; empty on the first.
    pub(super) previous: String,
    /// The address of the next page; empty on the last.
    pub(super) next: String,
}

/// A page of a list.
#[derive(Debug, Clone, Copy)]
pub(super) struct Page {
    /// Its number, from 1.
    pub(super) number: usize,
    /// How many rows a page has at most.
    pub(super) size: usize,
    /// How many rows it has.
    pub(super) shown: usize,
    /// How many rows the list has.
    pub(super) total: usize,
}

impl Page {
    /// Returns how many rows come before a page.
    pub(super) fn start(number: usize, size: usize, total: usize) -> usize {
        (number - 1).saturating_mul(size).min(total)
    }

    /// Returns the place of the page; rows are called `one` and `many`, and `href` gives the address of a page.
    pub(super) fn pager(self, one: &str, many: &str, href: impl Fn(usize) -> String) -> Pager {
        let Self { number, size, shown, total } = self;
        let start = Self::start(number, size, total);
        let (end, last) = (start + shown, total.div_ceil(size).max(1));
        let range = || {
            let (first, end) = (grouped(start as u64 + 1), grouped(end as u64));
            format!("{first}–{end} of {}", counted(total as u64, one, many))
        };
        Pager {
            range: if shown == 0 { String::new() } else { range() },
            previous: if number > 1 { href((number - 1).min(last)) } else { String::new() },
            next: if end < total && shown > 0 { href(number + 1) } else { String::new() },
        }
    }
}
