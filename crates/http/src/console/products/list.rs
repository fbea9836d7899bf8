//! The list of data products.

use std::collections::HashMap;
use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use domesday_model::{ProductStatus, Target};
use domesday_service::evaluation::{ASSET_READERS, Evaluation, READERS};

use super::{PATH, Standing, standing};
use crate::console::assets::{Assets, assets};
use crate::console::csv::Csv;
use crate::console::errors::Failure;
use crate::console::form::Form;
use crate::console::link::Link;
use crate::console::page;
use crate::console::paged::{Choice, ListAddress, contains};
use crate::console::pager::Pager;
use crate::console::paths::{domain_path, product_path};
use crate::console::shell::Shell;
use crate::console::signed_in::SignedIn;
use crate::console::times::counted;
use crate::state::{App, AppState};

/// How many cards a page has.
const PAGE: usize = 48;

#[derive(Template)]
#[template(path = "console/products/list.html")]
struct ProductsPage {
    assets: &'static Assets,
    shell: Shell,
    text: String,
    choices: Vec<Choice>,
    is_filtered: bool,
    path: &'static str,
    csv: String,
    total: String,
    unfiltered: String,
    domains: Vec<DomainCards>,
    pager: Pager,
}

/// The products of one domain.
struct DomainCards {
    domain: Link,
    count: String,
    cards: Vec<Card>,
}

struct Card {
    link: Link,
    description: String,
    about: String,
    is_suspended: bool,
    is_member: bool,
    is_pending: bool,
    asks: bool,
}

struct Listing {
    evaluation: Arc<Evaluation>,
    address: ListAddress,
    /// Domain and position in the snapshot, in order.
    found: Vec<(String, usize)>,
}

async fn load(app: &AppState, signed_in: &SignedIn, form: &Form) -> Result<Listing, Failure> {
    let evaluation = app.service.evaluations.current(signed_in.caller.revision).await?;
    let address = ListAddress::read(PATH, form, &["q", "domain", "status"])?;
    let statuses = [("PUBLISHED", ProductStatus::Published), ("SUSPENDED", ProductStatus::Suspended)];
    let status = address.one_of("status", &statuses)?;
    let (text, domain) = (address.value("q"), address.value("domain"));
    let products = evaluation.snapshot().data_products.iter().enumerate();
    let found = products.filter(|(_, product)| {
        let product = &product.spec;
        status.is_none_or(|status| product.status == status)
            && (domain.is_empty() || product.domains.contains(domain))
            && (contains(&product.name, text)
                || product.description.as_deref().is_some_and(|it| contains(it, text)))
    });
    // A product is listed once: under the domain that is asked for, or its first.
    let place = |(position, product): (usize, &domesday_model::Record<_, domesday_model::DataProduct>)| {
        let first = product.spec.domains.first().cloned().unwrap_or_default();
        (if domain.is_empty() { first } else { domain.to_owned() }, position)
    };
    let mut found: Vec<_> = found.map(place).collect();
    let products = &evaluation.snapshot().data_products;
    // Products without a domain come last.
    found.sort_by(|(domain, one), (other_domain, other)| {
        let key = |domain: &String| (domain.is_empty(), domain.to_lowercase());
        let name = |position: usize| products[position].spec.name.to_lowercase();
        key(domain).cmp(&key(other_domain)).then_with(|| name(*one).cmp(&name(*other)))
    });
    Ok(Listing { address, found, evaluation })
}

/// Shows the list.
pub(super) async fn show(
    State(app): State<App>,
    signed_in: SignedIn,
    form: Form,
) -> Result<Response, Failure> {
    let Listing { evaluation, address, found } = load(&app, &signed_in, &form).await?;
    let SignedIn { caller, shell, .. } = signed_in;
    let (snapshot, now) = (evaluation.snapshot(), app.service.now());
    let sees_members = caller.has_any(READERS);
    let mut members: HashMap<&str, u64> = HashMap::new();
    if sees_members {
        for request in snapshot.requests.iter().filter(|request| request.is_in_force(now)) {
            if let Target::DataProduct(name) = &request.target {
                *members.entry(name).or_default() += 1;
            }
        }
    }
    let total = found.len();
    let (shown, pager) = address.page(found, PAGE, "data product", "data products");
    let sees_domains = caller.has_any(ASSET_READERS);
    let mut domains: Vec<DomainCards> = Vec::new();
    for (domain, position) in shown {
        let record = &snapshot.data_products[position];
        let product = &record.spec;
        let is_next = domains.last().is_none_or(|last| last.domain.text != domain);
        if is_next {
            let href = if sees_domains && !domain.is_empty() { domain_path(&domain) } else { String::new() };
            domains.push(DomainCards {
                domain: Link::new(domain, href),
                count: String::new(),
                cards: Vec::new(),
            });
        }
        let mut about = counted(product.data_sources.len() as u64, "data source", "data sources");
        if sees_members {
            let count = members.get(product.name.as_str()).copied().unwrap_or_default();
            about = format!("{about}, {}", counted(count, "member", "members"));
        }
        let standing = caller.user.as_deref().and_then(|me| standing(snapshot, me, &product.name, now));
        let is_suspended = product.status == ProductStatus::Suspended;
        let card = Card {
            link: Link::new(product.name.as_str(), product_path(record.id.0)),
            description: product.description.clone().unwrap_or_default(),
            about,
            is_suspended,
            is_member: matches!(standing, Some(Standing::Member(_))),
            is_pending: matches!(standing, Some(Standing::Pending(_))),
            asks: shell.is_user && standing.is_none() && !is_suspended,
        };
        if let Some(last) = domains.last_mut() {
            last.cards.push(card);
        }
    }
    for domain in &mut domains {
        domain.count = counted(domain.cards.len() as u64, "data product", "data products");
    }
    let mut names: Vec<_> =
        snapshot.data_products.iter().flat_map(|product| product.spec.domains.iter().cloned()).collect();
    names.sort_unstable();
    names.dedup();
    let names = names.into_iter().map(|name| (name.clone(), name));
    let statuses = [("PUBLISHED", "Published"), ("SUSPENDED", "Suspended")];
    let statuses = statuses.map(|(value, text)| (value.to_owned(), text.to_owned()));
    Ok(page(&ProductsPage {
        assets: assets(),
        text: address.value("q").to_owned(),
        choices: vec![
            address.choice("domain", "Domain", "Any domain", names),
            address.choice("status", "Status", "Any status", statuses),
        ],
        is_filtered: ["q", "domain", "status"].iter().any(|name| !address.value(name).is_empty()),
        path: PATH,
        csv: address.href("/console/products.csv", &[]),
        total: counted(total as u64, "data product", "data products"),
        unfiltered: counted(snapshot.data_products.len() as u64, "data product", "data products"),
        domains,
        pager,
        shell,
    }))
}

/// Returns what the filter shows as CSV.
pub(super) async fn csv(
    State(app): State<App>,
    signed_in: SignedIn,
    form: Form,
) -> Result<Response, Failure> {
    let Listing { evaluation, found, .. } = load(&app, &signed_in, &form).await?;
    let mut csv = Csv::new(&[
        "name",
        "description",
        "domains",
        "status",
        "expert",
        "data_sources",
        "data_source_count",
        "form",
        "agreements",
    ]);
    for (_, position) in found {
        let product = &evaluation.snapshot().data_products[position].spec;
        let join = |names: &mut dyn Iterator<Item = &str>| names.collect::<Vec<_>>().join("; ");
        csv.row([
            product.name.as_str(),
            product.description.as_deref().unwrap_or_default(),
            &join(&mut product.domains.iter().map(String::as_str)),
            if product.status == ProductStatus::Published { "PUBLISHED" } else { "SUSPENDED" },
            product.sme.as_deref().unwrap_or_default(),
            &join(&mut product.data_sources.iter().map(|asset| asset.name.as_str())),
            &product.data_sources.len().to_string(),
            product.form.as_deref().unwrap_or_default(),
            &join(&mut product.agreements.iter().map(String::as_str)),
        ]);
    }
    Ok(csv.into_response("data-products"))
}
