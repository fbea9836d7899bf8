//! To whom a role of a database belongs (`docs/drift.md`, rule 7).

use crate::{FastMap, Identification, Snapshot, UserIx};

/// What a role can be identified by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Person<'a> {
    /// The username.
    pub username: &'a str,
    /// The e-mail address.
    pub email: Option<&'a str>,
}

/// The people to whom roles belong, by the list of a connection.
#[derive(Debug, Clone)]
pub struct RoleOwners {
    /// For each entry of the list, the positions of people by the names of their roles.
    by_name: Vec<FastMap<String, Owner>>,
}

/// To whom a name leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Owner {
    /// To one person.
    Person(u32),
    /// To nobody: several people share the name, or it was given to somebody who is unknown.
    Nobody,
}

impl RoleOwners {
    /// Finds the people that each entry of the list names.
    #[expect(clippy::needless_pass_by_value, reason = "iterators are passed by value")]
    pub fn new<'p>(identify: &[Identification], people: impl Iterator<Item = Person<'p>> + Clone) -> Self {
        let by_name = identify.iter().map(|entry| names(entry, people.clone())).collect();
        Self { by_name }
    }

    /// Finds them among the users of a snapshot, the disabled ones included: they may have kept their roles.
    #[must_use]
    pub fn of_snapshot(identify: &[Identification], snapshot: &Snapshot) -> Self {
        let people = snapshot
            .users
            .iter()
            .map(|user| Person { username: &user.username, email: user.email.as_deref() });
        Self::new(identify, people)
    }

    /// Returns the position of the person to whom a role belongs; the first entry of the list that names the role counts.
    #[must_use]
    pub fn person(&self, role: &str) -> Option<usize> {
        match self.by_name.iter().find_map(|names| names.get(role))? {
            Owner::Person(position) => Some(*position as usize),
            Owner::Nobody => None,
        }
    }

    /// Returns the user of a snapshot to whom a role belongs.
    #[must_use]
    pub fn user(&self, role: &str) -> Option<UserIx> {
        self.person(role).map(UserIx::at)
    }
}

fn names<'p>(entry: &Identification, people: impl Iterator<Item = Person<'p>>) -> FastMap<String, Owner> {
    let people = (0_u32..).zip(people);
    let mut names = FastMap::default();
    match entry {
        Identification::Username => people.for_each(|(at, it)| add(&mut names, it.username.to_owned(), at)),
        Identification::Email => {
            for (at, person) in people {
                person.email.into_iter().for_each(|email| add(&mut names, email.to_owned(), at));
            }
        }
        Identification::Roles { roles } => {
            let by_username: FastMap<&str, u32> = people.map(|(at, it)| (it.username, at)).collect();
            for (role, username) in roles {
                // A role that was given to somebody is not looked for elsewhere.
                let owner = by_username.get(username.as_str()).map_or(Owner::Nobody, |at| Owner::Person(*at));
                names.insert(role.clone(), owner);
            }
        }
        Identification::Template { template } => {
            for (at, person) in people {
                fill(template, person).into_iter().for_each(|name| add(&mut names, name, at));
            }
        }
    }
    names
}

/// Adds a name, which leads to nobody once two people share it.
fn add(names: &mut FastMap<String, Owner>, name: String, at: u32) {
    names.entry(name).and_modify(|owner| *owner = Owner::Nobody).or_insert(Owner::Person(at));
}

/// Fills the fields of a template; none where the person does not have one of them.
fn fill(template: &str, person: Person<'_>) -> Option<String> {
    let mut filled = String::with_capacity(template.len() + person.username.len());
    let mut rest = template;
    while let Some(start) = rest.find('{') {
        filled.push_str(&rest[..start]);
        let length = rest[start..].find('}')?;
        match &rest[start + 1..start + length] {
            "username" => filled.push_str(person.username),
            "email" => filled.push_str(person.email?),
            "localPart" => filled.push_str(person.email?.rsplit_once('@')?.0),
            _ => return None,
        }
        rest = &rest[start + length + 1..];
    }
    filled.push_str(rest);
    Some(filled)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEOPLE: [Person<'static>; 4] = [
        Person { username: "ada", email: Some("ada.l@acme.example") },
        Person { username: "bob", email: Some("team@acme.example") },
        Person { username: "cy", email: Some("team@acme.example") },
        Person { username: "etl-service", email: None },
    ];

    fn owners(json: &str) -> RoleOwners {
        let identify: Vec<Identification> = serde_json::from_str(json).unwrap();
        RoleOwners::new(&identify, PEOPLE.into_iter())
    }

    #[test]
    fn the_first_entry_that_names_a_role_counts() {
        let owners =
            owners(r#"[{"roles": {"etl": "etl-service", "bob": "ada", "cy": "left"}}, "username", "email"]"#);
        assert_eq!(owners.person("etl"), Some(3));
        assert_eq!(owners.person("bob"), Some(0));
        assert_eq!(owners.person("cy"), None);
        assert_eq!(owners.person("ada"), Some(0));
        assert_eq!(owners.person("Ada"), None);
        assert_eq!(owners.person("ada.l@acme.example"), Some(0));
    }

    #[test]
    fn a_name_that_two_people_share_leads_to_nobody() {
        assert_eq!(owners(r#"["email"]"#).person("team@acme.example"), None);
    }

    #[test]
    fn templates_are_filled_with_fields() {
        let owners = owners(r#"[{"template": "{username}_ro"}, {"template": "r_{localPart}"}]"#);
        assert_eq!(owners.person("etl-service_ro"), Some(3));
        assert_eq!(owners.person("r_ada.l"), Some(0));
        assert_eq!(owners.person("r_"), None);
        assert_eq!(owners.person("r_team"), None);
    }
}
