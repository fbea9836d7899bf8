//! *Profile*: who somebody is, their API keys, their sessions.

pub(super) mod ending;
pub(super) mod keys;

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use domesday_model::{Instant, Permission};
use domesday_service::ServiceError;
use domesday_service::caller::Caller;
use domesday_service::sessions;
use domesday_store::{ApiKey, Session, SignInMethod, Store};
use uuid::Uuid;

use super::assets::{Assets, assets};
use super::confirm::Confirmation;
use super::errors::Failure;
use super::form::Form;
use super::page;
use super::people::{self, ValueView};
use super::shell::Shell;
use super::signed_in::SignedIn;
use super::times::TimeView;
use crate::state::{App, AppState};

pub(super) const PATH: &str = "/console/profile";

/// How long before it expires a key is marked, in microseconds: 14 days.
pub(super) const SOON: i64 = 14 * 24 * 3_600 * 1_000_000;

/// How long revoked and expired keys are listed, in microseconds: 30 days.
const LISTED: i64 = 30 * 24 * 3_600 * 1_000_000;

#[derive(Template)]
#[template(path = "console/profile.html")]
struct ProfilePage {
    assets: &'static Assets,
    shell: Shell,
    subtitle: String,
    is_operator: bool,
    created: Option<CreatedView>,
    form: Option<KeyForm>,
    keys: Vec<KeyView>,
    sessions: Vec<SessionView>,
    facts: Vec<Fact>,
    toast: String,
}

/// A key that was just created.
struct CreatedView {
    id: Uuid,
    name: String,
    /// Empty when the form was sent a second time.
    secret: String,
    ends: Option<TimeView>,
}

/// The form of a new key.
struct KeyForm {
    /// Tells this form from others: sent twice, it creates one key.
    once: String,
    name: String,
    name_error: String,
    expires: String,
    expires_error: String,
    /// When a key expires at the latest.
    latest: String,
    narrowed: bool,
    permissions: Vec<PermissionChoice>,
    problem: String,
}

struct PermissionChoice {
    name: &'static str,
    about: &'static str,
    is_checked: bool,
}

struct KeyView {
    id: Uuid,
    name: String,
    is_new: bool,
    is_current: bool,
    permissions: Vec<&'static str>,
    roles: bool,
    created: TimeView,
    ends: Option<TimeView>,
    ends_soon: bool,
    used: Option<TimeView>,
    /// Why it is of no use any more.
    gone: Option<&'static str>,
}

struct SessionView {
    id: Uuid,
    browser: String,
    address: String,
    is_current: bool,
    began: TimeView,
    method: &'static str,
    ends: TimeView,
}

/// One fact about the user.
struct Fact {
    name: &'static str,
    is_tags: bool,
    values: Vec<ValueView>,
}

impl Fact {
    fn new(name: &'static str, text: impl Into<String>) -> Self {
        Self { name, is_tags: false, values: vec![ValueView { text: text.into(), origin: String::new() }] }
    }
}

/// Returns the page as the store has it.
async fn load(app: &AppState, signed_in: &SignedIn) -> Result<ProfilePage, Failure> {
    let SignedIn { caller, session, shell } = signed_in;
    let (service, now) = (&app.service, app.service.now());
    let last_use = Arc::clone(&service.last_use);
    let asking = caller.clone();
    let read = move |store: &mut Store| -> Result<_, Failure> {
        let keys = store.api_keys_of(asking.user_id)?;
        let sessions = sessions::list(store, &last_use, &asking, now)?;
        Ok((keys, sessions))
    };
    let (keys, sessions) = service.pool.with(read).await?;
    let (subtitle, facts) = facts(app, caller).await?;
    let calendar = &shell.calendar;
    let sessions = sessions.iter().map(|it| SessionView {
        id: it.id,
        browser: browser(&it.browser),
        address: it.address.clone(),
        is_current: it.id == session.id,
        began: calendar.time(it.created_at),
        method: method(it),
        ends: calendar.time(Instant::from_micros(it.created_at.as_micros() + sessions::LIFETIME)),
    });
    let sessions = sessions.collect();
    let recent = |key: &&ApiKey| {
        let gone_at = key.revoked_at.or(key.expires_at.filter(|end| *end <= now));
        gone_at.is_none_or(|at| now.as_micros() - at.as_micros() < LISTED)
    };
    let keys = keys.iter().rev().filter(recent).map(|key| {
        let used = service.last_use.latest(key.id, key.last_used_at);
        let gone = match key {
            ApiKey { revoked_at: Some(_), .. } => Some("revoked"),
            key if !key.is_valid(now) => Some("expired"),
            _ => None,
        };
        KeyView {
            id: key.id,
            name: key.name.clone(),
            is_new: false,
            is_current: Some(key.id) == caller.key,
            permissions: key.permissions.iter().map(|permission| permission.as_str()).collect(),
            roles: key.roles,
            created: calendar.time(key.created_at),
            ends: key.expires_at.map(|end| calendar.day(end)),
            ends_soon: gone.is_none()
                && key.expires_at.is_some_and(|end| end.as_micros() - now.as_micros() < SOON),
            used: used.map(|used| calendar.time(used)),
            gone,
        }
    });
    Ok(ProfilePage {
        assets: assets(),
        shell: shell.clone(),
        subtitle,
        is_operator: caller.is_operator(),
        created: None,
        form: None,
        keys: keys.collect(),
        sessions,
        facts,
        toast: String::new(),
    })
}

/// Returns the user's title and department, and what is known of them with where each comes from.
async fn facts(app: &AppState, caller: &Caller) -> Result<(String, Vec<Fact>), Failure> {
    let permissions = |given: &str| Fact {
        name: "Permissions",
        is_tags: false,
        values: if caller.permissions.is_empty() {
            vec![ValueView { text: "none".to_owned(), origin: String::new() }]
        } else {
            let value = |permission: &Permission| ValueView {
                text: permission.to_string(),
                origin: given.to_owned(),
            };
            caller.permissions.iter().map(value).collect()
        },
    };
    let Some(username) = &caller.user else {
        return Ok((
            String::new(),
            vec![Fact::new("Username", caller.actor.clone()), permissions("of the operator's key")],
        ));
    };
    let evaluation = app.service.evaluations.current(caller.revision).await?;
    let snapshot = evaluation.snapshot();
    let mut facts = vec![Fact::new("Username", username.clone())];
    let mut subtitle = String::new();
    if let Some(user) = snapshot.user(username) {
        let user = &snapshot.users[user.get()];
        subtitle = people::position(user);
        if let Some(email) = &user.email {
            facts.push(Fact::new("E-mail", &**email));
        }
        facts.push(Fact::new("Identity provider", snapshot.symbols.text(user.identity_provider)));
        let groups = people::groups(snapshot, user).into_iter();
        let values = groups.map(|text| ValueView { text, origin: String::new() }).collect();
        facts.push(Fact { name: "Groups", is_tags: true, values });
        let values = people::attributes(snapshot, user);
        if !values.is_empty() {
            facts.push(Fact { name: "Attributes", is_tags: false, values });
        }
        facts.push(permissions("given to you"));
        let lacking = user.permissions.iter().filter(|permission| !caller.has(**permission));
        if let (Some(fact), true) = (facts.last_mut(), lacking.clone().next().is_some()) {
            let value =
                |it: &Permission| ValueView { text: it.to_string(), origin: "not with this key".to_owned() };
            fact.values.extend(lacking.map(value));
        }
        if !caller.roles {
            facts.push(Fact::new("Roles", "none with this key: it was narrowed"));
        }
        facts.push(Fact::new("Global id", user.global_id.to_string()));
    }
    Ok((subtitle, facts))
}

/// Returns a browser's name and system, as far as its `User-Agent` header tells.
fn browser(agent: &str) -> String {
    let find = |names: &[(&str, &'static str)]| {
        names.iter().find(|(mark, _)| agent.contains(mark)).map(|(_, name)| *name)
    };
    let name = find(&[
        ("Edg/", "Edge"),
        ("Firefox/", "Firefox"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
        ("curl/", "curl"),
    ]);
    let system = find(&[
        ("Windows", "Windows"),
        ("Android", "Android"),
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Mac OS", "macOS"),
        ("Linux", "Linux"),
    ]);
    match (name, system) {
        (Some(name), Some(system)) => format!("{name} on {system}"),
        (Some(name), None) => name.to_owned(),
        (None, _) if agent.is_empty() => "Unknown browser".to_owned(),
        (None, _) => agent.chars().take(40).collect(),
    }
}

fn method(session: &Session) -> &'static str {
    match session.method {
        SignInMethod::Key => "with an API key",
        SignInMethod::Link => "with the link of the first start",
        SignInMethod::Oidc => "by single sign-on",
    }
}

/// Shows the profile.
pub(super) async fn show(
    State(app): State<App>,
    signed_in: SignedIn,
    query: Form,
) -> Result<Response, Failure> {
    let mut view = load(&app, &signed_in).await?;
    if query.has("new") {
        view.form = Some(keys::key_form(&signed_in, None));
    }
    let name = |id: &str| view.keys.iter().find(|key| key.id.to_string() == id).map(|key| key.name.as_str());
    if let Some(name) = name(query.get("revoked")) {
        view.toast = format!("The key “{name}” is revoked.");
    } else if query.has("ended") {
        view.toast = "The session has ended.".to_owned();
    } else if query.has("others") {
        view.toast = "All other sessions have ended.".to_owned();
    }
    Ok(page(&view))
}

fn confirm(signed_in: SignedIn, title: String, text: String, action: String, verb: &'static str) -> Response {
    let back = PATH.to_owned();
    Confirmation { title, text, action, back, verb, ..Confirmation::default() }.ask(signed_in.shell)
}

fn parse_id(text: &str) -> Result<Uuid, ServiceError> {
    Uuid::parse_str(text).map_err(|_| ServiceError::not_found("there is no such page"))
}
