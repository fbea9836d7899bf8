//! `domesday access`: who can reach a data source, or what a user can reach.

use domesday_engine::{Outcome, ReasonPart};
use domesday_model::{DataSourceIx, Instant, Scope, UserIx};
use domesday_service::evaluation::{AccessFilter, AccessRow, Evaluation, RowFilter, RowOrder, RowRange};
use serde_json::json;

use crate::cli::{AccessArgs, Format};
use crate::input::Input;
use crate::lookup::{find_data_source, find_user};
use crate::output::{DIM, Output, grouped};
use crate::progress::Progress;
use crate::table::print_table;

/// How many rows are listed for people, unless all are asked for.
const LISTED: usize = 50;

/// The columns of CSV. Lists of names are arrays in JSON, since a name may contain any separator.
const COLUMNS: [&str; 10] = [
    "user",
    "data_source",
    "scope",
    "outcome",
    "reason",
    "grants",
    "guardrails",
    "masked_columns",
    "request_id",
    "expires_at",
];

/// Whose access to what is listed.
#[derive(Clone, Copy)]
enum Subject {
    User(UserIx),
    DataSource(DataSourceIx),
    Pair(UserIx, DataSourceIx),
}

/// The rows that are listed, and how many there are.
struct Rows<'e> {
    rows: Vec<AccessRow<'e>>,
    total: usize,
    at: Instant,
}

pub(crate) fn run(args: &AccessArgs, output: &Output) -> anyhow::Result<()> {
    let progress = Progress::new(*output);
    progress.message("reading the catalog");
    let Input { mut store, at, .. } = args.input.open(args.at, *output)?;
    let snapshot = store.snapshot(at)?;
    let user = args.user.as_deref().map(|name| find_user(&snapshot, name)).transpose()?;
    let source = args.data_source.as_deref().map(|name| find_data_source(&snapshot, name)).transpose()?;
    let subject = match (user, source) {
        (Some(user), Some(source)) => Subject::Pair(user, source),
        (Some(user), None) => Subject::User(user),
        (None, Some(source)) => Subject::DataSource(source),
        (None, None) => anyhow::bail!("neither `--user` nor `--data-source` is given"),
    };
    progress.message("evaluating access");
    let evaluation = Evaluation::of_snapshot(snapshot.into());
    let scope = args.scope.map(Scope::from);
    let outcome = args.outcome.map(Outcome::from);
    let is_for_people = output.format == Format::Text && !output.shows_all();
    let limit = if is_for_people { LISTED } else { usize::MAX };
    let rows = rows(&evaluation, subject, scope, outcome, limit);
    drop(progress);
    print(&evaluation, subject, rows, *output);
    Ok(())
}

/// Selects the rows, by name and then by scope.
fn rows(
    evaluation: &Evaluation,
    subject: Subject,
    scope: Option<Scope>,
    outcome: Option<Outcome>,
    limit: usize,
) -> Rows<'_> {
    let at = evaluation.snapshot().at;
    let filter = RowFilter { scope, outcome, ..RowFilter::default() };
    let range = RowRange { order: RowOrder::Name, is_descending: false, offset: 0, limit };
    let page = match subject {
        Subject::User(user) => evaluation.user_rows(user, &filter, range),
        Subject::DataSource(source) => evaluation.source_rows(source, &filter, range),
        Subject::Pair(user, source) => {
            let rows = evaluation.pair_page(user, source, AccessFilter { scope, outcome }).rows;
            return Rows { total: rows.len(), rows, at };
        }
    };
    Rows { rows: page.rows, total: page.total, at }
}

fn print(evaluation: &Evaluation, subject: Subject, found: Rows<'_>, output: Output) {
    let Rows { rows, total, at } = found;
    match output.format {
        Format::Json => {
            output.json(&json!({ "total": total, "items": rows, "at": at }));
        }
        Format::Csv => print_table(output, COLUMNS, rows.iter().map(csv_row)),
        Format::Markdown => print_for_people(subject, &rows, output),
        Format::Text | Format::Terraform => {
            if !rows.is_empty() {
                print_for_people(subject, &rows, output);
            }
            if total > rows.len() {
                let rest = grouped((total - rows.len()) as u64);
                output.result(format_args!("{DIM}… and {rest} more; --all lists every one{DIM:#}"));
            }
            if !output.is_quiet() {
                let total = grouped(total as u64);
                output
                    .result(format_args!("{DIM}{}: {total}. As of {at}{DIM:#}", title(evaluation, subject)));
            }
        }
    }
}

/// Returns what the number of rows counts.
fn title(evaluation: &Evaluation, subject: Subject) -> String {
    let snapshot = evaluation.snapshot();
    let user = |user: UserIx| &*snapshot.users[user.get()].username;
    let source = |source: DataSourceIx| &*snapshot.data_sources[source.get()].name;
    match subject {
        Subject::User(it) => format!("Access of {}", user(it)),
        Subject::DataSource(it) => format!("Access to {}", source(it)),
        Subject::Pair(one, other) => format!("Access of {} to {}", user(one), source(other)),
    }
}

/// Prints a table without the column that is the same in each row.
fn print_for_people(subject: Subject, rows: &[AccessRow<'_>], output: Output) {
    let first = match subject {
        Subject::DataSource(_) => "user",
        Subject::User(_) | Subject::Pair(..) => "data source",
    };
    let columns =
        [first, "scope", "outcome", "reason", "policies", "masked columns", "request", "expires at"];
    print_table(output, columns, rows.iter().map(|row| row_for_people(first, row)));
}

fn row_for_people(first: &str, row: &AccessRow<'_>) -> [String; 8] {
    let or_dash = |text: String| if text.is_empty() { "-".to_owned() } else { text };
    // Guardrails that the user passes explain nothing.
    let policies = match row.outcome {
        Outcome::Granted => row.grants.join(", "),
        Outcome::Blocked => format!("blocked by {}", row.guardrails.join(", ")),
    };
    [
        if first == "user" { row.user } else { row.data_source }.to_owned(),
        row.scope.to_string(),
        row.outcome.as_str().to_owned(),
        reason(row),
        or_dash(policies),
        or_dash(row.masked_columns.join(", ")),
        row.request_id.unwrap_or("-").to_owned(),
        row.expires_at.map_or_else(|| "-".to_owned(), |at| at.to_string()),
    ]
}

fn csv_row(row: &AccessRow<'_>) -> [String; 10] {
    let names = |names: &[&str]| serde_json::Value::from(names).to_string();
    [
        row.user.to_owned(),
        row.data_source.to_owned(),
        row.scope.to_string(),
        row.outcome.as_str().to_owned(),
        reason(row),
        names(&row.grants),
        names(&row.guardrails),
        names(&row.masked_columns),
        row.request_id.unwrap_or_default().to_owned(),
        row.expires_at.map(|at| at.to_string()).unwrap_or_default(),
    ]
}

/// Returns the reasons as tables have them: `docs/access.md` rule 9.
fn reason(row: &AccessRow<'_>) -> String {
    let parts: Vec<_> = row.reasons.iter().map(|part: &ReasonPart| part.as_str()).collect();
    parts.join("+")
}
