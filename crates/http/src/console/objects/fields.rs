//! The fields of a form: what they show of a document, and what is sent as a document.
//!
//! A field that is sent as it was shown leaves the document as it is: what the form cannot express is kept.

use std::collections::{BTreeMap, BTreeSet};

use domesday_model::Permission;
use serde_json::{Map, Value, json};

use super::columns::{ColumnsView, columns_view, merge_columns};
use super::field::{Field, FieldKind};
use super::subject::Subject;
use crate::console::form::Form;
use crate::console::people::permission_summary;

/// A field as it is shown.
pub(super) struct FieldView {
    pub(super) key: &'static str,
    pub(super) label: &'static str,
    pub(super) hint: &'static str,
    pub(super) error: String,
    /// How it is edited: `line`, `area`, `choice`, `checks` or `columns`.
    pub(super) control: &'static str,
    pub(super) is_required: bool,
    pub(super) is_optional: bool,
    pub(super) is_code: bool,
    pub(super) value: String,
    pub(super) options: Vec<FieldOption>,
    pub(super) columns: ColumnsView,
}

impl FieldView {
    /// The elements that describe the field, by id.
    pub(super) fn described_by(&self) -> String {
        let parts = [("h", self.hint.is_empty()), ("e", self.error.is_empty())];
        let ids = parts.iter().filter(|(_, is_empty)| !is_empty);
        ids.map(|(suffix, _)| format!("{}-{suffix}", self.key)).collect::<Vec<_>>().join(" ")
    }
}

/// A value of a field that is chosen.
pub(super) struct FieldOption {
    pub(super) value: String,
    pub(super) text: String,
    pub(super) about: &'static str,
    pub(super) is_chosen: bool,
}

impl FieldOption {
    fn new(value: &str, text: &str, is_chosen: bool) -> Self {
        Self { value: value.to_owned(), text: text.to_owned(), about: "", is_chosen }
    }
}

/// What is wrong with a form, by field.
pub(super) type FieldErrors = BTreeMap<&'static str, String>;

/// Returns the fields of a form as they show a document, or what was sent.
pub(super) fn field_views(
    subject: &'static Subject,
    document: &Value,
    sent: Option<&Form>,
    domains: &[String],
    errors: &FieldErrors,
    columns_page: usize,
) -> Vec<FieldView> {
    let is_new = document.as_object().is_none_or(Map::is_empty);
    let fields = subject.fields.iter().filter(|field| is_new || field.kind != FieldKind::Name);
    fields.map(|field| field.view(subject, document, sent, domains, errors, columns_page)).collect()
}

impl Field {
    fn view(
        &self,
        subject: &'static Subject,
        document: &Value,
        sent: Option<&Form>,
        domains: &[String],
        errors: &FieldErrors,
        columns_page: usize,
    ) -> FieldView {
        let value =
            sent.map_or_else(|| self.shown(&document[self.key]), |form| normalized(form.get(self.key)));
        let mut view = FieldView {
            key: self.key,
            label: self.label,
            hint: self.hint,
            error: errors.get(self.key).cloned().unwrap_or_default(),
            control: match self.kind {
                FieldKind::Name | FieldKind::Line | FieldKind::Required => "line",
                FieldKind::Text | FieldKind::Lines | FieldKind::Pairs | FieldKind::Grants => "area",
                FieldKind::Status | FieldKind::Domain => "choice",
                FieldKind::Permissions => "checks",
                FieldKind::Columns => "columns",
            },
            is_required: matches!(self.kind, FieldKind::Name | FieldKind::Required),
            is_optional: !matches!(
                self.kind,
                FieldKind::Name | FieldKind::Required | FieldKind::Status | FieldKind::Permissions
            ),
            is_code: matches!(self.kind, FieldKind::Lines | FieldKind::Pairs | FieldKind::Grants),
            value,
            options: Vec::new(),
            columns: ColumnsView::default(),
        };
        match self.kind {
            FieldKind::Status => {
                let [on, off] = subject.states.unwrap_or(["active", "disabled"]);
                let is_off = view.value == off;
                let capital = |text: &str| text[..1].to_uppercase() + &text[1..];
                view.options = vec![
                    FieldOption::new(on, &capital(on), !is_off),
                    FieldOption::new(off, &capital(off), is_off),
                ];
            }
            FieldKind::Domain => {
                let mut names: BTreeSet<&str> = domains.iter().map(String::as_str).collect();
                names.insert(&view.value);
                names.remove("");
                let none = FieldOption::new("", "No domain", view.value.is_empty());
                let named = names.into_iter().map(|name| FieldOption::new(name, name, name == view.value));
                view.options = std::iter::once(none).chain(named).collect();
            }
            FieldKind::Permissions => {
                let given: Vec<String> = match sent {
                    Some(form) => form.all(self.key).map(str::to_owned).collect(),
                    None => texts(&document[self.key]).map(str::to_owned).collect(),
                };
                let option = |permission: Permission| FieldOption {
                    about: permission_summary(permission),
                    ..FieldOption::new(
                        permission.as_str(),
                        permission.as_str(),
                        given.iter().any(|given| given == permission.as_str()),
                    )
                };
                view.options = Permission::ALL.into_iter().map(option).collect();
            }
            FieldKind::Columns => view.columns = columns_view(&document[self.key], sent, columns_page),
            _ => {}
        }
        view
    }

    /// What the field shows of its value in a document.
    fn shown(&self, value: &Value) -> String {
        match self.kind {
            FieldKind::Lines => normalized(&texts(value).collect::<Vec<_>>().join("\n")),
            FieldKind::Pairs => {
                let attributes = value.as_object().into_iter().flatten();
                let pairs = attributes
                    .flat_map(|(key, values)| texts(values).map(move |value| format!("{key} = {value}")));
                normalized(&pairs.collect::<Vec<_>>().join("\n"))
            }
            FieldKind::Grants => {
                let text = |given: &Value, key: &str| given[key].as_str().unwrap_or_default().to_owned();
                let given = value.as_array().into_iter().flatten();
                let lines = given.map(|it| format!("{} = {}", text(it, "user"), text(it, "permission")));
                normalized(&lines.collect::<Vec<_>>().join("\n"))
            }
            _ => normalized(value.as_str().unwrap_or_default()),
        }
    }

    /// Writes what was sent into a document.
    fn merge(&self, form: &Form, document: &mut Map<String, Value>) -> Result<(), String> {
        let sent = normalized(form.get(self.key));
        let before = document.get(self.key).cloned().unwrap_or_default();
        let new = match self.kind {
            FieldKind::Name if before.is_string() => return Ok(()),
            FieldKind::Columns => match merge_columns(&before, form)? {
                Some(columns) => columns,
                None => return Ok(()),
            },
            FieldKind::Permissions => {
                let sent: BTreeSet<&str> = form.all(self.key).collect();
                json!(sent)
            }
            _ if sent == self.shown(&before) => return Ok(()),
            FieldKind::Lines => json!(lines(&sent).collect::<BTreeSet<_>>()),
            FieldKind::Pairs => {
                let mut attributes: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
                for line in lines(&sent) {
                    let Some((key, value)) = line.split_once('=') else {
                        return Err(format!("The line “{line}” has no `=`. Write: key = value."));
                    };
                    attributes.entry(key.trim()).or_default().insert(value.trim());
                }
                json!(attributes)
            }
            FieldKind::Grants => {
                let mut given = Vec::new();
                for line in lines(&sent) {
                    let Some((user, permission)) = line.split_once(" = ").or_else(|| line.split_once('='))
                    else {
                        return Err(format!("The line “{line}” has no `=`. Write: username = permission."));
                    };
                    let one = json!({ "user": user.trim(), "permission": permission.trim() });
                    if !given.contains(&one) {
                        given.push(one);
                    }
                }
                Value::Array(given)
            }
            _ => Value::String(sent),
        };
        let is_empty = match &new {
            Value::String(text) => text.is_empty(),
            Value::Array(list) => list.is_empty(),
            Value::Object(object) => object.is_empty(),
            _ => false,
        };
        if is_empty {
            document.remove(self.key);
        } else {
            document.insert(self.key.to_owned(), new);
        }
        Ok(())
    }
}

/// Returns a document with what was sent, and what is wrong with fields that cannot be read.
pub(super) fn merge(subject: &'static Subject, document: &Value, form: &Form) -> (Value, FieldErrors) {
    let mut merged = document.as_object().cloned().unwrap_or_default();
    let mut errors = FieldErrors::new();
    for field in subject.fields {
        if let Err(message) = field.merge(form, &mut merged) {
            errors.insert(field.key, message);
        }
    }
    (Value::Object(merged), errors)
}

/// The labels of the fields in which two documents differ, by key.
pub(super) fn changed_keys(subject: &'static Subject, before: &Value, after: &Value) -> Vec<&'static str> {
    let changed = subject.fields.iter().filter(|field| before.get(field.key) != after.get(field.key));
    changed.map(|field| field.key).collect()
}

/// The field of the form that a field of the document, such as `groups[0]`, is in.
pub(super) fn field_of(subject: &'static Subject, path: &str) -> Option<&'static Field> {
    let key = path.split(['.', '[']).next().unwrap_or_default();
    subject.fields.iter().find(|field| field.key == key)
}

fn texts(value: &Value) -> impl Iterator<Item = &str> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str)
}

fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty())
}

/// A text as it comes back from a form.
fn normalized(text: &str) -> String {
    text.replace("\r\n", "\n").trim().to_owned()
}
