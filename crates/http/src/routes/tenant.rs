//! The tenant: what a customer reads first, since trust in their cloud account names its id.

use axum::extract::State;
use axum::http::Method;
use axum::response::Response;
use domesday_service::caller::Permit;
use domesday_store::Store;
use schemars::JsonSchema;
use serde::Serialize;

use crate::problem::Problem;
use crate::response::json;
use crate::route::Route;
use crate::state::App;

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::new(Method::GET, "/deployment/tenant", Permit::AnyKey, "getTenant", show)
            .tag("deployment")
            .about("The tenant. Its id is the external id under which Domesday assumes a customer's role.")
            .answers::<TenantView>(200, "The tenant."),
    ]
}

/// The tenant of this deployment.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct TenantView {
    /// Created at the first start, and never changed.
    #[schemars(with = "String")]
    id: uuid::Uuid,
    /// Display name.
    name: String,
    /// The IANA time zone of schedules.
    time_zone: String,
}

async fn show(State(app): State<App>) -> Result<Response, Problem> {
    let read = |store: &mut Store| -> Result<_, Problem> { Ok(store.tenant()?) };
    let (tenant, _) =
        app.service.pool.with(read).await?.ok_or_else(|| Problem::unavailable("there is no tenant yet"))?;
    let id = tenant.id.unwrap_or_else(|| tenant.derived_id());
    Ok(json(TenantView { id, name: tenant.name, time_zone: tenant.time_zone }))
}
