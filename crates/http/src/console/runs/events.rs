//! The progress of a run as server-sent events: the parts of its page that change, as HTML that the templates escape.

use std::time::Duration;

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use bytes::Bytes;
use domesday_service::ServiceError;
use domesday_store::Store;
use tokio::sync::mpsc;
use uuid::Uuid;

use super::live::LiveView;
use super::words::names;
use super::{READERS, no_such_run, parse_id};
use crate::console::errors::Failure;
use crate::console::shell::Shell;
use crate::console::signed_in::SignedIn;
use crate::event_streams::{self, StreamPlace};
use crate::state::App;

/// The interval between two looks at the run; its progress is written once a second at most.
const INTERVAL: Duration = Duration::from_secs(1);

/// How long a stream lasts. The browser then connects again, with a session that is still valid.
const LIFETIME: Duration = Duration::from_secs(60);

/// When a browser connects again, in milliseconds.
const RECONNECTION_TIME: u32 = 1_000;

/// When to ask again for a stream while there are too many.
const RETRY_AFTER: Duration = Duration::from_secs(10);

#[derive(Template)]
#[template(path = "console/runs/live.html")]
struct LiveParts {
    live: LiveView,
}

/// Streams the progress of a run.
pub(super) async fn stream(
    State(app): State<App>,
    Path(id): Path<String>,
    signed_in: SignedIn,
) -> Result<Response, Failure> {
    READERS.check(&signed_in.caller)?;
    let uuid = parse_id(&id)?;
    let read = move |store: &mut Store| -> Result<_, Failure> { Ok(store.run(uuid)?) };
    app.service.pool.with(read).await?.ok_or_else(|| no_such_run(&id))?;
    let place = app.event_streams.take_place(signed_in.session.id).ok_or_else(|| ServiceError::Busy {
        message: "as many pages as can be follow a run just now; load this page again to see its progress"
            .to_owned(),
        retry_after: RETRY_AFTER,
    })?;
    let (sender, response) = event_streams::stream();
    tokio::spawn(async move {
        let sending = send(&app, &signed_in.shell, uuid, &sender, place);
        // A time limit that is over and a client that has gone end a stream as any other end does.
        let _ = tokio::time::timeout(LIFETIME, sending).await;
    });
    Ok(response)
}

/// Sends what changes, until the run has ended, the client has gone or the service stops.
async fn send(
    app: &App,
    shell: &Shell,
    id: Uuid,
    sender: &mpsc::Sender<Bytes>,
    _place: StreamPlace,
) -> Option<()> {
    let mut stop = app.service.signals.subscribe();
    let mut before = String::new();
    sender.send(event_streams::reconnection_time(RECONNECTION_TIME)).await.ok()?;
    loop {
        let read = move |store: &mut Store| -> Result<_, ServiceError> {
            let Some(run) = store.run(id)? else { return Ok(None) };
            let names = names(store, &[&run])?;
            Ok(Some((run, names)))
        };
        let (run, names) = app.service.pool.with(read).await.ok()??;
        if run.state.is_final() {
            sender.send(event_streams::event(Some("end"), "")).await.ok()?;
            return Some(());
        }
        let live = LiveView::new(&run, &names, &shell.calendar, app.service.now());
        let html = LiveParts { live }.render().ok()?;
        let event = if html == before { event_streams::comment() } else { event_streams::event(None, &html) };
        before = html;
        sender.send(event).await.ok()?;
        tokio::select! {
            () = tokio::time::sleep(INTERVAL) => {}
            () = sender.closed() => return None,
            _ = stop.wait_for(|stop| *stop) => return None,
        }
    }
}
