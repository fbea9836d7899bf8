//! The definition as reference documentation: Markdown for people, JSON for programs.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::{SCHEMA_VERSION, SNAPSHOT, TABLES, Table};

/// Returns the documentation of one table, or of all with an introduction, as Markdown.
#[must_use]
pub fn render_markdown(table: Option<&Table>) -> String {
    if let Some(table) = table {
        return markdown(table, "#");
    }
    let mut text = format!(
        "# The access summary: schema version {SCHEMA_VERSION}\n\n\
         Fourteen tables and the row that names the snapshot. A type with `?` may be null, every other field is \
         NOT NULL. **K** marks fields whose values are unique; → names the table and field where each value is \
         found in the same snapshot.\n"
    );
    for table in TABLES.iter().chain([&SNAPSHOT]) {
        text.push('\n');
        text.push_str(&markdown(table, "##"));
    }
    text
}

fn markdown(table: &Table, heading: &str) -> String {
    let mut text = format!("{heading} {}\n\n{}\n\nOrder: {}", table.name, table.about, lowered(table.order));
    let key: Vec<_> = table.key.iter().map(|field| format!("`{field}`")).collect();
    let _ = writeln!(text, " Primary key: {}.\n", key.join(", "));
    text.push_str("| field | type | | meaning |\n|---|---|---|---|\n");
    for field in table.fields {
        let nullable = if field.nullable { "?" } else { "" };
        let key = field.key.then(|| "**K**".to_owned());
        let reference = field.references.map(|(table, field)| format!("→ `{table}`.`{field}`"));
        let marks: Vec<_> = key.into_iter().chain(reference).collect();
        let about = field.about.replace('|', "\\|");
        let _ = writeln!(
            text,
            "| `{}` | {}{nullable} | {} | {about} |",
            field.name,
            field.kind.as_str(),
            marks.join(" ")
        );
    }
    text
}

fn lowered(sentence: &str) -> String {
    let mut chars = sentence.chars();
    chars.next().map(|first| first.to_lowercase().chain(chars).collect()).unwrap_or_default()
}

/// Returns the definition of one table, or of all, as JSON.
#[must_use]
pub fn render_json(table: Option<&Table>) -> Value {
    table.map_or_else(
        || {
            json!({
                "schema_version": SCHEMA_VERSION,
                "tables": TABLES.iter().map(object).collect::<Vec<_>>(),
                "snapshot": object(&SNAPSHOT),
            })
        },
        object,
    )
}

fn object(table: &Table) -> Value {
    let fields = table.fields.iter().map(|field| {
        json!({
            "name": field.name,
            "type": field.kind.as_str(),
            "nullable": field.nullable,
            "unique": field.key,
            "references": field.references.map(|(table, field)| json!({ "table": table, "field": field })),
            "about": field.about,
        })
    });
    json!({
        "name": table.name,
        "about": table.about,
        "order": table.order,
        "key": table.key,
        "sorted_by": table.sorted_by,
        "fields": fields.collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table;

    #[test]
    fn a_table_as_markdown() {
        let text = render_markdown(table("data-product-assets"));
        assert_eq!(
            text,
            "# data-product-assets\n\n\
             One row per data product, data source and column that the product brings.\n\n\
             Order: by data_product_id as a number, datasource_id, column_id. Primary key: \
             `data_product_id`, `datasource_id`, `column_id`.\n\n\
             | field | type | | meaning |\n|---|---|---|---|\n\
             | `data_product_id` | String | → `data-products`.`data_product_id` | The data product. |\n\
             | `datasource_id` | Integer | → `datasource-metadata`.`datasource_id` | The data source. |\n\
             | `column_id` | Integer? | → `column-metadata`.`column_id` | The column; null when the product \
             brings the data source without any column. |\n\
             | `added_at` | Timestamp |  | When the data source came into the product. |\n\
             | `export_date` | Timestamp |  | The snapshot's instant, the same in every row of every table of \
             a run. |\n"
        );
    }

    #[test]
    fn everything_is_documented_in_both_forms() {
        let (text, json) = (render_markdown(None), render_json(None));
        assert_eq!(json["tables"].as_array().unwrap().len(), TABLES.len());
        for table in TABLES.iter().chain([&SNAPSHOT]) {
            assert!(text.contains(&format!("\n## {}\n", table.name)), "{}", table.name);
            let one = render_json(Some(table));
            assert_eq!(one["fields"].as_array().unwrap().len(), table.fields.len());
            assert_eq!(one["fields"][0]["name"], table.fields[0].name);
        }
    }
}
