//! How the object that an origin means is found among those that others described.

use domesday_model::Kind;
use domesday_model::layers::{Document, Origin};

use super::rows;
use crate::StoreError;
use crate::catalog::alias;
use crate::database::{Database, values};

const BY_ALIAS: &str = "SELECT id, document FROM object WHERE kind = ?1 AND alias = ?2";
const NAMES_BY_ALIAS: &str = "SELECT name FROM object WHERE kind = ?1 AND alias = ?2 LIMIT 2";
const NAME_BY_LAYER: &str =
    "SELECT o.name FROM layer l JOIN object o ON o.kind = l.kind AND o.id = l.object_id
     WHERE l.origin = ?1 AND l.kind = ?2 AND l.name = ?3";

/// Returns the host of a data source, as hosts are compared.
fn host(document: &Document) -> Option<String> {
    document.get("host").and_then(|host| host.as_str().map(str::to_lowercase))
}

/// Whether two data sources at the same place may be one: hosts that both are known are equal.
fn hosts_agree(left: &Document, right: &Document) -> bool {
    match (host(left), host(right)) {
        (Some(left), Some(right)) => left == right,
        _ => true,
    }
}

/// Whether two data sources are known to be at different places, so that one name does not make them one.
pub(super) fn is_elsewhere(left: &Document, right: &Document) -> bool {
    match (alias::of_layer(Kind::DataSource, left), alias::of_layer(Kind::DataSource, right)) {
        (Some(of_left), Some(of_right)) => of_left != of_right || !hosts_agree(left, right),
        _ => false,
    }
}

/// Finds the only object that is recognized by the same as a document, and that has no layer of an origin yet.
pub(crate) fn find_by_alias(
    database: &mut Database,
    kind: Kind,
    document: &Document,
    origin: &Origin,
) -> Result<Option<i64>, StoreError> {
    let Some(alias) = alias::of_layer(kind, document) else { return Ok(None) };
    let mut found = database.all(BY_ALIAS, values![kind.key(), &alias], |row| {
        let other: Document = super::super::parse(kind, &alias, row.text(1)?)?;
        Ok((row.integer(0)?, other))
    })?;
    if kind == Kind::DataSource {
        found.retain(|(_, other)| hosts_agree(document, other));
        // The same host says more than one that nobody knows.
        if let Some(own) = host(document)
            && found.iter().any(|(_, other)| host(other).as_ref() == Some(&own))
        {
            found.retain(|(_, other)| host(other).is_some());
        }
    }
    let [(id, _)] = &found[..] else { return Ok(None) };
    let sql =
        "SELECT 1 FROM layer WHERE kind = ?1 AND object_id = ?2 AND origin = ?3 AND absent_since IS NULL";
    let is_taken = database.first(sql, values![kind.key(), *id, origin.as_str()], |_| Ok(()))?;
    Ok(is_taken.is_none().then_some(*id))
}

/// Finds the object that a connection means: by its key, by what the connection called it, by where a data source is, by
/// its name, or by a user's name in other letters.
pub(super) fn find(
    database: &mut Database,
    origin: &Origin,
    kind: Kind,
    key: Option<&str>,
    document: &Document,
    name: &str,
) -> Result<Option<i64>, StoreError> {
    if let Some(key) = key
        && let Some(row) = rows::by_key(database, origin, kind, key)?
    {
        return Ok(Some(row.object_id));
    }
    if let Some(row) = rows::by_name(database, origin, kind, name)? {
        return Ok(Some(row.object_id));
    }
    if kind == Kind::DataSource
        && let Some(id) = find_by_alias(database, kind, document, origin)?
    {
        return Ok(Some(id));
    }
    let sql = "SELECT id FROM object WHERE kind = ?1 AND name = ?2";
    if let Some(id) = database.first(sql, values![kind.key(), name], |row| row.integer(0))? {
        return Ok(Some(id));
    }
    find_by_alias(database, kind, document, origin)
}

/// Returns the name of the object that a connection refers to by a name.
pub(super) fn named(
    database: &mut Database,
    origin: &Origin,
    kind: Kind,
    name: &str,
) -> Result<Option<String>, StoreError> {
    if name.contains('\0') {
        return Ok(None);
    }
    let text = |row: &crate::database::Row<'_>| Ok(row.text(0)?.to_owned());
    if let Some(found) = database.first(NAME_BY_LAYER, values![origin.as_str(), kind.key(), name], text)? {
        return Ok(Some(found));
    }
    let sql = "SELECT name FROM object WHERE kind = ?1 AND name = ?2";
    if let Some(found) = database.first(sql, values![kind.key(), name], text)? {
        return Ok(Some(found));
    }
    if kind != Kind::User {
        return Ok(None);
    }
    let mut found = database.all(NAMES_BY_ALIAS, values![kind.key(), &name.to_lowercase()], text)?;
    Ok(if found.len() == 1 { found.pop() } else { None })
}

/// Checks that no connection lists an object that is to be deleted: the next sync would bring it back.
pub(crate) fn check_unlisted(
    database: &mut Database,
    kind: Kind,
    name: &str,
    id: i64,
) -> Result<(), StoreError> {
    let sql = "SELECT origin FROM layer
         WHERE kind = ?1 AND object_id = ?2 AND origin NOT IN ('files', 'api') AND absent_since IS NULL ORDER BY origin";
    let connections = database.all(sql, values![kind.key(), id], |row| Ok(row.text(0)?.to_owned()))?;
    if connections.is_empty() {
        return Ok(());
    }
    Err(StoreError::Listed { kind, name: name.to_owned(), connections })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::query_plan;

    #[test]
    fn objects_are_found_by_what_tells_them_apart_and_not_by_their_kind() {
        for sql in [BY_ALIAS, NAMES_BY_ALIAS, NAME_BY_LAYER, rows::BY_KEY, rows::BY_NAME] {
            let plan = query_plan(sql);
            let is_narrow = ["alias=?", "name=?", "object_key=?"].iter().any(|column| plan.contains(column));
            assert!(is_narrow, "{sql}: {plan}");
        }
    }
}
