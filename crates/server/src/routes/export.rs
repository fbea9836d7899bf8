//! The export configuration of the access summary: saved only when the destination takes what a run would put.

use axum::RequestExt;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use domesday_delivery::Verification;
use domesday_model::{Instant, Permission, Tenant};
use domesday_store::{NewAuditEntry, RunRecord, Store, StoredExport};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use crate::caller::{self, Caller};
use crate::etag::{Condition, quoted};
use crate::export::{
    self, Configuration, DEFAULT, ExportPatch, ExportRequest, ExportView, MERGE_PATCH, Secret,
};
use crate::problem::Problem;
use crate::route::{PatchText, Permit, Route, Text, parse, schema, schema_of};
use crate::seal::export_record;
use crate::service::App;
use crate::webhook;

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
                 named checks, and nothing is saved. Without `secretAccessKey` the stored one is kept, as long as \
                 `accessKeyId` and `endpoint` stay the same. When only `schedule` or `layout` differ from what is \
                 stored, the destination is not tried. A run under way goes on with the configuration that its \
                 attempt began with.",
            )
            .conditional()
            .body::<ExportRequest>()
            .answers::<ExportView>(200, "Verified and saved.")
            .answers::<ExportView>(201, "Verified and saved for the first time.")
            .fails(&[400, 404, 409, 412, 413, 415, 422, 503]),
        Route::new(Method::PATCH, PATH, GOVERNANCE, "patchExport", patch)
            .about(
                "Changes some fields of the export configuration, as a JSON merge patch (RFC 7386): null removes a \
                 field. The secret is kept as long as `accessKeyId` and `endpoint` stay the same. The destination is \
                 verified as by PUT when anything but `schedule` and `layout` changes.",
            )
            .conditional()
            .body_of(MERGE_PATCH, schema_of::<ExportPatch>())
            .answers::<ExportView>(200, "Verified and saved.")
            .fails(&[400, 404, 409, 412, 413, 415, 422, 503]),
        Route::new(Method::DELETE, PATH, GOVERNANCE, "deleteExport", delete)
            .about(
                "Deletes the configuration and its secret, and cancels the run that is queued or under way. What was \
                 delivered stays in the bucket. A run under way begins no further put once it notices, which takes \
                 seconds at most, and ends as cancelled.",
            )
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

/// A configuration as a request means it, with what of the stored one it keeps.
fn read(
    app: &App,
    request: ExportRequest,
    stored: Option<&StoredExport>,
) -> Result<(Configuration, Secret), Problem> {
    let with_secret = stored.filter(|stored| stored.sealed.is_some());
    let with_secret = with_secret.map(|stored| Configuration::of_document(&stored.document)).transpose()?;
    let (configuration, secret) = request.split(with_secret.as_ref())?;
    configuration.check_endpoint(&app.config.allowed_endpoints)?;
    Ok((configuration, secret))
}

/// Tries the destination of a configuration.
async fn try_destination(
    app: &App,
    configuration: &Configuration,
    secret: &Secret,
    stored: Option<&StoredExport>,
    tenant: &Tenant,
) -> Result<Verification, Problem> {
    let secret = match (secret, stored) {
        (Secret::Given(secret), _) => Some(secret.clone()),
        (Secret::Kept, Some(stored)) => export::secret(app, stored)?,
        (Secret::Kept | Secret::None, _) => None,
    };
    let target = export::target_of(configuration, secret);
    let target = target.map_err(|error| export::configuration_problem(&error))?;
    let name = export::tenant_name(tenant);
    export::run_verification(app, target, name).await
}

async fn put(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Text(text): Text,
) -> Result<Response, Problem> {
    let condition = Condition::of(&headers)?;
    let request = parse::<ExportRequest>(&text)?;
    let (stored, tenant) = saved(&app).await?;
    save(&app, caller, &condition, Change { request, is_patch: false }, stored, &tenant).await
}

async fn patch(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    PatchText(text): PatchText,
) -> Result<Response, Problem> {
    let condition = Condition::of(&headers)?;
    let patch = parse::<ExportPatch>(&text)?;
    let (stored, tenant) = saved(&app).await?;
    let request = patch.apply(&stored.as_ref().ok_or_else(none)?.document)?;
    save(&app, caller, &condition, Change { request, is_patch: true }, stored, &tenant).await
}

/// A configuration that is to be saved.
struct Change {
    request: ExportRequest,
    /// Whether it was made of the stored one.
    is_patch: bool,
}

/// Saves a configuration. Its destination is tried before, unless it is the stored one: where only the schedule or the
/// layout changes, there is nothing to ask it.
async fn save(
    app: &App,
    caller: Caller,
    condition: &Condition,
    Change { request, is_patch }: Change,
    stored: Option<StoredExport>,
    tenant: &Tenant,
) -> Result<Response, Problem> {
    condition.check(stored.as_ref().map(|stored| stored.etag.as_str()), "the export configuration")?;
    let (configuration, secret) = read(app, request, stored.as_ref())?;
    let before = stored.as_ref().map(|stored| Configuration::of_document(&stored.document)).transpose()?;
    let has_new_secret = matches!(secret, Secret::Given(_));
    if let (Some(stored), Some(before)) = (&stored, &before)
        && !has_new_secret
        && *before == configuration
    {
        return answer(app, StatusCode::OK, stored, tenant);
    }
    let is_tried = before.as_ref().is_some_and(|before| configuration.has_destination_of(before));
    // What is taken from the stored configuration (fields, the secret, the proof that the destination works) holds for
    // no other.
    let is_based = is_patch || matches!(secret, Secret::Kept) || (is_tried && !has_new_secret);
    let based_on = stored.as_ref().filter(|_| is_based).map(|stored| stored.etag.clone());
    if has_new_secret || !is_tried {
        // Before the transaction begins: what the network does must hold up no other writer.
        let verification = try_destination(app, &configuration, &secret, stored.as_ref(), tenant).await?;
        if !verification.ok {
            return Err(refuse(app, caller, &configuration, &verification).await?);
        }
    }
    let sealed = match secret {
        Secret::None => None,
        Secret::Kept => stored.and_then(|stored| stored.sealed),
        Secret::Given(secret) => {
            let sealed = app.sealer.seal(&export_record(DEFAULT), secret.expose_secret().as_bytes());
            Some(sealed.map_err(|error| Problem::internal(&error))?)
        }
    };
    let condition = condition.clone();
    let save = move |store: &mut Store, caller: &Caller, now: Instant| -> Result<_, Problem> {
        let (document, expected) = (configuration.document(), condition.as_if_match()?);
        let found = store.export(DEFAULT)?;
        if based_on.is_some() && found.as_ref().map(|found| &found.etag) != based_on.as_ref() {
            // The condition of the request comes first.
            condition.check(found.as_ref().map(|found| found.etag.as_str()), "the export configuration")?;
            return Err(Problem::conflict(
                "the export configuration was changed by somebody else meanwhile; send the request again",
            ));
        }
        let status = if found.is_some() { StatusCode::OK } else { StatusCode::CREATED };
        let stored = caller.change(now, |change| {
            store.put_export(DEFAULT, &document, sealed.as_deref(), expected, change)
        })?;
        Ok((status, stored))
    };
    let (status, stored) = caller::write(app, caller, save).await?;
    app.wake.notify_one();
    answer(app, status, &stored, tenant)
}

/// Records that a destination failed its verification, and returns the answer.
async fn refuse(
    app: &App,
    caller: Caller,
    configuration: &Configuration,
    verification: &Verification,
) -> Result<Problem, Problem> {
    let checks = serde_json::to_value(&verification.checks).unwrap_or_default();
    let refused = json!({ "configuration": configuration.document(), "checks": checks });
    let note = move |store: &mut Store, caller: &Caller, now: Instant| -> Result<(), Problem> {
        let target = format!("exports/{DEFAULT}");
        let entry = NewAuditEntry { action: "refuse", target: &target, before: None, after: Some(&refused) };
        caller.change(now, |change| store.append_audit(entry, change)).map(drop)?;
        Ok(())
    };
    caller::write(app, caller, note).await?;
    let problem = Problem::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        "verification-failed",
        "the destination does not take a summary yet; nothing was saved. Each failed check says what to fix",
    );
    Ok(problem.with("checks", checks))
}

async fn delete(State(app): State<App>, caller: Caller, headers: HeaderMap) -> Result<Response, Problem> {
    let condition = Condition::of(&headers)?;
    let service = app.clone();
    let forget = move |store: &mut Store, caller: &Caller, now: Instant| -> Result<(), Problem> {
        let expected = condition.as_if_match()?;
        caller.change(now, |change| store.delete_export(DEFAULT, expected, change))?;
        // In the same transaction: nobody can begin another attempt in between.
        for run in store.unfinished_runs(DEFAULT)? {
            let message = |run: &RunRecord| webhook::message(&service, run, now);
            caller.change(now, |change| store.cancel_run(run.id, change, message))?;
        }
        Ok(())
    };
    caller::write(&app, caller, forget).await?;
    app.cancel_wake.notify_one();
    app.wake.notify_one();
    app.told.notify_one();
    Ok(StatusCode::NO_CONTENT.into_response())
}

async fn verify_route(State(app): State<App>, request: Request) -> Result<Response, Problem> {
    let (parts, body) = request.with_limited_body().into_parts();
    let body = crate::body::read(body).await?;
    let (stored, tenant) = saved(&app).await?;
    if !body.is_empty() {
        crate::route::expect_json(&parts.headers)?;
        let (configuration, secret) = read(&app, parse::<ExportRequest>(&body)?, stored.as_ref())?;
        let verification = try_destination(&app, &configuration, &secret, stored.as_ref(), &tenant).await?;
        return Ok(crate::route::json(verification));
    }
    let target = export::target(&app, &stored.ok_or_else(none)?)?;
    let name = export::tenant_name(&tenant);
    Ok(crate::route::json(export::run_verification(&app, target, name).await?))
}
