//! Runs of the access summary: started by hand, listed, shown, cancelled.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use domesday_model::{Instant, Permission};
use domesday_service::caller::{Caller, Permit};
use domesday_service::exports::DEFAULT_EXPORT;
use domesday_service::idempotency::create_once;
use domesday_service::runs::{self, RunView};
use domesday_store::Store;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::value::to_raw_value;
use uuid::Uuid;

use crate::extract::{Authenticated, Path, Query};
use crate::idempotency::{CreatedResponse, idempotency_key};
use crate::paging::{PageQuery, cut_page};
use crate::problem::Problem;
use crate::response::json;
use crate::route::Route;
use crate::state::App;

const PATH: &str = "/api/v1/access-summary/runs";
const GOVERNANCE: Permit = Permit::AnyOf(&[Permission::Governance]);
const READERS: Permit = Permit::AnyOf(&[Permission::Governance, Permission::Audit]);

pub(super) fn routes() -> Vec<Route> {
    let routes = vec![
        Route::new(Method::POST, PATH, GOVERNANCE, "startRun", start)
            .about(
                "Starts a run now, beside the schedule. 409 when one is under way or nothing is configured.",
            )
            .idempotent()
            .answers::<RunView>(202, "Queued.")
            .fails(&[400, 409, 422]),
        Route::new(Method::GET, PATH, READERS, "listRuns", list)
            .about("Every run, newest first. `total` is exact.")
            .query::<PageQuery>()
            .answers::<RunPage>(200, "A page.")
            .fails(&[400, 404, 422]),
        Route::new(Method::GET, format!("{PATH}/{{id}}"), READERS, "getRun", show)
            .about("One run: its state, its rows and bytes for each table, or why it failed.")
            .answers::<RunView>(200, "The run.")
            .fails(&[404]),
        Route::new(Method::POST, format!("{PATH}/{{id}}/cancel"), GOVERNANCE, "cancelRun", cancel)
            .about(
                "Cancels a run. One that waits has ended with the answer (200); one that is under way ends within \
                 seconds, whatever it waits for (202). What was delivered before stays valid. 409 when it has \
                 ended already.",
            )
            .answers::<RunView>(200, "Cancelled.")
            .answers::<RunView>(202, "It ends within seconds.")
            .fails(&[404, 409]),
    ];
    routes.into_iter().map(|route| route.tag("access summary")).collect()
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct RunPage {
    total: u64,
    items: Vec<RunView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

async fn start(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let key = idempotency_key(&headers, &caller, PATH, &[])?;
    let sealer = Arc::clone(&app.service.sealer);
    let work = move |store: &mut Store, caller: &Caller, now: Instant| -> Result<_, Problem> {
        create_once(store, &sealer, key.as_ref(), now, |store| {
            let run = runs::start(store, caller, now)?;
            Ok(CreatedResponse {
                status: 202,
                location: Some(format!("{PATH}/{}", run.id)),
                etag: None,
                body: to_raw_value(&RunView::from(run)).expect("a run is plain data"),
            })
        })
    };
    let created = app.service.write(caller, work).await?;
    app.service.signals.scheduler_wake.notify_one();
    Ok(created.into_response())
}

async fn list(State(app): State<App>, Query(page): Query<PageQuery>) -> Result<Response, Problem> {
    let limit = page.limit()?;
    let after: Option<Uuid> = page.after()?;
    let read =
        move |store: &mut Store| -> Result<_, Problem> { Ok(store.runs(DEFAULT_EXPORT, after, limit + 1)?) };
    let (mut runs, total) = app.service.pool.with(read).await?;
    let next_cursor = cut_page(&mut runs, limit, |last| last.id);
    Ok(json(RunPage { total, items: runs.into_iter().map(RunView::from).collect(), next_cursor }))
}

fn parse_id(id: &str) -> Result<Uuid, Problem> {
    Uuid::parse_str(id).map_err(|_| no_such_run(id))
}

fn no_such_run(id: &str) -> Problem {
    Problem::not_found(format!("there is no run `{id}`"))
}

async fn show(State(app): State<App>, Path(id): Path<String>) -> Result<Response, Problem> {
    let uuid = parse_id(&id)?;
    let read = move |store: &mut Store| -> Result<_, Problem> { Ok(store.run(uuid)?) };
    let run = app.service.pool.with(read).await?.ok_or_else(|| no_such_run(&id))?;
    Ok(json(RunView::from(run)))
}

async fn cancel(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let (id, has_webhook) = (parse_id(&id)?, app.service.config.webhook.is_some());
    let work = move |store: &mut Store, caller: &Caller, now: Instant| -> Result<_, Problem> {
        Ok(runs::cancel(store, caller, id, has_webhook, now)?)
    };
    let run = app.service.write(caller, work).await?;
    let signals = &app.service.signals;
    signals.cancel_wake.notify_one();
    signals.scheduler_wake.notify_one();
    signals.webhook_wake.notify_one();
    let status = if run.state.is_final() { StatusCode::OK } else { StatusCode::ACCEPTED };
    Ok((status, json(RunView::from(run))).into_response())
}
