//! `domesday schema`: prints the schema of the access summary.

use crate::cli::{Format, SchemaArgs};
use crate::output::Output;

pub(crate) fn run(args: &SchemaArgs, output: &Output) -> anyhow::Result<()> {
    let table = match &args.table {
        None => None,
        Some(name) => Some(domesday_tables::table(name).ok_or_else(|| {
            let known: Vec<_> = domesday_tables::TABLES.iter().map(|table| table.name).collect();
            anyhow::anyhow!("there is no table `{name}`; the tables are {}", known.join(", "))
        })?),
    };
    match output.format {
        Format::Json => output.json(&domesday_tables::render_json(table)),
        _ => output.result(domesday_tables::render_markdown(table).trim_end()),
    }
    Ok(())
}
