//! The webhook's messages: which wait, which were taken, which were given up and why.

use axum::extract::State;
use axum::http::Method;
use axum::response::Response;
use domesday_model::Permission;
use domesday_store::{Message, MessageState, Store};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::paging;
use crate::problem::Problem;
use crate::route::{Permit, Query, Route, json};
use crate::service::App;

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::new(
            Method::GET,
            "/api/v1/access-summary/webhook-messages",
            Permit::AnyOf(&[Permission::Governance, Permission::Audit]),
            "listWebhookMessages",
            list,
        )
        .tag("access summary")
        .about(
            "What the webhook was told or is to be told, newest first. `total` is exact. Delivered messages are \
             kept for 7 days, those given up for 90.",
        )
        .query::<StateName>("state", "Only messages in this state.")
        .limited()
        .answers::<MessagePage>(200, "A page.")
        .fails(&[400, 422]),
    ]
}

/// Where a message stands.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "WebhookMessageState")]
enum StateName {
    Pending,
    Delivered,
    GivenUp,
}

impl From<StateName> for MessageState {
    fn from(name: StateName) -> Self {
        match name {
            StateName::Pending => Self::Pending,
            StateName::Delivered => Self::Delivered,
            StateName::GivenUp => Self::GivenUp,
        }
    }
}

impl From<MessageState> for StateName {
    fn from(state: MessageState) -> Self {
        match state {
            MessageState::Pending => Self::Pending,
            MessageState::Delivered => Self::Delivered,
            MessageState::GivenUp => Self::GivenUp,
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct MessageQuery {
    state: Option<StateName>,
    limit: Option<usize>,
    cursor: Option<String>,
}

/// A message to the webhook.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "WebhookMessage")]
struct MessageView {
    /// What `webhook-id` says, with every attempt.
    id: String,
    /// The run that it tells of.
    run: String,
    state: StateName,
    /// How many attempts were begun.
    attempts: u32,
    created_at: String,
    /// When the next attempt is due, while it is pending.
    due_at: Option<String>,
    /// When it was delivered or given up.
    ended_at: Option<String>,
    /// Why the last attempt failed.
    error: Option<String>,
    /// What it says.
    body: Value,
}

impl From<Message> for MessageView {
    fn from(message: Message) -> Self {
        let pending = message.state == MessageState::Pending;
        Self {
            id: message.id,
            run: message.run_id.to_string(),
            state: message.state.into(),
            attempts: message.attempts,
            created_at: message.created_at.to_string(),
            due_at: pending.then(|| message.due_at.to_string()),
            ended_at: message.ended_at.map(|at| at.to_string()),
            error: message.error,
            body: serde_json::from_str(&message.body).unwrap_or_default(),
        }
    }
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "WebhookMessagePage")]
struct MessagePage {
    /// How many messages there are on all pages together.
    total: u64,
    items: Vec<MessageView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

async fn list(State(app): State<App>, Query(query): Query<MessageQuery>) -> Result<Response, Problem> {
    let limit = paging::limit(query.limit)?;
    let before: Option<i64> = paging::position(query.cursor.as_deref())?;
    let state = query.state.map(MessageState::from);
    let read =
        move |store: &mut Store| -> Result<_, Problem> { Ok(store.messages(state, before, limit + 1)?) };
    let (mut messages, total) = app.pool.with(read).await?;
    let next_cursor = paging::cut(&mut messages, limit, |last| last.number);
    Ok(json(MessagePage { total, items: messages.into_iter().map(MessageView::from).collect(), next_cursor }))
}
