//! Users: the list, and what a page says of one.

use domesday_model::{ALL_USERS, Kind, Permission, User, UserIx, UserStatus};
use domesday_service::evaluation::{
    DataSourceFilter, Evaluation, ListPage, ListRange, UserFilter, UserOrder,
};

use super::parts::{Fact, count_cell, first_rows};
use crate::console::csv::Csv;
use crate::console::link::Link;
use crate::console::listing::{Cell, Choice, Head, ListAddress, Listing, ListingKind, RowView, Value};
use crate::console::object_links::{Links, filtered};
use crate::console::people;

pub(super) const FILTERS: &[&str] = &["q", "status", "group", "permission", "manager"];
pub(super) const ORDERS: &[(&str, UserOrder)] =
    &[("name", UserOrder::Name), ("created", UserOrder::CreatedAt)];

static LISTING: ListingKind = ListingKind {
    label: "Find users",
    placeholder: "Find a user",
    one: "user",
    many: "users",
    nothing: "No users yet.",
    source: "Connections bring them in from a directory; a catalog declares them.",
};

/// Reads the filter; none when it names something that does not exist.
fn filter(links: &Links<'_>, address: &ListAddress) -> Option<UserFilter> {
    let snapshot = links.snapshot;
    let mut filter = UserFilter { text: address.value("q").to_owned(), ..UserFilter::default() };
    filter.status = match address.value("status") {
        "" => None,
        "active" => Some(UserStatus::Active),
        "disabled" => Some(UserStatus::Disabled),
        _ => return None,
    };
    if !address.value("group").is_empty() {
        filter.group = Some(snapshot.group(address.value("group"))?);
    }
    if !address.value("permission").is_empty() {
        filter.permission = Some(address.value("permission").parse().ok()?);
    }
    if !address.value("manager").is_empty() {
        filter.manager = Some(snapshot.user(address.value("manager"))?);
    }
    Some(filter)
}

fn find(
    evaluation: &Evaluation,
    links: &Links<'_>,
    address: &ListAddress,
    range: ListRange<UserOrder>,
) -> ListPage<UserIx> {
    match filter(links, address) {
        Some(filter) => evaluation.list_users(&filter, range),
        None => ListPage { items: Vec::new(), total: 0, unfiltered: links.snapshot.users.len() },
    }
}

/// The list.
pub(super) fn list(evaluation: &Evaluation, links: &Links<'_>, address: &ListAddress) -> Listing {
    let snapshot = links.snapshot;
    let mut groups: Vec<_> = snapshot.groups.iter().map(|group| group.name.to_string()).collect();
    groups.sort_unstable();
    let same = |value: &str| (value.to_owned(), value.to_owned());
    let states = [("active", "Active"), ("disabled", "Disabled")];
    let mut choices = vec![
        Choice::new(address, "group", "Group", "Any group", groups.iter().map(|name| same(name))),
        Choice::new(
            address,
            "permission",
            "Permission",
            "Any permission",
            Permission::ALL.iter().map(|permission| same(permission.as_str())),
        ),
        Choice::new(
            address,
            "status",
            "Status",
            "Any status",
            states.iter().map(|(value, text)| ((*value).to_owned(), (*text).to_owned())),
        ),
    ];
    if !address.value("manager").is_empty() {
        choices.push(Choice::typed(address, "manager", "Manager"));
    }
    let heads = vec![
        Head::sorted(address, "Name", "", "name"),
        Head::plain("Title", "opt2"),
        Head::plain("Groups", "opt"),
        Head::plain("Status", ""),
        Head::sorted(address, "Created", "opt w", "created"),
    ];
    let page = find(evaluation, links, address, address.range(ORDERS));
    Listing::new(&LISTING, address, heads, choices, page, |user| {
        let record = &snapshot.users[user.get()];
        RowView {
            name: links.user(user),
            is_code: false,
            note: record.username.to_string(),
            cells: vec![
                ("opt2", Cell::text(people::position(record))),
                ("opt", Cell::tags(record.groups.iter().map(|group| links.group(*group)))),
                ("", Cell::state(record.status == UserStatus::Active, "Active")),
                ("opt w", Cell::time(links.calendar.day(record.created_at))),
            ],
        }
    })
}

/// What the list shows, as CSV.
pub(super) fn csv(evaluation: &Evaluation, links: &Links<'_>, address: &ListAddress) -> Csv {
    let mut csv = Csv::new(&[
        "username",
        "name",
        "email",
        "title",
        "department",
        "employee_number",
        "manager",
        "identity_provider",
        "status",
        "groups",
        "permissions",
        "created_at",
    ]);
    let snapshot = links.snapshot;
    let whole = ListRange { offset: 0, limit: usize::MAX, ..address.range(ORDERS) };
    for user in find(evaluation, links, address, whole).items {
        let user = &snapshot.users[user.get()];
        let groups: Vec<_> = user.groups.iter().map(|group| &*snapshot.groups[group.get()].name).collect();
        let permissions: Vec<_> = user.permissions.iter().map(|permission| permission.as_str()).collect();
        csv.row([
            &*user.username,
            &*user.name,
            user.email.as_deref().unwrap_or_default(),
            user.title.as_deref().unwrap_or_default(),
            user.department.as_deref().unwrap_or_default(),
            user.employee_number.as_deref().unwrap_or_default(),
            user.manager.map_or("", |manager| &*snapshot.users[manager.get()].username),
            snapshot.symbols.text(user.identity_provider),
            if user.status == UserStatus::Active { "active" } else { "disabled" },
            &groups.join("; "),
            &permissions.join("; "),
            &user.created_at.to_string(),
        ]);
    }
    csv
}

/// What the page of a user says of them.
pub(super) fn facts(evaluation: &Evaluation, links: &Links<'_>, user: &User) -> Vec<Fact> {
    let snapshot = links.snapshot;
    let text = |value: &Option<String>| Cell::text(value.clone().unwrap_or_default());
    let groups = user.groups.iter().map(|name| match snapshot.group(name) {
        Some(group) => links.group(group),
        None => Link::plain(name),
    });
    let groups = groups.chain((user.status == UserStatus::Active).then(|| Link::plain(ALL_USERS)));
    let index = snapshot.user(&user.username);
    let record = index.map(|index| &snapshot.users[index.get()]);
    let attributes = record.map_or_else(Vec::new, |record| people::attributes(snapshot, record));
    let attributes = attributes
        .into_iter()
        .map(|attribute| Value { link: Link::plain(attribute.text), note: attribute.origin });
    let permissions = user.permissions.iter().map(|permission| Value {
        link: Link::plain(permission.as_str()),
        note: people::permission_summary(*permission).to_owned(),
    });
    let mut facts = vec![
        Fact::new("Username", Cell::code(&user.username)),
        Fact::new("Status", Cell::state(user.status == UserStatus::Active, "Active")),
        Fact::new("E-mail", text(&user.email)),
        Fact::new("Title", text(&user.title)),
        Fact::new("Department", text(&user.department)),
        Fact::new("Employee number", text(&user.employee_number)),
        Fact::new("Manager", Cell::links(user.manager.iter().map(|manager| links.username(manager)))),
        Fact::new(
            "Leaving date",
            user.leaving_date.map_or_else(Cell::default, |at| Cell::time(links.calendar.day(at))),
        ),
        Fact::new("Groups", Cell::tags(groups)),
        Fact::new("Attributes", Cell::lines(attributes.collect())),
        Fact::new("Permissions", Cell::lines(permissions.collect())),
    ];
    let name = user.username.as_str();
    if let Some(index) = index {
        if links.may_read(Kind::DataSource) {
            let filter = DataSourceFilter { owner: Some(index), ..DataSourceFilter::default() };
            let owned = evaluation.list_data_sources(&filter, first_rows(0)).total;
            let href = filtered("/console/data-sources", "owner", name);
            facts.push(Fact::new("Owns", count_cell(owned, "data source", "data sources", href)));
        }
        if links.may_read(Kind::User) {
            let filter = UserFilter { manager: Some(index), ..UserFilter::default() };
            let reports = evaluation.list_users(&filter, first_rows(0)).total;
            let href = filtered("/console/users", "manager", name);
            facts.push(Fact::new("Manages", count_cell(reports, "user", "users", href)));
        }
    }
    facts.push(Fact::new("Identity provider", Cell::text(&user.identity_provider)));
    if let Some(record) = record {
        facts.push(Fact::new("Global id", Cell::code(record.global_id.to_string())));
    }
    facts
}
