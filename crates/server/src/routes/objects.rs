//! The catalog one object at a time: for each kind the same five routes, over documents in the catalog format.
//!
//! A list and a single read show an object with its id, history and entity tag; what is sent is the document
//! alone. Documents are read as strictly as files are: an unknown key is an error, not something to drop.

use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use domesday_engine::Notice;
use domesday_model::{Instant, Kind, Permission, Request};
use domesday_sources::Diagnostics;
use domesday_store::{ObjectPage, Store, StoredObject};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};

use crate::caller::{self, Caller};
use crate::etag::{Condition, quoted};
use crate::idempotency::{self, Created, Once};
use crate::notices;
use crate::openapi::reference;
use crate::paging;
use crate::problem::Problem;
use crate::route::{Path, Permit, Query, Route, Text, schema};
use crate::service::App;

use super::scoped;

/// A kind's place in the API.
#[derive(Debug, Clone, Copy)]
pub(super) struct Resource {
    pub(super) kind: Kind,
    /// The last part of its path.
    pub(super) path: &'static str,
    /// Its name in the document of the API.
    pub(super) schema: &'static str,
    read: Permit,
    write: Permit,
}

const PEOPLE_READERS: Permit =
    Permit::AnyOf(&[Permission::UserAdmin, Permission::Governance, Permission::Audit]);
const ASSET_READERS: Permit =
    Permit::AnyOf(&[Permission::CreateDataSource, Permission::Governance, Permission::Audit]);
const ASSET_WRITERS: Permit = Permit::AnyOf(&[Permission::CreateDataSource, Permission::Governance]);
const GOVERNANCE: Permit = Permit::AnyOf(&[Permission::Governance]);
const USER_ADMIN: Permit = Permit::AnyOf(&[Permission::UserAdmin]);
const POLICY_READERS: Permit = Permit::AnyOf(&[Permission::Governance, Permission::Audit]);

/// Every kind but the tenant.
pub(super) const RESOURCES: [Resource; 11] = [
    Resource { kind: Kind::Tag, path: "tags", schema: "Tag", read: ASSET_READERS, write: ASSET_WRITERS },
    Resource { kind: Kind::Group, path: "groups", schema: "Group", read: PEOPLE_READERS, write: USER_ADMIN },
    Resource { kind: Kind::User, path: "users", schema: "User", read: PEOPLE_READERS, write: USER_ADMIN },
    Resource {
        kind: Kind::Domain,
        path: "domains",
        schema: "Domain",
        read: ASSET_READERS,
        write: GOVERNANCE,
    },
    Resource {
        kind: Kind::DataSource,
        path: "data-sources",
        schema: "DataSource",
        read: ASSET_READERS,
        write: ASSET_WRITERS,
    },
    // Writing policies inside a domain is for whoever manages them there: the handler looks at the document.
    Resource {
        kind: Kind::Policy,
        path: "policies",
        schema: "Policy",
        read: POLICY_READERS,
        write: Permit::AnyKey,
    },
    Resource {
        kind: Kind::DataPolicy,
        path: "data-policies",
        schema: "DataPolicy",
        read: POLICY_READERS,
        write: Permit::AnyKey,
    },
    Resource {
        kind: Kind::Agreement,
        path: "agreements",
        schema: "Agreement",
        read: Permit::AnyKey,
        write: GOVERNANCE,
    },
    Resource {
        kind: Kind::RequestForm,
        path: "request-forms",
        schema: "RequestForm",
        read: Permit::AnyKey,
        write: GOVERNANCE,
    },
    Resource {
        kind: Kind::DataProduct,
        path: "data-products",
        schema: "DataProduct",
        read: Permit::AnyKey,
        write: GOVERNANCE,
    },
    Resource {
        kind: Kind::Request,
        path: "requests",
        schema: "Request",
        read: POLICY_READERS,
        write: GOVERNANCE,
    },
];

pub(super) fn routes() -> Vec<Route> {
    // Requests have routes of their own: `requests`.
    let resources = RESOURCES.into_iter().filter(|resource| resource.kind != Kind::Request);
    resources.flat_map(Resource::routes).collect()
}

impl Resource {
    fn routes(self) -> Vec<Route> {
        let Self { kind, path, schema: name, read, write } = self;
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
            Route::new(
                Method::DELETE,
                &item_path,
                write,
                format!("delete{name}"),
                move |app, caller, headers, path| delete(self, app, caller, headers, path),
            )
            .about(format!("Deletes one {label} that nothing refers to.{}", self.remark()))
            .conditional()
            .answers_nothing(204, "Deleted.")
            .fails(&[400, 404, 409, 412]),
        ];
        routes.push(
            Route::new(Method::GET, &list_path, read, format!("list{name}s"), move |app, query| {
                list(self, app, query)
            })
            .about(format!("Every {label}, by name. `total` is exact."))
            .limited()
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
        routes.into_iter().map(|route| route.tag("catalog")).collect()
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

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ListQuery {
    limit: Option<usize>,
    cursor: Option<String>,
}

/// One object with what the service knows of it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ObjectView {
    id: i64,
    name: String,
    origin: String,
    created_at: String,
    updated_at: String,
    etag: String,
    document: Box<RawValue>,
    /// What is valid in the policy just written and most likely not meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    warnings: Option<Vec<Notice>>,
}

impl From<StoredObject> for ObjectView {
    fn from(object: StoredObject) -> Self {
        Self {
            id: object.id,
            name: object.name,
            origin: object.origin,
            created_at: object.created_at.to_string(),
            updated_at: object.updated_at.to_string(),
            etag: object.etag,
            document: RawValue::from_string(object.text).expect("the store keeps JSON"),
            warnings: None,
        }
    }
}

/// What the routes answer, by name.
pub(crate) fn object_schemas() -> serde_json::Map<String, Value> {
    let each = RESOURCES.iter().flat_map(|Resource { schema: name, .. }| {
        [(format!("{name}Object"), object_schema(name)), (format!("{name}Page"), list_schema(name))]
    });
    each.collect()
}

fn object_schema(name: &str) -> Value {
    let instant = json!({ "type": "string", "format": "date-time" });
    let mut schema = json!({
        "type": "object",
        "required": ["id", "name", "origin", "createdAt", "updatedAt", "etag", "document"],
        "properties": {
            "id": { "type": "integer", "description": "The id it keeps." },
            "name": { "type": "string" },
            "origin": { "type": "string", "description": "`api`, or the file it was applied from." },
            "createdAt": instant,
            "updatedAt": instant,
            "etag": { "type": "string", "description": "For If-Match, to be put in quotes." },
            "document": reference(name)
        }
    });
    if matches!(name, "Policy" | "DataPolicy") {
        schema["properties"]["warnings"] = notices::schema();
    }
    if name == "Request" {
        schema["properties"]["notices"] = json!({
            "type": "array",
            "description": "Why an approval would not suffice to give access, or does not.",
            "items": {
                "type": "object",
                "required": ["message"],
                "properties": {
                    "message": { "type": "string" },
                    "dataSource": { "type": "string" },
                    "guardrails": {
                        "type": "array",
                        "description": "The guardrails that block the user.",
                        "items": { "type": "string" }
                    }
                }
            }
        });
    }
    schema
}

fn list_schema(name: &str) -> Value {
    json!({
        "type": "object",
        "required": ["total", "items"],
        "properties": {
            "total": { "type": "integer", "minimum": 0 },
            "items": { "type": "array", "items": reference(&format!("{name}Object")) },
            "nextCursor": { "type": "string" }
        }
    })
}

async fn list(
    of: Resource,
    State(app): State<App>,
    Query(query): Query<ListQuery>,
) -> Result<Response, Problem> {
    let limit = paging::limit(query.limit)?;
    let after: Option<String> = paging::position(query.cursor.as_deref())?;
    let read = move |store: &mut Store| -> Result<_, Problem> {
        Ok(store.object_page(of.kind, after.as_deref(), limit)?)
    };
    Ok(page_response(app.pool.with(read).await?))
}

/// A page with the cursor of the next, if there is one.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct PageView {
    total: u64,
    items: Vec<ObjectView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

pub(super) fn page_response(page: ObjectPage) -> Response {
    let last = page.objects.last().filter(|_| !page.is_last);
    let next_cursor = last.map(|last| paging::cursor(&last.name));
    let items = page.objects.into_iter().map(ObjectView::from).collect();
    crate::route::json(PageView { total: page.total, items, next_cursor })
}

async fn show(
    of: Resource,
    State(app): State<App>,
    caller: Caller,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    let looked_for = name.clone();
    let all = matches!(of.read, Permit::AnyOf(list) if caller.has_any(list)) || of.read == Permit::AnyKey;
    let read = move |store: &mut Store| -> Result<_, Problem> {
        let found = store.object(of.kind, &looked_for)?;
        let allowed = match &found {
            _ if all => true,
            None => false,
            Some(object) => scoped::is_theirs(&caller, object),
        };
        Ok((found, allowed))
    };
    let (found, allowed) = app.pool.with(read).await?;
    // Who may not read all of a kind is refused unless the object is theirs, whether it exists or not.
    if !allowed {
        let Permit::AnyOf(list) = of.read else {
            return Err(Problem::forbidden("this is not yours to read"));
        };
        return Err(crate::route::lacking(list, " or "));
    }
    let found = found.ok_or_else(|| Problem::not_found(format!("there is no {} `{name}`", of.kind)))?;
    Ok(object_response(StatusCode::OK, found))
}

pub(super) fn object_response(status: StatusCode, object: StoredObject) -> Response {
    view_response(status, ObjectView::from(object))
}

fn view_response(status: StatusCode, view: ObjectView) -> Response {
    let tag = quoted(&view.etag);
    (status, [(header::ETAG, tag)], crate::route::json(view)).into_response()
}

async fn put(
    of: Resource,
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Path(name): Path<String>,
    Text(text): Text,
) -> Result<Response, Problem> {
    let condition = Condition::of(&headers)?;
    let document = document(of, &app, &caller, text).await?;
    if name_of(of.kind, &document) != name {
        let key = name_key(of.kind);
        return Err(Problem::invalid(format!("`{key}` must be the name in the path, `{name}`")));
    }
    let warnings = notices::of_policy(&app, &caller, of.kind, &document).await;
    let work = move |store: &mut Store, caller: &Caller, now: Instant| -> Result<_, Problem> {
        scoped::may_write(store, caller, of.kind)?;
        let expected = condition.as_if_match()?;
        let before = store.object(of.kind, &name)?;
        scoped::check(store, caller, of.kind, before.as_ref(), Some(&document))?;
        let revision = store.revision()?;
        let stored = caller.change(now, |change| store.put_object(of.kind, &document, expected, change))?;
        if scoped::is_delegated(caller, of.kind) {
            store.mark_delegated(of.kind, &name)?;
        }
        let status = if before.is_some() { StatusCode::OK } else { StatusCode::CREATED };
        Ok((status, stored, [revision, store.revision()?]))
    };
    let (status, stored, [before, after]) = caller::write(&app, caller, work).await?;
    notices::wrote(&app, of.kind, before, after);
    Ok(view_response(status, ObjectView { warnings, ..ObjectView::from(stored) }))
}

/// Reads the document of a change before its transaction begins, for who may write the kind at all.
async fn document(of: Resource, app: &App, caller: &Caller, text: Bytes) -> Result<Value, Problem> {
    let asking = caller.clone();
    app.pool.with(move |store| scoped::may_write(store, &asking, of.kind)).await?;
    app.pool.compute(move || read_document(of.kind, &text)).await
}

async fn create(
    of: Resource,
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Text(text): Text,
) -> Result<Response, Problem> {
    let path = format!("/api/v1/{}", of.path);
    let once = Once::of(&headers, &caller, &path, &text)?;
    let document = document(of, &app, &caller, text).await?;
    let warnings = notices::of_policy(&app, &caller, of.kind, &document).await;
    let service = app.clone();
    let work = move |store: &mut Store, caller: &Caller, now: Instant| -> Result<_, Problem> {
        scoped::may_write(store, caller, of.kind)?;
        let revision = store.revision()?;
        let created = idempotency::create(&service, store, once.as_ref(), |store| {
            scoped::check(store, caller, of.kind, None, Some(&document))?;
            let name = name_of(of.kind, &document);
            if store.object(of.kind, name)?.is_some() {
                return Err(Problem::conflict(format!("there is a {} `{name}` already", of.kind)));
            }
            let expected = domesday_store::IfMatch::MustNotExist;
            let stored =
                caller.change(now, |change| store.put_object(of.kind, &document, expected, change))?;
            if scoped::is_delegated(caller, of.kind) {
                store.mark_delegated(of.kind, &stored.name)?;
            }
            Ok(Created {
                status: 201,
                location: Some(format!("{path}/{}", percent_encoded(&stored.name))),
                etag: Some(quoted(&stored.etag)),
                body: to_raw_value(&ObjectView { warnings, ..ObjectView::from(stored) })
                    .expect("an object is plain data"),
            })
        })?;
        Ok((created, [revision, store.revision()?]))
    };
    let (created, [before, after]) = caller::write(&app, caller, work).await?;
    notices::wrote(&app, of.kind, before, after);
    Ok(created.into_response())
}

async fn delete(
    of: Resource,
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    let condition = Condition::of(&headers)?;
    let work = move |store: &mut Store, caller: &Caller, now: Instant| -> Result<(), Problem> {
        scoped::may_write(store, caller, of.kind)?;
        let expected = condition.as_if_match()?;
        let before = store.object(of.kind, &name)?;
        if let Some(before) = &before {
            scoped::check(store, caller, of.kind, Some(before), None)?;
        }
        Ok(caller.change(now, |change| store.delete_object(of.kind, &name, expected, change))?)
    };
    caller::write(&app, caller, work).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// A document as strictly as files are read.
pub(super) fn read_document(kind: Kind, text: &[u8]) -> Result<Value, Problem> {
    let text = crate::route::json_text(text)?;
    domesday_sources::parse_object(kind, text).map_err(|wrong| invalid_document(kind, &wrong))
}

fn invalid_document(kind: Kind, wrong: &Diagnostics) -> Problem {
    crate::route::refusal(wrong, &format!("the document is no {kind}"))
}

/// A request as strictly as files are read, numbers in its answers as they are written.
pub(super) fn read_request(text: &[u8]) -> Result<Request, Problem> {
    let text = crate::route::json_text(text)?;
    let parsed = domesday_sources::parse_object_text(Kind::Request, text);
    let text = parsed.map_err(|wrong| invalid_document(Kind::Request, &wrong))?;
    serde_json::from_str(&text).map_err(|error| Problem::internal(&error))
}

/// The key under which a document of a kind has its name.
fn name_key(kind: Kind) -> &'static str {
    match kind {
        Kind::User => "username",
        Kind::Request => "id",
        _ => "name",
    }
}

pub(super) fn name_of(kind: Kind, document: &Value) -> &str {
    document[name_key(kind)].as_str().unwrap_or_default()
}

/// What stands for itself anywhere in a URL (RFC 3986, section 2.3).
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A name as a segment of a path.
pub(super) fn percent_encoded(name: &str) -> String {
    utf8_percent_encode(name, UNRESERVED).to_string()
}
