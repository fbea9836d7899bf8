//! Making a request.

use std::collections::{BTreeMap, BTreeSet};

use domesday_model::limits::MAX_ANSWER_CHARS;
use domesday_model::{
    AcceptedAgreement, Agreement, Answer, AnswerError, Instant, Kind, Permission, ProductStatus, Question,
    QuestionKind, Request, RequestForm, RequestStatus, RequestType, Scope, Target,
};
use domesday_store::{IfMatch, Store, StoredObject};
use uuid::Uuid;

use crate::caller::Caller;
use crate::error::ServiceError;

use super::review::ReviewReader;
use super::review_data::read_object;

/// The size of all answers of a request together, in bytes of JSON.
const MAX_ANSWERS_BYTES: usize = 64 << 10;

/// How many pending requests one user may have made.
const MAX_PENDING: u64 = 100;

/// A request to be made.
#[derive(Debug, Clone)]
pub struct NewRequest {
    /// What is asked for.
    pub kind: RequestType,
    /// For whom, by username; the caller when absent.
    pub user: Option<String>,
    /// To what.
    pub target: NewTarget,
    /// The columns of an exception from masking.
    pub columns: BTreeSet<String>,
    /// In which scope.
    pub scope: Scope,
    /// Answers to the questions of the form, by question: at most 64 KiB together.
    pub answers: BTreeMap<String, Answer>,
    /// The agreements accepted, by name, in their present versions.
    pub agreements: BTreeSet<String>,
}

/// What a new request asks for: one of the two.
#[derive(Debug, Clone, Default)]
pub struct NewTarget {
    /// A data product, by name.
    pub data_product: Option<String>,
    /// A data source, by name.
    pub data_source: Option<String>,
}

impl NewTarget {
    fn resolve(self) -> Result<Target, ServiceError> {
        match (self.data_product, self.data_source) {
            (Some(product), None) => Ok(Target::DataProduct(product)),
            (None, Some(source)) => Ok(Target::DataSource(source)),
            _ => Err(ServiceError::invalid("name one of `dataProduct` and `dataSource`")),
        }
    }
}

/// Makes a request.
///
/// # Errors
/// When the caller may not ask for somebody else, the request is not complete, or it is one too many.
pub fn create(
    store: &mut Store,
    caller: &Caller,
    asked: NewRequest,
    now: Instant,
) -> Result<StoredObject, ServiceError> {
    let request = complete(store, caller, asked, now)?;
    check_limits(store, caller, &request)?;
    Ok(caller
        .change(now, |change| store.put_object(Kind::Request, &request, IfMatch::MustNotExist, change))?)
}

/// Refuses a second pending request for the same thing, and more pending requests than anybody decides.
pub(crate) fn check_limits(
    store: &mut Store,
    caller: &Caller,
    request: &Request,
) -> Result<(), ServiceError> {
    if let Some(first) = store.pending_request_like(request)? {
        let detail = format!("the request `{first}` asks for the same and is still pending");
        return Err(ServiceError::conflict(detail).with("request", first));
    }
    let Some(username) = &caller.user else { return Ok(()) };
    if store.count_pending_requests(username)? >= MAX_PENDING {
        return Err(ServiceError::conflict(format!(
            "you have {MAX_PENDING} pending requests, the most that one user may have; cancel one or wait for a \
             decision"
        )));
    }
    Ok(())
}

/// Returns the request that somebody makes, complete.
fn complete(
    store: &mut Store,
    caller: &Caller,
    asked: NewRequest,
    now: Instant,
) -> Result<Request, ServiceError> {
    let NewRequest { kind, user, target, columns, scope, answers, agreements: accepted } = asked;
    let user = user.or_else(|| caller.user.clone());
    let user =
        user.ok_or_else(|| ServiceError::invalid("`user` is missing: the administrator is no user"))?;
    if !caller.is_user(&user) && !caller.has(Permission::Governance) {
        return Err(ServiceError::lacks_any(&[Permission::Governance]));
    }
    let target = target.resolve()?;
    if kind == RequestType::DataAccess && !columns.is_empty() {
        return Err(ServiceError::invalid(
            "`columns` are those of an exception from masking; data access takes none",
        ));
    }
    let review = ReviewReader::default().target(store, &target)?;
    if let Target::DataProduct(name) = &target {
        let product = review.product.as_ref();
        let product =
            product.ok_or_else(|| ServiceError::invalid(format!("there is no data product `{name}`")))?;
        if product.status != ProductStatus::Published {
            return Err(ServiceError::invalid(format!("the data product `{name}` is suspended")));
        }
        if let Some(name) = product.agreements.iter().find(|name| !accepted.contains(*name)) {
            return Err(ServiceError::invalid(format!("`agreements` must accept `{name}`")));
        }
    }
    let answers = check_answers(review.form.as_ref(), answers)?;
    let requester = caller.user.clone().filter(|requester| *requester != user);
    let accepted_by = caller.user.clone().unwrap_or_else(|| user.clone());
    let mut agreements = Vec::new();
    for name in accepted {
        let agreement: Option<Agreement> = read_object(store, Kind::Agreement, &name)?;
        let agreement =
            agreement.ok_or_else(|| ServiceError::invalid(format!("there is no agreement `{name}`")))?;
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
        scope,
        status: RequestStatus::Pending,
        answers,
        created_at: now,
        updated_at: None,
        expires_at: None,
        determinations: Vec::new(),
        agreements,
    })
}

/// Returns the answers as they are stored: to questions of the form, each of its kind, all that are required, and of a
/// size that a form needs. A null answers nothing and is left out.
fn check_answers(
    form: Option<&RequestForm>,
    answers: BTreeMap<String, Answer>,
) -> Result<BTreeMap<String, Answer>, ServiceError> {
    let questions = form.map(|form| form.questions.as_slice()).unwrap_or_default();
    let mut kept = BTreeMap::new();
    let mut bytes = 0;
    for (id, answer) in answers {
        let shown = shortened(&id);
        let Some(question) = questions.iter().find(|question| question.id == id) else {
            return Err(ServiceError::invalid(no_question(form, &shown)));
        };
        if answer.is_null() {
            continue;
        }
        let answer = check_answer(question, answer).map_err(|wrong| {
            ServiceError::invalid(match wrong {
                WrongAnswer::Kind(error) => {
                    format!("`answers.{shown}`: {error}; the form asks: {}", question.text)
                }
                WrongAnswer::TooLong => {
                    format!("`answers.{shown}` is longer than {MAX_ANSWER_CHARS} characters")
                }
            })
        })?;
        bytes += id.len() + answer.as_json().len() + 4;
        kept.insert(id, answer);
    }
    if bytes > MAX_ANSWERS_BYTES {
        let detail = format!("`answers` are larger than {MAX_ANSWERS_BYTES} bytes together");
        return Err(ServiceError::invalid(detail));
    }
    if let Some(question) = questions.iter().find(|question| is_missing(question, kept.get(&question.id))) {
        let (id, text) = (&question.id, &question.text);
        return Err(ServiceError::invalid(format!("`answers.{id}` is missing; the form asks: {text}")));
    }
    Ok(kept)
}

/// Why an answer is not accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WrongAnswer {
    /// It is not of the kind that the question asks for.
    Kind(AnswerError),
    /// It is longer than [`MAX_ANSWER_CHARS`] characters.
    TooLong,
}

/// Checks an answer to a question, and returns it as it is stored.
///
/// # Errors
/// When it is not of the kind that the question asks for, or too long.
pub fn check_answer(question: &Question, answer: Answer) -> Result<Answer, WrongAnswer> {
    answer.check(&question.kind).map_err(WrongAnswer::Kind)?;
    let answer = answer.into_canonical();
    // The quotes of a text are not counted.
    if answer.as_json().chars().count() > MAX_ANSWER_CHARS + 2 {
        return Err(WrongAnswer::TooLong);
    }
    Ok(answer)
}

/// Whether a question must be answered and is not: a text of white space answers nothing.
#[must_use]
pub fn is_missing(question: &Question, answer: Option<&Answer>) -> bool {
    let is_blank = |answer: &Answer| {
        question.kind == QuestionKind::Text
            && serde_json::from_str::<String>(answer.as_json()).is_ok_and(|text| text.trim().is_empty())
    };
    question.required && answer.is_none_or(is_blank)
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

/// Cuts what a client sent to the length that a message needs.
fn shortened(text: &str) -> String {
    const LONGEST: usize = 100;
    if text.chars().count() <= LONGEST {
        text.to_owned()
    } else {
        text.chars().take(LONGEST).chain(['…']).collect()
    }
}
