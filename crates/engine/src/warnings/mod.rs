//! Warnings about the catalog: what is valid and most likely not meant, such as a policy that matches no data source.
//!
//! One function produces every warning about a snapshot ([`Outcomes::catalog_warnings`]), so that a check of files, an export and
//! the API show the same list. [`policy_warnings`] and [`data_policy_warnings`] review one policy only.

mod condition;
mod names;
mod policy;
mod selection;

use std::fmt;

use domesday_model::limits::{MAX_NAME_CHARS, NameError, check_name};
use domesday_model::{DataPolicy, Excerpt, Kind, Policy, PolicyIx, Snapshot, Target};
use rayon::prelude::*;
use serde::Serialize;

use crate::condition::Bindings;
use crate::selection::PolicyRef;
use crate::{LevelWarning, Outcomes};
use names::Names;
use policy::PolicyReview;

/// How many warnings of a kind are listed; the rest is counted.
const LISTED: usize = 100;

/// For how many warnings of a kind a similar name is searched: a search compares every name.
const SEARCHED: usize = 20;

/// The kind of a warning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum WarningKind {
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

/// The object that a warning is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WarningObject {
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

/// One warning.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CatalogWarning {
    /// Its kind.
    pub kind: WarningKind,
    /// The object.
    pub object: WarningObject,
    /// The field inside the object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// What is wrong.
    pub message: String,
    /// What to do, or the name that may have been meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl fmt::Display for CatalogWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let WarningObject { kind, name } = &self.object;
        write!(f, "{kind} `{name}`: {}", self.message)?;
        self.hint.iter().try_for_each(|hint| write!(f, "; {hint}"))
    }
}

/// The warnings about a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct CatalogWarnings {
    /// Up to a hundred of each kind.
    pub list: Vec<CatalogWarning>,
    /// How many more there are.
    pub omitted: usize,
}

impl CatalogWarnings {
    /// Returns each warning as a line, and a last line that counts those not listed.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let mut lines: Vec<String> = self.list.iter().map(CatalogWarning::to_string).collect();
        match self.omitted {
            0 => {}
            1 => lines.push("1 more warning is not listed".to_owned()),
            omitted => lines.push(format!("{omitted} more warnings are not listed")),
        }
        lines
    }
}

/// A warning for which a similar name is still to be searched.
#[derive(Debug)]
struct WarningDraft<'p> {
    warning: CatalogWarning,
    similar_to: Option<SearchText<'p>>,
    /// Whether the warning is dropped when there is no similar name.
    needs_similar: bool,
}

/// A text for which a similar name is searched.
#[derive(Debug, Clone, Copy)]
struct SearchText<'p> {
    list: names::NameList,
    text: &'p str,
}

impl Outcomes {
    /// Returns the conflicts of levels and the choices that settle none, in source order.
    #[must_use]
    pub fn level_conflict_warnings(&self) -> Vec<CatalogWarning> {
        self.level_warnings().iter().map(|warning| level_conflict_warning(&self.snapshot, warning)).collect()
    }

    /// Returns every warning about the snapshot: conflicts of levels in source order, then by policy, data policy and name.
    ///
    /// Bounded: of each kind a hundred are listed and the rest is counted.
    #[must_use]
    pub fn catalog_warnings(&self) -> CatalogWarnings {
        let snapshot = &*self.snapshot;
        let names = Names::new(snapshot);
        let review = PolicyReview::new(snapshot, &self.bindings, &names);
        let mut drafts: Vec<WarningDraft<'_>> =
            self.level_conflict_warnings().into_iter().map(WarningDraft::plain).collect();
        let policies: Vec<Vec<WarningDraft<'_>>> = snapshot
            .policies
            .par_iter()
            .enumerate()
            .map(|(at, policy)| review.policy(&policy.spec, Some(PolicyRef::Subscription(PolicyIx::at(at)))))
            .collect();
        drafts.extend(policies.into_iter().flatten());
        let policies: Vec<Vec<WarningDraft<'_>>> = snapshot
            .data_policies
            .par_iter()
            .enumerate()
            .map(|(at, policy)| {
                let policy_ref = PolicyRef::Data(domesday_model::DataPolicyIx::at(at));
                review.data_policy(&policy.spec, Some(policy_ref))
            })
            .collect();
        drafts.extend(policies.into_iter().flatten());
        drafts.extend(unlisted_sources(snapshot).into_iter().map(WarningDraft::plain));
        drafts.extend(long_names(snapshot).into_iter().map(WarningDraft::plain));
        finish(&names, drafts)
    }
}

/// Reviews one subscription policy as part of a snapshot that need not contain it.
#[must_use]
pub fn policy_warnings(snapshot: &Snapshot, policy: &Policy) -> Vec<CatalogWarning> {
    let (names, bindings) = (Names::new(snapshot), Bindings::new(snapshot));
    let policy_ref = snapshot.policy(&policy.name).map(PolicyRef::Subscription);
    let review = PolicyReview::new(snapshot, &bindings, &names);
    finish(&names, review.policy(policy, policy_ref)).list
}

/// Reviews one data policy as part of a snapshot that need not contain it.
#[must_use]
pub fn data_policy_warnings(snapshot: &Snapshot, policy: &DataPolicy) -> Vec<CatalogWarning> {
    let (names, bindings) = (Names::new(snapshot), Bindings::new(snapshot));
    let policy_ref = snapshot.data_policy(&policy.name).map(PolicyRef::Data);
    let review = PolicyReview::new(snapshot, &bindings, &names);
    finish(&names, review.data_policy(policy, policy_ref)).list
}

/// Adds the similar names and limits the list.
fn finish(names: &Names<'_>, drafts: Vec<WarningDraft<'_>>) -> CatalogWarnings {
    let mut warnings = CatalogWarnings::default();
    let mut counts: std::collections::HashMap<WarningKind, (usize, usize)> = std::collections::HashMap::new();
    for draft in drafts {
        let WarningDraft { mut warning, similar_to, needs_similar } = draft;
        let (count, searched) = counts.entry(warning.kind).or_default();
        if let Some(text) = similar_to
            && *searched < SEARCHED
        {
            *searched += 1;
            let found = names.most_similar(text.list, text.text);
            if let Some(found) = found {
                warning.hint = Some(format!("did you mean `{found}`?"));
            }
        }
        if needs_similar && warning.hint.is_none() {
            continue;
        }
        *count += 1;
        if *count <= LISTED {
            warnings.list.push(warning);
        } else {
            warnings.omitted += 1;
        }
    }
    warnings
}

impl WarningDraft<'_> {
    fn plain(warning: CatalogWarning) -> Self {
        Self { warning, similar_to: None, needs_similar: false }
    }
}

/// Returns the warning about a conflict of levels.
fn level_conflict_warning(snapshot: &Snapshot, warning: &LevelWarning) -> CatalogWarning {
    let policy = |ix: &PolicyIx| format!("`{}`", snapshot.policies[ix.get()].spec.name);
    let (kind, source, field, message, hint) = match warning {
        LevelWarning::UnsettledConflict { source, scope, policies } => {
            let level = |ix: &PolicyIx| snapshot.policies[ix.get()].spec.level.kind();
            let names: Vec<_> = policies.iter().map(|ix| format!("{} ({})", policy(ix), level(ix))).collect();
            let strictest = policies.iter().map(level).max_by_key(|level| level.restrictiveness());
            let applies = strictest.map_or_else(String::new, |level| {
                format!("; only {level}, the most restrictive level, applies")
            });
            let message =
                format!("policies grant {scope} with different levels: {}{applies}", names.join(", "));
            let hint = "set `levelChoice` on the data source to choose another".to_owned();
            (WarningKind::LevelConflict, source, None, message, Some(hint))
        }
        LevelWarning::IdleLevelChoice { source, policy: chosen } => {
            let message = format!(
                "`levelChoice` names {}, which is in no conflict of levels there; it has no effect",
                policy(chosen)
            );
            (WarningKind::IdleLevelChoice, source, Some("levelChoice".to_owned()), message, None)
        }
    };
    let name = snapshot.data_sources[source.get()].name.to_string();
    CatalogWarning { kind, object: WarningObject { kind: Kind::DataSource, name }, field, message, hint }
}

/// Returns warnings about products and requests that name data sources which no connection has listed yet.
fn unlisted_sources(snapshot: &Snapshot) -> Vec<CatalogWarning> {
    let products = snapshot.data_products.iter().flat_map(|product| {
        let assets = product.spec.data_sources.iter();
        assets.map(|asset| (Kind::DataProduct, &product.spec.name, "dataSources", &asset.name))
    });
    let requests = snapshot.requests.iter().filter_map(|request| match &request.target {
        Target::DataSource(name) => Some((Kind::Request, &request.id, "dataSource", name)),
        Target::DataProduct(_) => None,
    });
    products
        .chain(requests)
        .filter(|(.., source)| snapshot.data_source(source).is_none())
        .map(|(kind, name, field, source)| CatalogWarning {
            kind: WarningKind::NoMatch,
            object: WarningObject { kind, name: name.clone() },
            field: Some(field.to_owned()),
            message: format!("names the data source `{}`, which does not exist", Excerpt(source)),
            hint: Some("it counts once a connection lists it".to_owned()),
        })
        .collect()
}

/// Returns warnings about names that were stored before names were bounded.
fn long_names(snapshot: &Snapshot) -> Vec<CatalogWarning> {
    let users = snapshot.users.iter().map(|user| (Kind::User, &*user.username));
    let groups = snapshot.groups.iter().map(|group| (Kind::Group, &*group.name));
    let tags = snapshot.tags.iter().map(|tag| (Kind::Tag, tag.spec.name.as_str()));
    let domains = snapshot.domains.iter().map(|domain| (Kind::Domain, domain.spec.name.as_str()));
    let sources = snapshot.data_sources.iter().map(|source| (Kind::DataSource, &*source.name));
    let policies = snapshot.policies.iter().map(|policy| (Kind::Policy, policy.spec.name.as_str()));
    let masks = snapshot.data_policies.iter().map(|policy| (Kind::DataPolicy, policy.spec.name.as_str()));
    let all = tags.chain(groups).chain(users).chain(domains).chain(sources).chain(policies).chain(masks);
    all.filter_map(|(kind, name)| match check_name(name) {
        Err(NameError::TooLong(count)) => Some(CatalogWarning {
            kind: WarningKind::LongName,
            object: WarningObject { kind, name: name.chars().take(MAX_NAME_CHARS).collect() },
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
