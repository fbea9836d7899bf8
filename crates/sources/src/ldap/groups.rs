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
    entries: &[(Option<String>, Entry)],
    people: &mut People,
    most_memberships: usize,
) -> Result<Groups, LdapError> {
    let mut listed = Groups::default();
    let names = names(plan, entries);
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

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use domesday_model::{LdapConnection, LdapSearch};
    use proptest::prelude::*;

    use super::*;
    use crate::ldap::message::{RawAttribute, RawEntry};
    use crate::ldap::people;
    use crate::ldap::profile::DirectoryKind;
    use crate::ldap::schema::Schema;
    use crate::ldap::settings::Settings;

    const USERS: usize = 5;
    const GROUPS: usize = 6;

    fn entry(dn: &str, attributes: &[(&str, Vec<String>)]) -> (Option<String>, Entry) {
        let attributes = attributes.iter().map(|(name, values)| RawAttribute {
            name: (*name).to_owned(),
            values: values.iter().map(|value| value.as_bytes().to_vec()).collect(),
        });
        (None, Entry::new(RawEntry { dn: dn.to_owned(), attributes: attributes.collect() }, &[], 1000))
    }

    fn settings() -> Settings {
        let search =
            |base: &str| LdapSearch { base: base.to_owned(), filter: None, attributes: BTreeMap::new() };
        let connection = LdapConnection {
            url: "ldaps://x".to_owned(),
            bind_dn: None,
            password: None,
            users: search("ou=u"),
            groups: Some(search("ou=g")),
        };
        Settings::parse(&connection).unwrap()
    }

    /// Reads users and groups in which each group has members by number, users first; returns the groups of each user.
    fn groups_of(members: &[BTreeSet<usize>], most: usize) -> Result<Vec<BTreeSet<String>>, LdapError> {
        let settings = settings();
        let kind = DirectoryKind::Standard;
        let user_plan = settings.users.into_plan(kind, &Schema::default());
        let users =
            (0..USERS).map(|user| entry(&format!("uid=u{user},ou=u"), &[("uid", vec![format!("u{user}")])]));
        let mut people = people::read("corp", &user_plan, users.collect());
        let dn = |member: &usize| match member.checked_sub(USERS) {
            // Another spelling of the same name.
            None => format!("UID=U{member}, OU=u"),
            Some(group) => format!("cn=g{group},ou=g"),
        };
        let groups = members.iter().enumerate().map(|(group, members)| {
            let members = members.iter().map(dn).collect();
            entry(&format!("cn=g{group},ou=g"), &[("cn", vec![format!("g{group}")]), ("member", members)])
        });
        let group_plan = settings.groups.unwrap().into_plan(kind, &Schema::default());
        let listed = read(&group_plan, &groups.collect::<Vec<_>>(), &mut people, most)?;
        assert_eq!((listed.groups.len(), listed.skipped.len(), listed.warnings.len()), (members.len(), 0, 0));
        Ok(people.users.into_iter().map(|listed| listed.object.groups).collect())
    }

    proptest! {
        /// Against the closure by repetition: who is in a group is in every group that has this group.
        #[test]
        fn nested_groups_are_flattened(
            members in proptest::collection::vec(proptest::collection::btree_set(0..USERS + GROUPS, 0..5), GROUPS),
        ) {
            let mut closure = members.clone();
            loop {
                let before = closure.clone();
                for group in &mut closure {
                    for member in group.clone() {
                        if let Some(inner) = member.checked_sub(USERS) {
                            group.extend(&before[inner]);
                        }
                    }
                }
                if closure == before {
                    break;
                }
            }
            let found = groups_of(&members, usize::MAX).unwrap();
            let mut count = 0;
            for (user, found) in found.iter().enumerate() {
                let groups = (0..GROUPS).filter(|group| closure[*group].contains(&user));
                let expected: BTreeSet<String> = groups.map(|group| format!("g{group}")).collect();
                prop_assert_eq!(found, &expected);
                count += expected.len();
            }
            prop_assert!(count == 0 || groups_of(&members, count - 1).is_err());
            prop_assert!(groups_of(&members, count).is_ok());
        }
    }

    #[test]
    fn groups_that_share_a_name_are_left_out_and_lead_on() {
        let settings = settings();
        let kind = DirectoryKind::Standard;
        let user_plan = settings.users.into_plan(kind, &Schema::default());
        let ada = entry("uid=ada,ou=u", &[("uid", vec!["ada".to_owned()])]);
        let mut people = people::read("corp", &user_plan, vec![ada]);
        let group = |dn: &str, name: &str, member: &str| {
            entry(dn, &[("cn", vec![name.to_owned()]), ("member", vec![member.to_owned()])])
        };
        let groups = [
            group("cn=same,ou=a", "Same", "uid=ada,ou=u"),
            group("cn=same,ou=b", "sAME", "uid=ada,ou=u"),
            group("cn=outer,ou=a", "Outer", "cn=same,ou=a"),
            group("cn=all users,ou=a", "All Users", "uid=ada,ou=u"),
        ];
        let plan = settings.groups.unwrap().into_plan(kind, &Schema::default());
        let listed = read(&plan, &groups, &mut people, 10).unwrap();
        assert_eq!(people.users[0].object.groups, BTreeSet::from(["Outer".to_owned()]));
        let reasons: Vec<&str> = listed.skipped.iter().map(|skipped| skipped.reason.as_str()).collect();
        assert_eq!(
            reasons,
            [
                "the name `Same` belongs to 2 groups; only one can have it",
                "the name `sAME` belongs to 2 groups; only one can have it",
                "the name `All Users` is reserved",
            ]
        );
    }
}
