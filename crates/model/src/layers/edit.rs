//! What a person's edit and an apply say of their own layer.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::fields::{Rule, columns, fields, pairs, texts};
use super::{Document, Layer, merge, name_key};
use crate::{Instant, Kind};

/// Returns the layer `api` after a PUT of a document: what the body says, without what other origins give already and the
/// body only repeats, unless the layer said so itself. Else reading, adding and writing an object would freeze what a
/// system of record later takes away.
///
/// `own` is the layer as it is; `others` are the other layers, the highest first.
#[must_use]
pub fn edited(kind: Kind, body: &Document, own: Option<&Document>, others: &[Layer]) -> Document {
    // Instants matter nothing here.
    let others = merge(kind, others, Instant::from_micros(0)).document;
    let empty = Document::new();
    let own = own.unwrap_or(&empty);
    let mut layer = Document::new();
    if let Some(name) = body.get(name_key(kind)) {
        layer.insert(name_key(kind).to_owned(), name.clone());
    }
    for field in fields(kind) {
        let (new, before, given) = (body.get(field.name), own.get(field.name), others.get(field.name));
        let value = match field.rule {
            Rule::Single | Rule::Status => {
                new.filter(|new| Some(*new) == before || Some(*new) != given).cloned()
            }
            Rule::Set(_) => {
                let [before, given] = [before, given].map(|value| texts(value).collect::<BTreeSet<_>>());
                let kept: Vec<_> =
                    texts(new).filter(|text| before.contains(text) || !given.contains(text)).collect();
                (!kept.is_empty()).then(|| json!(kept))
            }
            Rule::Attributes => {
                let [before, given] = [own, &others].map(|document| pairs(document).collect::<BTreeSet<_>>());
                let mut kept: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
                for pair in pairs(body).filter(|pair| before.contains(pair) || !given.contains(pair)) {
                    kept.entry(pair.0).or_default().push(pair.1);
                }
                (!kept.is_empty()).then(|| json!(kept))
            }
            Rule::Columns => {
                let kept = edited_columns(body, own, &others);
                (!kept.is_empty()).then(|| Value::Array(kept))
            }
        };
        if let Some(value) = value.filter(|value| !value.is_null()) {
            layer.insert(field.name.to_owned(), value);
        }
    }
    layer
}

/// Returns the columns of the layer `api`: those that no other origin gives, and what the body adds to the others.
fn edited_columns(body: &Document, own: &Document, others: &Document) -> Vec<Value> {
    let [own, others] = [own, others].map(|document| columns(document).collect::<BTreeMap<_, _>>());
    let mut kept = Vec::new();
    for (name, column) in columns(body) {
        let Some(given) = others.get(name) else {
            kept.push(Value::Object(column.clone()));
            continue;
        };
        let before = own.get(name).copied();
        let mut added = Document::new();
        added.insert("name".to_owned(), json!(name));
        let mut is_any = before.is_some();
        let mut keep = |field: &str| {
            let new = column.get(field).filter(|new| {
                !new.is_null()
                    && (before.and_then(|it| it.get(field)) == Some(*new) || given.get(field) != Some(*new))
            });
            is_any |= new.is_some();
            new.cloned()
        };
        // A column without a type only adds to one that another layer describes.
        added.insert("type".to_owned(), keep("type").unwrap_or_else(|| json!("")));
        for field in ["nullable", "description"] {
            if let Some(value) = keep(field) {
                added.insert(field.to_owned(), value);
            }
        }
        let [before_tags, given_tags] =
            [before, Some(*given)].map(|it| texts(it.and_then(|it| it.get("tags"))).collect::<BTreeSet<_>>());
        let tags: Vec<_> = texts(column.get("tags"))
            .filter(|tag| before_tags.contains(tag) || !given_tags.contains(tag))
            .collect();
        if !tags.is_empty() {
            added.insert("tags".to_owned(), json!(tags));
            is_any = true;
        }
        if is_any {
            kept.push(Value::Object(added));
        }
    }
    kept
}

/// Returns the fields of a document that a higher layer overrides: what it says, and what counts.
#[must_use]
pub fn overridden(
    kind: Kind,
    document: &Document,
    effective: &Document,
) -> Vec<(&'static str, Value, Value)> {
    let singles = fields(kind).iter().filter(|field| field.rule == Rule::Single);
    singles
        .filter_map(|field| {
            let (said, counts) = (document.get(field.name)?, effective.get(field.name)?);
            (said != counts).then(|| (field.name, said.clone(), counts.clone()))
        })
        .collect()
}
