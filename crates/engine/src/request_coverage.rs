//! Requests in force: which data sources they cover for whom, and which columns they unmask (`docs/access.md` rules 3
//! and 8).

use domesday_model::{
    ColumnIx, FastMap, ProductStatus, Request, RequestIx, RequestType, Scope, Snapshot, Target, UserIx,
};

/// A request that covers a source for a user, for reading and perhaps for writing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Coverage {
    pub(crate) user: UserIx,
    pub(crate) request: RequestIx,
    /// Whether it is for a data product, which grants by itself (`docs/access.md` rule 5).
    pub(crate) by_product: bool,
    /// Whether it covers writing, too.
    pub(crate) write: bool,
}

/// The requests in force, by what they are about.
#[derive(Debug)]
pub(crate) struct RequestsInForce {
    /// By data source; each list by user, then request.
    pub(crate) coverage: Vec<Vec<Coverage>>,
    /// The masking exceptions of each column; each list by user, then request.
    pub(crate) exceptions: FastMap<ColumnIx, Vec<(UserIx, RequestIx)>>,
}

impl RequestsInForce {
    /// Finds the requests of active users that are in force at the snapshot's instant.
    pub(crate) fn new(snapshot: &Snapshot) -> Self {
        let mut coverage = vec![Vec::new(); snapshot.data_sources.len()];
        let mut exceptions: FastMap<ColumnIx, Vec<_>> = FastMap::default();
        for (position, request) in snapshot.requests.iter().enumerate() {
            let Some(user) = snapshot.user(&request.user) else { continue };
            if !request.is_in_force(snapshot.at) || !snapshot.is_active(user) {
                continue;
            }
            let ix = RequestIx::at(position);
            let write = request.scope == Scope::Write;
            match (request.kind, &request.target) {
                (RequestType::DataAccess, Target::DataSource(name)) => {
                    if let Some(source) = snapshot.data_source(name) {
                        coverage[source.get()].push(Coverage { user, request: ix, by_product: false, write });
                    }
                }
                (RequestType::DataAccess, Target::DataProduct(name)) => {
                    let product = snapshot.data_product(name).map(|product| &product.spec);
                    let published = product.filter(|product| product.status == ProductStatus::Published);
                    for asset in published.into_iter().flat_map(|product| &product.data_sources) {
                        if let Some(source) = snapshot.data_source(&asset.name) {
                            coverage[source.get()].push(Coverage {
                                user,
                                request: ix,
                                by_product: true,
                                write,
                            });
                        }
                    }
                }
                (RequestType::MaskingException, Target::DataSource(name)) => {
                    let Some(source) = snapshot.data_source(name) else { continue };
                    for (column_ix, column) in snapshot.columns_of(source) {
                        if request.columns.contains(&*column.name) {
                            exceptions.entry(column_ix).or_default().push((user, ix));
                        }
                    }
                }
                (RequestType::MaskingException, Target::DataProduct(_)) => {}
            }
        }
        coverage.iter_mut().for_each(|coverage| coverage.sort_unstable());
        exceptions.values_mut().for_each(|exceptions| exceptions.sort_unstable());
        Self { coverage, exceptions }
    }
}

/// Returns the request that ends last: no end is last of all, ties go to the smallest id (`docs/access.md` rule 9).
pub(crate) fn last_to_end(
    snapshot: &Snapshot,
    requests: impl Iterator<Item = RequestIx>,
) -> Option<RequestIx> {
    requests.min_by(|left, right| {
        let (left, right) = (&snapshot.requests[left.get()], &snapshot.requests[right.get()]);
        let end = |request: &Request| (request.expires_at.is_none(), request.expires_at);
        end(right).cmp(&end(left)).then_with(|| left.id.cmp(&right.id))
    })
}
