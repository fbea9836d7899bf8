//! Lists: filters, sorting and pages (RFC 7644, section 3.4.2).
//!
//! Filters that an index answers read what they select; others read every resource once, in batches. What is in memory
//! is a batch, the numbers of what was selected (with what it is sorted by), and the page.

use domesday_sources::scim::{
    AttributePath, Document, Filter, Lookup, MAX_PAGE, Projection, ResourceKind, ScimErrorKind, SortKey, fold,
};
use domesday_store::{ScimFind, ScimResource};
use serde_json::Value;

use super::error::ScimFailure;
use super::reader::{Reader, kind_of};

/// How many resources are read at a time.
const BATCH: usize = 500;

/// How many bytes the resources of a page have, roughly, not counting the last one: a page ends early, which clients see
/// in `itemsPerPage`.
const MAX_PAGE_BYTES: usize = 4 << 20;

/// How many bytes a member or group in a list has, roughly.
const ELEMENT_BYTES: usize = 200;

/// How many resources a page has when the client does not say.
const DEFAULT_COUNT: usize = 100;

/// A request for a list.
#[derive(Debug, Clone, Default)]
pub struct Search {
    /// The kinds of resource.
    pub kinds: Vec<ResourceKind>,
    /// What is selected.
    pub filter: Option<String>,
    /// The attribute by which it is sorted; in order of creation without one.
    pub sort_by: Option<String>,
    /// Whether it is sorted in descending order.
    pub is_descending: bool,
    /// The position of the first resource, from 1.
    pub start_index: Option<i64>,
    /// How many resources a page has at most.
    pub count: Option<i64>,
    /// The attributes of the answer.
    pub attributes: Vec<String>,
    /// The attributes that the answer does not contain.
    pub excluded_attributes: Vec<String>,
}

/// A page of a list.
#[derive(Debug)]
pub struct SearchPage {
    /// How many resources there are on all pages.
    pub total: u64,
    /// The position of the first, from 1.
    pub start_index: u64,
    /// The resources.
    pub resources: Vec<Document>,
}

/// What selects and sorts the resources of a kind.
struct Selection {
    kind: ResourceKind,
    filter: Option<Filter>,
    sort_by: Option<AttributePath>,
    /// What the filter and the sorting depend on.
    needed: Projection,
}

/// A resource that was selected.
struct Selected {
    key: Option<SortKey>,
    number: i64,
}

impl Reader<'_> {
    /// Returns a page of the resources that a request selects.
    ///
    /// # Errors
    /// When the filter is not valid.
    pub fn search(&mut self, search: &Search) -> Result<SearchPage, ScimFailure> {
        let start = u64::try_from(search.start_index.unwrap_or(1)).unwrap_or_default().max(1);
        let count = search.count.map_or(DEFAULT_COUNT, |count| usize::try_from(count).unwrap_or_default());
        let count = count.min(MAX_PAGE);
        if let ([kind], None, None) = (search.kinds.as_slice(), &search.filter, &search.sort_by) {
            return self.plain_page(*kind, start, count, search);
        }
        let mut selected = Vec::new();
        for kind in &search.kinds {
            let selection = self.selection(*kind, search)?;
            self.select(&selection, &mut selected)?;
        }
        sort(&mut selected, search.is_descending);
        let (total, skipped) = (selected.len() as u64, usize::try_from(start - 1).unwrap_or(usize::MAX));
        let page = selected.into_iter().skip(skipped).take(count);
        let mut resources = PageBuilder::default();
        for one in page {
            let Some(resource) = self.store.scim_resource(one.number)? else { continue };
            let projection =
                self.projection(kind_of(&resource), &search.attributes, &search.excluded_attributes)?;
            if !resources.add(self.represent(&resource, &projection)?, &resource) {
                break;
            }
        }
        Ok(SearchPage { total, start_index: start, resources: resources.list })
    }

    /// Returns a page of every resource of a kind, in order of creation.
    fn plain_page(
        &mut self,
        kind: ResourceKind,
        start: u64,
        count: usize,
        search: &Search,
    ) -> Result<SearchPage, ScimFailure> {
        let projection = self.projection(kind, &search.attributes, &search.excluded_attributes)?;
        let connection = self.connection.id;
        let total = self.store.count_scim_resources(connection, kind.as_str())?;
        let mut resources = PageBuilder::default();
        let (mut after, mut skipped, mut left) = (i64::MIN, start - 1, count);
        'page: while left > 0 {
            let batch =
                self.store.scim_resources(connection, kind.as_str(), after, skipped, left.min(BATCH))?;
            let Some(last) = batch.last() else { break };
            (after, skipped, left) = (last.number, 0, left - batch.len());
            for resource in batch {
                if !resources.add(self.represent(&resource, &projection)?, &resource) {
                    break 'page;
                }
            }
        }
        Ok(SearchPage { total, start_index: start, resources: resources.list })
    }

    fn selection(&self, kind: ResourceKind, search: &Search) -> Result<Selection, ScimFailure> {
        let schema = self.schema(kind);
        let filter = search.filter.as_deref().map(|text| Filter::parse(text, schema)).transpose()?;
        let sort_by = match search.sort_by.as_deref() {
            None => None,
            Some(text) => {
                let path = AttributePath::parse(text, schema);
                if path.is_none() && search.kinds.len() == 1 {
                    let detail =
                        format!("`sortBy`: a {kind} has no attribute `{}`", domesday_model::Excerpt(text));
                    return Err(ScimFailure::request(ScimErrorKind::InvalidPath, detail));
                }
                path
            }
        };
        let is_needed = |name: &str| {
            filter.as_ref().is_some_and(|filter| filter.mentions(name))
                || sort_by.as_ref().is_some_and(|path| path.is(name))
        };
        let unneeded = ["groups", "members"].into_iter().filter(|name| !is_needed(name));
        let unneeded: Vec<_> = unneeded.map(str::to_owned).collect();
        let needed = self.projection(kind, &[], &unneeded)?;
        Ok(Selection { kind, filter, sort_by, needed })
    }

    /// Adds what a selection selects.
    fn select(&mut self, selection: &Selection, selected: &mut Vec<Selected>) -> Result<(), ScimFailure> {
        let lookup =
            selection.filter.as_ref().and_then(|filter| filter.lookup(selection.kind.name_attribute()));
        if let Some(lookup) = lookup {
            for resource in self.find_by(selection.kind, &lookup)? {
                self.select_one(selection, &resource, selected)?;
            }
            return Ok(());
        }
        let mut after = i64::MIN;
        loop {
            let kind = selection.kind.as_str();
            let batch = self.store.scim_resources(self.connection.id, kind, after, 0, BATCH)?;
            let Some(last) = batch.last() else { return Ok(()) };
            after = last.number;
            for resource in batch {
                self.select_one(selection, &resource, selected)?;
            }
        }
    }

    fn find_by(&mut self, kind: ResourceKind, lookup: &Lookup) -> Result<Vec<ScimResource>, ScimFailure> {
        match lookup {
            Lookup::Id(id) => Ok(self.look_up(kind, id)?.into_iter().collect()),
            Lookup::Name(name) => self.find_all(kind, ScimFind::Name(&fold(name))),
            Lookup::ExternalId(id) => self.find_all(kind, ScimFind::ExternalId(id)),
            Lookup::Member(id) => {
                let mut found = Vec::new();
                for member_kind in ResourceKind::ALL {
                    if let Some(member) = self.look_up(member_kind, id)? {
                        found.extend(self.find_all(kind, ScimFind::Member(member.number))?);
                    }
                }
                Ok(found)
            }
        }
    }

    fn select_one(
        &mut self,
        selection: &Selection,
        resource: &ScimResource,
        selected: &mut Vec<Selected>,
    ) -> Result<(), ScimFailure> {
        let name = selection.kind.name_attribute();
        let is_found = selection.filter.as_ref().is_none_or(|filter| filter.is_lookup(name));
        if is_found && selection.sort_by.is_none() {
            selected.push(Selected { key: None, number: resource.number });
            return Ok(());
        }
        let document = self.represent(resource, &selection.needed)?;
        if is_found || selection.filter.as_ref().is_none_or(|filter| filter.matches(&document)) {
            let key = selection.sort_by.as_ref().map(|path| SortKey::new(path, &document));
            selected.push(Selected { key, number: resource.number });
        }
        Ok(())
    }
}

fn sort(selected: &mut [Selected], is_descending: bool) {
    selected.sort_by(|one, other| {
        let by_key = one.key.cmp(&other.key);
        let by_key = if is_descending { by_key.reverse() } else { by_key };
        by_key.then(one.number.cmp(&other.number))
    });
}

/// A page that ends before it becomes too large.
#[derive(Default)]
struct PageBuilder {
    list: Vec<Document>,
    bytes: usize,
}

impl PageBuilder {
    /// Adds a resource; returns whether there is room for another.
    fn add(&mut self, document: Document, resource: &ScimResource) -> bool {
        let elements = |name: &str| document.get(name).and_then(Value::as_array).map_or(0, Vec::len);
        self.bytes += resource.document.len() + (elements("members") + elements("groups")) * ELEMENT_BYTES;
        self.list.push(document);
        self.bytes < MAX_PAGE_BYTES
    }
}
