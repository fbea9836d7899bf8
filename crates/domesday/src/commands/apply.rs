//! `domesday apply DIR`: applies a catalog directory to the store.

use domesday_delivery::CancellationToken;
use domesday_engine::{CatalogWarnings, evaluate};
use domesday_model::{Catalog, Instant, Snapshot};
use domesday_store::{Action, ApplyOptions, ChangeBy, ObjectChange, Plan, Store, StoreError, StoreLocation};

use crate::cli::{ApplyArgs, Format};
use crate::connections::ACTOR;
use crate::diagnostics::list_warnings;
use crate::input::{instant_or_now, load_catalog};
use crate::interrupt;
use crate::output::{DIM, ERROR, GOOD, Output, STRONG, WARNING};
use crate::progress::Progress;

/// What becomes of an apply that a signal stops.
const NOTHING_CHANGED: &str = "nothing was changed";

pub(crate) fn run(args: &ApplyArgs, output: &Output) -> anyhow::Result<()> {
    let cancellation = CancellationToken::new();
    interrupt::cancel_when_interrupted(cancellation.clone(), *output);
    let progress = Progress::new(*output);
    progress.message("reading the catalog");
    let at = instant_or_now(args.at);
    let loaded = load_catalog(&args.catalog, *output)?;
    let location = args.store.location()?;
    interrupt::check(&cancellation, NOTHING_CHANGED)?;
    let options = ApplyOptions { at, prune: args.prune, dry_run: args.dry_run };
    progress.message("applying the catalog");
    let (mut store, plan) = if args.dry_run {
        let mut store = open_for_plan(&location)?;
        let plan = store.apply(&loaded.catalog, options)?;
        interrupt::check(&cancellation, NOTHING_CHANGED)?;
        (store, plan)
    } else {
        let mut store = location.open()?;
        let plan = apply(&mut store, &loaded.catalog, options, &cancellation)?;
        (store, plan)
    };
    progress.message("looking for warnings");
    let notices = notices(&mut store, &loaded.catalog, &plan, args.dry_run, at)?;
    drop(progress);
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

/// Applies a catalog in one transaction, which is rolled back when the work was cancelled before its end.
fn apply(
    store: &mut Store,
    catalog: &Catalog,
    options: ApplyOptions,
    cancellation: &CancellationToken,
) -> anyhow::Result<Plan> {
    let change = ChangeBy { actor: ACTOR, origin: "", from: None, at: options.at };
    let is_wanted = |_: &mut Store, _: &[ObjectChange]| interrupt::check(cancellation, NOTHING_CHANGED);
    store.apply_authorized(catalog, options, &change, is_wanted)
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

#[cfg(test)]
mod tests {
    use domesday_delivery::CancelReason;

    use super::*;
    use crate::interrupt::Stopped;

    #[test]
    fn an_apply_that_is_cancelled_before_its_end_changes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("a.yaml"), "users: [{ username: ada }]\ntags: [PII]\n").unwrap();
        let catalog = domesday_sources::load_listing(dir.path(), 1).unwrap().catalog;
        let mut store = Store::in_memory().unwrap();
        let options =
            ApplyOptions { at: "2026-01-01T00:00:00Z".parse().unwrap(), prune: false, dry_run: false };
        let cancellation = CancellationToken::new();
        cancellation.cancel(CancelReason::Requested);
        let error = apply(&mut store, &catalog, options, &cancellation).unwrap_err();
        assert!(error.is::<Stopped>(), "{error}");
        // Everything is still to do.
        let plan = apply(&mut store, &catalog, options, &CancellationToken::new()).unwrap();
        let fresh = Store::in_memory().unwrap().apply(&catalog, options).unwrap();
        assert_eq!(plan.changes.len(), fresh.changes.len());
        assert!(plan.changes.len() >= 2);
    }
}
