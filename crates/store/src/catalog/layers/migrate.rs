//! The part of migration 15 in Rust: each user, group and data source gets the layer of whoever wrote it last.

use domesday_model::layers::{Given, Layer, Origin, is_layered};
use domesday_model::{Instant, Kind, Since};

use super::rows::{LayerRow, insert_many};
use crate::StoreError;
use crate::catalog::alias;
use crate::catalog::documents::parse;
use crate::database::{Database, values};

/// The version after the migration.
pub(crate) const VERSION: i64 = 15;

/// How many objects are migrated at a time.
const BATCH: i64 = 1000;

/// Fills `layer` and the aliases of objects.
pub(crate) fn fill(database: &mut Database) -> Result<(), StoreError> {
    for kind in Kind::ALL.into_iter().filter(|kind| is_layered(*kind)) {
        let mut after = i64::MIN;
        loop {
            let sql = "SELECT id, name, document, origin, since, updated_at FROM object
                 WHERE kind = ?1 AND id > ?2 ORDER BY id LIMIT ?3";
            let rows = database.all(sql, values![kind.key(), after, BATCH], |row| {
                let (id, name, origin, since) = (row.integer(0)?, row.text(1)?, row.text(3)?, row.text(4)?);
                Ok(LayerRow {
                    object_id: id,
                    name: name.to_owned(),
                    key: None,
                    label: origin.to_owned(),
                    layer: Layer {
                        origin: origin_of(origin),
                        document: parse(kind, name, row.text(2)?)?,
                        given: given(&parse::<Since>(kind, name, since)?),
                        absent_since: None,
                    },
                    updated_at: row.integer(5)?,
                })
            })?;
            let Some(last) = rows.last() else { break };
            after = last.object_id;
            insert_many(database, rows.iter().map(|row| (kind, row)))?;
            for row in &rows {
                if let Some(alias) = alias::of_layer(kind, &row.layer.document) {
                    let sql = "UPDATE object SET alias = ?3 WHERE kind = ?1 AND id = ?2";
                    database.execute(sql, values![kind.key(), row.object_id, &alias])?;
                }
                if row.layer.origin == Origin::Api {
                    let sql = "UPDATE object SET givers = ?3 WHERE kind = ?1 AND id = ?2";
                    database.execute(sql, values![kind.key(), row.object_id, r#"{"all":"api:"}"#])?;
                }
            }
        }
    }
    Ok(())
}

/// Returns whose layer an object of an earlier version is: edits named where they came from, an apply its file.
fn origin_of(origin: &str) -> Origin {
    match origin {
        "api" | "console" | "cli" => Origin::Api,
        _ => Origin::Files,
    }
}

fn given(since: &Since) -> Given {
    let mut given = Given::default();
    for (part, at) in &since.0 {
        let gift = Given::new(Some(Instant::from_micros(at.as_micros())), None).layer;
        given.parts.insert(part.clone(), gift);
    }
    given
}
