//! What became of a condition, part by part.

use domesday_engine::{ConditionStep, Facts};

use super::words::{Text, list};
use crate::output::DIM;

/// A condition and the parts that decided it, `depth` steps in.
pub(super) fn add(text: &mut Text, depth: usize, step: &ConditionStep) {
    if step.facts.is_none() {
        text.line(depth, &format!("{DIM}{}{DIM:#}", step.text));
    }
    for part in step.deciding() {
        let verdict = if part.holds { "holds" } else { "does not hold" };
        let why =
            part.facts.as_ref().map_or_else(String::new, |facts| format!(": {}", why(facts, part.holds)));
        text.line(depth, &format!("{} {verdict}{why}", part.text));
    }
}

/// What an atom was decided on.
fn why(facts: &Facts, holds: bool) -> String {
    if !facts.absent.is_empty() {
        return format!("the data source has no {}", list(&facts.absent, "and"));
    }
    let Facts { wanted, held, matched, .. } = facts;
    if facts.function == "isInGroups" {
        return match holds {
            true => format!("the user is in {}", list(wanted, "and")),
            false => {
                let missing: Vec<_> =
                    wanted.iter().filter(|group| !matched.contains(group)).cloned().collect();
                format!("the user is not in {}", list(&missing, "or"))
            }
        };
    }
    let has = |values: &[String]| match &facts.key {
        Some(key) if values.is_empty() => format!("the user has no {key}"),
        Some(key) => format!("the user has {key} = {}", list(values, "and")),
        None => format!("the user is in {}", list(values, "and")),
    };
    match (holds, facts.function) {
        (true, "hasAttribute") => has(matched),
        (true, _) => format!("{}, by which the data is tagged", has(matched)),
        (false, "hasAttribute") if held.is_empty() => {
            format!("{}; it wants {}", has(held), list(wanted, "or"))
        }
        (false, "hasAttribute") => format!("{}, not {}", has(held), list(wanted, "or")),
        (false, _) if wanted.is_empty() => "the data has no tags".to_owned(),
        (false, _) => format!("{}, and the data is tagged {}", has(held), list(wanted, "and")),
    }
}
