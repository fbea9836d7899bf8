//! A list of people as a source: CSV (RFC 4180) with a header, and optionally a second list with memberships of groups.
//!
//! Every mistake is collected with its line and column, as those of catalog files are, and a list with a mistake gives
//! nothing. `layout` finds the places, `table` the rows, `columns` what each column means, and `people` the users.

mod columns;
mod layout;
mod people;
mod table;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;

use domesday_model::CsvConnection;

use crate::diagnostic::{Collector, Diagnostic, Diagnostics};
use crate::digest::digest;
use crate::reading::Reading;
use columns::Mapping;
use people::People;
use table::Table;

/// The name of the list of people in diagnostics.
const USERS: &str = "users";
/// The name of the list of memberships in diagnostics.
const MEMBERSHIPS: &str = "memberships";

/// Why a list cannot be read: every mistake with its line and column.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct CsvErrors(Diagnostics);

impl CsvErrors {
    /// Returns the listed mistakes, in the order of lines.
    pub fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        self.0.iter()
    }

    /// Returns how many mistakes there are, listed or not.
    #[must_use]
    pub fn mistakes(&self) -> usize {
        self.0.mistakes()
    }

    /// Names the files in the mistakes, which are called `users` and `memberships` otherwise.
    #[must_use]
    pub fn with_file_names(mut self, users: &str, memberships: &str) -> Self {
        for diagnostic in &mut self.0.list {
            match diagnostic.file.as_str() {
                USERS => users.clone_into(&mut diagnostic.file),
                MEMBERSHIPS => memberships.clone_into(&mut diagnostic.file),
                _ => {}
            }
        }
        self
    }

    /// Returns the mistakes as those of catalog files.
    #[must_use]
    pub fn into_diagnostics(self) -> Diagnostics {
        self.0
    }
}

impl fmt::Display for CsvErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Reads a list of people, and one of memberships. `name` is the connection's, which becomes the users' identity provider;
/// `map` has further headers by field, which count more than the connection's.
///
/// ```
/// use std::collections::BTreeMap;
///
/// let csv = "username,email,groups\nada,ada@acme.example,Audit;Sales\n";
/// let reading =
///     domesday_sources::csv::read(&Default::default(), "hr", csv.as_bytes(), None, &BTreeMap::new()).unwrap();
/// assert_eq!(reading.users[0].object.email.as_deref(), Some("ada@acme.example"));
/// assert_eq!(reading.groups.len(), 2);
/// ```
///
/// # Errors
/// All mistakes; nothing is read then.
pub fn read(
    connection: &CsvConnection,
    name: &str,
    users: &[u8],
    memberships: Option<&[u8]>,
    map: &BTreeMap<String, String>,
) -> Result<Reading, CsvErrors> {
    let mut errors = Collector::new(crate::STORED);
    let mapping = Mapping::new(&connection.map, map, &mut errors);
    let mut people = People::new(name);
    if let Some(mut table) = Table::open(USERS, users, &mut errors) {
        let columns = mapping.user_columns(&table, &mut errors);
        people.read_users(&mut table, &columns, &mut errors);
    }
    if let Some(memberships) = memberships
        && let Some(mut table) = Table::open(MEMBERSHIPS, memberships, &mut errors)
    {
        let columns = mapping.membership_columns(&table, &mut errors);
        people.read_memberships(&mut table, &columns, &mut errors);
    }
    errors.finish(Vec::new()).map_err(CsvErrors)?;
    let mut reading = people.into_reading();
    reading.sha256 = digest(&reading);
    Ok(reading)
}
