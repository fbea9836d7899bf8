//! Requests: which cover, which count, and why the others do not (rules 3, 8 and 9).

use domesday_model::{
    DataSourceIx, Instant, ProductStatus, Request, RequestStatus, RequestType, Scope, Target, UserIx,
};
use serde::Serialize;

use crate::Outcomes;

/// One request's part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RequestStep {
    /// The request's id.
    pub id: String,
    /// The data product it names, if that is what it names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_product: Option<String>,
    /// The scope asked for.
    pub scope: &'static str,
    /// Whether it covers user, source and scope (rule 3); of a masking exception, whether it is in force.
    pub covers: bool,
    /// Whether access rests on it: it covers, and an approval grant admits or it is for a data product (rule 9);
    /// of a masking exception, whether a mask would be there without it.
    pub counts: bool,
    /// Why it does not cover, or does not count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why_not: Option<&'static str>,
    /// When it ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Instant>,
}

impl Outcomes {
    /// The user's requests for access to the data source, or to a product that holds it.
    pub(super) fn request_steps(
        &self,
        user: UserIx,
        source: DataSourceIx,
        scope: Scope,
        approval_admits: bool,
    ) -> Vec<RequestStep> {
        let snapshot = &*self.snapshot;
        let name = &*snapshot.data_sources[source.get()].name;
        let mut steps = Vec::new();
        for request in self.requests_of(user, RequestType::DataAccess) {
            let (product, published) = match &request.target {
                Target::DataSource(target) if target == name => (None, true),
                Target::DataSource(_) => continue,
                Target::DataProduct(target) => {
                    let Some(product) = snapshot.data_product(target) else { continue };
                    if !product.spec.data_sources.iter().any(|asset| asset.name == name) {
                        continue;
                    }
                    (Some(target.clone()), product.spec.status == ProductStatus::Published)
                }
            };
            let not_covering = self.not_in_force(request).or(if !published {
                Some("the data product is suspended")
            } else if scope == Scope::Write && request.scope == Scope::Read {
                Some("it is for reading only")
            } else {
                None
            });
            let idle = match product {
                None if !approval_admits => Some("no grant by approval counts here"),
                _ => None,
            };
            steps.push(RequestStep {
                id: request.id.clone(),
                data_product: product,
                scope: request.scope.as_str(),
                covers: not_covering.is_none(),
                counts: not_covering.or(idle).is_none(),
                why_not: not_covering.or(idle),
                expires_at: request.expires_at,
            });
        }
        steps
    }

    /// The user's masking exceptions for a column, `idle` saying why none would count, if none would.
    pub(super) fn exception_steps(
        &self,
        user: UserIx,
        source: DataSourceIx,
        column: &str,
        idle: Option<&'static str>,
    ) -> Vec<RequestStep> {
        let name = &*self.snapshot.data_sources[source.get()].name;
        let of_column = |request: &&Request| {
            matches!(&request.target, Target::DataSource(target) if target == name)
                && request.columns.contains(column)
        };
        self.requests_of(user, RequestType::MaskingException)
            .filter(of_column)
            .map(|request| {
                let not_in_force = self.not_in_force(request);
                RequestStep {
                    id: request.id.clone(),
                    data_product: None,
                    scope: request.scope.as_str(),
                    covers: not_in_force.is_none(),
                    counts: not_in_force.or(idle).is_none(),
                    why_not: not_in_force.or(idle),
                    expires_at: request.expires_at,
                }
            })
            .collect()
    }

    fn requests_of(&self, user: UserIx, kind: RequestType) -> impl Iterator<Item = &Request> {
        let username = &*self.snapshot.users[user.get()].username;
        self.snapshot.requests.iter().filter(move |request| request.kind == kind && request.user == username)
    }

    fn not_in_force(&self, request: &Request) -> Option<&'static str> {
        match request.status {
            RequestStatus::Pending => Some("it is pending"),
            RequestStatus::Denied => Some("it was denied"),
            RequestStatus::Canceled => Some("it was canceled"),
            RequestStatus::Revoked => Some("it was revoked"),
            RequestStatus::Approved if !request.is_in_force(self.snapshot.at) => Some("it has expired"),
            RequestStatus::Approved => None,
        }
    }
}
