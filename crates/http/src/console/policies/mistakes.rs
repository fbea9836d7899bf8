//! The mistakes in the fields of the editor, each beside its field.

use domesday_model::Condition;
use domesday_model::validate::CatalogProblem;
use domesday_service::ServiceError;
use domesday_sources::Diagnostics;
use domesday_store::StoreError;
use serde_json::Value;

use super::fields::PolicyFields;
use super::selection;
use crate::console::errors::sentence;

/// How many mistakes are shown.
const MAX_SHOWN: usize = 50;

/// Mistakes by field.
#[derive(Debug, Clone, Default)]
pub(super) struct Mistakes(Vec<Mistake>);

/// One mistake.
#[derive(Debug, Clone)]
pub(super) struct Mistake {
    /// The id of the field.
    pub(super) field: String,
    pub(super) message: String,
}

impl Mistakes {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The mistake in a field; empty when there is none.
    pub(super) fn of(&self, field: &str) -> &str {
        self.0.iter().find(|mistake| mistake.field == field).map_or("", |mistake| &mistake.message)
    }

    pub(super) fn has(&self, field: &str) -> bool {
        self.0.iter().any(|mistake| mistake.field == field)
    }

    /// Adds a mistake; of a field the first is shown.
    pub(super) fn add(&mut self, field: impl Into<String>, message: &str) {
        let field = field.into();
        if !self.has(&field) && self.0.len() < MAX_SHOWN {
            self.0.push(Mistake { field, message: sentence(message) });
        }
    }

    /// Adds the mistakes that the parser of documents found.
    pub(super) fn add_diagnostics(&mut self, fields: &PolicyFields, wrong: &Diagnostics) {
        for one in wrong.iter() {
            self.add(field_id(fields, &one.field, &one.message), &one.message);
        }
    }

    /// Adds the mistakes that an error is about; returns the error when it is about none.
    pub(super) fn add_error(
        &mut self,
        fields: &PolicyFields,
        error: ServiceError,
    ) -> Result<(), ServiceError> {
        match &error {
            ServiceError::Invalid { details, .. } => {
                let problems = details.get("problems").and_then(Value::as_array);
                let Some(problems) = problems.filter(|list| !list.is_empty()) else { return Err(error) };
                for problem in problems {
                    let text = |key: &str| problem[key].as_str().unwrap_or_default();
                    self.add(field_id(fields, text("field"), text("message")), text("message"));
                }
                Ok(())
            }
            ServiceError::Store(StoreError::Invalid { problems }) => {
                for CatalogProblem { path, message, .. } in problems {
                    self.add(field_id(fields, &path.to_string(), message), message);
                }
                Ok(())
            }
            _ => Err(error),
        }
    }

    /// The mistakes with the labels of their fields, for the head of the form.
    pub(super) fn labelled(&self) -> Vec<(&str, &str)> {
        self.0.iter().map(|mistake| (mistake.field.as_str(), label(&mistake.field))).collect()
    }
}

/// The mistakes of the fields by themselves, without the rest of the catalog: the document, when there are none.
pub(super) fn read_document(fields: &PolicyFields) -> Result<Value, Mistakes> {
    let mut mistakes = Mistakes::default();
    let is_conditional = fields.kind() == domesday_model::Kind::Policy && fields.level == "entitlements";
    if is_conditional && fields.condition.is_empty() {
        mistakes.add("condition", "write a condition, such as @isInGroups('Analysts')");
    } else if !fields.condition.is_empty()
        && let Err(error) = fields.condition.parse::<Condition>()
    {
        mistakes.add("condition", &format!("expected {} but found {}", error.expected, error.found));
    }
    if fields.name.is_empty() {
        mistakes.add("name", "write a name");
    }
    match fields.to_document() {
        Ok(document) => match domesday_sources::parse_object(fields.kind(), &document.to_string()) {
            Ok(document) if mistakes.is_empty() => return Ok(document),
            Ok(_) => {}
            Err(wrong) => mistakes.add_diagnostics(fields, &wrong),
        },
        Err(list) => list.iter().for_each(|(field, message)| mistakes.add(field.as_str(), message)),
    }
    Err(mistakes)
}

/// The field that a path in a document is about.
fn field_id(fields: &PolicyFields, path: &str, message: &str) -> String {
    if let Some(rest) = path.strip_prefix("appliesTo") {
        return match fields.applies.as_str() {
            "selected" => selection::field_of(rest),
            "written" => "written".to_owned(),
            _ => "applies".to_owned(),
        };
    }
    let first = path.split(['.', '[']).next().unwrap_or_default();
    let field = match first {
        "individuals" if path.starts_with("individuals.groups") => "groups",
        "individuals" => "users",
        "mask" if path.starts_with("mask.value") => "value",
        "mask" if path.starts_with("mask.precision") => "precision",
        "columns" if path.starts_with("columns.names") => "columns-names",
        "columns" => "columns-tagged",
        "except" | "condition" => "condition",
        "type" => "kind",
        "name" | "scope" | "level" | "mask" | "owner" | "state" => first,
        _ if message.contains("`condition`") => "condition",
        _ if message.contains("`individuals`") => "users",
        _ => "name",
    };
    field.to_owned()
}

/// The label of a field.
fn label(field: &str) -> &'static str {
    let key = |key: &str| field.rsplit('-').next() == Some(key);
    match field {
        "name" => "Name",
        "kind" => "Kind",
        "scope" => "Scope",
        "level" => "Level",
        "condition" => "Condition",
        "users" => "People",
        "groups" => "Groups",
        "mask" => "Mask",
        "value" => "Value",
        "precision" => "Precision",
        "columns-tagged" => "Columns tagged",
        "columns-names" => "Columns named",
        "owner" => "Owner",
        "state" => "State",
        "written" => "Selection as JSON",
        _ => selection::KEYS.iter().find(|(name, _)| key(name)).map_or("Applies to", |(_, label)| label),
    }
}
