//! One route: method, path, permission, documentation and handler.
//!
//! The table of routes ([`crate::routes::table`]) feeds the router, the OpenAPI document and the test that walks every
//! route with every role, so none of the three can know a route that another does not.

use axum::http::Method;
use axum::routing::{MethodFilter, MethodRouter};
use domesday_service::caller::Permit;
use schemars::{JsonSchema, Schema, SchemaGenerator};

use crate::idempotency::IDEMPOTENCY_KEY;
use crate::openapi::{QueryParameter, query_parameters};
use crate::state::App;

/// A schema, made when the document is.
pub(crate) type SchemaOf = Box<dyn Fn(&mut SchemaGenerator) -> Schema + Send + Sync>;

/// The query parameters of a type, made when the document is.
type QueryParameters = Box<dyn Fn(&mut SchemaGenerator) -> Vec<QueryParameter> + Send + Sync>;

/// A header that a route reads.
pub(crate) struct HeaderParameter {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) schema: SchemaOf,
}

/// An answer of success.
pub(crate) struct ResponseDeclaration {
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
    queries: Vec<QueryParameters>,
    pub(crate) headers: Vec<HeaderParameter>,
    pub(crate) body: Option<(&'static str, SchemaOf)>,
    pub(crate) body_required: bool,
    pub(crate) answers: Vec<ResponseDeclaration>,
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
            queries: Vec::new(),
            headers: Vec::new(),
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

    /// Takes the query parameters that the fields of `T` are, beside those of other types.
    pub(crate) fn query<T: JsonSchema + 'static>(mut self) -> Self {
        self.queries.push(Box::new(query_parameters::<T>));
        self
    }

    /// Takes preconditions.
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

    /// Takes an idempotency key.
    pub(crate) fn idempotent(self) -> Self {
        let text = serde_json::json!({ "type": "string", "pattern": "^[!-~]{1,255}$" });
        self.header(
            IDEMPOTENCY_KEY,
            "Chosen by the caller, one for each thing to be created: sent again, the first answer comes again.",
            schema(text),
        )
    }

    pub(crate) fn header(mut self, name: &'static str, about: &'static str, schema: SchemaOf) -> Self {
        self.headers.push(HeaderParameter { name, about, schema });
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
        self.answers.push(ResponseDeclaration { status, about, media_type, schema });
        self
    }

    /// The query parameters, in the order of their declaration.
    pub(crate) fn query_parameters(&self, generator: &mut SchemaGenerator) -> Vec<QueryParameter> {
        self.queries.iter().flat_map(|parameters| parameters(generator)).collect()
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
