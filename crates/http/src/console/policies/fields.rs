//! The fields of the editor, and the document in the catalog format that they stand for: one conversion, both ways.

use domesday_model::{AppliesTo, Kind};
use serde_json::{Value, json};

use super::entries::{join, split};
use super::selection::{self, SelectionFields};
use crate::console::form::Form;

/// What a policy is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum PolicyType {
    /// A grant.
    #[default]
    Grant,
    /// A guardrail.
    Guardrail,
    /// A data policy.
    Mask,
}

impl PolicyType {
    pub(super) const ALL: [Self; 3] = [Self::Grant, Self::Guardrail, Self::Mask];

    /// The value in forms and addresses.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Grant => "grant",
            Self::Guardrail => "guardrail",
            Self::Mask => "mask",
        }
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == text)
    }

    /// The kind of its object.
    pub(super) fn kind(self) -> Kind {
        match self {
            Self::Grant | Self::Guardrail => Kind::Policy,
            Self::Mask => Kind::DataPolicy,
        }
    }
}

/// The fields, as they were typed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct PolicyFields {
    pub(super) policy_type: PolicyType,
    pub(super) name: String,
    pub(super) scope: String,
    pub(super) level: String,
    /// The condition of a grant or guardrail, or the exception of a data policy.
    pub(super) condition: String,
    pub(super) users: String,
    pub(super) groups: String,
    pub(super) mask: String,
    pub(super) value: String,
    /// Whether `value` is written as JSON, and not a text.
    pub(super) is_json: bool,
    pub(super) precision: String,
    pub(super) columns_tagged: String,
    pub(super) columns_named: String,
    /// `all`, `optIn`, `selected` or `written`.
    pub(super) applies: String,
    pub(super) selections: Vec<SelectionFields>,
    /// An `appliesTo` that does not fit the fields, as JSON.
    pub(super) written: String,
    pub(super) owner: String,
    pub(super) state: String,
    /// The instant that the document declares; shown nowhere, and kept.
    pub(super) created_at: String,
}

impl PolicyFields {
    /// The fields of a new policy.
    pub(super) fn new() -> Self {
        let text = str::to_owned;
        Self {
            scope: text("read"),
            level: text("entitlements"),
            mask: text("hash"),
            applies: text("selected"),
            selections: vec![SelectionFields::default()],
            state: text("staged"),
            ..Self::default()
        }
    }

    /// Reads the fields of a form that was sent.
    pub(super) fn from_form(form: &Form) -> Self {
        let text = |name: &str| form.get(name).to_owned();
        // Positions in a condition are those of what was typed.
        let typed = |name: &str| {
            let text = form.all(name).next().unwrap_or_default().replace("\r\n", "\n");
            if text.trim().is_empty() { String::new() } else { text }
        };
        Self {
            policy_type: PolicyType::parse(form.get("kind")).unwrap_or_default(),
            name: text("name"),
            scope: text("scope"),
            level: text("level"),
            condition: typed("condition"),
            users: text("users"),
            groups: text("groups"),
            mask: text("mask"),
            value: text("value"),
            is_json: form.get("value-type") == "json",
            precision: text("precision"),
            columns_tagged: text("columns-tagged"),
            columns_named: text("columns-names"),
            applies: text("applies"),
            selections: selection::from_form(form),
            written: typed("written"),
            owner: text("owner"),
            state: text("state"),
            created_at: text("created-at"),
        }
    }

    /// Returns a valid document as fields.
    pub(super) fn from_document(kind: Kind, document: &Value) -> Self {
        let text = |value: &Value, default: &str| value.as_str().unwrap_or(default).to_owned();
        let list = |value: &Value| join(value.as_array().into_iter().flatten().filter_map(Value::as_str));
        let (value, is_json) = constant(&document["mask"]["value"]);
        let (applies, selections, written) = applies_to(&document["appliesTo"]);
        let precision = &document["mask"]["precision"];
        let condition = if kind == Kind::DataPolicy { "except" } else { "condition" };
        Self {
            policy_type: match (kind, document["type"].as_str()) {
                (Kind::DataPolicy, _) => PolicyType::Mask,
                (_, Some("guardrail")) => PolicyType::Guardrail,
                _ => PolicyType::Grant,
            },
            name: text(&document["name"], ""),
            scope: text(&document["scope"], "read"),
            level: text(&document["level"], "entitlements"),
            condition: text(&document[condition], ""),
            users: list(&document["individuals"]["users"]),
            groups: list(&document["individuals"]["groups"]),
            mask: text(&document["mask"]["kind"], "hash"),
            value,
            is_json,
            precision: if precision.is_null() { String::new() } else { precision.to_string() },
            columns_tagged: list(&document["columns"]["tagged"]),
            columns_named: list(&document["columns"]["names"]),
            applies,
            selections,
            written,
            owner: text(&document["owner"], ""),
            state: text(&document["state"], "active"),
            created_at: text(&document["createdAt"], ""),
        }
    }

    /// The kind of the object.
    pub(super) fn kind(&self) -> Kind {
        self.policy_type.kind()
    }

    /// Returns the document, which is as valid as the fields are; or the fields that cannot be written in it, each with
    /// what to do.
    pub(super) fn to_document(&self) -> Result<Value, Vec<(String, String)>> {
        let mut mistakes = Vec::new();
        let mut document = json!({ "name": self.name, "state": self.state });
        match self.policy_type {
            PolicyType::Grant | PolicyType::Guardrail => {
                document["type"] = self.policy_type.as_str().into();
                document["scope"] = self.scope.as_str().into();
                document["level"] = self.level.as_str().into();
                match self.level.as_str() {
                    "entitlements" => document["condition"] = self.condition.as_str().into(),
                    "individuals" => {
                        document["individuals"] =
                            json!({ "users": split(&self.users), "groups": split(&self.groups) });
                    }
                    _ => {}
                }
            }
            PolicyType::Mask => {
                document["mask"] = self.mask_document(&mut mistakes);
                document["columns"] =
                    json!({ "tagged": split(&self.columns_tagged), "names": split(&self.columns_named) });
                if !self.condition.is_empty() {
                    document["except"] = self.condition.as_str().into();
                }
            }
        }
        document["appliesTo"] = self.applies_to_document().unwrap_or_else(|error| {
            mistakes.push(("written".to_owned(), error));
            Value::Null
        });
        for (key, text) in [("owner", &self.owner), ("createdAt", &self.created_at)] {
            if !text.is_empty() {
                document[key] = text.as_str().into();
            }
        }
        if mistakes.is_empty() { Ok(document) } else { Err(mistakes) }
    }

    fn mask_document(&self, mistakes: &mut Vec<(String, String)>) -> Value {
        let mut mask = json!({ "kind": self.mask });
        let parse = |text: &str| serde_json::from_str::<Value>(text);
        match self.mask.as_str() {
            "constant" if self.is_json => match parse(&self.value) {
                Ok(value) => mask["value"] = value,
                Err(error) => mistakes.push(("value".to_owned(), format!("this is not JSON: {error}"))),
            },
            "constant" => mask["value"] = self.value.as_str().into(),
            "rounding" => match parse(&self.precision) {
                Ok(value @ Value::Number(_)) => mask["precision"] = value,
                _ => mistakes.push(("precision".to_owned(), "write a number, such as 100 or 0.5".to_owned())),
            },
            _ => {}
        }
        mask
    }

    /// Returns what the policy applies to, in the catalog format.
    pub(super) fn applies_to_document(&self) -> Result<Value, String> {
        match self.applies.as_str() {
            "selected" => Ok(selection::to_document(&self.selections)),
            "written" => {
                serde_json::from_str(&self.written).map_err(|error| format!("this is not JSON: {error}"))
            }
            word => Ok(word.into()),
        }
    }
}

/// A constant as a field, and whether it is written as JSON: forms change the white space around a text.
fn constant(value: &Value) -> (String, bool) {
    match value {
        Value::Null => (String::new(), false),
        Value::String(text) if text.trim() == text && !text.chars().any(char::is_control) => {
            (text.clone(), false)
        }
        other => (other.to_string(), true),
    }
}

/// An `appliesTo` as fields: the way of choosing, the selections, and the text of one that does not fit them.
fn applies_to(document: &Value) -> (String, Vec<SelectionFields>, String) {
    let read = serde_json::from_value::<AppliesTo>(document.clone());
    let written = || serde_json::to_string_pretty(document).unwrap_or_default();
    match read {
        Ok(AppliesTo::All) => ("all".to_owned(), vec![SelectionFields::default()], String::new()),
        Ok(AppliesTo::OptIn) => ("optIn".to_owned(), vec![SelectionFields::default()], String::new()),
        Ok(some) => match selection::from_applies_to(&some) {
            Some(selections) => ("selected".to_owned(), selections, String::new()),
            None => ("written".to_owned(), vec![SelectionFields::default()], written()),
        },
        Err(_) => ("written".to_owned(), vec![SelectionFields::default()], written()),
    }
}
