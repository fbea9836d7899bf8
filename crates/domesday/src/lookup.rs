//! Users, data sources and columns by the names on the command line.

use anyhow::anyhow;
use domesday_model::{ColumnIx, DataSourceIx, Snapshot, UserIx, nearest_names};

/// How many names an error suggests.
const SUGGESTED: usize = 3;

/// Up to this many columns are listed when an unknown one resembles none of them.
const LISTED: usize = 12;

/// Finds a user. An error suggests similar usernames, or the user with this e-mail address or display name.
pub(crate) fn find_user(snapshot: &Snapshot, name: &str) -> anyhow::Result<UserIx> {
    snapshot.user(name).ok_or_else(|| {
        let meant = snapshot.users.iter().filter(|user| {
            user.name.eq_ignore_ascii_case(name)
                || user.email.as_ref().is_some_and(|email| email.eq_ignore_ascii_case(name))
        });
        let mut near: Vec<&str> = meant.map(|user| &*user.username).take(SUGGESTED).collect();
        if near.is_empty() {
            near = nearest_names(name, snapshot.users.iter().map(|user| &*user.username), SUGGESTED);
        }
        unknown("user", name, "usernames are exact and case-sensitive", &near)
    })
}

/// Finds a data source. An error suggests similar names.
pub(crate) fn find_data_source(snapshot: &Snapshot, name: &str) -> anyhow::Result<DataSourceIx> {
    snapshot.data_source(name).ok_or_else(|| {
        let names = snapshot.data_sources.iter().map(|source| &*source.name);
        let near = nearest_names(name, names, SUGGESTED);
        unknown("data source", name, "names are exact and case-sensitive", &near)
    })
}

/// Finds a column of a data source. An error suggests similar names, or lists the columns.
pub(crate) fn find_column(snapshot: &Snapshot, source: DataSourceIx, name: &str) -> anyhow::Result<ColumnIx> {
    let found = snapshot.columns_of(source).find(|(_, column)| *column.name == *name);
    found.map(|(column, _)| column).ok_or_else(|| {
        let source_name = &snapshot.data_sources[source.get()].name;
        let names = || snapshot.columns_of(source).map(|(_, column)| &*column.name);
        let near = nearest_names(name, names(), SUGGESTED);
        let rule = match names().len() {
            0 => "it has no columns".to_owned(),
            count if count <= LISTED => format!("it has {}", names().collect::<Vec<_>>().join(", ")),
            count => format!("it has {count}, whose names are exact and case-sensitive"),
        };
        unknown(&format!("column of {source_name} called"), name, &rule, &near)
    })
}

fn unknown(what: &str, name: &str, rule: &str, near: &[&str]) -> anyhow::Error {
    if near.is_empty() {
        return anyhow!("there is no {what} `{name}`; {rule}");
    }
    let near: Vec<_> = near.iter().map(|name| format!("`{name}`")).collect();
    anyhow!("there is no {what} `{name}`; did you mean {}?", near.join(" or "))
}
