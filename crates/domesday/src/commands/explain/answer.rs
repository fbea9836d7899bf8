//! The explanation in plain words: the answer first, then what led to it.

use domesday_engine::{Access, ColumnExplanation, ColumnStep, Exclusion, Explanation, ReasonPart, Sight};

use domesday_service::drift::PairView;

use super::actual::actual;
use super::steps::{conflict, data_policy, policy, requests, verb, ways};
use crate::output::{DIM, ERROR, GOOD, Output, WARNING};
use crate::page::{Page, join};

/// Prints why a user can or cannot reach a data source.
pub(super) fn print_pair(explanation: &Explanation, databases: &[PairView], output: Output) {
    let mut page = new_page(explanation, output);
    answer(&mut page, explanation);
    derivation(&mut page, explanation);
    actual(&mut page, databases);
}

fn new_page(explanation: &Explanation, output: Output) -> Page {
    let mut page = Page::new(output);
    page.heading(&format!("Access of {} to {}", explanation.user, explanation.data_source));
    page
}

/// Prints why a column appears to a user masked or unmasked.
pub(super) fn print_column(explanation: &ColumnExplanation, output: Output) {
    let mut page = new_page(&explanation.read, output);
    let ColumnExplanation { column, sight, row, policies, exceptions, read, .. } = explanation;
    let (user, place) = (&read.user, format!("{}.{column}", read.data_source));
    match sight {
        Sight::Masked => page.line(0, &format!("{WARNING}{user} sees {place} masked.{WARNING:#}")),
        Sight::Unmasked => page.line(0, &format!("{GOOD}{user} sees {place} unmasked.{GOOD:#}")),
        Sight::Plain => {
            page.line(0, &format!("{GOOD}{user} sees {place}; no data policy masks it.{GOOD:#}"));
        }
        Sight::Unreadable => page.line(0, &format!("{ERROR}{user} cannot see {place}.{ERROR:#}")),
    }
    if let Some(ColumnStep { request_id: Some(request), expires_at, .. }) = row {
        let end = expires_at.map(|end| format!(", which expires at {end}")).unwrap_or_default();
        page.line(1, &format!("The masking exception {request} unmasks it{end}."));
    }
    if !policies.is_empty() {
        page.title("Data policies");
        policies.iter().for_each(|step| data_policy(&mut page, step));
    }
    requests(&mut page, "Masking exceptions", exceptions);
    ways(&mut page, "Nearest ways to see it unmasked", &explanation.ways);
    page.blank();
    answer(&mut page, read);
    if *sight == Sight::Unreadable {
        derivation(&mut page, read);
    } else {
        page.line(0, &format!("{DIM}As of {}; leave out --column to see why{DIM:#}", read.at));
    }
}

/// Prints the answer and its reasons.
fn answer(page: &mut Page, explanation: &Explanation) {
    let verb = verb(explanation.scope);
    let Explanation { user, data_source, .. } = explanation;
    match explanation.access {
        Access::Granted => page.line(0, &format!("{GOOD}{user} can {verb} {data_source}.{GOOD:#}")),
        Access::Blocked => {
            let why = "granted, but blocked by a guardrail";
            page.line(0, &format!("{ERROR}{user} cannot {verb} {data_source}: {why}.{ERROR:#}"));
        }
        Access::None if explanation.excluded.is_empty() => {
            page.line(
                0,
                &format!("{WARNING}{user} cannot {verb} {data_source}: nothing grants it.{WARNING:#}"),
            );
        }
        Access::None => page.line(0, &format!("{WARNING}{user} cannot {verb} {data_source}.{WARNING:#}")),
    }
    for exclusion in &explanation.excluded {
        page.line(
            1,
            match exclusion {
                Exclusion::UserDisabled => "The user is disabled, and disabled users have no access.",
                Exclusion::DataSourceDisabled => {
                    "The data source is disabled, and disabled sources give none."
                }
            },
        );
    }
    for reason in &explanation.reasons {
        let sentence = match reason {
            ReasonPart::Policy => "A policy grants it.".to_owned(),
            ReasonPart::Owner => "They own the data source.".to_owned(),
            ReasonPart::Request => {
                let request = explanation.request_id.as_deref().unwrap_or_default();
                format!("The approved request {request} covers it.")
            }
        };
        page.line(1, &sentence);
    }
    if let Some(end) = explanation.expires_at {
        page.line(1, &format!("It expires at {end}."));
    }
}

/// Prints what led to the answer.
fn derivation(page: &mut Page, explanation: &Explanation) {
    if !explanation.grants.is_empty() {
        page.title("Grants");
        explanation.grants.iter().for_each(|step| policy(page, step));
    } else if explanation.excluded.is_empty() {
        page.blank();
        page.line(0, "No grant applies to this data source in this scope.");
    }
    if !explanation.conflicts.is_empty() {
        page.title("Conflicts of levels");
        explanation.conflicts.iter().for_each(|step| conflict(page, step));
    }
    if !explanation.guardrails.is_empty() {
        page.title("Guardrails");
        explanation.guardrails.iter().for_each(|step| policy(page, step));
    }
    requests(page, "Requests", &explanation.requests);
    if !explanation.columns.is_empty() {
        page.title("Columns with masks");
    }
    for step in &explanation.columns {
        let policies = join(&step.data_policies, "and");
        let how = match (&step.request_id, step.outcome) {
            (_, Sight::Masked) => format!("{WARNING}masked{WARNING:#} by {policies}"),
            (Some(request), _) => {
                format!("{GOOD}unmasked{GOOD:#} by the masking exception {request}, despite {policies}")
            }
            (None, _) => format!("{GOOD}unmasked{GOOD:#}: excepted by {policies}"),
        };
        page.line(1, &format!("{}: {how}", step.column));
    }
    ways(page, "Nearest ways to access", &explanation.ways);
    if !explanation.merged_policy.is_empty() {
        page.blank();
        page.line(0, &format!("{DIM}Policy: {}{DIM:#}", explanation.merged_policy));
    }
    page.line(0, &format!("{DIM}As of {}{DIM:#}", explanation.at));
}
