//! A derivation as a tree: one node a rule, with what became of it and on what.

use domesday_engine::{Access, AtomFacts, ConditionStep, Explanation, MaskStep, PolicyStep, RequestStep};
use domesday_model::LevelKind;
use domesday_service::evaluation::View;

use super::words::verb;

/// What became of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Holds,
    Fails,
    Ignored,
}

impl State {
    fn from_bool(holds: bool) -> Self {
        if holds { Self::Holds } else { Self::Fails }
    }
}

/// One node.
#[derive(Debug, Clone)]
pub(super) struct Node {
    state: State,
    /// Printed strong, before the text.
    pub(super) head: String,
    pub(super) text: String,
    pub(super) is_code: bool,
    pub(super) kind: String,
    pub(super) note: String,
    children: Vec<Node>,
}

/// What a template prints, in order: a tree without recursion.
pub(super) enum Part {
    /// A node, and whether nodes under it follow.
    Node(Node, bool),
    /// The end of the nodes under one.
    Up,
}

impl Node {
    fn new(state: State, text: impl Into<String>) -> Self {
        Self {
            state,
            head: String::new(),
            text: text.into(),
            is_code: false,
            kind: String::new(),
            note: String::new(),
            children: Vec::new(),
        }
    }

    fn headed(state: State, head: impl Into<String>, text: impl Into<String>) -> Self {
        Self { head: head.into(), ..Self::new(state, text) }
    }

    fn note(mut self, note: impl Into<String>) -> Self {
        self.note = note.into();
        self
    }

    fn kind(mut self, kind: impl Into<String>) -> Self {
        self.kind = kind.into();
        self
    }

    fn under(mut self, children: Vec<Self>) -> Self {
        self.children = children;
        self
    }

    /// The class of the style sheet.
    pub(super) fn class(&self) -> &'static str {
        match self.state {
            State::Holds => "yes",
            State::Fails => "no",
            State::Ignored => "off",
        }
    }

    pub(super) fn icon(&self) -> &'static str {
        match self.state {
            State::Holds => "check",
            State::Fails => "cross",
            State::Ignored => "dash",
        }
    }

    /// What the icon says.
    pub(super) fn says(&self) -> &'static str {
        match self.state {
            State::Holds => "true: ",
            State::Fails => "false: ",
            State::Ignored => "ignored: ",
        }
    }

    /// The parts to print.
    pub(super) fn parts(self) -> Vec<Part> {
        let mut parts = Vec::new();
        self.collect(&mut parts);
        parts
    }

    fn collect(mut self, parts: &mut Vec<Part>) {
        let children = std::mem::take(&mut self.children);
        let has_children = !children.is_empty();
        parts.push(Part::Node(self, has_children));
        if has_children {
            children.into_iter().for_each(|child| child.collect(parts));
            parts.push(Part::Up);
        }
    }
}

/// Returns the derivation of a pair.
pub(super) fn access_tree(explanation: &Explanation, names: &Names<'_>, view: View) -> Node {
    let is_granted = explanation.access != Access::None;
    let passes = explanation.access != Access::Blocked;
    let verb = verb(explanation.scope);
    let mut grants =
        vec![Node::new(State::from_bool(explanation.owner), "Ownership").note(if explanation.owner {
            format!("{} owns {}.", names.user, names.source)
        } else {
            format!("{} does not own {}.", names.user, names.source)
        })];
    grants.extend(explanation.grants.iter().map(|step| policy_node(step, "grant", names)));
    grants.extend(explanation.requests.iter().map(request_node));
    if explanation.requests.is_empty() {
        grants.push(
            Node::new(State::Fails, "A request").note(format!("{} has no request for it.", names.user)),
        );
    }
    if view != View::Everything {
        let note = "Only what admits or stops this access is shown; AUDIT or GOVERNANCE shows every policy.";
        grants.push(Node::new(State::Ignored, "Other policies").note(note));
    }
    let guardrails: Vec<_> =
        explanation.guardrails.iter().map(|step| policy_node(step, "guardrail", names)).collect();
    let note = match (guardrails.is_empty(), passes) {
        (true, true) => "No guardrail stops it.",
        (true, false) => "A guardrail stops it.",
        (false, _) => "",
    };
    let children = vec![
        Node::headed(State::from_bool(is_granted), "Granted", " by at least one of these").under(grants),
        Node::headed(State::from_bool(passes), "Every guardrail", " passed").note(note).under(guardrails),
    ];
    let mut children: Vec<_> = children;
    for exclusion in &explanation.excluded {
        let text = match exclusion {
            domesday_engine::Exclusion::UserDisabled => format!("{} is disabled", names.user),
            domesday_engine::Exclusion::DataSourceDisabled => format!("{} is disabled", names.source),
        };
        children.push(Node::headed(State::Fails, "Excluded", ": ".to_owned() + &text));
    }
    let head = format!("{}{} access", verb[..1].to_uppercase(), &verb[1..]);
    let state = State::from_bool(explanation.access == Access::Granted);
    Node::headed(state, head, " requires a grant, and every guardrail passed").under(children)
}

/// The names in a derivation.
pub(super) struct Names<'n> {
    pub(super) user: &'n str,
    pub(super) source: &'n str,
}

fn level_word(level: LevelKind) -> &'static str {
    match level {
        LevelKind::Anyone => "anyone",
        LevelKind::Approval => "approval",
        LevelKind::Individuals => "individuals",
        LevelKind::Entitlements => "condition",
    }
}

fn policy_node(step: &PolicyStep, kind: &str, names: &Names<'_>) -> Node {
    let state = match (step.silenced, step.admits) {
        (true, _) => State::Ignored,
        (false, admits) => State::from_bool(admits),
    };
    let note = match (step.silenced, step.level, step.admits) {
        (true, _, _) => "Ignored: a more restrictive policy applies to this data source.".to_owned(),
        (false, LevelKind::Anyone, true) => "Admits every active user.".to_owned(),
        (false, LevelKind::Approval, true) => "There is an approved request.".to_owned(),
        (false, LevelKind::Approval, false) => "There is no approved request.".to_owned(),
        (false, LevelKind::Individuals, true) => {
            let named: Vec<_> = step.named_as.iter().map(ToString::to_string).collect();
            format!("Names {} as {}.", names.user, named.join(", "))
        }
        (false, LevelKind::Individuals, false) => format!("Does not name {}.", names.user),
        _ => String::new(),
    };
    let condition = step.condition.iter().map(|condition| condition_node(condition, names)).collect();
    Node::headed(state, step.name.as_str(), "")
        .kind(format!("{kind}, {}", level_word(step.level)))
        .note(note)
        .under(condition)
}

fn condition_node(step: &ConditionStep, names: &Names<'_>) -> Node {
    let note = step.facts.as_ref().map_or_else(String::new, |facts| facts_note(facts, names));
    let children = step.parts.iter().map(|part| condition_node(part, names)).collect();
    let mut node = Node::new(State::from_bool(step.holds), step.text.as_str()).note(note).under(children);
    node.is_code = true;
    node
}

/// What an atom was evaluated on.
fn facts_note(facts: &AtomFacts, names: &Names<'_>) -> String {
    if !facts.absent.is_empty() {
        return format!("{} has no {}.", names.source, facts.absent.join(", "));
    }
    let list = |texts: &[String]| if texts.is_empty() { "none".to_owned() } else { texts.join(", ") };
    let subject = facts.key.as_deref().unwrap_or("groups");
    let held = match (facts.held.is_empty(), &facts.key) {
        (true, Some(key)) => format!("{} has no {key}", names.user),
        _ => format!("{} of {}: {}", subject, names.user, list(&facts.held)),
    };
    format!("{held}; required: {}.", list(&facts.wanted))
}

fn request_node(step: &RequestStep) -> Node {
    let text = match &step.data_product {
        Some(product) => format!("Request {} for the data product {product}", step.id),
        None => format!("Request {}", step.id),
    };
    let note = match &step.why_not {
        Some(obstacle) => format!("Does not count: {obstacle}."),
        None => "Approved.".to_owned(),
    };
    Node::new(State::from_bool(step.counts), text).note(note).kind(format!("request, {}", verb(step.scope)))
}

/// Returns why a column is masked or not.
pub(super) fn mask_node(step: &MaskStep, names: &Names<'_>) -> Node {
    let selected: Vec<_> = step.selected_by.iter().map(ToString::to_string).collect();
    let note = format!("It applies because of the {}.", selected.join(", "));
    let except = step.except.iter().map(|condition| condition_node(condition, names)).collect();
    let text = if step.masks { " masks the column" } else { " does not mask the column" };
    Node::headed(State::from_bool(step.masks), step.name.as_str(), text)
        .kind(format!("mask, {}", step.mask.as_str()))
        .note(note)
        .under(except)
}
