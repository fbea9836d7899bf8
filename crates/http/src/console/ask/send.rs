//! Making a request with what a form has.

use std::collections::BTreeSet;
use std::sync::Arc;

use domesday_model::{Instant, Question, Target};
use domesday_service::ServiceError;
use domesday_service::caller::{Caller, Permit};
use domesday_service::evaluation::Evaluation;
use domesday_service::idempotency::{IdempotencyKey, create_once};
use domesday_service::requests::create::{self, NewRequest, NewTarget};
use domesday_store::Store;
use serde::{Deserialize, Serialize};

use super::form::{AskForm, Subject, answer};
use crate::console::errors::Failure;
use crate::console::form::Form;
use crate::console::signed_in::SignedIn;
use crate::state::AppState;

/// What came of asking.
pub(in crate::console) enum Outcome {
    /// The request is made, with this id.
    Made(String),
    /// Something has to be corrected.
    Refused(Box<AskForm>),
}

/// The request that was made, for the form being sent again.
#[derive(Debug, Serialize, Deserialize)]
struct MadeRequest {
    id: String,
}

/// Makes the request that a form asks for.
///
/// # Errors
/// When the caller may not ask, or nobody can correct what was sent.
pub(in crate::console) async fn send(
    app: &AppState,
    signed_in: &SignedIn,
    evaluation: &Evaluation,
    subject: &Subject,
    path: &str,
    form: &Form,
) -> Result<Outcome, Failure> {
    if signed_in.caller.user.is_none() {
        return Err(ServiceError::forbidden(
            "the administrator is no user and asks for no access: sign in as a user of the catalog",
        )
        .into());
    }
    let mut again = AskForm::new(app, signed_in, evaluation, subject, path, Some(form)).await?;
    let questions = questions(evaluation, &subject.target);
    if again.check(&questions) {
        return Ok(Outcome::Refused(Box::new(again)));
    }
    match make(app, signed_in, subject, path, &again, &questions).await {
        Ok(id) => Ok(Outcome::Made(id)),
        Err(failure) => match failure.mistake() {
            Some(mistake) => {
                again.problem = mistake;
                Ok(Outcome::Refused(Box::new(again)))
            }
            None => Err(failure),
        },
    }
}

fn questions(evaluation: &Evaluation, target: &Target) -> Vec<Question> {
    let snapshot = evaluation.snapshot();
    let Target::DataProduct(name) = target else { return Vec::new() };
    let form = snapshot.data_product(name).and_then(|product| product.spec.form.as_ref());
    let found = form.and_then(|name| snapshot.request_forms.iter().find(|form| form.spec.name == *name));
    found.map(|form| form.spec.questions.clone()).unwrap_or_default()
}

async fn make(
    app: &AppState,
    signed_in: &SignedIn,
    subject: &Subject,
    path: &str,
    sent: &AskForm,
    questions: &[Question],
) -> Result<String, Failure> {
    let (data_product, data_source) = match &subject.target {
        Target::DataProduct(name) => (Some(name.clone()), None),
        Target::DataSource(name) => (None, Some(name.clone())),
    };
    let answers = questions.iter().zip(&sent.questions);
    let answers =
        answers.filter_map(|(question, field)| Some((question.id.clone(), answer(question, &field.value)?)));
    let accepted = sent.agreements.iter().filter(|agreement| agreement.is_accepted);
    let asked = NewRequest {
        kind: subject.kind,
        user: Some(subject.user.clone()),
        target: NewTarget { data_product, data_source },
        columns: subject.column.clone().into_iter().collect(),
        scope: subject.scope,
        answers: answers.collect(),
        agreements: accepted.map(|agreement| agreement.name.clone()).collect::<BTreeSet<_>>(),
    };
    let body = format!("{asked:?}");
    let key = IdempotencyKey::new(&sent.once, &signed_in.caller, path, body.as_bytes());
    let key = key.map_err(|error| ServiceError::invalid(error.to_string()))?;
    let sealer = Arc::clone(&app.service.sealer);
    let work = move |store: &mut Store, caller: &Caller, now: Instant| -> Result<_, Failure> {
        create_once(store, &sealer, Some(&key), now, |store| {
            let stored = create::create(store, caller, asked, now)?;
            Ok::<_, Failure>(MadeRequest { id: stored.name })
        })
    };
    Ok(app.service.write(signed_in.caller_for(Permit::AnyKey), work).await?.id)
}
