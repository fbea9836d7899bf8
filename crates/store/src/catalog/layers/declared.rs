//! New objects that the files alone describe. Their effective documents are what the files declare, so nothing is merged.

use domesday_model::document::{AttributeTexts, DataSourceDocument, Text, UserDocument};
use domesday_model::layers::Origin;
use domesday_model::{Group, Instant, Kind};

use super::effective::{EffectiveDocument, NewObject, effective_document, remember_missing};
use super::names::References;
use super::rows::{self, GIVEN_WITH_OBJECT, LayerText};
use crate::StoreError;
use crate::catalog::documents::{Document, parse};
use crate::catalog::records;
use crate::database::Database;

/// Creates declared objects that no origin has described before; ids are allocated in their order.
pub(crate) fn create_declared(
    database: &mut Database,
    references: &mut References,
    declared: &[&Document],
    at: Instant,
) -> Result<(), StoreError> {
    let mut merged = Vec::with_capacity(declared.len());
    for document in declared {
        let is_same = is_its_own_merge(database, references, document)?;
        merged.push(if is_same { None } else { Some(merge(database, references, document, at)?) });
    }
    let effective: Vec<&Document> = declared
        .iter()
        .zip(&merged)
        .map(|(declared, merged)| merged.as_ref().map_or(*declared, |it| &it.document))
        .collect();
    let ids = records::insert(database, &effective, at)?;
    let layers: Vec<_> = ids.iter().zip(declared).map(|(id, document)| layer(*id, document, at)).collect();
    rows::insert_texts(database, &layers)?;
    for (id, it) in ids.iter().zip(&merged) {
        if let Some(it) = it.as_ref().filter(|it| !it.missing.is_empty()) {
            remember_missing(database, it.document.kind, *id, &it.missing)?;
        }
    }
    Ok(())
}

fn layer(id: i64, document: &Document, at: Instant) -> LayerText<'_> {
    LayerText {
        kind: document.kind,
        object_id: id,
        origin: Origin::Files.as_str(),
        name: &document.name,
        key: None,
        label: &document.origin,
        document: document.text.as_str().into(),
        given: GIVEN_WITH_OBJECT.into(),
        absent_since: None,
        updated_at: at.as_micros(),
    }
}

fn merge(
    database: &mut Database,
    references: &mut References,
    document: &Document,
    at: Instant,
) -> Result<EffectiveDocument, StoreError> {
    let new = NewObject {
        kind: document.kind,
        name: document.name.clone(),
        called: None,
        key: None,
        label: document.origin.to_string(),
        origin: Origin::Files,
        document: parse(document.kind, &document.name, &document.text)?,
        by: None,
    };
    let row = new.into_row(at);
    effective_document(database, references, document.kind, &document.name, std::slice::from_ref(&row), at)
}

/// Whether the merge of the one layer is the declared document itself: every name in it is that of an object, and nothing
/// in it would be left out or replaced.
fn is_its_own_merge(
    database: &mut Database,
    references: &mut References,
    document: &Document,
) -> Result<bool, StoreError> {
    let (kind, name, text) = (document.kind, document.name.as_str(), document.text.as_str());
    let mut are_objects = |kind: Kind, names: &[Text<'_>]| -> Result<bool, StoreError> {
        for name in names {
            if references.resolve(database, &Origin::Files, kind, name)? != Some(&**name) {
                return Ok(false);
            }
        }
        Ok(true)
    };
    match kind {
        Kind::Group => Ok(parse::<Group>(kind, name, text)?.attributes.values().all(|it| !it.is_empty())),
        Kind::User => {
            let user: UserDocument<'_> = parse(kind, name, text)?;
            Ok(are_objects(Kind::Group, &user.groups)?
                && are_objects(Kind::User, user.manager.as_slice())?
                && have_values(&user.attributes))
        }
        Kind::DataSource => {
            let source: DataSourceDocument<'_> = parse(kind, name, text)?;
            Ok(are_objects(Kind::User, &source.owners)?
                && are_objects(Kind::Domain, source.domain.as_slice())?
                && source.columns.iter().all(|column| !column.data_type.is_empty()))
        }
        _ => Ok(false),
    }
}

fn have_values(attributes: &AttributeTexts<'_>) -> bool {
    attributes.iter().all(|(_, values)| !values.is_empty())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use domesday_model::Catalog;
    use serde_json::json;

    use super::*;
    use crate::catalog::documents::{add_to_catalog, documents};
    use crate::database::Sqlite;

    /// Returns whether the document is taken as it is, and whether its merge is the same.
    fn taken_and_same(kind: Kind, document: &serde_json::Value) -> (bool, bool) {
        let mut database = Database::Sqlite(Sqlite::in_memory().unwrap());
        crate::schema::migrate(&mut database).unwrap();
        let mut references = References::default();
        references.insert(&Origin::Files, Kind::User, "ada", "ada");
        references.insert(&Origin::Files, Kind::Group, "staff", "staff");
        references.insert(&Origin::Files, Kind::Group, "old name", "new name");
        let name = document.get("username").or(document.get("name")).and_then(|it| it.as_str()).unwrap();
        let mut one = Catalog::default();
        add_to_catalog(&mut one, kind, name, &document.to_string(), "file.json").unwrap();
        let declared = documents(&one).pop().unwrap();
        let at = Instant::from_micros(7);
        let merged = merge(&mut database, &mut references, &declared, at).unwrap();
        let expected = Document {
            origin: Arc::from("file.json"),
            since: Some("{}".to_owned()),
            givers: "{}".to_owned(),
            ..declared.clone()
        };
        let is_same =
            merged.missing.is_empty() && format!("{:?}", merged.document) == format!("{expected:?}");
        (is_its_own_merge(&mut database, &mut references, &declared).unwrap(), is_same)
    }

    #[test]
    fn what_is_taken_as_it_is_is_its_own_merge() {
        let whole = [
            (
                Kind::Group,
                json!({ "name": "staff", "description": "All", "attributes": { "site": ["b", "a"] } }),
            ),
            (
                Kind::User,
                json!({
                    "username": "Bob", "name": "Bob", "email": "b@example.com", "status": "disabled",
                    "identityProvider": "okta", "id": "6f9619ff-8b86-d011-b42d-00cf4fc964ff",
                    "groups": ["staff"], "attributes": { "site": ["z", "a"], "age": ["7"] },
                    "permissions": ["GOVERNANCE", "AUDIT"], "employeeNumber": "7", "department": "d", "title": "t",
                    "manager": "ada", "leavingDate": "2027-01-01T00:00:00Z", "createdAt": "2020-01-01T00:00:00Z",
                }),
            ),
            (Kind::User, json!({ "username": "carol" })),
            (
                Kind::DataSource,
                json!({
                    "name": "orders", "platform": "snowflake", "host": "h", "database": "D", "schema": "S", "table": "T",
                    "owners": ["ada"], "tags": ["b", "a.c"], "optInPolicies": ["q", "p"], "levelChoice": "p",
                    "createdAt": "2020-01-01T00:00:00Z", "status": "disabled",
                    "columns": [
                        { "name": "z", "type": "int", "nullable": false, "tags": ["y", "x"], "description": "d" },
                        { "name": "a", "type": "text" },
                    ],
                }),
            ),
            (
                Kind::DataSource,
                json!({ "name": "view", "platform": "postgres", "database": "d", "table": "t" }),
            ),
        ];
        for (kind, document) in &whole {
            assert_eq!(taken_and_same(*kind, document), (true, true), "{document}");
        }
    }

    #[test]
    fn what_a_merge_changes_is_merged() {
        let changed = [
            (Kind::Group, json!({ "name": "staff", "attributes": { "site": [] } })),
            (Kind::User, json!({ "username": "bob", "attributes": { "site": [] } })),
            (Kind::User, json!({ "username": "bob", "groups": ["nobody listed it"] })),
            (Kind::User, json!({ "username": "bob", "groups": ["old name"] })),
            (Kind::User, json!({ "username": "bob", "manager": "eve" })),
            (Kind::DataSource, json!({ "name": "orders", "platform": "p", "owners": ["eve"] })),
            (Kind::DataSource, json!({ "name": "orders", "platform": "p", "domain": "none" })),
            (
                Kind::DataSource,
                json!({ "name": "o", "platform": "p", "columns": [{ "name": "c", "type": "" }] }),
            ),
        ];
        for (kind, document) in &changed {
            assert_eq!(taken_and_same(*kind, document), (false, false), "{document}");
        }
    }
}
