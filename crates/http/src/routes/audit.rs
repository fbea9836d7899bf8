//! The audit log, page by page.

use axum::extract::State;
use axum::http::Method;
use axum::response::Response;
use domesday_model::Permission;
use domesday_service::caller::Permit;
use domesday_store::{AuditEntry, Store};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::extract::Query;
use crate::paging::{PageQuery, cursor};
use crate::problem::Problem;
use crate::response::json;
use crate::route::Route;
use crate::state::App;

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::new(
            Method::GET,
            "/api/v1/audit",
            Permit::AnyOf(&[Permission::Audit, Permission::Governance]),
            "listAudit",
            list,
        )
        .tag("audit")
        .about(
            "Every change, oldest first: who did what to what, when and from where. Each entry names the hash of \
             the one before; `domesday audit verify` proves that none is missing or changed.",
        )
        .query::<PageQuery>()
        .answers::<AuditPage>(200, "A page.")
        .fails(&[400, 422]),
    ]
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct AuditPage {
    /// How many entries there are.
    total: u64,
    items: Vec<AuditView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// One entry of the audit log; also the form in which the log is exported.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "AuditEntry")]
pub struct AuditView {
    /// Its number, from 1 without gaps.
    seq: u64,
    at: String,
    actor: String,
    action: String,
    target: String,
    before: Option<Value>,
    after: Option<Value>,
    /// The address it came from.
    from: Option<String>,
    /// SHA-256 of this entry and the hash before it, in hexadecimal.
    hash: String,
    previous: String,
}

impl From<AuditEntry> for AuditView {
    fn from(entry: AuditEntry) -> Self {
        let hex = |hash: [u8; 32]| hash.iter().map(|byte| format!("{byte:02x}")).collect();
        Self {
            seq: entry.seq,
            at: entry.at.to_string(),
            actor: entry.actor,
            action: entry.action,
            target: entry.target,
            before: entry.before,
            after: entry.after,
            from: entry.from,
            hash: hex(entry.hash),
            previous: hex(entry.previous),
        }
    }
}

async fn list(State(app): State<App>, Query(page): Query<PageQuery>) -> Result<Response, Problem> {
    let limit = page.limit()?;
    let after: u64 = page.after()?.unwrap_or(0);
    let read = move |store: &mut Store| -> Result<_, Problem> {
        Ok((store.audit_entries(after, limit)?, store.audit_length()?))
    };
    let (entries, total) = app.service.pool.with(read).await?;
    let last = entries.last().map(|entry| entry.seq);
    let next_cursor = last.filter(|last| *last < total).map(|last| cursor(&last));
    Ok(json(AuditPage { total, items: entries.into_iter().map(AuditView::from).collect(), next_cursor }))
}
