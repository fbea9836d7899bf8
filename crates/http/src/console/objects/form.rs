//! The page with the form of an object.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use domesday_model::Kind;
use domesday_service::permissions::objects::read_permit;
use domesday_store::{Store, StoredObject};
use serde_json::{Value, json};
use uuid::Uuid;

use super::failures::Refusal;
use super::fields::{FieldErrors, FieldView, field_views};
use super::subject::{Subject, display_name};
use crate::console::assets::{Assets, assets};
use crate::console::errors::Failure;
use crate::console::form::Form;
use crate::console::link::Link;
use crate::console::page;
use crate::console::shell::Shell;
use crate::console::signed_in::SignedIn;
use crate::state::App;

#[derive(Template)]
#[template(path = "console/objects/form.html")]
struct FormPage {
    assets: &'static Assets,
    shell: Shell,
    crumbs: Vec<Link>,
    title: String,
    /// The file that declares it; empty when none does.
    file: String,
    action: String,
    back: String,
    /// The entity tag of what is edited; empty for a new object.
    etag: String,
    /// Tells the form of a new object from others: sent twice, it creates one. Empty otherwise.
    once: String,
    verb: &'static str,
    /// The values that connections give, which stay.
    given: String,
    note: String,
    is_outdated: bool,
    /// The fields with mistakes, by key and label.
    mistakes: Vec<(&'static str, &'static str)>,
    fields: Vec<FieldView>,
    /// The next page of the columns, and which they are.
    next_columns: Option<(usize, String)>,
}

/// What the form is of.
pub(super) struct Draft<'f> {
    /// The object that is edited; none for a new one.
    pub(super) object: Option<&'f StoredObject>,
    /// The values that connections give, each with the connection.
    pub(super) given: &'f [String],
    /// What was sent before, and why it was refused.
    pub(super) sent: Option<(&'f Form, Refusal)>,
    /// The page of the columns that is edited, from 1.
    pub(super) columns_page: usize,
}

/// Renders the form.
pub(super) async fn render(
    subject: &'static Subject,
    app: &App,
    signed_in: SignedIn,
    draft: Draft<'_>,
) -> Result<Response, Failure> {
    let domains = domains(subject, app, &signed_in).await?;
    let Draft { object, given, sent, columns_page } = draft;
    let (form, refusal) = match sent {
        Some((form, refusal)) => (Some(form), Some(refusal)),
        None => (None, None),
    };
    let none = FieldErrors::new();
    let errors = refusal.as_ref().map_or(&none, |refusal| &refusal.fields);
    let document = object.map_or_else(|| json!({}), |object| object.document.clone());
    let fields = field_views(subject, &document, form, &domains, errors, columns_page);
    let columns = fields.iter().find(|field| field.control == "columns").map(|field| &field.columns);
    let next_columns = columns.and_then(|it| Some((it.page + 1, it.pages.get(it.page)?.clone())));
    let list = Link::new(subject.title, subject.path);
    let (title, action, back, crumbs) = match object {
        Some(object) => {
            let path = subject.object_path(object);
            let name = display_name(object);
            let crumbs = vec![list, Link::new(name, &path)];
            (format!("Edit {name}"), format!("{path}/edit"), path, crumbs)
        }
        None => {
            let path = subject.path.to_owned();
            (format!("New {}", subject.kind), path.clone(), path, vec![list])
        }
    };
    let sent_text = |name: &str| form.map_or("", |form| form.get(name)).to_owned();
    let template = FormPage {
        assets: assets(),
        shell: signed_in.shell,
        crumbs,
        title,
        file: object.map_or_else(String::new, |object| match object.origin.as_str() {
            "api" | "console" => String::new(),
            file => file.to_owned(),
        }),
        given: given.join(", "),
        action,
        back,
        etag: object.map_or_else(String::new, |object| match form {
            Some(form) => form.get("etag").to_owned(),
            None => object.etag.clone(),
        }),
        once: match (object, sent_text("once")) {
            (Some(_), _) => String::new(),
            (None, once) if once.is_empty() => Uuid::new_v4().to_string(),
            (None, once) => once,
        },
        verb: if object.is_some() { "Save" } else { "Create" },
        note: refusal.as_ref().map_or_else(String::new, |refusal| refusal.note.trim().to_owned()),
        is_outdated: refusal.as_ref().is_some_and(|refusal| refusal.is_outdated),
        mistakes: fields
            .iter()
            .filter(|field| !field.error.is_empty())
            .map(|field| (field.key, field.label))
            .collect(),
        fields,
        next_columns,
    };
    let mut response = page(&template);
    *response.status_mut() = refusal.map_or(StatusCode::OK, |refusal| refusal.status);
    Ok(response)
}

/// The names of the domains to choose from, for those who may read them.
async fn domains(subject: &'static Subject, app: &App, signed_in: &SignedIn) -> Result<Vec<String>, Failure> {
    if subject.kind != Kind::DataSource || read_permit(Kind::Domain).check(&signed_in.caller).is_err() {
        return Ok(Vec::new());
    }
    let read = |store: &mut Store| -> Result<_, Failure> { Ok(store.names_where(Kind::Domain, |_| true)?) };
    app.service.pool.with(read).await
}

/// The document of a form that was sent, as it is written: strictly parsed, as the API does.
pub(super) fn parse(subject: &'static Subject, document: &Value) -> Result<Value, Refusal> {
    domesday_sources::parse_object(subject.kind, &document.to_string())
        .map_err(|wrong| Refusal::of_document(subject, &wrong))
}
