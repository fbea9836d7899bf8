//! A comparison as a Markdown document, for the description of a change.

use domesday_engine::{AccessChange, ColumnChange};

use super::{LISTED, Report, SUMMED, most, names_behind, shape, words};
use crate::markdown::{escaped, table_head, table_row};
use crate::output::Output;

pub(super) fn print(report: &Report<'_>, output: Output) {
    let difference = report.difference;
    output.result("# Changes of access\n");
    if difference.is_empty() {
        output.result("No difference: everyone reaches what they reached.");
        return;
    }
    output.result(format_args!("{}; {} gained.", words(report.counts), report.gained));
    let shown = most(LISTED, output);
    if difference.access_changes() > 0 {
        output.result("\n## Data sources\n");
        output.result(table_head(&["change", "user", "scope", "data source", "by"]));
        for change in difference.access() {
            let AccessChange { user, scope, data_source, effect, behind, .. } = change;
            let (_, _, word) = shape(effect);
            output.result(table_row(&[word, user, scope, data_source, &names_behind(behind)]));
        }
        print_rest(difference.access_changes(), shown, output);
    }
    if difference.column_changes() > 0 {
        output.result("\n## Columns\n");
        output.result(table_head(&["change", "user", "data source", "column", "by"]));
        for change in difference.columns() {
            let ColumnChange { user, data_source, column, clear, behind } = change;
            let word = if clear { "clear" } else { "masked" };
            output.result(table_row(&[word, user, data_source, column, &names_behind(behind)]));
        }
        print_rest(difference.column_changes(), shown, output);
    }
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
        output.result(format_args!("\n## {title}\n"));
        let mut lines: Vec<_> = tally.iter().collect();
        lines.sort_by_key(|(_, counts)| std::cmp::Reverse(counts.total()));
        let shown = most(SUMMED, output);
        for (name, counts) in lines.iter().take(shown) {
            output.result(format_args!("- {}: {}", escaped(name), words(counts)));
        }
        print_rest(lines.len(), shown, output);
    }
}

fn print_rest(total: usize, shown: usize, output: Output) {
    if total > shown {
        output.result(format_args!("\n… and {} more; `--all` lists them", total - shown));
    }
}
