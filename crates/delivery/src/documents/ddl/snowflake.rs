//! Snowflake: external tables over a stage. They know only the files of their last refresh, so a procedure
//! refreshes them and a task calls it.
//!
//! Names are written in capitals and quotes: unquoted names of any case then find them, and those that are also
//! key words (`table`, `schema`) can be named at all.

use domesday_tables::FieldKind;

use super::escape::escaped_string;
use super::script_tables::{ScriptTables, all_tables, columns, double_quote, view_name};

pub(super) fn script(tables: &ScriptTables) -> String {
    let comment = "Fill in the role that may read the bucket. External tables are stale until they are refreshed:\n\
                   the task at the end does it every hour; resume it once it suits your warehouse.";
    let mut text = tables.heading("Snowflake", comment);
    text.push_str(&format!(
        "\nCREATE SCHEMA IF NOT EXISTS DOMESDAY;\n\n\
         CREATE STORAGE INTEGRATION IF NOT EXISTS DOMESDAY\n  \
           TYPE = EXTERNAL_STAGE\n  STORAGE_PROVIDER = 'S3'\n  ENABLED = TRUE\n  \
           STORAGE_AWS_ROLE_ARN = '<ARN of the role that reads>'\n  STORAGE_ALLOWED_LOCATIONS = ({location});\n\n\
         CREATE OR REPLACE FILE FORMAT DOMESDAY.PARQUET TYPE = PARQUET USE_LOGICAL_TYPE = TRUE;\n\n\
         CREATE OR REPLACE STAGE DOMESDAY.SUMMARY\n  \
           URL = {location}\n  STORAGE_INTEGRATION = DOMESDAY\n  FILE_FORMAT = DOMESDAY.PARQUET;\n",
        location = escaped_string(&format!("{}/", tables.root)),
    ));
    let sources = tables.all_sources();
    for source in &sources {
        let fields = columns(source.table, |field| {
            let kind = match field.kind {
                FieldKind::String => "VARCHAR",
                FieldKind::Integer => "NUMBER(19, 0)",
                FieldKind::Boolean => "BOOLEAN",
                FieldKind::Timestamp => "TIMESTAMP_LTZ(6)",
            };
            format!("{} {kind} AS (VALUE:{}::{kind})", upper(field.name), double_quote(field.name))
        });
        text.push_str(&format!(
            "\nCREATE OR REPLACE EXTERNAL TABLE DOMESDAY.{} (\n{fields}\n)\n  \
             LOCATION = @DOMESDAY.SUMMARY/{}\n  PATTERN = '.*[.]parquet'\n  AUTO_REFRESH = FALSE\n  \
             FILE_FORMAT = DOMESDAY.PARQUET;\n",
            upper(&source.name),
            source.folder,
        ));
    }
    for table in all_tables() {
        let query = tables.query(table, upper, &|name| format!("DOMESDAY.{}", upper(name)));
        text.push_str(&format!(
            "\nCREATE OR REPLACE VIEW DOMESDAY.{} AS\n{query};\n",
            upper(&view_name(table))
        ));
    }
    // The snapshot comes last: until then the views show the day before.
    let refresh = sources.iter().skip(1).chain(&sources[..1]);
    let refresh: Vec<_> = refresh
        .map(|source| format!("  ALTER EXTERNAL TABLE DOMESDAY.{} REFRESH;", upper(&source.name)))
        .collect();
    text.push_str(&format!(
        "\nCREATE OR REPLACE PROCEDURE DOMESDAY.REFRESH()\nRETURNS VARCHAR\nLANGUAGE SQL\nAS\n$$\nBEGIN\n{}\n  \
         RETURN 'refreshed';\nEND;\n$$;\n\n\
         CREATE OR REPLACE TASK DOMESDAY.REFRESH_HOURLY\n  SCHEDULE = '60 MINUTE'\nAS CALL DOMESDAY.REFRESH();\n\n\
         CALL DOMESDAY.REFRESH();\n-- ALTER TASK DOMESDAY.REFRESH_HOURLY RESUME;\n",
        refresh.join("\n"),
    ));
    text
}

fn upper(name: &str) -> String {
    double_quote(&name.to_uppercase())
}
