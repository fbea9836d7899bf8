//! Changes the values of a list.

use serde_json::{Map, Value, json};

use super::super::error::{ScimError, ScimErrorKind};
use super::super::filter::{Filter, Literal, matches_element};
use super::super::resource::{keep_one_primary, normalize_value};
use super::super::schema::Attribute;
use super::operation::Action;

/// Returns the value of an operation that needs one.
pub(super) fn required_value(value: Option<Value>) -> Result<Value, ScimError> {
    value.ok_or_else(|| ScimError::value("`value` is missing"))
}

/// Returns the elements that none of the values in a removal describes.
pub(super) fn without(
    definition: &Attribute,
    elements: Vec<Value>,
    value: Value,
) -> Result<Vec<Value>, ScimError> {
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
pub(super) fn merge(action: Action, stored: Option<Value>, value: Option<Value>) -> Value {
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

pub(super) fn sub_value(definition: &Attribute, sub: &str, value: Value) -> Result<Option<Value>, ScimError> {
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
pub(super) fn change_sub(
    definition: &Attribute,
    stored: Option<Value>,
    sub: &str,
    value: Option<Value>,
) -> Value {
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
pub(super) fn change_selected(
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
