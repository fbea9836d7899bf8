//! What a policy applies to, as fields: the data sources that any of some selections selects, each with exceptions.

use domesday_model::{AppliesTo, Selector};
use serde_json::{Map, Value, json};

use super::entries;
use crate::console::form::Form;

/// How many selections the editor has at most, and how many exceptions each.
pub(super) const MAX_SELECTIONS: usize = 20;

/// The keys of a selection in the catalog format, each with its label in the editor.
pub(super) const KEYS: [(&str, &str); 11] = [
    ("tagged", "Tagged"),
    ("columnsTagged", "With columns tagged"),
    ("domains", "Domains"),
    ("owners", "Owners"),
    ("platforms", "Platforms"),
    ("hosts", "Hosts"),
    ("databases", "Databases"),
    ("schemas", "Schemas"),
    ("tables", "Tables"),
    ("names", "Names"),
    ("dataSources", "Data sources, one by one"),
];

/// The entries of each of [`KEYS`], as they are written in its field.
pub(super) type EntryFields = [String; KEYS.len()];

/// One selection.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct SelectionFields {
    pub(super) entries: EntryFields,
    pub(super) excepts: Vec<EntryFields>,
}

/// The name of the fields of a selection, or of one of its exceptions.
pub(super) fn field_prefix(selection: usize, except: Option<usize>) -> String {
    match except {
        None => format!("s{selection}"),
        Some(except) => format!("s{selection}-e{except}"),
    }
}

/// Reads the selections of a form that was sent.
pub(super) fn from_form(form: &Form) -> Vec<SelectionFields> {
    let read = |prefix: &str| -> Option<EntryFields> {
        let has_any = KEYS.iter().any(|(key, _)| form.has(&format!("{prefix}-{key}")));
        has_any.then(|| KEYS.map(|(key, _)| form.get(&format!("{prefix}-{key}")).to_owned()))
    };
    let selections = (0..MAX_SELECTIONS).map_while(|at| {
        let entries = read(&field_prefix(at, None))?;
        let excepts = (0..MAX_SELECTIONS).map_while(|except| read(&field_prefix(at, Some(except))));
        Some(SelectionFields { entries, excepts: excepts.collect() })
    });
    selections.collect()
}

/// Returns an `appliesTo` as fields; none when it does not fit them: an empty list, exceptions of exceptions, too many.
pub(super) fn from_applies_to(applies_to: &AppliesTo) -> Option<Vec<SelectionFields>> {
    let AppliesTo::Any(selectors) = applies_to else { return Some(Vec::new()) };
    if selectors.is_empty() || selectors.len() > MAX_SELECTIONS {
        return None;
    }
    let selection = |selector: &Selector| {
        let excepts = selector
            .except
            .iter()
            .map(|except| if except.except.is_empty() { entry_fields(except) } else { None });
        let excepts = excepts.collect::<Option<Vec<_>>>()?;
        (excepts.len() <= MAX_SELECTIONS)
            .then_some(())
            .and_then(|()| Some(SelectionFields { entries: entry_fields(selector)?, excepts }))
    };
    selectors.iter().map(selection).collect()
}

fn entry_fields(selector: &Selector) -> Option<EntryFields> {
    let lists = [
        &selector.tagged,
        &selector.columns_tagged,
        &selector.domains,
        &selector.owners,
        &selector.platforms,
        &selector.hosts,
        &selector.databases,
        &selector.schemas,
        &selector.tables,
        &selector.names,
        &selector.data_sources,
    ];
    if lists.iter().any(|list| list.as_ref().is_some_and(Vec::is_empty)) {
        return None;
    }
    Some(lists.map(|list| entries::join(list.iter().flatten().map(String::as_str))))
}

/// Returns selections in the catalog format.
pub(super) fn to_document(selections: &[SelectionFields]) -> Value {
    let mapping = |fields: &EntryFields| {
        let lists = KEYS.iter().zip(fields).map(|((key, _), text)| (*key, entries::split(text)));
        let lists = lists.filter(|(_, list)| !list.is_empty());
        lists.map(|(key, list)| (key.to_owned(), json!(list))).collect::<Map<_, _>>()
    };
    let mut list: Vec<Value> = selections
        .iter()
        .map(|selection| {
            let mut document = mapping(&selection.entries);
            let excepts: Vec<_> = selection.excepts.iter().map(mapping).collect();
            if !excepts.is_empty() {
                document.insert("except".to_owned(), json!(excepts));
            }
            Value::Object(document)
        })
        .collect();
    if list.len() == 1 { list.remove(0) } else { Value::Array(list) }
}

/// Returns the field that a path inside `appliesTo` is about.
pub(super) fn field_of(path: &str) -> String {
    let index = |text: &str| -> usize {
        let digits = text.strip_prefix('[').and_then(|rest| rest.split(']').next());
        digits.and_then(|digits| digits.parse().ok()).unwrap_or(0)
    };
    let (first, except) =
        path.split_once(".except").map_or((path, None), |(first, rest)| (first, Some(rest)));
    let rest = except.unwrap_or(first);
    let key = KEYS.iter().find(|(key, _)| rest.split(['.', '[']).any(|part| part == *key));
    match key {
        Some((key, _)) => format!("{}-{key}", field_prefix(index(first), except.map(index))),
        None => "applies".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lead_to_fields() {
        for (path, field) in [
            ("", "applies"),
            ("[1]", "applies"),
            (".tagged[0]", "s0-tagged"),
            ("[2].columnsTagged", "s2-columnsTagged"),
            (".except.domains[3]", "s0-e0-domains"),
            ("[1].except[4].names", "s1-e4-names"),
        ] {
            assert_eq!(field_of(path), field, "{path}");
        }
    }
}
