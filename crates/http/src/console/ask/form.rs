//! The form with which somebody asks for access.

use domesday_model::{
    Answer, Instant, Permission, Question, QuestionKind, Request, RequestStatus, RequestType, Scope, Target,
};
use domesday_service::ServiceError;
use domesday_service::caller::Caller;
use domesday_service::evaluation::Evaluation;
use domesday_service::requests::create::{WrongAnswer, check_answer, is_missing};
use domesday_service::requests::{ReviewProgress, find_obstacles_of};
use domesday_store::Store;
use uuid::Uuid;

use crate::console::directory::Directory;
use crate::console::errors::{Failure, sentence};
use crate::console::form::Form;
use crate::console::link::Link;
use crate::console::paths::{request_path, with_query};
use crate::console::requests::effect::{EffectView, effect};
use crate::console::requests::review::{StepView, steps};
use crate::console::signed_in::SignedIn;
use crate::state::AppState;

/// The access that is asked for, and the user it is for.
#[derive(Debug, Clone)]
pub(in crate::console) struct Subject {
    pub(in crate::console) kind: RequestType,
    pub(in crate::console) user: String,
    pub(in crate::console) target: Target,
    pub(in crate::console) scope: Scope,
    /// The column of an exception from masking.
    pub(in crate::console) column: Option<String>,
}

impl Subject {
    /// Reads for whom and in which scope something is asked for. Only with GOVERNANCE somebody asks for others.
    pub(in crate::console) fn read(
        caller: &Caller,
        form: &Form,
        target: Target,
        column: Option<String>,
    ) -> Result<Self, ServiceError> {
        let me = caller.user.clone().unwrap_or_default();
        let user = Some(form.get("for").to_owned()).filter(|user| !user.is_empty()).unwrap_or(me);
        if !caller.is_user(&user) && !caller.has(Permission::Governance) {
            return Err(ServiceError::lacks_any(&[Permission::Governance]));
        }
        let scope = match form.get("scope") {
            "" | "READ" => Scope::Read,
            "WRITE" => Scope::Write,
            _ => {
                return Err(ServiceError::invalid(
                    "the address has a `scope` that is not known; it is READ or WRITE",
                ));
            }
        };
        let kind = if column.is_some() { RequestType::MaskingException } else { RequestType::DataAccess };
        Ok(Self { kind, user, target, scope, column })
    }

    /// The request as it would be.
    fn as_request(&self, now: Instant) -> Request {
        Request {
            id: String::new(),
            kind: self.kind,
            user: self.user.clone(),
            requester: None,
            target: self.target.clone(),
            columns: self.column.clone().into_iter().collect(),
            scope: self.scope,
            status: RequestStatus::Pending,
            answers: std::collections::BTreeMap::new(),
            created_at: now,
            updated_at: None,
            expires_at: None,
            determinations: Vec::new(),
            agreements: Vec::new(),
        }
    }

    /// The pending request for the same thing and user.
    fn pending<'e>(&self, evaluation: &'e Evaluation) -> Option<&'e Request> {
        evaluation.snapshot().requests.iter().find(|request| {
            request.status == RequestStatus::Pending
                && request.user == self.user
                && request.kind == self.kind
                && request.target == self.target
                && request.scope == self.scope
                && request.columns.iter().eq(self.column.iter())
        })
    }
}

/// The form with its values, their mistakes and the effect of an approval.
#[derive(Debug)]
pub(in crate::console) struct AskForm {
    pub(in crate::console) action: String,
    /// Tells this form from others: sent twice, it makes one request.
    pub(in crate::console) once: String,
    /// The addresses for the other scope and without a choice of a user.
    pub(in crate::console) read_path: String,
    pub(in crate::console) write_path: String,
    pub(in crate::console) is_read: bool,
    pub(in crate::console) is_exception: bool,
    pub(in crate::console) scope: &'static str,
    /// The user, when it is somebody else.
    pub(in crate::console) user: String,
    /// Whether the caller may ask for others.
    pub(in crate::console) asks_for_others: bool,
    pub(in crate::console) user_error: String,
    /// Hidden fields that name the target.
    pub(in crate::console) fields: Vec<(&'static str, String)>,
    pub(in crate::console) effect: EffectView,
    pub(in crate::console) pending: Option<Link>,
    pub(in crate::console) questions: Vec<QuestionField>,
    pub(in crate::console) agreements: Vec<AgreementField>,
    pub(in crate::console) problem: String,
    pub(in crate::console) steps: Vec<StepView>,
}

/// A question of the form.
#[derive(Debug)]
pub(in crate::console) struct QuestionField {
    pub(in crate::console) name: String,
    pub(in crate::console) text: String,
    /// `text`, `choice`, `number`, `date` or `boolean`.
    pub(in crate::console) kind: &'static str,
    pub(in crate::console) choices: Vec<String>,
    pub(in crate::console) is_required: bool,
    pub(in crate::console) value: String,
    pub(in crate::console) error: String,
}

/// An agreement to accept.
#[derive(Debug)]
pub(in crate::console) struct AgreementField {
    pub(in crate::console) name: String,
    pub(in crate::console) version: i64,
    pub(in crate::console) text: String,
    pub(in crate::console) is_accepted: bool,
    pub(in crate::console) error: String,
}

impl AskForm {
    /// Creates the form: empty, or with the values that were sent.
    pub(in crate::console) async fn new(
        app: &AppState,
        signed_in: &SignedIn,
        evaluation: &Evaluation,
        subject: &Subject,
        path: &str,
        sent: Option<&Form>,
    ) -> Result<Self, Failure> {
        let SignedIn { caller, shell, .. } = signed_in;
        let snapshot = &**evaluation.snapshot();
        let directory = Directory::new(snapshot, caller);
        let now = app.service.now();
        let request = subject.as_request(now);
        let asked = request.clone();
        let obstacles = app
            .service
            .pool
            .with(move |store: &mut Store| -> Result<_, Failure> {
                Ok(find_obstacles_of(store, &asked, now)?)
            })
            .await?;
        let is_own = caller.is_user(&subject.user);
        let is_known = snapshot.user(&subject.user).is_some();
        let who = if is_own { "you".to_owned() } else { directory.name(&subject.user) };
        let progress = ReviewProgress::new(snapshot, &request)?;
        let product = match &subject.target {
            Target::DataProduct(name) => snapshot.data_product(name).map(|product| &product.spec),
            Target::DataSource(_) => None,
        };
        let agreements = product.iter().flat_map(|product| &product.agreements).map(|name| {
            let agreement = snapshot.agreements.iter().find(|agreement| agreement.spec.name == *name);
            AgreementField {
                name: name.clone(),
                version: agreement.map_or(0, |agreement| agreement.spec.version),
                text: agreement.map_or_else(String::new, |agreement| agreement.spec.text.clone()),
                is_accepted: sent.is_some_and(|form| form.all("agreement").any(|accepted| accepted == name)),
                error: String::new(),
            }
        });
        let questions = progress.form.iter().flat_map(|form| &form.questions);
        let user = if is_own { String::new() } else { subject.user.clone() };
        let scoped = |scope: &str| with_query(path, [("for", user.as_str()), ("scope", scope)]) + "#ask";
        let once = sent.map(|form| form.get("once").to_owned()).filter(|once| !once.is_empty());
        Ok(Self {
            action: path.to_owned(),
            once: once.unwrap_or_else(|| Uuid::new_v4().to_string()),
            read_path: scoped(""),
            write_path: scoped("WRITE"),
            is_read: subject.scope == Scope::Read,
            is_exception: subject.kind == RequestType::MaskingException,
            scope: subject.scope.as_str(),
            asks_for_others: caller.has(Permission::Governance),
            user_error: if is_known || user.is_empty() {
                String::new()
            } else {
                "There is no user with this username.".to_owned()
            },
            user,
            fields: Vec::new(),
            effect: effect(evaluation, caller, &request, &who, &obstacles),
            pending: subject
                .pending(evaluation)
                .map(|request| Link::new(request.id.as_str(), request_path(&request.id))),
            agreements: agreements.collect(),
            questions: questions.map(|question| QuestionField::new(question, sent)).collect(),
            problem: String::new(),
            steps: steps(snapshot, &directory, &shell.calendar, &progress, &request)?,
        })
    }

    /// Marks missing and invalid values; returns whether there are any.
    pub(in crate::console) fn check(&mut self, questions: &[Question]) -> bool {
        for (field, question) in self.questions.iter_mut().zip(questions) {
            field.error = match answer(question, &field.value) {
                Some(answer) => match check_answer(question, answer) {
                    Ok(answer) if is_missing(question, Some(&answer)) => "Answer this question.".to_owned(),
                    Ok(_) => String::new(),
                    Err(WrongAnswer::Kind(error)) => sentence(&error.to_string()),
                    Err(WrongAnswer::TooLong) => {
                        format!("Shorten this to {} characters.", domesday_model::limits::MAX_ANSWER_CHARS)
                    }
                },
                None if is_missing(question, None) => "Answer this question.".to_owned(),
                None => String::new(),
            };
        }
        for agreement in self.agreements.iter_mut().filter(|agreement| !agreement.is_accepted) {
            "Accept this agreement to ask for the data.".clone_into(&mut agreement.error);
        }
        let questions = self.questions.iter().map(|field| &field.error);
        let agreements = self.agreements.iter().map(|field| &field.error);
        questions.chain(agreements).chain([&self.user_error]).any(|error| !error.is_empty())
    }
}

impl QuestionField {
    fn new(question: &Question, sent: Option<&Form>) -> Self {
        let name = field_name(&question.id);
        let (kind, choices) = match &question.kind {
            QuestionKind::Text => ("text", Vec::new()),
            QuestionKind::Choice { choices } => ("choice", choices.clone()),
            QuestionKind::Number => ("number", Vec::new()),
            QuestionKind::Date => ("date", Vec::new()),
            QuestionKind::Boolean => ("boolean", Vec::new()),
        };
        Self {
            text: question.text.clone(),
            kind,
            choices,
            is_required: question.required,
            value: sent.map_or("", |form| form.get(&name)).replace("\r\n", "\n"),
            error: String::new(),
            name,
        }
    }
}

fn field_name(question: &str) -> String {
    format!("answer:{question}")
}

/// Returns an answer as it was typed; none when the field is empty.
pub(super) fn answer(question: &Question, value: &str) -> Option<Answer> {
    if value.is_empty() {
        return None;
    }
    let as_json = || Answer::from_json(value.to_owned()).unwrap_or_else(|_| Answer::text(value));
    Some(match question.kind {
        QuestionKind::Text | QuestionKind::Choice { .. } | QuestionKind::Date => Answer::text(value),
        QuestionKind::Number | QuestionKind::Boolean => as_json(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_of_the_kind_that_is_asked_for() {
        let question =
            |kind: QuestionKind| Question { id: "q".to_owned(), text: "?".to_owned(), kind, required: true };
        let json = |kind: QuestionKind, value: &str| {
            answer(&question(kind), value).map(|answer| answer.as_json().to_owned())
        };
        assert_eq!(json(QuestionKind::Text, "1"), Some("\"1\"".to_owned()));
        assert_eq!(json(QuestionKind::Number, "1.10"), Some("1.10".to_owned()));
        assert_eq!(json(QuestionKind::Number, "many"), Some("\"many\"".to_owned()));
        assert_eq!(json(QuestionKind::Boolean, "true"), Some("true".to_owned()));
        assert_eq!(json(QuestionKind::Date, ""), None);
        let number = question(QuestionKind::Number);
        assert!(check_answer(&number, answer(&number, "[1]").unwrap()).is_err());
    }
}
