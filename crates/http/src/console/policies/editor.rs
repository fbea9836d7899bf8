//! The editor of a policy, and the page of one for people who read policies only.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use domesday_model::{Kind, Permission};
use domesday_service::ServiceError;
use domesday_store::StoredObject;
use uuid::Uuid;

use super::about::{About, about};
use super::check::{self, CheckView, ConditionCheck};
use super::fields::{PolicyFields, PolicyType};
use super::mistakes::Mistakes;
use super::preview::PreviewView;
use super::selection::{KEYS, MAX_SELECTIONS, field_prefix};
use super::words::{self, ChoiceOption, options};
use super::{PATH, Rights, find, policy_path, rights};
use crate::console::assets::{Assets, assets};
use crate::console::errors::Failure;
use crate::console::form::Form;
use crate::console::page;
use crate::console::shell::Shell;
use crate::console::signed_in::SignedIn;
use crate::state::{App, AppState};

#[derive(Template)]
#[template(path = "console/policies/editor.html")]
pub(super) struct EditorPage {
    assets: &'static Assets,
    shell: Shell,
    title: String,
    /// None of a new policy.
    about: Option<About>,
    action: String,
    /// Tells this form from others: sent twice, it creates one policy.
    once: String,
    etag: String,
    fields: PolicyFields,
    types: Vec<ChoiceOption>,
    scopes: Vec<ChoiceOption>,
    levels: Vec<ChoiceOption>,
    masks: Vec<ChoiceOption>,
    value_types: Vec<ChoiceOption>,
    ways: Vec<ChoiceOption>,
    states: Vec<ChoiceOption>,
    selections: Vec<SelectionView>,
    can_add: bool,
    mistakes: Mistakes,
    /// Why it is not saved, where no field is the reason.
    problem: String,
    /// Whether the policy was changed after the form was opened.
    is_changed: bool,
    warnings: Vec<String>,
    check: CheckView,
    can_preview: bool,
    preview: Option<PreviewView>,
    toast: Option<Toast>,
}

/// What just happened, and the state that takes it back.
struct Toast {
    text: String,
    undo: &'static str,
}

/// A selection of data sources, or an exception of one.
struct SelectionView {
    id: String,
    title: String,
    /// The fields that are filled, or the first.
    shown: Vec<EntryView>,
    others: Vec<EntryView>,
    excepts: Vec<SelectionView>,
    /// The buttons that remove it, and add an exception; empty when there are none.
    drop: String,
    add: String,
}

struct EntryView {
    id: String,
    label: &'static str,
    value: String,
    mistake: String,
}

/// A form, with what is to be said about it.
pub(super) struct Draft {
    pub(super) fields: PolicyFields,
    pub(super) once: String,
    pub(super) etag: String,
    pub(super) mistakes: Mistakes,
    pub(super) problem: String,
    pub(super) is_changed: bool,
    pub(super) warnings: Vec<String>,
    pub(super) preview: Option<PreviewView>,
}

impl Draft {
    pub(super) fn new(fields: PolicyFields, once: &str, etag: &str) -> Self {
        Self {
            fields,
            once: if once.is_empty() { Uuid::new_v4().to_string() } else { once.to_owned() },
            etag: etag.to_owned(),
            mistakes: Mistakes::default(),
            problem: String::new(),
            is_changed: false,
            warnings: Vec::new(),
            preview: None,
        }
    }
}

/// Renders the editor.
pub(super) async fn editor(
    app: &AppState,
    signed_in: &SignedIn,
    rights: &Rights,
    stored: Option<&StoredObject>,
    draft: Draft,
) -> Result<EditorPage, Failure> {
    let Draft { fields, once, etag, mistakes, problem, is_changed, warnings, preview } = draft;
    let check = check::view(app, signed_in, rights, &fields).await?;
    let about = match stored {
        Some(policy) => Some(about(app, signed_in, rights, policy).await?),
        None => None,
    };
    // A policy stays a policy, and a data policy one: they are different objects.
    let types = match stored.map(|policy| policy.kind) {
        Some(Kind::DataPolicy) => &words::TYPES[2..],
        Some(_) => &words::TYPES[..2],
        None => &words::TYPES[..],
    };
    Ok(EditorPage {
        assets: assets(),
        shell: signed_in.shell.clone(),
        title: stored.map_or_else(|| "New policy".to_owned(), |policy| policy.name.clone()),
        about,
        action: stored.map_or_else(|| format!("{PATH}/new"), |policy| policy_path(policy.id)),
        once,
        etag,
        types: options(fields.policy_type.as_str(), types),
        scopes: options(&fields.scope, &words::SCOPES),
        levels: options(&fields.level, &words::LEVELS),
        masks: options(&fields.mask, &words::MASKS),
        value_types: options(if fields.is_json { "json" } else { "text" }, &words::VALUE_TYPES),
        ways: options(&fields.applies, &words::WAYS),
        states: options(&fields.state, &words::STATES),
        selections: selections(&fields, &mistakes),
        can_add: fields.selections.len() < MAX_SELECTIONS,
        fields,
        mistakes,
        problem,
        is_changed,
        warnings,
        check,
        can_preview: rights.governs(),
        preview,
        toast: None,
    })
}

fn selections(fields: &PolicyFields, mistakes: &Mistakes) -> Vec<SelectionView> {
    let count = fields.selections.len();
    let view = |at: usize, except: Option<usize>, entries: &super::selection::EntryFields, excepts| {
        let id = field_prefix(at, except);
        let entries = KEYS.iter().zip(entries).map(|((key, label), value)| {
            let id = format!("{id}-{key}");
            EntryView { mistake: mistakes.of(&id).to_owned(), label, value: value.clone(), id }
        });
        let is_used = |entry: &EntryView| !entry.value.is_empty() || !entry.mistake.is_empty();
        let (mut shown, mut others): (Vec<_>, Vec<_>) = entries.partition(is_used);
        if shown.is_empty() {
            shown.push(others.remove(0));
        }
        SelectionView {
            title: match except {
                Some(_) => "Except".to_owned(),
                None if count > 1 => format!("Selection {}", at + 1),
                None => String::new(),
            },
            drop: match except {
                Some(except) => format!("drop-except-{at}-{except}"),
                None if count > 1 => format!("drop-selection-{at}"),
                None => String::new(),
            },
            add: if except.is_none() { format!("add-except-{at}") } else { String::new() },
            id,
            shown,
            others,
            excepts,
        }
    };
    let selections = fields.selections.iter().enumerate().map(|(at, selection)| {
        let excepts = selection.excepts.iter().enumerate();
        let excepts = excepts.map(|(except, entries)| view(at, Some(except), entries, Vec::new()));
        view(at, None, &selection.entries, excepts.collect())
    });
    selections.collect()
}

/// Shows the editor of a new policy.
pub(super) async fn new(
    State(app): State<App>,
    signed_in: SignedIn,
    query: Form,
) -> Result<Response, Failure> {
    let rights = rights(&app, &signed_in).await?;
    if !rights.writes() {
        return Err(ServiceError::lacks_any(&[Permission::Governance]).into());
    }
    let mut fields = PolicyFields::new();
    fields.policy_type = PolicyType::parse(query.get("kind")).unwrap_or_default();
    fields.owner = signed_in.caller.user.clone().unwrap_or_default();
    let draft = Draft::new(fields, "", "");
    Ok(page(&editor(&app, &signed_in, &rights, None, draft).await?))
}

/// The page of a policy for people who do not change it.
#[derive(Template)]
#[template(path = "console/policies/policy.html")]
struct PolicyPage {
    assets: &'static Assets,
    shell: Shell,
    title: String,
    about: Option<About>,
    facts: Vec<(&'static str, String, bool)>,
    warnings: Vec<String>,
    check: CheckView,
    toast: Option<Toast>,
}

/// Shows a policy: the editor for those who may change it.
pub(super) async fn show(
    State(app): State<App>,
    Path(id): Path<String>,
    signed_in: SignedIn,
    query: Form,
) -> Result<Response, Failure> {
    let (rights, policy) = find(&app, &signed_in, &id).await?;
    let fields = PolicyFields::from_document(policy.kind, &policy.document);
    let warnings = if rights.reads_all() { warnings(&app, &signed_in, &policy).await? } else { Vec::new() };
    if !rights.may_change(&policy) {
        return Ok(page(&PolicyPage {
            assets: assets(),
            title: policy.name.clone(),
            about: Some(about(&app, &signed_in, &rights, &policy).await?),
            facts: facts(&fields, &policy),
            warnings,
            check: check::view(&app, &signed_in, &rights, &fields).await?,
            toast: None,
            shell: signed_in.shell,
        }));
    }
    let toast = toast(&query, &policy.name, &fields.state);
    let draft = Draft { warnings, ..Draft::new(fields, "", &policy.etag) };
    let mut view = editor(&app, &signed_in, &rights, Some(&policy), draft).await?;
    view.toast = toast;
    Ok(page(&view))
}

/// The warnings about a stored policy.
async fn warnings(
    app: &AppState,
    signed_in: &SignedIn,
    policy: &StoredObject,
) -> Result<Vec<String>, Failure> {
    let evaluation = app.service.evaluations.current(signed_in.caller.revision).await?;
    let all = evaluation.catalog_warnings().await?;
    let own = all.list.iter().filter(|it| it.object.kind == policy.kind && it.object.name == policy.name);
    Ok(own.map(words::warning).collect())
}

/// What just happened to a policy.
fn toast(query: &Form, name: &str, state: &str) -> Option<Toast> {
    let plain = |text: String| Some(Toast { text, undo: "" });
    if query.has("created") {
        return plain(format!("“{name}” is created and {state}."));
    }
    if query.has("saved") {
        return plain(format!("“{name}” is saved and {state}."));
    }
    let was = words::STATES.iter().find(|(value, ..)| *value == query.get("was"));
    let undo = was.map(|(value, ..)| *value).filter(|was| *was != state)?;
    Some(Toast { text: format!("“{name}” is {state}."), undo })
}

/// A policy as names and values; code is marked.
fn facts(fields: &PolicyFields, policy: &StoredObject) -> Vec<(&'static str, String, bool)> {
    let name = |list: &[(&'static str, &'static str, &'static str)], value: &str| {
        list.iter().find(|(known, ..)| *known == value).map_or("", |(_, text, _)| text).to_owned()
    };
    let mut facts = vec![("Kind", name(&words::TYPES, fields.policy_type.as_str()), false)];
    if fields.kind() == Kind::Policy {
        facts.push(("Scope", name(&words::SCOPES, &fields.scope), false));
        facts.push(("Level", name(&words::LEVELS, &fields.level), false));
    } else {
        facts.push(("Mask", policy.document["mask"].to_string(), true));
        facts.push(("Columns", policy.document["columns"].to_string(), true));
    }
    let condition = if fields.kind() == Kind::Policy { "Condition" } else { "Except people who meet" };
    for (label, value, is_code) in [
        (condition, &fields.condition, true),
        ("People", &fields.users, false),
        ("Groups", &fields.groups, false),
    ] {
        if !value.is_empty() {
            facts.push((label, value.clone(), is_code));
        }
    }
    let applies_to = match policy.document["appliesTo"].as_str() {
        Some(word) => (name(&words::WAYS, word), false),
        None => (serde_json::to_string_pretty(&policy.document["appliesTo"]).unwrap_or_default(), true),
    };
    facts.push(("Applies to", applies_to.0, applies_to.1));
    facts
}
