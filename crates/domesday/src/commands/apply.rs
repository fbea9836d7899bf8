//! `domesday apply DIR`: applies a catalog directory to the store.

use domesday_engine::{CatalogWarnings, evaluate};
use domesday_model::{Catalog, Instant, Snapshot};
use domesday_store::{Action, ApplyOptions, Plan, Store, StoreError, StoreLocation};

use crate::cli::{ApplyArgs, Format};
use crate::diagnostics::list_warnings;
use crate::input::{instant_or_now, load_catalog};
use crate::output::{DIM, ERROR, GOOD, Output, STRONG, WARNING};

pub(crate) fn run(args: &ApplyArgs, output: &Output) -> anyhow::Result<()> {
    let at = instant_or_now(args.at);
    let loaded = load_catalog(&args.catalog, *output)?;
    let location = args.store.location()?;
    let mut store = if args.dry_run { open_for_plan(&location)? } else { location.open()? };
    let plan = store.apply(&loaded.catalog, ApplyOptions { at, prune: args.prune, dry_run: args.dry_run })?;
    let notices = notices(&mut store, &loaded.catalog, &plan, args.dry_run, at)?;
    if output.format == Format::Json {
        output.json(&serde_json::json!({
            "applied": !args.dry_run,
            "plan": plan,
            "warnings": list_warnings(&loaded.warnings, &notices),
        }));
    } else {
        if args.dry_run || !output.is_quiet() {
            print_changes(&plan, *output);
        }
        if !output.is_quiet() {
            notices.lines().iter().for_each(|line| output.warning(line));
            print_totals(&plan, args, &location, *output);
        }
    }
    Ok(())
}

/// Opens the store that a dry run compares with: an empty one in memory where there is none, since a dry run creates
/// nothing.
fn open_for_plan(location: &StoreLocation) -> Result<Store, StoreError> {
    match location.open_existing() {
        Err(StoreError::NoStore { .. }) => Store::in_memory(),
        opened => opened,
    }
}

/// Returns the warnings of evaluation. They are not known after a dry run that leaves other objects in the store.
fn notices(
    store: &mut Store,
    catalog: &Catalog,
    plan: &Plan,
    dry_run: bool,
    at: Instant,
) -> anyhow::Result<CatalogWarnings> {
    if !dry_run {
        return Ok(evaluate(store.snapshot(at)?).catalog_warnings());
    }
    if plan.kept > 0 {
        return Ok(CatalogWarnings::default());
    }
    Ok(evaluate(Snapshot::of_catalog(catalog, at)?).catalog_warnings())
}

fn print_changes(plan: &Plan, output: Output) {
    for change in &plan.changes {
        let kind = change.kind.label();
        let name = &change.name;
        match &change.action {
            Action::Create => output.result(format_args!("{GOOD}+{GOOD:#} {kind} {STRONG}{name}{STRONG:#}")),
            Action::Delete => {
                output.result(format_args!("{ERROR}-{ERROR:#} {kind} {STRONG}{name}{STRONG:#}"));
            }
            Action::Update { fields } => {
                output.result(format_args!("{WARNING}~{WARNING:#} {kind} {STRONG}{name}{STRONG:#}"));
                fields.iter().for_each(|field| output.result(format_args!("    {field}")));
            }
        }
    }
}

fn print_totals(plan: &Plan, args: &ApplyArgs, store: &StoreLocation, output: Output) {
    let (created, updated, deleted) = plan.counts();
    let total = format!(
        "{created} to create, {updated} to update, {deleted} to delete, {} unchanged",
        plan.unchanged
    );
    if args.dry_run {
        output.result(format_args!("{STRONG}Plan:{STRONG:#} {total}"));
    } else {
        let total = total.replace(" to create", " created").replace(" to update", " updated");
        let total = total.replace(" to delete", " deleted");
        output.result(format_args!("{GOOD}Applied{GOOD:#} to {store}: {total}"));
    }
    for it in &plan.overridden {
        output.warning(format_args!(
            "the {} `{}` has {} {}, as {} says, and not {} as declared here",
            it.kind, it.name, it.field, it.effective, it.origin, it.declared
        ));
    }
    if plan.kept > 0 {
        let kept = plan.kept;
        output.result(format_args!(
            "{DIM}{kept} more in the store are not declared here and stay; --prune deletes them{DIM:#}"
        ));
    }
}
