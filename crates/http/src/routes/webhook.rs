//! The messages to the webhook: which are pending, which were delivered, which were given up and why.

use axum::extract::State;
use axum::http::Method;
use axum::response::Response;
use domesday_model::Permission;
use domesday_service::caller::Permit;
use domesday_store::{Message, MessageState, Store};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::extract::Query;
use crate::paging::{PageQuery, cut_page};
use crate::problem::Problem;
use crate::response::json;
use crate::route::Route;
use crate::state::App;

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
            "The messages to the webhook, newest first. `total` is exact. Delivered messages are \
             kept for 7 days, those given up for 90.",
        )
        .query::<MessageQuery>()
        .query::<PageQuery>()
        .answers::<MessagePage>(200, "A page.")
        .fails(&[400, 422]),
    ]
}

/// The state of a message.
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

#[derive(Debug, Deserialize, JsonSchema)]
struct MessageQuery {
    /// Only messages in this state.
    state: Option<StateName>,
}

/// A message to the webhook.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "WebhookMessage")]
struct MessageView {
    /// The `webhook-id` of every attempt.
    id: String,
    /// The run that it is about.
    run: String,
    state: StateName,
    /// How many attempts were made.
    attempts: u32,
    created_at: String,
    /// When the next attempt is due, while it is pending.
    due_at: Option<String>,
    /// When it was delivered or given up.
    ended_at: Option<String>,
    /// Why the last attempt failed.
    error: Option<String>,
    /// The message.
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

async fn list(
    State(app): State<App>,
    Query(query): Query<MessageQuery>,
    Query(page): Query<PageQuery>,
) -> Result<Response, Problem> {
    let limit = page.limit()?;
    let before: Option<i64> = page.after()?;
    let state = query.state.map(MessageState::from);
    let read =
        move |store: &mut Store| -> Result<_, Problem> { Ok(store.messages(state, before, limit + 1)?) };
    let (mut messages, total) = app.service.pool.with(read).await?;
    let next_cursor = cut_page(&mut messages, limit, |last| last.number);
    Ok(json(MessagePage { total, items: messages.into_iter().map(MessageView::from).collect(), next_cursor }))
}
