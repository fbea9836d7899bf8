//! Access queries: who can reach this, what can this user reach, and why.

use axum::extract::State;
use axum::http::Method;
use axum::response::Response;
use domesday_engine::{Explanation, Outcome};
use domesday_model::Scope;
use domesday_service::caller::Permit;
use domesday_service::drift::PairView;
use domesday_service::evaluation::{
    AccessFilter, AccessPage, AccessRow, PageStart, Selection, Selector, View, reduce, reduce_column,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::extract::{Authenticated, Query};
use crate::paging::{PageQuery, cursor};
use crate::problem::Problem;
use crate::response::json as to_response;
use crate::route::{Route, schema};
use crate::state::App;

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::new(Method::GET, "/api/v1/access", Permit::AnyKey, "listAccess", list)
            .tag("access")
            .about(
                "What a user can reach (`user`), who can reach a data source (`dataSource`), or what the one can \
                 do with the other (both). With AUDIT or GOVERNANCE for everybody; an owner asks for their data \
                 sources, and sees who reaches them without the policies; everyone for themselves, with the policies \
                 that admit or stop them. `total` is exact.",
            )
            .query::<AccessQuery>()
            .query::<PageQuery>()
            .answers::<AccessPageView<'static>>(200, "A page of access.")
            .fails(&[400, 404, 422]),
        Route::new(Method::GET, "/api/v1/access/explain", Permit::AnyKey, "explainAccess", explain)
            .tag("access")
            .about(
                "Why a user can or cannot reach a data source: every grant, guardrail, request and condition \
                 with what became of it, and the nearest ways to access; with `column`, why they see that column \
                 as they do. For whom: as the list of access. Without AUDIT and GOVERNANCE a user is shown the grants \
                 that admit them and the guardrails that stop them, and an owner what comes of it.",
            )
            .query::<ExplainQuery>()
            .answers_as(200, "The derivation.", "application/json", Some(schema(explanations())))
            .fails(&[400, 404, 422]),
    ]
}

/// The schema of a derivation: of a pair, or of a column with that of its pair inside.
fn explanations() -> serde_json::Value {
    let objects = json!({ "type": "array", "items": { "type": "object" } });
    let pair = json!({
        "type": "object",
        "required": ["user", "dataSource", "scope", "access", "grants", "guardrails", "requests"],
        "properties": {
            "user": { "type": "string" },
            "dataSource": { "type": "string" },
            "scope": { "enum": ["READ", "WRITE"] },
            "access": { "enum": ["GRANTED", "BLOCKED", "NONE"] },
            "grants": objects,
            "guardrails": objects,
            "requests": objects,
            "actual": {
                "type": "array",
                "items": { "type": "object" },
                "description": "What each connected database really allows, by which role and way, or what is lacking."
            }
        }
    });
    let column = json!({
        "type": "object",
        "required": ["column", "sight", "policies", "exceptions", "read"],
        "properties": {
            "column": { "type": "string" },
            "sight": { "enum": ["MASKED", "UNMASKED", "PLAIN", "UNREADABLE"] },
            "policies": objects,
            "exceptions": objects,
            "read": pair
        }
    });
    json!({ "anyOf": [pair, column] })
}

/// A scope, as asked for: in the spelling of the answers, or in any case.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum ScopeName {
    Read,
    Write,
}

impl From<ScopeName> for Scope {
    fn from(name: ScopeName) -> Self {
        match name {
            ScopeName::Read => Self::Read,
            ScopeName::Write => Self::Write,
        }
    }
}

/// An outcome, as asked for: in the spelling of the answers, or in any case.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum OutcomeName {
    Granted,
    Blocked,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct AccessQuery {
    /// A username.
    user: Option<String>,
    /// A data source's name.
    data_source: Option<String>,
    /// Only this scope.
    scope: Option<ScopeName>,
    /// Only this outcome.
    outcome: Option<OutcomeName>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct ExplainQuery {
    /// A username.
    user: String,
    /// A data source's name.
    data_source: String,
    /// The scope; `READ` when absent.
    scope: Option<ScopeName>,
    /// One of its columns, which are only read.
    column: Option<String>,
}

/// A page of access.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "AccessPage")]
struct AccessPageView<'e> {
    /// How many rows there are on all pages together.
    total: u64,
    /// The rows of this page.
    items: Vec<AccessRow<'e>>,
    /// Where the next page begins; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
    /// The instant that the outcomes were worked out for.
    at: String,
}

impl<'e> From<AccessPage<'e>> for AccessPageView<'e> {
    fn from(page: AccessPage<'e>) -> Self {
        let next_cursor = page.next.map(|next| cursor(&(next.id, next.scope)));
        Self { total: page.total, items: page.rows, next_cursor, at: page.at.to_string() }
    }
}

/// The derivation of a pair, and beside it what the databases really allow.
#[derive(Debug, Serialize)]
struct ExplainedPair {
    #[serde(flatten)]
    explanation: Explanation,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    actual: Vec<PairView>,
}

async fn list(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Query(query): Query<AccessQuery>,
    Query(page): Query<PageQuery>,
) -> Result<Response, Problem> {
    let limit = page.limit()?;
    let after = page.after::<(i64, Scope)>()?;
    let after = after.map(|(id, scope)| PageStart { id, scope });
    if query.user.is_none() && query.data_source.is_none() {
        return Err(Problem::invalid("name a user (`user=`), a data source (`dataSource=`), or both"));
    }
    let evaluation = app.service.evaluations.current(caller.revision).await?;
    let (user, source) = (query.user.as_deref(), query.data_source.as_deref());
    let Selection { user, source, view } =
        evaluation.select(&caller, user.map(Selector::Name), source.map(Selector::Name))?;
    let filter = AccessFilter {
        scope: query.scope.map(Scope::from),
        outcome: query.outcome.map(|outcome| match outcome {
            OutcomeName::Granted => Outcome::Granted,
            OutcomeName::Blocked => Outcome::Blocked,
        }),
    };
    let mut page = match (user, source) {
        (Some(user), Some(source)) => evaluation.pair_page(user, source, filter),
        (Some(user), None) => evaluation.user_page(user, filter, after, limit),
        (None, Some(source)) => evaluation.source_page(source, filter, after, limit),
        (None, None) => return Err(Problem::internal(&"a query that names nothing was let through")),
    };
    page.reduce(view, caller.user.as_deref());
    Ok(to_response(AccessPageView::from(page)))
}

async fn explain(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Query(query): Query<ExplainQuery>,
) -> Result<Response, Problem> {
    let scope = query.scope.map_or(Scope::Read, Scope::from);
    if query.column.is_some() && scope == Scope::Write {
        return Err(Problem::invalid("a column is read, not written; leave out `scope` or `column`"));
    }
    let evaluation = app.service.evaluations.current(caller.revision).await?;
    let (user, source) = (Selector::Name(&query.user), Selector::Name(&query.data_source));
    let Selection { user, source, view } = evaluation.select(&caller, Some(user), Some(source))?;
    let (Some(user), Some(source)) = (user, source) else {
        return Err(Problem::internal(&"an explanation without a pair was let through"));
    };
    let Some(name) = query.column else {
        let mut explanation = evaluation.explain(user, source, scope).await?;
        reduce(&mut explanation, view);
        // What roles a database has is for those who see everything.
        let actual = match view {
            View::Everything => PairView::find(&evaluation.drifts().await?, user, source),
            View::Own | View::Owner => Vec::new(),
        };
        return Ok(to_response(ExplainedPair { explanation, actual }));
    };
    let column = evaluation.snapshot().columns_of(source).find(|(_, column)| *column.name == *name);
    let (column, _) = column.ok_or_else(|| {
        Problem::not_found(format!("the data source `{}` has no column `{name}`", query.data_source))
    })?;
    let mut explanation = evaluation.explain_column(user, source, column).await?;
    reduce_column(&mut explanation, view);
    Ok(to_response(explanation))
}
