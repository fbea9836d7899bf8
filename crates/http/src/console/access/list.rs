//! The list of access on the pages of a data source and of a user: its filters, order and page, all in the address.

use domesday_engine::{Outcome, ReasonPart};
use domesday_model::{Permission, PolicyIx, Scope, Snapshot};
use domesday_service::ServiceError;
use domesday_service::caller::Caller;
use domesday_service::evaluation::{AccessRow, READERS, RowFilter, RowOrder, RowRange, View};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::{Link, pair_path};
use crate::console::form::Form;
use crate::console::times::{Calendar, TimeView, counted, grouped};

/// How many rows a page has.
const PAGE: usize = 25;

/// The longest text that is searched for, in characters.
const MAX_TEXT: usize = 200;

/// Of how many groups one is chosen from a list; of more it is typed.
const MAX_CHOICES: usize = 300;

/// What the address asks for.
#[derive(Debug)]
pub(super) struct ListQuery {
    path: String,
    /// Names and values, as they are in the address.
    fields: Vec<(&'static str, String)>,
    pub(super) filter: RowFilter,
    order: RowOrder,
    is_descending: bool,
    page: usize,
}

/// A filter of which one value is chosen.
pub(super) struct Choice {
    pub(super) name: &'static str,
    pub(super) label: &'static str,
    pub(super) is_set: bool,
    pub(super) options: Vec<ChoiceOption>,
    /// Whether the value is typed, and the value.
    pub(super) is_typed: bool,
    pub(super) value: String,
}

pub(super) struct ChoiceOption {
    pub(super) value: String,
    pub(super) text: String,
    pub(super) is_chosen: bool,
}

/// The head of a column.
pub(super) struct Head {
    pub(super) text: &'static str,
    pub(super) class: &'static str,
    /// Where the list is in this order; empty when it cannot be.
    pub(super) href: String,
    pub(super) sort: &'static str,
}

/// One row.
pub(super) struct RowView {
    pub(super) name: Link,
    pub(super) note: String,
    pub(super) about: String,
    pub(super) scope: &'static str,
    pub(super) is_granted: bool,
    pub(super) blocked_by: Vec<Link>,
    pub(super) let_in_by: Vec<Link>,
    pub(super) masked: String,
    pub(super) ends: Option<TimeView>,
    pub(super) why: String,
}

/// The list as it is shown.
pub(super) struct ListView {
    pub(super) path: String,
    pub(super) label: &'static str,
    pub(super) placeholder: &'static str,
    pub(super) text: String,
    /// Whether names can be searched for.
    pub(super) has_text: bool,
    /// Whether more is shown of each row than a name.
    pub(super) has_about: bool,
    pub(super) choices: Vec<Choice>,
    /// The order, for the form of the filters.
    pub(super) order: Vec<(&'static str, String)>,
    pub(super) heads: Vec<Head>,
    pub(super) rows: Vec<RowView>,
    pub(super) total: String,
    pub(super) unfiltered: String,
    pub(super) is_filtered: bool,
    pub(super) range: String,
    pub(super) previous: String,
    pub(super) next: String,
    pub(super) csv: String,
}

fn invalid(name: &str, allowed: &str) -> ServiceError {
    ServiceError::invalid(format!("the address has a filter `{name}` that is not known; it is {allowed}"))
}

impl ListQuery {
    /// Reads the address. Policies and groups may be asked for by those who see them.
    pub(super) fn read(
        path: String,
        form: &Form,
        snapshot: &Snapshot,
        view: View,
    ) -> Result<Self, ServiceError> {
        let mut query = Self {
            path,
            fields: Vec::new(),
            filter: RowFilter::default(),
            order: RowOrder::Name,
            is_descending: false,
            page: 1,
        };
        let mut value = |name: &'static str| {
            let value = form.get(name);
            if !value.is_empty() {
                query.fields.push((name, value.to_owned()));
            }
            value
        };
        let filter = &mut query.filter;
        if view != View::Owner {
            // An owner sees usernames alone, and must not find out names by searching for them.
            filter.text = value("q").chars().take(MAX_TEXT).collect();
        }
        filter.outcome = match value("outcome") {
            "" => None,
            "GRANTED" => Some(Outcome::Granted),
            "BLOCKED" => Some(Outcome::Blocked),
            _ => return Err(invalid("outcome", "GRANTED or BLOCKED")),
        };
        filter.scope = match value("scope") {
            "" => None,
            "READ" => Some(Scope::Read),
            "WRITE" => Some(Scope::Write),
            _ => return Err(invalid("scope", "READ or WRITE")),
        };
        filter.reason = match value("reason") {
            "" => None,
            "POLICY" => Some(ReasonPart::Policy),
            "OWNER" => Some(ReasonPart::Owner),
            "REQUEST" => Some(ReasonPart::Request),
            _ => return Err(invalid("reason", "POLICY, OWNER or REQUEST")),
        };
        let (policy, group, domain) = (value("policy"), value("group"), value("domain"));
        if view != View::Everything && !(policy.is_empty() && group.is_empty()) {
            return Err(ServiceError::lacks_any(READERS));
        }
        if !policy.is_empty() {
            let id = policy.parse::<i64>().ok();
            let position = id.and_then(|id| snapshot.policies.iter().position(|policy| policy.id.0 == id));
            let position =
                position.ok_or_else(|| ServiceError::not_found(format!("there is no policy `{policy}`")))?;
            filter.policy = Some(PolicyIx::at(position));
        }
        if !group.is_empty() {
            let found = snapshot.group(group);
            filter.group =
                Some(found.ok_or_else(|| ServiceError::not_found(format!("there is no group `{group}`")))?);
        }
        if !domain.is_empty() {
            let found = snapshot.domain(domain);
            filter.domain =
                Some(found.ok_or_else(|| ServiceError::not_found(format!("there is no domain `{domain}`")))?);
        }
        let sort = value("sort");
        let page = value("page");
        let (name, is_descending) = sort.strip_prefix('-').map_or((sort, false), |name| (name, true));
        query.is_descending = is_descending;
        query.order = match name {
            "" | "name" => RowOrder::Name,
            "scope" => RowOrder::Scope,
            "outcome" => RowOrder::Outcome,
            _ => return Err(invalid("sort", "name, scope or outcome, with a `-` before it for the reverse")),
        };
        query.page = match page {
            "" => 1,
            page => page
                .parse()
                .ok()
                .filter(|page| *page > 0)
                .ok_or_else(|| invalid("page", "a number from 1"))?,
        };
        Ok(query)
    }

    /// The page of the list that is asked for.
    pub(super) fn range(&self) -> RowRange {
        let offset = (self.page - 1).saturating_mul(PAGE);
        RowRange { order: self.order, is_descending: self.is_descending, offset, limit: PAGE }
    }

    /// The whole list.
    pub(super) fn whole(&self) -> RowRange {
        RowRange { offset: 0, limit: usize::MAX, ..self.range() }
    }

    fn value(&self, name: &str) -> &str {
        self.fields.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value.as_str())
    }

    /// The address of the list with other values; an empty value leaves the name out.
    fn href(&self, path: &str, changes: &[(&'static str, &str)]) -> String {
        let is_changed = |name: &str| changes.iter().any(|(changed, _)| *changed == name);
        let kept = self.fields.iter().map(|(name, value)| (*name, value.as_str()));
        let kept = kept.filter(|(name, _)| !is_changed(name));
        let fields = kept.chain(changes.iter().copied()).filter(|(_, value)| !value.is_empty());
        address(path, fields)
    }

    pub(super) fn choice(
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
    pub(super) fn group_choice(&self, snapshot: &Snapshot) -> Choice {
        let mut names: Vec<String> = Vec::new();
        if snapshot.groups.len() <= MAX_CHOICES {
            names = snapshot.groups.iter().map(|group| group.name.to_string()).collect();
            names.sort_unstable();
        }
        let is_typed = names.is_empty() && !snapshot.groups.is_empty();
        let names = names.into_iter().map(|name| (name.clone(), name));
        Choice { is_typed, ..self.choice("group", "Group", "Any group", names) }
    }

    pub(super) fn common_choices(&self) -> Vec<Choice> {
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
    pub(super) fn view(
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
        let start = (self.page - 1).saturating_mul(PAGE).min(total);
        let end = start + rows.len();
        let page = |number: usize| self.href(&self.path, &[("page", &number.to_string())]);
        let is_filtered = ["q", "outcome", "scope", "reason", "policy", "group", "domain"]
            .iter()
            .any(|name| !self.value(name).is_empty());
        let last = total.div_ceil(PAGE).max(1);
        let range = if rows.is_empty() {
            String::new()
        } else {
            format!(
                "{}–{} of {}",
                grouped(start as u64 + 1),
                grouped(end as u64),
                counted(total as u64, "row", "rows")
            )
        };
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
            previous: if self.page > 1 { page((self.page - 1).min(last)) } else { String::new() },
            next: if end < total { page(self.page + 1) } else { String::new() },
            csv: self.href(&format!("{}/csv", self.path), &[("page", "")]),
            path: self.path,
            rows,
        }
    }
}

/// What a list is of.
pub(super) struct ListKind {
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    pub(super) label: &'static str,
    pub(super) placeholder: &'static str,
    pub(super) has_text: bool,
    pub(super) has_about: bool,
}

/// Returns an address with a query.
pub(super) fn address<'f>(path: &str, fields: impl Iterator<Item = (&'static str, &'f str)>) -> String {
    let fields: Vec<_> = fields
        .map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC)))
        .collect();
    if fields.is_empty() { path.to_owned() } else { format!("{path}?{}", fields.join("&")) }
}

/// Returns a row as it is shown. Names of policies lead to the rows of that policy, for those who see policies.
pub(super) fn row_view(
    snapshot: &Snapshot,
    mut row: AccessRow<'_>,
    caller: &Caller,
    view: View,
    path: &str,
    calendar: &Calendar,
) -> RowView {
    let is_own = caller.user.as_deref() == Some(row.user);
    row.reduce(if view == View::Everything {
        view
    } else if is_own {
        View::Own
    } else {
        View::Owner
    });
    let policy = |name: &&str| match (view, snapshot.policy(name)) {
        (View::Everything, Some(policy)) => {
            let id = snapshot.policies[policy.get()].id.0.to_string();
            Link::new(*name, address(path, std::iter::once(("policy", id.as_str()))))
        }
        _ => Link::plain(*name),
    };
    let is_granted = row.outcome == Outcome::Granted;
    let mut let_in_by: Vec<_> = row.grants.iter().map(policy).collect();
    for part in &row.reasons {
        match part {
            ReasonPart::Policy if let_in_by.is_empty() => let_in_by.push(Link::plain("a policy")),
            ReasonPart::Policy => {}
            ReasonPart::Owner => let_in_by.push(Link::plain("ownership")),
            ReasonPart::Request => {
                let_in_by.push(Link::plain(
                    row.request_id.map_or_else(|| "a request".to_owned(), |id| format!("request {id}")),
                ));
            }
        }
    }
    let masked = match row.masked_columns.as_slice() {
        [] => String::new(),
        columns => format!(
            "{}: {}",
            counted(columns.len() as u64, "column masked", "columns masked"),
            columns.join(", ")
        ),
    };
    let pair = pair_path(row.user_id, row.data_source_id);
    RowView {
        name: Link::plain(""),
        note: String::new(),
        about: String::new(),
        scope: if row.scope == Scope::Read { "Read" } else { "Write" },
        is_granted,
        blocked_by: if is_granted { Vec::new() } else { row.guardrails.iter().map(policy).collect() },
        let_in_by,
        masked,
        ends: row.expires_at.map(|end| calendar.day(end)),
        why: if row.scope == Scope::Read { pair } else { format!("{pair}?scope=WRITE") },
    }
}

/// Whether somebody sees everybody's access.
pub(super) fn sees_everything(caller: &Caller) -> bool {
    caller.has_any(&[Permission::Audit, Permission::Governance])
}

/// Whether somebody sees data sources with all of their fields, by the permissions with which the API shows them.
pub(super) fn sees_assets(caller: &Caller) -> bool {
    sees_everything(caller) || caller.has(Permission::CreateDataSource)
}
