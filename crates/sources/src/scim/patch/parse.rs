//! Reads the operations of a PATCH.

use domesday_model::Excerpt;
use serde_json::{Value, json};

use super::super::error::{ScimError, ScimErrorKind};
use super::super::filter::{Scope, parse_element_filter};
use super::super::member::Member;
use super::super::path::{AttributePath, Target, resolve};
use super::super::resource::normalize_value;
use super::super::schema::{Mutability, ResourceSchema};
use super::operation::{Action, MembersChange, Operation, PatchStep, Path};

/// The most operations of one request.
const MAX_OPERATIONS: usize = 1000;

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
        // The filter describes who is added: a single member by path.
        (Path::Filtered { filter, sub, .. }, Action::Add) => {
            let display = match (sub, value) {
                (Some(_), Some(Value::String(display))) => Some(display),
                (None, Some(Value::Object(mut member))) => {
                    member.shift_remove("display").and_then(|display| display.as_str().map(str::to_owned))
                }
                (None, _) => None,
                _ => return Err(ScimError::value("`value` must be a text: the name that is shown")),
            };
            let members = filter.as_values().ok_or_else(|| {
                let detail = "a member is added by its id, as in `members[value eq \"…\"]`";
                ScimError::new(ScimErrorKind::NoTarget, detail)
            })?;
            let member = |value| Member { value, display: display.clone() };
            MembersChange::Add(members.into_iter().map(member).collect())
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
        (Path::Filtered { .. }, Action::Replace) => {
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
