//! A derivation as a person would tell it: the answer first, then what led to it.

use domesday_engine::{
    Access, ColumnExplanation, ColumnStep, ConflictStep, Exclusion, Explanation, MaskStep, PolicyStep,
    RequestStep, Sight, Way, WayStep,
};

use super::condition;
use crate::markdown::escaped;
use crate::output::{DIM, ERROR, GOOD, STRONG, WARNING};

/// Lines under way.
#[derive(Default)]
pub(super) struct Text {
    lines: String,
    /// Whether they are Markdown, without styles and with a list item for each line that is indented.
    is_markdown: bool,
}

impl Text {
    fn new(is_markdown: bool, explanation: &Explanation) -> Self {
        let mut text = Self { lines: String::new(), is_markdown };
        if is_markdown {
            let Explanation { user, data_source, .. } = explanation;
            text.write(&format!("# Access of {} to {}\n", escaped(user), escaped(data_source)));
        }
        text
    }

    pub(super) fn line(&mut self, depth: usize, content: &str) {
        if !self.is_markdown {
            return self.write(&format!("{:width$}{content}", "", width = depth * 2));
        }
        let content = escaped(anstream::adapter::strip_str(content.trim()).to_string().trim());
        let content = content.strip_prefix("- ").unwrap_or(&content);
        match depth {
            _ if content.is_empty() => {}
            0 => self.write(&format!("\n{content}\n")),
            _ => self.write(&format!("{:width$}- {content}", "", width = (depth - 1) * 2)),
        }
    }

    fn title(&mut self, title: &str) {
        if self.is_markdown {
            self.write(&format!("\n## {title}\n"));
        } else {
            self.line(0, &format!("\n{STRONG}{title}{STRONG:#}"));
        }
    }

    fn write(&mut self, line: &str) {
        self.lines.push_str(line);
        self.lines.push('\n');
    }
}

/// Some names as a sentence has them: `a, b and c`.
pub(super) fn list(names: &[String], last: &str) -> String {
    match names {
        [] => "nothing".to_owned(),
        [one] => one.clone(),
        [first @ .., end] => format!("{} {last} {end}", first.join(", ")),
    }
}

/// Why a user can or cannot reach a data source.
pub(super) fn of_pair(explanation: &Explanation, is_markdown: bool) -> String {
    let mut text = Text::new(is_markdown, explanation);
    answer(&mut text, explanation);
    steps(&mut text, explanation);
    text.lines
}

/// Why a column appears to a user as it does.
pub(super) fn of_column(explanation: &ColumnExplanation, is_markdown: bool) -> String {
    let mut text = Text::new(is_markdown, &explanation.read);
    let ColumnExplanation { column, sight, row, policies, exceptions, ways, read } = explanation;
    let (user, place) = (&read.user, format!("{}.{column}", read.data_source));
    match sight {
        Sight::Masked => text.line(0, &format!("{WARNING}{user} sees {place} masked.{WARNING:#}")),
        Sight::Unmasked => text.line(0, &format!("{GOOD}{user} sees {place} clear.{GOOD:#}")),
        Sight::Plain => {
            text.line(0, &format!("{GOOD}{user} sees {place} as it is: nothing masks it.{GOOD:#}"));
        }
        Sight::Unreadable => text.line(0, &format!("{ERROR}{user} cannot see {place}.{ERROR:#}")),
    }
    if let Some(ColumnStep { request_id: Some(request), expires_at, .. }) = row {
        let end = expires_at.map(|end| format!(", which ends at {end}")).unwrap_or_default();
        text.line(1, &format!("The masking exception {request} clears it{end}."));
    }
    if !policies.is_empty() {
        text.title("Data policies");
        policies.iter().for_each(|step| mask(&mut text, step));
    }
    requests(&mut text, "Masking exceptions", exceptions);
    add_ways(&mut text, "Nearest ways to see it clear", ways);
    text.line(0, "");
    answer(&mut text, read);
    if *sight == Sight::Unreadable {
        steps(&mut text, read);
    } else {
        text.line(0, &format!("{DIM}As of {}; without --column, why{DIM:#}", read.at));
    }
    text.lines
}

/// The answer and the parts of its reason.
fn answer(text: &mut Text, explanation: &Explanation) {
    let verb = if explanation.scope == "READ" { "read" } else { "write" };
    let Explanation { user, data_source, .. } = explanation;
    match explanation.access {
        Access::Granted => text.line(0, &format!("{GOOD}{user} can {verb} {data_source}.{GOOD:#}")),
        Access::Blocked => {
            let why = "granted, but blocked by a guardrail";
            text.line(0, &format!("{ERROR}{user} cannot {verb} {data_source}: {why}.{ERROR:#}"));
        }
        Access::None if explanation.excluded.is_empty() => {
            text.line(
                0,
                &format!("{WARNING}{user} cannot {verb} {data_source}: nothing grants it.{WARNING:#}"),
            );
        }
        Access::None => text.line(0, &format!("{WARNING}{user} cannot {verb} {data_source}.{WARNING:#}")),
    }
    for exclusion in &explanation.excluded {
        text.line(
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
        let told = match *reason {
            "POLICY" => "A policy grants it.".to_owned(),
            "OWNER" => "They own the data source.".to_owned(),
            _ => {
                let request = explanation.request_id.as_deref().unwrap_or_default();
                format!("The approved request {request} covers it.")
            }
        };
        text.line(1, &told);
    }
    if let Some(end) = explanation.expires_at {
        text.line(1, &format!("It ends by itself at {end}."));
    }
}

/// What led to the answer.
fn steps(text: &mut Text, explanation: &Explanation) {
    if !explanation.grants.is_empty() {
        text.title("Grants");
        explanation.grants.iter().for_each(|step| policy(text, step));
    } else if explanation.excluded.is_empty() {
        text.line(0, "\nNo grant applies to this data source in this scope.");
    }
    if !explanation.conflicts.is_empty() {
        text.title("Conflicts of levels");
        explanation.conflicts.iter().for_each(|step| conflict(text, step));
    }
    if !explanation.guardrails.is_empty() {
        text.title("Guardrails");
        explanation.guardrails.iter().for_each(|step| policy(text, step));
    }
    requests(text, "Requests", &explanation.requests);
    if !explanation.columns.is_empty() {
        text.title("Columns with masks");
    }
    for step in &explanation.columns {
        let policies = list(&step.data_policies, "and");
        let how = match (&step.request_id, step.outcome) {
            (_, Sight::Masked) => format!("{WARNING}masked{WARNING:#} by {policies}"),
            (Some(request), _) => format!("{GOOD}clear{GOOD:#} by the exception {request} from {policies}"),
            (None, _) => format!("{GOOD}clear{GOOD:#}: excepted by {policies}"),
        };
        text.line(1, &format!("{}: {how}", step.column));
    }
    add_ways(text, "Nearest ways to access", &explanation.ways);
    if !explanation.merged_policy.is_empty() {
        text.line(0, &format!("\n{DIM}Policy: {}{DIM:#}", explanation.merged_policy));
    }
    text.line(0, &format!("{DIM}As of {}{DIM:#}", explanation.at));
}

fn mark(good: bool) -> String {
    if good { format!("{GOOD}✓{GOOD:#}") } else { format!("{ERROR}✗{ERROR:#}") }
}

fn policy(text: &mut Text, step: &PolicyStep) {
    let why = match (step.level, step.silenced) {
        (_, true) => "silenced by a conflict of levels".to_owned(),
        ("ANYONE", _) => "anyone".to_owned(),
        ("APPROVAL", _) if step.admits => "an approved request covers it".to_owned(),
        ("APPROVAL", _) => "needs an approved request".to_owned(),
        ("INDIVIDUALS", _) if step.named_as.is_empty() => "does not name the user".to_owned(),
        ("INDIVIDUALS", _) => format!("named as {}", list(&step.named_as, "and")),
        _ if step.admits => "its condition holds".to_owned(),
        _ if step.condition.as_ref().is_some_and(|condition| condition.holds) => {
            "its condition holds, which gives a disabled user nothing".to_owned()
        }
        _ => "its condition does not hold".to_owned(),
    };
    text.line(1, &format!("{} {STRONG}{}{STRONG:#}: {why}", mark(step.admits), step.name));
    if let Some(step) = &step.condition {
        condition::add(text, 2, step);
    }
}

fn conflict(text: &mut Text, step: &ConflictStep) {
    let rivals: Vec<_> =
        step.rivals.iter().map(|rival| format!("{} ({})", rival.name, rival.level)).collect();
    let rule = match &step.settled_by {
        Some(choice) => format!("levelChoice names {choice}, so {} counts", step.counts),
        None => format!("{} counts, the most restrictive; no levelChoice settles it", step.counts),
    };
    text.line(1, &format!("to {}: {}: {rule}", step.scope.to_lowercase(), list(&rivals, "and")));
}

fn mask(text: &mut Text, step: &MaskStep) {
    let why = match (&step.except, step.masks) {
        (None, _) => "masks for everyone",
        (Some(_), true) => "masks, since its exception does not hold",
        (Some(_), false) => "excepts the user",
    };
    let selected = list(&step.selected_by, "and");
    let MaskStep { name, mask, .. } = step;
    text.line(1, &format!("{} {STRONG}{name}{STRONG:#} ({mask}, by {selected}): {why}", mark(!step.masks)));
    if let Some(except) = &step.except {
        condition::add(text, 2, except);
    }
}

fn requests(text: &mut Text, title: &str, steps: &[RequestStep]) {
    if !steps.is_empty() {
        text.title(title);
    }
    for step in steps {
        let product = step.data_product.as_ref().map(|name| format!(" for the data product {name}"));
        let end = step.expires_at.map(|end| format!(", until {end}"));
        let state = match step.why_not {
            None => format!("{GOOD}counts{GOOD:#}"),
            Some(why) => format!("does not count: {why}"),
        };
        let (product, end) = (product.unwrap_or_default(), end.unwrap_or_default());
        text.line(1, &format!("{} {}{product}: {state}{end}", mark(step.counts), step.id));
    }
}

fn add_ways(text: &mut Text, title: &str, ways: &[Way]) {
    if ways.is_empty() {
        return;
    }
    text.title(title);
    for way in ways {
        let steps: Vec<_> = way.steps.iter().map(step_in_words).collect();
        let steps = steps.join("; and ");
        match &way.grant {
            Some(grant) => text.line(1, &format!("- {steps} {DIM}(admitted by {grant}){DIM:#}")),
            None => text.line(1, &format!("- {steps}")),
        }
    }
}

fn step_in_words(step: &WayStep) -> String {
    let asked = |pending: &Option<String>, what: &str| match pending {
        Some(request) => format!("have the pending request {request} approved"),
        None => format!("ask for {what}, and be approved"),
    };
    match step {
        WayStep::JoinGroup { group } => format!("join the group {group}"),
        WayStep::LeaveGroup { group } => format!("leave the group {group}"),
        WayStep::HaveAttribute { key, any_of } => {
            format!("have the attribute {key} = {}", list(any_of, "or"))
        }
        WayStep::LoseAttribute { key, all_of } => {
            format!("give up the attribute {key} = {}", list(all_of, "and"))
        }
        WayStep::AskForApproval { scope, pending } => {
            asked(pending, &format!("access to {} it", scope.to_lowercase()))
        }
        WayStep::AskForProduct { data_product, scope, pending } => {
            asked(pending, &format!("the data product {data_product} to {}", scope.to_lowercase()))
        }
        WayStep::AskForException { column, pending } => {
            asked(pending, &format!("a masking exception for {column}"))
        }
        WayStep::BeNamed { policy } => format!("be named in the policy {policy}"),
    }
}
