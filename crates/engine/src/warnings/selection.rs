//! Selections that select nothing, as a whole or in part.

use domesday_model::{AppliesTo, Selector};

use super::names::NameList;
use super::policy::{DraftList, PolicyReview, is_all, matches};
use super::{SearchText, WarningKind};
use crate::selection::{PolicyRef, SourceSelection};

/// Returns the keys of a selector that are patterns, each with the list of names it is matched against and the words for
/// a list without a match.
fn patterns(selector: &Selector) -> [(&'static str, NameList, &'static str, Option<&Vec<String>>); 8] {
    [
        ("domains", NameList::Domains, "no data source has a domain that matches", selector.domains.as_ref()),
        ("owners", NameList::Owners, "no data source has an owner that matches", selector.owners.as_ref()),
        (
            "platforms",
            NameList::Platforms,
            "no data source has a platform that matches",
            selector.platforms.as_ref(),
        ),
        ("hosts", NameList::Hosts, "no data source has a host that matches", selector.hosts.as_ref()),
        (
            "databases",
            NameList::Databases,
            "no data source has a database that matches",
            selector.databases.as_ref(),
        ),
        ("schemas", NameList::Schemas, "no data source has a schema that matches", selector.schemas.as_ref()),
        ("tables", NameList::Tables, "no data source has a table that matches", selector.tables.as_ref()),
        ("names", NameList::DataSources, "no data source has a name that matches", selector.names.as_ref()),
    ]
}

impl PolicyReview<'_, '_> {
    /// Whether a policy applies to any data source. Adds warnings about what selects nothing.
    pub(super) fn applies_to<'p>(
        &self,
        applies_to: &'p AppliesTo,
        selection: &SourceSelection<'_>,
        policy_ref: Option<PolicyRef>,
        found: &mut DraftList<'p>,
    ) -> bool {
        let applies = self.candidates().iter().any(|candidate| matches(selection, policy_ref, candidate));
        let AppliesTo::Any(selectors) = applies_to else {
            if !applies && !is_all(applies_to) {
                let message = "matches no data source: none lists it under `optInPolicies`";
                found.add(WarningKind::NoDataSource, "appliesTo", message, None);
            }
            return applies;
        };
        let is_single = selectors.len() == 1;
        for (position, selector) in selectors.iter().enumerate() {
            let field = if is_single { "appliesTo".to_owned() } else { format!("appliesTo[{position}]") };
            if self.selects(selector) {
                self.review_entries(selector, &field, found);
                continue;
            }
            let (cause, similar_to) = self.cause(selector);
            let message = if is_single {
                format!("matches no data source: {cause}")
            } else {
                format!("`{field}` matches no data source: {cause}")
            };
            found.add(WarningKind::NoDataSource, field, message, similar_to);
        }
        if selectors.is_empty() {
            let message = "matches no data source: the list is empty";
            found.add(WarningKind::NoDataSource, "appliesTo", message, None);
        }
        applies
    }

    /// Whether a selector matches any data source.
    fn selects(&self, selector: &Selector) -> bool {
        let alone = AppliesTo::Any(vec![selector.clone()]);
        let selection = SourceSelection::resolve(self.snapshot, &alone);
        self.candidates().iter().any(|candidate| matches(&selection, None, candidate))
    }

    /// Adds warnings about entries of a selector that match nothing, and exceptions that exclude nothing.
    fn review_entries<'p>(&self, selector: &'p Selector, field: &str, found: &mut DraftList<'p>) {
        for (key, list, _, entries) in patterns(selector) {
            for pattern in entries.into_iter().flatten() {
                if !self.names.matches(list, pattern) {
                    let field = format!("{field}.{key}");
                    let message = format!("`{pattern}` under `{field}` matches no data source");
                    found.add(WarningKind::NoMatch, field, message, Some(SearchText { list, text: pattern }));
                }
            }
        }
        for (position, except) in selector.except.iter().enumerate() {
            let field = match selector.except.len() {
                1 => format!("{field}.except"),
                _ => format!("{field}.except[{position}]"),
            };
            if self.selects(except) {
                self.review_entries(except, &field, found);
            } else {
                let (cause, similar_to) = self.cause(except);
                let message = format!("`{field}` leaves out no data source: {cause}");
                found.add(WarningKind::NoException, field, message, similar_to);
            }
        }
    }

    /// Returns why a selector matches nothing.
    fn cause<'p>(&self, selector: &'p Selector) -> (String, Option<SearchText<'p>>) {
        if self.candidates().is_empty() {
            return ("the catalog has none".to_owned(), None);
        }
        for (key, list, words, entries) in patterns(selector) {
            let Some(entries) = entries else { continue };
            let Some(first) = entries.first() else {
                return (format!("`{key}` is empty, which matches nothing"), None);
            };
            if !entries.iter().any(|pattern| self.names.matches(list, pattern)) {
                return (format!("{words} {}", quoted(entries)), Some(SearchText { list, text: first }));
            }
        }
        let tags = [
            ("tagged", NameList::Tags, "no data source has the tag", selector.tagged.as_ref()),
            (
                "columnsTagged",
                NameList::ColumnTags,
                "no column has the tag",
                selector.columns_tagged.as_ref(),
            ),
        ];
        for (key, list, words, entries) in tags {
            let Some(entries) = entries else { continue };
            if entries.is_empty() {
                return (format!("`{key}` is empty, which matches nothing"), None);
            }
            if !entries.iter().any(|name| self.names.has_tag_below(list, name)) {
                return (format!("{words} {} or one below it", quoted(entries)), None);
            }
        }
        if selector.data_sources.as_ref().is_some_and(Vec::is_empty) {
            return ("`dataSources` is empty, which matches nothing".to_owned(), None);
        }
        if !selector.except.is_empty() {
            let without = Selector { except: Vec::new(), ..selector.clone() };
            if self.selects(&without) {
                return ("`except` leaves out every data source that it selects".to_owned(), None);
            }
        }
        ("no data source satisfies all its keys together".to_owned(), None)
    }
}

/// Returns up to three entries, in words.
fn quoted(entries: &[String]) -> String {
    let mut list: Vec<String> = entries.iter().take(3).map(|entry| format!("`{entry}`")).collect();
    if entries.len() > list.len() {
        list.push(format!("{} more", entries.len() - list.len()));
    }
    list.join(" or ")
}
