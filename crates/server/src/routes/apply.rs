//! A whole catalog at once: the declarative files over HTTP, with the same plan and the same strictness.

use axum::extract::{DefaultBodyLimit, State};
use axum::http::Method;
use axum::response::Response;
use domesday_engine::{Notices, evaluate};
use domesday_model::{Instant, Permission, Snapshot};
use domesday_sources::Loaded;
use domesday_store::{ApplyOptions, ObjectChange, Plan, Store};
use serde::Deserialize;
use serde_json::json;

use crate::caller::{self, Caller};
use crate::notices;
use crate::problem::Problem;
use crate::route::{Permit, Query, Route, Text, schema};
use crate::service::App;

use super::{requests, scoped};

/// How much larger than other bodies a catalog may be.
const TIMES_LARGER: usize = 10;

pub(super) fn routes(max_body_bytes: usize) -> Vec<Route> {
    let catalog = json!({
        "type": "object",
        "description": "One document of the catalog format: any of its top-level keys.",
        "additionalProperties": false,
        "properties": {
            "tenant": { "type": ["object", "null"] },
            "tags": { "type": ["array", "null"], "items": { "$ref": "#/components/schemas/Tag" } },
            "groups": { "type": ["array", "null"], "items": { "$ref": "#/components/schemas/Group" } },
            "users": { "type": ["array", "null"], "items": { "$ref": "#/components/schemas/User" } },
            "domains": { "type": ["array", "null"], "items": { "$ref": "#/components/schemas/Domain" } },
            "dataSources": { "type": ["array", "null"], "items": { "$ref": "#/components/schemas/DataSource" } },
            "policies": { "type": ["array", "null"], "items": { "$ref": "#/components/schemas/Policy" } },
            "dataPolicies": { "type": ["array", "null"], "items": { "$ref": "#/components/schemas/DataPolicy" } },
            "agreements": { "type": ["array", "null"], "items": { "$ref": "#/components/schemas/Agreement" } },
            "requestForms": { "type": ["array", "null"], "items": { "$ref": "#/components/schemas/RequestForm" } },
            "dataProducts": { "type": ["array", "null"], "items": { "$ref": "#/components/schemas/DataProduct" } },
            "requests": { "type": ["array", "null"], "items": { "$ref": "#/components/schemas/Request" } }
        }
    });
    let plan = json!({
        "type": "object",
        "required": ["applied", "plan"],
        "properties": {
            "applied": { "type": "boolean" },
            "plan": {
                "type": "object",
                "required": ["changes", "unchanged", "kept"],
                "properties": {
                    "changes": { "type": "array", "items": { "type": "object" } },
                    "unchanged": { "type": "integer" },
                    "kept": { "type": "integer" }
                }
            },
            "warnings": notices::schema()
        }
    });
    let mut route = Route::new(
        Method::POST,
        "/api/v1/apply",
        Permit::AllOf(&[Permission::Governance, Permission::UserAdmin]),
        "applyCatalog",
        apply,
    )
    .tag("catalog")
    .about(
        "Brings in a whole catalog in one transaction, as `domesday apply` does: objects are matched by kind and \
         name, what the document no longer holds stays unless `prune`, and `dryRun` stops at the plan. Each object \
         that changes is judged as on its own route.",
    )
    .query::<bool>("dryRun", "Change nothing, only plan.")
    .query::<bool>("prune", "Delete what the document does not hold.")
    .body_of("application/json", schema(catalog))
    .answers_as(200, "What changed, or would.", "application/json", Some(schema(plan)))
    .fails(&[400, 409, 413, 415, 422]);
    route.handler = route.handler.layer(DefaultBodyLimit::max(max_body_bytes.saturating_mul(TIMES_LARGER)));
    vec![route]
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
#[derive(Default)]
struct ApplyQuery {
    dry_run: bool,
    prune: bool,
}

async fn apply(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<ApplyQuery>,
    Text(text): Text,
) -> Result<Response, Problem> {
    let read = move || -> Result<_, Problem> {
        let text = crate::route::json_text(&text)?;
        domesday_sources::parse_str("api.json", text)
            .map_err(|wrong| crate::route::refusal(&wrong, "the catalog is not valid"))
    };
    let mut loaded = app.pool.compute(read).await?;
    let work = move |store: &mut Store, caller: &Caller, now: Instant| -> Result<_, Problem> {
        requests::prepare_apply(store, caller, &mut loaded.catalog, query.prune, now)?;
        let options = ApplyOptions { at: now, prune: query.prune, dry_run: query.dry_run };
        let judge = |store: &mut Store, changes: &[ObjectChange]| {
            let mut changes = changes.iter();
            changes.try_for_each(|ObjectChange { kind, before, after, .. }| {
                scoped::check(store, caller, *kind, before.as_ref(), after.as_ref())
            })
        };
        let plan =
            caller.change(now, |change| store.apply_judged(&loaded.catalog, options, change, judge))?;
        Ok((plan, loaded))
    };
    let (plan, loaded) = caller::write(&app, caller, work).await?;
    let notices = if query.dry_run { planned(&app, loaded, &plan).await? } else { stored(&app).await? };
    Ok(crate::route::json(json!({ "applied": !query.dry_run, "plan": plan, "warnings": notices.list })))
}

/// What evaluation finds in the catalog as it is stored.
async fn stored(app: &App) -> Result<Notices, Problem> {
    let now = app.now();
    let snapshot = app.pool.with(move |store: &mut Store| -> Result<_, Problem> { Ok(store.snapshot(now)?) });
    let snapshot = snapshot.await?;
    app.pool.compute(move || -> Result<_, Problem> { Ok(evaluate(snapshot).notices()) }).await
}

/// What evaluation finds in a catalog that was only planned. Beside other objects of the store that is not known.
async fn planned(app: &App, loaded: Loaded, plan: &Plan) -> Result<Notices, Problem> {
    if plan.kept > 0 {
        return Ok(Notices::default());
    }
    let now = app.now();
    let work = move || -> Result<_, Problem> {
        let snapshot = Snapshot::of_catalog(&loaded.catalog, now);
        Ok(evaluate(snapshot.map_err(|error| Problem::internal(&error))?).notices())
    };
    app.pool.compute(work).await
}
