//! Users from role templates, with noise.

use std::collections::{BTreeMap, BTreeSet};

use domesday_model::{Attributes, Group, Permission, User, UserStatus};

use super::words::{FAMILIES, PURPOSES, REGIONS, analysts, staff};
use crate::random::{Random, Zipf};

/// Groups that policies speak of besides those of departments.
const ACROSS: [&str; 6] =
    ["Privacy Trained", "Health Trained", "Finance Trained", "Engineers", "Contractors", "Auditors"];

/// Role templates of the whole enterprise.
const ROLES: usize = 240;

/// What people of one role have in common.
struct Role {
    family: usize,
    groups: BTreeSet<String>,
    clearance: BTreeSet<String>,
    grade: &'static str,
}

fn role(random: &mut Random, families: &Zipf) -> Role {
    let family = families.draw(random);
    let name = FAMILIES[family];
    let mut groups = BTreeSet::from([staff(name)]);
    let purposes = Zipf::new(PURPOSES.len(), 0.8);
    for _ in 0..1 + random.below(3) / 2 {
        groups.insert(analysts(name, PURPOSES[purposes.draw(random)]));
    }
    for _ in 0..random.below(2) {
        groups.insert(analysts(FAMILIES[families.draw(random)], PURPOSES[purposes.draw(random)]));
    }
    for group in ACROSS {
        if random.chance(0.3) {
            groups.insert(group.to_owned());
        }
    }
    let mut clearance = BTreeSet::new();
    if random.chance(0.15) {
        clearance.insert(format!("{name}.{}", PURPOSES[purposes.draw(random)]));
    }
    if random.chance(0.05) {
        clearance.insert(name.to_owned());
    }
    Role {
        family,
        groups,
        clearance,
        grade: ["Junior", "Junior", "Junior", "Senior", "Senior", "Lead"][random.below(6)],
    }
}

pub(super) fn people(count: usize, random: &mut Random) -> Vec<User> {
    let families = Zipf::new(FAMILIES.len(), 0.35);
    let roles: Vec<Role> = (0..ROLES).map(|_| role(random, &families)).collect();
    let (by_size, regions) = (Zipf::new(ROLES, 0.9), Zipf::new(REGIONS.len(), 0.8));
    let projects = Zipf::new(projects(count), 1.0);
    (0..count)
        .map(|number| {
            let role = &roles[by_size.draw(random)];
            let family = FAMILIES[role.family];
            let mut groups = role.groups.clone();
            if random.chance(0.08) {
                groups.insert(analysts(random.pick::<&str>(&FAMILIES), random.pick::<&str>(&PURPOSES)));
            }
            if random.chance(0.03) {
                groups.pop_last();
            }
            for _ in 0..1 + random.below(4) {
                groups.insert(project(projects.draw(random)));
            }
            let mut attributes: Attributes = BTreeMap::from([
                ("Region".to_owned(), BTreeSet::from([REGIONS[regions.draw(random)].to_owned()])),
                ("Grade".to_owned(), BTreeSet::from([role.grade.to_owned()])),
                ("CostCenter".to_owned(), BTreeSet::from([format!("CC{:04}", random.below(900))])),
            ]);
            if !role.clearance.is_empty() {
                attributes.insert("Clearance".to_owned(), role.clearance.clone());
            }
            let username = username(number);
            let disabled = random.chance(0.02);
            User {
                name: Some(format!("Person {number}")),
                email: Some(format!("{username}@generated.example")),
                identity_provider: "okta".to_owned(),
                status: if disabled { UserStatus::Disabled } else { UserStatus::Active },
                groups,
                attributes,
                permissions: if number % 1000 == 0 {
                    BTreeSet::from([Permission::Governance])
                } else {
                    BTreeSet::new()
                },
                employee_number: Some(format!("{:07}", 1_000_000 + number)),
                department: Some(family.to_owned()),
                title: Some(format!("{} {family}", role.grade)),
                ..User::named(&username)
            }
        })
        .collect()
}

/// Names as directories have them: not in the order of ids.
pub(super) fn username(number: usize) -> String {
    let mixed = (number as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 52;
    let letters = [b'a' + (mixed % 26) as u8, b'a' + (mixed / 26 % 26) as u8];
    format!("{}{}.p{number}", char::from(letters[0]), char::from(letters[1]))
}

/// How many project groups an enterprise has: the long tail that no policy speaks of.
fn projects(users: usize) -> usize {
    (users / 20).max(10)
}

fn project(number: usize) -> String {
    format!("Project {number:05}")
}

pub(super) fn groups(users: usize) -> Vec<Group> {
    let of_family = FAMILIES.iter().flat_map(|family| {
        std::iter::once(staff(family)).chain(PURPOSES.iter().map(|purpose| analysts(family, purpose)))
    });
    let across = ACROSS.iter().map(|name| (*name).to_owned());
    let names = of_family.chain(across).chain((0..projects(users)).map(project));
    names.map(|name| Group { name, description: None, attributes: Attributes::new() }).collect()
}
