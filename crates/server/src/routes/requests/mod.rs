//! Access requests by who has a part in them: whoever asks, for whom, and those who decide.
//!
//! Requests are listed in [`list`]. One is made through [`ask`], taken back through [`cancel`] and decided through
//! [`decide`]; each writes the request as a whole, guarded by the entity tag that it was read with. Who may decide is
//! what the review steps of the product's form say (step after step), and GOVERNANCE always.

mod list;

use std::collections::BTreeSet;

use axum::extract::State;
use axum::http::{HeaderMap, Method};
use axum::response::{IntoResponse, Response};
use domesday_model::{
    AcceptedAgreement, Agreement, DataProduct, Determination, DeterminationStatus, Instant, Kind, Permission,
    ProductStatus, Request, RequestStatus, RequestType, Scope, Target,
};
use domesday_store::{IfMatch, Store, StoredObject};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::caller::{self, Caller};
use crate::etag::quoted;
use crate::idempotency::{self, Created, Once};
use crate::openapi::reference;
use crate::problem::Problem;
use crate::route::{Path, Permit, Route, Text, lacking, parse, schema};
use crate::service::App;

use super::objects::{ObjectView, object_response};
use super::review::{Review, form_of, read};

pub(super) use list::is_to_decide;

const PATH: &str = "/api/v1/requests";

/// Microseconds of a day.
const DAY_MICROS: i64 = 86_400_000_000;

pub(super) fn routes() -> Vec<Route> {
    let object = || schema(reference("RequestObject"));
    let routes = vec![
        list::route(),
        Route::new(Method::POST, PATH, Permit::AnyKey, "askForAccess", ask)
            .about(
                "Asks for access to a data product or a data source, or for an exception from masking: for \
                 oneself, or with GOVERNANCE for somebody else. Required questions of the product's form must \
                 be answered, and its agreements accepted.",
            )
            .idempotent()
            .body::<Ask>()
            .answers_as(201, "Asked; pending.", "application/json", Some(object()))
            .fails(&[400, 413, 415, 422]),
        Route::new(Method::POST, format!("{PATH}/{{name}}/cancel"), Permit::AnyKey, "cancelRequest", cancel)
            .about("Takes a request back: whoever asked, for whom it is, or GOVERNANCE.")
            .answers_as(200, "Canceled.", "application/json", Some(object()))
            .fails(&[404, 409, 412]),
        Route::new(
            Method::POST,
            format!("{PATH}/{{name}}/determinations"),
            Permit::AnyKey,
            "decideRequest",
            decide,
        )
        .about(
            "Decides a pending request: an approver of the present review step, or GOVERNANCE, which decides for \
             good. Nobody decides their own request without GOVERNANCE.",
        )
        .body::<Decision>()
        .answers_as(200, "Decided.", "application/json", Some(object()))
        .fails(&[400, 404, 409, 412, 413, 415, 422]),
    ];
    routes.into_iter().map(|route| route.tag("requests")).collect()
}

/// A request as it is made.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Ask {
    /// What is asked for; access when absent.
    #[serde(default)]
    r#type: Option<AskType>,
    /// For whom, by username; oneself when absent.
    #[serde(default)]
    user: Option<String>,
    /// The data product; this or `dataSource`.
    #[serde(default)]
    data_product: Option<String>,
    /// The data source; this or `dataProduct`.
    #[serde(default)]
    data_source: Option<String>,
    /// The columns of an exception from masking.
    #[serde(default)]
    columns: Option<BTreeSet<String>>,
    /// Reading when absent.
    #[serde(default)]
    scope: Option<AskScope>,
    /// Answers by question.
    #[serde(default)]
    answers: Option<Map<String, Value>>,
    /// The agreements accepted, by name, in their present versions.
    #[serde(default)]
    agreements: Option<BTreeSet<String>>,
}

#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
enum AskType {
    DataAccess,
    MaskingException,
}

#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
enum AskScope {
    Read,
    Write,
}

/// A decision.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Decision {
    /// Yes or no.
    status: Verdict,
    /// Why.
    #[serde(default)]
    reason: Option<String>,
    /// For how many days the approval holds; without end when absent.
    #[serde(default)]
    #[schemars(range(min = 1, max = 36500))]
    duration_days: Option<i64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
enum Verdict {
    Approved,
    Denied,
}

async fn ask(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Text(text): Text,
) -> Result<Response, Problem> {
    let once = Once::of(&headers, &caller, PATH, &text)?;
    let asked: Ask = parse(&text)?;
    let service = app.clone();
    let work = move |store: &mut Store, caller: &Caller, now: Instant| -> Result<_, Problem> {
        idempotency::create(&service, store, once.as_ref(), |store| {
            let request = made(store, caller, asked, now)?;
            let document = serde_json::to_value(&request).expect("a request is plain data");
            let stored = caller.change(now, |change| {
                store.put_object(Kind::Request, &document, IfMatch::MustNotExist, change)
            })?;
            Ok(Created {
                status: 201,
                location: Some(format!("{PATH}/{}", stored.name)),
                etag: Some(quoted(&stored.etag)),
                body: serde_json::to_value(ObjectView::from(stored)).expect("an object is plain data"),
            })
        })
    };
    Ok(caller::write(&app, caller, work).await?.into_response())
}

/// The request that somebody makes, complete or refused.
fn made(store: &mut Store, caller: &Caller, asked: Ask, now: Instant) -> Result<Request, Problem> {
    let user = asked.user.or_else(|| caller.user.clone());
    let user = user.ok_or_else(|| Problem::invalid("`user` is missing: the administrator is no user"))?;
    if !caller.is(&user) && !caller.has(Permission::Governance) {
        return Err(lacking(&[Permission::Governance], " or "));
    }
    let target = match (asked.data_product, asked.data_source) {
        (Some(product), None) => Target::DataProduct(product),
        (None, Some(source)) => Target::DataSource(source),
        _ => return Err(Problem::invalid("name one of `dataProduct` and `dataSource`")),
    };
    let answers = asked.answers.unwrap_or_default();
    let accepted = asked.agreements.unwrap_or_default();
    if let Target::DataProduct(name) = &target {
        let product: Option<DataProduct> = read(store, Kind::DataProduct, name)?;
        let product =
            product.ok_or_else(|| Problem::invalid(format!("there is no data product `{name}`")))?;
        if product.status != ProductStatus::Published {
            return Err(Problem::invalid(format!("the data product `{name}` is suspended")));
        }
        let form = form_of(store, Some(&product))?;
        let questions = form.iter().flat_map(|form| &form.questions);
        let missing = |id: &str| answers.get(id).is_none_or(Value::is_null);
        if let Some(question) = questions.into_iter().find(|one| one.required && missing(&one.id)) {
            let (id, text) = (&question.id, &question.text);
            return Err(Problem::invalid(format!("`answers.{id}` is missing; the form asks: {text}")));
        }
        if let Some(name) = product.agreements.iter().find(|name| !accepted.contains(*name)) {
            return Err(Problem::invalid(format!("`agreements` must accept `{name}`")));
        }
    }
    let requester = caller.user.clone().filter(|requester| *requester != user);
    let accepted_by = caller.user.clone().unwrap_or_else(|| user.clone());
    let mut agreements = Vec::new();
    for name in accepted {
        let agreement: Option<Agreement> = read(store, Kind::Agreement, &name)?;
        let agreement =
            agreement.ok_or_else(|| Problem::invalid(format!("there is no agreement `{name}`")))?;
        let (version, accepted_by) = (agreement.version, accepted_by.clone());
        agreements.push(AcceptedAgreement { name, version, accepted_by, accepted_at: now });
    }
    Ok(Request {
        id: Uuid::new_v4().to_string(),
        kind: match asked.r#type {
            None | Some(AskType::DataAccess) => RequestType::DataAccess,
            Some(AskType::MaskingException) => RequestType::MaskingException,
        },
        user,
        requester,
        target,
        columns: asked.columns.unwrap_or_default(),
        scope: match asked.scope {
            None | Some(AskScope::Read) => Scope::Read,
            Some(AskScope::Write) => Scope::Write,
        },
        status: RequestStatus::Pending,
        answers: answers.into_iter().collect(),
        created_at: now,
        updated_at: None,
        expires_at: None,
        determinations: Vec::new(),
        agreements,
    })
}

/// Changes a request that is still pending.
async fn change(
    app: App,
    caller: Caller,
    id: String,
    edit: impl FnOnce(&mut Store, &Caller, &mut Request, Instant) -> Result<(), Problem> + Send + 'static,
) -> Result<Response, Problem> {
    let work = move |store: &mut Store, caller: &Caller, now: Instant| -> Result<StoredObject, Problem> {
        let none = || Problem::not_found(format!("there is no request `{id}`"));
        let stored = store.object(Kind::Request, &id)?.ok_or_else(none)?;
        let mut request: Request =
            serde_json::from_value(stored.document).map_err(|error| Problem::internal(&error))?;
        edit(store, caller, &mut request, now)?;
        request.updated_at = Some(now);
        let document = serde_json::to_value(&request).expect("a request is plain data");
        Ok(caller.change(now, |change| {
            store.put_object(Kind::Request, &document, IfMatch::Etag(&stored.etag), change)
        })?)
    };
    let stored = caller::write(&app, caller, work).await?;
    Ok(object_response(axum::http::StatusCode::OK, stored))
}

fn still_pending(request: &Request) -> Result<(), Problem> {
    if request.status == RequestStatus::Pending {
        return Ok(());
    }
    Err(Problem::conflict(format!("the request `{}` is pending no more", request.id)))
}

async fn cancel(State(app): State<App>, caller: Caller, Path(id): Path<String>) -> Result<Response, Problem> {
    change(app, caller, id, |_, caller, request, _| {
        let part = caller.is(&request.user)
            || request.requester.as_deref().is_some_and(|requester| caller.is(requester))
            || caller.has(Permission::Governance);
        if !part {
            return Err(Problem::forbidden("a request is taken back by whoever made it or for whom it is"));
        }
        still_pending(request)?;
        request.status = RequestStatus::Canceled;
        Ok(())
    })
    .await
}

async fn decide(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Text(text): Text,
) -> Result<Response, Problem> {
    let decision: Decision = parse(&text)?;
    if decision.duration_days.is_some_and(|days| !(1..=36_500).contains(&days)) {
        return Err(Problem::invalid("`durationDays` must be from 1 to 36500"));
    }
    change(app, caller, id, move |store, caller, request, now| {
        let Some(by) = caller.user.clone() else {
            return Err(Problem::forbidden(
                "the administrator is no user, and who decided must be one: use a user's key",
            ));
        };
        let review = Review::of(store, request)?;
        let governs = caller.has(Permission::Governance);
        // Who reviews is so in a role, which a narrowed key does not carry.
        if !governs && (caller.in_roles().is_none() || !review.admits(store, request, &by)?) {
            return Err(Problem::forbidden(
                "this request is decided by the approvers of its present review step, or with GOVERNANCE",
            ));
        }
        still_pending(request)?;
        request.determinations.push(Determination {
            by,
            status: match decision.status {
                Verdict::Approved => DeterminationStatus::Approved,
                Verdict::Denied => DeterminationStatus::Denied,
            },
            reason: decision.reason,
            duration_days: decision.duration_days,
            at: now,
        });
        let complete = governs || review.is_complete(store, request)?;
        match decision.status {
            Verdict::Denied => request.status = RequestStatus::Denied,
            Verdict::Approved if complete => {
                request.status = RequestStatus::Approved;
                // Of several durations the shortest holds.
                let days = request.determinations.iter().filter_map(|one| one.duration_days).min();
                request.expires_at =
                    days.map(|days| Instant::from_micros(now.as_micros() + days * DAY_MICROS));
            }
            Verdict::Approved => {}
        }
        Ok(())
    })
    .await
}
