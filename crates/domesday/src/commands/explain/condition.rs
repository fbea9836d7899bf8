//! Why a condition holds or does not hold, part by part.

use domesday_engine::{AtomFacts, ConditionFunction, ConditionStep};

use crate::output::DIM;
use crate::page::{Page, join};

/// Prints a condition and the parts that decided it, `depth` steps in.
pub(super) fn print(page: &mut Page, depth: usize, step: &ConditionStep) {
    if step.facts.is_none() {
        page.line(depth, &format!("{DIM}{}{DIM:#}", step.text));
    }
    for part in step.deciding() {
        let verdict = if part.holds { "holds" } else { "does not hold" };
        let reason =
            part.facts.as_ref().map_or_else(String::new, |facts| format!(": {}", reason(facts, part.holds)));
        page.line(depth, &format!("{} {verdict}{reason}", part.text));
    }
}

/// Returns why an atom holds or does not hold.
fn reason(facts: &AtomFacts, holds: bool) -> String {
    if !facts.absent.is_empty() {
        return format!("the data source has no {}", join(&facts.absent, "and"));
    }
    let AtomFacts { wanted, held, matched, .. } = facts;
    if facts.function == ConditionFunction::IsInGroups {
        return match holds {
            true => format!("the user is in {}", join(wanted, "and")),
            false => {
                let missing: Vec<_> =
                    wanted.iter().filter(|group| !matched.contains(group)).cloned().collect();
                format!("the user is not in {}", join(&missing, "or"))
            }
        };
    }
    let has = |values: &[String]| match &facts.key {
        Some(key) if values.is_empty() => format!("the user has no {key}"),
        Some(key) => format!("the user has {key} = {}", join(values, "and")),
        None => format!("the user is in {}", join(values, "and")),
    };
    match (holds, facts.function) {
        (true, ConditionFunction::HasAttribute) => has(matched),
        (true, _) => format!("{}, by which the data is tagged", has(matched)),
        (false, ConditionFunction::HasAttribute) if held.is_empty() => {
            format!("{}; required: {}", has(held), join(wanted, "or"))
        }
        (false, ConditionFunction::HasAttribute) => format!("{}, not {}", has(held), join(wanted, "or")),
        (false, _) if wanted.is_empty() => "the data has no tags".to_owned(),
        (false, _) => format!("{}, and the data is tagged {}", has(held), join(wanted, "and")),
    }
}
