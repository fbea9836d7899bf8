//! Entries of groups, and which users are in them, directly or through other groups.

use std::collections::HashMap;

use domesday_model::limits::MAX_TEXT_CHARS;
use domesday_model::{Attributes, Excerpt, Group, reserved_name};

use super::dn;
use super::entry::Entry;
use super::error::LdapError;
use super::people::{People, label, single};
use super::profile::GroupField;
use super::settings::SearchPlan;
use crate::reading::{Listed, Skipped};

/// The groups of a directory.
#[derive(Debug, Default)]
pub(super) struct Groups {
    pub(super) groups: Vec<Listed<Group>>,
    pub(super) skipped: Vec<Skipped>,
    pub(super) warnings: Vec<String>,
}

/// A group in the graph of memberships. One without a name is left out, but who is in it is in the groups around it.
struct Node {
    name: Option<String>,
    /// The groups that this one is a member of.
    parents: Vec<usize>,
    /// The users that are members of it.
    users: Vec<usize>,
}

/// Reads entries of groups, each with its key, and adds to each user the names of their groups.
pub(super) fn read(
    plan: &SearchPlan<GroupField>,
    entries: Vec<(Option<String>, Entry)>,
    people: &mut People,
    most_memberships: usize,
) -> Result<Groups, LdapError> {
    let mut listed = Groups::default();
    let names = names(plan, &entries);
    let mut nodes = Vec::with_capacity(entries.len());
    let mut by_dn = HashMap::with_capacity(entries.len());
    for (index, ((key, entry), name)) in entries.iter().zip(names).enumerate() {
        by_dn.insert(dn::normalize(&entry.dn).unwrap_or_else(|| entry.dn.clone()), index);
        let group = name.and_then(|name| Ok((description(plan, entry)?, name)));
        let name = match group {
            Ok((description, name)) => {
                let object = Group { name: name.clone(), description, attributes: Attributes::new() };
                listed.groups.push(Listed { key: key.clone(), object });
                Some(name)
            }
            Err(reason) => {
                listed.skipped.push(Skipped { entry: entry.dn.clone(), reason });
                None
            }
        };
        nodes.push(Node { name, parents: Vec::new(), users: Vec::new() });
    }
    let mut unknown: Option<(String, usize)> = None;
    for (index, (_, entry)) in entries.iter().enumerate() {
        for attribute in &plan.fields[&GroupField::Member] {
            for value in entry.values(attribute) {
                match find(value, people, &by_dn) {
                    Some(Member::User(user)) => nodes[index].users.push(user),
                    Some(Member::Group(group)) => nodes[group].parents.push(index),
                    Some(Member::LeftOut) => {}
                    None => {
                        let example = || (String::from_utf8_lossy(value).into_owned(), 0);
                        unknown.get_or_insert_with(example).1 += 1;
                    }
                }
            }
        }
    }
    if let Some((example, count)) = unknown {
        listed.warnings.push(format!(
            "{count} members of groups are neither among the users nor among the groups, such as `{}`",
            Excerpt(&example)
        ));
    }
    add_memberships(&nodes, people, most_memberships)?;
    Ok(listed)
}

/// Returns the name of each group, or why it has none. Groups that share one, in any case of letters, all have none.
fn names(plan: &SearchPlan<GroupField>, entries: &[(Option<String>, Entry)]) -> Vec<Result<String, String>> {
    let candidates = &plan.fields[&GroupField::Name];
    let name = |entry: &Entry| {
        if let Some(attribute) = &entry.oversized {
            return Err(format!("a value of `{}` is too long", Excerpt(attribute)));
        }
        let Some(name) = label(entry, candidates)? else {
            let names: Vec<_> = candidates.iter().map(|attribute| format!("`{}`", attribute.name)).collect();
            return Err(format!("it has no name: {} is missing", names.join(" or ")));
        };
        match reserved_name(&name) {
            Some(reserved) => Err(format!("the name `{reserved}` is reserved")),
            None => Ok(name),
        }
    };
    let mut names: Vec<Result<String, String>> = entries.iter().map(|(_, entry)| name(entry)).collect();
    let mut counts: HashMap<String, usize> = HashMap::new();
    for name in names.iter().flatten() {
        *counts.entry(name.to_lowercase()).or_insert(0) += 1;
    }
    for name in &mut names {
        if let Ok(text) = name
            && counts[&text.to_lowercase()] > 1
        {
            let count = counts[&text.to_lowercase()];
            *name =
                Err(format!("the name `{}` belongs to {count} groups; only one can have it", Excerpt(text)));
        }
    }
    names
}

fn description(plan: &SearchPlan<GroupField>, entry: &Entry) -> Result<Option<String>, String> {
    for attribute in &plan.fields[&GroupField::Description] {
        if let Some(text) = single(entry, attribute)? {
            if text.contains('\0') || text.chars().count() > MAX_TEXT_CHARS {
                return Err(format!("`{}` is too long, or contains the character U+0000", attribute.name));
            }
            return Ok(Some(text.to_owned()));
        }
    }
    Ok(None)
}

/// Who a member is.
enum Member {
    User(usize),
    Group(usize),
    /// A person whose entry is left out, which is reported there.
    LeftOut,
}

/// Finds a member by its distinguished name, or by its username where groups have those (`memberUid`).
fn find(value: &[u8], people: &People, groups: &HashMap<String, usize>) -> Option<Member> {
    let text = dn::without_uid(std::str::from_utf8(value).ok()?);
    let normal = dn::normalize(text);
    match people.find(text, normal.as_deref()) {
        Some(Some(user)) => Some(Member::User(user)),
        Some(None) => Some(Member::LeftOut),
        None => groups.get(&normal?).copied().map(Member::Group),
    }
}

/// Adds to each user the groups that they are in, directly or through other groups. Cycles end where they began.
fn add_memberships(nodes: &[Node], people: &mut People, most: usize) -> Result<(), LdapError> {
    let mut count = 0_usize;
    // The number of the search in which a group was last met.
    let mut met = vec![usize::MAX; nodes.len()];
    for (index, node) in nodes.iter().enumerate().filter(|(_, node)| !node.users.is_empty()) {
        let (mut around, mut next) = (vec![index], 0);
        met[index] = index;
        while let Some(group) = around.get(next).copied() {
            next += 1;
            for parent in &nodes[group].parents {
                if met[*parent] != index {
                    met[*parent] = index;
                    around.push(*parent);
                }
            }
        }
        for name in around.iter().filter_map(|group| nodes[*group].name.as_ref()) {
            for user in &node.users {
                if people.users[*user].object.groups.insert(name.clone()) {
                    count += 1;
                }
            }
            if count > most {
                return Err(LdapError::TooMuch {
                    what: format!(
                        "the users are in more than {most} groups, those around their groups included"
                    ),
                    help: "narrow `groups.base` or `groups.filter`".to_owned(),
                });
            }
        }
    }
    Ok(())
}
