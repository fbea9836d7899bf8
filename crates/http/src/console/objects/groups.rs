//! Groups: the list, and what a page says of one.

use domesday_model::{Group, GroupIx, Kind, Snapshot, UserStatus};
use domesday_service::evaluation::{Evaluation, GroupingOrder, ListRange, UserFilter};

use super::parts::{Fact, RELATED, Section, count_cell, first_rows};
use crate::console::csv::Csv;
use crate::console::link::Link;
use crate::console::listing::{Cell, Head, ListAddress, Listing, ListingKind, RowView, Value};
use crate::console::object_links::{Links, filtered};
use crate::console::people;
use crate::console::times::counted;

pub(super) const FILTERS: &[&str] = &["q"];
pub(super) const ORDERS: &[(&str, GroupingOrder)] =
    &[("name", GroupingOrder::Name), ("members", GroupingOrder::Size)];

static LISTING: ListingKind = ListingKind {
    label: "Find groups",
    placeholder: "Find a group",
    one: "group",
    many: "groups",
    nothing: "No groups yet.",
    source: "Connections bring them in from a directory; a catalog declares them.",
};

fn attributes(snapshot: &Snapshot, group: GroupIx) -> Vec<String> {
    let pairs = snapshot.groups[group.get()].attributes.iter();
    let text = |symbol| snapshot.symbols.text(symbol);
    pairs.map(|(key, value)| format!("{} = {}", text(*key), text(*value))).collect()
}

/// The list.
pub(super) fn list(evaluation: &Evaluation, links: &Links<'_>, address: &ListAddress) -> Listing {
    let snapshot = links.snapshot;
    let heads = vec![
        Head::sorted(address, "Name", "", "name"),
        Head::plain("Attributes", "opt2"),
        Head::sorted(address, "Members", "n", "members"),
    ];
    let page = evaluation.list_groups(address.value("q"), address.range(ORDERS));
    Listing::new(&LISTING, address, heads, Vec::new(), page, |group| {
        let name = &*snapshot.groups[group.index.get()].name;
        let attributes = attributes(snapshot, group.index).into_iter();
        let attributes = attributes.map(|text| Value::from(Link::plain(text)));
        RowView {
            name: links.group(group.index),
            is_code: false,
            note: String::new(),
            cells: vec![
                ("opt2", Cell::lines(attributes.collect())),
                ("n", Cell::linked_number(group.size, filtered("/console/users", "group", name))),
            ],
        }
    })
}

/// What the list shows, as CSV.
pub(super) fn csv(evaluation: &Evaluation, links: &Links<'_>, address: &ListAddress) -> Csv {
    let mut csv = Csv::new(&["name", "members", "attributes"]);
    let whole = ListRange { offset: 0, limit: usize::MAX, ..address.range(ORDERS) };
    for group in evaluation.list_groups(address.value("q"), whole).items {
        csv.row([
            &*links.snapshot.groups[group.index.get()].name,
            &group.size.to_string(),
            &attributes(links.snapshot, group.index).join("; "),
        ]);
    }
    csv
}

/// What the page of a group says of it.
pub(super) fn facts(evaluation: &Evaluation, links: &Links<'_>, group: &Group) -> Vec<Fact> {
    let attributes = group.attributes.iter();
    let attributes =
        attributes.flat_map(|(key, values)| values.iter().map(move |it| format!("{key} = {it}")));
    let attributes = attributes.map(|text| Value::from(Link::plain(text)));
    let mut facts = vec![
        Fact::new("Description", Cell::text(group.description.clone().unwrap_or_default())),
        Fact::new("Attributes", Cell::lines(attributes.collect())),
    ];
    if let Some(index) = links.snapshot.group(&group.name) {
        let filter = UserFilter { group: Some(index), ..UserFilter::default() };
        let members = evaluation.list_users(&filter, first_rows(0)).total;
        let href = filtered("/console/users", "group", &group.name);
        facts.push(Fact::new("Members", count_cell(members, "user", "users", href)));
    }
    facts
}

/// The members, and the policies that name the group.
pub(super) fn sections(evaluation: &Evaluation, links: &Links<'_>, group: &Group) -> Vec<Section> {
    let Some(index) = links.snapshot.group(&group.name) else { return Vec::new() };
    let filter = UserFilter { group: Some(index), ..UserFilter::default() };
    let page = evaluation.list_users(&filter, first_rows(RELATED));
    let rows = page.items.iter().map(|user| {
        let record = &links.snapshot.users[user.get()];
        RowView {
            name: links.user(*user),
            is_code: false,
            note: record.username.to_string(),
            cells: vec![
                ("opt2", Cell::text(people::position(record))),
                ("", Cell::state(record.status == UserStatus::Active, "Active")),
            ],
        }
    });
    let more = (page.total > RELATED)
        .then(|| Link::new("All members", filtered("/console/users", "group", &group.name)));
    let mut sections = vec![Section {
        id: "members",
        title: "Members",
        note: counted(page.total as u64, "user", "users"),
        more,
        heads: vec![("", "Name"), ("opt2", "Title"), ("", "Status")],
        rows: rows.collect(),
        nothing: "No user is in this group.",
    }];
    if links.may_read(Kind::Policy) {
        let rows = links.policies(&evaluation.policies_naming_group(index));
        sections.push(Section::of_policies(rows, "No policy names this group."));
    }
    sections
}
