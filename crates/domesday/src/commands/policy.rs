//! `domesday policy export`: translates the policies into Cedar.

use std::path::Path;

use anyhow::Context;
use domesday_cedar::CedarExport;

use crate::cli::{CedarPart, Format, PolicyArgs, PolicyCommand, PolicyExportArgs};
use crate::input::Input;
use crate::output::{GOOD, Output};
use crate::progress::Progress;

pub(crate) fn run(args: &PolicyArgs, output: &Output) -> anyhow::Result<()> {
    match &args.command {
        PolicyCommand::Export(args) => export(args, *output),
    }
}

fn export(args: &PolicyExportArgs, output: Output) -> anyhow::Result<()> {
    let progress = Progress::new(output);
    progress.message("translating the policies");
    let Input { mut store, at, .. } = args.input.open(args.at, output)?;
    let snapshot = store.snapshot(at)?;
    let export = domesday_cedar::export(&snapshot);
    drop(progress);
    match &args.to {
        Some(dir) => write(dir, &export, output),
        None => print(args.part, &export, output),
    }
}

fn write(dir: &Path, export: &CedarExport, output: Output) -> anyhow::Result<()> {
    let entities = serde_json::to_string_pretty(&export.entities)? + "\n";
    let files = [
        ("schema.cedarschema", &export.schema),
        ("policies.cedar", &export.policies),
        ("entities.json", &entities),
    ];
    std::fs::create_dir_all(dir).with_context(|| format!("cannot create {}", dir.display()))?;
    for (name, text) in files {
        write_atomically(dir, name, text)?;
    }
    match output.format {
        Format::Json => {
            output.json(&serde_json::json!({ "directory": dir, "files": files.map(|(name, _)| name) }));
        }
        _ if output.is_quiet() => {}
        _ => {
            let names = files.map(|(name, _)| name).join(", ");
            output.result(format_args!("{GOOD}Wrote{GOOD:#} {names} to {}", dir.display()));
        }
    }
    Ok(())
}

fn print(part: CedarPart, export: &CedarExport, output: Output) -> anyhow::Result<()> {
    let CedarExport { schema, policies, entities } = export;
    match (output.format, part) {
        (Format::Json, _) => {
            let all = serde_json::json!({ "schema": schema, "policies": policies, "entities": entities });
            output.json(&all);
        }
        (_, CedarPart::Schema) => output.result(schema.trim_end()),
        (_, CedarPart::Policies) => output.result(policies.trim_end()),
        (_, CedarPart::Entities) => output.result(serde_json::to_string_pretty(entities)?),
    }
    Ok(())
}

/// Writes a file atomically.
fn write_atomically(dir: &Path, name: &str, text: &str) -> anyhow::Result<()> {
    let (path, partial) = (dir.join(name), dir.join(format!(".{name}.partial")));
    std::fs::write(&partial, text)
        .and_then(|()| std::fs::rename(&partial, &path))
        .with_context(|| format!("cannot write {}", path.display()))
}
