//! The merge of the layers of an object.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::fields::{Field, Rule, columns, fields, pairs, texts};
use super::{Document, Giver, Givers, Layer, PARTIAL_COLUMNS, gone_since, name_key};
use crate::{Instant, Kind, Since};

/// An effective object.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Effective {
    /// The object in the catalog format.
    pub document: Document,
    /// When its parts were given, where that is known better than by the object's creation.
    pub since: Since,
    /// Who gave them.
    pub givers: Givers,
    /// Since when no connection lists it any more.
    pub absent_since: Option<Instant>,
    /// Columns of other layers that have no effect, since the connections list the columns and not these.
    pub ignored_columns: Vec<String>,
}

/// The part of an effective object that is being merged: which layers give it.
struct Part<'l> {
    layers: &'l [&'l Layer],
    created_at: Instant,
    since: BTreeMap<String, Instant>,
    givers: BTreeMap<String, Giver>,
}

impl Part<'_> {
    /// Records who gave a part first among the layers that give it; of several at once, the highest.
    fn add(&mut self, part: String, gives: impl Fn(&Layer) -> bool, has_giver: bool) {
        let by_time = self.layers.iter().filter(|layer| gives(layer));
        let first = by_time.min_by_key(|layer| layer.given.part(&part).at.unwrap_or(self.created_at));
        let Some(layer) = first else { return };
        let gift = layer.given.part(&part);
        if let Some(at) = gift.at {
            self.since.insert(part.clone(), at);
        }
        if has_giver {
            self.givers.insert(part, Giver::of(&layer.origin, gift));
        }
    }
}

/// Merges the layers of an object, the highest first: connections in their order, then `api`, then `files`. `created_at`
/// is when the object was created.
///
/// The document has the name of the highest layer; the caller decides what the object is called.
#[must_use]
pub fn merge(kind: Kind, layers: &[Layer], created_at: Instant) -> Effective {
    let absent_since = gone_since(layers);
    // What a connection said of an object that it no longer lists counts only while nobody else lists it: the last known
    // facts of somebody who left.
    let counted: Vec<&Layer> =
        layers.iter().filter(|layer| layer.absent_since.is_none() || absent_since.is_some()).collect();
    let mut document = Document::new();
    if let Some(name) = counted.iter().find_map(|layer| layer.document.get(name_key(kind))) {
        document.insert(name_key(kind).to_owned(), name.clone());
    }
    let mut part = Part { layers: &counted, created_at, since: BTreeMap::new(), givers: BTreeMap::new() };
    let mut ignored_columns = Vec::new();
    for field in fields(kind) {
        let value = match field.rule {
            Rule::Single => single(&counted, field.name),
            Rule::Status => Some(status(kind, &counted, absent_since.is_some())),
            // Memberships of somebody who is gone end.
            Rule::Set(_) if absent_since.is_some() && field.refers_to == Some(Kind::Group) => None,
            Rule::Set(word) => set(&mut part, field, word),
            Rule::Attributes => attributes(&mut part),
            Rule::Columns => merged_columns(&mut part, &mut ignored_columns),
        };
        if let Some(value) = value {
            document.insert(field.name.to_owned(), value);
        }
    }
    let default = counted.first().map_or(Giver::Files, |layer| Giver::of(&layer.origin, &layer.given.layer));
    let mut givers = Givers { default, parts: part.givers };
    givers.parts.retain(|_, giver| *giver != givers.default);
    Effective { document, since: Since(part.since), givers, absent_since, ignored_columns }
}

/// Returns the value of the highest layer that sets a field.
fn single(layers: &[&Layer], field: &str) -> Option<Value> {
    layers.iter().find_map(|layer| layer.document.get(field)).filter(|value| !value.is_null()).cloned()
}

fn status(kind: Kind, layers: &[&Layer], is_gone: bool) -> Value {
    let is_disabled =
        |layer: &&Layer| layer.document.get("status").and_then(Value::as_str) == Some("disabled");
    let is_disabled = is_gone || layers.iter().any(is_disabled);
    match (is_disabled, kind) {
        (true, _) => json!("disabled"),
        (false, Kind::User) => json!("active"),
        (false, _) => json!("enabled"),
    }
}

fn set(part: &mut Part<'_>, field: &Field, word: Option<&str>) -> Option<Value> {
    let layers = part.layers;
    let all: BTreeSet<&str> = layers.iter().flat_map(|layer| texts(layer.document.get(field.name))).collect();
    if let Some(word) = word {
        for text in &all {
            let gives = |layer: &Layer| texts(layer.document.get(field.name)).any(|given| given == *text);
            part.add(format!("{word}:{text}"), gives, true);
        }
    }
    (!all.is_empty()).then(|| json!(all))
}

fn attributes(part: &mut Part<'_>) -> Option<Value> {
    let layers = part.layers;
    let mut all: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (key, value) in layers.iter().flat_map(|layer| pairs(&layer.document)) {
        all.entry(key).or_default().insert(value);
    }
    for (key, values) in &all {
        for value in values {
            let gives = |layer: &Layer| pairs(&layer.document).any(|pair| pair == (*key, *value));
            part.add(format!("attribute:{key}={value}"), gives, true);
        }
    }
    (!all.is_empty()).then(|| json!(all))
}

/// Whether a layer says which columns there are, rather than adding to those that others list.
fn lists_columns(layer: &Layer) -> bool {
    layer.origin.is_connection()
        && layer.document.get(PARTIAL_COLUMNS) != Some(&Value::Bool(true))
        && columns(&layer.document).next().is_some()
}

/// Columns by name: those that connections list, when one does; else those of all layers.
fn merged_columns(part: &mut Part<'_>, ignored: &mut Vec<String>) -> Option<Value> {
    let layers = part.layers;
    let listing: Vec<&Layer> = layers.iter().filter(|layer| lists_columns(layer)).copied().collect();
    let is_listed = !listing.is_empty();
    let defining = if is_listed { &listing[..] } else { layers };
    let mut order: Vec<&str> = Vec::new();
    let mut known: BTreeMap<&str, Vec<(&Layer, &Document)>> = BTreeMap::new();
    for (name, _) in defining.iter().flat_map(|layer| columns(&layer.document)) {
        known.entry(name).or_insert_with(|| {
            order.push(name);
            Vec::new()
        });
    }
    for layer in layers {
        for (name, column) in columns(&layer.document) {
            match known.get_mut(name) {
                Some(parts) => parts.push((*layer, column)),
                None => ignored.push(name.to_owned()),
            }
        }
    }
    let mut merged = Vec::with_capacity(order.len());
    for name in order {
        let given = &known[name];
        let defines = |layer: &Layer| !is_listed || lists_columns(layer);
        let defining = || given.iter().filter(|(layer, _)| defines(layer)).map(|(_, column)| *column);
        let type_of = |column: &&Document| {
            column.get("type").and_then(Value::as_str).is_some_and(|data_type| !data_type.is_empty())
        };
        let of_type = defining().find(type_of);
        let mut column = Document::new();
        column.insert("name".to_owned(), json!(name));
        let data_type = of_type.and_then(|column| column.get("type")).cloned();
        column.insert("type".to_owned(), data_type.unwrap_or_else(|| json!("unknown")));
        // Not every origin that knows the type knows this.
        if let Some(nullable) = defining().find_map(|column| column.get("nullable")) {
            column.insert("nullable".to_owned(), nullable.clone());
        }
        let tags: BTreeSet<&str> = given.iter().flat_map(|(_, column)| texts(column.get("tags"))).collect();
        let has =
            |layer: &Layer| given.iter().find(|(other, _)| std::ptr::eq(*other, layer)).map(|(_, it)| *it);
        part.add(format!("column:{name}"), |layer| defines(layer) && has(layer).is_some(), false);
        for tag in &tags {
            let gives = |layer: &Layer| {
                has(layer).is_some_and(|column| texts(column.get("tags")).any(|it| it == *tag))
            };
            part.add(format!("column:{name}/tag:{tag}"), gives, true);
        }
        if !tags.is_empty() {
            column.insert("tags".to_owned(), json!(tags));
        }
        let mut descriptions = given.iter().filter_map(|(_, column)| column.get("description"));
        if let Some(description) = descriptions.find(|description| !description.is_null()) {
            column.insert("description".to_owned(), description.clone());
        }
        merged.push(Value::Object(column));
    }
    (!merged.is_empty()).then(|| Value::Array(merged))
}

/// Returns the person who gave each part of the layer `api`, by part as in [`PartOrigins`]. Fields with one value are left
/// out, since a layer does not remember who wrote them.
#[must_use]
pub fn people_of_parts(kind: Kind, layer: &Layer) -> BTreeMap<String, Box<str>> {
    let mut people = BTreeMap::new();
    let mut add = |part: String, given: &str| {
        people.extend(layer.given.part(given).by.clone().map(|by| (part, by)));
    };
    for field in fields(kind) {
        let name = field.name;
        match field.rule {
            Rule::Set(Some(word)) => texts(layer.document.get(name))
                .for_each(|text| add(format!("{name}/{text}"), &format!("{word}:{text}"))),
            Rule::Attributes => pairs(&layer.document).for_each(|(key, value)| {
                add(format!("{name}/{key}/{value}"), &format!("attribute:{key}={value}"));
            }),
            Rule::Columns => {
                for (column, fields) in columns(&layer.document) {
                    add(format!("{name}/{column}"), &format!("column:{column}"));
                    texts(fields.get("tags")).for_each(|tag| {
                        add(format!("{name}/{column}/tags/{tag}"), &format!("column:{column}/tag:{tag}"));
                    });
                }
            }
            Rule::Single | Rule::Status | Rule::Set(None) => {}
        }
    }
    people
}

/// The origins of the parts of an object: by field, and by element of a set as `field/element`, of an attribute as
/// `attributes/key/value`, of a column as `columns/name`, and of its tag as `columns/name/tags/tag`.
pub type PartOrigins = BTreeMap<String, Vec<String>>;

/// Returns which origins give each part of an object; of a field with one value, the origin that counts.
#[must_use]
pub fn origins_of_parts(kind: Kind, layers: &[Layer]) -> PartOrigins {
    let is_gone = gone_since(layers).is_some();
    let counted: Vec<&Layer> =
        layers.iter().filter(|layer| layer.absent_since.is_none() || is_gone).collect();
    let mut origins = PartOrigins::new();
    let mut add = |part: String, layer: &Layer| {
        let list: &mut Vec<String> = origins.entry(part).or_default();
        if list.last().map(String::as_str) != Some(layer.origin.as_str()) {
            list.push(layer.origin.as_str().to_owned());
        }
    };
    for field in fields(kind) {
        let name = field.name;
        match field.rule {
            Rule::Single => {
                let first =
                    counted.iter().find(|layer| layer.document.get(name).is_some_and(|it| !it.is_null()));
                first.into_iter().for_each(|layer| add(name.to_owned(), layer));
            }
            Rule::Status => {
                let disabled = |layer: &&&Layer| layer.document.get(name) == Some(&json!("disabled"));
                counted.iter().filter(disabled).for_each(|layer| add(name.to_owned(), layer));
            }
            Rule::Set(_) => {
                for layer in &counted {
                    texts(layer.document.get(name)).for_each(|text| add(format!("{name}/{text}"), layer));
                }
            }
            Rule::Attributes => {
                for layer in &counted {
                    pairs(&layer.document)
                        .for_each(|(key, value)| add(format!("{name}/{key}/{value}"), layer));
                }
            }
            Rule::Columns => {
                for layer in &counted {
                    for (column, fields) in columns(&layer.document) {
                        add(format!("{name}/{column}"), layer);
                        texts(fields.get("tags"))
                            .for_each(|tag| add(format!("{name}/{column}/tags/{tag}"), layer));
                    }
                }
            }
        }
    }
    origins
}
