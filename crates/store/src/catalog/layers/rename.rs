//! Gives an object another name wherever it is named.

use std::collections::BTreeSet;

use domesday_model::condition::Condition;
use domesday_model::layers::is_layered;
use domesday_model::{Instant, Kind};
use serde_json::{Map, Value};

use crate::StoreError;
use crate::catalog::documents::parse;
use crate::catalog::references::referring_kinds;
use crate::database::{Database, values};

/// Renames an object, and returns the kinds of the objects that named it.
pub(super) fn rename(
    database: &mut Database,
    kind: Kind,
    id: i64,
    old: &str,
    new: &str,
    at: Instant,
) -> Result<BTreeSet<Kind>, StoreError> {
    let sql = "UPDATE object SET name = ?3, updated_at = ?4 WHERE kind = ?1 AND id = ?2";
    database.execute(sql, values![kind.key(), id, new, at.as_micros()])?;
    let mut changed = BTreeSet::new();
    let renaming = Renaming { kind, old, new };
    for referring in referring_kinds(kind) {
        for table in ["object", "layer"] {
            if table == "layer" && !is_layered(*referring) {
                continue;
            }
            if renaming.in_table(database, table, *referring)? {
                changed.insert(*referring);
            }
        }
    }
    Ok(changed)
}

struct Renaming<'n> {
    kind: Kind,
    old: &'n str,
    new: &'n str,
}

impl Renaming<'_> {
    /// Rewrites the documents of a kind in one of the two tables that have them.
    fn in_table(&self, database: &mut Database, table: &str, referring: Kind) -> Result<bool, StoreError> {
        let in_conditions = self.kind == Kind::Group && matches!(referring, Kind::Policy | Kind::DataPolicy);
        let needle = if in_conditions { String::new() } else { Value::from(self.old).to_string() };
        let (id, history, origin) = match table {
            "layer" => ("object_id", "given", "origin"),
            _ => ("id", "since", "kind"),
        };
        let sql = format!(
            "SELECT {id}, name, document, {history}, {origin} FROM {table} WHERE kind = ?1 AND instr(document, ?2) > 0"
        );
        let found = database.all(&sql, values![referring.key(), &needle], |row| {
            let text = |column: usize| Ok::<_, StoreError>(row.text(column)?.to_owned());
            Ok((row.integer(0)?, text(1)?, text(2)?, text(3)?, text(4)?))
        })?;
        let mut is_any = false;
        for (object, name, text, history_text, origin_text) in found {
            let mut document: Value = parse(referring, &name, &text)?;
            if !self.in_value(&mut document) {
                continue;
            }
            is_any = true;
            let history_text = self.in_history(referring, &name, &history_text)?;
            let sql = format!(
                "UPDATE {table} SET document = ?3, {history} = ?4 WHERE kind = ?1 AND {id} = ?2 AND {origin} = ?5"
            );
            let text = document.to_string();
            let values = values![referring.key(), object, &text, &history_text, &origin_text];
            database.execute(&sql, values)?;
        }
        Ok(is_any)
    }

    /// Rewrites a document; whether it named the object.
    fn in_value(&self, value: &mut Value) -> bool {
        match value {
            Value::Array(items) => {
                let mut is_any = false;
                for item in items {
                    is_any |= self.in_value(item);
                }
                is_any
            }
            Value::Object(fields) => self.in_fields(fields),
            _ => false,
        }
    }

    fn in_fields(&self, fields: &mut Map<String, Value>) -> bool {
        let (single, lists): (&[&str], &[&str]) = match self.kind {
            Kind::User => (
                &["manager", "user", "requester", "by", "acceptedBy", "sme", "createdBy", "owner"],
                &["owners", "users"],
            ),
            Kind::Group => (&[], &["groups"]),
            _ => (&["dataSource"], &["dataSources"]),
        };
        let mut is_any = false;
        for (key, value) in fields.iter_mut() {
            // Answers and attributes are data, whatever they are called.
            if matches!(key.as_str(), "answers" | "attributes") {
                continue;
            }
            let is_text = single.contains(&key.as_str()) && value.as_str() == Some(self.old);
            if is_text {
                *value = self.new.into();
                is_any = true;
            } else if self.kind == Kind::Group
                && matches!(key.as_str(), "condition" | "except")
                && value.is_string()
            {
                is_any |= self.in_condition(value);
            } else {
                is_any |= lists.contains(&key.as_str()) && self.in_list(value);
                is_any |= self.in_value(value);
            }
        }
        is_any
    }

    /// Rewrites a list of names, or of objects with names.
    fn in_list(&self, value: &mut Value) -> bool {
        let mut is_any = false;
        for item in value.as_array_mut().into_iter().flatten() {
            let name = match item {
                Value::Object(fields) => fields.get_mut("name"),
                item => Some(item),
            };
            if let Some(name) = name.filter(|name| name.as_str() == Some(self.old)) {
                *name = self.new.into();
                is_any = true;
            }
        }
        is_any
    }

    fn in_condition(&self, value: &mut Value) -> bool {
        let Some(condition) = value.as_str().and_then(|text| text.parse::<Condition>().ok()) else {
            return false;
        };
        let (renamed, is_any) = condition.with_group_renamed(self.old, self.new);
        if is_any {
            *value = renamed.to_string().into();
        }
        is_any
    }

    /// Rewrites the parts that a history names.
    fn in_history(&self, referring: Kind, name: &str, text: &str) -> Result<String, StoreError> {
        if self.kind != Kind::Group || referring != Kind::User || text == "{}" {
            return Ok(text.to_owned());
        }
        let mut history: Map<String, Value> = parse(referring, name, text)?;
        let (old, new) = (format!("group:{}", self.old), format!("group:{}", self.new));
        let rekey = |parts: &mut Map<String, Value>| {
            if let Some(value) = parts.shift_remove(&old) {
                parts.insert(new.clone(), value);
            }
        };
        match history.get_mut("parts").and_then(Value::as_object_mut) {
            Some(parts) => rekey(parts),
            None => rekey(&mut history),
        }
        Ok(Value::Object(history).to_string())
    }
}
