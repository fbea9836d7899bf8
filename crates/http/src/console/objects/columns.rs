//! The columns of a data source in its form: one row each, and some for new ones. Of a data source with more columns than
//! a form takes, one page of them is edited at a time, and the others stay as they are.

use std::collections::BTreeSet;
use std::ops::Range;

use serde_json::{Map, Value, json};

use crate::console::form::Form;

/// How many columns a page has at most.
const PAGE: usize = 100;

/// How long the columns of a page are at most, in bytes as they are sent. A form has 256 KiB.
const MAX_PAGE_BYTES: usize = 128 * 1024;

/// How long a column is as it is sent, in bytes, apart from its texts.
const COLUMN_OVERHEAD: usize = 100;

/// How many rows a form takes at most.
const MAX_ROWS: usize = 300;

/// How many rows there are for new columns.
const NEW_ROWS: usize = 3;

/// The field with the page of a form, from 1; it marks a form that has columns.
pub(super) const PAGE_FIELD: &str = "columns-page";

/// The columns of a form.
#[derive(Debug, Default)]
pub(super) struct ColumnsView {
    pub(super) rows: Vec<ColumnField>,
    /// The page, from 1.
    pub(super) page: usize,
    /// The pages, when there are several, by the columns that each has.
    pub(super) pages: Vec<String>,
    /// How many columns there are.
    pub(super) total: usize,
    pub(super) is_last: bool,
}

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

/// Splits columns into pages; there is always one.
fn pages(columns: &[Value]) -> Vec<Range<usize>> {
    let mut pages = Vec::new();
    let (mut start, mut bytes) = (0, 0);
    for (at, column) in columns.iter().enumerate() {
        // Each byte of a text is sent as three at most.
        let size = COLUMN_OVERHEAD + 3 * column.to_string().len();
        if at > start && (at - start == PAGE || bytes + size > MAX_PAGE_BYTES) {
            pages.push(start..at);
            (start, bytes) = (at, 0);
        }
        bytes += size;
    }
    pages.push(start..columns.len());
    pages
}

fn columns(stored: &Value) -> &[Value] {
    stored.as_array().map_or(&[], Vec::as_slice)
}

/// The page that is asked for, or the last.
fn page_at(pages: &[Range<usize>], number: usize) -> (usize, Range<usize>) {
    let number = number.clamp(1, pages.len());
    (number, pages[number - 1].clone())
}

/// Returns the columns as a form shows them: those of a page, or what was sent.
pub(super) fn columns_view(stored: &Value, sent: Option<&Form>, page: usize) -> ColumnsView {
    let stored = columns(stored);
    let pages = pages(stored);
    let sent = sent.filter(|form| form.has(PAGE_FIELD));
    let (page, range) = page_at(&pages, sent.map_or(page, sent_page));
    let first = range.start;
    let mut rows = match sent {
        Some(form) => sent_rows(form),
        None => stored[range].iter().map(stored_row).collect(),
    };
    while rows.last().is_some_and(|row| *row == ColumnField::default()) {
        rows.pop();
    }
    let is_last = page == pages.len();
    if is_last {
        rows.extend((0..NEW_ROWS).map(|_| ColumnField::default()));
    }
    for (position, row) in rows.iter_mut().enumerate() {
        row.label = if row.name.is_empty() {
            format!("column {}", first + position + 1)
        } else {
            format!("column {}", row.name)
        };
    }
    let labels = pages.iter().map(|range| format!("{}–{}", range.start + 1, range.end));
    let pages = if pages.len() > 1 { labels.collect() } else { Vec::new() };
    ColumnsView { rows, page, pages, total: stored.len(), is_last }
}

/// The page of a form that was sent.
fn sent_page(form: &Form) -> usize {
    form.get(PAGE_FIELD).parse().unwrap_or(1)
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

/// Returns the columns with those that were sent; none when the form had none, and the stored ones stay. The form is of the
/// stored columns: the caller has compared the entity tag.
pub(super) fn merge_columns(stored: &Value, form: &Form) -> Result<Option<Value>, String> {
    if !form.has(PAGE_FIELD) {
        return Ok(None);
    }
    let stored = columns(stored);
    let (_, range) = page_at(&pages(stored), sent_page(form));
    let mut merged = stored[..range.start].to_vec();
    let before = &stored[range.clone()];
    let mut rows = sent_rows(form);
    rows.retain(|row| !row.name.is_empty());
    if rows.len() > MAX_ROWS {
        return Err(format!("A form takes {MAX_ROWS} columns."));
    }
    for (position, row) in rows.into_iter().enumerate() {
        // A column that was not touched stays as it is; most often it is where it was.
        let is_same = |column: &&Value| stored_row(column) == row;
        let same = before.get(position).filter(is_same).or_else(|| before.iter().find(is_same));
        merged.push(same.cloned().unwrap_or_else(|| column(&row)));
    }
    merged.extend_from_slice(&stored[range.end..]);
    Ok(Some(Value::Array(merged)))
}

/// A row as a column of the catalog format.
fn column(row: &ColumnField) -> Value {
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
    Value::Object(column)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(count: usize) -> Value {
        json!((0..count).map(|at| json!({ "name": format!("c{at}"), "type": "INT" })).collect::<Vec<_>>())
    }

    #[test]
    fn columns_are_paged_by_number_and_by_length() {
        let sizes = |value: &Value| pages(columns(value)).into_iter().map(|it| it.len()).collect::<Vec<_>>();
        assert_eq!(sizes(&json!([])), [0]);
        assert_eq!(sizes(&stored(100)), [100]);
        assert_eq!(sizes(&stored(301)), [100, 100, 100, 1]);
        let long = json!([
            { "name": "a", "description": "x".repeat(40_000) },
            { "name": "b", "description": "y".repeat(40_000) }
        ]);
        assert_eq!(sizes(&long), [1, 1]);
    }

    #[test]
    fn the_columns_of_other_pages_stay() {
        let before = stored(250);
        let view = columns_view(&before, None, 2);
        assert_eq!((view.rows.len(), view.page, view.is_last), (100, 2, false));
        assert_eq!(view.pages, ["1–100", "101–200", "201–250"]);
        assert_eq!(view.rows[0].label, "column c100");
        let form = Form::parse(
            "columns-page=2&column-name=c100&column-type=INT&column-null=yes&column-tags=&\
             column-description=&column-name=new&column-type=TEXT&column-null=no&column-tags=&column-description=d",
        );
        let after = merge_columns(&before, &form).unwrap().unwrap();
        let names: Vec<_> = columns(&after).iter().map(|it| it["name"].as_str().unwrap()).collect();
        assert_eq!(
            (names.len(), names[99], names[100], names[101], names[102]),
            (152, "c99", "c100", "new", "c200")
        );
        assert_eq!(
            after[101],
            json!({ "name": "new", "type": "TEXT", "nullable": false, "description": "d" })
        );
        assert_eq!(merge_columns(&before, &Form::parse("name=x")), Ok(None));
    }
}
