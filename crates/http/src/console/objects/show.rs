//! The page of an object: its fields, what belongs to it, its history.

use askama::Template;
use axum::response::Response;
use domesday_model::Kind;
use domesday_service::ServiceError;
use domesday_service::evaluation::{READERS, Selector};
use domesday_service::permissions::objects::may_change;
use domesday_store::{Store, StoredObject};
use serde::de::DeserializeOwned;

use super::origins::Origins;
use super::parts::{Fact, Section};
use super::status::with_status;
use super::subject::{Subject, display_name};
use super::{data_sources, domains, groups, tags, users};
use crate::console::assets::{Assets, assets};
use crate::console::audit::history::{History, read_history};
use crate::console::errors::Failure;
use crate::console::form::Form;
use crate::console::link::Link;
use crate::console::listing::Cell;
use crate::console::object_links::Links;
use crate::console::page;
use crate::console::shell::Shell;
use crate::console::signed_in::SignedIn;
use crate::state::App;

#[derive(Template)]
#[template(path = "console/objects/show.html")]
struct ObjectPage {
    assets: &'static Assets,
    shell: Shell,
    /// The list of the kind; it leads nowhere for those who may not see it.
    list: Link,
    path: String,
    name: String,
    subtitle: String,
    /// What being disabled means; empty when it is not.
    disabled: &'static str,
    /// What a button does to the status, and the status that it sets; empty when the caller may not.
    status_verb: &'static str,
    status: &'static str,
    etag: String,
    may_edit: bool,
    may_delete: bool,
    /// The page about access; empty when there is none.
    access: Link,
    facts: Vec<Fact>,
    sections: Vec<Section>,
    history: Option<History>,
    toast: String,
}

/// What the caller may do with an object.
#[derive(Debug, Clone, Copy)]
struct Rights {
    may_edit: bool,
    may_delete: bool,
    may_set_status: bool,
}

/// Shows an object.
pub(super) async fn show(
    subject: &'static Subject,
    app: App,
    key: String,
    signed_in: SignedIn,
    query: Form,
) -> Result<Response, Failure> {
    let caller = signed_in.caller.clone();
    let read = move |store: &mut Store| -> Result<_, Failure> {
        let object = subject.find(store, &caller, &key)?;
        let toggled = with_status(subject, &object);
        let rights = Rights {
            may_edit: may_change(store, &caller, &object, Some(&object.document))?,
            may_delete: may_change(store, &caller, &object, None)?,
            may_set_status: match &toggled {
                Some((_, document)) => may_change(store, &caller, &object, Some(document))?,
                None => false,
            },
        };
        let history =
            caller.has_any(READERS).then(|| read_history(store, subject.kind, &object.name)).transpose()?;
        let origins = Origins::read(store, &object)?;
        Ok((object, rights, history, origins))
    };
    let (object, rights, history, origins) = app.service.pool.with(read).await?;
    let evaluation = app.service.evaluations.current(signed_in.caller.revision).await?;
    let calendar = &signed_in.shell.calendar;
    let links = Links::new(evaluation.snapshot(), &signed_in.caller, calendar);
    // Access has readers of its own.
    let access = |user, source, path| match evaluation.select(&signed_in.caller, user, source) {
        Ok(_) => Link::new("Access", format!("/console/access/{path}/{}", object.id)),
        Err(_) => Link::plain(""),
    };
    let (mut facts, mut sections, access) = match subject.kind {
        Kind::User => {
            let user = document(&object)?;
            let access = access(Some(Selector::Id(object.id)), None, "user");
            (users::facts(&evaluation, &links, &user), Vec::new(), access)
        }
        Kind::Group => {
            let group = document(&object)?;
            let facts = groups::facts(&evaluation, &links, &group);
            (facts, groups::sections(&evaluation, &links, &group), Link::plain(""))
        }
        Kind::Tag => {
            let tag = document(&object)?;
            (tags::facts(&links, &tag), tags::sections(&evaluation, &links, &tag), Link::plain(""))
        }
        Kind::Domain => {
            let domain = document(&object)?;
            let facts = domains::facts(&evaluation, &links, &domain);
            (facts, domains::sections(&evaluation, &links, &domain), Link::plain(""))
        }
        _ => {
            let source = document(&object)?;
            let access = access(None, Some(Selector::Id(object.id)), "data-source");
            (data_sources::facts(&links, &source), data_sources::sections(&links, &source), access)
        }
    };
    sections.extend(origins.and_then(|origins| origins.section(subject, &links)));
    facts.extend(object.absent_since.map(|at| Fact::new("Absent since", Cell::time(calendar.time(at)))));
    facts.extend([
        Fact::new("Id", Cell::code(object.id.to_string())),
        Fact::new("Created", Cell::time(calendar.time(object.created_at))),
        Fact::new("Last changed", Cell::time(calendar.time(object.updated_at))),
        Fact::new("Origin", Cell::text(origin(&object.origin))),
    ]);
    let is_disabled = subject.is_disabled(&object);
    let list_href = if links.may_read(subject.kind) { subject.path } else { "" };
    Ok(page(&ObjectPage {
        assets: assets(),
        list: Link::new(subject.title, list_href),
        path: subject.object_path(&object),
        name: display_name(&object).to_owned(),
        subtitle: subtitle(subject, &object),
        disabled: match (is_disabled, subject.kind) {
            (true, Kind::User) => "This user is disabled and reaches nothing.",
            (true, _) => "This data source is disabled: nobody reaches it.",
            (false, _) => "",
        },
        status_verb: match (rights.may_set_status, is_disabled) {
            (false, _) => "",
            (true, true) => "Enable",
            (true, false) => "Disable",
        },
        status: subject.states.map_or("", |states| states[usize::from(!is_disabled)]),
        etag: object.etag.clone(),
        may_edit: rights.may_edit,
        may_delete: rights.may_delete,
        access,
        facts: facts.into_iter().filter(|fact| !fact.cell.is_empty()).collect(),
        sections,
        history: history.map(|history| History::new(history, &links)),
        toast: toast(subject, &object, &query),
        shell: signed_in.shell,
    }))
}

fn document<T: DeserializeOwned>(object: &StoredObject) -> Result<T, ServiceError> {
    serde_json::from_value(object.document.clone()).map_err(|error| ServiceError::internal(&error))
}

/// Where an object was changed last.
fn origin(origin: &str) -> String {
    match origin {
        "console" => "changed in the console".to_owned(),
        "api" => "changed with the API".to_owned(),
        file => format!("applied from {file}"),
    }
}

fn subtitle(subject: &Subject, object: &StoredObject) -> String {
    let text = |key: &str| object.document[key].as_str().unwrap_or_default();
    let parts = match subject.kind {
        Kind::User => vec![object.name.as_str(), text("title"), text("department")],
        Kind::DataSource => vec![text("platform")],
        _ => Vec::new(),
    };
    let parts: Vec<_> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    parts.join(", ")
}

/// What just happened, when the address says so.
fn toast(subject: &'static Subject, object: &StoredObject, query: &Form) -> String {
    let name = display_name(object);
    if query.has("created") {
        return format!("“{name}” is created.");
    }
    if query.has("status") {
        let state = if subject.is_disabled(object) { "disabled" } else { "enabled" };
        return format!("“{name}” is {state}.");
    }
    if !query.has("saved") {
        return String::new();
    }
    let keys: Vec<_> = query.get("saved").split(',').collect();
    let labels = subject.fields.iter().filter(|field| keys.contains(&field.key)).map(|field| field.label);
    let labels: Vec<_> = labels.collect();
    if labels.is_empty() {
        "Nothing was changed.".to_owned()
    } else {
        format!("Saved: {}.", labels.join(", "))
    }
}
