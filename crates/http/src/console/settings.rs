//! *Settings*: the tenant, signing in, the webhook and its messages, the service.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use domesday_model::{Permission, Tenant};
use domesday_service::caller::Permit;
use domesday_service::{ServiceError, sessions};
use domesday_store::{Message, MessageState, Store, StoreLocation};

use super::assets::{Assets, assets};
use super::csv::Csv;
use super::errors::Failure;
use super::form::Form;
use super::page;
use super::shell::Shell;
use super::signed_in::SignedIn;
use super::times::{Calendar, TimeView, counted};
use crate::state::{App, AppState};

/// The states of messages, as addresses have them.
const STATES: [(MessageState, &str); 3] = [
    (MessageState::Pending, "pending"),
    (MessageState::Delivered, "delivered"),
    (MessageState::GivenUp, "givenUp"),
];

const PATH: &str = "/console/settings";

/// Who sees the page.
pub(super) const PERMIT: Permit = Permit::AnyOf(&[Permission::ApplicationAdmin, Permission::Governance]);

/// Who sees the messages, as `GET /api/v1/access-summary/webhook-messages` decides.
const MESSAGES: Permit = Permit::AnyOf(&[Permission::Governance, Permission::Audit]);

/// How many messages a page has.
const PAGE: usize = 50;

/// How many messages a CSV file has at most.
const MAX_EXPORTED: usize = 10_000;

pub(super) fn routes() -> Router<App> {
    Router::new().route(PATH, get(show)).route("/console/settings/messages.csv", get(export))
}

#[derive(Template)]
#[template(path = "console/settings.html")]
struct SettingsPage {
    assets: &'static Assets,
    shell: Shell,
    tenant_id: String,
    sign_in: SignInView,
    webhook: WebhookView,
    service: ServiceView,
}

struct SignInView {
    /// The address of the provider; empty without single sign-on.
    issuer: String,
    callback: String,
    claim: String,
    session_days: i64,
}

struct WebhookView {
    /// The origin of the receiver; empty without one.
    receiver: String,
    is_visible: bool,
    messages: Vec<MessageView>,
    total: String,
    /// The state that is shown, as the address has it; empty for any.
    state: &'static str,
    /// Where the next page begins; 0 on the last.
    next: i64,
    is_first: bool,
}

struct MessageView {
    id: String,
    run: String,
    about: String,
    state: &'static str,
    chip: &'static str,
    icon: &'static str,
    attempts: String,
    created: TimeView,
    /// When it was delivered or given up, or is tried again.
    changed: Option<TimeView>,
    error: String,
}

struct ServiceView {
    version: &'static str,
    database: String,
    replica: String,
    public_url: String,
    /// Why the service is not ready; empty when it is.
    problem: String,
}

/// Reads the state that messages are filtered by.
fn state_of(query: &Form) -> Option<(MessageState, &'static str)> {
    STATES.into_iter().find(|(_, name)| *name == query.get("state"))
}

fn words(state: MessageState) -> (&'static str, &'static str, &'static str) {
    match state {
        MessageState::Pending => ("Pending", "wait", "pending"),
        MessageState::Delivered => ("Delivered", "ok", "check"),
        MessageState::GivenUp => ("Given up", "fail", "cross"),
    }
}

fn message(message: &Message, calendar: &Calendar) -> MessageView {
    let (state, chip, icon) = words(message.state);
    let body: serde_json::Value = serde_json::from_str(&message.body).unwrap_or_default();
    let changed = match message.state {
        MessageState::Pending => Some(message.due_at),
        _ => message.ended_at,
    };
    MessageView {
        id: message.id.clone(),
        run: message.run_id.to_string(),
        about: body["type"].as_str().unwrap_or_default().to_owned(),
        state,
        chip,
        icon,
        attempts: counted(message.attempts.into(), "attempt", "attempts"),
        created: calendar.time(message.created_at),
        changed: changed.map(|at| calendar.time(at)),
        error: message.error.clone().unwrap_or_default(),
    }
}

/// The scheme, host and port of an address, whose path may be a secret.
fn origin(address: &str) -> String {
    let start = address.find("://").map_or(0, |at| at + 3);
    let end = address[start..].find(['/', '?', '#']).map_or(address.len(), |at| start + at);
    address[..end].to_owned()
}

/// Shows the page.
async fn show(State(app): State<App>, signed_in: SignedIn, query: Form) -> Result<Response, Failure> {
    PERMIT.check(&signed_in.caller)?;
    let is_visible = MESSAGES.check(&signed_in.caller).is_ok();
    let filter = state_of(&query);
    let (state, before) = (filter.map(|(state, _)| state), query.get("before").parse().ok());
    let read = move |store: &mut Store| -> Result<_, ServiceError> {
        let tenant = store.tenant()?.map(|(tenant, _)| tenant);
        let found = if is_visible { store.messages(state, before, PAGE + 1)? } else { (Vec::new(), 0) };
        Ok((tenant, found))
    };
    let (tenant, (mut messages, total)) = app.service.pool.with(read).await?;
    let is_last = messages.len() <= PAGE;
    messages.truncate(PAGE);
    let next = messages.last().filter(|_| !is_last).map_or(0, |last| last.number);
    let calendar = &signed_in.shell.calendar;
    let webhook = WebhookView {
        receiver: app
            .service
            .config
            .webhook
            .as_ref()
            .map_or_else(String::new, |webhook| origin(&webhook.url)),
        is_visible,
        messages: messages.iter().map(|it| message(it, calendar)).collect(),
        total: counted(total, "message", "messages"),
        state: filter.map_or("", |(_, name)| name),
        next,
        is_first: before.is_none(),
    };
    let view = SettingsPage {
        assets: assets(),
        tenant_id: tenant.map_or_else(String::new, |tenant| tenant_id(&tenant)),
        sign_in: sign_in(&app),
        webhook,
        service: service(&app).await,
        shell: signed_in.shell,
    };
    Ok(page(&view))
}

fn tenant_id(tenant: &Tenant) -> String {
    tenant.id.unwrap_or_else(|| tenant.derived_id()).to_string()
}

fn sign_in(app: &AppState) -> SignInView {
    let sign_on = app.service.single_sign_on.as_ref();
    let claim = sign_on.and_then(|sign_on| sign_on.username_claim());
    SignInView {
        issuer: sign_on.map_or_else(String::new, |sign_on| sign_on.issuer().to_owned()),
        callback: sign_on.map_or_else(String::new, |sign_on| sign_on.redirect_uri().to_owned()),
        claim: claim.unwrap_or("preferred_username, then email if it is verified").to_owned(),
        session_days: sessions::LIFETIME / 86_400_000_000,
    }
}

async fn service(app: &AppState) -> ServiceView {
    let config = &app.service.config;
    let problem = match app.service.readiness.check().await {
        Ok(()) => String::new(),
        Err(reason) => super::errors::sentence(reason.detail()),
    };
    ServiceView {
        version: env!("CARGO_PKG_VERSION"),
        database: match &config.database {
            StoreLocation::File(path) => format!("SQLite, {}", path.display()),
            StoreLocation::Server(_) => format!("PostgreSQL, {:?}", config.database),
        },
        replica: app.service.replica.to_string(),
        public_url: config.public_url.clone(),
        problem,
    }
}

/// Answers with the messages that the filter shows, as CSV.
async fn export(State(app): State<App>, signed_in: SignedIn, query: Form) -> Result<Response, Failure> {
    PERMIT.check(&signed_in.caller)?;
    MESSAGES.check(&signed_in.caller)?;
    let state = state_of(&query).map(|(state, _)| state);
    let read = move |store: &mut Store| -> Result<_, ServiceError> {
        Ok(store.messages(state, None, MAX_EXPORTED)?)
    };
    let (messages, _) = app.service.pool.with(read).await?;
    let mut csv = Csv::new(&["id", "run", "state", "attempts", "created_at", "ended_at", "error"]);
    for message in &messages {
        let ended = message.ended_at.map(|at| at.to_string()).unwrap_or_default();
        csv.row([
            message.id.as_str(),
            &message.run_id.to_string(),
            words(message.state).0,
            &message.attempts.to_string(),
            &message.created_at.to_string(),
            &ended,
            message.error.as_deref().unwrap_or_default(),
        ]);
    }
    Ok(csv.into_response("webhook-messages"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_has_no_path() {
        for (address, expected) in [
            ("https://hooks.example/secret/path", "https://hooks.example"),
            ("https://hooks.example:8443?key=x", "https://hooks.example:8443"),
            ("http://hooks.example", "http://hooks.example"),
        ] {
            assert_eq!(origin(address), expected);
        }
    }
}
