//! `domesday explain`: the derivation of one pair in plain words.

use std::fmt::Write;

use domesday_engine::{Access, ConditionStep, Exclusion, Explanation, PolicyStep, Way, WayStep};

use crate::cli::{ExplainArgs, Format};
use crate::commands::{instant, open_store};
use crate::output::{DIM, ERROR, GOOD, Output, STRONG, WARNING};

pub(crate) fn run(args: &ExplainArgs, output: &Output) -> anyhow::Result<()> {
    let at = instant(args.at);
    let mut store = open_store(args.catalog.as_deref(), &args.store.store, at, *output)?;
    let snapshot = store.snapshot(at)?;
    let user = snapshot.user(&args.user).ok_or_else(|| {
        anyhow::anyhow!("there is no user `{}`; usernames are exact and case-sensitive", args.user)
    })?;
    let source = snapshot.data_source(&args.data_source).ok_or_else(|| {
        anyhow::anyhow!("there is no data source `{}`; names are exact and case-sensitive", args.data_source)
    })?;
    let outcomes = domesday_engine::evaluate(&snapshot);
    let explanation = outcomes.explain(user, source, args.scope.into());
    match output.format {
        Format::Json => output.json(&explanation),
        _ => output.result(in_words(&explanation).trim_end()),
    }
    Ok(())
}

/// The derivation as a person would tell it: the answer first, then what led to it.
fn in_words(explanation: &Explanation) -> String {
    let mut text = String::new();
    let verb = if explanation.scope == "READ" { "read" } else { "write" };
    let Explanation { user, data_source, .. } = explanation;
    let answer = match explanation.access {
        Access::Granted => format!("{GOOD}{user} can {verb} {data_source}.{GOOD:#}"),
        Access::Blocked => {
            format!(
                "{ERROR}{user} cannot {verb} {data_source}: granted, but blocked by a guardrail.{ERROR:#}"
            )
        }
        Access::None => format!("{WARNING}{user} cannot {verb} {data_source}: nothing grants it.{WARNING:#}"),
    };
    line(&mut text, 0, &answer);
    for exclusion in &explanation.excluded {
        line(
            &mut text,
            1,
            match exclusion {
                Exclusion::UserDisabled => "The user is disabled, and disabled users have no access.",
                Exclusion::DataSourceDisabled => {
                    "The data source is disabled, and disabled sources give none."
                }
            },
        );
    }
    because(&mut text, explanation);
    if !explanation.grants.is_empty() {
        line(&mut text, 0, &format!("\n{STRONG}Grants{STRONG:#}"));
        explanation.grants.iter().for_each(|step| policy(&mut text, step));
    } else if explanation.excluded.is_empty() {
        line(&mut text, 0, "\nNo grant applies to this data source in this scope.");
    }
    if !explanation.guardrails.is_empty() {
        line(&mut text, 0, &format!("\n{STRONG}Guardrails{STRONG:#}"));
        explanation.guardrails.iter().for_each(|step| policy(&mut text, step));
    }
    if !explanation.requests.is_empty() {
        line(&mut text, 0, &format!("\n{STRONG}Requests{STRONG:#}"));
    }
    for request in &explanation.requests {
        let product = request.data_product.as_ref().map(|name| format!(" for the data product {name}"));
        let end = request.expires_at.map(|end| format!(", until {end}"));
        let state = match request.why_not {
            None => format!("{GOOD}covers this{GOOD:#}"),
            Some(why) => format!("does not count: {why}"),
        };
        let (product, end) = (product.unwrap_or_default(), end.unwrap_or_default());
        line(&mut text, 1, &format!("{}{product}: {state}{end}", request.id));
    }
    if !explanation.columns.is_empty() {
        line(&mut text, 0, &format!("\n{STRONG}Columns with masks{STRONG:#}"));
    }
    for column in &explanation.columns {
        let policies = column.data_policies.join(", ");
        let how = match (&column.request_id, column.outcome) {
            (_, "MASKED") => format!("{WARNING}masked{WARNING:#} by {policies}"),
            (Some(request), _) => format!("{GOOD}clear{GOOD:#} by the exception {request} from {policies}"),
            (None, _) => format!("{GOOD}clear{GOOD:#}: excepted by {policies}"),
        };
        line(&mut text, 1, &format!("{}: {how}", column.column));
    }
    if !explanation.ways.is_empty() {
        line(&mut text, 0, &format!("\n{STRONG}Nearest ways to access{STRONG:#}"));
        explanation.ways.iter().for_each(|way| line(&mut text, 1, &way_in_words(way)));
    }
    if !explanation.merged_policy.is_empty() {
        line(&mut text, 0, &format!("\n{DIM}Policy: {}{DIM:#}", explanation.merged_policy));
    }
    line(&mut text, 0, &format!("{DIM}As of {}{DIM:#}", explanation.at));
    text
}

/// The parts of the reason, in words.
fn because(text: &mut String, explanation: &Explanation) {
    for reason in &explanation.reasons {
        let told = match *reason {
            "POLICY" => "A policy grants it.".to_owned(),
            "OWNER" => "They own the data source.".to_owned(),
            _ => {
                let request = explanation.request_id.as_deref().unwrap_or_default();
                format!("The approved request {request} covers it.")
            }
        };
        line(text, 1, &told);
    }
    if let Some(end) = explanation.expires_at {
        line(text, 1, &format!("It ends by itself at {end}."));
    }
}

fn policy(text: &mut String, step: &PolicyStep) {
    let mark = if step.admits { format!("{GOOD}✓{GOOD:#}") } else { format!("{ERROR}✗{ERROR:#}") };
    let why = match (step.level, step.silenced) {
        (_, true) => "silenced by a conflict of levels".to_owned(),
        ("ANYONE", _) => "anyone".to_owned(),
        ("APPROVAL", _) if step.admits => "an approved request covers it".to_owned(),
        ("APPROVAL", _) => "needs an approved request".to_owned(),
        ("INDIVIDUALS", _) if step.named_as.is_empty() => "does not name the user".to_owned(),
        ("INDIVIDUALS", _) => format!("named as {}", step.named_as.join(", ")),
        _ => String::new(),
    };
    let separator = if why.is_empty() { "" } else { ": " };
    line(text, 1, &format!("{mark} {STRONG}{}{STRONG:#}{separator}{why}", step.name));
    if let Some(step) = &step.condition {
        line(text, 2, &format!("{DIM}{}{DIM:#}", step.text));
        step.deciding().into_iter().for_each(|part| condition(text, part));
    }
}

fn condition(text: &mut String, part: &ConditionStep) {
    let verdict = if part.holds { "holds" } else { "does not hold" };
    let held = match &part.held {
        None => String::new(),
        Some(values) if values.is_empty() => "; the user has no value for the key".to_owned(),
        Some(values) => format!("; the user has {}", values.join(", ")),
    };
    line(text, 2, &format!("{} {verdict}{held}", part.text));
}

fn way_in_words(way: &Way) -> String {
    let steps: Vec<_> = way.steps.iter().map(step_in_words).collect();
    let steps = steps.join("; and ");
    match &way.grant {
        Some(grant) => format!("- {steps} {DIM}(admitted by {grant}){DIM:#}"),
        None => format!("- {steps}"),
    }
}

fn step_in_words(step: &WayStep) -> String {
    match step {
        WayStep::JoinGroup { group } => format!("join the group {group}"),
        WayStep::LeaveGroup { group } => format!("leave the group {group}"),
        WayStep::HaveAttribute { key, any_of } => {
            format!("have the attribute {key} = {}", any_of.join(" or "))
        }
        WayStep::LoseAttribute { key, all_of } => {
            format!("give up the attribute {key} = {}", all_of.join(", "))
        }
        WayStep::AskForApproval { scope } => {
            format!("ask for access to {} it, and be approved", scope.to_lowercase())
        }
        WayStep::AskForProduct { data_product, scope } => {
            format!("ask for the data product {data_product} to {}, and be approved", scope.to_lowercase())
        }
        WayStep::BeNamed { policy } => format!("be named in the policy {policy}"),
    }
}

fn line(text: &mut String, depth: usize, content: &str) {
    // Writing into a String cannot fail.
    let _ = writeln!(text, "{:width$}{content}", "", width = depth * 2);
}
