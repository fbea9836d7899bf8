//! Data sources: the list, and what a page says of one.

use domesday_model::{DataSource, DataSourceIx, DataSourceStatus, SnapshotDataSource};
use domesday_service::evaluation::{DataSourceFilter, DataSourceOrder, Evaluation, ListPage, ListRange};

use super::parts::{Fact, Section};
use crate::console::csv::Csv;
use crate::console::link::Link;
use crate::console::listing::{Cell, Choice, Head, ListAddress, Listing, ListingKind, RowView};
use crate::console::object_links::Links;
use crate::console::paths::product_path;
use crate::console::times::counted;

pub(super) const FILTERS: &[&str] = &["q", "platform", "domain", "tag", "owner", "status"];
pub(super) const ORDERS: &[(&str, DataSourceOrder)] =
    &[("name", DataSourceOrder::Name), ("created", DataSourceOrder::CreatedAt)];

static LISTING: ListingKind = ListingKind {
    label: "Find data sources",
    placeholder: "Find a data source",
    one: "data source",
    many: "data sources",
    nothing: "No data sources yet.",
    source: "Connections bring them in from a database; a catalog declares them.",
};

/// Reads the filter; none when it names something that does not exist.
fn filter(links: &Links<'_>, address: &ListAddress) -> Option<DataSourceFilter> {
    let snapshot = links.snapshot;
    let mut filter = DataSourceFilter {
        text: address.value("q").to_owned(),
        platform: address.value("platform").to_owned(),
        ..DataSourceFilter::default()
    };
    filter.status = match address.value("status") {
        "" => None,
        "enabled" => Some(DataSourceStatus::Enabled),
        "disabled" => Some(DataSourceStatus::Disabled),
        _ => return None,
    };
    if !address.value("domain").is_empty() {
        filter.domain = Some(snapshot.domain(address.value("domain"))?);
    }
    if !address.value("tag").is_empty() {
        filter.tag = Some(snapshot.tag(address.value("tag"))?);
    }
    if !address.value("owner").is_empty() {
        filter.owner = Some(snapshot.user(address.value("owner"))?);
    }
    Some(filter)
}

fn find(
    evaluation: &Evaluation,
    links: &Links<'_>,
    address: &ListAddress,
    range: ListRange<DataSourceOrder>,
) -> ListPage<DataSourceIx> {
    match filter(links, address) {
        Some(filter) => evaluation.list_data_sources(&filter, range),
        None => ListPage { items: Vec::new(), total: 0, unfiltered: links.snapshot.data_sources.len() },
    }
}

/// The list.
pub(super) fn list(evaluation: &Evaluation, links: &Links<'_>, address: &ListAddress) -> Listing {
    let snapshot = links.snapshot;
    let sorted = |mut names: Vec<String>| {
        names.sort_unstable();
        names.into_iter().map(|name| (name.clone(), name)).collect::<Vec<_>>()
    };
    let platforms = sorted(evaluation.platforms().into_iter().map(str::to_owned).collect());
    let domains = sorted(snapshot.domains.iter().map(|domain| domain.spec.name.clone()).collect());
    let tags = sorted(snapshot.tags.iter().map(|tag| tag.spec.name.clone()).collect());
    let states = [("enabled", "Enabled"), ("disabled", "Disabled")];
    let mut choices = vec![
        Choice::new(address, "platform", "Platform", "Any platform", platforms.into_iter()),
        Choice::new(address, "domain", "Domain", "Any domain", domains.into_iter()),
        Choice::new(address, "tag", "Tag", "Any tag", tags.into_iter()),
        Choice::new(
            address,
            "status",
            "Status",
            "Any status",
            states.iter().map(|(value, text)| ((*value).to_owned(), (*text).to_owned())),
        ),
    ];
    if !address.value("owner").is_empty() {
        choices.push(Choice::typed(address, "owner", "Owner"));
    }
    let heads = vec![
        Head::sorted(address, "Name", "", "name"),
        Head::plain("Platform", "opt2"),
        Head::plain("Domain", "opt"),
        Head::plain("Owners", "opt"),
        Head::plain("Columns", "n opt2"),
        Head::plain("Status", ""),
        Head::sorted(address, "Registered", "opt w", "created"),
    ];
    let page = find(evaluation, links, address, address.range(ORDERS));
    Listing::new(&LISTING, address, heads, choices, page, |source| {
        let record = &snapshot.data_sources[source.get()];
        RowView {
            name: links.data_source(source),
            is_code: false,
            note: place(record),
            cells: vec![
                ("opt2", Cell::text(&*record.platform)),
                ("opt", Cell::links(record.domain.map(|domain| links.domain(domain)))),
                ("opt", Cell::links(record.owners.iter().map(|owner| links.user(*owner)))),
                ("n opt2", Cell::linked_number(record.columns.len(), columns_path(record))),
                ("", Cell::state(record.status == DataSourceStatus::Enabled, "Enabled")),
                ("opt w", Cell::time(links.calendar.day(record.created_at))),
            ],
        }
    })
}

/// The columns on the page of a data source.
fn columns_path(source: &SnapshotDataSource) -> String {
    format!("/console/data-sources/{}#columns", source.id.0)
}

/// Where the data lies: database, schema and table, as far as they are known.
fn place(source: &SnapshotDataSource) -> String {
    let parts = [&source.database, &source.schema, &source.table];
    parts.into_iter().flatten().map(|part| &**part).collect::<Vec<_>>().join(".")
}

/// What the list shows, as CSV.
pub(super) fn csv(evaluation: &Evaluation, links: &Links<'_>, address: &ListAddress) -> Csv {
    let mut csv = Csv::new(&[
        "name",
        "platform",
        "host",
        "database",
        "schema",
        "table",
        "domain",
        "owners",
        "tags",
        "columns",
        "status",
        "created_at",
    ]);
    let snapshot = links.snapshot;
    let whole = ListRange { offset: 0, limit: usize::MAX, ..address.range(ORDERS) };
    for source in find(evaluation, links, address, whole).items {
        let source = &snapshot.data_sources[source.get()];
        let owners = source.owners.iter().map(|owner| &*snapshot.users[owner.get()].username);
        let tags = source.tags.iter().map(|tag| snapshot.tags[tag.get()].spec.name.as_str());
        csv.row([
            &*source.name,
            &*source.platform,
            source.host.as_deref().unwrap_or_default(),
            source.database.as_deref().unwrap_or_default(),
            source.schema.as_deref().unwrap_or_default(),
            source.table.as_deref().unwrap_or_default(),
            source.domain.map_or("", |domain| snapshot.domains[domain.get()].spec.name.as_str()),
            &owners.collect::<Vec<_>>().join("; "),
            &tags.collect::<Vec<_>>().join("; "),
            &source.columns.len().to_string(),
            if source.status == DataSourceStatus::Enabled { "enabled" } else { "disabled" },
            &source.created_at.to_string(),
        ]);
    }
    csv
}

/// What the page of a data source says of it.
pub(super) fn facts(links: &Links<'_>, source: &DataSource) -> Vec<Fact> {
    let snapshot = links.snapshot;
    let text = |value: &Option<String>| Cell::text(value.clone().unwrap_or_default());
    let domain = source.domain.iter().map(|name| match snapshot.domain(name) {
        Some(domain) => links.domain(domain),
        None => Link::plain(name),
    });
    vec![
        Fact::new("Platform", Cell::text(&source.platform)),
        Fact::new("Host", text(&source.host)),
        Fact::new("Database", text(&source.database)),
        Fact::new("Schema", text(&source.schema)),
        Fact::new("Table", text(&source.table)),
        Fact::new("Domain", Cell::links(domain)),
        Fact::new("Owners", Cell::links(source.owners.iter().map(|owner| links.username(owner)))),
        Fact::new("Status", Cell::state(source.status == DataSourceStatus::Enabled, "Enabled")),
        Fact::new("Tags", tags(links, source.tags.iter())),
        Fact::new("Opts into", Cell::links(source.opt_in_policies.iter().map(|name| links.policy(name)))),
        Fact::new("Level choice", Cell::links(source.level_choice.iter().map(|name| links.policy(name)))),
    ]
}

fn tags<'t>(links: &Links<'_>, names: impl Iterator<Item = &'t String>) -> Cell {
    Cell::tags(names.map(|name| match links.snapshot.tag(name) {
        Some(tag) => links.tag(tag),
        None => Link::plain(name),
    }))
}

/// The columns, and the data products with the data source.
pub(super) fn sections(links: &Links<'_>, source: &DataSource) -> Vec<Section> {
    let columns = source.columns.iter().map(|column| RowView {
        name: Link::plain(&column.name),
        is_code: true,
        note: String::new(),
        cells: vec![
            ("", Cell::code(&column.data_type)),
            ("opt2", Cell::text(if column.nullable { "yes" } else { "no" })),
            ("", tags(links, column.tags.iter())),
            ("opt", Cell::text(column.description.clone().unwrap_or_default())),
        ],
    });
    let products = links.snapshot.data_products.iter();
    let products = products.filter(|it| it.spec.data_sources.iter().any(|asset| asset.name == source.name));
    let products: Vec<_> = products
        .map(|product| RowView {
            name: Link::new(&product.spec.name, product_path(product.id.0)),
            is_code: false,
            note: String::new(),
            cells: vec![("", Cell::links(product.spec.domains.iter().map(Link::plain)))],
        })
        .collect();
    vec![
        Section {
            id: "columns",
            title: "Columns",
            note: counted(source.columns.len() as u64, "column", "columns"),
            more: None,
            heads: vec![
                ("", "Column"),
                ("", "Type"),
                ("opt2", "Nullable"),
                ("", "Tags"),
                ("opt", "Description"),
            ],
            rows: columns.collect(),
            nothing: "No columns are declared.",
        },
        Section {
            id: "products",
            title: "Data products with it",
            note: counted(products.len() as u64, "data product", "data products"),
            more: None,
            heads: vec![("", "Data product"), ("", "Domains")],
            rows: products,
            nothing: "No data product contains it.",
        },
    ]
}
