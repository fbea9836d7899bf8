//! What can be done with a connection: synced, tried, accepted, deleted.

use axum::extract::{Path, State};
use axum::response::Response;
use domesday_model::Instant;
use domesday_service::caller::Caller;
use domesday_service::connections::{self, SyncRequest, SyncView, find_writable, sync_now};
use domesday_service::permissions::objects::check_connection_kind;
use domesday_service::{Precondition, ServiceError};
use domesday_store::{Freshness, Store};

use super::sync::SyncPage;
use super::words::noun;
use super::{PATH, WRITERS, connection_path, find};
use crate::console::confirm::Confirmation;
use crate::console::errors::Failure;
use crate::console::form::Form;
use crate::console::paths::with_query;
use crate::console::see_other;
use crate::console::signed_in::SignedIn;
use crate::console::times::{counted, grouped};
use crate::state::{App, AppState};

/// Syncs the connection, and shows the sync.
pub(super) async fn sync(
    State(app): State<App>,
    Path(name): Path<String>,
    signed_in: SignedIn,
    form: Form,
) -> Result<Response, Failure> {
    let sync = run(&app, &signed_in, &name, false, form.get("accept") == "yes").await?;
    let path = connection_path(&name);
    Ok(see_other(&sync.id.map_or_else(|| path.clone(), |id| format!("{path}/syncs/{id}"))))
}

/// Shows what a sync would change.
pub(super) async fn dry_run(
    State(app): State<App>,
    Path(name): Path<String>,
    signed_in: SignedIn,
    _: Form,
) -> Result<Response, Failure> {
    let sync = run(&app, &signed_in, &name, true, false).await?;
    Ok(SyncPage::new(signed_in.shell, &name, &sync).render())
}

async fn run(
    app: &AppState,
    signed_in: &SignedIn,
    name: &str,
    dry_run: bool,
    accept_gone: bool,
) -> Result<SyncView, Failure> {
    let searched = name.to_owned();
    // The caller is judged as for a change, since a sync is one.
    let judge = move |store: &mut Store, caller: &Caller, _: Instant| -> Result<_, Failure> {
        Ok(find_writable(store, caller, &searched)?)
    };
    app.service.write(signed_in.caller_for(WRITERS), judge).await?;
    let request = SyncRequest {
        trigger: "manual",
        actor: signed_in.caller.actor.clone(),
        from: Some(signed_in.caller.address.to_string()),
        dry_run,
        accept_gone,
    };
    Ok(sync_now(&app.service.syncs, name, request).await?)
}

/// Asks whether the refused sync is to be accepted, naming how many would be gone.
pub(super) async fn confirm_accept(
    State(app): State<App>,
    Path(name): Path<String>,
    signed_in: SignedIn,
) -> Result<Response, Failure> {
    WRITERS.check(&signed_in.caller)?;
    let (searched, caller) = (name.clone(), signed_in.caller.clone());
    let read = move |store: &mut Store| -> Result<_, Failure> {
        find_writable(store, &caller, &searched)?;
        Ok(store.syncs(&searched, None, 1)?.pop())
    };
    let last = app.service.pool.with(read).await?.map(SyncView::from);
    let refusal = last.as_ref().filter(|last| last.state == "refused").map(|last| &last.report["refusal"]);
    let refusal = refusal.ok_or_else(|| {
        ServiceError::conflict("the last sync of this connection was not refused; there is nothing to accept")
    })?;
    let kind = noun(refusal["kind"].as_str().unwrap_or_default());
    let number = |key: &str| refusal[key].as_u64().unwrap_or_default();
    let gone = counted(number("gone"), kind, &format!("{kind}s"));
    let question = Confirmation {
        title: format!("Accept that {gone} are gone?"),
        text: format!(
            "The last sync of “{name}” found {gone} of {} gone. Those whom no other connection lists become disabled, and their \
             memberships end. Ids, history and what refers to them stay, and come back with them. The connection is read \
             again: as many as are gone then are accepted.",
            grouped(number("present"))
        ),
        action: format!("{}/sync", connection_path(&name)),
        back: connection_path(&name),
        verb: "Accept and sync",
        fields: vec![("accept", "yes".to_owned())],
        ..Confirmation::default()
    };
    Ok(question.ask(signed_in.shell))
}

/// Asks whether the connection is to be deleted, naming what becomes disabled.
pub(super) async fn confirm_delete(
    State(app): State<App>,
    Path(name): Path<String>,
    signed_in: SignedIn,
) -> Result<Response, Failure> {
    WRITERS.check(&signed_in.caller)?;
    let (searched, caller) = (name.clone(), signed_in.caller.clone());
    let read = move |store: &mut Store| -> Result<_, Failure> {
        let object = find(store, &searched)?;
        let etag = object.etag.clone();
        check_connection_kind(&caller, &Freshness::parse(object)?.kind)?;
        Ok((etag, store.listed_counts(&searched)?, store.connection_secret(&searched)?.is_some()))
    };
    let (etag, [users, groups, data_sources], has_password) = app.service.pool.with(read).await?;
    let text = if users + groups + data_sources == 0 {
        "It lists nothing, so nobody becomes disabled.".to_owned()
    } else {
        format!(
            "It lists {}, {} and {}. Users and data sources that no other connection lists become disabled, whatever files \
             and people add to them; groups lose the members that it gave. Ids, history and what refers to them stay.",
            counted(users, "user", "users"),
            counted(groups, "group", "groups"),
            counted(data_sources, "data source", "data sources"),
        )
    };
    let secret = if has_password { " Its password is forgotten." } else { "" };
    let question = Confirmation {
        title: format!("Delete the connection “{name}”?"),
        text: format!("{text}{secret} The records of its syncs are kept."),
        action: format!("{}/delete", connection_path(&name)),
        back: connection_path(&name),
        verb: "Delete",
        fields: vec![("etag", etag)],
        ..Confirmation::default()
    };
    Ok(question.ask(signed_in.shell))
}

/// Deletes the connection.
pub(super) async fn delete(
    State(app): State<App>,
    Path(name): Path<String>,
    signed_in: SignedIn,
    form: Form,
) -> Result<Response, Failure> {
    let precondition = Precondition::Etag(form.get("etag").to_owned());
    let deleted = name.clone();
    let work = move |store: &mut Store, caller: &Caller, now: Instant| -> Result<(), Failure> {
        Ok(connections::delete(store, caller, &deleted, &precondition, now)?)
    };
    app.service.write(signed_in.caller_for(WRITERS), work).await?;
    Ok(see_other(&with_query(PATH, [("deleted", name.as_str())])))
}
