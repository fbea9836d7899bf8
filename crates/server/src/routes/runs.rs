//! Runs of the access summary: begun by hand, listed, looked at.

use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use domesday_model::{Instant, Permission};
use domesday_store::{NewRun, RunRecord, Store};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::caller::{self, Caller};
use crate::export::DEFAULT;
use crate::idempotency::{self, Created, Once};
use crate::paging;
use crate::problem::Problem;
use crate::route::{Path, Permit, Query, Route, json};
use crate::runs::RunView;
use crate::service::App;
use crate::webhook;

const PATH: &str = "/api/v1/access-summary/runs";
const GOVERNANCE: Permit = Permit::AnyOf(&[Permission::Governance]);
const READERS: Permit = Permit::AnyOf(&[Permission::Governance, Permission::Audit]);

pub(super) fn routes() -> Vec<Route> {
    let routes = vec![
        Route::new(Method::POST, PATH, GOVERNANCE, "startRun", start)
            .about(
                "Begins a run now, beside the schedule. 409 when one is under way or nothing is configured.",
            )
            .idempotent()
            .answers::<RunView>(202, "Queued.")
            .fails(&[400, 409, 422]),
        Route::new(Method::GET, PATH, READERS, "listRuns", list)
            .about("Every run, newest first. `total` is exact.")
            .limited()
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

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RunQuery {
    limit: Option<usize>,
    cursor: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct RunPage {
    total: u64,
    items: Vec<RunView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

async fn start(State(app): State<App>, caller: Caller, headers: HeaderMap) -> Result<Response, Problem> {
    let once = Once::of(&headers, &caller, PATH, &[])?;
    let service = app.clone();
    let work = move |store: &mut Store, caller: &Caller, now: Instant| -> Result<_, Problem> {
        idempotency::create(&service, store, once.as_ref(), |store| {
            if store.export(DEFAULT)?.is_none() {
                return Err(Problem::conflict("no export is configured, so there is nothing to run"));
            }
            let new = NewRun {
                id: Uuid::new_v4(),
                export_id: DEFAULT.to_owned(),
                trigger: "manual".to_owned(),
                scheduled_for: None,
            };
            let run = caller.change(now, |change| store.create_run(&new, change))?;
            let run = run.ok_or_else(|| Problem::internal(&"a run without a time was taken for another"))?;
            Ok(Created {
                status: 202,
                location: Some(format!("{PATH}/{}", run.id)),
                etag: None,
                body: serde_json::value::to_raw_value(&RunView::from(run)).expect("a run is plain data"),
            })
        })
    };
    let created = caller::write(&app, caller, work).await?;
    app.wake.notify_one();
    Ok(created.into_response())
}

async fn list(State(app): State<App>, Query(query): Query<RunQuery>) -> Result<Response, Problem> {
    let limit = paging::limit(query.limit)?;
    let after: Option<Uuid> = paging::position(query.cursor.as_deref())?;
    let read = move |store: &mut Store| -> Result<_, Problem> { Ok(store.runs(DEFAULT, after, limit + 1)?) };
    let (mut runs, total) = app.pool.with(read).await?;
    let next_cursor = paging::cut(&mut runs, limit, |last| last.id);
    Ok(json(RunPage { total, items: runs.into_iter().map(RunView::from).collect(), next_cursor }))
}

async fn show(State(app): State<App>, Path(id): Path<String>) -> Result<Response, Problem> {
    let none = || Problem::not_found(format!("there is no run `{id}`"));
    let uuid = Uuid::parse_str(&id).map_err(|_| none())?;
    let read = move |store: &mut Store| -> Result<_, Problem> { Ok(store.run(uuid)?) };
    let run = app.pool.with(read).await?.ok_or_else(none)?;
    Ok(json(RunView::from(run)))
}

async fn cancel(State(app): State<App>, caller: Caller, Path(id): Path<String>) -> Result<Response, Problem> {
    let none = || Problem::not_found(format!("there is no run `{id}`"));
    let (uuid, service) = (Uuid::parse_str(&id).map_err(|_| none())?, app.clone());
    let work = move |store: &mut Store, caller: &Caller, now: Instant| -> Result<_, Problem> {
        if store.run(uuid)?.is_none() {
            return Ok(None);
        }
        let message = |run: &RunRecord| webhook::message(&service, run, now);
        Ok(Some(caller.change(now, |change| store.cancel_run(uuid, change, message))?))
    };
    let (run, is_changed) = caller::write(&app, caller, work).await?.ok_or_else(none)?;
    if run.state.is_final() && !is_changed {
        let detail = format!("the run has ended already: it is {}", run.state);
        return Err(Problem::conflict(detail).with("state", run.state.as_str()));
    }
    app.cancel_wake.notify_one();
    app.wake.notify_one();
    app.told.notify_one();
    let status = if run.state.is_final() { StatusCode::OK } else { StatusCode::ACCEPTED };
    Ok((status, json(RunView::from(run))).into_response())
}
