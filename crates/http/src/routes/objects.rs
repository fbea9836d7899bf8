//! The catalog one object at a time: for each kind the same five routes, over documents in the catalog format.
//!
//! A list and a single read show an object with its id, history and entity tag; what is sent is the document
//! alone. Documents are read as strictly as files are: an unknown key is an error.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use domesday_model::layers::is_layered;
use domesday_model::{Instant, Kind};
use domesday_service::caller::{Caller, Permit};
use domesday_service::idempotency::create_once;
use domesday_service::objects::{self, name_in, name_key};
use domesday_service::permissions::objects::{check_kind, check_read, read_permit, write_permit};
use domesday_sources::Diagnostics;
use domesday_store::Store;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::to_raw_value;

use crate::etag::{precondition, quote};
use crate::extract::{Authenticated, JsonText, Path, Query, json_text, refusal};
use crate::idempotency::{CreatedResponse, idempotency_key};
use crate::openapi::reference;
use crate::paging::PageQuery;
use crate::problem::Problem;
use crate::route::{Route, schema};
use crate::state::{App, AppState};

use super::object_view::{ObjectView, page_response, percent_encoded, view_response};

/// A kind's place in the API.
#[derive(Debug, Clone, Copy)]
struct Resource {
    kind: Kind,
    /// The last part of its path.
    path: &'static str,
    /// Its name in the document of the API.
    schema: &'static str,
}

/// Every kind but the tenant, and requests, which have routes of their own.
const RESOURCES: [Resource; 10] = [
    Resource { kind: Kind::Tag, path: "tags", schema: "Tag" },
    Resource { kind: Kind::Group, path: "groups", schema: "Group" },
    USERS,
    Resource { kind: Kind::Domain, path: "domains", schema: "Domain" },
    Resource { kind: Kind::DataSource, path: "data-sources", schema: "DataSource" },
    Resource { kind: Kind::Policy, path: "policies", schema: "Policy" },
    Resource { kind: Kind::DataPolicy, path: "data-policies", schema: "DataPolicy" },
    Resource { kind: Kind::Agreement, path: "agreements", schema: "Agreement" },
    Resource { kind: Kind::RequestForm, path: "request-forms", schema: "RequestForm" },
    Resource { kind: Kind::DataProduct, path: "data-products", schema: "DataProduct" },
];

const USERS: Resource = Resource { kind: Kind::User, path: "users", schema: "User" };

pub(super) fn routes() -> Vec<Route> {
    RESOURCES.into_iter().flat_map(Resource::routes).collect()
}

impl Resource {
    fn routes(self) -> Vec<Route> {
        let Self { kind, path, schema: name } = self;
        let (read, write) = (read_permit(kind), write_permit(kind));
        let label = kind.label();
        let list_path = format!("/api/v1/{path}");
        let item_path = format!("/api/v1/{path}/{{name}}");
        let object = move || schema(reference(&format!("{name}Object")));
        // Users see themselves.
        let read_one = if kind == Kind::User { Permit::AnyKey } else { read };
        let mut routes =
            vec![
            Route::new(Method::GET, &item_path, read_one, format!("get{name}"), move |app, caller, path| {
                show(self, app, caller, path)
            })
            .about(format!("One {label}.{}", match kind {
                Kind::User => " A user may read what is theirs.",
                _ => "",
            }))
            .answers_as(200, "The object.", "application/json", Some(object()))
            .fails(&[404]),
            Route::new(
                Method::PUT,
                &item_path,
                write,
                format!("put{name}"),
                move |app, caller, headers, path, text| put(self, app, caller, headers, path, text),
            )
            .about(format!(
                "Creates or replaces one {label} as a whole; its name stands in the path and the document. \
                 `If-Match` guards against overwriting somebody else's change.{}",
                self.remark()
            ))
            .conditional()
            .body_of("application/json", schema(reference(name)))
            .answers_as(200, "Replaced.", "application/json", Some(object()))
            .answers_as(201, "Created.", "application/json", Some(object()))
            .fails(&[400, 404, 409, 412, 413, 415, 422]),
        ];
        routes.push(
            Route::new(Method::GET, &list_path, read, format!("list{name}s"), move |app, page| {
                list(self, app, page)
            })
            .about(format!("Every {label}, by name. `total` is exact."))
            .query::<PageQuery>()
            .answers_as(200, "A page.", "application/json", Some(schema(reference(&format!("{name}Page")))))
            .fails(&[400, 422]),
        );
        routes.push(
            Route::new(
                Method::POST,
                &list_path,
                write,
                format!("create{name}"),
                move |app, caller, headers, text| create(self, app, caller, headers, text),
            )
            .about(format!("Creates one {label}; 409 when there is one of that name.{}", self.remark()))
            .idempotent()
            .body_of("application/json", schema(reference(name)))
            .answers_as(201, "Created.", "application/json", Some(object()))
            .fails(&[400, 409, 413, 415, 422]),
        );
        routes.insert(2, self.delete_route(&item_path));
        routes.into_iter().map(|route| route.tag("catalog")).collect()
    }

    fn delete_route(self, item_path: &str) -> Route {
        let Self { kind, schema: name, .. } = self;
        let (write, id, label) = (write_permit(kind), format!("delete{name}"), kind.label());
        let route = if kind == Kind::User {
            Route::new(Method::DELETE, item_path, write, id, delete_user).query::<DeleteQuery>()
        } else {
            Route::new(Method::DELETE, item_path, write, id, move |app, caller, headers, path| {
                delete(self, app, caller, headers, path)
            })
        };
        let listed = if is_layered(kind) { " 409 when a connection lists it." } else { "" };
        route
            .about(format!("Deletes one {label} that nothing refers to.{listed}{}", self.remark()))
            .conditional()
            .answers_nothing(204, "Deleted.")
            .fails(if kind == Kind::User { &[400, 404, 409, 412, 422] } else { &[400, 404, 409, 412] })
    }

    fn remark(self) -> &'static str {
        match self.kind {
            Kind::Policy | Kind::DataPolicy => {
                " Needs GOVERNANCE, or MANAGE_POLICIES in every domain that `appliesTo` names, which then must \
                 name each exactly; what GOVERNANCE wrote or changed last needs GOVERNANCE."
            }
            Kind::DataSource => {
                " With CREATE_DATA_SOURCE but not GOVERNANCE you change only data sources that you own, in ways that \
                 lift no guardrail and no mask, and register new ones in a domain only with a permission inside it."
            }
            Kind::User => {
                " The user must have no permission, before or after, that the caller lacks; of their own user nobody \
                 changes permissions, groups, attributes or status."
            }
            Kind::Group => " Nobody changes the attributes of a group that they are in.",
            Kind::Domain => " Nobody changes the permissions that they have themselves.",
            _ => "",
        }
    }
}

async fn list(
    resource: Resource,
    State(app): State<App>,
    Query(page): Query<PageQuery>,
) -> Result<Response, Problem> {
    let limit = page.limit()?;
    let after: Option<String> = page.after()?;
    let read = move |store: &mut Store| -> Result<_, Problem> {
        Ok(store.object_page(resource.kind, after.as_deref(), limit)?)
    };
    Ok(page_response(app.service.pool.with(read).await?))
}

async fn show(
    resource: Resource,
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    let searched = name.clone();
    let read = move |store: &mut Store| -> Result<_, Problem> {
        let found = store.object(resource.kind, &searched)?;
        let Some(found) = check_read(&caller, resource.kind, found)? else { return Ok(None) };
        let layers =
            if is_layered(resource.kind) { Some(store.layers(resource.kind, found.id)?) } else { None };
        Ok(Some((found, layers)))
    };
    let found = app.service.pool.with(read).await?;
    let none = || Problem::not_found(format!("there is no {} `{name}`", resource.kind));
    let (found, layers) = found.ok_or_else(none)?;
    let view = ObjectView::from(found);
    let view = match layers {
        Some((layers, origins)) => view.with_layers(layers, origins),
        None => view,
    };
    Ok(view_response(StatusCode::OK, view))
}

async fn put(
    resource: Resource,
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    headers: HeaderMap,
    Path(name): Path<String>,
    JsonText(text): JsonText,
) -> Result<Response, Problem> {
    let kind = resource.kind;
    let precondition = precondition(&headers)?;
    let document = parse_document(kind, &app, &caller, text).await?;
    if name_in(kind, &document) != name {
        let key = name_key(kind);
        return Err(Problem::invalid(format!("`{key}` must be the name in the path, `{name}`")));
    }
    let warnings = app.service.policy_warnings.find(&caller, kind, &document).await;
    let work = move |store: &mut Store, caller: &Caller, now: Instant| -> Result<_, Problem> {
        Ok(objects::put(store, caller, kind, &document, &precondition, now)?)
    };
    let written = app.service.write(caller, work).await?;
    app.service.policy_warnings.record_write(kind, written.revisions);
    let status = if written.is_new { StatusCode::CREATED } else { StatusCode::OK };
    Ok(view_response(status, ObjectView::from(written.object).with_warnings(warnings)))
}

/// Parses the document of a change before its transaction begins, for who may write the kind at all.
async fn parse_document(kind: Kind, app: &AppState, caller: &Caller, text: Bytes) -> Result<Value, Problem> {
    let caller = caller.clone();
    let check = move |store: &mut Store| check_kind(store, &caller, kind);
    app.service.pool.with(check).await?;
    app.service.pool.compute(move || read_document(kind, &text)).await
}

async fn create(
    resource: Resource,
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    headers: HeaderMap,
    JsonText(text): JsonText,
) -> Result<Response, Problem> {
    let kind = resource.kind;
    let path = format!("/api/v1/{}", resource.path);
    let key = idempotency_key(&headers, &caller, &path, &text)?;
    let document = parse_document(kind, &app, &caller, text).await?;
    let warnings = app.service.policy_warnings.find(&caller, kind, &document).await;
    let sealer = Arc::clone(&app.service.sealer);
    let work = move |store: &mut Store, caller: &Caller, now: Instant| -> Result<_, Problem> {
        check_kind(store, caller, kind)?;
        let mut revisions = None;
        let created = create_once(store, &sealer, key.as_ref(), now, |store| -> Result<_, Problem> {
            let written = objects::create(store, caller, kind, &document, now)?;
            revisions = Some(written.revisions);
            let object = written.object;
            Ok(CreatedResponse {
                status: 201,
                location: Some(format!("{path}/{}", percent_encoded(&object.name))),
                etag: Some(quote(&object.etag)),
                body: to_raw_value(&ObjectView::from(object).with_warnings(warnings))
                    .expect("an object is plain data"),
            })
        })?;
        Ok((created, revisions))
    };
    let (created, revisions) = app.service.write(caller, work).await?;
    if let Some(revisions) = revisions {
        app.service.policy_warnings.record_write(kind, revisions);
    }
    Ok(created.into_response())
}

/// How to delete a user.
#[derive(Debug, Deserialize, JsonSchema)]
struct DeleteQuery {
    /// Keep the user, and erase the personal fields (name, e-mail, employee fields, attributes) of one who is gone.
    #[serde(default)]
    erase: bool,
}

async fn delete_user(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    headers: HeaderMap,
    Path(name): Path<String>,
    Query(query): Query<DeleteQuery>,
) -> Result<Response, Problem> {
    if !query.erase {
        return delete(USERS, State(app), Authenticated(caller), headers, Path(name)).await;
    }
    let work = move |store: &mut Store, caller: &Caller, now: Instant| -> Result<(), Problem> {
        Ok(objects::erase_user(store, caller, &name, now)?)
    };
    app.service.write(caller, work).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

async fn delete(
    resource: Resource,
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    headers: HeaderMap,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    let precondition = precondition(&headers)?;
    let work = move |store: &mut Store, caller: &Caller, now: Instant| -> Result<(), Problem> {
        Ok(objects::delete(store, caller, resource.kind, &name, &precondition, now)?)
    };
    app.service.write(caller, work).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Reads a document as strictly as files are read.
pub(super) fn read_document(kind: Kind, text: &[u8]) -> Result<Value, Problem> {
    let text = json_text(text)?;
    domesday_sources::parse_object(kind, text).map_err(|wrong| invalid_document(kind, &wrong))
}

/// Returns the refusal of a document that is not valid.
pub(super) fn invalid_document(kind: Kind, wrong: &Diagnostics) -> Problem {
    refusal(wrong, &format!("the document is no {kind}"))
}
