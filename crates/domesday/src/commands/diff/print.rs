//! A comparison for people: on a terminal, or as Markdown for the description of a change.

use std::cmp::Reverse;

use domesday_engine::{AccessChange, Causes, ColumnChange, Effect, EffectCounts, ReasonPart};

use super::report::Report;
use crate::markdown::{table_head, table_row};
use crate::output::{DIM, ERROR, GOOD, Output, STRONG, WARNING};
use crate::page::Page;
use crate::table::print_table;

/// How many changes are listed without `--all`.
pub(super) const LISTED: usize = 40;

/// How many lines of each tally are listed without `--all`.
const TALLIED: usize = 10;

/// Prints a comparison.
pub(super) fn print(report: &Report<'_>, output: Output) {
    let mut page = Page::new(output);
    page.heading("Changes of access");
    if report.difference.is_empty() {
        page.line(0, &format!("{GOOD}No difference:{GOOD:#} access is unchanged."));
        return;
    }
    let total = format!("{}; {} gained.", effects(report.counts), report.gained);
    if page.is_markdown() {
        page.line(0, &total);
    }
    let listed = if output.shows_all() { usize::MAX } else { LISTED };
    data_sources(&mut page, report, listed);
    columns(&mut page, report, listed);
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
        page.title(title);
        let mut lines: Vec<_> = tally.iter().collect();
        lines.sort_by_key(|(_, counts)| Reverse(counts.total()));
        let listed = if output.shows_all() { usize::MAX } else { TALLIED };
        for (name, counts) in lines.iter().take(listed) {
            page.line(1, &format!("{name}: {}", effects(counts)));
        }
        rest(&mut page, lines.len(), listed);
    }
    if !page.is_markdown() {
        page.blank();
        page.line(0, &format!("{STRONG}Total:{STRONG:#} {total}"));
    }
}

/// Prints every change as CSV: of access to data sources first, then of columns.
pub(super) fn print_csv(report: &Report<'_>, output: Output) {
    let columns = ["change", "user", "scope", "data_source", "column", "causes"];
    let access = report.difference.access().map(|change| {
        let AccessChange { user, scope, data_source, effect, causes, .. } = change;
        let word = shape(effect).2;
        let by = cause_list(causes);
        [word.to_owned(), user.to_owned(), scope.to_string(), data_source.to_owned(), String::new(), by]
    });
    let masks = report.difference.columns().map(|change| {
        let ColumnChange { user, data_source, column, clear, causes } = change;
        let word = if clear { "unmasked" } else { "masked" };
        let by = cause_list(causes);
        [word.to_owned(), user.to_owned(), "READ".to_owned(), data_source.to_owned(), column.to_owned(), by]
    });
    print_table(output, columns, access.chain(masks));
}

/// Returns the causes of a change as an array in JSON, since a name may contain any separator.
fn cause_list(causes: &Causes<'_>) -> String {
    serde_json::Value::from(names_of_causes(causes)).to_string()
}

/// Prints who gains or loses access to which data source.
fn data_sources(page: &mut Page, report: &Report<'_>, listed: usize) {
    let difference = report.difference;
    if difference.access_changes() == 0 {
        return;
    }
    if page.is_markdown() {
        page.title("Data sources");
        page.raw(table_head(&["change", "user", "scope", "data source", "by"]));
    }
    for AccessChange { user, scope, data_source, effect, causes, .. } in difference.access() {
        let (style, mark, word) = shape(effect);
        let by = cause_names(causes);
        if page.is_markdown() {
            page.raw(table_row(&[word, user, scope.as_str(), data_source, &by]));
        } else {
            let by = in_brackets(&by);
            page.raw(format_args!("{style}{mark} {word:<9}{style:#} {user} {scope} {data_source}{by}"));
        }
    }
    rest(page, difference.access_changes(), listed);
}

/// Prints which columns become masked or unmasked for whom.
fn columns(page: &mut Page, report: &Report<'_>, listed: usize) {
    let difference = report.difference;
    if difference.column_changes() == 0 {
        return;
    }
    if page.is_markdown() {
        page.title("Columns");
        page.raw(table_head(&["change", "user", "data source", "column", "by"]));
    }
    for change in difference.columns() {
        let (style, mark, _) = shape(change.effect());
        let ColumnChange { user, data_source, column, clear, causes } = change;
        let word = if clear { "unmasked" } else { "masked" };
        let by = cause_names(causes);
        if page.is_markdown() {
            page.raw(table_row(&[word, user, data_source, column, &by]));
        } else {
            let by = in_brackets(&by);
            page.raw(format_args!("{style}{mark} {word:<9}{style:#} {user} READ {data_source}.{column}{by}"));
        }
    }
    rest(page, difference.column_changes(), listed);
}

/// Prints how many lines are left out.
fn rest(page: &mut Page, total: usize, listed: usize) {
    if total > listed {
        page.line(0, &format!("{DIM}… and {} more; --all lists every one{DIM:#}", total - listed));
    }
}

/// Returns the policies and rights that cause a change.
fn cause_names(causes: &Causes<'_>) -> String {
    names_of_causes(causes).join(", ")
}

fn names_of_causes<'e>(Causes { policies, rights }: &Causes<'e>) -> Vec<&'e str> {
    let rights = rights.iter().map(|right| match right {
        ReasonPart::Owner => "ownership",
        _ => "a request",
    });
    policies.iter().copied().chain(rights).collect()
}

fn in_brackets(causes: &str) -> String {
    if causes.is_empty() { String::new() } else { format!(" {DIM}({causes}){DIM:#}") }
}

/// Returns counts by effect: `2 added, 1 removed`.
fn effects(counts: &EffectCounts) -> String {
    let parts: Vec<_> = counts.iter().map(|(effect, count)| format!("{count} {}", shape(effect).2)).collect();
    parts.join(", ")
}

/// Returns the style, the mark and the word of an effect.
fn shape(effect: Effect) -> (anstyle::Style, char, &'static str) {
    match effect {
        Effect::Added => (WARNING, '+', "added"),
        Effect::Unblocked => (WARNING, '+', "unblocked"),
        Effect::Removed => (ERROR, '-', "removed"),
        Effect::Blocked => (ERROR, '-', "blocked"),
        Effect::Idle => (DIM, '·', "idle"),
        Effect::ColumnsClear => (WARNING, '+', "columns unmasked"),
        Effect::ColumnsMasked => (GOOD, '-', "columns masked"),
    }
}
