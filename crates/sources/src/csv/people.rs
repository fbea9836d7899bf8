//! Rows as users and memberships.

use std::collections::{BTreeSet, HashMap};

use domesday_model::limits::{MAX_VALUE_CHARS, check_name};
use domesday_model::{Attributes, Excerpt, Group, Instant, User, UserStatus, reserved_name};
use uuid::Uuid;

use super::columns::Field;
use super::table::{RowState, Table, quoted};
use crate::diagnostic::Collector;
use crate::reading::{Listed, Reading};

/// How many people a list may have.
const MAX_USERS: usize = 2_000_000;

/// What separates several values in one field.
const SEPARATOR: char = ';';

/// The users and groups that were read so far.
pub(super) struct People<'n> {
    provider: &'n str,
    users: Vec<User>,
    /// Index and line of each username, in lower case.
    by_username: HashMap<String, (usize, usize)>,
    /// The line of each id.
    ids: HashMap<Uuid, usize>,
    /// Usernames, in lower case, of rows with another mistake: what refers to them is not a mistake as well.
    unread: BTreeSet<String>,
    groups: BTreeSet<String>,
    /// Whether every username of the list is known, those in rows with a mistake included.
    is_complete: bool,
}

impl<'n> People<'n> {
    pub(super) fn new(provider: &'n str) -> Self {
        Self {
            provider,
            users: Vec::new(),
            by_username: HashMap::new(),
            ids: HashMap::new(),
            unread: BTreeSet::new(),
            groups: BTreeSet::new(),
            is_complete: false,
        }
    }

    /// Reads every row of the list of people.
    pub(super) fn read_users(
        &mut self,
        table: &mut Table<'_>,
        columns: &[(usize, Field)],
        errors: &mut Collector,
    ) {
        let Some(username_column) = column(columns, &Field::Username) else { return };
        self.is_complete = true;
        let mut rows = 0_usize;
        while let Some(state) = table.next(errors) {
            rows += 1;
            if rows > MAX_USERS {
                table.error(username_column, format!("the list has more than {MAX_USERS} people"), errors);
                return;
            }
            match state {
                RowState::Complete => self.read_user(table, username_column, columns, errors),
                RowState::Unequal => {
                    self.unread.insert(table.row().field(username_column).to_lowercase());
                }
                RowState::Broken => self.is_complete = false,
            }
        }
        // A list that lost its rows would make everybody absent.
        if rows == 0 {
            table.error(0, "the list has no people, only the names of columns".to_owned(), errors);
            self.is_complete = false;
        }
    }

    fn read_user(
        &mut self,
        table: &Table<'_>,
        username_column: usize,
        columns: &[(usize, Field)],
        errors: &mut Collector,
    ) {
        let before = errors.mistakes();
        let username = table.row().field(username_column);
        let name_mistake = if username.trim().is_empty() {
            Some("the username is missing".to_owned())
        } else if let Err(error) = check_name(username) {
            Some(error.to_string())
        } else if let Some(reserved) = reserved_name(username) {
            Some(format!("`{reserved}` is reserved, in any spelling; choose another name"))
        } else {
            let line = table.line();
            let first = self.by_username.get(&username.to_lowercase());
            first.map(|(_, first)| {
                format!(
                    "the username {} is already on line {first}; line {line} repeats it",
                    quoted(username)
                )
            })
        };
        if let Some(message) = name_mistake {
            table.error(username_column, message, errors);
        }
        let mut user = User::named(username);
        self.provider.clone_into(&mut user.identity_provider);
        for (column, field) in columns {
            let text = table.row().field(*column);
            if *field != Field::Username && !text.trim().is_empty() {
                self.set(&mut user, field, text, table.line())
                    .unwrap_or_else(|message| table.error(*column, message, errors));
            }
        }
        if errors.mistakes() > before {
            self.unread.insert(username.to_lowercase());
            return;
        }
        self.groups.extend(user.groups.iter().cloned());
        self.by_username.insert(username.to_lowercase(), (self.users.len(), table.line()));
        self.users.push(user);
    }

    /// Sets a field that is not empty.
    fn set(&mut self, user: &mut User, field: &Field, text: &str, line: usize) -> Result<(), String> {
        let label = || check_name(text).map(|()| Some(text.to_owned())).map_err(|error| error.to_string());
        match field {
            Field::Name => user.name = label()?,
            Field::Email => user.email = label()?,
            Field::EmployeeNumber => user.employee_number = label()?,
            Field::Department => user.department = label()?,
            Field::Title => user.title = label()?,
            Field::Manager => user.manager = label()?,
            Field::Id => {
                // Only the hyphenated form: it is what every table and API shows.
                let id = Uuid::try_parse(text).ok().filter(|_| text.len() == 36).ok_or_else(|| {
                    format!(
                        "expected a UUID such as 8f6c9a1e-3f0b-4f0e-9d3c-2a1b4c5d6e7f, found {}",
                        quoted(text)
                    )
                })?;
                if let Some(first) = self.ids.get(&id) {
                    return Err(format!("the id {id} is already on line {first}; ids are unique"));
                }
                self.ids.insert(id, line);
                user.id = Some(id);
            }
            Field::Status => {
                user.status = match text {
                    "active" => UserStatus::Active,
                    "disabled" => UserStatus::Disabled,
                    _ => return Err(format!("expected `active` or `disabled`, found {}", quoted(text))),
                };
            }
            Field::LeavingDate => {
                user.leaving_date = Some(text.parse::<Instant>().map_err(|error| error.to_string())?);
            }
            Field::Groups => {
                for group in values(text) {
                    check_group(group)?;
                    user.groups.insert(group.to_owned());
                }
            }
            Field::Attribute(key) => {
                let mut found = BTreeSet::new();
                for value in values(text) {
                    if value.chars().count() > MAX_VALUE_CHARS {
                        return Err(format!("a value has more than {MAX_VALUE_CHARS} characters"));
                    }
                    found.insert(value.to_owned());
                }
                if !found.is_empty() {
                    user.attributes.insert(key.clone(), found);
                }
            }
            Field::Username | Field::Group => {}
        }
        Ok(())
    }

    /// Reads every row of the list of memberships.
    pub(super) fn read_memberships(
        &mut self,
        table: &mut Table<'_>,
        columns: &[(usize, Field)],
        errors: &mut Collector,
    ) {
        let places = (column(columns, &Field::Group), column(columns, &Field::Username));
        let (Some(group_column), Some(username_column)) = places else { return };
        while let Some(state) = table.next(errors) {
            if state != RowState::Complete {
                continue;
            }
            let (group, username) = (table.row().field(group_column), table.row().field(username_column));
            let group_mistake = if group.trim().is_empty() {
                Some("the group is missing".to_owned())
            } else {
                check_group(group).err()
            };
            let user = username.to_lowercase();
            let place = self.by_username.get(&user).map(|(index, _)| *index);
            let user_mistake = if username.trim().is_empty() {
                Some("the username is missing".to_owned())
            } else if place.is_none() && self.is_complete && !self.unread.contains(&user) {
                Some(format!("the list of people has no user {}", quoted(username)))
            } else {
                None
            };
            let is_right = group_mistake.is_none();
            if let (true, Some(index)) = (is_right, place) {
                self.users[index].groups.insert(group.to_owned());
                self.groups.insert(group.to_owned());
            }
            for (column, mistake) in [(group_column, group_mistake), (username_column, user_mistake)] {
                if let Some(message) = mistake {
                    table.error(column, message, errors);
                }
            }
        }
    }

    /// Returns everything that was read.
    pub(super) fn into_reading(self) -> Reading {
        let Self { mut users, by_username, groups, .. } = self;
        let mut warnings = Vec::new();
        let names: Vec<String> = users.iter().map(|user| user.username.clone()).collect();
        let mut unknown: Option<(String, usize)> = None;
        for user in &mut users {
            let Some(manager) = user.manager.take() else { continue };
            match by_username.get(&manager.to_lowercase()) {
                Some((index, _)) => user.manager = Some(names[*index].clone()),
                None => unknown.get_or_insert((manager, 0)).1 += 1,
            }
        }
        if let Some((example, count)) = unknown {
            warnings.push(format!(
                "{count} users have a manager whom the list does not have, such as `{}`; their manager is not set",
                Excerpt(&example)
            ));
        }
        let padded = names.iter().filter(|name| name.trim() != name.as_str()).collect::<Vec<_>>();
        if let Some(example) = padded.first() {
            warnings.push(format!(
                "{} usernames begin or end with white space, such as `{}`",
                padded.len(),
                Excerpt(example)
            ));
        }
        let group = |name: String| Listed {
            key: None,
            object: Group { name, description: None, attributes: Attributes::new() },
        };
        Reading {
            users: users
                .into_iter()
                .map(|user| Listed { key: user.id.map(|id| id.to_string()), object: user })
                .collect(),
            groups: groups.into_iter().map(group).collect(),
            warnings,
            ..Reading::default()
        }
    }
}

/// Returns the column of a field.
fn column(columns: &[(usize, Field)], field: &Field) -> Option<usize> {
    columns.iter().find(|(_, known)| known == field).map(|(column, _)| *column)
}

/// Returns the values in a field, without white space around them.
fn values(text: &str) -> impl Iterator<Item = &str> {
    text.split(SEPARATOR).map(str::trim).filter(|value| !value.is_empty())
}

fn check_group(name: &str) -> Result<(), String> {
    check_name(name).map_err(|error| error.to_string())?;
    match reserved_name(name) {
        Some(reserved) => Err(format!("`{reserved}` is reserved, in any spelling; choose another name")),
        None => Ok(()),
    }
}
