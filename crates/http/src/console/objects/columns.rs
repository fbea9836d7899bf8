//! The columns of a data source in its form: one row each, and some for new ones.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::console::form::Form;

/// How many columns are edited in a form at most: a form has 256 KiB.
const MAX_COLUMNS: usize = 300;

/// How many rows there are for new columns.
const NEW_ROWS: usize = 3;

/// The marker of a form that has columns.
const MARKER: &str = "has-columns";

/// A row of the form.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct ColumnField {
    pub(super) name: String,
    pub(super) data_type: String,
    pub(super) is_required: bool,
    /// One a line.
    pub(super) tags: String,
    pub(super) description: String,
    /// What the row is called for readers of screens.
    pub(super) label: String,
}

/// Returns the rows of a form, or why there are none.
pub(super) fn columns_in(stored: &Value, sent: Option<&Form>) -> Result<Vec<ColumnField>, String> {
    let count = stored.as_array().map_or(0, Vec::len);
    if count > MAX_COLUMNS {
        return Err(format!(
            "{count} columns are more than a form takes ({MAX_COLUMNS}). Change them with a file, or with the API: PUT \
             /api/v1/data-sources/NAME."
        ));
    }
    let mut rows = match sent.filter(|form| form.has(MARKER)) {
        Some(form) => sent_rows(form),
        None => stored.as_array().into_iter().flatten().map(stored_row).collect(),
    };
    while rows.last().is_some_and(|row| *row == ColumnField::default()) {
        rows.pop();
    }
    rows.extend((0..NEW_ROWS).map(|_| ColumnField::default()));
    for (position, row) in rows.iter_mut().enumerate() {
        row.label = if row.name.is_empty() {
            format!("column {}", position + 1)
        } else {
            format!("column {}", row.name)
        };
    }
    Ok(rows)
}

fn stored_row(column: &Value) -> ColumnField {
    let text = |key: &str| column[key].as_str().unwrap_or_default().to_owned();
    let tags = column["tags"].as_array().into_iter().flatten().filter_map(Value::as_str);
    ColumnField {
        name: text("name"),
        data_type: text("type"),
        is_required: column["nullable"] == Value::Bool(false),
        tags: tags.collect::<Vec<_>>().join("\n"),
        description: text("description"),
        label: String::new(),
    }
}

fn sent_rows(form: &Form) -> Vec<ColumnField> {
    let text = |value: Option<&str>| value.unwrap_or_default().replace("\r\n", "\n").trim().to_owned();
    let mut types = form.all("column-type");
    let mut nulls = form.all("column-null");
    let mut tags = form.all("column-tags");
    let mut descriptions = form.all("column-description");
    let row = |name: &str| ColumnField {
        name: name.trim().to_owned(),
        data_type: text(types.next()),
        is_required: nulls.next() == Some("no"),
        tags: text(tags.next()),
        description: text(descriptions.next()),
        label: String::new(),
    };
    form.all("column-name").map(row).collect()
}

/// Returns the columns that were sent; none when the form had none, and the stored ones stay.
pub(super) fn merge_columns(stored: &Value, form: &Form) -> Result<Option<Value>, String> {
    if !form.has(MARKER) {
        return Ok(None);
    }
    let stored: Vec<&Value> = stored.as_array().into_iter().flatten().collect();
    let mut columns = Vec::new();
    for row in sent_rows(form) {
        if row.name.is_empty() {
            continue;
        }
        if columns.len() == MAX_COLUMNS {
            return Err(format!("A form takes {MAX_COLUMNS} columns."));
        }
        // A column that was not touched stays as it is.
        if let Some(same) = stored.iter().find(|column| stored_row(column) == row) {
            columns.push((*same).clone());
            continue;
        }
        let mut column = Map::new();
        column.insert("name".to_owned(), json!(row.name));
        column.insert("type".to_owned(), json!(row.data_type));
        if row.is_required {
            column.insert("nullable".to_owned(), json!(false));
        }
        let tags: BTreeSet<&str> = row.tags.lines().map(str::trim).filter(|tag| !tag.is_empty()).collect();
        if !tags.is_empty() {
            column.insert("tags".to_owned(), json!(tags));
        }
        if !row.description.is_empty() {
            column.insert("description".to_owned(), json!(row.description));
        }
        columns.push(Value::Object(column));
    }
    Ok(Some(Value::Array(columns)))
}
