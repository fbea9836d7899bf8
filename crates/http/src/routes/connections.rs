//! Connections: systems of record that people and data sources come from, and their syncs.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use domesday_model::{Instant, Kind, Permission};
use domesday_service::caller::{Caller, Permit};
use domesday_service::connections::{self, ConnectionView, SyncRequest, SyncView, find_writable, sync_now};
use domesday_store::{Store, StoredObject};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::etag::{precondition, quote};
use crate::extract::{Authenticated, JsonText, Path, Query, json_text, parse};
use crate::paging::{PageQuery, cut_page};
use crate::problem::Problem;
use crate::response::json as to_response;
use crate::route::{Route, schema};
use crate::state::App;

pub(super) const PATH: &str = "/api/v1/connections";
pub(super) const WRITERS: Permit = Permit::AnyOf(&[Permission::Governance, Permission::UserAdmin]);
const READERS: Permit = Permit::AnyOf(&[Permission::Audit, Permission::Governance, Permission::UserAdmin]);

pub(super) fn routes() -> Vec<Route> {
    let item = format!("{PATH}/{{name}}");
    let syncs = format!("{item}/syncs");
    let page = |name: &str| schema(page_schema(name));
    let json_type = "application/json";
    let routes = vec![
        Route::new(Method::GET, PATH, READERS, "listConnections", list)
            .about("Every connection in its configured order, which is the rank of what it says, with its state.")
            .answers_as(200, "The connections.", json_type, Some(page("connection"))),
        Route::new(Method::GET, &item, READERS, "getConnection", show)
            .about("One connection. Its password is never returned.")
            .answers_as(200, "The connection.", json_type, Some(schema(connection_schema())))
            .fails(&[404]),
        Route::new(Method::PUT, &item, WRITERS, "putConnection", put)
            .about(
                "Creates or replaces a connection. `password` is sealed; without it, the connection keeps the password \
                 that it has, as long as its address and account stay the same. Needs GOVERNANCE; USER_ADMIN suffices \
                 for kinds that bring users and groups.",
            )
            .conditional()
            .body_of(json_type, schema(connection_schema()))
            .answers_as(200, "Replaced.", json_type, Some(schema(connection_schema())))
            .answers_as(201, "Created.", json_type, Some(schema(connection_schema())))
            .fails(&[400, 404, 409, 412, 413, 415, 422]),
        Route::new(Method::DELETE, &item, WRITERS, "deleteConnection", delete)
            .about(
                "Deletes a connection. What it listed is no longer listed by it: users and data sources that no other \
                 connection lists become disabled, and keep their ids and history.",
            )
            .conditional()
            .answers_nothing(204, "Deleted.")
            .fails(&[400, 404, 409, 412]),
        Route::new(Method::POST, &syncs, WRITERS, "startSync", sync)
            .about(
                "Reads the connection now and makes its layer what it lists, or changes nothing; answers when that has \
                 ended. With `dryRun`, says what would change, object by object. With `acceptGone`, any number of users \
                 and data sources may be gone.",
            )
            .body::<SyncBody>()
            .answers_as(200, "The sync: `state` says how it ended.", json_type, Some(schema(sync_schema())))
            .fails(&[400, 404, 409, 413, 415, 422]),
        Route::new(Method::GET, &syncs, READERS, "listSyncs", list_syncs)
            .about("The syncs of a connection in the last 400 days, newest first.")
            .query::<PageQuery>()
            .answers_as(200, "A page.", json_type, Some(page("sync")))
            .fails(&[400, 404, 422]),
        Route::new(Method::GET, format!("{syncs}/{{id}}"), READERS, "getSync", show_sync)
            .about("One sync: what it read, changed and left out, and the SHA-256 over what was read.")
            .answers_as(200, "The sync.", json_type, Some(schema(sync_schema())))
            .fails(&[404]),
    ];
    routes.into_iter().map(|route| route.tag("connections")).collect()
}

/// How to sync.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct SyncBody {
    /// Say what would change, and change nothing.
    dry_run: bool,
    /// Accept any number of users and data sources that are gone.
    accept_gone: bool,
}

fn connection_schema() -> Value {
    json!({
        "type": "object",
        "required": ["name", "kind"],
        "description": "A connection; the fields of each kind are described in docs/connections.md.",
        "properties": {
            "name": { "type": "string" },
            "kind": { "type": "string", "enum": ["scim", "ldap", "postgres", "dbt", "csv"] },
            "password": { "type": "string", "writeOnly": true },
            "schedule": { "type": "string", "description": "Cron, in the tenant's zone." },
            "maxGone": { "type": "string", "examples": ["10%"] },
            "maxAge": { "type": "string", "examples": ["24h"] }
        }
    })
}

pub(super) fn sync_schema() -> Value {
    json!({
        "type": "object",
        "required": ["id", "connection", "state", "trigger", "actor", "startedAt"],
        "properties": {
            "id": { "type": ["string", "null"], "description": "None for a dry run, which leaves no record." },
            "connection": { "type": "string" },
            "state": { "type": "string", "enum": ["running", "succeeded", "failed", "refused"] },
            "trigger": { "type": "string", "enum": ["schedule", "manual", "run", "import", "push"] },
            "actor": { "type": "string" },
            "startedAt": { "type": "string", "format": "date-time" },
            "endedAt": { "type": ["string", "null"], "format": "date-time" },
            "isComplete": { "type": "boolean" },
            "counts": {
                "type": "object",
                "description": "By kind: read, created, changed, unchanged, gone and skipped.",
                "additionalProperties": { "type": "object", "additionalProperties": { "type": "integer" } }
            },
            "ownCount": { "type": ["integer", "null"], "description": "How many entries the source itself counts." },
            "sha256": { "type": "string" },
            "error": { "type": "string" }
        }
    })
}

fn page_schema(name: &str) -> Value {
    let item = if name == "sync" { sync_schema() } else { connection_schema() };
    json!({
        "type": "object",
        "required": ["total", "items"],
        "properties": {
            "total": { "type": "integer", "minimum": 0 },
            "items": { "type": "array", "items": item },
            "nextCursor": { "type": "string" }
        }
    })
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct PageView<T> {
    total: u64,
    items: Vec<T>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

fn no_such(name: &str) -> Problem {
    Problem::not_found(format!("there is no connection `{name}`"))
}

fn view(store: &mut Store, object: StoredObject, now: Instant) -> Result<ConnectionView, Problem> {
    Ok(connections::view(store, object, now)?)
}

fn find(store: &mut Store, name: &str) -> Result<StoredObject, Problem> {
    store.object(Kind::Connection, name)?.ok_or_else(|| no_such(name))
}

async fn list(State(app): State<App>) -> Result<Response, Problem> {
    let now = app.service.now();
    let read = move |store: &mut Store| -> Result<_, Problem> {
        let objects = store.connections()?;
        objects.into_iter().map(|object| view(store, object, now)).collect::<Result<Vec<_>, _>>()
    };
    let items = app.service.pool.with(read).await?;
    Ok(to_response(PageView { total: items.len() as u64, items, next_cursor: None }))
}

async fn show(State(app): State<App>, Path(name): Path<String>) -> Result<Response, Problem> {
    let now = app.service.now();
    let read = move |store: &mut Store| -> Result<_, Problem> {
        let object = find(store, &name)?;
        view(store, object, now)
    };
    Ok(connection_response(StatusCode::OK, &app.service.pool.with(read).await?))
}

fn connection_response(status: StatusCode, view: &ConnectionView) -> Response {
    (status, [(header::ETAG, quote(&view.etag))], to_response(view)).into_response()
}

async fn put(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    headers: HeaderMap,
    Path(name): Path<String>,
    JsonText(text): JsonText,
) -> Result<Response, Problem> {
    let precondition = precondition(&headers)?;
    domesday_sources::check_json(json_text(&text)?)
        .map_err(|wrong| crate::extract::refusal(&wrong, "the document is no connection"))?;
    let document: Map<String, Value> = parse(&text)?;
    let sealer = Arc::clone(&app.service.sealer);
    let work = move |store: &mut Store, caller: &Caller, now: Instant| -> Result<_, Problem> {
        let written = connections::put(store, caller, &sealer, &name, document, &precondition, now)?;
        Ok((view(store, written.object, now)?, written.is_new))
    };
    let (view, is_new) = app.service.write(caller, work).await?;
    app.service.signals.sync_wake.notify_one();
    Ok(connection_response(if is_new { StatusCode::CREATED } else { StatusCode::OK }, &view))
}

async fn delete(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    headers: HeaderMap,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    let precondition = precondition(&headers)?;
    let work = move |store: &mut Store, caller: &Caller, now: Instant| -> Result<(), Problem> {
        Ok(connections::delete(store, caller, &name, &precondition, now)?)
    };
    app.service.write(caller, work).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

async fn sync(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Path(name): Path<String>,
    JsonText(text): JsonText,
) -> Result<Response, Problem> {
    let body: SyncBody = parse(&text)?;
    let (actor, from) = (caller.actor.clone(), caller.address.to_string());
    let searched = name.clone();
    // The caller is judged as for a change, since a sync is one.
    let judge = move |store: &mut Store, caller: &Caller, _: Instant| {
        Ok::<_, Problem>(find_writable(store, caller, &searched)?)
    };
    app.service.write(caller, judge).await?;
    let request = SyncRequest {
        trigger: "manual",
        actor,
        from: Some(from),
        dry_run: body.dry_run,
        accept_gone: body.accept_gone,
    };
    Ok(to_response(sync_now(&app.service.syncs, &name, request).await?))
}

async fn list_syncs(
    State(app): State<App>,
    Path(name): Path<String>,
    Query(page): Query<PageQuery>,
) -> Result<Response, Problem> {
    let limit = page.limit()?;
    let before: Option<i64> = page.after()?;
    let read = move |store: &mut Store| -> Result<_, Problem> {
        find(store, &name)?;
        let syncs = store.syncs(&name, before.map(Instant::from_micros), limit + 1)?;
        Ok((syncs, store.sync_count(&name)?))
    };
    let (mut syncs, total) = app.service.pool.with(read).await?;
    let next_cursor = cut_page(&mut syncs, limit, |last| last.started_at.as_micros());
    let items: Vec<_> = syncs.into_iter().map(SyncView::from).collect();
    Ok(to_response(PageView { total, items, next_cursor }))
}

async fn show_sync(
    State(app): State<App>,
    Path((name, id)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let none = || Problem::not_found(format!("there is no sync `{id}` of this connection"));
    let uuid = Uuid::parse_str(&id).map_err(|_| none())?;
    let read = move |store: &mut Store| -> Result<_, Problem> { Ok(store.sync(uuid)?) };
    let sync = app.service.pool.with(read).await?;
    let sync = sync.filter(|sync| sync.connection == name).ok_or_else(none)?;
    Ok(to_response(SyncView::from(sync)))
}
