//! PATCH (RFC 7644, section 3.5.2).
//!
//! Beyond the standard, the habits of Okta and Microsoft Entra are understood: names of operations in any case of
//! letters, an object without a path whose keys are paths (`name.givenName`, `urn:…:User:department`,
//! `emails[type eq "work"].value`), members to be removed in `value`, and an `add` through a filter that selects nothing,
//! which creates the value that the filter describes. Operations on unknown attributes are ignored, and so are
//! read-only attributes in an object without a path.

use std::mem;

use domesday_model::Excerpt;
use serde_json::{Map, Value, json};

use super::error::{ScimError, ScimErrorKind};
use super::filter::{Filter, Literal, Scope, matches_element, parse_element_filter};
use super::path::{AttributePath, Target, resolve};
use super::resource::{
    Document, check, keep_one_primary, normalize_extension, normalize_value, place, writable_value,
};
use super::schema::{Attribute, Mutability, ResourceSchema};

/// The most operations of one request.
const MAX_OPERATIONS: usize = 1000;

/// What an operation does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    Add,
    Replace,
    Remove,
}

/// A member of a group, as a client names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The id of the member.
    pub value: String,
    /// Its name for people, as the client knows it.
    pub display: Option<String>,
}

impl Member {
    /// Reads members as they are stored in a list.
    pub(super) fn parse_list(value: Value) -> Result<Vec<Self>, ScimError> {
        let Value::Array(elements) = value else { return Ok(Vec::new()) };
        let parse = |mut element: Value| {
            let Value::String(value) = element["value"].take() else {
                return Err(ScimError::value("a member has no `value`; send the id of a user or group"));
            };
            let display = match element["display"].take() {
                Value::String(display) => Some(display),
                _ => None,
            };
            Ok(Self { value, display })
        };
        elements.into_iter().map(parse).collect()
    }
}

/// A change of the members of a group.
#[derive(Debug, Clone, PartialEq)]
pub enum MembersChange {
    /// These become members, beside others.
    Add(Vec<Member>),
    /// These become the members.
    Replace(Vec<Member>),
    /// Those with these ids are members no longer.
    Remove(Vec<String>),
    /// Those that the filter selects are members no longer.
    RemoveWhere(Filter),
    /// Nobody is a member.
    RemoveAll,
    /// Those that the filter selects are shown with another name, or none.
    SetDisplay(Filter, Option<String>),
}

/// One operation.
#[derive(Debug, Clone, PartialEq)]
pub struct Operation {
    action: Action,
    path: Path,
    value: Option<Value>,
}

/// Where an operation works.
#[derive(Debug, Clone, PartialEq)]
enum Path {
    Attribute(AttributePath),
    /// The values of an attribute that a filter selects, or a sub-attribute of them.
    Filtered {
        attribute: AttributePath,
        filter: Filter,
        sub: Option<String>,
    },
    Extension(String),
}

/// An operation on what is stored.
#[derive(Debug, Clone, PartialEq)]
pub enum PatchStep {
    /// A change of the document.
    Document(Operation),
    /// A change of the members of a group.
    Members(MembersChange),
}

/// Parses the body of a PATCH on a resource of a kind.
///
/// # Errors
/// `invalidSyntax`, `invalidPath`, `invalidFilter`, `invalidValue`, `noTarget`, `mutability` or `tooMany`, with the number
/// of the operation.
pub fn parse_patch(schema: &ResourceSchema, body: Value) -> Result<Vec<PatchStep>, ScimError> {
    let Value::Object(body) = body else { return Err(ScimError::syntax("the body must be a JSON object")) };
    let operations = body.into_iter().find(|(key, _)| key.eq_ignore_ascii_case("Operations"));
    let Some((_, Value::Array(operations))) = operations else {
        return Err(ScimError::syntax("`Operations` is missing; send a list of operations"));
    };
    if operations.is_empty() {
        return Err(ScimError::syntax("`Operations` is empty; send at least one operation"));
    }
    if operations.len() > MAX_OPERATIONS {
        let detail = format!(
            "the request has {} operations, at most {MAX_OPERATIONS} are allowed; send several requests",
            operations.len()
        );
        return Err(ScimError::new(ScimErrorKind::TooMany, detail));
    }
    let mut steps = Vec::new();
    for (number, operation) in (1..).zip(operations) {
        parse_operation(schema, operation, &mut steps).map_err(|error| ScimError {
            detail: format!("operation {number}: {}", error.detail),
            ..error
        })?;
    }
    Ok(steps)
}

fn parse_operation(
    schema: &ResourceSchema,
    operation: Value,
    steps: &mut Vec<PatchStep>,
) -> Result<(), ScimError> {
    let Value::Object(operation) = operation else {
        return Err(ScimError::syntax("an operation must be a JSON object"));
    };
    let (mut action, mut path, mut value) = (None, None, None);
    for (key, found) in operation {
        match (key.to_ascii_lowercase().as_str(), found) {
            ("op", Value::String(name)) => action = Some(parse_action(&name)?),
            ("path", Value::String(text)) if !text.trim().is_empty() => path = Some(text),
            ("path", Value::String(_) | Value::Null) => {}
            ("op" | "path", _) => return Err(ScimError::syntax("`op` and `path` must be texts")),
            ("value", found) => value = Some(found).filter(|value| !value.is_null()),
            _ => {}
        }
    }
    let Some(action) = action else {
        return Err(ScimError::syntax("`op` is missing; send `add`, `replace` or `remove`"));
    };
    match (path, action, value) {
        (None, Action::Remove, _) => Err(ScimError::new(ScimErrorKind::NoTarget, "`remove` needs a `path`")),
        (Some(path), action, value) => {
            if let Some(path) = parse_path(&path, schema)? {
                check_writable(schema, &path)?;
                steps.push(step(schema, Operation { action, path, value })?);
            }
            Ok(())
        }
        (None, action, Some(Value::Object(values))) => {
            for (key, value) in values {
                parse_keyed_value(schema, action, &key, value, steps)?;
            }
            Ok(())
        }
        (None, _, _) => Err(ScimError::value(
            "without a `path`, `value` must be an object with the attributes to be changed",
        )),
    }
}

fn parse_action(name: &str) -> Result<Action, ScimError> {
    match name.trim().to_ascii_lowercase().as_str() {
        "add" => Ok(Action::Add),
        "replace" => Ok(Action::Replace),
        "remove" => Ok(Action::Remove),
        _ => {
            Err(ScimError::syntax(format!("`op` is `{}`; send `add`, `replace` or `remove`", Excerpt(name))))
        }
    }
}

/// Reads one key of an object without a path.
fn parse_keyed_value(
    schema: &ResourceSchema,
    action: Action,
    key: &str,
    value: Value,
    steps: &mut Vec<PatchStep>,
) -> Result<(), ScimError> {
    let Some(path) = parse_path(key, schema)? else { return Ok(()) };
    if check_writable(schema, &path).is_err() {
        return Ok(());
    }
    let operation = match value {
        Value::Null if action == Action::Add => return Ok(()),
        // No value replaces the value.
        Value::Null => Operation { action: Action::Remove, path, value: None },
        value => Operation { action, path, value: Some(value) },
    };
    steps.push(step(schema, operation)?);
    Ok(())
}

/// Parses a path (RFC 7644, figure 7); none for one of an unknown attribute.
fn parse_path(text: &str, schema: &ResourceSchema) -> Result<Option<Path>, ScimError> {
    let text = text.trim();
    let is_name_character = |c: char| c.is_ascii_alphanumeric() || "-_$.:/".contains(c);
    let (name, filter) = match text.split_once('[') {
        Some((name, filter)) => (name, Some(filter)),
        None => (text, None),
    };
    if name.is_empty() || !name.chars().all(is_name_character) {
        return Err(ScimError::path(format!(
            "`{}` is no path; send an attribute such as `name.familyName` or `emails[type eq \"work\"].value`",
            Excerpt(text)
        )));
    }
    let target = resolve(name, schema);
    let definition = match &target {
        Target::Attribute(path) => path.definition(schema),
        Target::Extension(_) | Target::Unknown => None,
    };
    let Some(filter) = filter else {
        return Ok(match target {
            Target::Attribute(path) => Some(Path::Attribute(path)),
            Target::Extension(id) => Some(Path::Extension(id)),
            Target::Unknown => None,
        });
    };
    let scope = match definition {
        None => Scope::Unknown,
        Some(definition) if definition.is_multi_valued && !definition.sub_attributes.is_empty() => {
            Scope::Element(definition)
        }
        Some(_) => {
            return Err(ScimError::path(format!(
                "`{}` is no list, so no filter selects from it",
                Excerpt(name)
            )));
        }
    };
    let (filter, rest) = parse_element_filter(filter, scope)
        .map_err(|error| ScimError::new(ScimErrorKind::InvalidPath, format!("path, {}", error.detail)))?;
    let sub = match rest.trim() {
        "" => None,
        rest => match rest
            .strip_prefix('.')
            .filter(|sub| sub.chars().all(|c| c.is_ascii_alphanumeric() || c == '$'))
        {
            Some(sub) => Some(sub),
            None => {
                return Err(ScimError::path(format!(
                    "`{}` cannot follow the filter of a path",
                    Excerpt(rest)
                )));
            }
        },
    };
    let (Target::Attribute(attribute), Some(definition)) = (target, definition) else { return Ok(None) };
    match sub {
        None => Ok(Some(Path::Filtered { attribute, filter, sub: None })),
        Some(sub) => Ok(definition.sub_attribute(sub).map(|sub| Path::Filtered {
            attribute,
            filter,
            sub: Some(sub.name.clone()),
        })),
    }
}

/// Refuses what clients do not write.
fn check_writable(schema: &ResourceSchema, path: &Path) -> Result<(), ScimError> {
    let (attribute, sub) = match path {
        Path::Extension(_) => return Ok(()),
        Path::Attribute(path) => (path, path.sub.as_deref()),
        Path::Filtered { attribute, sub, .. } => (attribute, sub.as_deref()),
    };
    let Some(definition) = attribute.definition(schema) else { return Ok(()) };
    let part = sub.and_then(|sub| definition.sub_attribute(sub));
    let is_fixed = |mutability| matches!(mutability, Mutability::ReadOnly);
    let is_immutable = part.is_some_and(|part| part.mutability == Mutability::Immutable);
    if is_fixed(definition.mutability) || part.is_some_and(|part| is_fixed(part.mutability)) || is_immutable {
        let name = match part {
            Some(part) => format!("{}.{}", definition.name, part.name),
            None => definition.name.clone(),
        };
        return Err(ScimError::new(ScimErrorKind::Mutability, format!("`{name}` cannot be changed")));
    }
    Ok(())
}

/// Returns the step of an operation: one on the members of a group is no change of its document.
fn step(schema: &ResourceSchema, operation: Operation) -> Result<PatchStep, ScimError> {
    let members = match &operation.path {
        Path::Attribute(path) | Path::Filtered { attribute: path, .. } => path,
        Path::Extension(_) => return Ok(PatchStep::Document(operation)),
    };
    let definition = members.definition(schema).filter(|_| members.extension.is_none());
    let Some(definition) = definition.filter(|definition| definition.name == "members") else {
        return Ok(PatchStep::Document(operation));
    };
    let Operation { action, path, value } = operation;
    let parse = |value: Option<Value>| {
        let value = value.ok_or_else(|| ScimError::value("`value` is missing: the members"))?;
        Member::parse_list(normalize_value(definition, value)?.unwrap_or_else(|| json!([])))
    };
    let change = match (path, action) {
        (Path::Attribute(AttributePath { sub: Some(_), .. }), _) => {
            return Err(ScimError::path("a sub-attribute of members needs a filter that selects them"));
        }
        (Path::Filtered { filter, sub: Some(_), .. }, action) => match (action, value) {
            (Action::Remove, _) => MembersChange::SetDisplay(filter, None),
            (_, Some(Value::String(display))) => MembersChange::SetDisplay(filter, Some(display)),
            _ => return Err(ScimError::value("`value` must be a text: the name that is shown")),
        },
        (Path::Filtered { filter, .. }, Action::Remove) => match filter.as_values() {
            Some(values) => MembersChange::Remove(values),
            None => MembersChange::RemoveWhere(filter),
        },
        (Path::Filtered { .. }, _) => {
            let detail = "a member cannot be changed; remove it and add another";
            return Err(ScimError::new(ScimErrorKind::Mutability, detail));
        }
        (_, Action::Add) => MembersChange::Add(parse(value)?),
        (_, Action::Replace) => MembersChange::Replace(parse(value)?),
        (_, Action::Remove) => match value {
            None => MembersChange::RemoveAll,
            // Microsoft Entra names the members to be removed here.
            Some(value) => {
                let members = parse(Some(value))?;
                MembersChange::Remove(members.into_iter().map(|member| member.value).collect())
            }
        },
    };
    Ok(PatchStep::Members(change))
}

impl Operation {
    /// Changes a document.
    ///
    /// # Errors
    /// When the value is not one that the attribute takes, the filter selects nothing, or the attribute is required.
    pub fn apply(self, schema: &ResourceSchema, document: &mut Document) -> Result<(), ScimError> {
        let Self { action, path, value } = self;
        match path {
            Path::Extension(id) => apply_to_extension(schema, document, action, &id, value)?,
            Path::Attribute(path) => apply_to_attribute(schema, document, action, &path, value)?,
            Path::Filtered { attribute, filter, sub } => {
                let Some(definition) = attribute.definition(schema) else { return Ok(()) };
                let elements = take(document, &attribute);
                let mut elements = match elements {
                    Some(Value::Array(elements)) => elements,
                    other => other.into_iter().collect(),
                };
                change_selected(definition, &mut elements, action, &filter, sub.as_deref(), value)?;
                put_back(document, &attribute, Value::Array(elements));
            }
        }
        check(schema, document)
    }
}

fn required_value(value: Option<Value>) -> Result<Value, ScimError> {
    value.ok_or_else(|| ScimError::value("`value` is missing"))
}

fn apply_to_extension(
    schema: &ResourceSchema,
    document: &mut Document,
    action: Action,
    id: &str,
    value: Option<Value>,
) -> Result<(), ScimError> {
    if action == Action::Remove {
        document.shift_remove(id);
        return Ok(());
    }
    let values = normalize_extension(schema, id, required_value(value)?)?;
    let stored = document.entry(id).or_insert_with(|| json!({}));
    if let (Value::Object(stored), Some(values)) = (stored, values) {
        stored.extend(values);
    }
    remove_if_empty(document, id);
    Ok(())
}

fn remove_if_empty(document: &mut Document, key: &str) {
    let is_empty = |value: &Value| *value == json!({}) || *value == json!([]);
    if document.get(key).is_some_and(is_empty) {
        document.shift_remove(key);
    }
}

/// Takes the value of an attribute out of the document.
fn take(document: &mut Document, path: &AttributePath) -> Option<Value> {
    match &path.extension {
        None => document.get_mut(&path.attribute).map(mem::take),
        Some(id) => document.get_mut(id)?.get_mut(&path.attribute).map(mem::take),
    }
}

/// Puts the value of an attribute in its place; removes the attribute when the value is empty.
fn put_back(document: &mut Document, path: &AttributePath, value: Value) {
    let is_empty = value.is_null() || value == json!({}) || value == json!([]);
    if !is_empty {
        place(document, path.extension.as_deref(), &path.attribute, value);
        return;
    }
    match &path.extension {
        None => drop(document.shift_remove(&path.attribute)),
        Some(id) => {
            if let Some(Value::Object(values)) = document.get_mut(id) {
                values.shift_remove(&path.attribute);
            }
            remove_if_empty(document, id);
        }
    }
}

fn apply_to_attribute(
    schema: &ResourceSchema,
    document: &mut Document,
    action: Action,
    path: &AttributePath,
    value: Option<Value>,
) -> Result<(), ScimError> {
    let Some(definition) = path.definition(schema) else { return Ok(()) };
    if definition.mutability == Mutability::WriteOnly {
        return Ok(());
    }
    if action == Action::Remove && definition.is_required && path.sub.is_none() {
        let detail = format!("`{}` is required and cannot be removed", definition.name);
        return Err(ScimError::new(ScimErrorKind::Mutability, detail));
    }
    let stored = take(document, path);
    let changed = match (&path.sub, action) {
        (None, Action::Remove) => match (stored, value) {
            // Only the values that the operation names.
            (Some(Value::Array(elements)), Some(value)) if definition.is_multi_valued => {
                Value::Array(without(definition, elements, value)?)
            }
            _ => Value::Null,
        },
        (None, Action::Add | Action::Replace) => {
            let value = writable_value(definition, required_value(value)?)?;
            merge(action, stored, value)
        }
        (Some(sub), action) => {
            let value = match action {
                Action::Remove => None,
                Action::Add | Action::Replace => sub_value(definition, sub, required_value(value)?)?,
            };
            change_sub(definition, stored, sub, value)
        }
    };
    put_back(document, path, changed);
    Ok(())
}

/// Returns the elements that none of the values in a removal describes.
fn without(definition: &Attribute, elements: Vec<Value>, value: Value) -> Result<Vec<Value>, ScimError> {
    let removed = match normalize_value(definition, value)? {
        Some(Value::Array(removed)) => removed,
        _ => Vec::new(),
    };
    let describes = |removed: &Value, element: &Value| match (removed, element) {
        (Value::Object(removed), Value::Object(element)) => {
            removed.iter().all(|(key, value)| element.get(key) == Some(value))
        }
        (removed, element) => removed == element,
    };
    let is_left = |element: &Value| !removed.iter().any(|removed| describes(removed, element));
    Ok(elements.into_iter().filter(is_left).collect())
}

/// Returns a value after another was added to it, or took its place.
fn merge(action: Action, stored: Option<Value>, value: Option<Value>) -> Value {
    match (action, stored, value) {
        (Action::Add, Some(stored), None) => stored,
        (_, _, None) => Value::Null,
        (Action::Add, Some(Value::Array(mut elements)), Some(Value::Array(added))) => {
            let start = elements.len();
            let added: Vec<_> = added.into_iter().filter(|element| !elements.contains(element)).collect();
            elements.extend(added);
            keep_one_primary(&mut elements, start);
            Value::Array(elements)
        }
        // A complex value is replaced by its sub-attributes (RFC 7644, section 3.5.2.3).
        (_, Some(Value::Object(mut stored)), Some(Value::Object(values))) => {
            stored.extend(values);
            Value::Object(stored)
        }
        (_, _, Some(value)) => value,
    }
}

fn sub_value(definition: &Attribute, sub: &str, value: Value) -> Result<Option<Value>, ScimError> {
    match definition.sub_attribute(sub) {
        Some(sub) => normalize_value(sub, value),
        None => Ok(Some(value)),
    }
}

fn set_sub(element: &mut Map<String, Value>, sub: &str, value: Option<Value>) {
    match value {
        Some(value) => drop(element.insert(sub.to_owned(), value)),
        None => drop(element.shift_remove(sub)),
    }
}

/// Returns a value with another sub-attribute: of each value in a list, or of a new value where there is none.
fn change_sub(definition: &Attribute, stored: Option<Value>, sub: &str, value: Option<Value>) -> Value {
    if !definition.is_multi_valued {
        let mut object = match stored {
            Some(Value::Object(object)) => object,
            _ => Map::new(),
        };
        set_sub(&mut object, sub, value);
        return Value::Object(object);
    }
    let mut elements = match stored {
        Some(Value::Array(elements)) => elements,
        _ => Vec::new(),
    };
    if elements.is_empty() && value.is_some() {
        elements.push(json!({}));
    }
    for element in elements.iter_mut().filter_map(Value::as_object_mut) {
        set_sub(element, sub, value.clone());
    }
    elements.retain(|element| *element != json!({}));
    keep_one_primary(&mut elements, 0);
    Value::Array(elements)
}

/// Changes the values of a list that a filter selects.
fn change_selected(
    definition: &Attribute,
    elements: &mut Vec<Value>,
    action: Action,
    filter: &Filter,
    sub: Option<&str>,
    value: Option<Value>,
) -> Result<(), ScimError> {
    if action == Action::Remove && sub.is_none() {
        elements.retain(|element| !matches_element(filter, element));
        return Ok(());
    }
    let change = match (action, sub) {
        (Action::Remove, _) => None,
        (_, Some(sub)) => sub_value(definition, sub, required_value(value)?)?,
        (_, None) => {
            let one = Attribute { is_multi_valued: false, ..definition.clone() };
            normalize_value(&one, required_value(value)?)?
        }
    };
    let mut is_any = false;
    let mut last = 0;
    for (position, element) in elements.iter_mut().enumerate() {
        if matches_element(filter, element) {
            (is_any, last) = (true, position);
            apply_change(element, action, sub, change.clone());
        }
    }
    if !is_any {
        match action {
            Action::Remove => {}
            Action::Replace => {
                let detail = format!("the filter selects none of the values of `{}`", definition.name);
                return Err(ScimError::new(ScimErrorKind::NoTarget, detail));
            }
            Action::Add => {
                let mut element = described(filter);
                apply_change(&mut element, action, sub, change);
                last = elements.len();
                elements.push(element);
            }
        }
    }
    elements.retain(|element| *element != json!({}));
    keep_one_primary(elements, last);
    Ok(())
}

fn apply_change(element: &mut Value, action: Action, sub: Option<&str>, change: Option<Value>) {
    match (sub, change) {
        (Some(sub), change) => {
            if let Value::Object(element) = element {
                set_sub(element, sub, change);
            }
        }
        (None, Some(Value::Object(values))) if action == Action::Add => {
            if let Value::Object(element) = element {
                element.extend(values);
            }
        }
        (None, Some(value)) => *element = value,
        (None, None) => {}
    }
}

/// Returns the value that the filter of a path describes by equality.
fn described(filter: &Filter) -> Value {
    let mut element = Map::new();
    for (path, literal) in filter.equalities() {
        let value = match literal {
            Literal::Text(text) => json!(text),
            Literal::Number(number) => json!(number.to_string()),
            Literal::Boolean(boolean) => json!(boolean),
            Literal::Null => continue,
        };
        element.insert(path.attribute.clone(), value);
    }
    Value::Object(element)
}
