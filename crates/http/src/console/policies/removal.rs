//! Removing a policy, after asking once what will be lost.

use axum::extract::{Path, State};
use axum::response::Response;
use domesday_service::ServiceError;
use domesday_service::preview::{self, PreviewReport};
use domesday_store::StoreError;

use super::fields::PolicyFields;
use super::{PATH, find_to_change, policy_path, save, words};
use crate::console::confirm::Confirmation;
use crate::console::errors::Failure;
use crate::console::form::Form;
use crate::console::see_other;
use crate::console::signed_in::SignedIn;
use crate::console::times::counted;
use crate::state::App;

/// How many objects that refer to a policy are named.
const MAX_NAMED: usize = 5;

/// Asks whether a policy is to be removed, and says what that changes.
pub(super) async fn confirm_removal(
    State(app): State<App>,
    Path(id): Path<String>,
    signed_in: SignedIn,
) -> Result<Response, Failure> {
    let (rights, policy) = find_to_change(&app, &signed_in, &id).await?;
    let fields = PolicyFields::from_document(policy.kind, &policy.document);
    let noun = words::noun(fields.policy_type);
    let effect = if rights.governs() {
        let evaluation = app.service.evaluations.current(signed_in.caller.revision).await?;
        let draft = preview::Draft { kind: policy.kind, document: policy.document.clone(), remove: true };
        effect(&preview::report(&app.service.previews, evaluation, draft).await?)
    } else {
        String::new()
    };
    let text = format!("{effect}The {noun} and its condition are lost; its changes stay in the audit log.");
    let question = Confirmation {
        title: format!("Remove the {noun} “{}”?", policy.name),
        text,
        action: format!("{}/remove", policy_path(policy.id)),
        back: policy_path(policy.id),
        verb: "Remove",
        fields: vec![("etag", policy.etag.clone())],
        ..Confirmation::default()
    };
    Ok(question.ask(signed_in.shell))
}

/// What the removal changes, in sentences that end with a space.
fn effect(report: &PreviewReport) -> String {
    let figures = &report.figures;
    let people = |count: usize| counted(count as u64, "person", "people");
    let sources = |count: usize| counted(count as u64, "data source", "data sources");
    let mut text = String::new();
    if figures.lost.outcomes > 0 {
        let lost = figures.lost;
        text.push_str(&format!("At once {} lose access to {}. ", people(lost.people), sources(lost.sources)));
    }
    if figures.gained.outcomes > 0 {
        let gained = figures.gained;
        let (people, sources) = (people(gained.people), sources(gained.sources));
        text.push_str(&format!("At once {people} gain access to {sources}. "));
    }
    if figures.unmasked > 0 {
        let columns = counted(figures.unmasked as u64, "column is", "columns are");
        text.push_str(&format!("At once {columns} no longer masked, counted for each reader. "));
    }
    if text.is_empty() {
        text.push_str("Nobody gains or loses access by it. ");
    }
    text
}

/// Removes a policy.
pub(super) async fn remove(
    State(app): State<App>,
    Path(id): Path<String>,
    signed_in: SignedIn,
    form: Form,
) -> Result<Response, Failure> {
    let (_, policy) = find_to_change(&app, &signed_in, &id).await?;
    let removed =
        save::remove(&app, &signed_in.caller, policy.kind, policy.name.clone(), form.get("etag")).await;
    match removed {
        Ok(()) => Ok(see_other(&format!("{PATH}?removed"))),
        Err(ServiceError::Store(StoreError::Inconsistent { problems })) => {
            let names: Vec<_> =
                problems.iter().take(MAX_NAMED).map(|(name, _)| format!("`{name}`")).collect();
            let more = match problems.len() - names.len() {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            let message = format!(
                "the policy is not removed: {}{more} refer to it; change them first",
                names.join(", ")
            );
            Err(ServiceError::conflict(message).into())
        }
        Err(error) => Err(error.into()),
    }
}
