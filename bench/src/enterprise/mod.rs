//! Enterprises of any size: deterministic, and shaped like real ones.
//!
//! What makes access data of real organisations compressible is that almost everything follows a template:
//! people have roles, tables come in schemas. So users are drawn from role templates (departments and roles of
//! Zipf-distributed size) with noise, and data sources from schema templates (tags, columns, owners) with
//! noise; policies speak of both. The number of templates does not grow with the enterprise, so the sizes
//! differ in users and data sources alone.

mod assets;
mod people;
mod policies;
mod requests;
mod words;

use domesday_model::{Catalog, Declared, Instant, Tenant};

use crate::random::Random;

/// How large an enterprise is, and how regular.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Size {
    /// 7,500 users, 2,000 data sources.
    S,
    /// 20,000 users, 5,000 data sources.
    M,
    /// 60,000 users, 16,000 data sources: the size targets are set for.
    L,
    /// 180,000 users, 52,000 data sources.
    Xl,
    /// 570,000 users, 156,000 data sources: ten billion rows.
    Xxl,
    /// 100,000 users with a million entitlements, 58,000 data sources with a million columns: what loading is
    /// measured by.
    Wide,
    /// As L, but no two data sources share a class.
    Distinct,
    /// As L, but the data sources of a schema are scattered over the whole catalog.
    Scattered,
}

impl Size {
    /// Users and data sources.
    #[must_use]
    pub fn counts(self) -> (usize, usize) {
        match self {
            Self::S => (7_500, 2_000),
            Self::M => (20_000, 5_000),
            Self::L | Self::Distinct | Self::Scattered => (60_000, 16_000),
            Self::Xl => (180_000, 52_000),
            Self::Xxl => (570_000, 156_000),
            Self::Wide => (100_000, 58_000),
        }
    }

    /// The name on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::S => "s",
            Self::M => "m",
            Self::L => "l",
            Self::Xl => "xl",
            Self::Xxl => "xxl",
            Self::Wide => "wide",
            Self::Distinct => "distinct",
            Self::Scattered => "scattered",
        }
    }
}

/// The instant at which generated enterprises are looked at.
#[must_use]
pub fn at() -> Instant {
    // 2026-06-01T00:00:00Z
    Instant::from_micros(1_780_272_000_000_000)
}

/// The enterprise of a size.
#[must_use]
pub fn enterprise(size: Size) -> Catalog {
    let (users, sources) = size.counts();
    let mut random = Random::new(0x00d0_e5da);
    let people = people::people(users, &mut random);
    let mut data_sources = assets::data_sources(sources, users, size == Size::Distinct, &mut random);
    if size == Size::Scattered {
        for last in (1..data_sources.len()).rev() {
            data_sources.swap(last, random.below(last + 1));
        }
    }
    let requests = requests::requests(&people, &data_sources, &mut random);
    let mut tenant = Tenant { name: "Generated".to_owned(), time_zone: "UTC".to_owned(), id: None };
    // A store would mint a random one, and with it other ids of users at each filling.
    tenant.id = Some(tenant.derived_id());
    Catalog {
        tenant: Some(declared(tenant)),
        tags: words::tags().into_iter().map(declared).collect(),
        groups: people::groups(users).into_iter().map(declared).collect(),
        domains: assets::domains().into_iter().map(declared).collect(),
        policies: policies::policies(&data_sources).into_iter().map(declared).collect(),
        data_policies: policies::data_policies().into_iter().map(declared).collect(),
        data_products: requests::products(&data_sources).into_iter().map(declared).collect(),
        users: people.into_iter().map(declared).collect(),
        data_sources: data_sources.into_iter().map(declared).collect(),
        requests: requests.into_iter().map(declared).collect(),
        ..Catalog::default()
    }
}

fn declared<T>(spec: T) -> Declared<T> {
    Declared::new(spec, "generated.json")
}

#[cfg(test)]
mod tests {
    use domesday_model::Snapshot;
    use domesday_model::validate::{Severity, validate};

    use super::*;

    #[test]
    fn an_enterprise_is_valid_and_the_same_each_time() {
        let catalog = enterprise(Size::S);
        let wrong = validate(&catalog).into_iter().find(|problem| problem.severity == Severity::Error);
        assert!(wrong.is_none(), "{wrong:?}");
        assert_eq!(catalog, enterprise(Size::S));
        assert_eq!(catalog.policies.len(), 64);
        Snapshot::of_catalog(&catalog, at()).unwrap();
    }
}
