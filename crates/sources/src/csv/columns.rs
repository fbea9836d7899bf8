//! Which column gives which field.

use std::collections::BTreeMap;

use domesday_model::limits::check_name;
use domesday_model::validate::Severity;
use domesday_model::{Excerpt, nearest_names};

use super::table::{Table, quoted};
use crate::diagnostic::{Collector, Diagnostic};

/// A field that a column gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Field {
    Username,
    Name,
    Email,
    Id,
    Status,
    EmployeeNumber,
    Department,
    Title,
    Manager,
    LeavingDate,
    Groups,
    /// An attribute of the user, by its name.
    Attribute(String),
    /// The group of a membership.
    Group,
}

const USER_FIELDS: [(&str, Field); 11] = [
    ("username", Field::Username),
    ("name", Field::Name),
    ("email", Field::Email),
    ("id", Field::Id),
    ("status", Field::Status),
    ("employeeNumber", Field::EmployeeNumber),
    ("department", Field::Department),
    ("title", Field::Title),
    ("manager", Field::Manager),
    ("leavingDate", Field::LeavingDate),
    ("groups", Field::Groups),
];

const MEMBERSHIP_FIELDS: [(&str, Field); 2] = [("group", Field::Group), ("username", Field::Username)];

/// The prefix of columns that give attributes.
const ATTRIBUTE_PREFIX: &str = "attributes.";

/// The file to which mistakes of a mapping belong.
const MAPPING: &str = "map";

/// Headers by field, as the connection and the command line map them.
pub(super) struct Mapping {
    headers: BTreeMap<String, String>,
}

impl Mapping {
    /// Joins the mapping of a connection with further entries, which count more, and checks that there are such fields.
    pub(super) fn new(
        connection: &BTreeMap<String, String>,
        further: &BTreeMap<String, String>,
        errors: &mut Collector,
    ) -> Self {
        let mut headers = connection.clone();
        headers.extend(further.iter().map(|(field, header)| (field.clone(), header.clone())));
        headers.retain(|field, _| match unknown_field(field) {
            Some(message) => {
                errors.add(Severity::Error, || Diagnostic::about_file(Severity::Error, MAPPING, message));
                false
            }
            None => true,
        });
        Self { headers }
    }

    /// Finds the columns of users.
    pub(super) fn user_columns(&self, table: &Table<'_>, errors: &mut Collector) -> Vec<(usize, Field)> {
        let is_mapped = |field: &str| self.headers.contains_key(field);
        let mut named: Vec<(&str, &str, Field)> = Vec::new();
        for (name, field) in &USER_FIELDS {
            let header = self.headers.get(*name).map_or(*name, String::as_str);
            named.push((name, header, field.clone()));
        }
        for (name, header) in &self.headers {
            if let Some(key) = name.strip_prefix(ATTRIBUTE_PREFIX) {
                named.push((name, header, Field::Attribute(key.to_owned())));
            }
        }
        for header in table.header() {
            if let Some(key) = header.strip_prefix(ATTRIBUTE_PREFIX).filter(|_| !is_mapped(header))
                && check_name(key).is_ok()
            {
                named.push((header, header, Field::Attribute(key.to_owned())));
            }
        }
        self.columns(table, &named, &["username"], errors)
    }

    /// Finds the columns of memberships. The name that is mapped for a file of users need not be the one here.
    pub(super) fn membership_columns(
        &self,
        table: &Table<'_>,
        errors: &mut Collector,
    ) -> Vec<(usize, Field)> {
        let mut named = Vec::new();
        for (name, field) in &MEMBERSHIP_FIELDS {
            let mapped = self.headers.get(*name).map(String::as_str);
            let header = mapped.filter(|header| table.header().iter().any(|known| known == header));
            named.push((*name, header.unwrap_or(name), field.clone()));
        }
        self.columns(table, &named, &["group", "username"], errors)
    }

    /// Finds the column of each field by its header, and collects the mistakes of the first line.
    fn columns(
        &self,
        table: &Table<'_>,
        named: &[(&str, &str, Field)],
        required: &[&str],
        errors: &mut Collector,
    ) -> Vec<(usize, Field)> {
        let header = table.header();
        let mut columns = Vec::new();
        for (column, name) in header.iter().enumerate() {
            if let Some(first) = header[..column].iter().position(|earlier| earlier == name) {
                let message = format!("the column {} is already column {}", quoted(name), first + 1);
                table.header_error(column, message, errors);
                continue;
            }
            let before = columns.len();
            let fields = named.iter().filter(|(_, header, _)| header == name);
            columns.extend(fields.map(|(_, _, field)| (column, field.clone())));
            if columns.len() == before {
                table.header_error(column, self.unknown_column(name, named), errors);
            }
        }
        for (field, wanted, _) in named {
            if header.iter().any(|name| name == wanted) {
                continue;
            }
            let is_mapped = self.headers.get(*field).is_some_and(|header| header == wanted);
            let near = nearest_names(wanted, header.iter().map(String::as_str), 1);
            let near =
                near.first().map(|near| format!("; did you mean {}?", quoted(near))).unwrap_or_default();
            if is_mapped && field != wanted {
                let message = format!(
                    "there is no column {}, which the mapping names for `{field}`{near}",
                    quoted(wanted)
                );
                table.header_error(0, message, errors);
            } else if required.contains(field) {
                let message =
                    format!("there is no column `{field}`; map one with `--map {field}=COLUMN`{near}");
                table.header_error(0, message, errors);
            }
        }
        columns
    }

    fn unknown_column(&self, name: &str, named: &[(&str, &str, Field)]) -> String {
        if name.trim().is_empty() {
            return "the column has no name".to_owned();
        }
        if let Some((field, header, _)) = named.iter().find(|(field, _, _)| *field == name) {
            return format!(
                "the mapping takes `{field}` from the column {}; remove this column, or map it to an attribute",
                quoted(header)
            );
        }
        let known = named.iter().map(|(field, _, _)| *field);
        let near = nearest_names(name, known, 1).into_iter().next();
        let (near, example) = match near {
            Some(near) => (format!(", and `{near}` is the nearest"), near),
            None => (String::new(), "attributes.NAME"),
        };
        format!(
            "no field is called {}{near}; rename the column, map it with `--map {example}={}`, or remove it",
            quoted(name),
            Excerpt(name)
        )
    }
}

/// Says why a mapping cannot name a field.
fn unknown_field(field: &str) -> Option<String> {
    if let Some(key) = field.strip_prefix(ATTRIBUTE_PREFIX) {
        return check_name(key).err().map(|error| format!("{} is not an attribute: {error}", quoted(field)));
    }
    let known = USER_FIELDS.iter().chain(&MEMBERSHIP_FIELDS[..1]).map(|(name, _)| *name);
    if known.clone().any(|name| name == field) {
        return None;
    }
    let near = nearest_names(field, known.clone(), 1).into_iter().next();
    let near = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
    let names: Vec<_> = known.map(|name| format!("`{name}`")).collect();
    Some(format!(
        "the mapping names the field {}, which does not exist; there are {} and `attributes.NAME`{near}",
        quoted(field),
        names.join(", ")
    ))
}
