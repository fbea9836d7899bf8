//! Failures as pages: within the frame where somebody is signed in, else alone.

use askama::Template;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use domesday_model::Permission;
use domesday_service::ServiceError;
use domesday_store::StoreError;

use super::assets::{Assets, assets};
use super::people::administrators;
use super::shell::Shell;
use super::signed_in::SignedIn;
use super::{accepts_html, page};
use crate::problem::{MEDIA_TYPE, Problem};
use crate::state::AppState;

/// How many names of people are listed.
const MAX_NAMES: usize = 5;

/// Why a page cannot be shown, for [`super::session::guard`], which knows whose page it is.
#[derive(Debug, Clone)]
pub(super) struct Failure {
    problem: Problem,
    /// The permissions that would allow it.
    requires: Vec<Permission>,
}

impl From<ServiceError> for Failure {
    fn from(error: ServiceError) -> Self {
        let requires = match &error {
            ServiceError::Forbidden { permissions, .. } => permissions.clone(),
            _ => Vec::new(),
        };
        Self { problem: error.into(), requires }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self { problem: error.into(), requires: Vec::new() }
    }
}

impl Failure {
    /// The status of the answer.
    pub(super) fn status(&self) -> StatusCode {
        self.problem.status()
    }

    /// What failed, as a sentence, when the caller can correct it in a form.
    pub(super) fn mistake(&self) -> Option<String> {
        let status = self.problem.status();
        let is_mistake = status == StatusCode::UNPROCESSABLE_ENTITY || status == StatusCode::FORBIDDEN;
        is_mistake.then(|| sentence(self.problem.detail()))
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let mut response = self.problem.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// The page that a request was for.
pub(super) struct PageOf {
    pub(super) signed_in: SignedIn,
    pub(super) path: String,
}

/// What a page of a failure shows.
struct ErrorView {
    status: u16,
    title: String,
    detail: String,
    path: String,
    /// The permissions that would allow it.
    requires: String,
    /// The caller's permissions.
    has: String,
    /// Who could give the permissions.
    givers: String,
}

#[derive(Template)]
#[template(path = "console/error.html")]
struct ErrorPage {
    assets: &'static Assets,
    shell: Shell,
    error: ErrorView,
}

#[derive(Template)]
#[template(path = "console/lone_error.html")]
struct LoneErrorPage {
    assets: &'static Assets,
    status: u16,
    title: String,
    detail: String,
}

impl PageOf {
    /// Answers with a page that says what failed and what to do.
    pub(super) async fn answer(self, app: &AppState, failure: impl Into<Failure>) -> Response {
        let Failure { problem, requires: required } = failure.into();
        let SignedIn { caller, shell, .. } = self.signed_in;
        let names = |permissions: &[Permission], between: &str| {
            permissions.iter().map(|it| it.as_str()).collect::<Vec<_>>().join(between)
        };
        let givers = if required.is_empty() { String::new() } else { givers(app, caller.revision).await };
        let detail = if required.is_empty() {
            sentence(problem.detail())
        } else {
            format!(
                "This page requires the permission {}. You are signed in as {}.",
                names(&required, " or "),
                shell.name
            )
        };
        let has = if caller.permissions.is_empty() {
            "no permission".to_owned()
        } else {
            names(&caller.permissions, ", ")
        };
        let view = ErrorView {
            status: problem.status().as_u16(),
            title: title(problem.status()).to_owned(),
            detail,
            path: self.path,
            requires: names(&required, " or "),
            has,
            givers,
        };
        let mut response = page(&ErrorPage { assets: assets(), shell, error: view });
        *response.status_mut() = problem.status();
        response
    }
}

/// The users who can give permissions, by name.
async fn givers(app: &AppState, revision: u64) -> String {
    let Ok(evaluation) = app.service.evaluations.current(revision).await else { return String::new() };
    let mut names = administrators(evaluation.snapshot());
    let listed: Vec<_> = names.by_ref().take(MAX_NAMES).map(|user| &*user.name).collect();
    match (listed.is_empty(), names.count()) {
        (true, _) => "the operator: nobody has USER_ADMIN".to_owned(),
        (false, 0) => format!("users with USER_ADMIN: {}", listed.join(", ")),
        (false, more) => format!("users with USER_ADMIN: {} and {more} more", listed.join(", ")),
    }
}

/// Answers with a page without a frame.
pub(super) fn lone(problem: &Problem) -> Response {
    let status = problem.status();
    let detail = sentence(problem.detail());
    let template =
        LoneErrorPage { assets: assets(), status: status.as_u16(), title: title(status).to_owned(), detail };
    let mut response = page(&template);
    *response.status_mut() = status;
    response
}

fn title(status: StatusCode) -> &'static str {
    match status {
        StatusCode::FORBIDDEN => "Not permitted",
        StatusCode::NOT_FOUND => "Not found",
        StatusCode::UNPROCESSABLE_ENTITY | StatusCode::BAD_REQUEST => "Not possible",
        StatusCode::CONFLICT | StatusCode::PRECONDITION_FAILED => "Changed meanwhile",
        StatusCode::SERVICE_UNAVAILABLE => "Not available",
        StatusCode::TOO_MANY_REQUESTS => "Too many attempts",
        _ => "The service failed",
    }
}

/// A message as a sentence.
pub(super) fn sentence(message: &str) -> String {
    let mut characters = message.chars();
    let first = characters.next().map(char::to_uppercase).into_iter().flatten();
    let mut text: String = first.chain(characters).collect();
    if !text.ends_with(['.', '?', '…']) {
        text.push('.');
    }
    text
}

/// Answers that there is no such page.
pub(super) async fn no_page() -> Failure {
    ServiceError::not_found("there is no such page").into()
}

/// Answers problems of pages as pages, where nothing nearer did: time limits, panics, requests on behalf of another site.
pub(crate) async fn answer_browsers(request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let is_page = path.starts_with("/console") || path.starts_with("/sign-");
    let is_browser = is_page && accepts_html(request.headers());
    let response = next.run(request).await;
    let kind = response.headers().get(header::CONTENT_TYPE);
    if !is_browser || kind != Some(&HeaderValue::from_static(MEDIA_TYPE)) {
        return response;
    }
    let (mut parts, _) = response.into_parts();
    let problem = parts.extensions.remove::<Problem>().unwrap_or_else(|| {
        Problem::new(parts.status, "page", "the request cannot be answered; the service's log says why")
    });
    let mut answer = super::headers::with_policy(lone(&problem));
    for name in [header::RETRY_AFTER, header::SET_COOKIE] {
        if let Some(value) = parts.headers.remove(&name) {
            answer.headers_mut().insert(name, value);
        }
    }
    answer.map(Body::new)
}
