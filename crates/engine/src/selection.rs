//! Which data sources and columns a policy selects (`appliesTo` and `columns` in `docs/catalog.md`).

use domesday_model::{
    AppliesTo, ColumnSelector, DataPolicyIx, DataSourceIx, PolicyIx, Selector, Snapshot, SnapshotColumn,
    TagIx, glob_matches,
};

use crate::condition::column_tags;

/// A set of tags: a flag for each tag of the snapshot.
type TagSet = Box<[bool]>;

/// `appliesTo` with its names resolved against a snapshot.
#[derive(Debug)]
pub(crate) enum SourceSelection<'s> {
    All,
    OptIn,
    Any(Vec<ResolvedSelector<'s>>),
}

/// One selector of an `appliesTo`, its names resolved: every part that is given must match.
#[derive(Debug)]
pub(crate) struct ResolvedSelector<'s> {
    selector: &'s Selector,
    tagged: Option<TagSet>,
    columns_tagged: Option<TagSet>,
    data_sources: Option<Vec<DataSourceIx>>,
    except: Vec<ResolvedSelector<'s>>,
}

/// The policy that selects, which a data source may have opted into.
#[derive(Debug, Clone, Copy)]
pub(crate) enum PolicyRef {
    Subscription(PolicyIx),
    Data(DataPolicyIx),
}

/// A data source that selectors are matched against.
#[derive(Debug)]
pub(crate) struct Candidate<'s> {
    snapshot: &'s Snapshot,
    source: DataSourceIx,
    column_tags: Vec<TagIx>,
}

impl<'s> Candidate<'s> {
    pub(crate) fn new(snapshot: &'s Snapshot, source: DataSourceIx) -> Self {
        Self { snapshot, source, column_tags: column_tags(snapshot, source) }
    }

    /// Returns the data source.
    pub(crate) fn source(&self) -> DataSourceIx {
        self.source
    }
}

impl<'s> SourceSelection<'s> {
    /// Resolves the names in an `appliesTo`.
    pub(crate) fn resolve(snapshot: &Snapshot, applies_to: &'s AppliesTo) -> Self {
        match applies_to {
            AppliesTo::All => Self::All,
            AppliesTo::OptIn => Self::OptIn,
            AppliesTo::Any(selectors) => Self::Any(resolve_selectors(snapshot, selectors)),
        }
    }

    /// Whether the policy applies to a data source, whatever the state of both.
    pub(crate) fn matches(&self, policy: PolicyRef, candidate: &Candidate<'_>) -> bool {
        let source = &candidate.snapshot.data_sources[candidate.source.get()];
        match (self, policy) {
            (Self::All, _) => true,
            (Self::OptIn, PolicyRef::Subscription(policy)) => source.opt_in_policies.contains(&policy),
            (Self::OptIn, PolicyRef::Data(policy)) => source.opt_in_data_policies.contains(&policy),
            (Self::Any(selectors), _) => selectors.iter().any(|selector| selector.matches(candidate)),
        }
    }
}

impl ResolvedSelector<'_> {
    fn matches(&self, candidate: &Candidate<'_>) -> bool {
        let Candidate { snapshot, source: ix, column_tags } = candidate;
        let source = &snapshot.data_sources[ix.get()];
        let selector = self.selector;
        let field = |patterns: &Option<Vec<String>>, text: Option<&str>| {
            patterns.as_ref().is_none_or(|patterns| {
                text.is_some_and(|text| patterns.iter().any(|p| glob_matches(p, text)))
            })
        };
        let owned = |patterns: &Option<Vec<String>>| {
            patterns.as_ref().is_none_or(|patterns| {
                let mut owners = source.owners.iter().map(|owner| &snapshot.users[owner.get()].username);
                owners.any(|owner| patterns.iter().any(|pattern| glob_matches(pattern, owner)))
            })
        };
        let domain = source.domain.map(|domain| snapshot.domains[domain.get()].spec.name.as_str());
        let tagged = |wanted: &Option<TagSet>, tags: &[TagIx]| {
            wanted.as_ref().is_none_or(|wanted| tags.iter().any(|tag| wanted[tag.get()]))
        };
        tagged(&self.tagged, &source.tags)
            && tagged(&self.columns_tagged, column_tags)
            && self.data_sources.as_ref().is_none_or(|sources| sources.contains(ix))
            && field(&selector.domains, domain)
            && owned(&selector.owners)
            && field(&selector.platforms, Some(&source.platform))
            && field(&selector.hosts, source.host.as_deref())
            && field(&selector.databases, source.database.as_deref())
            && field(&selector.schemas, source.schema.as_deref())
            && field(&selector.tables, source.table.as_deref())
            && field(&selector.names, Some(&source.name))
            && !self.except.iter().any(|except| except.matches(candidate))
    }
}

fn resolve_selectors<'s>(snapshot: &Snapshot, selectors: &'s [Selector]) -> Vec<ResolvedSelector<'s>> {
    selectors
        .iter()
        .map(|selector| ResolvedSelector {
            selector,
            tagged: selector.tagged.as_ref().map(|names| tags_below(snapshot, names)),
            columns_tagged: selector.columns_tagged.as_ref().map(|names| tags_below(snapshot, names)),
            data_sources: selector
                .data_sources
                .as_ref()
                .map(|names| names.iter().filter_map(|name| snapshot.data_source(name)).collect()),
            except: resolve_selectors(snapshot, &selector.except),
        })
        .collect()
}

/// Returns the tags that are one of `names` or below one.
fn tags_below(snapshot: &Snapshot, names: &[String]) -> TagSet {
    snapshot
        .tags
        .iter()
        .map(|tag| {
            names.iter().any(|name| domesday_model::condition::is_same_or_ancestor(name, &tag.spec.name))
        })
        .collect()
}

/// The columns that a data policy selects.
#[derive(Debug)]
pub(crate) struct ColumnSelection<'s> {
    tagged: TagSet,
    names: &'s [String],
}

impl<'s> ColumnSelection<'s> {
    /// Resolves the names in the `columns` of a data policy.
    pub(crate) fn resolve(snapshot: &Snapshot, selector: &'s ColumnSelector) -> Self {
        Self { tagged: tags_below(snapshot, &selector.tagged), names: &selector.names }
    }

    /// Whether any entry of any key matches the column.
    pub(crate) fn matches(&self, column: &SnapshotColumn) -> bool {
        column.tags.iter().any(|tag| self.tagged[tag.get()])
            || self.names.iter().any(|pattern| glob_matches(pattern, &column.name))
    }
}
