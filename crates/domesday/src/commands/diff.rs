//! `domesday diff`: what a change would do to who reaches what.

mod markdown;

use std::collections::BTreeMap;

use domesday_engine::{AccessChange, Behind, ColumnChange, Counts, Difference, Effect};
use domesday_sources::Diagnostic;
use serde::Serialize;

use crate::cli::{DiffArgs, Format};
use crate::commands::{instant, open_with_warnings};
use crate::output::{DIM, ERROR, GOOD, Output, STRONG, WARNING};

/// How many changes are listed unless all are asked for.
const LISTED: usize = 40;

/// How many lines each summary has unless all are asked for.
const SUMMED: usize = 10;

/// More was gained than the caller allows.
#[derive(Debug, thiserror::Error)]
#[error("{gained} outcomes would be gained, more than the {limit} allowed by --max-gained")]
pub(crate) struct LimitPassed {
    gained: usize,
    limit: usize,
}

/// What is printed, and the JSON document.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Report<'a> {
    gained: usize,
    /// Only with `--max-gained`.
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<Limit>,
    counts: &'a Counts,
    by_policy: &'a BTreeMap<&'a str, Counts>,
    by_data_source: &'a BTreeMap<&'a str, Counts>,
    by_user: &'a BTreeMap<&'a str, Counts>,
    #[serde(flatten)]
    difference: &'a Difference<'a>,
    /// Those of the catalog directories.
    warnings: &'a [Diagnostic],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Limit {
    max_gained: usize,
    passed: bool,
}

pub(crate) fn run(args: &DiffArgs, output: &Output) -> anyhow::Result<()> {
    let at = instant(args.at);
    let (before, after) = match args.catalog.as_slice() {
        [after] => (None, after),
        [before, after] => (Some(before.as_path()), after),
        _ => anyhow::bail!("give --catalog once (the store against it) or twice (before and after)"),
    };
    let (mut before, mut warnings) = open_with_warnings(before, &args.store, at, *output)?;
    let (mut after, more) = open_with_warnings(Some(after), &args.store, at, *output)?;
    warnings.extend(more);
    let (before, after) = (before.snapshot(at)?, after.snapshot(at)?);
    // A document lists everything.
    let listed = if output.shows_all() || output.format == Format::Json { usize::MAX } else { LISTED };
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
    match output.format {
        Format::Json => output.json(&report),
        Format::Markdown => markdown::print(&report, *output),
        _ => print(&report, *output),
    }
    match args.max_gained {
        Some(limit) if report.gained > limit => Err(LimitPassed { gained: report.gained, limit }.into()),
        _ => Ok(()),
    }
}

fn print(report: &Report<'_>, output: Output) {
    let difference = report.difference;
    if difference.is_empty() {
        output.result(format_args!("{GOOD}No difference:{GOOD:#} everyone reaches what they reached."));
        return;
    }
    let shown = most(LISTED, output);
    for change in difference.access() {
        let (style, mark, word) = shape(change.effect);
        let by = behind(change.behind);
        let AccessChange { user, data_source, scope, .. } = change;
        output.result(format_args!("{style}{mark} {word:<9}{style:#} {user} {scope} {data_source}{by}"));
    }
    rest(difference.access_changes(), shown, output);
    for change in difference.columns() {
        let (style, mark, _) = shape(change.effect());
        let word = if change.clear { "clear" } else { "masked" };
        let by = behind(change.behind);
        let ColumnChange { user, data_source, column, .. } = change;
        output
            .result(format_args!("{style}{mark} {word:<9}{style:#} {user} READ {data_source}.{column}{by}"));
    }
    rest(difference.column_changes(), shown, output);
    if output.is_quiet() {
        return;
    }
    for (title, tally) in [
        ("By policy", report.by_policy),
        ("By data source", report.by_data_source),
        ("By user", report.by_user),
    ] {
        if tally.is_empty() {
            continue;
        }
        output.result(format_args!("\n{STRONG}{title}{STRONG:#}"));
        let mut lines: Vec<_> = tally.iter().collect();
        lines.sort_by_key(|(_, counts)| std::cmp::Reverse(counts.total()));
        let shown = most(SUMMED, output);
        for (name, counts) in lines.iter().take(shown) {
            output.result(format_args!("  {name}: {}", words(counts)));
        }
        rest(lines.len(), shown, output);
    }
    output.result(format_args!(
        "\n{STRONG}In all{STRONG:#}: {}; {} gained.",
        words(report.counts),
        report.gained
    ));
}

/// How many lines a list has.
fn most(unless_all: usize, output: Output) -> usize {
    if output.shows_all() { usize::MAX } else { unless_all }
}

/// What is behind a change, in brackets.
fn behind(behind: &Behind<'_>) -> String {
    let names = names_behind(behind);
    if names.is_empty() { String::new() } else { format!(" {DIM}({names}){DIM:#}") }
}

/// What is behind a change.
fn names_behind(Behind { policies, rights }: &Behind<'_>) -> String {
    let rights = rights.iter().map(|right| match *right {
        "OWNER" => "ownership",
        _ => "a request",
    });
    policies.iter().copied().chain(rights).collect::<Vec<_>>().join(", ")
}

fn rest(total: usize, shown: usize, output: Output) {
    if total > shown {
        output.result(format_args!("{DIM}… and {} more; --all lists them{DIM:#}", total - shown));
    }
}

fn words(counts: &Counts) -> String {
    let parts: Vec<_> = counts.iter().map(|(effect, count)| format!("{count} {}", shape(effect).2)).collect();
    parts.join(", ")
}

fn shape(effect: Effect) -> (anstyle::Style, char, &'static str) {
    match effect {
        Effect::Added => (WARNING, '+', "added"),
        Effect::Unblocked => (WARNING, '+', "unblocked"),
        Effect::Removed => (ERROR, '-', "removed"),
        Effect::Blocked => (ERROR, '-', "blocked"),
        Effect::Idle => (DIM, '·', "idle"),
        Effect::ColumnsClear => (WARNING, '+', "columns clear"),
        Effect::ColumnsMasked => (GOOD, '-', "columns masked"),
    }
}
