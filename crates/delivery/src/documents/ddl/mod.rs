//! Scripts that define external tables over a delivered summary, and views of one snapshot.
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
mod script_tables;
mod snowflake;
mod trino;

use crate::{DeliveryError, DestinationConfig, Engine, Layout, TableLocation};
use script_tables::ScriptTables;

/// A script for an engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetupScript {
    /// The engine.
    pub engine: Engine,
    /// Its SQL.
    pub text: String,
}

/// Returns the scripts that are delivered with a summary: every engine's in a bucket, none in a directory, which has no
/// address of its own that would remain valid when it is moved. For an engine that cannot read the path the script is a
/// comment with the reason, so that the delivery succeeds.
#[must_use]
pub fn setup_scripts(destination: &dyn DestinationConfig, layout: Layout) -> Vec<SetupScript> {
    if !destination.receives_setup_scripts() {
        return Vec::new();
    }
    let script = |engine| SetupScript {
        engine,
        text: setup_script(engine, destination, layout).unwrap_or_else(|error| format!("-- {error}\n")),
    };
    Engine::ALL.into_iter().map(script).collect()
}

/// Returns the script of one engine for a destination.
///
/// # Errors
/// When the engine has no way to write the destination's path; the message names the character.
pub fn setup_script(
    engine: Engine,
    destination: &dyn DestinationConfig,
    layout: Layout,
) -> Result<String, DeliveryError> {
    let TableLocation { root, object_store } = destination.table_location()?;
    escape::check_path(engine, &root, object_store.is_some())?;
    let tables = ScriptTables { root, layout, object_store };
    Ok(match engine {
        Engine::Snowflake => snowflake::script(&tables),
        Engine::Databricks => databricks::script(&tables),
        Engine::Athena => athena::script(&tables),
        Engine::Trino => trino::script(&tables),
        Engine::Duckdb => duckdb::script(&tables),
        Engine::Clickhouse => clickhouse::script(&tables),
    })
}

#[cfg(test)]
mod tests {
    use domesday_tables::TABLES;

    use super::script_tables::{all_tables, view_name};
    use super::*;
    use crate::{Environment, LocalConfig, S3Access, S3Config, S3Settings, SigningIdentity};

    fn bucket(path: &str) -> S3Config {
        let settings = S3Settings::new("acme-audit", path, "eu-central-1").unwrap();
        S3Config::new(settings, S3Access::new(SigningIdentity::Ambient, None, Environment::default()))
    }

    fn target() -> S3Config {
        bucket("access/summary")
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
        assert!(setup_scripts(&LocalConfig::new("out"), Layout::Latest).is_empty());
        assert_eq!(setup_scripts(&target(), Layout::Latest).len(), Engine::ALL.len());
        let scripts = setup_scripts(&bucket("a*b"), Layout::Latest);
        let refused: Vec<_> =
            scripts.iter().filter(|script| script.text.starts_with("-- the path")).collect();
        assert!((1..Engine::ALL.len()).contains(&refused.len()), "{refused:?}");
        assert!(refused.iter().all(|script| script.text.lines().count() == 1));
        assert!("mysql".parse::<Engine>().unwrap_err().contains("duckdb"));
    }
}
