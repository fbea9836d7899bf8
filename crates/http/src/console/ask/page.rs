//! The page that asks for access to a data source, or to see one of its columns unmasked.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use domesday_model::Target;
use domesday_service::ServiceError;
use domesday_service::evaluation::{Evaluation, Selection, Selector};

use super::form::{AskForm, Subject};
use super::send::{Outcome, send};
use crate::console::assets::{Assets, assets};
use crate::console::errors::Failure;
use crate::console::form::Form;
use crate::console::link::Link;
use crate::console::paths::{ASK, request_path, with_query};
use crate::console::shell::Shell;
use crate::console::signed_in::SignedIn;
use crate::console::{page, see_other};
use crate::state::{App, AppState};

#[derive(Template)]
#[template(path = "console/ask/page.html")]
struct AskPage {
    assets: &'static Assets,
    shell: Shell,
    title: String,
    why: Link,
    ask: Option<AskForm>,
}

/// What the address asks for.
struct Asked {
    evaluation: Arc<Evaluation>,
    subject: Subject,
    /// The address of the page that asks for the same.
    path: String,
    title: String,
    why: Link,
}

async fn read(app: &AppState, signed_in: &SignedIn, form: &Form) -> Result<Asked, Failure> {
    let caller = &signed_in.caller;
    let id = form.get("data-source");
    let number = id.parse().map_err(|_| ServiceError::not_found("there is no such page"))?;
    let evaluation = app.service.evaluations.current(caller.revision).await?;
    let snapshot = evaluation.snapshot();
    let column = Some(form.get("column").to_owned()).filter(|column| !column.is_empty());
    let unknown = Target::DataSource(String::new());
    let mut subject = Subject::read(caller, form, unknown, column)?;
    // The operator is shown why nothing can be asked for.
    let user = (!subject.user.is_empty()).then_some(Selector::Name(&subject.user));
    let Selection { user, source: Some(source), .. } =
        evaluation.select(caller, user, Some(Selector::Id(number)))?
    else {
        return Err(ServiceError::internal(&"a data source was selected and not found").into());
    };
    let record = &snapshot.data_sources[source.get()];
    if let Some(name) = &subject.column
        && !snapshot.columns_of(source).any(|(_, column)| *column.name == **name)
    {
        return Err(ServiceError::not_found(format!("the data source has no column `{name}`")).into());
    }
    subject.target = Target::DataSource(record.name.to_string());
    let column = subject.column.as_deref().unwrap_or_default();
    let title = match column {
        "" => format!("Ask for access to {}", record.name),
        column => format!("Ask to see {column} of {} unmasked", record.name),
    };
    let why = user.map_or_else(
        || Link::plain(""),
        |user| {
            let user = snapshot.users[user.get()].id.0;
            Link::new(
                record.name.to_string(),
                format!("/console/access/user/{user}/data-source/{}", record.id.0),
            )
        },
    );
    let path = with_query(ASK, [("data-source", id), ("column", column)]);
    Ok(Asked { path, title, why, subject, evaluation })
}

/// The form, which sends what is asked for in hidden fields.
fn complete(mut form: AskForm, sent: &Form, subject: &Subject) -> AskForm {
    let fields = vec![("data-source", sent.get("data-source").to_owned())];
    let column = subject.column.clone().map(|column| ("column", column));
    let address = |scope: &str| {
        let column = subject.column.as_deref().unwrap_or_default();
        let fields = [
            ("data-source", sent.get("data-source")),
            ("column", column),
            ("for", &form.user),
            ("scope", scope),
        ];
        with_query(ASK, fields)
    };
    (form.read_path, form.write_path) = (address(""), address("WRITE"));
    form.fields = fields.into_iter().chain(column).collect();
    ASK.clone_into(&mut form.action);
    form
}

fn render(signed_in: SignedIn, asked: Asked, ask: Option<AskForm>) -> Response {
    let Asked { title, why, .. } = asked;
    page(&AskPage { assets: assets(), shell: signed_in.shell, title, why, ask })
}

/// Shows the form.
pub(super) async fn show(
    State(app): State<App>,
    signed_in: SignedIn,
    form: Form,
) -> Result<Response, Failure> {
    let asked = read(&app, &signed_in, &form).await?;
    let ask = if signed_in.shell.is_user {
        let Asked { evaluation, subject, path, .. } = &asked;
        let ask = AskForm::new(&app, &signed_in, evaluation, subject, path, None).await?;
        Some(complete(ask, &form, subject))
    } else {
        None
    };
    Ok(render(signed_in, asked, ask))
}

/// Makes the request.
pub(super) async fn ask(
    State(app): State<App>,
    signed_in: SignedIn,
    form: Form,
) -> Result<Response, Failure> {
    let asked = read(&app, &signed_in, &form).await?;
    let Asked { evaluation, subject, path, .. } = &asked;
    match send(&app, &signed_in, evaluation, subject, path, &form).await? {
        Outcome::Made(id) => Ok(see_other(&format!("{}?done=asked", request_path(&id)))),
        Outcome::Refused(again) => {
            let again = complete(*again, &form, subject);
            let mut response = render(signed_in, asked, Some(again));
            *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
            Ok(response)
        }
    }
}
