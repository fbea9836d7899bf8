//! Notices: what is valid and most likely not meant, such as a policy that matches no data source.
//!
//! One function produces every notice of a snapshot ([`Outcomes::notices`]), so that a check of files, an export and
//! the API show the same list. [`policy_notices`] and [`data_policy_notices`] look at one policy only.

mod applies_to;
mod condition;
mod names;
mod policy;

use std::fmt;

use domesday_model::limits::{MAX_NAME_CHARS, NameError, check_name};
use domesday_model::{DataPolicy, Kind, Policy, PolicyIx, Snapshot};
use rayon::prelude::*;
use serde::Serialize;

use crate::applies::Asking;
use crate::condition::Conditions;
use crate::{Outcomes, Warning};
use names::Names;
use policy::Review;

/// How many notices of a kind are listed; the rest is counted.
const LISTED: usize = 100;

/// For how many notices of a kind a near name is searched: a search looks at every name.
const SEARCHED: usize = 20;

/// What a notice is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum NoticeKind {
    /// Grants of one scope disagree on the level at a data source.
    LevelConflict,
    /// A `levelChoice` settles nothing.
    IdleLevelChoice,
    /// A policy, or one mapping of its `appliesTo`, matches no data source.
    NoDataSource,
    /// An entry of a selection matches nothing.
    NoMatch,
    /// An exception of a selection leaves nothing out.
    NoException,
    /// A data policy selects no column.
    NoColumn,
    /// A grant admits nobody, or a mask excepts nobody.
    AdmitsNobody,
    /// A guardrail blocks everybody.
    BlocksEverybody,
    /// A condition names an attribute that nobody has.
    UnknownAttribute,
    /// A condition names a value that nobody has and that is near one that somebody has.
    UnknownValue,
    /// A text with a variable is, read literally, an existing name.
    VariableInName,
    /// A name is longer than new names may be.
    LongName,
}

/// The object that a notice is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NoticeObject {
    /// The key of its kind in the catalog format.
    #[serde(serialize_with = "kind_key")]
    pub kind: Kind,
    /// Its name.
    pub name: String,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes the field by reference")]
fn kind_key<S: serde::Serializer>(kind: &Kind, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(kind.key())
}

/// One notice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Notice {
    /// What it is about.
    pub kind: NoticeKind,
    /// The object.
    pub object: NoticeObject,
    /// The field inside the object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// What was found.
    pub message: String,
    /// What to do, or which name may have been meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let NoticeObject { kind, name } = &self.object;
        write!(f, "{kind} `{name}`: {}", self.message)?;
        self.hint.iter().try_for_each(|hint| write!(f, "; {hint}"))
    }
}

/// The notices of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Notices {
    /// Up to a hundred of each kind.
    pub list: Vec<Notice>,
    /// How many more there are.
    pub omitted: usize,
}

impl Notices {
    /// Each notice as a line, and a last line that counts those not listed.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let mut lines: Vec<String> = self.list.iter().map(Notice::to_string).collect();
        match self.omitted {
            0 => {}
            1 => lines.push("1 more warning is not listed".to_owned()),
            omitted => lines.push(format!("{omitted} more warnings are not listed")),
        }
        lines
    }
}

/// A notice whose near name is not searched yet.
#[derive(Debug)]
struct Draft<'p> {
    notice: Notice,
    near: Option<Near<'p>>,
    /// Whether the notice is worth telling only with a near name.
    needs_near: bool,
}

/// A text for which a near name is searched.
#[derive(Debug, Clone, Copy)]
struct Near<'p> {
    list: names::List,
    text: &'p str,
}

impl Outcomes {
    /// The conflicts of levels and the choices that settle none, in source order.
    #[must_use]
    pub fn level_notices(&self) -> Vec<Notice> {
        self.warnings().iter().map(|warning| conflict(&self.snapshot, warning)).collect()
    }

    /// Every notice of the snapshot: conflicts of levels in source order, then by policy, data policy and name.
    ///
    /// Bounded: of each kind a hundred are listed and the rest is counted.
    #[must_use]
    pub fn notices(&self) -> Notices {
        let snapshot = &*self.snapshot;
        let names = Names::of(snapshot);
        let review = Review::new(snapshot, &self.conditions, &names);
        let mut drafts: Vec<Draft<'_>> = self.level_notices().into_iter().map(Draft::plain).collect();
        let policies: Vec<Vec<Draft<'_>>> = snapshot
            .policies
            .par_iter()
            .enumerate()
            .map(|(at, policy)| review.policy(&policy.spec, Some(Asking::Subscription(PolicyIx::at(at)))))
            .collect();
        drafts.extend(policies.into_iter().flatten());
        let policies: Vec<Vec<Draft<'_>>> = snapshot
            .data_policies
            .par_iter()
            .enumerate()
            .map(|(at, policy)| {
                let asking = Asking::Data(domesday_model::DataPolicyIx::at(at));
                review.data_policy(&policy.spec, Some(asking))
            })
            .collect();
        drafts.extend(policies.into_iter().flatten());
        drafts.extend(long_names(snapshot).into_iter().map(Draft::plain));
        listed(&names, drafts)
    }
}

/// The notices of one subscription policy as part of a snapshot that need not contain it.
#[must_use]
pub fn policy_notices(snapshot: &Snapshot, policy: &Policy) -> Vec<Notice> {
    let (names, conditions) = (Names::of(snapshot), Conditions::of(snapshot));
    let asking = snapshot.policy(&policy.name).map(Asking::Subscription);
    let review = Review::new(snapshot, &conditions, &names);
    listed(&names, review.policy(policy, asking)).list
}

/// The notices of one data policy as part of a snapshot that need not contain it.
#[must_use]
pub fn data_policy_notices(snapshot: &Snapshot, policy: &DataPolicy) -> Vec<Notice> {
    let (names, conditions) = (Names::of(snapshot), Conditions::of(snapshot));
    let asking = snapshot.data_policy(&policy.name).map(Asking::Data);
    let review = Review::new(snapshot, &conditions, &names);
    listed(&names, review.data_policy(policy, asking)).list
}

/// Gives each notice its near name and cuts the list.
fn listed(names: &Names<'_>, drafts: Vec<Draft<'_>>) -> Notices {
    let mut notices = Notices::default();
    let mut counts: std::collections::HashMap<NoticeKind, (usize, usize)> = std::collections::HashMap::new();
    for draft in drafts {
        let Draft { mut notice, near, needs_near } = draft;
        let (count, searched) = counts.entry(notice.kind).or_default();
        if let Some(near) = near
            && *searched < SEARCHED
        {
            *searched += 1;
            let found = names.nearest(near.list, near.text);
            if let Some(found) = found {
                notice.hint = Some(format!("did you mean `{found}`?"));
            }
        }
        if needs_near && notice.hint.is_none() {
            continue;
        }
        *count += 1;
        if *count <= LISTED {
            notices.list.push(notice);
        } else {
            notices.omitted += 1;
        }
    }
    notices
}

impl Draft<'_> {
    fn plain(notice: Notice) -> Self {
        Self { notice, near: None, needs_near: false }
    }
}

/// A conflict of levels in words.
fn conflict(snapshot: &Snapshot, warning: &Warning) -> Notice {
    let policy = |ix: &PolicyIx| format!("`{}`", snapshot.policies[ix.get()].spec.name);
    let (kind, source, field, message) = match warning {
        Warning::UnsettledConflict { source, scope, policies } => {
            let level = |ix: &PolicyIx| snapshot.policies[ix.get()].spec.level.kind().as_str();
            let names: Vec<_> = policies.iter().map(|ix| format!("{} ({})", policy(ix), level(ix))).collect();
            let message = format!(
                "grants of scope {scope} disagree on the level: {}; the most restrictive level counts, name one of \
                 them as `levelChoice` to settle it",
                names.join(", ")
            );
            (NoticeKind::LevelConflict, source, None, message)
        }
        Warning::IdleLevelChoice { source, policy: chosen } => {
            let message = format!(
                "`levelChoice` names {}, which is in no conflict of levels there; it has no effect",
                policy(chosen)
            );
            (NoticeKind::IdleLevelChoice, source, Some("levelChoice".to_owned()), message)
        }
    };
    let name = snapshot.data_sources[source.get()].name.to_string();
    Notice { kind, object: NoticeObject { kind: Kind::DataSource, name }, field, message, hint: None }
}

/// Names that were stored before names were bounded.
fn long_names(snapshot: &Snapshot) -> Vec<Notice> {
    let users = snapshot.users.iter().map(|user| (Kind::User, &*user.username));
    let groups = snapshot.groups.iter().map(|group| (Kind::Group, &*group.name));
    let tags = snapshot.tags.iter().map(|tag| (Kind::Tag, tag.spec.name.as_str()));
    let domains = snapshot.domains.iter().map(|domain| (Kind::Domain, domain.spec.name.as_str()));
    let sources = snapshot.data_sources.iter().map(|source| (Kind::DataSource, &*source.name));
    let policies = snapshot.policies.iter().map(|policy| (Kind::Policy, policy.spec.name.as_str()));
    let masks = snapshot.data_policies.iter().map(|policy| (Kind::DataPolicy, policy.spec.name.as_str()));
    let all = tags.chain(groups).chain(users).chain(domains).chain(sources).chain(policies).chain(masks);
    all.filter_map(|(kind, name)| match check_name(name) {
        Err(NameError::TooLong(count)) => Some(Notice {
            kind: NoticeKind::LongName,
            object: NoticeObject { kind, name: name.chars().take(MAX_NAME_CHARS).collect() },
            field: None,
            message: format!(
                "the name has {count} characters; new names have at most {MAX_NAME_CHARS}, and a later version may \
                 refuse this one"
            ),
            hint: None,
        }),
        _ => None,
    })
    .collect()
}
