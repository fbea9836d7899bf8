//! Decodes trees into the model's types and collects every mistake. The format is `docs/catalog.md`.
//!
//! A decoder function reports a mistake and returns `None`; decoding continues, and a catalog with a mistake is never
//! used.

mod assets;
mod connections;
mod decoder;
mod field_path;
mod fields;
mod policies;
mod requests;
mod users;
mod values;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use domesday_model::{Catalog, Declared, Kind, for_each_kind};

pub(crate) use decoder::Decoder;
use field_path::FieldPath;
use fields::Fields;

use crate::document::{Node, Value};

/// Returns the name of an object, if it can be read.
fn declared_name(kind: Kind, node: &Node) -> Option<String> {
    let key = match kind {
        Kind::User => "username",
        Kind::Request => "id",
        _ => "name",
    };
    match &node.get(key).map_or(node, |(_, value)| value).value {
        Value::Text(name, _) => Some(name.clone()),
        _ => None,
    }
}

/// The positions of the objects of one file in its lists, by kind.
pub(crate) type Positions = BTreeMap<Kind, Vec<usize>>;

impl Decoder<'_> {
    /// Decodes a file: adds its objects to the catalog, and the position of each to `positions`.
    ///
    /// Returns the texts of values whose declarations are unknown: a root that is not a mapping, values of unknown keys,
    /// and values of known keys that are not lists.
    pub(crate) fn file(&mut self, root: &Node, catalog: &mut Catalog, positions: &mut Positions) -> String {
        let mut unknown_texts = String::new();
        let Some(mut fields) = Fields::new(self, root, &FieldPath::Root) else {
            root.add_texts(&mut unknown_texts);
            return unknown_texts;
        };
        let origin: Arc<str> = self.file.into();
        if let Some(node) = fields.take_list(self, Kind::Tenant.key()) {
            let path = FieldPath::Key(&FieldPath::Root, Kind::Tenant.key());
            if catalog.tenant.is_some() {
                self.error(node.at, path, "the tenant is declared twice; a catalog has one");
            } else if let Some(tenant) = self.tenant(node, path) {
                catalog.tenant = Some(Declared::new(tenant, origin.clone()));
                positions.entry(Kind::Tenant).or_default().push(0);
            }
        }
        macro_rules! decode_lists {
            ($($kind:ident: $list:ident, $object:ident;)*) => {$(
                if let Some(node) = fields.take_list(self, Kind::$kind.key()) {
                    if !matches!(node.value, Value::List(_)) {
                        node.add_texts(&mut unknown_texts);
                    }
                    let path = FieldPath::Key(&FieldPath::Root, Kind::$kind.key());
                    let indices = positions.entry(Kind::$kind).or_default();
                    self.each(node, path, |decoder, item, path| {
                        let mistakes = decoder.collector.mistakes();
                        let read = decoder.$object(item, path);
                        if decoder.collector.mistakes() > mistakes {
                            decoder.unread.add(Kind::$kind, declared_name(Kind::$kind, item));
                        }
                        if let Some(spec) = read {
                            catalog.$list.push(Declared::new(spec, origin.clone()));
                            if let FieldPath::Index(_, index) = path {
                                indices.push(index);
                            }
                        }
                    });
                }
            )*};
        }
        for_each_kind!(decode_lists);
        fields.finish(self);
        if let Value::Mapping(entries) = &root.value {
            let unknown = entries.iter().filter(|(key, _)| Kind::of_key(&key.text).is_none());
            unknown.for_each(|(_, value)| value.add_texts(&mut unknown_texts));
        }
        unknown_texts
    }

    /// Decodes a single object into JSON text, in which numbers in answers keep their digits.
    pub(crate) fn object(&mut self, kind: Kind, node: &Node) -> Option<String> {
        macro_rules! decode_one {
            ($($kind:ident: $list:ident, $object:ident;)*) => {
                match kind {
                    Kind::Tenant => serde_json::to_string(&self.tenant(node, FieldPath::Root)?),
                    $(Kind::$kind => serde_json::to_string(&self.$object(node, FieldPath::Root)?),)*
                }
            };
        }
        let text = for_each_kind!(decode_one);
        Some(text.expect("objects of the catalog have text keys only"))
    }
}
