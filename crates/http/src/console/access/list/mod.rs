//! The list of access on the pages of a data source and of a user: its filters, order and page, all in the address.

pub(super) mod query;
pub(super) mod row;

use domesday_model::Snapshot;
use domesday_service::evaluation::RowOrder;

use crate::console::pager::{Page, Pager};
use crate::console::times::counted;
use query::{ListQuery, PAGE};
use row::RowView;

/// Of how many groups one is chosen from a list; of more it is typed.
const MAX_CHOICES: usize = 300;

/// A filter of which one value is chosen.
pub(in crate::console::access) struct Choice {
    pub(in crate::console::access) name: &'static str,
    pub(in crate::console::access) label: &'static str,
    pub(in crate::console::access) is_set: bool,
    pub(in crate::console::access) options: Vec<ChoiceOption>,
    /// Whether the value is typed, and the value.
    pub(in crate::console::access) is_typed: bool,
    pub(in crate::console::access) value: String,
}

pub(in crate::console::access) struct ChoiceOption {
    pub(in crate::console::access) value: String,
    pub(in crate::console::access) text: String,
    pub(in crate::console::access) is_chosen: bool,
}

/// The head of a column.
pub(in crate::console::access) struct Head {
    pub(in crate::console::access) text: &'static str,
    pub(in crate::console::access) class: &'static str,
    /// Where the list is in this order; empty when it cannot be.
    pub(in crate::console::access) href: String,
    pub(in crate::console::access) sort: &'static str,
}

/// The list as it is shown.
pub(in crate::console::access) struct ListView {
    pub(in crate::console::access) path: String,
    pub(in crate::console::access) label: &'static str,
    pub(in crate::console::access) placeholder: &'static str,
    pub(in crate::console::access) text: String,
    /// Whether names can be searched for.
    pub(in crate::console::access) has_text: bool,
    /// Whether more is shown of each row than a name.
    pub(in crate::console::access) has_about: bool,
    pub(in crate::console::access) choices: Vec<Choice>,
    /// The order, for the form of the filters.
    pub(in crate::console::access) order: Vec<(&'static str, String)>,
    pub(in crate::console::access) heads: Vec<Head>,
    pub(in crate::console::access) rows: Vec<RowView>,
    pub(in crate::console::access) total: String,
    pub(in crate::console::access) unfiltered: String,
    pub(in crate::console::access) is_filtered: bool,
    pub(in crate::console::access) range: String,
    pub(in crate::console::access) previous: String,
    pub(in crate::console::access) next: String,
    pub(in crate::console::access) csv: String,
}

impl ListQuery {
    pub(in crate::console::access) fn choice(
        &self,
        name: &'static str,
        label: &'static str,
        any: &str,
        values: impl IntoIterator<Item = (String, String)>,
    ) -> Choice {
        let chosen = self.value(name);
        let option =
            |(value, text): (String, String)| ChoiceOption { is_chosen: value == chosen, value, text };
        let any = (String::new(), any.to_owned());
        let options = std::iter::once(any).chain(values).map(option).collect();
        Choice { name, label, is_set: !chosen.is_empty(), options, is_typed: false, value: chosen.to_owned() }
    }

    /// The filter by group: chosen from a list, or typed where there are too many groups for one.
    pub(in crate::console::access) fn group_choice(&self, snapshot: &Snapshot) -> Choice {
        let mut names: Vec<String> = Vec::new();
        if snapshot.groups.len() <= MAX_CHOICES {
            names = snapshot.groups.iter().map(|group| group.name.to_string()).collect();
            names.sort_unstable();
        }
        let is_typed = names.is_empty() && !snapshot.groups.is_empty();
        let names = names.into_iter().map(|name| (name.clone(), name));
        Choice { is_typed, ..self.choice("group", "Group", "Any group", names) }
    }

    pub(in crate::console::access) fn common_choices(&self) -> Vec<Choice> {
        let values = |values: &[(&str, &str)]| {
            values.iter().map(|(value, text)| ((*value).to_owned(), (*text).to_owned())).collect::<Vec<_>>()
        };
        let outcomes = values(&[("GRANTED", "Granted"), ("BLOCKED", "Blocked")]);
        let scopes = values(&[("READ", "Read"), ("WRITE", "Write")]);
        let reasons = values(&[("POLICY", "Policy"), ("OWNER", "Ownership"), ("REQUEST", "Request")]);
        vec![
            self.choice("outcome", "Outcome", "Any outcome", outcomes),
            self.choice("scope", "Scope", "Read and write", scopes),
            self.choice("reason", "Granted by", "Granted by anything", reasons),
        ]
    }

    fn head(&self, text: &'static str, class: &'static str, name: &'static str, order: RowOrder) -> Head {
        let is_current = self.order == order;
        let (sort, target) = match (is_current, self.is_descending) {
            (true, false) => ("ascending", format!("-{name}")),
            (true, true) => ("descending", name.to_owned()),
            (false, _) => ("", name.to_owned()),
        };
        Head { text, class, href: self.href(&self.path, &[("sort", &target), ("page", "")]), sort }
    }

    /// Puts the list together.
    pub(in crate::console::access) fn view(
        self,
        kind: &ListKind,
        choices: Vec<Choice>,
        rows: Vec<RowView>,
        total: usize,
        unfiltered: usize,
    ) -> ListView {
        let plain = |text, class| Head { text, class, href: String::new(), sort: "" };
        let mut heads = vec![self.head(kind.name, "", "name", RowOrder::Name)];
        if kind.has_about {
            heads.push(plain(kind.about, "opt"));
        }
        heads.extend([
            self.head("Scope", "opt2", "scope", RowOrder::Scope),
            self.head("Outcome", "", "outcome", RowOrder::Outcome),
            plain("Granted by", ""),
        ]);
        let page = Page { number: self.page, size: PAGE, shown: rows.len(), total };
        let Pager { range, previous, next } =
            page.pager("row", "rows", |number| self.href(&self.path, &[("page", &number.to_string())]));
        let is_filtered = ["q", "outcome", "scope", "reason", "policy", "group", "domain"]
            .iter()
            .any(|name| !self.value(name).is_empty());
        ListView {
            label: kind.label,
            placeholder: kind.placeholder,
            has_text: kind.has_text,
            has_about: kind.has_about,
            text: self.filter.text.clone(),
            choices,
            order: self.fields.iter().filter(|(name, _)| *name == "sort").cloned().collect(),
            heads,
            total: counted(total as u64, "row", "rows"),
            unfiltered: counted(unfiltered as u64, "row", "rows"),
            is_filtered,
            range,
            previous,
            next,
            csv: self.href(&format!("{}/csv", self.path), &[("page", "")]),
            path: self.path,
            rows,
        }
    }
}

/// What a list is of.
pub(in crate::console::access) struct ListKind {
    pub(in crate::console::access) name: &'static str,
    pub(in crate::console::access) about: &'static str,
    pub(in crate::console::access) label: &'static str,
    pub(in crate::console::access) placeholder: &'static str,
    pub(in crate::console::access) has_text: bool,
    pub(in crate::console::access) has_about: bool,
}
