//! A request: what an approval would change, the answers, the steps with their decisions, and the form of a decision.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use domesday_model::{Answer, Instant, QuestionKind, Request, RequestForm, RequestStatus, Snapshot, Target};
use domesday_service::ServiceError;
use domesday_service::caller::Caller;
use domesday_service::evaluation::{Evaluation, READERS, Selector};
use domesday_service::requests::decide::{RequestRights, find_rights};
use domesday_service::requests::{Obstacle, ReviewProgress, document, find_obstacles_of};
use domesday_store::Store;

use super::effect::{EffectView, effect};
use super::review::{StepView, steps};
use super::status::{Chip, ShownStatus, WAITS_FOR_YOU, subject};
use crate::console::access::user_path;
use crate::console::assets::{Assets, assets};
use crate::console::directory::Directory;
use crate::console::errors::Failure;
use crate::console::form::Form;
use crate::console::link::Link;
use crate::console::page;
use crate::console::paths::{product_path, request_path};
use crate::console::people::{self, ValueView};
use crate::console::shell::Shell;
use crate::console::signed_in::SignedIn;
use crate::console::times::{TimeView, counted};
use crate::state::{App, AppState};

#[derive(Template)]
#[template(path = "console/requests/show.html")]
struct RequestPage {
    assets: &'static Assets,
    shell: Shell,
    path: String,
    id: String,
    title: String,
    chip: Chip,
    asked: TimeView,
    made_by: String,
    target: Link,
    scope: &'static str,
    ends: Option<TimeView>,
    effect: Option<EffectView>,
    form_note: String,
    answers: Vec<AnswerView>,
    agreements: Vec<AgreementView>,
    decision: Option<DecisionForm>,
    cancels: bool,
    revokes: bool,
    is_pending: bool,
    steps: Vec<StepView>,
    person: Link,
    facts: Option<PersonFacts>,
    username: String,
    toast: &'static str,
}

struct AnswerView {
    question: String,
    text: String,
    /// Whether it is a `no`, which an approver should not miss.
    is_no: bool,
}

struct AgreementView {
    name: String,
    version: i64,
    accepted_by: String,
    at: TimeView,
    /// The text that was accepted; empty when it is not known.
    text: String,
}

/// What is known of the user whom the request is for.
struct PersonFacts {
    position: String,
    groups: Vec<String>,
    attributes: Vec<ValueView>,
    /// How many data sources they can read, for those who may see it.
    readable: Link,
}

/// The form of a decision.
pub(super) struct DecisionForm {
    /// Value, text, and whether it is chosen.
    durations: Vec<(&'static str, &'static str, bool)>,
    reason: String,
    reason_error: String,
    problem: String,
    decides_for_good: bool,
}

/// For how long an approval can be given: days, and what they are called.
const DURATIONS: [(&str, &str); 6] = [
    ("7", "7 days"),
    ("30", "30 days"),
    ("90", "90 days"),
    ("180", "180 days"),
    ("365", "365 days"),
    ("", "No end"),
];

/// What was sent and is shown again.
#[derive(Debug, Default)]
pub(super) struct SentDecision {
    pub(super) duration: Option<String>,
    pub(super) reason: String,
    pub(super) reason_error: String,
    pub(super) problem: String,
}

/// A request as the store has it, with what belongs to it.
struct Loaded {
    request: Request,
    rights: RequestRights,
    obstacles: Vec<Obstacle>,
}

async fn load(app: &AppState, caller: &Caller, id: &str, now: Instant) -> Result<Loaded, Failure> {
    let (caller, id) = (caller.clone(), id.to_owned());
    let read = move |store: &mut Store| -> Result<_, Failure> {
        let stored = document::read(store, &caller, &id)?;
        let request: Request =
            serde_json::from_str(&stored.text).map_err(|error| ServiceError::internal(&error))?;
        let rights = find_rights(store, &caller, &request, now)?;
        let obstacles = find_obstacles_of(store, &request, now)?;
        Ok(Loaded { request, rights, obstacles })
    };
    app.service.pool.with(read).await
}

/// Shows a request.
pub(super) async fn show(
    State(app): State<App>,
    Path(id): Path<String>,
    signed_in: SignedIn,
    form: Form,
) -> Result<Response, Failure> {
    let done = form.get("done").to_owned();
    render(&app, signed_in, &id, SentDecision::default(), &done).await
}

/// Shows a request with what was sent, when it is not accepted.
pub(super) async fn render(
    app: &AppState,
    signed_in: SignedIn,
    id: &str,
    sent: SentDecision,
    done: &str,
) -> Result<Response, Failure> {
    let SignedIn { caller, shell, .. } = signed_in;
    let now = app.service.now();
    let Loaded { request, rights, obstacles } = load(app, &caller, id, now).await?;
    let evaluation = app.service.evaluations.current(caller.revision).await?;
    let snapshot = &**evaluation.snapshot();
    let directory = Directory::new(snapshot, &caller);
    let name = directory.name(&request.user);
    let status = ShownStatus::new(&request, now);
    let progress = ReviewProgress::new(snapshot, &request)?;
    let is_pending = request.status == RequestStatus::Pending;
    let is_refused = !(sent.reason_error.is_empty() && sent.problem.is_empty());
    let decision = rights.decides.then(|| decision_form(sent, rights.decides_for_good));
    let calendar = &shell.calendar;
    let effect_view = if is_pending {
        Some(effect(&evaluation, &caller, &request, &name, &obstacles))
    } else {
        in_force(&obstacles)
    };
    let mut response = page(&RequestPage {
        assets: assets(),
        path: request_path(&request.id),
        title: format!("{} for {name}", subject(&request)),
        chip: if rights.decides { WAITS_FOR_YOU } else { status.chip() },
        asked: calendar.full(request.created_at),
        made_by: if request.made_by() == request.user {
            String::new()
        } else {
            directory.name(request.made_by())
        },
        target: target(snapshot, &request),
        scope: request.scope.as_str(),
        ends: request.expires_at.filter(|_| !is_pending).map(|end| calendar.full(end)),
        effect: effect_view,
        form_note: progress
            .form
            .as_ref()
            .map_or_else(String::new, |form| format!("Form {}, version {}", form.name, form.version)),
        answers: answers(progress.form.as_ref(), &request),
        agreements: request
            .agreements
            .iter()
            .map(|accepted| AgreementView {
                name: accepted.name.clone(),
                version: accepted.version,
                accepted_by: directory.name(&accepted.accepted_by),
                at: calendar.time(accepted.accepted_at),
                text: snapshot
                    .agreement_texts
                    .get(&(accepted.name.clone(), accepted.version))
                    .cloned()
                    .unwrap_or_default(),
            })
            .collect(),
        decision,
        cancels: rights.cancels,
        revokes: rights.revokes,
        is_pending,
        steps: steps(snapshot, &directory, calendar, &progress, &request)?,
        person: directory.link(&request.user),
        facts: facts(&evaluation, &caller, &directory, &request),
        username: request.user.clone(),
        toast: toast(done, status),
        id: request.id,
        shell,
    });
    if is_refused {
        *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    }
    Ok(response)
}

/// What is said after a change.
fn toast(done: &str, status: ShownStatus) -> &'static str {
    match (done, status) {
        ("asked", ShownStatus::Pending) => "The request is made.",
        ("approved", ShownStatus::Approved) => "The request is approved.",
        ("approved", ShownStatus::Pending) => "Your approval is recorded. The review goes on.",
        ("denied", ShownStatus::Denied) => "The request is denied.",
        ("canceled", ShownStatus::Canceled) => "The request is canceled.",
        ("revoked", ShownStatus::Revoked) => "The request is revoked.",
        _ => "",
    }
}

/// Why an approved request gives less than it asks for.
fn in_force(obstacles: &[Obstacle]) -> Option<EffectView> {
    (!obstacles.is_empty()).then(|| EffectView {
        verdict: "The approval is not enough.".to_owned(),
        note: String::new(),
        obstacles: obstacles.iter().map(|it| crate::console::errors::sentence(it.message())).collect(),
        rows: Vec::new(),
        more: 0,
    })
}

fn decision_form(sent: SentDecision, decides_for_good: bool) -> DecisionForm {
    let chosen = sent.duration.as_deref().unwrap_or("180");
    let durations = DURATIONS.iter().map(|(value, text)| (*value, *text, *value == chosen));
    DecisionForm {
        durations: durations.collect(),
        reason: sent.reason,
        reason_error: sent.reason_error,
        problem: sent.problem,
        decides_for_good,
    }
}

/// What is asked for, which leads to its page where there is one for everybody.
fn target(snapshot: &Snapshot, request: &Request) -> Link {
    match &request.target {
        Target::DataSource(name) => Link::plain(name.as_str()),
        Target::DataProduct(name) => match snapshot.data_product(name) {
            Some(product) => Link::new(name.as_str(), product_path(product.id.0)),
            None => Link::plain(name.as_str()),
        },
    }
}

/// The answers in the order of the form, then those to questions that it no longer has.
fn answers(form: Option<&RequestForm>, request: &Request) -> Vec<AnswerView> {
    let questions = form.map(|form| form.questions.as_slice()).unwrap_or_default();
    let mut views = Vec::new();
    for question in questions {
        if let Some(answer) = request.answers.get(&question.id) {
            let is_no = question.kind == QuestionKind::Boolean && answer.as_json() == "false";
            views.push(AnswerView { question: question.text.clone(), text: answer_text(answer), is_no });
        }
    }
    let is_known = |id: &str| questions.iter().any(|question| question.id == id);
    let others = request.answers.iter().filter(|(id, _)| !is_known(id));
    views.extend(others.map(|(id, answer)| AnswerView {
        question: id.clone(),
        text: answer_text(answer),
        is_no: false,
    }));
    views
}

fn answer_text(answer: &Answer) -> String {
    match answer.as_json() {
        "true" => "Yes".to_owned(),
        "false" => "No".to_owned(),
        json => serde_json::from_str::<String>(json).unwrap_or_else(|_| json.to_owned()),
    }
}

/// What the caller may see of the user.
fn facts(
    evaluation: &Evaluation,
    caller: &Caller,
    directory: &Directory<'_>,
    request: &Request,
) -> Option<PersonFacts> {
    let snapshot = evaluation.snapshot();
    let record = directory.record(&request.user)?;
    let user = evaluation.select(caller, Some(Selector::Name(&request.user)), None).ok()?.user?;
    let readable = if caller.has_any(READERS) || caller.is_user(&request.user) {
        let count = evaluation.user_summary(user).readable;
        Link::new(counted(count, "data source", "data sources"), user_path(record.id.0))
    } else {
        Link::plain("")
    };
    Some(PersonFacts {
        position: people::position(record),
        groups: people::groups(snapshot, record),
        attributes: people::attributes(snapshot, record),
        readable,
    })
}
