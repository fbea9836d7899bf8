//! Tags: the list, and what a page says of one.

use domesday_model::{DataSourceIx, Kind, Tag, TagIx, dotted_ancestors};
use domesday_service::evaluation::{DataSourceFilter, Evaluation, GroupingOrder, ListRange};

use super::parts::{Fact, RELATED, Section, first_rows};
use crate::console::csv::Csv;
use crate::console::link::Link;
use crate::console::listing::{Cell, Head, ListAddress, Listing, ListingKind, RowView};
use crate::console::object_links::{Links, filtered};
use crate::console::times::counted;

pub(super) const FILTERS: &[&str] = &["q"];
pub(super) const ORDERS: &[(&str, GroupingOrder)] =
    &[("name", GroupingOrder::Name), ("sources", GroupingOrder::Size)];

/// How many columns of a data source are named.
const MAX_COLUMNS: usize = 5;

static LISTING: ListingKind = ListingKind {
    label: "Find tags",
    placeholder: "Find a tag",
    one: "tag",
    many: "tags",
    nothing: "No tags yet.",
    source: "A catalog declares them, and policies select data by them.",
};

/// The list.
pub(super) fn list(evaluation: &Evaluation, links: &Links<'_>, address: &ListAddress) -> Listing {
    let snapshot = links.snapshot;
    let heads = vec![
        Head::sorted(address, "Name", "", "name"),
        Head::plain("Description", "opt2"),
        Head::sorted(address, "Data sources", "n", "sources"),
    ];
    let page = evaluation.list_tags(address.value("q"), address.range(ORDERS));
    Listing::new(&LISTING, address, heads, Vec::new(), page, |tag| {
        let spec = &snapshot.tags[tag.index.get()].spec;
        let href = filtered("/console/data-sources", "tag", &spec.name);
        RowView {
            name: links.tag(tag.index),
            is_code: false,
            note: String::new(),
            cells: vec![
                ("opt2", Cell::text(spec.description.clone().unwrap_or_default())),
                ("n", Cell::linked_number(tag.size, href)),
            ],
        }
    })
}

/// What the list shows, as CSV.
pub(super) fn csv(evaluation: &Evaluation, links: &Links<'_>, address: &ListAddress) -> Csv {
    let mut csv = Csv::new(&["name", "description", "data_sources"]);
    let whole = ListRange { offset: 0, limit: usize::MAX, ..address.range(ORDERS) };
    for tag in evaluation.list_tags(address.value("q"), whole).items {
        let spec = &links.snapshot.tags[tag.index.get()].spec;
        csv.row([spec.name.as_str(), spec.description.as_deref().unwrap_or_default(), &tag.size.to_string()]);
    }
    csv
}

/// What the page of a tag says of it.
pub(super) fn facts(links: &Links<'_>, tag: &Tag) -> Vec<Fact> {
    let snapshot = links.snapshot;
    let link = |name: &str| snapshot.tag(name).map_or_else(|| Link::plain(name), |tag| links.tag(tag));
    let above = dotted_ancestors(&tag.name).map(link);
    let prefix = format!("{}.", tag.name);
    let below = snapshot.tags.iter().enumerate().filter(|(_, it)| it.spec.name.starts_with(&prefix));
    let below: Vec<_> = below.map(|(index, _)| links.tag(TagIx::at(index))).collect();
    vec![
        Fact::new("Description", Cell::text(tag.description.clone().unwrap_or_default())),
        Fact::new("Above it", Cell::tags(above)),
        Fact::new("Below it", Cell::tags(below)),
    ]
}

/// The data sources with the tag, and the policies that name it.
pub(super) fn sections(evaluation: &Evaluation, links: &Links<'_>, tag: &Tag) -> Vec<Section> {
    let Some(index) = links.snapshot.tag(&tag.name) else { return Vec::new() };
    let filter = DataSourceFilter { tag: Some(index), ..DataSourceFilter::default() };
    let page = evaluation.list_data_sources(&filter, first_rows(RELATED));
    let rows = page.items.iter().map(|source| RowView {
        name: links.data_source(*source),
        is_code: false,
        note: String::new(),
        cells: vec![("", tagged(links, *source, index))],
    });
    let more = (page.total > RELATED)
        .then(|| Link::new("All data sources", filtered("/console/data-sources", "tag", &tag.name)));
    let mut sections = vec![Section {
        id: "sources",
        title: "Data sources with it",
        note: counted(page.total as u64, "data source", "data sources"),
        more,
        heads: vec![("", "Data source"), ("", "Tagged")],
        rows: rows.collect(),
        nothing: "No data source has this tag.",
    }];
    if links.may_read(Kind::Policy) {
        let rows = links.policies(&evaluation.policies_naming_tag(index));
        sections.push(Section::of_policies(rows, "No policy names this tag."));
    }
    sections
}

/// What of a data source has a tag.
fn tagged(links: &Links<'_>, source: DataSourceIx, tag: TagIx) -> Cell {
    let snapshot = links.snapshot;
    let mut parts = Vec::new();
    if snapshot.data_sources[source.get()].tags.contains(&tag) {
        parts.push("the data source".to_owned());
    }
    let columns = snapshot.columns_of(source).filter(|(_, column)| column.tags.contains(&tag));
    let columns: Vec<_> = columns.map(|(_, column)| column.name.to_string()).collect();
    if !columns.is_empty() {
        let named = columns.iter().take(MAX_COLUMNS).cloned().collect::<Vec<_>>().join(", ");
        let more = columns.len().saturating_sub(MAX_COLUMNS);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        parts.push(format!("{} {named}{more}", if columns.len() == 1 { "column" } else { "columns" }));
    }
    Cell::text(parts.join("; "))
}
