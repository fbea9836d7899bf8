//! Deleting objects: asks once, naming what will be lost, and offers to disable instead.

use axum::response::Response;
use domesday_model::{Instant, Kind};
use domesday_service::caller::Caller;
use domesday_service::evaluation::{DataSourceFilter, Evaluation, READERS, UserFilter};
use domesday_service::permissions::objects::{may_change, write_permit};
use domesday_service::{Precondition, ServiceError, objects};
use domesday_store::{Store, StoredObject};

use super::domains;
use super::failures::Refusal;
use super::parts::first_rows;
use super::status::with_status;
use super::subject::{Subject, display_name};
use crate::console::confirm::{Alternative, Confirmation};
use crate::console::errors::Failure;
use crate::console::form::Form;
use crate::console::see_other;
use crate::console::signed_in::SignedIn;
use crate::console::times::counted;
use crate::state::App;

/// Finds an object that the caller may delete, and whether they may disable it instead.
async fn find(
    subject: &'static Subject,
    app: &App,
    signed_in: &SignedIn,
    key: String,
) -> Result<(StoredObject, bool), Failure> {
    write_permit(subject.kind).check(&signed_in.caller)?;
    let caller = signed_in.caller.clone();
    let read = move |store: &mut Store| -> Result<_, Failure> {
        let object = subject.find(store, &caller, &key)?;
        domesday_service::permissions::objects::check_change(
            store,
            &caller,
            subject.kind,
            Some(&object),
            None,
        )?;
        let may_disable = match with_status(subject, &object) {
            Some((_, document)) if !subject.is_disabled(&object) => {
                may_change(store, &caller, &object, Some(&document))?
            }
            _ => false,
        };
        Ok((object, may_disable))
    };
    app.service.pool.with(read).await
}

/// Asks whether an object is to be deleted.
pub(super) async fn ask(
    subject: &'static Subject,
    app: App,
    key: String,
    signed_in: SignedIn,
) -> Result<Response, Failure> {
    let (object, may_disable) = find(subject, &app, &signed_in, key).await?;
    Ok(question(subject, &app, &signed_in, &object, may_disable).await?.ask(signed_in.shell))
}

async fn question(
    subject: &'static Subject,
    app: &App,
    signed_in: &SignedIn,
    object: &StoredObject,
    may_disable: bool,
) -> Result<Confirmation, Failure> {
    let evaluation = app.service.evaluations.current(signed_in.caller.revision).await?;
    let path = subject.object_path(object);
    let alternative = may_disable.then(|| Alternative {
        text: "It can be enabled again; what is declared stays.",
        verb: "Disable instead",
        action: format!("{path}/status"),
        fields: vec![
            ("status", subject.states.map_or("", |states| states[1]).to_owned()),
            ("etag", object.etag.clone()),
        ],
    });
    Ok(Confirmation {
        title: format!("Delete the {} “{}”?", subject.kind, display_name(object)),
        text: losses(subject, &evaluation, &signed_in.caller, object),
        action: format!("{path}/delete"),
        back: path,
        verb: "Delete",
        fields: vec![("etag", object.etag.clone())],
        alternative,
        ..Confirmation::default()
    })
}

/// What is lost with an object.
fn losses(subject: &Subject, evaluation: &Evaluation, caller: &Caller, object: &StoredObject) -> String {
    let snapshot = evaluation.snapshot();
    let kept = "The audit log keeps what was done.";
    let sees_access = caller.has_any(READERS);
    match subject.kind {
        Kind::User => {
            let reach = snapshot.user(&object.name).filter(|_| sees_access);
            let reach = reach.map(|user| evaluation.user_summary(user).readable);
            let reach = reach.map_or_else(
                || "All access ends".to_owned(),
                |count| format!("Access to {} ends", counted(count, "data source", "data sources")),
            );
            format!(
                "{reach}, API keys and sessions of this user stop working, and groups, attributes and permissions are \
                 lost. {kept}"
            )
        }
        Kind::Group => {
            let members = snapshot.group(&object.name).map_or(0, |group| {
                let filter = UserFilter { group: Some(group), ..UserFilter::default() };
                evaluation.list_users(&filter, first_rows(0)).total
            });
            let first = match members {
                0 => "It has no members.".to_owned(),
                count => format!(
                    "It has {}: a group is deleted when no user, policy or request form names it any more.",
                    counted(count as u64, "member", "members")
                ),
            };
            format!("{first} Its description and attributes are lost. {kept}")
        }
        Kind::Tag => {
            let sources = snapshot.tag(&object.name).map_or(0, |tag| {
                let filter = DataSourceFilter { tag: Some(tag), ..DataSourceFilter::default() };
                evaluation.list_data_sources(&filter, first_rows(0)).total
            });
            let first = match sources {
                0 => "No data source has it.".to_owned(),
                count => format!(
                    "{} it: a tag is deleted when nothing has or names it any more.",
                    counted(count as u64, "data source has", "data sources have")
                ),
            };
            format!("{first} Its description is lost. {kept}")
        }
        Kind::Domain => {
            let first = match domains::count(evaluation, &object.name) {
                0 => "No data source is in it.".to_owned(),
                count => format!(
                    "{} in it: a domain is deleted when no data source or data product is in it any more.",
                    counted(count as u64, "data source is", "data sources are")
                ),
            };
            format!("{first} Its description and the permissions inside it are lost. {kept}")
        }
        _ => {
            let source = snapshot.data_source(&object.name);
            let columns = source.map_or(0, |source| snapshot.data_sources[source.get()].columns.len() as u64);
            let readers = source.filter(|_| sees_access);
            let readers = readers.map(|source| evaluation.source_summary(source).readers);
            let readers = readers.map_or_else(
                || "All access to it ends".to_owned(),
                |count| format!("{} access", counted(count, "person loses", "people lose")),
            );
            format!(
                "{readers}, and {} with their tags are lost. Registered again, it gets another id. {kept}",
                counted(columns, "column", "columns")
            )
        }
    }
}

/// Deletes an object that nothing refers to.
pub(super) async fn delete(
    subject: &'static Subject,
    app: App,
    key: String,
    signed_in: SignedIn,
    form: Form,
) -> Result<Response, Failure> {
    let (object, may_disable) = find(subject, &app, &signed_in, key).await?;
    let (name, precondition) = (object.name.clone(), Precondition::Etag(form.get("etag").to_owned()));
    let work = move |store: &mut Store, caller: &Caller, now: Instant| -> Result<(), ServiceError> {
        objects::delete(store, caller, subject.kind, &name, &precondition, now)
    };
    let result = app.service.write(signed_in.caller_for(write_permit(subject.kind)), work).await;
    let Err(error) = result else { return Ok(see_other(&format!("{}?deleted", subject.path))) };
    let refusal = Refusal::of_error(subject, error)?;
    let mut question = question(subject, &app, &signed_in, &object, may_disable).await?;
    question.refused = if refusal.is_outdated {
        "Somebody changed it in the meantime. Look at it again before you delete it.".to_owned()
    } else {
        refusal.note.clone()
    };
    let mut response = question.ask(signed_in.shell);
    *response.status_mut() = refusal.status;
    Ok(response)
}
