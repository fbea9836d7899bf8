//! A whole catalog at once, with the same plan and the same strictness as `domesday apply`.

use domesday_engine::{CatalogWarnings, evaluate};
use domesday_model::{Catalog, Instant, Snapshot};
use domesday_store::{ApplyOptions, ObjectChange, Plan, Store};

use crate::caller::Caller;
use crate::clock::Clock;
use crate::connections::check_declared;
use crate::error::ServiceError;
use crate::permissions::objects::check_change;
use crate::pool::Pool;
use crate::requests::document::prepare_apply;

/// How much larger than other bodies a catalog may be.
const TIMES_LARGER: usize = 10;

/// Returns the size of the largest catalog that is sent at once, where other bodies have `max_body_bytes` at most.
#[must_use]
pub const fn max_catalog_bytes(max_body_bytes: usize) -> usize {
    max_body_bytes.saturating_mul(TIMES_LARGER)
}

/// Applies a catalog. Each object that changes is judged as if it was changed alone.
///
/// # Errors
/// When the caller may not make one of the changes, or the catalog does not fit what is stored. Nothing changes then.
pub fn apply(
    store: &mut Store,
    caller: &Caller,
    catalog: &mut Catalog,
    prune: bool,
    dry_run: bool,
    now: Instant,
) -> Result<Plan, ServiceError> {
    prepare_apply(store, caller, catalog, prune, now)?;
    for connection in &catalog.connections {
        check_declared(connection)?;
    }
    let options = ApplyOptions { at: now, prune, dry_run };
    let judge = |store: &mut Store, changes: &[ObjectChange]| {
        let mut changes = changes.iter();
        changes.try_for_each(|ObjectChange { kind, before, after, .. }| {
            check_change(store, caller, *kind, before.as_ref(), after.as_ref())
        })
    };
    caller.change(now, |change| store.apply_authorized(catalog, options, change, judge))
}

/// Returns the warnings of evaluation about the catalog as it is stored.
///
/// # Errors
/// When the store fails.
pub async fn stored_warnings(pool: &Pool, clock: &Clock) -> Result<CatalogWarnings, ServiceError> {
    let now = clock.now();
    let read = move |store: &mut Store| -> Result<_, ServiceError> { Ok(store.snapshot(now)?) };
    let snapshot = pool.with(read).await?;
    pool.compute(move || -> Result<_, ServiceError> { Ok(evaluate(snapshot).catalog_warnings()) }).await
}

/// Returns the warnings of evaluation about a catalog that was only planned. There are none when the store has other
/// objects: the warnings about both together are not known.
///
/// # Errors
/// When the catalog makes no snapshot.
pub async fn planned_warnings(
    pool: &Pool,
    catalog: Catalog,
    plan: &Plan,
    now: Instant,
) -> Result<CatalogWarnings, ServiceError> {
    if plan.kept > 0 {
        return Ok(CatalogWarnings::default());
    }
    let work = move || -> Result<_, ServiceError> {
        let snapshot = Snapshot::of_catalog(&catalog, now);
        Ok(evaluate(snapshot.map_err(|error| ServiceError::internal(&error))?).catalog_warnings())
    };
    pool.compute(work).await
}
