//! `domesday explain`: why a user can or cannot reach a data source, or sees a column masked or unmasked.

mod actual;
mod answer;
mod condition;
mod steps;

use std::sync::Arc;

use domesday_drift::Drift;
use domesday_engine::Explanation;
use domesday_service::drift::PairView;
use serde::Serialize;

use crate::cli::{ExplainArgs, Format};
use crate::input::Input;
use crate::lookup::{find_column, find_data_source, find_user};
use crate::output::Output;
use crate::progress::Progress;

/// The derivation, and beside it what the databases really allow.
#[derive(Serialize)]
struct ExplainedPair<'e> {
    #[serde(flatten)]
    explanation: &'e Explanation,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    actual: &'e [PairView],
}

pub(crate) fn run(args: &ExplainArgs, output: &Output) -> anyhow::Result<()> {
    let progress = Progress::new(*output);
    progress.message("reading the catalog");
    let Input { mut store, at, .. } = args.input.open(args.at, *output)?;
    let snapshot = Arc::new(store.snapshot(at)?);
    let user = find_user(&snapshot, &args.user)?;
    let source = find_data_source(&snapshot, &args.data_source)?;
    let column = args.column.as_deref().map(|name| find_column(&snapshot, source, name)).transpose()?;
    progress.message("evaluating access");
    let outcomes = Arc::new(domesday_engine::evaluate(Arc::clone(&snapshot)));
    match column {
        Some(column) => {
            let explanation = outcomes.explain_column(user, source, column);
            drop(progress);
            match output.format {
                Format::Json => output.json(&explanation),
                _ => answer::print_column(&explanation, *output),
            }
        }
        None => {
            let explanation = outcomes.explain(user, source, args.scope.into());
            let actual = PairView::find(&Drift::of_data_source(&outcomes, source), user, source);
            drop(progress);
            match output.format {
                Format::Json => output.json(&ExplainedPair { explanation: &explanation, actual: &actual }),
                _ => answer::print_pair(&explanation, &actual, *output),
            }
        }
    }
    Ok(())
}
