//! Requests: which cover, which count, and why the others do not (`docs/access.md` rules 3, 8 and 9).

use std::fmt;

use domesday_model::{
    DataSourceIx, Instant, ProductStatus, Request, RequestStatus, RequestType, Scope, Target, UserIx,
};
use serde::{Serialize, Serializer};

use crate::{Outcomes, serialize};

/// One request's part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RequestStep {
    /// The request's id.
    pub id: String,
    /// The data product it names, if that is what it names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_product: Option<String>,
    /// The scope requested.
    #[serde(serialize_with = "serialize::scope")]
    pub scope: Scope,
    /// Whether it covers user, source and scope (`docs/access.md` rule 3); for a masking exception, whether it is in force.
    pub covers: bool,
    /// Whether access rests on it: it covers, and an approval grant admits or it is for a data product (`docs/access.md`
    /// rule 9); for a masking exception, whether a mask would apply without it.
    pub counts: bool,
    /// Why it does not cover, or does not count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why_not: Option<RequestObstacle>,
    /// When it ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Instant>,
}

/// Why a request does not cover, or does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestObstacle {
    /// It is not decided yet.
    Pending,
    /// It was denied.
    Denied,
    /// The requester canceled it.
    Canceled,
    /// Its approval was revoked.
    Revoked,
    /// Its approval has expired.
    Expired,
    /// The data product is not published.
    ProductSuspended,
    /// It is for reading, and the scope is writing.
    ReadOnly,
    /// It covers, but no approval grant counts at the data source.
    NoApprovalGrant,
    /// A masking exception of a user who cannot read the data source.
    Unreadable,
    /// A masking exception for a column that nothing masks.
    NotMasked,
}

impl fmt::Display for RequestObstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pending => "it is pending",
            Self::Denied => "it was denied",
            Self::Canceled => "it was canceled",
            Self::Revoked => "it was revoked",
            Self::Expired => "it has expired",
            Self::ProductSuspended => "the data product is suspended",
            Self::ReadOnly => "it is for reading only",
            Self::NoApprovalGrant => "no grant by approval counts here",
            Self::Unreadable => "the user cannot read the data source",
            Self::NotMasked => "nothing masks the column for the user",
        })
    }
}

impl Serialize for RequestObstacle {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Outcomes {
    /// Explains the user's requests for access to the data source, or to a product that contains it.
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
                Some(RequestObstacle::ProductSuspended)
            } else if scope == Scope::Write && request.scope == Scope::Read {
                Some(RequestObstacle::ReadOnly)
            } else {
                None
            });
            let idle = match product {
                None if !approval_admits => Some(RequestObstacle::NoApprovalGrant),
                _ => None,
            };
            steps.push(RequestStep {
                id: request.id.clone(),
                data_product: product,
                scope: request.scope,
                covers: not_covering.is_none(),
                counts: not_covering.or(idle).is_none(),
                why_not: not_covering.or(idle),
                expires_at: request.expires_at,
            });
        }
        steps
    }

    /// Explains the user's masking exceptions for a column. `idle` is why none would count, if none would.
    pub(super) fn exception_steps(
        &self,
        user: UserIx,
        source: DataSourceIx,
        column: &str,
        idle: Option<RequestObstacle>,
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
                    scope: request.scope,
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

    fn not_in_force(&self, request: &Request) -> Option<RequestObstacle> {
        match request.status {
            RequestStatus::Pending => Some(RequestObstacle::Pending),
            RequestStatus::Denied => Some(RequestObstacle::Denied),
            RequestStatus::Canceled => Some(RequestObstacle::Canceled),
            RequestStatus::Revoked => Some(RequestObstacle::Revoked),
            RequestStatus::Approved if !request.is_in_force(self.snapshot.at) => {
                Some(RequestObstacle::Expired)
            }
            RequestStatus::Approved => None,
        }
    }
}
