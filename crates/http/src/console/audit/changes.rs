//! What differs between the states before and after a change: only that, field by field.

use std::collections::BTreeMap;

use serde_json::Value;

/// A field that differs, with what was removed from it and what was added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::console) struct Change {
    /// Its place, such as `attributes.Region` or `columns.email.tags`.
    pub(in crate::console) field: String,
    pub(in crate::console) removed: Vec<String>,
    pub(in crate::console) added: Vec<String>,
}

/// The changes of an entry, as far as they are shown.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(in crate::console) struct Changes {
    pub(in crate::console) list: Vec<Change>,
    /// How many more there are.
    pub(in crate::console) more: usize,
}

/// How much is shown.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    /// How many changes.
    pub(super) changes: usize,
    /// How many values of each.
    pub(super) values: usize,
    /// How many characters of each value.
    pub(super) characters: usize,
}

impl Bounds {
    /// Those of a row in a list.
    pub(super) const ROW: Self = Self { changes: 4, values: 6, characters: 120 };
    /// Those of a row about an object that was created or deleted, of which every field differs.
    pub(super) const WHOLE: Self = Self { changes: 2, ..Self::ROW };
    /// Those of a page.
    pub(super) const PAGE: Self = Self { changes: 1000, values: 1000, characters: 20_000 };
}

/// Compares two states.
pub(super) fn changes(before: Option<&Value>, after: Option<&Value>, bounds: Bounds) -> Changes {
    let mut list = Vec::new();
    compare("", before, after, &mut list);
    let more = list.len().saturating_sub(bounds.changes);
    list.truncate(bounds.changes);
    for change in &mut list {
        for values in [&mut change.removed, &mut change.added] {
            let more = values.len().saturating_sub(bounds.values);
            values.truncate(bounds.values);
            for value in values.iter_mut() {
                if value.chars().count() > bounds.characters {
                    *value = value.chars().take(bounds.characters).chain(['…']).collect();
                }
            }
            if more > 0 {
                values.push(format!("and {more} more"));
            }
        }
    }
    Changes { list, more }
}

fn compare(place: &str, before: Option<&Value>, after: Option<&Value>, list: &mut Vec<Change>) {
    if before == after {
        return;
    }
    if let Some((before, after)) = parts(before).zip(parts(after)) {
        let mut all: BTreeMap<&str, [Option<&Value>; 2]> = BTreeMap::new();
        for (side, parts) in [before, after].into_iter().enumerate() {
            for (name, value) in parts {
                all.entry(name).or_default()[side] = Some(value);
            }
        }
        for (name, [before, after]) in all {
            let place = if place.is_empty() { name.to_owned() } else { format!("{place}.{name}") };
            compare(&place, before, after, list);
        }
        return;
    }
    let (before, after) = (items(before), items(after));
    let only = |these: &[&Value], others: &[&Value]| {
        let texts = these.iter().filter(|item| !others.contains(item)).map(|item| text(item));
        texts.collect::<Vec<_>>()
    };
    let (removed, added) = (only(&before, &after), only(&after, &before));
    let field = if place.is_empty() { "value".to_owned() } else { place.to_owned() };
    if removed.is_empty() && added.is_empty() {
        let all = |items: &[&Value]| vec![items.iter().map(|item| text(item)).collect::<Vec<_>>().join(", ")];
        list.push(Change { field, removed: all(&before), added: all(&after) });
    } else {
        list.push(Change { field, removed, added });
    }
}

/// The parts of a value by name: the fields of an object, or the objects with names in a list. None for other values;
/// nothing where there is no value.
fn parts(value: Option<&Value>) -> Option<Vec<(&str, &Value)>> {
    match value {
        None => Some(Vec::new()),
        Some(Value::Object(fields)) => {
            Some(fields.iter().map(|(name, value)| (name.as_str(), value)).collect())
        }
        Some(Value::Array(items)) if !items.is_empty() => {
            let mut named: Vec<(&str, &Value)> =
                items.iter().map(|item| Some((item.get("name")?.as_str()?, item))).collect::<Option<_>>()?;
            named.sort_by_key(|(name, _)| *name);
            let is_unique = named.windows(2).all(|pair| pair[0].0 != pair[1].0);
            is_unique.then_some(named)
        }
        Some(_) => None,
    }
}

fn items(value: Option<&Value>) -> Vec<&Value> {
    match value {
        None => Vec::new(),
        Some(Value::Array(items)) => items.iter().collect(),
        Some(value) => vec![value],
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The changes in words; null is none.
    fn shown(before: &Value, after: &Value) -> Vec<String> {
        let side = |value| Some(value).filter(|value: &&Value| !value.is_null());
        let changes = changes(side(before), side(after), Bounds::PAGE);
        let line = |change: &Change| format!("{}: {:?} -> {:?}", change.field, change.removed, change.added);
        changes.list.iter().map(line).collect()
    }

    #[test]
    fn only_what_changed_is_shown() {
        assert_eq!(
            shown(
                &json!({ "state": "staged", "groups": ["a", "b"], "attributes": { "Region": ["EU"], "Team": ["x"] } }),
                &json!({ "state": "active", "groups": ["b", "c"], "attributes": { "Region": ["EU", "US"] } }),
            ),
            [
                "attributes.Region: [] -> [\"US\"]",
                "attributes.Team: [\"x\"] -> []",
                "groups: [\"a\"] -> [\"c\"]",
                "state: [\"staged\"] -> [\"active\"]",
            ]
        );
        let column = |name: &str, tag: &str| json!({ "name": name, "tags": [tag] });
        assert_eq!(
            shown(
                &json!({ "columns": [column("id", "A"), column("mail", "A")] }),
                &json!({ "columns": [column("mail", "B"), column("id", "A")] }),
            ),
            ["columns.mail.tags: [\"A\"] -> [\"B\"]"]
        );
        assert_eq!(
            shown(&Value::Null, &json!({ "name": "x", "n": 1 })),
            ["n: [] -> [\"1\"]", "name: [] -> [\"x\"]"]
        );
        assert_eq!(shown(&json!("a"), &json!("b")), ["value: [\"a\"] -> [\"b\"]"]);
        assert_eq!(shown(&json!(["a", "b"]), &json!(["b", "a"])), ["value: [\"a, b\"] -> [\"b, a\"]"]);
        assert_eq!(shown(&Value::Null, &Value::Null), Vec::<String>::new());
    }

    #[test]
    fn what_is_shown_is_bounded() {
        let after =
            json!({ "a": "x".repeat(500), "b": 1, "c": [1, 2, 3, 4, 5, 6, 7, 8], "d": 1, "e": 1, "f": 1 });
        let found = changes(None, Some(&after), Bounds::ROW);
        assert_eq!((found.list.len(), found.more), (4, 2));
        assert_eq!(found.list[0].added[0].chars().count(), 121);
        assert_eq!(found.list[2].added.last().map(String::as_str), Some("and 2 more"));
    }
}
