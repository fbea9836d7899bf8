//! The export configuration of the access summary: saved only when the destination takes what a run would put.

use axum::RequestExt;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use domesday_delivery::Verification;
use domesday_model::{Instant, Permission, Tenant};
use domesday_store::{NewAuditEntry, Store, StoredExport};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use crate::caller::{self, Caller};
use crate::etag::{Condition, quoted};
use crate::export::{self, Configuration, DEFAULT, ExportRequest, ExportView};
use crate::problem::Problem;
use crate::route::{Permit, Route, Text, parse, schema};
use crate::seal::export_record;
use crate::service::App;

const PATH: &str = "/api/v1/access-summary/export";
const GOVERNANCE: Permit = Permit::AnyOf(&[Permission::Governance]);
const READERS: Permit = Permit::AnyOf(&[Permission::Governance, Permission::Audit]);

pub(super) fn routes() -> Vec<Route> {
    let routes = vec![
        Route::new(Method::GET, PATH, READERS, "getExport", show)
            .about("The export configuration, without its secret.")
            .answers::<ExportView>(200, "The configuration.")
            .fails(&[404]),
        Route::new(Method::PUT, PATH, GOVERNANCE, "putExport", put)
            .about(
                "Verifies and saves the export configuration. The destination is tried as a run would use it: \
                 credentials, a listing under the path, a put. When a check fails the answer is 422 with the \
                 named checks, and nothing is saved.",
            )
            .conditional()
            .body::<ExportRequest>()
            .answers::<ExportView>(200, "Verified and saved.")
            .answers::<ExportView>(201, "Verified and saved for the first time.")
            .fails(&[400, 404, 412, 413, 415, 422, 503]),
        Route::new(Method::DELETE, PATH, GOVERNANCE, "deleteExport", delete)
            .about("Forgets the configuration and its secret. What was delivered stays in the bucket.")
            .conditional()
            .answers_nothing(204, "Forgotten.")
            .fails(&[400, 404, 412]),
        Route::new(Method::POST, format!("{PATH}/verify"), GOVERNANCE, "verifyExport", verify_route)
            .about(
                "Tries a destination and saves nothing: the configuration in the body, or without a body the \
                 saved one. The answer is 200 whether the checks pass or not: `ok` tells.",
            )
            .body::<ExportRequest>()
            .body_optional()
            .answers_as(200, "The checks.", "application/json", Some(schema(verification_schema())))
            .fails(&[400, 404, 413, 415, 422, 503]),
    ];
    routes.into_iter().map(|route| route.tag("access summary")).collect()
}

fn verification_schema() -> Value {
    json!({
        "type": "object",
        "required": ["destination", "ok", "checks"],
        "properties": {
            "destination": { "type": "string" },
            "ok": { "type": "boolean" },
            "checks": { "type": "array", "items": {
                "type": "object",
                "required": ["name", "status", "message"],
                "properties": {
                    "name": { "type": "string" },
                    "status": { "enum": ["passed", "failed", "skipped"] },
                    "message": { "type": "string" },
                    "fix": { "type": "string", "description": "What to do about it." },
                    "kind": { "type": "string" },
                    "code": { "type": "string", "description": "The service's own code." },
                    "serviceMessage": { "type": "string" },
                    "requestId": { "type": "string" }
                }
            } }
        }
    })
}

async fn saved(app: &App) -> Result<(Option<StoredExport>, Tenant), Problem> {
    let read = |store: &mut Store| -> Result<_, Problem> { Ok((store.export(DEFAULT)?, store.tenant()?)) };
    let (stored, tenant) = app.pool.with(read).await?;
    let (tenant, _) = tenant.ok_or_else(|| Problem::unavailable("there is no tenant yet"))?;
    Ok((stored, tenant))
}

fn none() -> Problem {
    Problem::not_found(format!("no export is configured; PUT one to {PATH}"))
}

async fn show(State(app): State<App>) -> Result<Response, Problem> {
    let (stored, tenant) = saved(&app).await?;
    answer(&app, StatusCode::OK, &stored.ok_or_else(none)?, &tenant)
}

fn answer(
    app: &App,
    status: StatusCode,
    stored: &StoredExport,
    tenant: &Tenant,
) -> Result<Response, Problem> {
    let view = ExportView::of(app, stored, &tenant.time_zone, app.now())?;
    Ok((status, [(header::ETAG, quoted(&stored.etag))], crate::route::json(view)).into_response())
}

/// Reads a configuration and tries its destination.
async fn tried(
    app: &App,
    text: &[u8],
    tenant: &Tenant,
) -> Result<(Configuration, Option<SecretString>, Verification), Problem> {
    let (configuration, secret) = parse::<ExportRequest>(text)?.split()?;
    configuration.check_endpoint(&app.config.allowed_endpoints)?;
    let target = export::target_of(&configuration, secret.clone());
    let target = target.map_err(|error| export::configuration_problem(&error))?;
    let name = export::tenant_name(tenant);
    let verification = export::run_verification(app, target, name).await?;
    Ok((configuration, secret, verification))
}

async fn put(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Text(text): Text,
) -> Result<Response, Problem> {
    let condition = Condition::of(&headers)?;
    let (_, tenant) = saved(&app).await?;
    // The destination is tried before the transaction begins: what the network does must hold up no other writer.
    let (configuration, secret, verification) = tried(&app, &text, &tenant).await?;
    if !verification.ok {
        let checks = serde_json::to_value(&verification.checks).unwrap_or_default();
        let refused = json!({ "configuration": configuration.document(), "checks": checks });
        let note = move |store: &mut Store, caller: &Caller, now: Instant| -> Result<(), Problem> {
            let target = format!("exports/{DEFAULT}");
            let entry =
                NewAuditEntry { action: "refuse", target: &target, before: None, after: Some(&refused) };
            caller.change(now, |change| store.append_audit(entry, change)).map(drop)?;
            Ok(())
        };
        caller::write(&app, caller, note).await?;
        let problem = Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "verification-failed",
            "the destination does not take a summary yet; nothing was saved. Each failed check says what to fix",
        );
        return Err(problem.with("checks", checks));
    }
    let sealed = match secret {
        None => None,
        Some(secret) => {
            let sealed = app.sealer.seal(&export_record(DEFAULT), secret.expose_secret().as_bytes());
            Some(sealed.map_err(|error| Problem::internal(&error))?)
        }
    };
    let save = move |store: &mut Store, caller: &Caller, now: Instant| -> Result<_, Problem> {
        let (document, expected) = (configuration.document(), condition.as_if_match()?);
        let status = if store.export(DEFAULT)?.is_some() { StatusCode::OK } else { StatusCode::CREATED };
        let stored = caller.change(now, |change| {
            store.put_export(DEFAULT, &document, sealed.as_deref(), expected, change)
        })?;
        Ok((status, stored))
    };
    let (status, stored) = caller::write(&app, caller, save).await?;
    app.wake.notify_one();
    answer(&app, status, &stored, &tenant)
}

async fn delete(State(app): State<App>, caller: Caller, headers: HeaderMap) -> Result<Response, Problem> {
    let condition = Condition::of(&headers)?;
    let forget = move |store: &mut Store, caller: &Caller, now: Instant| -> Result<(), Problem> {
        let expected = condition.as_if_match()?;
        Ok(caller.change(now, |change| store.delete_export(DEFAULT, expected, change))?)
    };
    caller::write(&app, caller, forget).await?;
    app.wake.notify_one();
    Ok(StatusCode::NO_CONTENT.into_response())
}

async fn verify_route(State(app): State<App>, request: Request) -> Result<Response, Problem> {
    let (parts, body) = request.with_limited_body().into_parts();
    let body = crate::body::read(body).await?;
    let (stored, tenant) = saved(&app).await?;
    if !body.is_empty() {
        crate::route::expect_json(&parts.headers)?;
        return Ok(crate::route::json(tried(&app, &body, &tenant).await?.2));
    }
    let target = export::target(&app, &stored.ok_or_else(none)?)?;
    let name = export::tenant_name(&tenant);
    Ok(crate::route::json(export::run_verification(&app, target, name).await?))
}
