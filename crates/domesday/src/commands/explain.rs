//! `domesday explain`: why a user can or cannot reach a data source, or sees a column masked or unmasked.

mod actual;
mod answer;
mod condition;
mod steps;

use std::sync::Arc;

use anyhow::anyhow;
use domesday_drift::Drift;
use domesday_engine::Explanation;
use domesday_model::{ColumnIx, DataSourceIx, Snapshot, UserIx, nearest_names};
use domesday_service::drift::PairView;
use serde::Serialize;

use crate::cli::{ExplainArgs, Format};
use crate::input::{Sync, instant_or_now, open_store};
use crate::output::Output;

/// The derivation, and beside it what the databases really allow.
#[derive(Serialize)]
struct ExplainedPair<'e> {
    #[serde(flatten)]
    explanation: &'e Explanation,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    actual: &'e [PairView],
}

/// How many names an error suggests.
const SUGGESTED: usize = 3;

/// Up to this many columns are listed when an unknown one resembles none of them.
const LISTED: usize = 12;

pub(crate) fn run(args: &ExplainArgs, output: &Output) -> anyhow::Result<()> {
    let sync = Sync::if_asked(args.sync);
    let mut store = open_store(args.catalog.as_deref(), &args.store, args.at, sync, *output)?;
    // Later than what was read.
    let at = instant_or_now(args.at);
    let snapshot = Arc::new(store.snapshot(at)?);
    let user = find_user(&snapshot, &args.user)?;
    let source = find_data_source(&snapshot, &args.data_source)?;
    let column = args.column.as_deref().map(|name| find_column(&snapshot, source, name)).transpose()?;
    let outcomes = Arc::new(domesday_engine::evaluate(Arc::clone(&snapshot)));
    match column {
        Some(column) => {
            let explanation = outcomes.explain_column(user, source, column);
            match output.format {
                Format::Json => output.json(&explanation),
                _ => answer::print_column(&explanation, *output),
            }
        }
        None => {
            let explanation = outcomes.explain(user, source, args.scope.into());
            let actual = PairView::find(&Drift::of_databases(&outcomes), user, source);
            match output.format {
                Format::Json => output.json(&ExplainedPair { explanation: &explanation, actual: &actual }),
                _ => answer::print_pair(&explanation, &actual, *output),
            }
        }
    }
    Ok(())
}

/// Finds a user. An error suggests similar usernames, or the user with this e-mail address or display name.
fn find_user(snapshot: &Snapshot, name: &str) -> anyhow::Result<UserIx> {
    snapshot.user(name).ok_or_else(|| {
        let meant = snapshot.users.iter().filter(|user| {
            user.name.eq_ignore_ascii_case(name)
                || user.email.as_ref().is_some_and(|email| email.eq_ignore_ascii_case(name))
        });
        let mut near: Vec<&str> = meant.map(|user| &*user.username).take(SUGGESTED).collect();
        if near.is_empty() {
            near = nearest_names(name, snapshot.users.iter().map(|user| &*user.username), SUGGESTED);
        }
        unknown("user", name, "usernames are exact and case-sensitive", &near)
    })
}

fn find_data_source(snapshot: &Snapshot, name: &str) -> anyhow::Result<DataSourceIx> {
    snapshot.data_source(name).ok_or_else(|| {
        let names = snapshot.data_sources.iter().map(|source| &*source.name);
        let near = nearest_names(name, names, SUGGESTED);
        unknown("data source", name, "names are exact and case-sensitive", &near)
    })
}

fn find_column(snapshot: &Snapshot, source: DataSourceIx, name: &str) -> anyhow::Result<ColumnIx> {
    let found = snapshot.columns_of(source).find(|(_, column)| *column.name == *name);
    found.map(|(column, _)| column).ok_or_else(|| {
        let source_name = &snapshot.data_sources[source.get()].name;
        let names = || snapshot.columns_of(source).map(|(_, column)| &*column.name);
        let near = nearest_names(name, names(), SUGGESTED);
        let rule = match names().len() {
            0 => "it has no columns".to_owned(),
            count if count <= LISTED => format!("it has {}", names().collect::<Vec<_>>().join(", ")),
            count => format!("it has {count}, whose names are exact and case-sensitive"),
        };
        unknown(&format!("column of {source_name} called"), name, &rule, &near)
    })
}

fn unknown(what: &str, name: &str, rule: &str, near: &[&str]) -> anyhow::Error {
    if near.is_empty() {
        return anyhow!("there is no {what} `{name}`; {rule}");
    }
    let near: Vec<_> = near.iter().map(|name| format!("`{name}`")).collect();
    anyhow!("there is no {what} `{name}`; did you mean {}?", near.join(" or "))
}
