//! *Domains*: the list, and a domain with its managers, data sources and products.

use std::collections::BTreeMap;
use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::get;
use domesday_model::DataSourceStatus;
use domesday_service::ServiceError;
use domesday_service::caller::Permit;
use domesday_service::evaluation::{ASSET_READERS, Evaluation, READERS, Selector};

use super::access::source_path;
use super::assets::{Assets, assets};
use super::csv::Csv;
use super::directory::Directory;
use super::errors::Failure;
use super::form::Form;
use super::link::Link;
use super::page;
use super::paged::{Head, ListAddress, contains};
use super::pager::Pager;
use super::paths::{domain_path, product_path, with_query};
use super::shell::Shell;
use super::signed_in::SignedIn;
use super::times::{TimeView, counted, grouped};
use crate::state::{App, AppState};

const PATH: &str = "/console/domains";

/// How many rows a page has.
const PAGE: usize = 25;

/// How many data sources and products of a domain are shown.
const LISTED: usize = 100;

/// Returns the routes of these pages.
pub(super) fn routes() -> Router<App> {
    Router::new()
        .route(PATH, get(list))
        .route("/console/domains.csv", get(csv))
        .route("/console/domains/{name}", get(show))
}

#[derive(Template)]
#[template(path = "console/domains/list.html")]
struct DomainsPage {
    assets: &'static Assets,
    shell: Shell,
    path: &'static str,
    text: String,
    sort: String,
    csv: String,
    total: String,
    unfiltered: String,
    heads: Vec<Head>,
    rows: Vec<DomainRow>,
    pager: Pager,
}

struct DomainRow {
    link: Link,
    description: String,
    managers: String,
    sources: String,
    products: String,
}

#[derive(Template)]
#[template(path = "console/domains/show.html")]
struct DomainPage {
    assets: &'static Assets,
    shell: Shell,
    name: String,
    description: String,
    /// Who has each permission inside the domain.
    permissions: Vec<(String, Vec<Link>)>,
    source_count: String,
    sources: Vec<SourceRow>,
    more_sources: usize,
    products: Vec<(Link, String, bool)>,
    product_count: String,
    all_products: String,
    created: TimeView,
    updated: TimeView,
    origin: String,
}

struct SourceRow {
    source: Link,
    platform: String,
    is_disabled: bool,
    owners: String,
}

/// The figures of a domain.
#[derive(Clone, Copy, Default)]
struct Figures {
    sources: u64,
    products: u64,
}

struct Listing {
    evaluation: Arc<Evaluation>,
    address: ListAddress,
    figures: Vec<Figures>,
    found: Vec<usize>,
}

async fn load(app: &AppState, signed_in: &SignedIn, form: &Form) -> Result<Listing, Failure> {
    Permit::AnyOf(ASSET_READERS).check(&signed_in.caller)?;
    let evaluation = app.service.evaluations.current(signed_in.caller.revision).await?;
    let address = ListAddress::read(PATH, form, &["q", "sort"])?;
    let snapshot = evaluation.snapshot();
    let mut figures = vec![Figures::default(); snapshot.domains.len()];
    for domain in snapshot.data_sources.iter().filter_map(|source| source.domain) {
        figures[domain.get()].sources += 1;
    }
    for product in &snapshot.data_products {
        for domain in product.spec.domains.iter().filter_map(|name| snapshot.domain(name)) {
            figures[domain.get()].products += 1;
        }
    }
    let text = address.value("q");
    let domains = snapshot.domains.iter().enumerate();
    let found = domains.filter(|(_, domain)| {
        contains(&domain.spec.name, text)
            || domain.spec.description.as_deref().is_some_and(|it| contains(it, text))
    });
    let mut found: Vec<_> = found.map(|(position, _)| position).collect();
    let name = |position: usize| snapshot.domains[position].spec.name.to_lowercase();
    found.sort_by_cached_key(|position| name(*position));
    let (order, is_descending) = address.order();
    match order {
        "" | "name" => {}
        "sources" => found.sort_by_key(|position| figures[*position].sources),
        "products" => found.sort_by_key(|position| figures[*position].products),
        _ => {
            return Err(ServiceError::invalid(
                "the address has a `sort` that is not one of name, sources, products, with a `-` before it for the reverse",
            )
            .into());
        }
    }
    if is_descending {
        found.reverse();
    }
    Ok(Listing { address, figures, found, evaluation })
}

async fn list(State(app): State<App>, signed_in: SignedIn, form: Form) -> Result<Response, Failure> {
    let Listing { evaluation, address, figures, found } = load(&app, &signed_in, &form).await?;
    let snapshot = evaluation.snapshot();
    let directory = Directory::new(snapshot, &signed_in.caller);
    let total = found.len();
    let (shown, pager) = address.page(found, PAGE, "domain", "domains");
    let rows = shown.into_iter().map(|position| {
        let domain = &snapshot.domains[position].spec;
        let mut managers: Vec<_> =
            domain.permissions.iter().map(|given| directory.name(&given.user)).collect();
        managers.dedup();
        let more = managers.len().saturating_sub(3);
        managers.truncate(3);
        if more > 0 {
            managers.push(format!("{more} more"));
        }
        DomainRow {
            link: Link::new(domain.name.as_str(), domain_path(&domain.name)),
            description: domain.description.clone().unwrap_or_default(),
            managers: managers.join(", "),
            sources: grouped(figures[position].sources),
            products: grouped(figures[position].products),
        }
    });
    let rows = rows.collect();
    Ok(page(&DomainsPage {
        assets: assets(),
        path: PATH,
        text: address.value("q").to_owned(),
        sort: address.value("sort").to_owned(),
        csv: address.href("/console/domains.csv", &[]),
        total: counted(total as u64, "domain", "domains"),
        unfiltered: counted(snapshot.domains.len() as u64, "domain", "domains"),
        heads: vec![
            address.head("Name", "", "name", Some(false)),
            address.head("Data sources", "n", "sources", None),
            address.head("Data products", "n", "products", None),
        ],
        rows,
        pager,
        shell: signed_in.shell,
    }))
}

async fn csv(State(app): State<App>, signed_in: SignedIn, form: Form) -> Result<Response, Failure> {
    let Listing { evaluation, figures, found, .. } = load(&app, &signed_in, &form).await?;
    let mut csv = Csv::new(&["name", "description", "permissions", "data_sources", "data_products"]);
    for position in found {
        let domain = &evaluation.snapshot().domains[position].spec;
        let permissions =
            domain.permissions.iter().map(|given| format!("{} {}", given.user, given.permission));
        csv.row([
            domain.name.as_str(),
            domain.description.as_deref().unwrap_or_default(),
            &permissions.collect::<Vec<_>>().join("; "),
            &figures[position].sources.to_string(),
            &figures[position].products.to_string(),
        ]);
    }
    Ok(csv.into_response("domains"))
}

async fn show(
    State(app): State<App>,
    Path(name): Path<String>,
    signed_in: SignedIn,
) -> Result<Response, Failure> {
    Permit::AnyOf(ASSET_READERS).check(&signed_in.caller)?;
    let evaluation = app.service.evaluations.current(signed_in.caller.revision).await?;
    let snapshot = evaluation.snapshot();
    let SignedIn { caller, shell, .. } = signed_in;
    let domain = snapshot
        .domain(&name)
        .ok_or_else(|| ServiceError::not_found(format!("there is no domain `{name}`")))?;
    let record = &snapshot.domains[domain.get()];
    let directory = Directory::new(snapshot, &caller);
    let inside = snapshot.data_sources.iter().filter(|source| source.domain == Some(domain));
    let source_count = inside.clone().count();
    let mut inside: Vec<_> = inside.collect();
    inside.sort_by(|one, other| one.name.cmp(&other.name));
    let sources = inside.into_iter().take(LISTED).map(|source| {
        let owns = || evaluation.select(&caller, None, Some(Selector::Name(&source.name))).is_ok();
        let is_shown = caller.has_any(READERS) || owns();
        let href = if is_shown { source_path(source.id.0) } else { String::new() };
        let owners = source.owners.iter().map(|it| directory.name(&snapshot.users[it.get()].username));
        SourceRow {
            source: Link::new(&*source.name, href),
            platform: source.platform.to_string(),
            is_disabled: source.status == DataSourceStatus::Disabled,
            owners: owners.collect::<Vec<_>>().join(", "),
        }
    });
    let products = snapshot.data_products.iter().filter(|product| product.spec.domains.contains(&name));
    let product_count = products.clone().count();
    let products = products.take(LISTED).map(|product| {
        let link = Link::new(product.spec.name.as_str(), product_path(product.id.0));
        let is_suspended = product.spec.status == domesday_model::ProductStatus::Suspended;
        (link, product.spec.description.clone().unwrap_or_default(), is_suspended)
    });
    let mut permissions: BTreeMap<String, Vec<Link>> = BTreeMap::new();
    for given in &record.spec.permissions {
        permissions.entry(given.permission.clone()).or_default().push(directory.link(&given.user));
    }
    Ok(page(&DomainPage {
        assets: assets(),
        name: record.spec.name.clone(),
        description: record.spec.description.clone().unwrap_or_default(),
        permissions: permissions.into_iter().collect(),
        source_count: counted(source_count as u64, "data source", "data sources"),
        sources: sources.collect(),
        more_sources: source_count.saturating_sub(LISTED),
        products: products.collect(),
        product_count: counted(product_count as u64, "data product", "data products"),
        all_products: with_query(super::products::PATH, [("domain", name.as_str())]),
        created: shell.calendar.time(record.provenance.created_at),
        updated: shell.calendar.time(record.provenance.updated_at),
        origin: record.provenance.origin.to_string(),
        shell,
    }))
}
