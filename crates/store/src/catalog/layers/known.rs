//! How what a connection lists for the first time is recognized among all objects, and what it is called otherwise.

use std::collections::{HashMap, HashSet};

use domesday_model::layers::{Document, Origin};
use domesday_model::{Excerpt, Kind};

use super::find::is_elsewhere;
use super::find_by_alias;
use crate::StoreError;
use crate::catalog::alias;
use crate::catalog::documents::parse;
use crate::database::{Database, values};

/// The objects of a kind by what they can be recognized by.
#[derive(Debug)]
pub(super) struct Known {
    by_name: HashMap<String, i64>,
    aliases: HashSet<String>,
}

/// Reads what the objects of a kind can be recognized by.
pub(super) fn known(database: &mut Database, kind: Kind) -> Result<Known, StoreError> {
    let mut known = Known { by_name: HashMap::new(), aliases: HashSet::new() };
    let sql = "SELECT id, name, alias FROM object WHERE kind = ?1";
    database.each(sql, values![kind.key()], &mut |row| {
        known.by_name.insert(row.text(1)?.to_owned(), row.integer(0)?);
        known.aliases.extend(row.maybe_text(2)?.map(str::to_owned));
        Ok(())
    })?;
    Ok(known)
}

/// Finds the object that others described and a connection lists for the first time.
pub(super) fn recognized(
    database: &mut Database,
    known: &Known,
    origin: &Origin,
    kind: Kind,
    document: &Document,
    name: &str,
) -> Result<Option<i64>, StoreError> {
    let has_alias = alias::of_layer(kind, document).is_some_and(|alias| known.aliases.contains(&alias));
    let by_alias = |database: &mut Database| {
        if has_alias { find_by_alias(database, kind, document, origin) } else { Ok(None) }
    };
    let by_name = known.by_name.get(name).copied();
    // Where a data source is says more than what it is called.
    if kind == Kind::DataSource {
        if let Some(found) = by_alias(database)? {
            return Ok(Some(found));
        }
        let Some(id) = by_name else { return Ok(None) };
        let sql = "SELECT document FROM object WHERE kind = ?1 AND id = ?2";
        let other: Option<Document> =
            database.first(sql, values![kind.key(), id], |row| parse(kind, name, row.text(0)?))?;
        Ok(other.is_none_or(|other| !is_elsewhere(&other, document)).then_some(id))
    } else {
        Ok(by_name.or(by_alias(database)?))
    }
}

/// Names for new data sources: one that something at another place has already is not given again.
#[derive(Debug)]
pub(super) struct FreeNames<'k> {
    known: &'k Known,
    given: HashSet<String>,
    /// Those that got another name.
    renamed: Vec<String>,
}

impl<'k> FreeNames<'k> {
    pub(super) fn new(known: &'k Known) -> Self {
        Self { known, given: HashSet::new(), renamed: Vec::new() }
    }

    /// Returns the name of a new object that a connection calls by a name.
    pub(super) fn name(&mut self, kind: Kind, name: &str, connection: &str) -> String {
        let mut free = name.to_owned();
        let is_taken = |name: &str| self.known.by_name.contains_key(name) || self.given.contains(name);
        if kind == Kind::DataSource && is_taken(&free) {
            free = format!("{name} ({connection})");
            let mut number = 2;
            while is_taken(&free) {
                free = format!("{name} ({connection} {number})");
                number += 1;
            }
            self.renamed.push(free.clone());
        }
        self.given.insert(free.clone());
        free
    }

    /// Says which data sources got another name than their connection gives them.
    pub(super) fn warning(&self) -> Option<String> {
        let first = self.renamed.first()?;
        Some(format!(
            "{} new data sources have a name by `naming` that another one has, and got one of their own, such as `{}`",
            self.renamed.len(),
            Excerpt(first)
        ))
    }
}
