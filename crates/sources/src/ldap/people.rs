//! Entries of people as users.

use std::collections::{BTreeSet, HashMap};

use domesday_model::limits::{MAX_VALUE_CHARS, check_name};
use domesday_model::{Attributes, Excerpt, User, UserStatus, reserved_name};

use super::convert;
use super::dn;
use super::entry::Entry;
use super::profile::UserField;
use super::settings::{Attribute, SearchPlan};
use crate::reading::{Listed, Skipped};

/// The users of a directory, and how to find one.
#[derive(Debug, Default)]
pub(super) struct People {
    pub(super) users: Vec<Listed<User>>,
    pub(super) skipped: Vec<Skipped>,
    pub(super) warnings: Vec<String>,
    /// Indices by normalized distinguished name; `None` for an entry that is left out.
    by_dn: HashMap<String, Option<usize>>,
    /// Indices by username in lower case.
    by_username: HashMap<String, usize>,
}

impl People {
    /// Returns the index of the user that a distinguished name or a username means: `Some(None)` for an entry that is left
    /// out.
    pub(super) fn find(&self, text: &str, normal: Option<&str>) -> Option<Option<usize>> {
        match normal {
            Some(normal) => self.by_dn.get(normal).copied(),
            None => self.by_username.get(&text.trim().to_lowercase()).copied().map(Some),
        }
    }
}

/// A person of whom the manager is still to be found.
struct Person {
    dn: String,
    listed: Listed<User>,
    manager: Option<String>,
}

/// Reads entries of people, each with its key. Entries that share a username, in any case of letters, are all left out:
/// nothing says which of them is meant.
pub(super) fn read(
    provider: &str,
    plan: &SearchPlan<UserField>,
    entries: Vec<(Option<String>, Entry)>,
) -> People {
    let mut people = People::default();
    let mut persons = Vec::with_capacity(entries.len());
    for (key, entry) in entries {
        match person(provider, plan, key, &entry) {
            Ok(person) => persons.push(person),
            Err(reason) => people.skip(entry.dn, reason),
        }
    }
    let mut first: HashMap<String, (String, usize)> = HashMap::new();
    for person in &persons {
        let username = person.listed.object.username.to_lowercase();
        first.entry(username).or_insert_with(|| (person.dn.clone(), 0)).1 += 1;
    }
    let mut managers = Vec::new();
    for Person { dn, listed, manager } in persons {
        let username = listed.object.username.to_lowercase();
        if first[&username].1 > 1 {
            let reason = format!(
                "the username `{}` belongs to {} entries; only one can have it",
                Excerpt(&listed.object.username),
                first[&username].1
            );
            people.skip(dn, reason);
            continue;
        }
        let index = people.users.len();
        people.by_dn.insert(normalized(&dn), Some(index));
        people.by_username.insert(username, index);
        people.users.push(listed);
        managers.push(manager);
    }
    people.find_managers(managers);
    people
}

fn normalized(text: &str) -> String {
    dn::normalize(text).unwrap_or_else(|| text.to_owned())
}

impl People {
    fn skip(&mut self, dn: String, reason: String) {
        self.by_dn.insert(normalized(&dn), None);
        self.skipped.push(Skipped { entry: dn, reason });
    }

    /// Sets the managers by their usernames. A directory may name one that the search does not find.
    fn find_managers(&mut self, managers: Vec<Option<String>>) {
        let mut unknown: Option<(String, usize)> = None;
        for (index, manager) in managers.into_iter().enumerate() {
            let Some(manager) = manager else { continue };
            match self.find(&manager, dn::normalize(&manager).as_deref()).flatten() {
                Some(found) => {
                    let username = self.users[found].object.username.clone();
                    self.users[index].object.manager = Some(username);
                }
                None => unknown.get_or_insert((manager, 0)).1 += 1,
            }
        }
        if let Some((example, count)) = unknown {
            self.warnings.push(format!(
                "{count} users have a manager who is not among the users, such as `{}`; their manager is not set",
                Excerpt(&example)
            ));
        }
    }
}

/// Reads one entry, or says why it is left out.
fn person(
    provider: &str,
    plan: &SearchPlan<UserField>,
    key: Option<String>,
    entry: &Entry,
) -> Result<Person, String> {
    if let Some(attribute) = &entry.oversized {
        return Err(format!("a value of `{}` is too long", Excerpt(attribute)));
    }
    let text = |field| label(entry, &plan.fields[&field]);
    let Some(username) = text(UserField::Username)? else {
        let names: Vec<_> = plan.fields[&UserField::Username]
            .iter()
            .map(|attribute| format!("`{}`", attribute.name))
            .collect();
        return Err(format!("it has no username: {} is missing", names.join(" or ")));
    };
    if let Some(reserved) = reserved_name(&username) {
        return Err(format!("the username `{reserved}` is reserved"));
    }
    let mut user = User::named(&username);
    provider.clone_into(&mut user.identity_provider);
    user.name = text(UserField::Name)?;
    user.email = text(UserField::Email)?;
    user.employee_number = text(UserField::EmployeeNumber)?;
    user.department = text(UserField::Department)?;
    user.title = text(UserField::Title)?;
    for attribute in &plan.fields[&UserField::Status] {
        if let Some(value) = single(entry, attribute)? {
            user.status = match convert::is_disabled(&attribute.name.to_lowercase(), value) {
                Some(true) => UserStatus::Disabled,
                Some(false) => UserStatus::Active,
                None => return Err(not_understood(attribute, value, "a status")),
            };
            break;
        }
    }
    for attribute in &plan.fields[&UserField::LeavingDate] {
        if let Some(value) = single(entry, attribute)? {
            user.leaving_date = convert::leaving_date(&attribute.name.to_lowercase(), value)
                .map_err(|()| not_understood(attribute, value, "an instant"))?;
            break;
        }
    }
    user.attributes = attributes(plan, entry)?;
    let mut manager = None;
    for attribute in &plan.fields[&UserField::Manager] {
        manager = single(entry, attribute)?;
        if manager.is_some() {
            break;
        }
    }
    let manager = manager.map(str::to_owned);
    Ok(Person { dn: entry.dn.clone(), listed: Listed { key, object: user }, manager })
}

fn not_understood(attribute: &Attribute, value: &str, expected: &str) -> String {
    format!("the value `{}` of `{}` is not {expected}", Excerpt(value), attribute.name)
}

/// Returns the attributes of a user: all values of the attributes of the directory.
fn attributes(plan: &SearchPlan<UserField>, entry: &Entry) -> Result<Attributes, String> {
    let mut attributes = Attributes::new();
    for (key, attribute) in &plan.attributes {
        let mut values = BTreeSet::new();
        for value in entry.values(attribute) {
            let value = if attribute.name.eq_ignore_ascii_case("objectGUID") {
                convert::key("objectguid", value).ok_or_else(|| not_text(attribute))?
            } else {
                utf8(value, attribute)?.to_owned()
            };
            if value.trim().is_empty() {
                continue;
            }
            if value.chars().count() > MAX_VALUE_CHARS {
                return Err(format!(
                    "a value of `{}` has more than {MAX_VALUE_CHARS} characters",
                    attribute.name
                ));
            }
            if value.contains('\0') {
                return Err(format!("a value of `{}` contains the character U+0000", attribute.name));
            }
            values.insert(value);
        }
        if !values.is_empty() {
            attributes.insert(key.clone(), values);
        }
    }
    Ok(attributes)
}

/// Returns the text of the first of several attributes that an entry has, as a name or a label may be.
pub(super) fn label(entry: &Entry, candidates: &[Attribute]) -> Result<Option<String>, String> {
    for attribute in candidates {
        if let Some(value) = single(entry, attribute)? {
            check_name(value).map_err(|error| format!("`{}` cannot be used: {error}", attribute.name))?;
            return Ok(Some(value.to_owned()));
        }
    }
    Ok(None)
}

/// Returns one value of an attribute, whatever order the server sends them in: the one in the entry's name, else the
/// smallest. Empty values do not count.
pub(super) fn single<'e>(entry: &'e Entry, attribute: &Attribute) -> Result<Option<&'e str>, String> {
    let mut values = Vec::new();
    for value in entry.values(attribute) {
        let value = utf8(value, attribute)?;
        if !value.trim().is_empty() {
            values.push(value);
        }
    }
    if values.len() > 1 {
        let names = dn::first_rdn(&entry.dn);
        let named = names.iter().find(|(kind, _)| attribute.aliases.contains(kind));
        if let Some(value) = named.and_then(|(_, named)| values.iter().find(|value| *value == named)) {
            return Ok(Some(value));
        }
    }
    Ok(values.into_iter().min())
}

fn utf8<'v>(value: &'v [u8], attribute: &Attribute) -> Result<&'v str, String> {
    std::str::from_utf8(value).map_err(|_| not_text(attribute))
}

fn not_text(attribute: &Attribute) -> String {
    format!("a value of `{}` is not text in UTF-8", attribute.name)
}
