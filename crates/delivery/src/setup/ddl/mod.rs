//! External tables over a delivered summary, and the views that keep to one snapshot.
//!
//! Each script is made of the same parts in an engine's own words. *External tables* (`ext_…`) lie over the
//! delivered files, one a table; in the swap layout two, one a slot, so that no engine needs partitions. *Views*,
//! named like the tables with underscores, select only the rows whose `export_date` is that of the `snapshot` row,
//! and in the swap layout only the slot that it names. *Refresh* is whatever an engine needs to see new files.

mod athena;
mod clickhouse;
mod databricks;
mod duckdb;
mod escape;
mod snowflake;
mod trino;

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use domesday_tables::{Field, SCHEMA_FOLDER, SCHEMA_VERSION, SNAPSHOT, TABLES, Table};

use crate::{DeliveryError, Layout, S3Settings, Slot, Target};

/// An engine that reads the summary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// Snowflake
    Snowflake,
    /// Databricks
    Databricks,
    /// Amazon Athena
    Athena,
    /// Trino, with its Hive connector
    Trino,
    /// DuckDB
    Duckdb,
    /// ClickHouse
    Clickhouse,
}

impl Engine {
    /// Every engine.
    pub const ALL: [Self; 6] =
        [Self::Snowflake, Self::Databricks, Self::Athena, Self::Trino, Self::Duckdb, Self::Clickhouse];

    /// The name in keys and command line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Snowflake => "snowflake",
            Self::Databricks => "databricks",
            Self::Athena => "athena",
            Self::Trino => "trino",
            Self::Duckdb => "duckdb",
            Self::Clickhouse => "clickhouse",
        }
    }
}

impl fmt::Display for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Engine {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|engine| engine.as_str() == text);
        found.ok_or_else(|| {
            let known = Self::ALL.map(Self::as_str).join(", ");
            format!("there is no engine `{text}`; the engines are {known}")
        })
    }
}

/// A script for an engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetupScript {
    /// The engine.
    pub engine: Engine,
    /// Its SQL.
    pub text: String,
}

/// The scripts that are delivered with a summary: every engine's in a bucket, none in a directory, which has no
/// address of its own that would hold wherever it is moved. For an engine that cannot read the path the script is a
/// comment with the reason, so that the delivery succeeds.
#[must_use]
pub fn setup_scripts(target: &Target, layout: Layout) -> Vec<SetupScript> {
    match target {
        Target::Directory(_) => Vec::new(),
        Target::S3(..) => {
            let script = |engine| SetupScript {
                engine,
                text: setup_script(engine, target, layout).unwrap_or_else(|error| format!("-- {error}\n")),
            };
            Engine::ALL.into_iter().map(script).collect()
        }
    }
}

/// The script of one engine for a destination.
///
/// # Errors
/// When the engine has no way to write the destination's path; the message names the character.
pub fn setup_script(engine: Engine, target: &Target, layout: Layout) -> Result<String, DeliveryError> {
    let place = Place::new(target, layout)?;
    escape::check_path(engine, &place.root, place.s3.is_some())?;
    Ok(match engine {
        Engine::Snowflake => snowflake::script(&place),
        Engine::Databricks => databricks::script(&place),
        Engine::Athena => athena::script(&place),
        Engine::Trino => trino::script(&place),
        Engine::Duckdb => duckdb::script(&place),
        Engine::Clickhouse => clickhouse::script(&place),
    })
}

/// Where the tables lie.
struct Place<'a> {
    /// The address of the schema version's folder, without a slash at the end.
    root: String,
    layout: Layout,
    s3: Option<&'a S3Settings>,
}

impl<'a> Place<'a> {
    fn new(target: &'a Target, layout: Layout) -> Result<Self, DeliveryError> {
        match target {
            Target::Directory(path) => {
                let Some(path) = path.to_str() else {
                    return Err(DeliveryError::Configuration {
                        message: format!("the path {} is not Unicode text, as SQL is", path.display()),
                    });
                };
                // A tilde at the start would be somebody's home directory.
                let absolute = path.starts_with('~').then(|| std::path::absolute(path).ok()).flatten();
                let path = absolute.as_deref().and_then(Path::to_str).unwrap_or(path).trim_end_matches('/');
                Ok(Self { root: format!("{path}/{SCHEMA_FOLDER}"), layout, s3: None })
            }
            Target::S3(settings, _) => {
                Ok(Self { root: format!("{}/{SCHEMA_FOLDER}", settings.url()), layout, s3: Some(settings) })
            }
        }
    }

    fn region(&self) -> &str {
        self.s3.map_or("", |settings| &settings.region)
    }

    /// The external tables over a table's files. The `snapshot` table lies in one place in every layout.
    fn sources(&self, table: &'static Table) -> Vec<ExternalTable> {
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

    /// Every external table, the snapshot's first.
    fn all_sources(&self) -> Vec<ExternalTable> {
        all_tables().flat_map(|table| self.sources(table)).collect()
    }

    /// The query of a table's view. `quote` writes a field's name, `qualify` a table's.
    fn query(
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

    /// The root for a comment. Tools that split a script at `;` or `'` look into comments too, so that a root
    /// with such characters stays out of them.
    fn shown_root(&self) -> &str {
        let is_plain = |c: char| c.is_alphanumeric() || "/:._-=".contains(c);
        let is_comment_end = self.root.contains("--");
        if self.root.chars().all(is_plain) && !is_comment_end { &self.root } else { "the destination" }
    }

    /// The lines that open every script.
    fn heading(&self, engine: &str, comment: &str) -> String {
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
struct ExternalTable {
    table: &'static Table,
    name: String,
    /// Under the place's root, with a slash at the end.
    folder: String,
    slot: Option<Slot>,
}

/// Every table, the snapshot's first: the views of the others look at it.
fn all_tables() -> impl Iterator<Item = &'static Table> {
    std::iter::once(&SNAPSHOT).chain(&TABLES)
}

/// A table's name as SQL likes it.
fn view_name(table: &Table) -> String {
    table.name.replace('-', "_")
}

/// A name in double quotes.
fn quoted(name: &str) -> String {
    format!("\"{name}\"")
}

/// A name in backticks.
fn backticked(name: &str) -> String {
    format!("`{name}`")
}

/// A table's fields as lines of a definition, indented and separated by commas.
fn columns(table: &Table, line: impl Fn(&Field) -> String) -> String {
    table.fields.iter().map(|field| format!("  {}", line(field))).collect::<Vec<_>>().join(",\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Access, Environment, Identity};

    fn target() -> Target {
        let settings = S3Settings::new("acme-audit", "access/summary", "eu-central-1").unwrap();
        Target::S3(settings, Box::new(Access::new(Identity::Ambient, None, Environment::default())))
    }

    /// What a reviewer reads: a whole script for each engine, cut to three tables.
    #[test]
    fn scripts_read_well() {
        for engine in Engine::ALL {
            let layout = if engine == Engine::Duckdb { Layout::Swap } else { Layout::Latest };
            let text = setup_script(engine, &target(), layout).unwrap();
            let keep = |part: &&str| {
                !TABLES.iter().any(|table| {
                    table.name != "request-duas" && {
                        let part = part.to_lowercase();
                        part.contains(table.name) || part.contains(&view_name(table))
                    }
                })
            };
            let shown: Vec<_> = text.split("\n\n").filter(keep).collect();
            insta::assert_snapshot!(engine.as_str(), shown.join("\n\n"));
        }
    }

    #[test]
    fn every_field_of_every_table_is_in_every_script() {
        for engine in Engine::ALL {
            for layout in Layout::ALL {
                let text = setup_script(engine, &target(), layout).unwrap().to_lowercase();
                for table in all_tables() {
                    assert!(text.contains(&view_name(table)), "{engine} {}", table.name);
                    for field in table.fields {
                        assert!(text.contains(field.name), "{engine} {}.{}", table.name, field.name);
                    }
                }
                assert_eq!(text.contains("slot=b"), layout == Layout::Swap, "{engine} {layout}");
            }
        }
    }

    #[test]
    fn a_directory_gets_no_scripts_and_a_bucket_all() {
        assert!(setup_scripts(&Target::Directory("out".into()), Layout::Latest).is_empty());
        assert_eq!(setup_scripts(&target(), Layout::Latest).len(), Engine::ALL.len());
        let settings = S3Settings::new("acme-audit", "a*b", "eu-central-1").unwrap();
        let access = Access::new(Identity::Ambient, None, Environment::default());
        let scripts = setup_scripts(&Target::S3(settings, Box::new(access)), Layout::Latest);
        let refused: Vec<_> =
            scripts.iter().filter(|script| script.text.starts_with("-- the path")).collect();
        assert!((1..Engine::ALL.len()).contains(&refused.len()), "{refused:?}");
        assert!(refused.iter().all(|script| script.text.lines().count() == 1));
        assert!("mysql".parse::<Engine>().unwrap_err().contains("duckdb"));
    }
}
