//! Which data sources a policy binds (catalog.md, `appliesTo`).

use domesday_model::{
    AppliesTo, ColumnSelector, DataPolicyIx, DataSourceIx, PolicyIx, Selector, Snapshot, SnapshotColumn,
    TagIx, glob_matches,
};

use crate::condition::column_tags;

/// A set of tags, one flag each.
type Tags = Box<[bool]>;

/// `appliesTo` with its names resolved against a snapshot.
#[derive(Debug)]
pub(crate) enum Target<'s> {
    All,
    OptIn,
    Any(Vec<Mapping<'s>>),
}

/// One mapping of `appliesTo`: every part that is given must match.
#[derive(Debug)]
pub(crate) struct Mapping<'s> {
    selector: &'s Selector,
    tagged: Option<Tags>,
    columns_tagged: Option<Tags>,
    data_sources: Option<Vec<DataSourceIx>>,
    except: Vec<Mapping<'s>>,
}

/// Who asks whether a data source opted in.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Asking {
    Subscription(PolicyIx),
    Data(DataPolicyIx),
}

/// A data source as selectors see it.
#[derive(Debug)]
pub(crate) struct Candidate<'s> {
    snapshot: &'s Snapshot,
    source: DataSourceIx,
    column_tags: Vec<TagIx>,
}

impl<'s> Candidate<'s> {
    pub(crate) fn of(snapshot: &'s Snapshot, source: DataSourceIx) -> Self {
        Self { snapshot, source, column_tags: column_tags(snapshot, source) }
    }

    /// The data source.
    pub(crate) fn source(&self) -> DataSourceIx {
        self.source
    }
}

impl<'s> Target<'s> {
    pub(crate) fn of(snapshot: &Snapshot, applies_to: &'s AppliesTo) -> Self {
        match applies_to {
            AppliesTo::All => Self::All,
            AppliesTo::OptIn => Self::OptIn,
            AppliesTo::Any(selectors) => Self::Any(mappings(snapshot, selectors)),
        }
    }

    /// Whether the policy that asks applies to a data source, whatever the state of both.
    pub(crate) fn matches(&self, asking: Asking, candidate: &Candidate<'_>) -> bool {
        let source = &candidate.snapshot.data_sources[candidate.source.get()];
        match (self, asking) {
            (Self::All, _) => true,
            (Self::OptIn, Asking::Subscription(policy)) => source.opt_in_policies.contains(&policy),
            (Self::OptIn, Asking::Data(policy)) => source.opt_in_data_policies.contains(&policy),
            (Self::Any(mappings), _) => mappings.iter().any(|mapping| mapping.matches(candidate)),
        }
    }
}

impl Mapping<'_> {
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
        let tagged = |wanted: &Option<Tags>, tags: &[TagIx]| {
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

fn mappings<'s>(snapshot: &Snapshot, selectors: &'s [Selector]) -> Vec<Mapping<'s>> {
    selectors
        .iter()
        .map(|selector| Mapping {
            selector,
            tagged: selector.tagged.as_ref().map(|names| below(snapshot, names)),
            columns_tagged: selector.columns_tagged.as_ref().map(|names| below(snapshot, names)),
            data_sources: selector
                .data_sources
                .as_ref()
                .map(|names| names.iter().filter_map(|name| snapshot.data_source(name)).collect()),
            except: mappings(snapshot, &selector.except),
        })
        .collect()
}

/// The tags that are one of `names` or below it.
fn below(snapshot: &Snapshot, names: &[String]) -> Tags {
    snapshot
        .tags
        .iter()
        .map(|tag| {
            names.iter().any(|name| domesday_model::condition::is_same_or_ancestor(name, &tag.spec.name))
        })
        .collect()
}

/// The columns a data policy selects.
#[derive(Debug)]
pub(crate) struct Columns<'s> {
    tagged: Tags,
    names: &'s [String],
}

impl<'s> Columns<'s> {
    pub(crate) fn of(snapshot: &Snapshot, selector: &'s ColumnSelector) -> Self {
        Self { tagged: below(snapshot, &selector.tagged), names: &selector.names }
    }

    /// Whether any entry of any key matches the column.
    pub(crate) fn matches(&self, column: &SnapshotColumn) -> bool {
        column.tags.iter().any(|tag| self.tagged[tag.get()])
            || self.names.iter().any(|pattern| glob_matches(pattern, &column.name))
    }
}
