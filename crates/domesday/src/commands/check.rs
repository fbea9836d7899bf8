//! `domesday check DIR`: is this catalog right?

use domesday_model::Kind;
use serde::Serialize;

use crate::cli::{CheckArgs, Format};
use crate::diagnostics::{InvalidCatalog, print_warnings};
use crate::output::{GOOD, Output};

#[derive(Serialize)]
struct Report<'a> {
    files: usize,
    objects: serde_json::Map<String, serde_json::Value>,
    warnings: &'a [domesday_sources::Diagnostic],
}

pub(crate) fn run(args: &CheckArgs, output: &Output) -> anyhow::Result<()> {
    let loaded = InvalidCatalog::load(&args.catalog, *output)?;
    let counts = Kind::ALL.map(|kind| (kind, loaded.catalog.count(kind)));
    if output.format == Format::Json {
        let objects = counts.iter().map(|(kind, count)| (kind.key().to_owned(), (*count).into())).collect();
        output.json(&Report { files: loaded.files, objects, warnings: &loaded.warnings });
        return Ok(());
    }
    print_warnings(&loaded.warnings, *output);
    let counts: Vec<_> = counts
        .iter()
        .filter(|(kind, count)| *count > 0 && *kind != Kind::Tenant)
        .map(|(kind, count)| format!("{count} {}", plural(*kind, *count)))
        .collect();
    if !output.is_quiet() {
        output.result(format_args!("{GOOD}ok{GOOD:#}: {} files, {}", loaded.files, counts.join(", ")));
    }
    Ok(())
}

fn plural(kind: Kind, count: usize) -> String {
    let label = kind.label();
    match (count, label.strip_suffix('y')) {
        (1, _) => label.to_owned(),
        (_, Some(stem)) => format!("{stem}ies"),
        (_, None) => format!("{label}s"),
    }
}
