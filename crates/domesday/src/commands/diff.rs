//! `domesday diff`: what a change would do to who reaches what.

mod print;
mod report;

use crate::cli::{DiffArgs, Format};
use crate::failure::LimitPassed;
use crate::input::{Sync, open};
use crate::output::Output;
use crate::progress::Progress;
use print::LISTED;
use report::{Limit, Report};

pub(crate) fn run(args: &DiffArgs, output: &Output) -> anyhow::Result<()> {
    let progress = Progress::new(*output);
    progress.message("reading the catalogs");
    let sync = Sync::if_asked(args.sync);
    let (before, after) = match args.catalog.as_slice() {
        [after] => (None, after),
        [before, after] => (Some(before.as_path()), after),
        _ => anyhow::bail!(
            "`--catalog` is given more than twice\nhelp: give it twice, before and after, or once, to compare it with the store"
        ),
    };
    let mut before = open(before, &args.store, args.at, sync, *output)?;
    let mut after = open(Some(after), &args.store, args.at, sync, *output)?;
    let warnings = [before.warnings, after.warnings].concat();
    let at = after.at;
    progress.message("taking the snapshots");
    let (before, after) = (before.store.snapshot(at)?, after.store.snapshot(at)?);
    // Programs get every change.
    let is_for_programs = matches!(output.format, Format::Json | Format::Csv);
    let listed = if output.shows_all() || is_for_programs { usize::MAX } else { LISTED };
    progress.message("comparing access");
    let (before, after) = (domesday_engine::evaluate(before), domesday_engine::evaluate(after));
    let difference = domesday_engine::diff(&before, &after, listed);
    let gained = difference.gained();
    let limit = args.max_gained.map(|max_gained| Limit { max_gained, passed: gained > max_gained });
    let report = Report {
        gained,
        limit,
        counts: difference.counts(),
        by_policy: difference.by_policy(),
        by_data_source: difference.by_data_source(),
        by_user: difference.by_user(),
        difference: &difference,
        warnings: &warnings,
    };
    drop(progress);
    match output.format {
        Format::Json => output.json(&report),
        Format::Csv => print::print_csv(&report, *output),
        _ => print::print(&report, *output),
    }
    match args.max_gained {
        Some(limit) if report.gained > limit => Err(LimitPassed { gained: report.gained, limit }.into()),
        _ => Ok(()),
    }
}
