//! The page of a connection: its state and what to do, its configuration, its syncs.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use domesday_service::connections::{self, ConnectionView};
use domesday_service::permissions::objects::check_connection_kind;
use domesday_store::Store;

use super::facts::{Fact, facts};
use super::form_kind::FormKind;
use super::list::next;
use super::syncs::{History, HistoryView};
use super::token_list::{self, Outcome, TokensView};
use super::words::{connection_chip, kind_title, problem_and_fix, time};
use super::{READERS, connection_path, find};
use crate::console::assets::{Assets, assets};
use crate::console::errors::Failure;
use crate::console::form::Form;
use crate::console::listing::Chip;
use crate::console::page;
use crate::console::shell::Shell;
use crate::console::signed_in::SignedIn;
use crate::console::times::{TimeView, grouped};
use crate::state::{App, AppState};

#[derive(Template)]
#[template(path = "console/connections/show.html")]
struct ConnectionPage {
    assets: &'static Assets,
    shell: Shell,
    name: String,
    path: String,
    about: String,
    chip: Chip,
    advice: Advice,
    rights: Rights,
    counts: Vec<(&'static str, String)>,
    complete: Option<TimeView>,
    facts: Vec<Fact>,
    /// The address for the identity provider; empty for other kinds.
    scim_address: String,
    /// The tokens of the identity provider, for those who may see them.
    tokens: Option<TokensView>,
    history: HistoryView,
    toast: &'static str,
}

/// What the caller may do with the connection.
#[derive(Debug, Clone, Copy)]
struct Rights {
    may_write: bool,
    may_edit: bool,
    may_sync: bool,
    may_import: bool,
    may_accept: bool,
}

/// What the state means, and what to do; empty texts when there is nothing to say.
#[derive(Debug, Clone, Default)]
struct Advice {
    class: &'static str,
    text: String,
    fix: String,
    /// The sync that it is about; empty for none.
    href: String,
}

/// Shows the page.
pub(super) async fn show(
    State(app): State<App>,
    Path(name): Path<String>,
    signed_in: SignedIn,
    query: Form,
) -> Result<Response, Failure> {
    render(&app, signed_in, name, &query, Outcome::default()).await
}

/// Renders the page. `tokens` says what creating a token came to.
pub(super) async fn render(
    app: &AppState,
    signed_in: SignedIn,
    name: String,
    query: &Form,
    tokens: Outcome,
) -> Result<Response, Failure> {
    READERS.check(&signed_in.caller)?;
    let caller = signed_in.caller.clone();
    let (now, number) = (app.service.now(), query.get("page").to_owned());
    let read = move |store: &mut Store| -> Result<_, Failure> {
        let object = find(store, &name)?;
        let history = History::read(store, &name, &number)?;
        let view = connections::view(store, object, now)?;
        let is_pushed = view.connection.kind.as_str() == "scim";
        let tokens = if is_pushed { token_list::read(store, &caller, &name)? } else { None };
        Ok((view, history, tokens))
    };
    let (view, history, stored) = app.service.pool.with(read).await?;
    let toast = match () {
        () if query.has("created") => "The connection is created.",
        () if query.has("saved") => "The connection is saved.",
        () if query.has("revoked") => "The token is revoked.",
        () => "",
    };
    let calendar = &signed_in.shell.calendar;
    let tokens = stored.map(|stored| token_list::view(app, &signed_in.caller, calendar, stored, tokens));
    Ok(page(&ConnectionPage { tokens, toast, ..connection_page(app, signed_in, &view, &history) }))
}

fn connection_page(
    app: &AppState,
    signed_in: SignedIn,
    view: &ConnectionView,
    history: &History,
) -> ConnectionPage {
    let shell = signed_in.shell;
    let connection = &view.connection;
    let (name, kind) = (&connection.name, &connection.kind);
    let may_write = check_connection_kind(&signed_in.caller, kind).is_ok();
    let rights = Rights {
        may_write,
        may_edit: may_write && FormKind::parse(kind.as_str()).is_some(),
        may_sync: may_write && kind.is_pulled(),
        may_import: may_write && matches!(kind.as_str(), "csv" | "dbt"),
        may_accept: may_write && kind.is_pulled() && view.state == "refused",
    };
    let path = connection_path(name);
    ConnectionPage {
        assets: assets(),
        about: format!("{}, {}", kind_title(kind.as_str()), next(view)),
        chip: connection_chip(view.state),
        advice: advice(view, &path, &shell),
        rights,
        counts: vec![
            ("Users", grouped(view.users)),
            ("Groups", grouped(view.groups)),
            ("Data sources", grouped(view.data_sources)),
        ],
        complete: view.last_complete_at.as_deref().and_then(|at| time(at, &shell.calendar)),
        facts: facts(view, &shell),
        scim_address: match kind.as_str() {
            "scim" => format!("{}/scim/{name}/v2", app.service.config.public_url),
            _ => String::new(),
        },
        history: history.view(name, &shell),
        tokens: None,
        toast: "",
        name: name.clone(),
        path,
        shell,
    }
}

/// Returns what the state of a connection means, and what to do.
fn advice(view: &ConnectionView, path: &str, shell: &Shell) -> Advice {
    let kind = view.connection.kind.as_str();
    let href = view.last_sync.as_ref().and_then(|sync| sync.id.as_ref());
    let href = href.map_or_else(String::new, |id| format!("{path}/syncs/{id}"));
    let error = view.last_sync.as_ref().and_then(|sync| sync.report["error"].as_str()).unwrap_or_default();
    let since = match view.last_complete_at.as_deref().and_then(|at| time(at, &shell.calendar)) {
        Some(complete) => format!("the last complete sync was {}", complete.text),
        None => "there was no complete sync yet".to_owned(),
    };
    match (view.state, kind) {
        ("failed", _) => {
            let (text, fix) = problem_and_fix(error);
            let text = format!("The last sync failed and changed nothing. {text}");
            let fix = if fix.is_empty() { "Correct it, then sync again.".to_owned() } else { fix };
            Advice { class: "fail", text, fix, href }
        }
        ("refused", _) => {
            let (text, _) = problem_and_fix(error);
            let fix = match kind {
                "csv" => "Look at the lists. If they are complete, import them again and accept it.",
                "dbt" => "Look at the manifest. If it is complete, import it again and accept it.",
                _ => "Look at the source. If they really are gone, accept it and sync.",
            };
            Advice { class: "warn", text, fix: fix.to_owned(), href }
        }
        ("stale", "scim") => Advice {
            class: "warn",
            text: format!("It is stale: {since}."),
            fix: "See at the identity provider whether it pushes.".to_owned(),
            href: String::new(),
        },
        ("stale", "csv") => Advice {
            class: "warn",
            text: format!("It is stale: {since}."),
            fix: "Import new lists.".to_owned(),
            href: String::new(),
        },
        ("stale", "dbt") => Advice {
            class: "warn",
            text: format!("It is stale: {since}."),
            fix: "Import the files of a newer run of dbt.".to_owned(),
            href: String::new(),
        },
        ("stale", _) => Advice {
            class: "warn",
            text: format!("It is stale: {since}."),
            fix: "Sync it now. A run with a stale connection warns of it.".to_owned(),
            href: String::new(),
        },
        ("never", "scim") => Advice {
            text: "Nothing was pushed yet.".to_owned(),
            fix: "Enter the address below and a token at the identity provider.".to_owned(),
            ..Advice::default()
        },
        ("never", "csv") => Advice {
            text: "Nothing was imported yet.".to_owned(),
            fix: "Import a list of users.".to_owned(),
            ..Advice::default()
        },
        ("never", "dbt") => Advice {
            text: "Nothing was imported yet.".to_owned(),
            fix: "Import the manifest of the project.".to_owned(),
            ..Advice::default()
        },
        ("never", _) => Advice {
            text: "It was not synced yet.".to_owned(),
            fix: "Begin with a dry run, which says what would change.".to_owned(),
            ..Advice::default()
        },
        _ => Advice::default(),
    }
}
