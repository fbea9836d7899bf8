//! Domains: the list, and what a page says of one.

use std::collections::BTreeMap;

use domesday_model::{Domain, DomainIx, ProductStatus};
use domesday_service::evaluation::{DataSourceFilter, Evaluation, ListPage, ListRange};

use super::parts::{Fact, RELATED, Section, count_cell, first_rows};
use crate::console::csv::Csv;
use crate::console::link::Link;
use crate::console::listing::{Cell, Head, ListAddress, Listing, ListingKind, RowView};
use crate::console::object_links::{Links, filtered};
use crate::console::paths::product_path;
use crate::console::times::counted;

/// The order of domains.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum DomainOrder {
    #[default]
    Name,
    DataSources,
    DataProducts,
}

pub(super) const FILTERS: &[&str] = &["q"];
pub(super) const ORDERS: &[(&str, DomainOrder)] = &[
    ("name", DomainOrder::Name),
    ("sources", DomainOrder::DataSources),
    ("products", DomainOrder::DataProducts),
];

/// How many people with permissions a row names.
const MAX_PEOPLE: usize = 3;

static LISTING: ListingKind = ListingKind {
    label: "Find domains",
    placeholder: "Find a domain",
    one: "domain",
    many: "domains",
    nothing: "No domains yet.",
    source: "A domain groups data sources, and names who answers for them.",
};

/// A domain with how much is in it.
#[derive(Debug, Clone, Copy)]
struct Counted {
    index: DomainIx,
    sources: usize,
    products: usize,
}

fn find(links: &Links<'_>, text: &str, range: ListRange<DomainOrder>) -> ListPage<Counted> {
    let snapshot = links.snapshot;
    let mut all: Vec<_> = (0..snapshot.domains.len())
        .map(|index| Counted { index: DomainIx::at(index), sources: 0, products: 0 })
        .collect();
    for domain in snapshot.data_sources.iter().filter_map(|source| source.domain) {
        all[domain.get()].sources += 1;
    }
    for product in &snapshot.data_products {
        for domain in product.spec.domains.iter().filter_map(|name| snapshot.domain(name)) {
            all[domain.get()].products += 1;
        }
    }
    let unfiltered = all.len();
    let text = text.to_lowercase();
    let spec = |found: &Counted| &snapshot.domains[found.index.get()].spec;
    all.retain(|found| {
        let spec = spec(found);
        let about = spec.description.as_deref().unwrap_or_default();
        spec.name.to_lowercase().contains(&text) || about.to_lowercase().contains(&text)
    });
    all.sort_by_cached_key(|found| spec(found).name.to_lowercase());
    match range.order {
        DomainOrder::Name => {}
        DomainOrder::DataSources => all.sort_by_key(|found| found.sources),
        DomainOrder::DataProducts => all.sort_by_key(|found| found.products),
    }
    if range.is_descending {
        all.reverse();
    }
    let total = all.len();
    let items = all.into_iter().skip(range.offset).take(range.limit).collect();
    ListPage { items, total, unfiltered }
}

/// The people with permissions inside a domain, each once.
fn people(links: &Links<'_>, domain: &Domain) -> Vec<Link> {
    let mut names: Vec<&str> = domain.permissions.iter().map(|given| given.user.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    let more = names.len().saturating_sub(MAX_PEOPLE);
    let mut people: Vec<_> = names.into_iter().take(MAX_PEOPLE).map(|name| links.username(name)).collect();
    if more > 0 {
        people.push(Link::plain(format!("{more} more")));
    }
    people
}

fn sources_path(name: &str) -> String {
    filtered("/console/data-sources", "domain", name)
}

fn products_path(name: &str) -> String {
    filtered("/console/products", "domain", name)
}

/// The list.
pub(super) fn list(links: &Links<'_>, address: &ListAddress) -> Listing {
    let heads = vec![
        Head::sorted(address, "Name", "", "name"),
        Head::sorted(address, "Data sources", "n", "sources"),
        Head::sorted(address, "Data products", "n", "products"),
        Head::plain("People with permissions", "opt"),
    ];
    let page = find(links, address.value("q"), address.range(ORDERS));
    Listing::new(&LISTING, address, heads, Vec::new(), page, |found| {
        let domain = &links.snapshot.domains[found.index.get()].spec;
        RowView {
            name: links.domain(found.index),
            is_code: false,
            note: domain.description.clone().unwrap_or_default(),
            cells: vec![
                ("n", Cell::linked_number(found.sources, sources_path(&domain.name))),
                ("n", Cell::linked_number(found.products, products_path(&domain.name))),
                ("opt", Cell::links(people(links, domain))),
            ],
        }
    })
}

/// What the list shows, as CSV.
pub(super) fn csv(links: &Links<'_>, address: &ListAddress) -> Csv {
    let mut csv = Csv::new(&["name", "description", "permissions", "data_sources", "data_products"]);
    let whole = ListRange { offset: 0, limit: usize::MAX, ..address.range(ORDERS) };
    for found in find(links, address.value("q"), whole).items {
        let domain = &links.snapshot.domains[found.index.get()].spec;
        let permissions =
            domain.permissions.iter().map(|given| format!("{} {}", given.user, given.permission));
        csv.row([
            domain.name.as_str(),
            domain.description.as_deref().unwrap_or_default(),
            &permissions.collect::<Vec<_>>().join("; "),
            &found.sources.to_string(),
            &found.products.to_string(),
        ]);
    }
    csv
}

/// What the page of a domain says of it.
pub(super) fn facts(evaluation: &Evaluation, links: &Links<'_>, domain: &Domain) -> Vec<Fact> {
    let products = products(links, domain).count();
    vec![
        Fact::new("Description", Cell::text(domain.description.clone().unwrap_or_default())),
        Fact::new(
            "Data sources",
            count_cell(
                count(evaluation, &domain.name),
                "data source",
                "data sources",
                sources_path(&domain.name),
            ),
        ),
        Fact::new(
            "Data products",
            count_cell(products, "data product", "data products", products_path(&domain.name)),
        ),
    ]
}

/// How many data sources are in a domain.
pub(super) fn count(evaluation: &Evaluation, name: &str) -> usize {
    evaluation.snapshot().domain(name).map_or(0, |domain| {
        let filter = DataSourceFilter { domain: Some(domain), ..DataSourceFilter::default() };
        evaluation.list_data_sources(&filter, first_rows(0)).total
    })
}

fn products<'l>(links: &'l Links<'_>, domain: &'l Domain) -> impl Iterator<Item = RowView> + 'l {
    let products = links.snapshot.data_products.iter();
    let products = products.filter(|product| product.spec.domains.contains(&domain.name));
    products.map(|product| RowView {
        name: Link::new(&product.spec.name, product_path(product.id.0)),
        is_code: false,
        note: if product.spec.status == ProductStatus::Suspended { "suspended" } else { "" }.to_owned(),
        cells: vec![("", Cell::text(product.spec.description.clone().unwrap_or_default()))],
    })
}

/// The people with permissions inside the domain, its data sources and its data products.
pub(super) fn sections(evaluation: &Evaluation, links: &Links<'_>, domain: &Domain) -> Vec<Section> {
    let mut given: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for one in &domain.permissions {
        given.entry(&one.user).or_default().push(&one.permission);
    }
    let managers: Vec<_> = given
        .into_iter()
        .map(|(user, permissions)| RowView {
            name: links.username(user),
            is_code: false,
            note: user.to_owned(),
            cells: vec![("", Cell::text(permissions.join(", ")))],
        })
        .collect();
    let filter =
        DataSourceFilter { domain: links.snapshot.domain(&domain.name), ..DataSourceFilter::default() };
    let page = evaluation.list_data_sources(&filter, first_rows(RELATED));
    let sources = page.items.iter().map(|source| {
        let record = &links.snapshot.data_sources[source.get()];
        RowView {
            name: links.data_source(*source),
            is_code: false,
            note: String::new(),
            cells: vec![
                ("opt2", Cell::text(&*record.platform)),
                ("", Cell::links(record.owners.iter().map(|owner| links.user(*owner)))),
            ],
        }
    });
    let all: Vec<_> = products(links, domain).collect();
    let (products, more_products) = (all.len(), all.len() > RELATED);
    vec![
        Section {
            id: "managers",
            title: "People with permissions inside it",
            note: counted(managers.len() as u64, "person", "people"),
            more: None,
            heads: vec![("", "Person"), ("", "Permissions")],
            rows: managers,
            nothing: "Nobody has a permission inside this domain.",
        },
        Section {
            id: "sources",
            title: "Data sources",
            note: counted(page.total as u64, "data source", "data sources"),
            more: (page.total > RELATED).then(|| Link::new("All data sources", sources_path(&domain.name))),
            heads: vec![("", "Data source"), ("opt2", "Platform"), ("", "Owners")],
            rows: sources.collect(),
            nothing: "No data source is in this domain.",
        },
        Section {
            id: "products",
            title: "Data products",
            note: counted(products as u64, "data product", "data products"),
            more: more_products.then(|| Link::new("All data products", products_path(&domain.name))),
            heads: vec![("", "Data product"), ("", "About")],
            rows: all.into_iter().take(RELATED).collect(),
            nothing: "No data product is in this domain.",
        },
    ]
}
