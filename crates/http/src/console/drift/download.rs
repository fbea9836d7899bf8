//! The findings as CSV, and the repair of a database as SQL.

use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use domesday_service::ServiceError;
use domesday_service::drift::{FindingView, page as find_page};

use super::{find_database, query};
use crate::console::csv::Csv;
use crate::console::errors::Failure;
use crate::console::form::Form;
use crate::console::signed_in::SignedIn;
use crate::console::times::grouped;
use crate::routes::drift::READERS;
use crate::state::App;

/// How many findings a file has at most.
const MAX_CSV: usize = 200_000;

/// Answers with what the filter shows as CSV.
pub(super) async fn csv(
    State(app): State<App>,
    signed_in: SignedIn,
    form: Form,
) -> Result<Response, Failure> {
    READERS.check(&signed_in.caller)?;
    let (_, filter) = query::read(&form)?;
    let evaluation = app.service.evaluations.current(signed_in.caller.revision).await?;
    let drifts = evaluation.drifts().await?;
    let work = move || -> Result<Csv, ServiceError> {
        let found = find_page(&drifts, &filter, 0, MAX_CSV);
        if found.total > MAX_CSV {
            return Err(ServiceError::invalid(format!(
                "there are {} findings, and a file has {} at most; filter the list, or use \
                 `domesday drift --format csv`",
                grouped(found.total as u64),
                grouped(MAX_CSV as u64)
            )));
        }
        let mut csv = Csv::new(&[
            "connection",
            "kind",
            "role_name",
            "username",
            "data_source",
            "column",
            "scope",
            "via",
            "guardrail_policy_ids",
            "detail",
            "repair",
            "observed_at",
        ]);
        found.findings.iter().map(FindingView::from).for_each(|view| add_row(&mut csv, &view));
        Ok(csv)
    };
    let csv = app.service.pool.compute(work).await?;
    Ok(csv.into_response("drift"))
}

fn add_row(csv: &mut Csv, view: &FindingView) {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let ids: Vec<_> = view.guardrail_policy_ids.iter().map(ToString::to_string).collect();
    csv.row([
        view.connection.as_str(),
        view.kind.as_str(),
        &text(&view.role_name),
        &text(&view.username),
        &view.data_source_name,
        &text(&view.column_name),
        &view.scope,
        &view.via.as_deref().unwrap_or_default().join("; "),
        &ids.join("; "),
        &view.detail,
        &text(&view.repair),
        &view.observed_at,
    ]);
}

/// Answers with the SQL that brings a database to what the policies say.
pub(super) async fn repair(
    State(app): State<App>,
    signed_in: SignedIn,
    form: Form,
) -> Result<Response, Failure> {
    READERS.check(&signed_in.caller)?;
    let evaluation = app.service.evaluations.current(signed_in.caller.revision).await?;
    let drifts = evaluation.drifts().await?;
    let position = find_database(&drifts, form.get("connection"))?;
    let name = format!("repair-{}.sql", file_name(form.get("connection")));
    let work = move || -> Result<_, ServiceError> { Ok(drifts[position].repair_script()) };
    let script = app.service.pool.compute(work).await?;
    let mut response = script.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/sql; charset=utf-8"));
    if let Ok(value) = HeaderValue::from_str(&format!("attachment; filename=\"{name}\"")) {
        headers.insert(header::CONTENT_DISPOSITION, value);
    }
    Ok(response)
}

/// A name in letters, digits and hyphens, which every file system takes.
fn file_name(name: &str) -> String {
    name.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '-' }).collect()
}
