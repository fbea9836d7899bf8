//! Making a request.

use std::collections::{BTreeMap, BTreeSet};

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use domesday_model::limits::MAX_ANSWER_CHARS;
use domesday_model::{
    AcceptedAgreement, Agreement, Answer, Instant, Kind, Permission, ProductStatus, QuestionKind, Request,
    RequestForm, RequestStatus, RequestType, Scope, Target,
};
use domesday_store::{IfMatch, Store};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::value::to_raw_value;
use uuid::Uuid;

use crate::caller::{self, Caller};
use crate::etag::quoted;
use crate::idempotency::{self, Created, Once};
use crate::problem::Problem;
use crate::route::{Text, lacking, parse};
use crate::service::App;

use super::super::review::{Reviews, read};
use super::PATH;
use super::view::RequestView;

/// The size of all answers of a request together, in bytes of JSON.
const MAX_ANSWERS_BYTES: usize = 64 << 10;

/// How many pending requests one user may have made.
const MAX_PENDING: u64 = 100;

/// A request as it is made.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Ask {
    /// What is asked for; access when absent.
    #[serde(default, deserialize_with = "crate::route::present")]
    #[schemars(with = "AskType")]
    r#type: Option<AskType>,
    /// For whom, by username; oneself when absent.
    #[serde(default, deserialize_with = "crate::route::present")]
    #[schemars(with = "String")]
    user: Option<String>,
    /// The data product; this or `dataSource`.
    #[serde(default, deserialize_with = "crate::route::present")]
    #[schemars(with = "String")]
    data_product: Option<String>,
    /// The data source; this or `dataProduct`.
    #[serde(default, deserialize_with = "crate::route::present")]
    #[schemars(with = "String")]
    data_source: Option<String>,
    /// The columns of an exception from masking.
    #[serde(default, deserialize_with = "crate::route::present")]
    #[schemars(with = "BTreeSet<String>")]
    columns: Option<BTreeSet<String>>,
    /// Reading when absent.
    #[serde(default, deserialize_with = "crate::route::present")]
    #[schemars(with = "AskScope")]
    scope: Option<AskScope>,
    /// Answers by question: a text, a number or a boolean each, as the form asks. At most 64 KiB together.
    #[serde(default, deserialize_with = "crate::route::present")]
    #[schemars(with = "BTreeMap<String, AnswerSchema>")]
    answers: Option<BTreeMap<String, Answer>>,
    /// The agreements accepted, by name, in their present versions.
    #[serde(default, deserialize_with = "crate::route::present")]
    #[schemars(with = "BTreeSet<String>")]
    agreements: Option<BTreeSet<String>>,
}

/// What an answer looks like, for the document of the API.
#[derive(JsonSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "only its schema is used")]
enum AnswerSchema {
    Text(String),
    Number(f64),
    Boolean(bool),
    Nothing(()),
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

pub(super) async fn ask(
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
            let request = new_request(store, caller, asked, now)?;
            check_limits(store, caller, &request)?;
            let stored = caller.change(now, |change| {
                store.put_object(Kind::Request, &request, IfMatch::MustNotExist, change)
            })?;
            let (location, etag) = (format!("{PATH}/{}", stored.name), quoted(&stored.etag));
            let view = RequestView::new(store, stored, now)?;
            Ok(Created {
                status: 201,
                location: Some(location),
                etag: Some(etag),
                body: to_raw_value(&view).expect("a request is plain data"),
            })
        })
    };
    Ok(caller::write(&app, caller, work).await?.into_response())
}

/// Refuses a second pending request for the same thing, and more pending requests than anybody decides.
pub(super) fn check_limits(store: &mut Store, caller: &Caller, request: &Request) -> Result<(), Problem> {
    if let Some(first) = store.pending_request_like(request)? {
        let detail = format!("the request `{first}` asks for the same and is still pending");
        return Err(Problem::conflict(detail).with("request", first));
    }
    let Some(username) = &caller.user else { return Ok(()) };
    if store.count_pending_requests(username)? >= MAX_PENDING {
        return Err(Problem::conflict(format!(
            "you have {MAX_PENDING} pending requests, the most that one user may have; cancel one or wait for a \
             decision"
        )));
    }
    Ok(())
}

/// The request that somebody makes, complete or refused.
fn new_request(store: &mut Store, caller: &Caller, asked: Ask, now: Instant) -> Result<Request, Problem> {
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
    let kind = match asked.r#type {
        None | Some(AskType::DataAccess) => RequestType::DataAccess,
        Some(AskType::MaskingException) => RequestType::MaskingException,
    };
    let columns = asked.columns.unwrap_or_default();
    if kind == RequestType::DataAccess && !columns.is_empty() {
        return Err(Problem::invalid(
            "`columns` are those of an exception from masking; data access takes none",
        ));
    }
    let accepted = asked.agreements.unwrap_or_default();
    let review = Reviews::default().target(store, &target)?;
    if let Target::DataProduct(name) = &target {
        let product = review.product.as_ref();
        let product =
            product.ok_or_else(|| Problem::invalid(format!("there is no data product `{name}`")))?;
        if product.status != ProductStatus::Published {
            return Err(Problem::invalid(format!("the data product `{name}` is suspended")));
        }
        if let Some(name) = product.agreements.iter().find(|name| !accepted.contains(*name)) {
            return Err(Problem::invalid(format!("`agreements` must accept `{name}`")));
        }
    }
    let answers = checked_answers(review.form.as_ref(), asked.answers.unwrap_or_default())?;
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
        kind,
        user,
        requester,
        target,
        columns,
        scope: match asked.scope {
            None | Some(AskScope::Read) => Scope::Read,
            Some(AskScope::Write) => Scope::Write,
        },
        status: RequestStatus::Pending,
        answers,
        created_at: now,
        updated_at: None,
        expires_at: None,
        determinations: Vec::new(),
        agreements,
    })
}

/// The answers as they are kept: to questions of the form, each of its kind, all that are required, and of a size that
/// a form needs. A null answers nothing and is left out.
fn checked_answers(
    form: Option<&RequestForm>,
    answers: BTreeMap<String, Answer>,
) -> Result<BTreeMap<String, Answer>, Problem> {
    let questions = form.map(|form| form.questions.as_slice()).unwrap_or_default();
    let mut kept = BTreeMap::new();
    let mut bytes = 0;
    for (id, answer) in answers {
        let shown = shortened(&id);
        let Some(question) = questions.iter().find(|question| question.id == id) else {
            return Err(Problem::invalid(no_question(form, &shown)));
        };
        if answer.is_null() {
            continue;
        }
        if let Err(error) = answer.check(&question.kind) {
            return Err(Problem::invalid(format!(
                "`answers.{shown}`: {error}; the form asks: {}",
                question.text
            )));
        }
        let answer = answer.into_canonical();
        if answer.as_json().chars().count() > MAX_ANSWER_CHARS + 2 {
            let detail = format!("`answers.{shown}` is longer than {MAX_ANSWER_CHARS} characters");
            return Err(Problem::invalid(detail));
        }
        bytes += id.len() + answer.as_json().len() + 4;
        kept.insert(id, answer);
    }
    if bytes > MAX_ANSWERS_BYTES {
        let detail = format!("`answers` are larger than {MAX_ANSWERS_BYTES} bytes together");
        return Err(Problem::invalid(detail));
    }
    let is_missing = |id: &str, kind: &QuestionKind| {
        let is_blank = |answer: &Answer| {
            *kind == QuestionKind::Text
                && serde_json::from_str::<String>(answer.as_json()).is_ok_and(|text| text.trim().is_empty())
        };
        kept.get(id).is_none_or(is_blank)
    };
    if let Some(question) = questions.iter().find(|one| one.required && is_missing(&one.id, &one.kind)) {
        let (id, text) = (&question.id, &question.text);
        return Err(Problem::invalid(format!("`answers.{id}` is missing; the form asks: {text}")));
    }
    Ok(kept)
}

fn no_question(form: Option<&RequestForm>, id: &str) -> String {
    let Some(form) = form else {
        return format!(
            "`answers.{id}` is not asked for: this is asked for without a form, and takes no answers"
        );
    };
    let known: Vec<_> = form.questions.iter().map(|question| format!("`{}`", question.id)).collect();
    let known = if known.is_empty() { "nothing".to_owned() } else { known.join(", ") };
    format!("`answers.{id}` is no question of the form `{}`, which asks {known}", form.name)
}

/// As much of what a client sent as a message needs.
fn shortened(text: &str) -> String {
    const LONGEST: usize = 100;
    if text.chars().count() <= LONGEST {
        text.to_owned()
    } else {
        text.chars().take(LONGEST).chain(['…']).collect()
    }
}
