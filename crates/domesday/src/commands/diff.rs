//! `domesday diff`: what a change would do to who reaches what.

use std::collections::BTreeMap;

use domesday_engine::{AccessChange, Difference, Effect};
use serde::Serialize;

use crate::cli::{DiffArgs, Format};
use crate::commands::{instant, open_store};
use crate::output::{DIM, ERROR, GOOD, Output, STRONG, WARNING};

/// How many changes are listed unless all are asked for.
const LISTED: usize = 40;

/// More was gained than the caller allows.
#[derive(Debug, thiserror::Error)]
#[error("{gained} outcomes would be gained, more than the {limit} allowed by --max-gained")]
pub(crate) struct LimitPassed {
    gained: usize,
    limit: usize,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Report<'a> {
    gained: usize,
    counts: BTreeMap<Effect, usize>,
    by_policy: BTreeMap<&'a str, BTreeMap<Effect, usize>>,
    by_data_source: BTreeMap<&'a str, BTreeMap<Effect, usize>>,
    by_user: BTreeMap<&'a str, BTreeMap<Effect, usize>>,
    #[serde(flatten)]
    difference: &'a Difference,
}

pub(crate) fn run(args: &DiffArgs, output: &Output) -> anyhow::Result<()> {
    let at = instant(args.at);
    let (before, after) = match args.catalog.as_slice() {
        [after] => (None, after),
        [before, after] => (Some(before.as_path()), after),
        _ => anyhow::bail!("give --catalog once (the store against it) or twice (before and after)"),
    };
    let before = open_store(before, &args.store.store, at, *output)?.snapshot(at)?;
    let after = open_store(Some(after), &args.store.store, at, *output)?.snapshot(at)?;
    let difference =
        domesday_engine::diff(&domesday_engine::evaluate(&before), &domesday_engine::evaluate(&after));
    let report = Report {
        gained: difference.gained(),
        counts: difference.counts(),
        by_policy: tally(&difference, |change| change.policies.iter().map(String::as_str).collect()),
        by_data_source: tally(&difference, |change| vec![&change.data_source]),
        by_user: tally(&difference, |change| vec![&change.user]),
        difference: &difference,
    };
    match output.format {
        Format::Json => output.json(&report),
        _ => print(&report, args.all, *output),
    }
    match args.max_gained {
        Some(limit) if report.gained > limit => Err(LimitPassed { gained: report.gained, limit }.into()),
        _ => Ok(()),
    }
}

/// Changes by what they have in common.
fn tally<'a>(
    difference: &'a Difference,
    keys: impl Fn(&'a AccessChange) -> Vec<&'a str>,
) -> BTreeMap<&'a str, BTreeMap<Effect, usize>> {
    let mut tally: BTreeMap<&str, BTreeMap<Effect, usize>> = BTreeMap::new();
    for change in &difference.access {
        for key in keys(change) {
            *tally.entry(key).or_default().entry(change.effect).or_default() += 1;
        }
    }
    tally
}

fn print(report: &Report<'_>, all: bool, output: Output) {
    let difference = report.difference;
    if difference.is_empty() {
        output.result(format_args!("{GOOD}No difference:{GOOD:#} everyone reaches what they reached."));
        return;
    }
    let shown = if all { usize::MAX } else { LISTED };
    for change in difference.access.iter().take(shown) {
        let (style, mark, word) = shape(change.effect);
        let policies: Vec<_> = change.policies.iter().map(String::as_str).collect();
        let by = if policies.is_empty() {
            String::new()
        } else {
            format!(" {DIM}({}){DIM:#}", policies.join(", "))
        };
        let AccessChange { user, data_source, scope, .. } = change;
        output.result(format_args!("{style}{mark} {word:<9}{style:#} {user} {scope} {data_source}{by}"));
    }
    rest(difference.access.len(), shown, output);
    for change in difference.columns.iter().take(shown) {
        let (style, word) = if change.clear { (WARNING, "clear") } else { (GOOD, "masked") };
        let (user, data_source, column) = (&change.user, &change.data_source, &change.column);
        output.result(format_args!("{style}~ {word:<9}{style:#} {user} READ {data_source}.{column}"));
    }
    rest(difference.columns.len(), shown, output);
    if output.is_quiet() {
        return;
    }
    for (title, tally) in [
        ("By policy", &report.by_policy),
        ("By data source", &report.by_data_source),
        ("By user", &report.by_user),
    ] {
        if tally.is_empty() {
            continue;
        }
        output.result(format_args!("\n{STRONG}{title}{STRONG:#}"));
        let mut most: Vec<_> = tally.iter().collect();
        most.sort_by_key(|(_, counts)| std::cmp::Reverse(counts.values().sum::<usize>()));
        for (name, counts) in most.iter().take(if all { usize::MAX } else { 10 }) {
            output.result(format_args!("  {name}: {}", words(counts)));
        }
        rest(most.len(), if all { usize::MAX } else { 10 }, output);
    }
    let columns = difference.columns.iter().filter(|change| change.clear).count();
    output.result(format_args!(
        "\n{STRONG}In all{STRONG:#}: {}; {columns} columns clear, {} masked; {} gained.",
        words(&report.counts),
        difference.columns.len() - columns,
        report.gained
    ));
}

fn rest(total: usize, shown: usize, output: Output) {
    if total > shown {
        output.result(format_args!("{DIM}… and {} more; --all lists them{DIM:#}", total - shown));
    }
}

fn words(counts: &BTreeMap<Effect, usize>) -> String {
    if counts.is_empty() {
        return "no access changed".to_owned();
    }
    counts
        .iter()
        .map(|(effect, count)| format!("{count} {}", shape(*effect).2))
        .collect::<Vec<_>>()
        .join(", ")
}

fn shape(effect: Effect) -> (anstyle::Style, char, &'static str) {
    match effect {
        Effect::Added => (WARNING, '+', "added"),
        Effect::Unblocked => (WARNING, '+', "unblocked"),
        Effect::Removed => (ERROR, '-', "removed"),
        Effect::Blocked => (ERROR, '-', "blocked"),
        Effect::Idle => (DIM, '·', "idle"),
    }
}
