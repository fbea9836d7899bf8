//! What the scripts of all engines share: the external tables, the queries of the views, and the heading.

use domesday_tables::{Field, SCHEMA_VERSION, SNAPSHOT, TABLES, Table};

use crate::{Layout, ObjectStore, Slot};

/// The tables of a summary as a script names them.
pub(super) struct ScriptTables {
    /// The address of the schema version's folder, without a slash at the end.
    pub(super) root: String,
    pub(super) layout: Layout,
    pub(super) object_store: Option<ObjectStore>,
}

impl ScriptTables {
    pub(super) fn region(&self) -> &str {
        self.object_store.as_ref().map_or("", |store| &store.region)
    }

    /// Returns the external tables over a table's files. The `snapshot` table has one folder in every layout.
    pub(super) fn sources(&self, table: &'static Table) -> Vec<ExternalTable> {
        let name = view_name(table);
        let slots = match self.layout {
            Layout::Swap if *table != SNAPSHOT => Slot::ALL.map(Some).to_vec(),
            _ => vec![None],
        };
        let source = |slot: Option<Slot>| match slot {
            Some(slot) => ExternalTable {
                table,
                name: format!("ext_{name}_{}", slot.as_str()),
                folder: format!("{}/slot={}/", table.name, slot.as_str()),
                slot: Some(slot),
            },
            None => ExternalTable {
                table,
                name: format!("ext_{name}"),
                folder: format!("{}/", table.name),
                slot: None,
            },
        };
        slots.into_iter().map(source).collect()
    }

    /// Returns every external table, the snapshot's first.
    pub(super) fn all_sources(&self) -> Vec<ExternalTable> {
        all_tables().flat_map(|table| self.sources(table)).collect()
    }

    /// Returns the query of a table's view. `quote` writes a field's name, `qualify` a table's.
    pub(super) fn query(
        &self,
        table: &'static Table,
        quote: fn(&str) -> String,
        qualify: &dyn Fn(&str) -> String,
    ) -> String {
        let fields: Vec<_> = table.fields.iter().map(|field| quote(field.name)).collect();
        let (fields, date) = (fields.join(", "), quote("export_date"));
        let snapshot = qualify("ext_snapshot");
        let selects: Vec<String> = self
            .sources(table)
            .iter()
            .map(|source| {
                let mut select = format!("SELECT {fields}\nFROM {}", qualify(&source.name));
                if *table != SNAPSHOT {
                    select.push_str(&format!("\nWHERE {date} = (SELECT max({date}) FROM {snapshot})"));
                }
                if let Some(slot) = source.slot {
                    let name = quote("slot");
                    select.push_str(&format!(
                        "\n  AND (SELECT max({name}) FROM {snapshot}) = '{}'",
                        slot.as_str()
                    ));
                }
                select
            })
            .collect();
        selects.join("\nUNION ALL\n")
    }

    /// Returns the root for a comment. Tools that split a script at `;` or `'` also split comments, so a root with such
    /// characters is left out.
    pub(super) fn shown_root(&self) -> &str {
        let is_plain = |c: char| c.is_alphanumeric() || "/:._-=".contains(c);
        let is_comment_end = self.root.contains("--");
        if self.root.chars().all(is_plain) && !is_comment_end { &self.root } else { "the destination" }
    }

    /// Returns the first lines of a script.
    pub(super) fn heading(&self, engine: &str, comment: &str) -> String {
        let lines = [
            format!("The access summary in {engine}: external tables over {}", self.shown_root()),
            format!(
                "(layout {}, schema version {SCHEMA_VERSION}) and the views to query. Generated;",
                self.layout
            ),
            "run it again when the schema version or the layout changes.".to_owned(),
            comment.to_owned(),
        ];
        let lines = lines.iter().flat_map(|line| line.lines());
        lines.map(|line| format!("-- {line}").trim_end().to_owned() + "\n").collect()
    }
}

/// An external table over the files of one folder.
pub(super) struct ExternalTable {
    pub(super) table: &'static Table,
    pub(super) name: String,
    /// Under the root, with a slash at the end.
    pub(super) folder: String,
    pub(super) slot: Option<Slot>,
}

/// Returns every table, the snapshot's first: the views of the others refer to it.
pub(super) fn all_tables() -> impl Iterator<Item = &'static Table> {
    std::iter::once(&SNAPSHOT).chain(&TABLES)
}

/// Returns a table's name as an identifier of SQL.
pub(super) fn view_name(table: &Table) -> String {
    table.name.replace('-', "_")
}

/// Writes a name in double quotes.
pub(super) fn double_quote(name: &str) -> String {
    format!("\"{name}\"")
}

/// Writes a name in backticks.
pub(super) fn backtick(name: &str) -> String {
    format!("`{name}`")
}

/// Writes a table's fields as lines of a definition, indented and separated by commas.
pub(super) fn columns(table: &Table, line: impl Fn(&Field) -> String) -> String {
    table.fields.iter().map(|field| format!("  {}", line(field))).collect::<Vec<_>>().join(",\n")
}
