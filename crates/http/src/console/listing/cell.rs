//! A value in a list or beside a name: text, links, tags, a time, a state.

use crate::console::link::Link;
use crate::console::times::{TimeView, grouped};

/// One of the values of a cell, with what is remarkable about it.
#[derive(Debug, Clone)]
pub(in crate::console) struct Value {
    pub(in crate::console) link: Link,
    /// Such as where it comes from; empty when there is nothing to say.
    pub(in crate::console) note: String,
}

impl From<Link> for Value {
    fn from(link: Link) -> Self {
        Self { link, note: String::new() }
    }
}

/// A state: a shape and a word.
#[derive(Debug, Clone)]
pub(in crate::console) struct Chip {
    pub(in crate::console) class: &'static str,
    pub(in crate::console) icon: &'static str,
    pub(in crate::console) text: &'static str,
}

/// What a cell shows.
#[derive(Debug, Clone, Default)]
pub(in crate::console) struct Cell {
    pub(in crate::console) values: Vec<Value>,
    pub(in crate::console) is_code: bool,
    pub(in crate::console) is_tags: bool,
    /// Whether each value has a line of its own.
    pub(in crate::console) is_lines: bool,
    pub(in crate::console) time: Option<TimeView>,
    pub(in crate::console) chip: Option<Chip>,
}

impl Cell {
    pub(in crate::console) fn text(text: impl Into<String>) -> Self {
        Self::links([Link::plain(text)])
    }

    pub(in crate::console) fn code(text: impl Into<String>) -> Self {
        Self { is_code: true, ..Self::text(text) }
    }

    pub(in crate::console) fn number(number: usize) -> Self {
        Self::text(grouped(number as u64))
    }

    /// A number that leads to the rows behind it.
    pub(in crate::console) fn linked_number(number: usize, href: String) -> Self {
        let text = grouped(number as u64);
        Self::links([if number == 0 { Link::plain(text) } else { Link::new(text, href) }])
    }

    pub(in crate::console) fn links(links: impl IntoIterator<Item = Link>) -> Self {
        let values = links.into_iter().filter(|link| !link.text.is_empty()).map(Value::from);
        Self { values: values.collect(), ..Self::default() }
    }

    pub(in crate::console) fn tags(links: impl IntoIterator<Item = Link>) -> Self {
        Self { is_tags: true, ..Self::links(links) }
    }

    pub(in crate::console) fn lines(values: Vec<Value>) -> Self {
        Self { values, is_lines: true, ..Self::default() }
    }

    pub(in crate::console) fn time(time: TimeView) -> Self {
        Self { time: Some(time), ..Self::default() }
    }

    /// The state of a user or a data source.
    pub(in crate::console) fn state(is_on: bool, on: &'static str) -> Self {
        let chip = if is_on {
            Chip { class: "ok", icon: "check", text: on }
        } else {
            Chip { class: "none", icon: "dash", text: "Disabled" }
        };
        Self::chip(chip)
    }

    pub(in crate::console) fn chip(chip: Chip) -> Self {
        Self { chip: Some(chip), ..Self::default() }
    }

    pub(in crate::console) fn is_empty(&self) -> bool {
        self.values.is_empty() && self.time.is_none() && self.chip.is_none()
    }
}
