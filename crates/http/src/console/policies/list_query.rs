//! The address of the list of policies: its filters, order and page.

use domesday_model::{LevelKind, PolicyState, Scope};
use domesday_service::ServiceError;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::PATH;
use super::fields::PolicyType;
use crate::console::form::Form;

/// How many rows a page has.
pub(super) const PAGE: usize = 50;

/// The longest text that is searched for, in characters.
const MAX_TEXT: usize = 200;

/// The order of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    Name,
    Type,
    State,
    Sources,
    People,
}

const ORDERS: [(&str, Order); 5] = [
    ("name", Order::Name),
    ("kind", Order::Type),
    ("state", Order::State),
    ("sources", Order::Sources),
    ("people", Order::People),
];

const LEVELS: [LevelKind; 4] =
    [LevelKind::Anyone, LevelKind::Approval, LevelKind::Individuals, LevelKind::Entitlements];

const STATES: [PolicyState; 3] = [PolicyState::Active, PolicyState::Staged, PolicyState::Disabled];

/// What the address asks for.
#[derive(Debug)]
pub(super) struct ListQuery {
    /// Names and values, as they are in the address.
    fields: Vec<(&'static str, String)>,
    pub(super) text: String,
    pub(super) policy_type: Option<PolicyType>,
    pub(super) scope: Option<Scope>,
    pub(super) level: Option<LevelKind>,
    pub(super) state: Option<PolicyState>,
    /// Only policies that apply to no data source.
    pub(super) matches_nothing: bool,
    pub(super) order: Order,
    pub(super) is_descending: bool,
    pub(super) page: usize,
}

fn invalid(name: &str, allowed: &str) -> ServiceError {
    ServiceError::invalid(format!("the address has an unknown value of `{name}`; it is {allowed}"))
}

impl ListQuery {
    /// Reads the address.
    pub(super) fn read(form: &Form) -> Result<Self, ServiceError> {
        let mut fields = Vec::new();
        let mut value = |name: &'static str| {
            let value: String = form.get(name).chars().take(MAX_TEXT).collect();
            if !value.is_empty() {
                fields.push((name, value.clone()));
            }
            value
        };
        let text = value("q").to_lowercase();
        let policy_type = choice(&value("kind"), "kind", &PolicyType::ALL, PolicyType::as_str)?;
        let scope = choice(&value("scope"), "scope", &Scope::ALL, Scope::as_str)?;
        let level = choice(&value("level"), "level", &LEVELS, LevelKind::as_str)?;
        let state = choice(&value("state"), "state", &STATES, PolicyState::as_str)?;
        let matches = value("applies");
        if !matches!(matches.as_str(), "" | "nothing") {
            return Err(invalid("applies", "`nothing`"));
        }
        let sort = value("sort");
        let (name, is_descending) = sort.strip_prefix('-').map_or((&*sort, false), |name| (name, true));
        let order = ORDERS.iter().find(|(known, _)| *known == name || (name.is_empty() && *known == "name"));
        let (_, order) = order.ok_or_else(|| {
            invalid("sort", "name, kind, state, sources or people, with a `-` before it for the reverse")
        })?;
        let page = match value("page").as_str() {
            "" => Some(1),
            page => page.parse().ok().filter(|page| *page > 0),
        };
        Ok(Self {
            text,
            policy_type,
            scope,
            level,
            state,
            matches_nothing: !matches.is_empty(),
            order: *order,
            is_descending,
            page: page.ok_or_else(|| invalid("page", "a number from 1"))?,
            fields,
        })
    }

    pub(super) fn value(&self, name: &str) -> &str {
        self.fields.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value)
    }

    /// Whether any filter is set.
    pub(super) fn is_filtered(&self) -> bool {
        ["q", "kind", "scope", "level", "state", "applies"].iter().any(|name| !self.value(name).is_empty())
    }

    /// The address of the list, or of its CSV file, with other values; an empty value leaves the name out.
    pub(super) fn href(&self, path: &str, changes: &[(&'static str, &str)]) -> String {
        let is_changed = |name: &str| changes.iter().any(|(changed, _)| *changed == name);
        let kept = self.fields.iter().map(|(name, value)| (*name, value.as_str()));
        let fields = kept.filter(|(name, _)| !is_changed(name)).chain(changes.iter().copied());
        let fields = fields.filter(|(_, value)| !value.is_empty());
        let fields: Vec<_> = fields
            .map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC)))
            .collect();
        if fields.is_empty() { path.to_owned() } else { format!("{path}?{}", fields.join("&")) }
    }

    /// The address of the list in another order, and how it is sorted by that now.
    pub(super) fn sorted_by(&self, order: Order) -> (String, &'static str) {
        let name = ORDERS.iter().find(|(_, known)| *known == order).map_or("", |(name, _)| name);
        let (sort, target) = match (self.order == order, self.is_descending) {
            (true, false) => ("ascending", format!("-{name}")),
            (true, true) => ("descending", name.to_owned()),
            // Of numbers the largest come first.
            (false, _) if matches!(order, Order::Sources | Order::People) => ("", format!("-{name}")),
            (false, _) => ("", name.to_owned()),
        };
        (self.href(PATH, &[("sort", &target), ("page", "")]), sort)
    }
}

/// Reads the value of a filter.
fn choice<T: Copy>(
    value: &str,
    name: &str,
    values: &[T],
    as_str: impl Fn(T) -> &'static str,
) -> Result<Option<T>, ServiceError> {
    if value.is_empty() {
        return Ok(None);
    }
    let found = values.iter().copied().find(|one| as_str(*one) == value);
    let names = || values.iter().map(|one| as_str(*one)).collect::<Vec<_>>().join(", ");
    found.map(Some).ok_or_else(|| invalid(name, &format!("one of {}", names())))
}
