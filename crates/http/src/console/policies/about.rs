//! What is known of a stored policy, at the head of its page.

use domesday_model::{Kind, PolicyState};
use domesday_service::evaluation::PolicySummary;
use domesday_store::{Store, StoredObject};

use super::fields::PolicyFields;
use super::{Rights, policy_path, words};
use crate::console::access::{policy_sources_path, user_path};
use crate::console::audit::history::{History, read_history};
use crate::console::errors::Failure;
use crate::console::link::Link;
use crate::console::object_links::Links;
use crate::console::signed_in::SignedIn;
use crate::console::times::{TimeView, counted};
use crate::state::AppState;

/// The head of a policy's page.
pub(super) struct About {
    pub(super) path: String,
    pub(super) noun: &'static str,
    pub(super) state: &'static str,
    pub(super) state_class: &'static str,
    pub(super) state_icon: &'static str,
    pub(super) changed: TimeView,
    pub(super) owner: Option<Link>,
    /// The file of the catalog that it was applied from last; empty when it was written here or through the API.
    pub(super) file: String,
    /// How many data sources it applies to and how many people it concerns; none for callers who do not see it.
    pub(super) reach: Option<(Link, String)>,
    pub(super) matches_nothing: bool,
    /// The states that it can be put into, with the verbs that do it.
    pub(super) states: Vec<(&'static str, &'static str)>,
    pub(super) etag: String,
    /// The latest changes; none for callers who do not read the audit log.
    pub(super) history: Option<History>,
}

/// Returns the head of a policy's page.
pub(super) async fn about(
    app: &AppState,
    signed_in: &SignedIn,
    rights: &Rights,
    policy: &StoredObject,
) -> Result<About, Failure> {
    let fields = PolicyFields::from_document(policy.kind, &policy.document);
    let noun = words::noun(fields.policy_type);
    let state = match fields.state.as_str() {
        "staged" => PolicyState::Staged,
        "disabled" => PolicyState::Disabled,
        _ => PolicyState::Active,
    };
    let (state_class, state_icon, _) = words::state(state);
    let mut reach = None;
    let (mut matches_nothing, mut owner, mut history) = (false, None, None);
    if !fields.owner.is_empty() {
        owner = Some(Link::plain(fields.owner.as_str()));
    }
    if rights.reads_all() {
        let evaluation = app.service.evaluations.current(signed_in.caller.revision).await?;
        let snapshot = evaluation.snapshot();
        let (kind, name) = (policy.kind, policy.name.clone());
        let read = move |store: &mut Store| -> Result<_, Failure> { Ok(read_history(store, kind, &name)?) };
        let stored = app.service.pool.with(read).await?;
        let links = Links::new(snapshot, &signed_in.caller, &signed_in.shell.calendar);
        history = Some(History::new(stored, &links));
        if let Some(user) = snapshot.user(&fields.owner).map(|user| &snapshot.users[user.get()]) {
            owner = Some(Link::new(&*user.name, user_path(user.id.0)));
        }
        let summaries = evaluation.policy_summaries().await?;
        let summary = match policy.kind {
            Kind::DataPolicy => snapshot.data_policy(&policy.name).map(|it| summaries.data_policy(it)),
            _ => snapshot.policy(&policy.name).map(|it| summaries.policy(it)),
        };
        let PolicySummary { sources, people } = summary.unwrap_or_default();
        let sources_text = counted(sources as u64, "data source", "data sources");
        let sources_link = if policy.kind == Kind::DataPolicy || people == 0 {
            Link::plain(sources_text)
        } else {
            Link::new(sources_text, policy_sources_path(policy.id))
        };
        let people = counted(people as u64, "person", "people");
        let people = match words::people(fields.policy_type) {
            "admitted" => format!("admits {people}"),
            "blocked" => format!("blocks {people}"),
            _ => format!("masks columns for {people}"),
        };
        matches_nothing = sources == 0 && state != PolicyState::Disabled;
        reach = Some((sources_link, people));
    }
    let others = [
        (PolicyState::Active, "active", "Activate"),
        (PolicyState::Staged, "staged", "Stage"),
        (PolicyState::Disabled, "disabled", "Disable"),
    ];
    let states = others.into_iter().filter(|(it, ..)| *it != state).map(|(_, value, verb)| (value, verb));
    Ok(About {
        path: policy_path(policy.id),
        noun,
        state: fields_state(state),
        state_class,
        state_icon,
        changed: signed_in.shell.calendar.time(policy.updated_at),
        owner,
        file: Some(&policy.origin)
            .filter(|it| !matches!(it.as_str(), "api" | "console"))
            .cloned()
            .unwrap_or_default(),
        reach,
        matches_nothing,
        states: if rights.may_change(policy) { states.collect() } else { Vec::new() },
        etag: policy.etag.clone(),
        history,
    })
}

fn fields_state(state: PolicyState) -> &'static str {
    match state {
        PolicyState::Active => "active",
        PolicyState::Staged => "staged",
        PolicyState::Disabled => "disabled",
    }
}
