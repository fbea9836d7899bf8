//! `domesday check DIR`: is this catalog valid?

use domesday_engine::evaluate;
use domesday_model::{Kind, Snapshot};
use serde::Serialize;

use crate::cli::{CheckArgs, Format};
use crate::diagnostics::{InvalidCatalog, Warning, list_warnings, print_warnings};
use crate::input::instant_or_now;
use crate::output::{GOOD, Output};
use crate::progress::Progress;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Report<'a> {
    files: usize,
    objects: serde_json::Map<String, serde_json::Value>,
    /// Mistakes in files first, then what evaluation finds.
    warnings: Vec<Warning<'a>>,
    /// How many warnings are not listed.
    #[serde(skip_serializing_if = "is_zero")]
    omitted_warnings: usize,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes the field by reference")]
fn is_zero(count: &usize) -> bool {
    *count == 0
}

pub(crate) fn run(args: &CheckArgs, output: &Output) -> anyhow::Result<()> {
    let progress = Progress::new(*output);
    progress.message("reading the catalog");
    let loaded = InvalidCatalog::load(&args.catalog, *output)?;
    // Evaluates as an export does, so that it prints every warning that an export prints.
    progress.message("evaluating access");
    let snapshot = Snapshot::of_catalog(&loaded.catalog, instant_or_now(None))?;
    let notices = evaluate(snapshot).catalog_warnings();
    drop(progress);
    let counts = Kind::ALL.map(|kind| (kind, loaded.catalog.count(kind)));
    if output.format == Format::Json {
        let objects = counts.iter().map(|(kind, count)| (kind.key().to_owned(), (*count).into())).collect();
        output.json(&Report {
            files: loaded.files,
            objects,
            warnings: list_warnings(&loaded.warnings, &notices),
            omitted_warnings: notices.omitted,
        });
        return Ok(());
    }
    print_warnings(&loaded.warnings, *output);
    if !output.is_quiet() {
        notices.lines().iter().for_each(|line| output.warning(line));
    }
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
