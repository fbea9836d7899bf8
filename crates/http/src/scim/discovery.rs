//! What clients discover (RFC 7644, section 4).

use axum::http::StatusCode;
use axum::response::Response;
use domesday_model::Excerpt;
use domesday_service::scim::{Reader, read};
use domesday_sources::scim;
use serde_json::Value;

use super::errors::ScimProblem;
use super::request::ScimRequest;
use super::resources::{json_response, list_response};

/// Reads something of the connection.
async fn discover<T: Send + 'static>(
    request: ScimRequest,
    look: impl FnOnce(&mut Reader<'_>, &str) -> T + Send + 'static,
) -> Result<T, ScimProblem> {
    if request.has("filter") {
        return Err(ScimProblem::new(
            StatusCode::FORBIDDEN,
            "what is discovered here cannot be filtered; leave `filter` out",
        ));
    }
    let id = request.id;
    Ok(read(&request.app.service.pool, request.client, move |reader| Ok(look(reader, &id))).await?)
}

fn list(documents: &[Value]) -> Response {
    list_response(documents.len() as u64, 1, documents)
}

fn one(document: Option<Value>, what: &str) -> Result<Response, ScimProblem> {
    let document = document.ok_or_else(|| ScimProblem::not_found(format!("there is no such {what}")))?;
    Ok(json_response(StatusCode::OK, &document))
}

pub(super) async fn service_provider_config(request: ScimRequest) -> Result<Response, ScimProblem> {
    let document = discover(request, |reader, _| scim::service_provider_config(reader.base())).await?;
    Ok(json_response(StatusCode::OK, &document))
}

pub(super) async fn resource_types(request: ScimRequest) -> Result<Response, ScimProblem> {
    let found = discover(request, |reader, _| scim::resource_types(reader.schemas(), reader.base()));
    Ok(list(&found.await?))
}

pub(super) async fn resource_type(request: ScimRequest) -> Result<Response, ScimProblem> {
    let shown = format!("resource type as `{}`", Excerpt(&request.id));
    let found = discover(request, |reader, id| scim::resource_type(reader.schemas(), reader.base(), id));
    one(found.await?, &shown)
}

pub(super) async fn schemas(request: ScimRequest) -> Result<Response, ScimProblem> {
    let found = discover(request, |reader, _| scim::schema_document(reader.schemas(), reader.base(), None));
    Ok(list(&found.await?))
}

pub(super) async fn schema(request: ScimRequest) -> Result<Response, ScimProblem> {
    let shown = format!("schema as `{}`", Excerpt(&request.id));
    let found =
        discover(request, |reader, id| scim::schema_document(reader.schemas(), reader.base(), Some(id)));
    one(found.await?.pop(), &shown)
}
