//! The address of a list: its filters, order and page.

use domesday_engine::{Outcome, ReasonPart};
use domesday_model::{Scope, Snapshot};
use domesday_service::ServiceError;
use domesday_service::caller::Caller;
use domesday_service::evaluation::{ASSET_READERS, READERS, RowFilter, RowOrder, RowRange, View};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::console::access::lookup;
use crate::console::form::Form;

/// How many rows a page has.
pub(super) const PAGE: usize = 25;

/// The longest text that is searched for, in characters.
pub(in crate::console::access) const MAX_TEXT: usize = 200;

/// What the address asks for.
#[derive(Debug)]
pub(in crate::console::access) struct ListQuery {
    pub(super) path: String,
    /// Names and values, as they are in the address.
    pub(super) fields: Vec<(&'static str, String)>,
    pub(in crate::console::access) filter: RowFilter,
    pub(super) order: RowOrder,
    pub(super) is_descending: bool,
    pub(super) page: usize,
}

fn invalid(name: &str, allowed: &str) -> ServiceError {
    ServiceError::invalid(format!("the address has a filter `{name}` that is not known; it is {allowed}"))
}

impl ListQuery {
    /// Reads the address. Policies, groups and domains may be asked for by those who see them.
    pub(in crate::console::access) fn read(
        path: String,
        form: &Form,
        snapshot: &Snapshot,
        view: View,
        caller: &Caller,
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
        let asks_for_entitlements = !(policy.is_empty() && group.is_empty());
        if (asks_for_entitlements && view != View::Everything)
            || (!domain.is_empty() && !caller.has_any(ASSET_READERS))
        {
            return Err(ServiceError::lacks_any(READERS));
        }
        if !policy.is_empty() {
            filter.policy = Some(lookup::policy(snapshot, policy)?);
        }
        if !group.is_empty() {
            filter.group = Some(lookup::group(snapshot, group)?);
        }
        if !domain.is_empty() {
            filter.domain = Some(lookup::domain(snapshot, domain)?);
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
    pub(in crate::console::access) fn range(&self) -> RowRange {
        let offset = (self.page - 1).saturating_mul(PAGE);
        RowRange { order: self.order, is_descending: self.is_descending, offset, limit: PAGE }
    }

    /// The whole list.
    pub(in crate::console::access) fn whole(&self) -> RowRange {
        RowRange { offset: 0, limit: usize::MAX, ..self.range() }
    }

    pub(super) fn value(&self, name: &str) -> &str {
        self.fields.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value.as_str())
    }

    /// The address of the list with other values; an empty value leaves the name out.
    pub(super) fn href(&self, path: &str, changes: &[(&'static str, &str)]) -> String {
        let is_changed = |name: &str| changes.iter().any(|(changed, _)| *changed == name);
        let kept = self.fields.iter().map(|(name, value)| (*name, value.as_str()));
        let kept = kept.filter(|(name, _)| !is_changed(name));
        let fields = kept.chain(changes.iter().copied()).filter(|(_, value)| !value.is_empty());
        address(path, fields)
    }
}

/// Returns an address with a query.
pub(in crate::console::access) fn address<'f>(
    path: &str,
    fields: impl Iterator<Item = (&'static str, &'f str)>,
) -> String {
    let fields: Vec<_> = fields
        .map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC)))
        .collect();
    if fields.is_empty() { path.to_owned() } else { format!("{path}?{}", fields.join("&")) }
}
