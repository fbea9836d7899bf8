//! The lists of users, groups, data sources and tags: filtered, sorted, by page number, with exact totals. They are read
//! from the snapshot in memory: a list of a hundred thousand users costs the database nothing.

use std::cmp::Ordering;

use domesday_model::{
    DataSourceIx, DataSourceStatus, DomainIx, GroupIx, Permission, TagIx, UserIx, UserStatus,
};

use super::evaluated::Evaluation;
use super::name_index::lower;

/// Where a page is in a list.
#[derive(Debug, Clone, Copy)]
pub struct ListRange<O> {
    /// The order of the list.
    pub order: O,
    /// Whether the order is reversed.
    pub is_descending: bool,
    /// How many objects come before.
    pub offset: usize,
    /// How many objects there are at most.
    pub limit: usize,
}

/// A page of a list.
#[derive(Debug)]
pub struct ListPage<T> {
    /// The objects.
    pub items: Vec<T>,
    /// How many objects the filter shows, on all pages.
    pub total: usize,
    /// How many objects there are without the filter.
    pub unfiltered: usize,
}

/// Which users are wanted.
#[derive(Debug, Clone, Default)]
pub struct UserFilter {
    /// Only those whose name, username or e-mail address contains this text, in any case.
    pub text: String,
    /// Only those with this status.
    pub status: Option<UserStatus>,
    /// Only members of this group.
    pub group: Option<GroupIx>,
    /// Only those with this permission.
    pub permission: Option<Permission>,
    /// Only those with this manager.
    pub manager: Option<UserIx>,
}

/// The order of users.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum UserOrder {
    /// By display name.
    #[default]
    Name,
    /// By the instant of their creation.
    CreatedAt,
}

/// Which data sources are wanted.
#[derive(Debug, Clone, Default)]
pub struct DataSourceFilter {
    /// Only those whose name contains this text, in any case.
    pub text: String,
    /// Only those with this status.
    pub status: Option<DataSourceStatus>,
    /// Only those on this platform.
    pub platform: String,
    /// Only those of this domain.
    pub domain: Option<DomainIx>,
    /// Only those that have this tag, themselves or on a column.
    pub tag: Option<TagIx>,
    /// Only those of this owner.
    pub owner: Option<UserIx>,
}

/// The order of data sources.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DataSourceOrder {
    /// By name.
    #[default]
    Name,
    /// By the instant of their registration.
    CreatedAt,
}

/// The order of groups and of tags.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum GroupingOrder {
    /// By name.
    #[default]
    Name,
    /// By the number of users or data sources.
    Size,
}

/// A group or a tag, with how many users or data sources have it.
#[derive(Debug, Clone, Copy)]
pub struct Grouping<I> {
    /// The group or the tag.
    pub index: I,
    /// How many users or data sources have it.
    pub size: usize,
}

/// An entry before its page is known.
#[derive(Debug, Clone, Copy)]
struct Candidate {
    index: usize,
    key: i64,
    /// The rank of the name.
    rank: u32,
}

impl Candidate {
    fn compare(&self, other: &Self, is_descending: bool) -> Ordering {
        let order = (self.key, self.rank).cmp(&(other.key, other.rank));
        if is_descending { order.reverse() } else { order }
    }
}

/// Returns a page of the candidates: only those up to its end are put in order.
fn page<O, T>(
    mut found: Vec<Candidate>,
    unfiltered: usize,
    range: &ListRange<O>,
    item: impl Fn(&Candidate) -> T,
) -> ListPage<T> {
    let total = found.len();
    let end = range.offset.saturating_add(range.limit).min(total);
    let compare = |one: &Candidate, other: &Candidate| one.compare(other, range.is_descending);
    if end < total {
        found.select_nth_unstable_by(end, compare);
        found.truncate(end);
    }
    found.sort_unstable_by(compare);
    ListPage { items: found.iter().skip(range.offset).map(item).collect(), total, unfiltered }
}

/// Returns the rank of each name among all, in any case.
fn ranks<'n>(names: impl Iterator<Item = &'n str>) -> Vec<u32> {
    let names: Vec<_> = names.map(lower).collect();
    let mut order: Vec<usize> = (0..names.len()).collect();
    order.sort_by(|one, other| names[*one].cmp(&names[*other]));
    let mut ranks = vec![0; names.len()];
    for (rank, entry) in (0_u32..).zip(order) {
        ranks[entry] = rank;
    }
    ranks
}

impl Evaluation {
    /// Returns a page of the users.
    #[must_use]
    pub fn list_users(&self, filter: &UserFilter, range: ListRange<UserOrder>) -> ListPage<UserIx> {
        let users = &self.snapshot().users;
        let named = (!filter.text.is_empty()).then(|| self.index().users.matching(&filter.text));
        let ranks = &self.index().users.ranks;
        let found = users.iter().enumerate().filter(|(index, user)| {
            named.as_ref().is_none_or(|named| named[*index])
                && filter.status.is_none_or(|only| user.status == only)
                && filter.group.is_none_or(|only| is_member(&user.groups, only, user.status))
                && filter.permission.is_none_or(|only| user.permissions.contains(&only))
                && filter.manager.is_none_or(|only| user.manager == Some(only))
        });
        let found = found.map(|(index, user)| Candidate {
            index,
            key: match range.order {
                UserOrder::Name => 0,
                UserOrder::CreatedAt => user.created_at.as_micros(),
            },
            rank: ranks[index],
        });
        page(found.collect(), users.len(), &range, |found| UserIx::at(found.index))
    }

    /// Returns a page of the data sources.
    #[must_use]
    pub fn list_data_sources(
        &self,
        filter: &DataSourceFilter,
        range: ListRange<DataSourceOrder>,
    ) -> ListPage<DataSourceIx> {
        let sources = &self.snapshot().data_sources;
        let named = (!filter.text.is_empty()).then(|| self.index().sources.matching(&filter.text));
        let ranks = &self.index().sources.ranks;
        let found = sources.iter().enumerate().filter(|(index, source)| {
            named.as_ref().is_none_or(|named| named[*index])
                && filter.status.is_none_or(|only| source.status == only)
                && (filter.platform.is_empty() || *source.platform == *filter.platform)
                && filter.domain.is_none_or(|only| source.domain == Some(only))
                && filter.owner.is_none_or(|only| source.owners.contains(&only))
                && filter.tag.is_none_or(|only| self.has_tag(DataSourceIx::at(*index), only))
        });
        let found = found.map(|(index, source)| Candidate {
            index,
            key: match range.order {
                DataSourceOrder::Name => 0,
                DataSourceOrder::CreatedAt => source.created_at.as_micros(),
            },
            rank: ranks[index],
        });
        page(found.collect(), sources.len(), &range, |found| DataSourceIx::at(found.index))
    }

    /// Whether a data source has a tag, itself or on a column.
    fn has_tag(&self, source: DataSourceIx, tag: TagIx) -> bool {
        let snapshot = self.snapshot();
        snapshot.data_sources[source.get()].tags.contains(&tag)
            || snapshot.columns_of(source).any(|(_, column)| column.tags.contains(&tag))
    }

    /// Returns a page of the declared groups whose names contain a text, with their members.
    #[must_use]
    pub fn list_groups(&self, text: &str, range: ListRange<GroupingOrder>) -> ListPage<Grouping<GroupIx>> {
        let snapshot = self.snapshot();
        let mut members = vec![0_usize; snapshot.groups.len()];
        snapshot.users.iter().flat_map(|user| &user.groups).for_each(|group| members[group.get()] += 1);
        // The first is `All Users`, which nobody declares.
        let names = snapshot.groups.iter().map(|group| &*group.name);
        list_groupings(names, 1, text, &range, &members, GroupIx::at)
    }

    /// Returns a page of the tags whose names contain a text, with the data sources that have them.
    #[must_use]
    pub fn list_tags(&self, text: &str, range: ListRange<GroupingOrder>) -> ListPage<Grouping<TagIx>> {
        let snapshot = self.snapshot();
        let mut sources = vec![0_usize; snapshot.tags.len()];
        for index in 0..snapshot.data_sources.len() {
            self.tags_on(DataSourceIx::at(index)).into_iter().for_each(|tag| sources[tag.get()] += 1);
        }
        let names = snapshot.tags.iter().map(|tag| tag.spec.name.as_str());
        list_groupings(names, 0, text, &range, &sources, TagIx::at)
    }

    /// The tags of a data source and of its columns, each once.
    fn tags_on(&self, source: DataSourceIx) -> Vec<TagIx> {
        let snapshot = self.snapshot();
        let columns = snapshot.columns_of(source).flat_map(|(_, column)| column.tags.iter());
        let mut tags: Vec<_> =
            snapshot.data_sources[source.get()].tags.iter().chain(columns).copied().collect();
        tags.sort_unstable();
        tags.dedup();
        tags
    }

    /// Returns the platforms of the data sources, in order.
    #[must_use]
    pub fn platforms(&self) -> Vec<&str> {
        let mut platforms: Vec<&str> = Vec::new();
        for source in self.snapshot().data_sources.iter() {
            if let Err(place) = platforms.binary_search(&&*source.platform) {
                platforms.insert(place, &source.platform);
            }
        }
        platforms
    }
}

/// Whether a user is in a group; every active user is in the built-in one.
fn is_member(groups: &[GroupIx], group: GroupIx, status: UserStatus) -> bool {
    if group == GroupIx::at(0) { status == UserStatus::Active } else { groups.contains(&group) }
}

fn list_groupings<'n, I>(
    names: impl Iterator<Item = &'n str> + Clone,
    skipped: usize,
    text: &str,
    range: &ListRange<GroupingOrder>,
    sizes: &[usize],
    index: impl Fn(usize) -> I,
) -> ListPage<Grouping<I>> {
    let (wanted, ranks) = (lower(text), ranks(names.clone()));
    let found = names.enumerate().skip(skipped);
    let found = found.filter(|(_, name)| wanted.is_empty() || lower(name).contains(&wanted));
    let found = found.map(|(index, _)| Candidate {
        index,
        key: match range.order {
            GroupingOrder::Name => 0,
            GroupingOrder::Size => i64::try_from(sizes[index]).unwrap_or(i64::MAX),
        },
        rank: ranks[index],
    });
    let item = |found: &Candidate| Grouping { index: index(found.index), size: sizes[found.index] };
    page(found.collect(), ranks.len() - skipped, range, item)
}

#[cfg(test)]
mod tests {
    use domesday_model::{Catalog, Declared, Instant, Snapshot};
    use serde_json::json;
    use std::sync::Arc;

    use super::*;

    fn evaluation() -> Evaluation {
        fn declared<T: serde::de::DeserializeOwned>(spec: serde_json::Value) -> Declared<T> {
            Declared::new(serde_json::from_value(spec).unwrap(), "test.yaml")
        }
        let catalog = Catalog {
            groups: vec![declared(json!({ "name": "Sales" })), declared(json!({ "name": "audit" }))],
            users: vec![
                declared(json!({ "username": "b", "name": "Zoë Berg", "groups": ["Sales"] })),
                declared(json!({ "username": "a", "name": "adam", "permissions": ["AUDIT"] })),
                declared(
                    json!({ "username": "c", "status": "disabled", "groups": ["Sales", "audit"], "manager": "a" }),
                ),
            ],
            tags: vec![declared(json!({ "name": "PII.Email" }))],
            data_sources: vec![
                declared(json!({ "name": "Orders", "platform": "s3", "owners": ["a"],
                    "columns": [{ "name": "mail", "type": "text", "tags": ["PII.Email"] }] })),
                declared(
                    json!({ "name": "customers", "platform": "pg", "tags": ["PII"], "status": "disabled" }),
                ),
            ],
            ..Catalog::default()
        };
        let snapshot = Snapshot::of_catalog(&catalog, Instant::from_micros(0)).unwrap();
        Evaluation::new(Arc::new(snapshot), 1)
    }

    fn range<O: Default>(is_descending: bool, offset: usize, limit: usize) -> ListRange<O> {
        ListRange { order: O::default(), is_descending, offset, limit }
    }

    #[test]
    fn users_are_filtered_sorted_and_counted() {
        let evaluation = evaluation();
        let names = |filter: UserFilter, range: ListRange<UserOrder>| {
            let page = evaluation.list_users(&filter, range);
            let name = |user: &UserIx| evaluation.snapshot().users[user.get()].username.to_string();
            (page.items.iter().map(name).collect::<Vec<_>>().join(" "), page.total, page.unfiltered)
        };
        let all = UserFilter::default;
        assert_eq!(names(all(), range(false, 0, 9)), ("a c b".to_owned(), 3, 3));
        assert_eq!(names(all(), range(true, 1, 1)), ("c".to_owned(), 3, 3));
        assert_eq!(names(all(), range(false, 5, 9)), (String::new(), 3, 3));
        let text = UserFilter { text: "ZOË".to_owned(), ..all() };
        assert_eq!(names(text, range(false, 0, 9)), ("b".to_owned(), 1, 3));
        let group = evaluation.snapshot().group("Sales");
        assert_eq!(names(UserFilter { group, ..all() }, range(false, 0, 9)).0, "c b");
        let everyone = Some(GroupIx::at(0));
        assert_eq!(names(UserFilter { group: everyone, ..all() }, range(false, 0, 9)).0, "a b");
        let status = Some(UserStatus::Disabled);
        assert_eq!(names(UserFilter { status, group, ..all() }, range(false, 0, 9)).0, "c");
        let manager = evaluation.snapshot().user("a");
        assert_eq!(names(UserFilter { manager, ..all() }, range(false, 0, 9)).0, "c");
        let permission = Some(Permission::Audit);
        assert_eq!(names(UserFilter { permission, ..all() }, range(false, 0, 9)).0, "a");
    }

    #[test]
    fn data_sources_groups_and_tags_are_listed() {
        let evaluation = evaluation();
        let snapshot = evaluation.snapshot();
        let names = |filter: DataSourceFilter| {
            let page = evaluation.list_data_sources(&filter, range(false, 0, 9));
            let name = |source: &DataSourceIx| snapshot.data_sources[source.get()].name.to_string();
            page.items.iter().map(name).collect::<Vec<_>>().join(" ")
        };
        let all = DataSourceFilter::default;
        assert_eq!(names(all()), "customers Orders");
        assert_eq!(names(DataSourceFilter { tag: snapshot.tag("PII.Email"), ..all() }), "Orders");
        assert_eq!(names(DataSourceFilter { tag: snapshot.tag("PII"), ..all() }), "customers");
        assert_eq!(names(DataSourceFilter { owner: snapshot.user("a"), ..all() }), "Orders");
        assert_eq!(names(DataSourceFilter { platform: "pg".to_owned(), ..all() }), "customers");
        assert_eq!(names(DataSourceFilter { text: "ord".to_owned(), ..all() }), "Orders");
        assert_eq!(evaluation.platforms(), ["pg", "s3"]);

        let groups = evaluation.list_groups("", range(false, 0, 9));
        let shown = |it: &Grouping<GroupIx>| (snapshot.groups[it.index.get()].name.to_string(), it.size);
        let groups: Vec<_> = groups.items.iter().map(shown).collect();
        assert_eq!(groups, [("audit".to_owned(), 1), ("Sales".to_owned(), 2)]);
        let by_size = ListRange { order: GroupingOrder::Size, ..range(true, 0, 1) };
        assert_eq!(shown(&evaluation.list_groups("", by_size).items[0]).0, "Sales");
        let tags = evaluation.list_tags("mail", range(false, 0, 9));
        assert_eq!((tags.items[0].size, tags.total, tags.unfiltered), (1, 1, 2));
    }
}
