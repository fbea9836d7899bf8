//! What rows are made from: the snapshot, the outcomes, and look-ups by name.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use domesday_drift::Drift;
use domesday_engine::Outcomes;
use domesday_model::{
    ALL_USERS, Agreement, AgreementId, DataProduct, DataProductId, DataSourceIx, DomainIx, Record, Request,
    RequestForm, ReviewSubject, Reviewer, Snapshot, SnapshotUser, Target, UserIx,
};
use uuid::Uuid;

use crate::{EncodeError, Settings};

/// Everything that rows are made from.
pub(crate) struct RowContext<'a> {
    pub(crate) outcomes: &'a Outcomes,
    pub(crate) snapshot: &'a Snapshot,
    pub(crate) settings: &'a Settings,
    /// How many users are GRANTED READ, by data source.
    pub(crate) readers: &'a [usize],
    /// The connected databases, compared with the outcomes.
    pub(crate) drifts: &'a [Drift],
    forms: HashMap<&'a str, &'a RequestForm>,
    agreements: HashMap<&'a str, &'a Record<AgreementId, Agreement>>,
}

impl<'a> RowContext<'a> {
    pub(crate) fn new(
        outcomes: &'a Outcomes,
        drifts: &'a [Drift],
        settings: &'a Settings,
        readers: &'a [usize],
    ) -> Self {
        let snapshot = outcomes.snapshot();
        let forms = snapshot.request_forms.iter().map(|form| (form.spec.name.as_str(), &form.spec));
        let agreements = snapshot.agreements.iter().map(|record| (record.spec.name.as_str(), record));
        Self {
            outcomes,
            snapshot,
            settings,
            readers,
            drifts,
            forms: forms.collect(),
            agreements: agreements.collect(),
        }
    }

    /// Returns the URL of an object in the console.
    pub(crate) fn link(&self, place: &str, id: i64) -> String {
        format!("{}/{place}/{id}", self.settings.link_base)
    }

    pub(crate) fn user_at(&self, ix: UserIx) -> &'a SnapshotUser {
        &self.snapshot.users[ix.get()]
    }

    /// Returns the `global_user_id` of a username. `by` is the object that refers to it.
    pub(crate) fn user(&self, name: &str, by: impl FnOnce() -> String) -> Result<Uuid, EncodeError> {
        let found = self.snapshot.user(name).map(|ix| self.user_at(ix).global_id);
        found.ok_or_else(|| dangling("user", name, by()))
    }

    pub(crate) fn optional_user(
        &self,
        name: Option<&String>,
        by: impl FnOnce() -> String,
    ) -> Result<Option<Uuid>, EncodeError> {
        name.map(|name| self.user(name, by)).transpose()
    }

    /// Returns a data source that files may name before a connection lists it.
    pub(crate) fn data_source(&self, name: &str) -> Option<DataSourceIx> {
        self.snapshot.data_source(name)
    }

    pub(crate) fn agreement(
        &self,
        name: &str,
        by: impl FnOnce() -> String,
    ) -> Result<&'a Record<AgreementId, Agreement>, EncodeError> {
        self.agreements.get(name).copied().ok_or_else(|| dangling("agreement", name, by()))
    }

    /// Returns the data product that a request is for.
    pub(crate) fn product_of(
        &self,
        request: &Request,
    ) -> Result<Option<&'a Record<DataProductId, DataProduct>>, EncodeError> {
        let Target::DataProduct(name) = &request.target else { return Ok(None) };
        let found = self.snapshot.data_product(name);
        found.map(Some).ok_or_else(|| dangling("data product", name, format!("request `{}`", request.id)))
    }

    /// Returns the owners and domains of the data that a request is for.
    pub(crate) fn review_subject(&self, request: &Request) -> Result<ReviewSubject, EncodeError> {
        let product = self.product_of(request)?;
        let sources: Vec<_> = match (&request.target, product) {
            (_, Some(product)) => {
                let assets = product.spec.data_sources.iter();
                assets.filter_map(|asset| self.data_source(&asset.name)).collect()
            }
            (Target::DataSource(name) | Target::DataProduct(name), None) => {
                self.data_source(name).into_iter().collect()
            }
        };
        let sources: Vec<_> = sources.into_iter().map(|ix| &self.snapshot.data_sources[ix.get()]).collect();
        let mut domains: BTreeSet<DomainIx> = sources.iter().filter_map(|source| source.domain).collect();
        if let Some(product) = product {
            domains.extend(product.spec.domains.iter().filter_map(|name| self.snapshot.domain(name)));
        }
        let owners = |source: &&domesday_model::SnapshotDataSource| {
            source.owners.iter().map(|owner| self.user_at(*owner).username.to_string()).collect()
        };
        let permissions = |domain: DomainIx| {
            let mut held: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
            for given in &self.snapshot.domains[domain.get()].spec.permissions {
                held.entry(given.user.clone()).or_default().insert(given.permission.clone());
            }
            held
        };
        Ok(ReviewSubject {
            owners: sources.iter().map(owners).collect(),
            domains: domains.into_iter().map(permissions).collect(),
        })
    }

    /// Returns a user as a reviewer of requests.
    pub(crate) fn reviewer(&self, username: &str) -> Option<Reviewer> {
        let ix = self.snapshot.user(username)?;
        let user = self.user_at(ix);
        let mut attributes: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (key, value) in self.snapshot.attributes_of(ix) {
            let [key, value] = [key, value].map(|symbol| self.snapshot.symbols.text(symbol).to_owned());
            attributes.entry(key).or_default().insert(value);
        }
        let groups = user.groups.iter().map(|group| self.snapshot.groups[group.get()].name.to_string());
        Some(Reviewer {
            username: username.to_owned(),
            permissions: user.permissions.iter().copied().collect(),
            groups: groups.filter(|name| name != ALL_USERS).collect(),
            attributes,
        })
    }

    /// Returns the request form of a data product.
    pub(crate) fn form_of(&self, product: &DataProduct) -> Result<Option<&'a RequestForm>, EncodeError> {
        let Some(name) = product.form.as_deref() else { return Ok(None) };
        let found = self.forms.get(name).copied();
        found
            .map(Some)
            .ok_or_else(|| dangling("request form", name, format!("data product `{}`", product.name)))
    }
}

pub(crate) fn dangling(kind: &'static str, name: &str, by: String) -> EncodeError {
    EncodeError::Dangling { kind, name: name.to_owned(), by }
}
