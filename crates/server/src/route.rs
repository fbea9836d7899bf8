//! One line a route: method, path, permission, documentation and handler.
//!
//! The table that the lines make ([`crate::routes::table`]) feeds the router, the OpenAPI document and the test
//! that walks every route with every role, so none of the three can know a route that another does not.

use std::sync::Arc;

use axum::extract::{FromRequest, FromRequestParts, Request, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, MethodRouter};
use axum::{Json, RequestExt, Router};
use bytes::Bytes;
use domesday_model::Permission;
use domesday_sources::{Diagnostic, Diagnostics};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::json;

use crate::body;
use crate::caller::{Caller, authenticate};
use crate::export::MERGE_PATCH;
use crate::problem::{LISTED, Problem};
use crate::query;
use crate::service::App;

/// Who may call a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Permit {
    /// Anybody, without a key.
    Public,
    /// Any valid key. What it sees may still depend on whose it is: the route's description says so.
    AnyKey,
    /// Keys with one of these permissions.
    AnyOf(&'static [Permission]),
    /// Keys with all of these permissions.
    AllOf(&'static [Permission]),
}

impl Permit {
    /// Why a caller may not, if so.
    pub(crate) fn refuse(self, caller: &Caller) -> Option<Problem> {
        let (needed, word, admits) = match self {
            Self::Public | Self::AnyKey => return None,
            Self::AnyOf(list) => (list, " or ", caller.has_any(list)),
            Self::AllOf(list) => (list, " and ", list.iter().all(|permission| caller.has(*permission))),
        };
        if admits {
            return None;
        }
        Some(lacking(needed, word))
    }
}

/// The refusal of somebody who lacks a permission.
pub(crate) fn lacking(needed: &[Permission], word: &str) -> Problem {
    let names: Vec<_> = needed.iter().map(|permission| permission.as_str()).collect();
    let detail =
        format!("this needs the permission {}, which this API key or its user lacks", names.join(word));
    Problem::forbidden(detail).with("permissions", names)
}

/// A schema, made when the document is.
pub(crate) type SchemaOf = Box<dyn Fn(&mut SchemaGenerator) -> Schema + Send + Sync>;

/// A query or header parameter.
pub(crate) struct Parameter {
    pub(crate) name: &'static str,
    pub(crate) place: &'static str,
    pub(crate) required: bool,
    pub(crate) about: &'static str,
    pub(crate) schema: SchemaOf,
}

/// An answer of success.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) about: &'static str,
    pub(crate) media_type: &'static str,
    pub(crate) schema: Option<SchemaOf>,
}

/// One route.
pub(crate) struct Route {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) permit: Permit,
    pub(crate) id: String,
    pub(crate) tag: &'static str,
    pub(crate) about: String,
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) body: Option<(&'static str, SchemaOf)>,
    pub(crate) body_required: bool,
    pub(crate) answers: Vec<Answer>,
    /// Statuses of failure beyond those that every route has.
    pub(crate) failures: Vec<u16>,
    pub(crate) handler: MethodRouter<App>,
}

impl Route {
    pub(crate) fn new<T: 'static>(
        method: Method,
        path: impl Into<String>,
        permit: Permit,
        id: impl Into<String>,
        handler: impl axum::handler::Handler<T, App>,
    ) -> Self {
        let filter = MethodFilter::try_from(method.clone()).expect("routes have standard methods");
        Self {
            method,
            path: path.into(),
            permit,
            id: id.into(),
            tag: "",
            about: String::new(),
            parameters: Vec::new(),
            body: None,
            body_required: true,
            answers: Vec::new(),
            failures: Vec::new(),
            handler: MethodRouter::new().on(filter, handler),
        }
    }

    pub(crate) fn tag(mut self, tag: &'static str) -> Self {
        self.tag = tag;
        self
    }

    pub(crate) fn about(mut self, about: impl Into<String>) -> Self {
        self.about = about.into();
        self
    }

    pub(crate) fn query<T: JsonSchema>(mut self, name: &'static str, about: &'static str) -> Self {
        self.parameters.push(Parameter {
            name,
            place: "query",
            required: false,
            about,
            schema: Box::new(|generator| {
                let mut schema = generator.subschema_for::<T>();
                // A parameter without a value is refused ([`crate::query`]).
                if schema.get("type").is_some_and(|kind| kind == "string") {
                    schema.insert("minLength".to_owned(), 1.into());
                }
                schema
            }),
        });
        self
    }

    /// The parameter before must be given.
    pub(crate) fn required(mut self) -> Self {
        if let Some(last) = self.parameters.last_mut() {
            last.required = true;
        }
        self
    }

    /// A list in pages.
    pub(crate) fn limited(mut self) -> Self {
        let limit = serde_json::json!({
            "type": "integer", "minimum": 1, "maximum": crate::paging::MAX_LIMIT, "default": 100
        });
        let cursor = serde_json::json!({ "type": "string", "minLength": 1 });
        for (name, about, value) in [
            ("limit", "How many entries a page has.", limit),
            ("cursor", "Where the page begins: `nextCursor` of the page before.", cursor),
        ] {
            let schema = schema(value);
            self.parameters.push(Parameter { name, place: "query", required: false, about, schema });
        }
        self
    }

    /// A change that takes preconditions.
    pub(crate) fn conditional(self) -> Self {
        let tag = serde_json::json!({
            "anyOf": [{ "const": "*" }, { "type": "string", "pattern": r#"^"[!#-~]+"$"# }]
        });
        let any = serde_json::json!({ "const": "*" });
        self.header(
            "If-Match",
            "Only when the entity tag is this one, in quotes, or `*`: when it exists.",
            schema(tag),
        )
        .header("If-None-Match", "`*`: only when it does not exist yet.", schema(any))
    }

    /// A creating call that may be sent again.
    pub(crate) fn idempotent(self) -> Self {
        let text = serde_json::json!({ "type": "string", "pattern": "^[!-~]{1,255}$" });
        self.header(
            crate::idempotency::HEADER,
            "Chosen by the caller, one for each thing to be created: sent again, the first answer comes again.",
            schema(text),
        )
    }

    pub(crate) fn header(mut self, name: &'static str, about: &'static str, schema: SchemaOf) -> Self {
        self.parameters.push(Parameter { name, place: "header", required: false, about, schema });
        self
    }

    pub(crate) fn body<T: JsonSchema>(self) -> Self {
        self.body_of("application/json", schema_of::<T>())
    }

    pub(crate) fn body_of(mut self, media_type: &'static str, schema: SchemaOf) -> Self {
        self.body = Some((media_type, schema));
        self
    }

    /// The body may be left out.
    pub(crate) fn body_optional(mut self) -> Self {
        self.body_required = false;
        self
    }

    pub(crate) fn answers<T: JsonSchema>(self, status: u16, about: &'static str) -> Self {
        self.answers_as(status, about, "application/json", Some(schema_of::<T>()))
    }

    pub(crate) fn answers_nothing(self, status: u16, about: &'static str) -> Self {
        self.answers_as(status, about, "", None)
    }

    pub(crate) fn answers_as(
        mut self,
        status: u16,
        about: &'static str,
        media_type: &'static str,
        schema: Option<SchemaOf>,
    ) -> Self {
        self.answers.push(Answer { status, about, media_type, schema });
        self
    }

    /// The names of the query parameters.
    fn query_parameters(&self) -> Arc<[&'static str]> {
        let of_query = self.parameters.iter().filter(|parameter| parameter.place == "query");
        of_query.map(|parameter| parameter.name).collect()
    }

    pub(crate) fn fails(mut self, statuses: &[u16]) -> Self {
        self.failures.extend(statuses);
        self
    }
}

/// The schema of a type.
pub(crate) fn schema_of<T: JsonSchema>() -> SchemaOf {
    Box::new(|generator| generator.subschema_for::<T>())
}

/// A schema written down.
pub(crate) fn schema(value: serde_json::Value) -> SchemaOf {
    Box::new(move |_| Schema::try_from(value.clone()).expect("a schema is an object or a boolean"))
}

/// A router of these routes, each behind its permission.
pub(crate) fn router(routes: Vec<Route>, app: &App) -> Router {
    let mut router = Router::new();
    for route in routes {
        let gate = Gate { app: app.clone(), permit: route.permit, takes: route.query_parameters() };
        let guard = middleware::from_fn_with_state(gate, guard);
        router = router.route(&route.path, route.handler.route_layer(guard));
    }
    router
        .fallback(async || Problem::not_found("there is no such route; /openapi.json lists them"))
        .method_not_allowed_fallback(async || {
            Problem::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "method-not-allowed",
                "this route does not take this method; the Allow header names those it takes",
            )
        })
        .with_state(app.clone())
}

/// What stands before a route.
#[derive(Clone)]
struct Gate {
    app: App,
    permit: Permit,
    /// The query parameters that the route takes.
    takes: Arc<[&'static str]>,
}

/// The query parameters that the route takes.
#[derive(Clone)]
struct Takes(Arc<[&'static str]>);

async fn guard(State(gate): State<Gate>, request: Request, next: Next) -> Response {
    if gate.permit == Permit::Public {
        return next.run(request).await;
    }
    let (mut parts, body) = request.into_parts();
    let admitted = authenticate(&gate.app, &parts, gate.permit)
        .await
        .and_then(|caller| misfit(&parts.uri, &gate.takes).map_or(Ok(caller), Err));
    let caller = match admitted {
        Ok(caller) => caller,
        Err(problem) => return problem.into_response(),
    };
    parts.extensions.insert(caller);
    parts.extensions.insert(Takes(gate.takes));
    next.run(Request::from_parts(parts, body)).await
}

/// Why a route does not take an address, if so. A misspelt filter that is ignored shows too much, and not every
/// database keeps the character U+0000: no name holds it.
fn misfit(uri: &Uri, takes: &[&str]) -> Option<Problem> {
    if uri.path().contains("%00") {
        return Some(Problem::not_found("no name holds the character U+0000"));
    }
    query::pairs(uri.query().unwrap_or_default(), takes).err()
}

/// Reads a JSON body, strictly.
pub(crate) fn parse<T: DeserializeOwned>(text: &[u8]) -> Result<T, Problem> {
    let text = json_text(text)?;
    domesday_sources::check_json(text).map_err(|wrong| refusal(&wrong, "the body is not valid"))?;
    serde_json::from_str(text).map_err(|error| Problem::invalid(format!("the body does not fit: {error}")))
}

/// A body as text, for a reader of JSON that reports where it is wrong.
pub(crate) fn json_text(text: &[u8]) -> Result<&str, Problem> {
    std::str::from_utf8(text).map_err(|error| {
        let (at, byte) = (error.valid_up_to(), text[error.valid_up_to()]);
        Problem::bad_request(format!("the body is not UTF-8: byte {at}, counted from 0, is 0x{byte:02x}"))
    })
}

/// The refusal of a document: 400 for a body that is no JSON, else 422. It lists the first mistakes and counts all.
pub(crate) fn refusal(wrong: &Diagnostics, detail: &str) -> Problem {
    let list: Vec<_> = wrong.iter().take(LISTED).collect();
    if let ([first], true) = (list.as_slice(), wrong.is_syntax()) {
        let Diagnostic { line, column, message, .. } = first;
        return Problem::bad_request(format!("{message} (line {line}, column {column} of the body)"));
    }
    let list = list.iter().map(
        |one| json!({ "field": one.field, "line": one.line, "column": one.column, "message": one.message }),
    );
    Problem::invalid(detail).with_problems(list.collect(), wrong.mistakes())
}

/// Refuses a body that is not said to be JSON.
pub(crate) fn expect_json(headers: &HeaderMap) -> Result<(), Problem> {
    expect_media_type(headers, "application/json")
}

/// Refuses a body that is not said to be of a media type.
fn expect_media_type(headers: &HeaderMap, expected: &str) -> Result<(), Problem> {
    let media_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let media_type = media_type.and_then(|value| value.split(';').next()).unwrap_or_default().trim();
    if media_type.eq_ignore_ascii_case(expected) {
        return Ok(());
    }
    Err(Problem::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "unsupported-media-type",
        format!("send the body as {expected}"),
    ))
}

/// A JSON body as it came.
pub(crate) struct Text(pub(crate) Bytes);

impl FromRequest<App> for Text {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &App) -> Result<Self, Problem> {
        expect_json(request.headers())?;
        body::read(request.with_limited_body().into_body()).await.map(Self)
    }
}

/// A JSON merge patch (RFC 7386) as it came.
pub(crate) struct PatchText(pub(crate) Bytes);

impl FromRequest<App> for PatchText {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &App) -> Result<Self, Problem> {
        // RFC 5789, section 2.2: a refusal names the formats that are taken.
        expect_media_type(request.headers(), MERGE_PATCH).map_err(|problem| {
            problem.header(header::HeaderName::from_static("accept-patch"), MERGE_PATCH)
        })?;
        body::read(request.with_limited_body().into_body()).await.map(Self)
    }
}

/// Query parameters, read strictly ([`crate::query`]): an unknown one is refused, since a misspelt filter that is
/// ignored shows too much.
pub(crate) struct Query<T>(pub(crate) T);

impl<T: DeserializeOwned + Send> FromRequestParts<App> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut axum::http::request::Parts, _: &App) -> Result<Self, Problem> {
        let takes = parts.extensions.get::<Takes>().cloned();
        let takes =
            takes.ok_or_else(|| Problem::internal(&"a handler reads a query on a route without one"))?;
        let pairs = query::pairs(parts.uri.query().unwrap_or_default(), &takes.0)?;
        query::read(pairs).map(Self)
    }
}

/// The parameters of the path, as text.
pub(crate) struct Path<T>(pub(crate) T);

impl<T: DeserializeOwned + Send> FromRequestParts<App> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut axum::http::request::Parts, app: &App) -> Result<Self, Problem> {
        let path = axum::extract::Path::<T>::from_request_parts(parts, app).await;
        path.map(|path| Self(path.0)).map_err(|rejection| Problem::not_found(rejection.body_text()))
    }
}

/// An optional field of a body that is absent or has a value: a null would say what its absence says, and that is
/// mostly more than was meant.
pub(crate) fn present<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// An answer in JSON.
pub(crate) fn json(value: impl serde::Serialize) -> Response {
    Json(value).into_response()
}
