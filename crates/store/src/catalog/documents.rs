//! Conversion between a catalog and documents, one for each object.

use std::collections::BTreeSet;
use std::sync::Arc;

use domesday_model::{Attributes, Catalog, Declared, Instant, Kind, for_each_kind};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::alias;
use crate::StoreError;
use crate::field_change::Fields;

/// The document of an object.
#[derive(Debug, Clone)]
pub(crate) struct Document {
    pub(crate) kind: Kind,
    pub(crate) name: String,
    pub(crate) text: String,
    pub(crate) origin: Arc<str>,
    /// The declared creation time.
    pub(crate) created_at: Option<Instant>,
    /// The parts that have an instant of their own (see `domesday_model::Since`).
    pub(crate) parts: BTreeSet<String>,
    /// The columns of a data source, which have ids.
    pub(crate) columns: Vec<String>,
    /// When its parts were given; from the stored version and the instant of the change without it.
    pub(crate) since: Option<String>,
    /// Who gave its parts.
    pub(crate) givers: String,
    /// Since when no connection lists it any more.
    pub(crate) absent_since: Option<i64>,
    /// What it is recognized by beside its name.
    pub(crate) alias: Option<String>,
}

/// Returns the document of every object but the tenant, implied tags included, in the order in which ids are allocated.
pub(crate) fn documents(catalog: &Catalog) -> Vec<Document> {
    let mut list = Vec::new();
    let tags = catalog.tags_with_implied();
    add(&mut list, Kind::Tag, &tags, |tag| &tag.name, |_, _| {});
    add(
        &mut list,
        Kind::Group,
        &catalog.groups,
        |group| &group.name,
        |group, document| {
            attribute_parts(&group.attributes, document);
        },
    );
    add(
        &mut list,
        Kind::User,
        &catalog.users,
        |user| &user.username,
        |user, document| {
            document.created_at = user.created_at;
            document.alias = Some(alias::of_user(&user.username));
            document.parts.extend(user.groups.iter().map(|group| format!("group:{group}")));
            document
                .parts
                .extend(user.permissions.iter().map(|permission| format!("permission:{permission}")));
            attribute_parts(&user.attributes, document);
        },
    );
    add(&mut list, Kind::Domain, &catalog.domains, |domain| &domain.name, |_, _| {});
    add(
        &mut list,
        Kind::DataSource,
        &catalog.data_sources,
        |source| &source.name,
        |source, document| {
            document.created_at = source.created_at;
            document.alias = alias::of_data_source(source);
            document.parts.extend(source.tags.iter().map(|tag| format!("tag:{tag}")));
            for column in &source.columns {
                document.parts.insert(format!("column:{}", column.name));
                document
                    .parts
                    .extend(column.tags.iter().map(|tag| format!("column:{}/tag:{tag}", column.name)));
                document.columns.push(column.name.clone());
            }
        },
    );
    add(
        &mut list,
        Kind::Policy,
        &catalog.policies,
        |policy| &policy.name,
        |policy, document| {
            document.created_at = policy.created_at;
        },
    );
    add(
        &mut list,
        Kind::DataPolicy,
        &catalog.data_policies,
        |policy| &policy.name,
        |policy, document| {
            document.created_at = policy.created_at;
        },
    );
    add(&mut list, Kind::Agreement, &catalog.agreements, |agreement| &agreement.name, |_, _| {});
    add(&mut list, Kind::RequestForm, &catalog.request_forms, |form| &form.name, |_, _| {});
    add(
        &mut list,
        Kind::DataProduct,
        &catalog.data_products,
        |product| &product.name,
        |product, document| {
            document.parts.extend(product.data_sources.iter().map(|asset| format!("asset:{}", asset.name)));
        },
    );
    add(
        &mut list,
        Kind::Request,
        &catalog.requests,
        |request| &request.id,
        |request, document| {
            document.created_at = Some(request.created_at);
        },
    );
    add(&mut list, Kind::Connection, &catalog.connections, |connection| &connection.name, |_, _| {});
    list
}

fn add<T: Serialize>(
    list: &mut Vec<Document>,
    kind: Kind,
    objects: &[Declared<T>],
    name: impl Fn(&T) -> &String,
    describe: impl Fn(&T, &mut Document),
) {
    for object in objects {
        let text = serde_json::to_string(&object.spec).expect("objects of the catalog have text keys only");
        let mut document = Document {
            kind,
            name: name(&object.spec).clone(),
            text,
            origin: object.origin.clone(),
            created_at: None,
            parts: BTreeSet::new(),
            columns: Vec::new(),
            since: None,
            givers: "{}".to_owned(),
            absent_since: None,
            alias: None,
        };
        describe(&object.spec, &mut document);
        list.push(document);
    }
}

fn attribute_parts(attributes: &Attributes, document: &mut Document) {
    for (key, values) in attributes {
        document.parts.extend(values.iter().map(|value| format!("attribute:{key}={value}")));
    }
}

/// Adds a stored document to a catalog.
pub(crate) fn add_to_catalog(
    catalog: &mut Catalog,
    kind: Kind,
    name: &str,
    text: &str,
    origin: &str,
) -> Result<(), StoreError> {
    macro_rules! add {
        ($($kind:ident: $list:ident, $object:ident;)*) => {
            match kind {
                Kind::Tenant => {}
                $(Kind::$kind => catalog.$list.push(declared(kind, name, text, origin)?),)*
            }
        };
    }
    for_each_kind!(add);
    Ok(())
}

fn declared<T: DeserializeOwned>(
    kind: Kind,
    name: &str,
    text: &str,
    origin: &str,
) -> Result<Declared<T>, StoreError> {
    Ok(Declared::new(parse(kind, name, text)?, origin))
}

/// Parses a document.
pub(crate) fn parse<'d, T: Deserialize<'d>>(kind: Kind, name: &str, text: &'d str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|source| StoreError::Document { kind, name: name.to_owned(), source })
}

/// Returns the top-level fields of a document, to compare two versions.
pub(crate) fn fields(kind: Kind, name: &str, text: &str) -> Result<Fields, StoreError> {
    parse(kind, name, text)
}
