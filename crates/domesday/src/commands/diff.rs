//! `domesday diff`: what a change would do to who reaches what.

use std::collections::{BTreeMap, BTreeSet};

use domesday_engine::{AccessChange, ColumnChange, Difference, Effect};
use serde::Serialize;

use crate::cli::{DiffArgs, Format};
use crate::commands::{instant, open_store};
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
    counts: Counts,
    /// Changes that no policy is behind stand under `OWNER` or `REQUEST`, what is behind them.
    by_policy: BTreeMap<&'a str, Counts>,
    by_data_source: BTreeMap<&'a str, Counts>,
    by_user: BTreeMap<&'a str, Counts>,
    #[serde(flatten)]
    difference: &'a Difference,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Limit {
    max_gained: usize,
    passed: bool,
}

/// How many changes there are of each kind; those there are none of are left out.
type Counts = BTreeMap<Change, usize>;

/// A kind of change, of access or of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
enum Change {
    Added,
    Unblocked,
    Removed,
    Blocked,
    Idle,
    ColumnsClear,
    ColumnsMasked,
}

impl From<Effect> for Change {
    fn from(effect: Effect) -> Self {
        match effect {
            Effect::Added => Self::Added,
            Effect::Unblocked => Self::Unblocked,
            Effect::Removed => Self::Removed,
            Effect::Blocked => Self::Blocked,
            Effect::Idle => Self::Idle,
        }
    }
}

impl From<&ColumnChange> for Change {
    fn from(change: &ColumnChange) -> Self {
        if change.clear { Self::ColumnsClear } else { Self::ColumnsMasked }
    }
}

pub(crate) fn run(args: &DiffArgs, output: &Output) -> anyhow::Result<()> {
    let at = instant(args.at);
    let (before, after) = match args.catalog.as_slice() {
        [after] => (None, after),
        [before, after] => (Some(before.as_path()), after),
        _ => anyhow::bail!("give --catalog once (the store against it) or twice (before and after)"),
    };
    let before = open_store(before, &args.store, at, *output)?.snapshot(at)?;
    let after = open_store(Some(after), &args.store, at, *output)?.snapshot(at)?;
    let difference =
        domesday_engine::diff(&domesday_engine::evaluate(&before), &domesday_engine::evaluate(&after));
    let gained = difference.gained();
    let limit = args.max_gained.map(|max_gained| Limit { max_gained, passed: gained > max_gained });
    let report = Report {
        gained,
        limit,
        counts: tally(&difference, |_, _, _, _| vec![""]).remove("").unwrap_or_default(),
        by_policy: tally(&difference, |_, _, policies, rights| {
            let policies = policies.iter().map(String::as_str);
            let rights = rights.iter().copied().filter(|_| policies.len() == 0);
            policies.clone().chain(rights).collect()
        }),
        by_data_source: tally(&difference, |data_source, _, _, _| vec![data_source]),
        by_user: tally(&difference, |_, user, _, _| vec![user]),
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

/// Changes by what they have in common, told from data source, user, policies and rights.
fn tally<'a>(
    difference: &'a Difference,
    keys: impl Fn(&'a str, &'a str, &'a BTreeSet<String>, &'a BTreeSet<&'static str>) -> Vec<&'a str>,
) -> BTreeMap<&'a str, Counts> {
    let mut tally: BTreeMap<&str, Counts> = BTreeMap::new();
    let mut add = |keys: Vec<&'a str>, change: Change| {
        for key in keys {
            *tally.entry(key).or_default().entry(change).or_default() += 1;
        }
    };
    for change in &difference.access {
        let keys = keys(&change.data_source, &change.user, &change.policies, &change.rights);
        add(keys, change.effect.into());
    }
    for change in &difference.columns {
        let keys = keys(&change.data_source, &change.user, &change.policies, &change.rights);
        add(keys, change.into());
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
        let (style, mark, word) = shape(change.effect.into());
        let by = behind(&change.policies, &change.rights);
        let AccessChange { user, data_source, scope, .. } = change;
        output.result(format_args!("{style}{mark} {word:<9}{style:#} {user} {scope} {data_source}{by}"));
    }
    rest(difference.access.len(), shown, output);
    for change in difference.columns.iter().take(shown) {
        let (style, mark, _) = shape(change.into());
        let word = if change.clear { "clear" } else { "masked" };
        let by = behind(&change.policies, &change.rights);
        let ColumnChange { user, data_source, column, .. } = change;
        output
            .result(format_args!("{style}{mark} {word:<9}{style:#} {user} READ {data_source}.{column}{by}"));
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
        let shown = if all { usize::MAX } else { SUMMED };
        for (name, counts) in most.iter().take(shown) {
            output.result(format_args!("  {name}: {}", words(counts)));
        }
        rest(most.len(), shown, output);
    }
    output.result(format_args!(
        "\n{STRONG}In all{STRONG:#}: {}; {} gained.",
        words(&report.counts),
        report.gained
    ));
}

/// What is behind a change, in brackets.
fn behind(policies: &BTreeSet<String>, rights: &BTreeSet<&'static str>) -> String {
    let rights = rights.iter().map(|right| match *right {
        "OWNER" => "ownership",
        _ => "a request",
    });
    let all: Vec<_> = policies.iter().map(String::as_str).chain(rights).collect();
    if all.is_empty() { String::new() } else { format!(" {DIM}({}){DIM:#}", all.join(", ")) }
}

fn rest(total: usize, shown: usize, output: Output) {
    if total > shown {
        output.result(format_args!("{DIM}… and {} more; --all lists them{DIM:#}", total - shown));
    }
}

fn words(counts: &Counts) -> String {
    let parts: Vec<_> =
        counts.iter().map(|(change, count)| format!("{count} {}", shape(*change).2)).collect();
    parts.join(", ")
}

fn shape(change: Change) -> (anstyle::Style, char, &'static str) {
    match change {
        Change::Added => (WARNING, '+', "added"),
        Change::Unblocked => (WARNING, '+', "unblocked"),
        Change::Removed => (ERROR, '-', "removed"),
        Change::Blocked => (ERROR, '-', "blocked"),
        Change::Idle => (DIM, '·', "idle"),
        Change::ColumnsClear => (WARNING, '+', "columns clear"),
        Change::ColumnsMasked => (GOOD, '-', "columns masked"),
    }
}
