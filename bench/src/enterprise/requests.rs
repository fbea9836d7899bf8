//! Data products and approved, expired and pending requests.

use std::collections::{BTreeMap, BTreeSet};

use domesday_model::{
    DataProduct, DataSource, Instant, ProductAsset, ProductStatus, Request, RequestStatus, RequestType,
    Scope, Target, User,
};

use super::at;
use super::people::username;
use crate::random::Random;

const DAY: i64 = 86_400_000_000;

/// How many data products there are.
const PRODUCTS: usize = 8;

pub(super) fn products(sources: &[DataSource]) -> Vec<DataProduct> {
    (0..PRODUCTS)
        .map(|number| {
            let assets = sources.iter().skip(number * 11).step_by(sources.len() / 12 + 1);
            DataProduct {
                name: product(number),
                description: None,
                domains: BTreeSet::new(),
                sme: None,
                created_by: username(number),
                status: if number == 0 { ProductStatus::Suspended } else { ProductStatus::Published },
                data_sources: assets
                    .map(|source| ProductAsset { name: source.name.clone(), columns: None })
                    .collect(),
                form: None,
                agreements: BTreeSet::new(),
            }
        })
        .collect()
}

fn product(number: usize) -> String {
    format!("Product {number}")
}

pub(super) fn requests(users: &[User], sources: &[DataSource], random: &mut Random) -> Vec<Request> {
    // Whole groups of sources are asked for together: a request for each.
    let restricted: Vec<&DataSource> =
        sources.iter().filter(|source| source.tags.iter().any(|tag| tag.starts_with("Restricted"))).collect();
    let masked: Vec<(&DataSource, &str)> = sources
        .iter()
        .filter_map(|source| {
            let column = source.columns.iter().find(|column| !column.tags.is_empty())?;
            Some((source, column.name.as_str()))
        })
        .collect();
    let count = 600 + users.len() / 200;
    (0..count)
        .map(|number| {
            let (kind, target, columns) = match number % 8 {
                0 => (RequestType::DataAccess, Target::DataProduct(product(random.below(PRODUCTS))), None),
                1 if !masked.is_empty() => {
                    let (source, column) = masked[random.below(masked.len())];
                    (RequestType::MaskingException, Target::DataSource(source.name.clone()), Some(column))
                }
                2 => {
                    let source = random.pick(sources);
                    (RequestType::DataAccess, Target::DataSource(source.name.clone()), None)
                }
                _ if !restricted.is_empty() => {
                    // The popular ones first.
                    let first = random.below(restricted.len().min(60));
                    (RequestType::DataAccess, Target::DataSource(restricted[first].name.clone()), None)
                }
                _ => (RequestType::DataAccess, Target::DataProduct(product(1)), None),
            };
            let days = [-3, 20, 20, 90, 365, 0][random.below(6)];
            Request {
                id: format!("REQ-{number:06}"),
                kind,
                user: random.pick(users).username.clone(),
                requester: None,
                target,
                columns: columns.map(str::to_owned).into_iter().collect(),
                scope: if random.chance(0.1) { Scope::Write } else { Scope::Read },
                status: match random.below(10) {
                    0 => RequestStatus::Pending,
                    1 => RequestStatus::Denied,
                    _ => RequestStatus::Approved,
                },
                answers: BTreeMap::new(),
                created_at: Instant::from_micros(at().as_micros() - DAY * 30),
                updated_at: None,
                expires_at: (days != 0).then(|| Instant::from_micros(at().as_micros() + DAY * days)),
                determinations: Vec::new(),
                agreements: Vec::new(),
            }
        })
        .collect()
}
