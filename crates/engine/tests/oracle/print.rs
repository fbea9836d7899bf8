//! A world as a catalog document (catalog.md), to be looked at, kept and loaded again.

use std::fmt;

use domesday_model::{Catalog, Declared};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

/// Where the objects of a world say they come from.
const ORIGIN: &str = "world.json";

/// A catalog whose debug output can be loaded: what a failing test shows.
#[derive(Clone)]
pub(crate) struct Printed(pub(crate) Catalog);

impl fmt::Debug for Printed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&print(&self.0))
    }
}

/// The catalog as one JSON document of the catalog format.
pub(crate) fn print(catalog: &Catalog) -> String {
    let mut document = Map::new();
    if let Some(tenant) = &catalog.tenant {
        document.insert("tenant".to_owned(), to_value(&tenant.spec));
    }
    let mut list = |key: &str, objects: Vec<Value>| {
        if !objects.is_empty() {
            document.insert(key.to_owned(), objects.into());
        }
    };
    list("tags", specs(&catalog.tags));
    list("groups", specs(&catalog.groups));
    list("users", specs(&catalog.users));
    list("domains", specs(&catalog.domains));
    list("dataSources", specs(&catalog.data_sources));
    list("policies", specs(&catalog.policies));
    list("dataPolicies", specs(&catalog.data_policies));
    list("agreements", specs(&catalog.agreements));
    list("requestForms", specs(&catalog.request_forms));
    list("dataProducts", specs(&catalog.data_products));
    list("requests", specs(&catalog.requests));
    format!("{:#}", Value::Object(document))
}

fn specs<T: Serialize>(objects: &[Declared<T>]) -> Vec<Value> {
    objects.iter().map(|object| to_value(&object.spec)).collect()
}

fn to_value(object: &impl Serialize) -> Value {
    serde_json::to_value(object).expect("every object of a catalog can be written as JSON")
}

/// The catalog that a document describes; the inverse of [`print()`]. Tags may be written as bare names.
///
/// # Panics
/// When the document is no catalog: it is part of a test.
pub(crate) fn parse(document: &Value) -> Catalog {
    let Value::Object(document) = document else { panic!("a catalog is a mapping, not {document}") };
    let mut catalog = Catalog::default();
    for (key, value) in document {
        let value = value.clone();
        match key.as_str() {
            "tenant" => catalog.tenant = Some(Declared::new(object("tenant", &value), ORIGIN)),
            "tags" => {
                let named = |tag: Value| if tag.is_string() { json!({ "name": tag }) } else { tag };
                let Value::Array(tags) = value else { panic!("`tags` is a list") };
                catalog.tags = objects(key, tags.into_iter().map(named).collect());
            }
            "groups" => catalog.groups = objects(key, value),
            "users" => catalog.users = objects(key, value),
            "domains" => catalog.domains = objects(key, value),
            "dataSources" => catalog.data_sources = objects(key, value),
            "policies" => catalog.policies = objects(key, value),
            "dataPolicies" => catalog.data_policies = objects(key, value),
            "agreements" => catalog.agreements = objects(key, value),
            "requestForms" => catalog.request_forms = objects(key, value),
            "dataProducts" => catalog.data_products = objects(key, value),
            "requests" => catalog.requests = objects(key, value),
            unknown => panic!("a catalog has no key `{unknown}`"),
        }
    }
    catalog
}

fn objects<T: DeserializeOwned>(key: &str, value: Value) -> Vec<Declared<T>> {
    let Value::Array(list) = value else { panic!("`{key}` is a list") };
    list.iter().map(|value| Declared::new(object(key, value), ORIGIN)).collect()
}

fn object<T: DeserializeOwned>(key: &str, value: &Value) -> T {
    T::deserialize(value).unwrap_or_else(|error| panic!("{key}: {error}\n{value:#}"))
}
