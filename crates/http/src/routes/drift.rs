//! Drift: where connected databases differ from the policies.

use axum::extract::State;
use axum::http::{Method, header};
use axum::response::{IntoResponse, Response};
use domesday_drift::{Drift, FindingKind};
use domesday_model::Permission;
use domesday_service::caller::Permit;
use domesday_service::drift::{FindingFilter, FindingView, has_role, page as find_page};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::extract::{Authenticated, Query};
use crate::paging::{PageQuery, cursor};
use crate::problem::Problem;
use crate::response::json as to_response;
use crate::route::Route;
use crate::state::App;

/// Who may see drift: findings name people whom the asker may not know.
pub(crate) const READERS: Permit = Permit::AnyOf(&[Permission::Audit, Permission::Governance]);

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::new(Method::GET, "/api/v1/drift", READERS, "listDrift", list)
            .tag("drift")
            .about(
                "Where connected databases differ from the policies, as they were last read: who can though they may not, \
                 who may though they cannot, which masks are not enforced, and which roles belong to nobody. `total` is \
                 exact.",
            )
            .query::<DriftQuery>()
            .query::<PageQuery>()
            .answers::<DriftPage>(200, "A page of findings, in order of connection, data source and user.")
            .fails(&[400, 404, 422]),
        Route::new(Method::GET, "/api/v1/drift/repair", READERS, "getDriftRepair", repair)
            .tag("drift")
            .about(
                "The SQL that brings a database to what the policies say: one transaction, with a comment for each \
                 statement. Nothing is run. `connection` may be left out when there is only one.",
            )
            .query::<RepairQuery>()
            .answers_as(200, "The script.", "application/sql", None)
            .fails(&[400, 404, 409, 422]),
    ]
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct DriftQuery {
    /// A connection, by name.
    connection: Option<String>,
    /// A kind of finding.
    kind: Option<KindName>,
    /// A data source's name.
    data_source: Option<String>,
    /// A username.
    user: Option<String>,
    /// A role of a database.
    role: Option<String>,
}

#[derive(Debug, Deserialize, JsonSchema)]
struct RepairQuery {
    /// A connection, by name.
    connection: Option<String>,
}

/// A kind of finding, in the spelling of the answers.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum KindName {
    Excess,
    ExcessBlocked,
    UnmaskedColumn,
    Missing,
    Partial,
    Unmapped,
}

impl From<KindName> for FindingKind {
    fn from(name: KindName) -> Self {
        match name {
            KindName::Excess => Self::Excess,
            KindName::ExcessBlocked => Self::ExcessBlocked,
            KindName::UnmaskedColumn => Self::UnmaskedColumn,
            KindName::Missing => Self::Missing,
            KindName::Partial => Self::Partial,
            KindName::Unmapped => Self::Unmapped,
        }
    }
}

/// A page of findings.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct DriftPage {
    /// How many findings there are on all pages together.
    total: usize,
    /// The findings of this page.
    items: Vec<FindingView>,
    /// Where the next page begins; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

async fn list(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Query(query): Query<DriftQuery>,
    Query(page): Query<PageQuery>,
) -> Result<Response, Problem> {
    let limit = page.limit()?;
    let skipped = page.after::<usize>()?.unwrap_or(0);
    let evaluation = app.service.evaluations.current(caller.revision).await?;
    let snapshot = evaluation.snapshot();
    let unknown = |what: &str, name: &str| Problem::not_found(format!("there is no {what} `{name}`"));
    if let Some(name) = query.data_source.as_deref().filter(|name| snapshot.data_source(name).is_none()) {
        return Err(unknown("data source", name));
    }
    if let Some(name) = query.user.as_deref().filter(|name| snapshot.user(name).is_none()) {
        return Err(unknown("user", name));
    }
    let drifts = evaluation.drifts().await?;
    if let Some(name) = query.connection.as_deref() {
        find_database(&drifts, name)?;
    }
    if let Some(name) = query.role.as_deref().filter(|name| !has_role(&drifts, name)) {
        return Err(unknown("role", name));
    }
    let filter = FindingFilter {
        connection: query.connection,
        kind: query.kind.map(FindingKind::from),
        data_source: query.data_source,
        user: query.user,
        role: query.role,
    };
    let work = move || -> Result<_, Problem> {
        let found = find_page(&drifts, &filter, skipped, limit);
        let end = skipped.saturating_add(found.findings.len());
        Ok(DriftPage {
            total: found.total,
            next_cursor: (end < found.total && !found.findings.is_empty()).then(|| cursor(&end)),
            items: found.findings.iter().map(FindingView::from).collect(),
        })
    };
    let page = app.service.pool.compute(work).await?;
    Ok(to_response(page))
}

async fn repair(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Query(query): Query<RepairQuery>,
) -> Result<Response, Problem> {
    let evaluation = app.service.evaluations.current(caller.revision).await?;
    let drifts = evaluation.drifts().await?;
    let position = match (query.connection, &drifts[..]) {
        (Some(name), _) => find_database(&drifts, &name)?,
        (None, [_]) => 0,
        (None, []) => return Err(Problem::not_found("no connection has read a database yet".to_owned())),
        (None, _) => {
            return Err(Problem::invalid("several databases were read; name one with `connection=`"));
        }
    };
    let work = move || -> Result<_, Problem> { Ok(drifts[position].repair_script()) };
    let script = app.service.pool.compute(work).await?;
    Ok(([(header::CONTENT_TYPE, "application/sql; charset=utf-8")], script).into_response())
}

/// Finds a database by its connection.
fn find_database(drifts: &[Drift], connection: &str) -> Result<usize, Problem> {
    let found = drifts.iter().position(|drift| drift.database().connection == connection);
    found.ok_or_else(|| {
        Problem::not_found(format!("no connection `{connection}` has read a database yet; sync it first"))
    })
}
