//! The catalog: everything that is governed, as declared, with references by name.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use crate::{
    Agreement, Connection, DataPolicy, DataProduct, DataSource, Domain, Group, Policy, Request, RequestForm,
    Tag, Tenant, User, dotted_ancestors,
};

/// The kinds of object in a catalog, in the order in which ids are assigned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// [`Tenant`].
    Tenant,
    /// [`Tag`].
    Tag,
    /// [`Group`].
    Group,
    /// [`User`].
    User,
    /// [`Domain`].
    Domain,
    /// [`DataSource`].
    DataSource,
    /// [`Policy`], a subscription policy.
    Policy,
    /// [`DataPolicy`].
    DataPolicy,
    /// [`Agreement`].
    Agreement,
    /// [`RequestForm`].
    RequestForm,
    /// [`DataProduct`].
    DataProduct,
    /// [`Request`].
    Request,
    /// [`Connection`].
    Connection,
}

impl Kind {
    /// Every kind, in id order.
    pub const ALL: [Self; 13] = [
        Self::Tenant,
        Self::Tag,
        Self::Group,
        Self::User,
        Self::Domain,
        Self::DataSource,
        Self::Policy,
        Self::DataPolicy,
        Self::Agreement,
        Self::RequestForm,
        Self::DataProduct,
        Self::Request,
        Self::Connection,
    ];

    /// Returns the top-level key of the catalog format.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Tenant => "tenant",
            Self::Tag => "tags",
            Self::Group => "groups",
            Self::User => "users",
            Self::Domain => "domains",
            Self::DataSource => "dataSources",
            Self::Policy => "policies",
            Self::DataPolicy => "dataPolicies",
            Self::Agreement => "agreements",
            Self::RequestForm => "requestForms",
            Self::DataProduct => "dataProducts",
            Self::Request => "requests",
            Self::Connection => "connections",
        }
    }

    /// Returns the kind with a top-level key.
    #[must_use]
    pub fn of_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.key() == key)
    }

    /// Returns the kind in words.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Tenant => "tenant",
            Self::Tag => "tag",
            Self::Group => "group",
            Self::User => "user",
            Self::Domain => "domain",
            Self::DataSource => "data source",
            Self::Policy => "policy",
            Self::DataPolicy => "data policy",
            Self::Agreement => "agreement",
            Self::RequestForm => "request form",
            Self::DataProduct => "data product",
            Self::Request => "request",
            Self::Connection => "connection",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.label())
    }
}

/// A declaration and its origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declared<T> {
    /// The declaration.
    pub spec: T,
    /// A file's path inside the catalog, or `api`.
    pub origin: Arc<str>,
}

impl<T> Declared<T> {
    /// Creates a declaration of `spec` at `origin`.
    pub fn new(spec: T, origin: impl Into<Arc<str>>) -> Self {
        Self { spec, origin: origin.into() }
    }
}

impl<T> Deref for Declared<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.spec
    }
}

/// The whole catalog, in the order declared. Not validated: see [`validate`](crate::validate::validate).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[expect(missing_docs, reason = "each field is the list of the kind it is named after")]
pub struct Catalog {
    pub tenant: Option<Declared<Tenant>>,
    pub tags: Vec<Declared<Tag>>,
    pub groups: Vec<Declared<Group>>,
    pub users: Vec<Declared<User>>,
    pub domains: Vec<Declared<Domain>>,
    pub data_sources: Vec<Declared<DataSource>>,
    pub policies: Vec<Declared<Policy>>,
    pub data_policies: Vec<Declared<DataPolicy>>,
    pub agreements: Vec<Declared<Agreement>>,
    pub request_forms: Vec<Declared<RequestForm>>,
    pub data_products: Vec<Declared<DataProduct>>,
    pub requests: Vec<Declared<Request>>,
    pub connections: Vec<Declared<Connection>>,
}

impl Catalog {
    /// Returns the number of declared objects of a kind.
    #[must_use]
    pub fn count(&self, kind: Kind) -> usize {
        macro_rules! count {
            ($($kind:ident: $list:ident, $object:ident;)*) => {
                match kind {
                    Kind::Tenant => usize::from(self.tenant.is_some()),
                    $(Kind::$kind => self.$list.len(),)*
                }
            };
        }
        crate::for_each_kind!(count)
    }

    /// Returns every tag that is declared, or implied by one declared below it, ancestors before descendants. An implied
    /// tag has the origin of the first that implies it.
    #[must_use]
    pub fn tags_with_implied(&self) -> Vec<Declared<Tag>> {
        let declared: HashMap<&str, _> = self.tags.iter().map(|tag| (tag.name.as_str(), tag)).collect();
        let mut seen = HashSet::new();
        let mut tags = Vec::with_capacity(self.tags.len());
        for tag in &self.tags {
            let ancestors: Vec<_> = dotted_ancestors(&tag.name).collect();
            for name in ancestors.into_iter().rev().chain([tag.name.as_str()]) {
                if seen.insert(name) {
                    let implied = || {
                        Declared::new(Tag { name: name.to_owned(), description: None }, tag.origin.clone())
                    };
                    tags.push(declared.get(name).map_or_else(implied, |tag| (*tag).clone()));
                }
            }
        }
        tags
    }

    /// Whether nothing is declared.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        Kind::ALL.into_iter().all(|kind| self.count(kind) == 0)
    }
}
