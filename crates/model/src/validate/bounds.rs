//! Checks each text and number: lengths, characters and ranges ([`crate::limits`]).

use serde_json::Value;

use super::{Path, Problems};
use crate::limits::{
    DURATION_DAYS, MAX_CONDITION_CHARS, MAX_NAME_CHARS, MAX_TEXT_CHARS, MAX_TYPE_CHARS, MAX_VALUE_CHARS,
    VERSIONS, chars_beyond, check_name, control_character, time_zone,
};
use crate::{
    ALL_USERS, Agreement, AppliesTo, Attributes, Catalog, Condition, Connection, DataPolicy, DataProduct,
    DataSource, Domain, Group, Kind, Level, Mask, Policy, QuestionKind, Request, RequestForm, Selector,
    Target, User, is_connection_name, reserved_name,
};

type At = (Kind, usize);

pub(super) fn check(catalog: &Catalog, problems: &mut Problems) {
    let mut texts = Texts { problems, at: (Kind::Tenant, 0) };
    if let Some(tenant) = &catalog.tenant {
        texts.name(&tenant.name, || Path::root().key("name"));
        if let Err(error) = time_zone(&tenant.time_zone) {
            texts.problems.error(texts.at, Path::root().key("timeZone"), error.to_string());
        }
    }
    macro_rules! check_each {
        ($($kind:ident: $list:ident, $object:ident;)*) => {$(
            for (index, object) in catalog.$list.iter().enumerate() {
                texts.at = (Kind::$kind, index);
                texts.$object(&object.spec);
            }
        )*};
    }
    crate::for_each_kind!(check_each);
}

/// Checks the texts of each object. A path is built only for a mistake.
struct Texts<'p> {
    problems: &'p mut Problems,
    at: At,
}

impl Texts<'_> {
    fn tag(&mut self, tag: &crate::Tag) {
        self.object_name(&tag.name, "name");
        self.optional_text(tag.description.as_deref(), "description");
    }

    fn connection(&mut self, connection: &Connection) {
        if !is_connection_name(&connection.name) {
            let message = "the name of a connection has up to 64 letters, digits, `-`, `_` and `.`, begins with a letter, \
                           and is none of `files`, `api`, `console` and `cli`";
            self.problems.error(self.at, Path::root().key("name"), message);
        }
        for (field, message) in connection.kind.mistakes() {
            self.problems.error(self.at, Path::root().key(field), message);
        }
    }

    fn group(&mut self, group: &Group) {
        self.object_name(&group.name, "name");
        // The built-in group itself is reported where it would be declared again.
        if group.name != ALL_USERS {
            self.not_reserved(&group.name, "name");
        }
        self.optional_text(group.description.as_deref(), "description");
        self.attributes(&group.attributes, &Path::root().key("attributes"));
    }

    fn user(&mut self, user: &User) {
        self.object_name(&user.username, "username");
        self.not_reserved(&user.username, "username");
        let fields = [
            ("name", &user.name),
            ("email", &user.email),
            ("employeeNumber", &user.employee_number),
            ("department", &user.department),
            ("title", &user.title),
        ];
        for (key, text) in fields {
            self.optional_label(text.as_deref(), key);
        }
        self.label(&user.identity_provider, || Path::root().key("identityProvider"));
        if !user.attributes.is_empty() {
            self.attributes(&user.attributes, &Path::root().key("attributes"));
        }
    }

    fn domain(&mut self, domain: &Domain) {
        self.object_name(&domain.name, "name");
        self.optional_text(domain.description.as_deref(), "description");
        for (position, permission) in domain.permissions.iter().enumerate() {
            self.label(&permission.permission, || {
                Path::root().key("permissions").index(position).key("permission")
            });
        }
    }

    fn data_source(&mut self, source: &DataSource) {
        self.object_name(&source.name, "name");
        self.label(&source.platform, || Path::root().key("platform"));
        let fields = [
            ("host", &source.host),
            ("database", &source.database),
            ("schema", &source.schema),
            ("table", &source.table),
        ];
        for (key, text) in fields {
            self.optional_label(text.as_deref(), key);
        }
        for (position, column) in source.columns.iter().enumerate() {
            let path = || Path::root().key("columns").index(position);
            self.name(&column.name, || path().key("name"));
            self.text(&column.data_type, MAX_TYPE_CHARS, || path().key("type"));
            if let Some(description) = &column.description {
                self.text(description, MAX_TEXT_CHARS, || path().key("description"));
            }
        }
    }

    fn policy(&mut self, policy: &Policy) {
        self.object_name(&policy.name, "name");
        self.applies_to(&policy.applies_to);
        if let Level::Entitlements { condition } = &policy.level {
            self.condition(condition, "condition");
        }
    }

    fn data_policy(&mut self, policy: &DataPolicy) {
        self.object_name(&policy.name, "name");
        self.applies_to(&policy.applies_to);
        for pattern in &policy.columns.names {
            self.label(pattern, || Path::root().key("columns").key("names").item(pattern));
        }
        match &policy.mask {
            Mask::Constant { value } => {
                self.json(value, MAX_TEXT_CHARS, &|| Path::root().key("mask").key("value"));
            }
            Mask::Rounding { precision } => {
                if !precision.as_f64().is_some_and(|precision| precision > 0.0 && precision.is_finite()) {
                    let message = format!("expected a number greater than 0, found {precision}");
                    self.problems.error(self.at, Path::root().key("mask").key("precision"), message);
                }
            }
            Mask::Null | Mask::Hash => {}
        }
        if let Some(except) = &policy.except {
            self.condition(except, "except");
        }
    }

    fn agreement(&mut self, agreement: &Agreement) {
        self.object_name(&agreement.name, "name");
        self.version(agreement.version, || Path::root().key("version"));
        self.text(&agreement.text, MAX_TEXT_CHARS, || Path::root().key("text"));
    }

    fn request_form(&mut self, form: &RequestForm) {
        self.object_name(&form.name, "name");
        self.version(form.version, || Path::root().key("version"));
        for (position, question) in form.questions.iter().enumerate() {
            let path = || Path::root().key("questions").index(position);
            self.name(&question.id, || path().key("id"));
            self.text(&question.text, MAX_TEXT_CHARS, || path().key("text"));
            if let QuestionKind::Choice { choices } = &question.kind {
                for (index, choice) in choices.iter().enumerate() {
                    self.text(choice, MAX_VALUE_CHARS, || path().key("choices").index(index));
                }
            }
        }
        for (position, step) in form.review.iter().enumerate() {
            let path = Path::root().key("review").index(position).key("approvers").key("attributes");
            self.attributes(&step.approvers.attributes, &path);
        }
    }

    fn data_product(&mut self, product: &DataProduct) {
        self.object_name(&product.name, "name");
        self.optional_text(product.description.as_deref(), "description");
    }

    fn request(&mut self, request: &Request) {
        self.object_name(&request.id, "id");
        if let Target::DataProduct(_) = request.target {
            for column in &request.columns {
                self.label(column, || Path::root().key("columns").item(column));
            }
        }
        for (question, answer) in &request.answers {
            let path = || Path::root().key("answers").key(question);
            self.label(question, path);
            // Answers of every type are written as JSON.
            self.json(&serde_json::to_value(answer).unwrap_or_default(), MAX_TEXT_CHARS, &path);
        }
        for (position, determination) in request.determinations.iter().enumerate() {
            let path = || Path::root().key("determinations").index(position);
            if let Some(reason) = &determination.reason {
                self.text(reason, MAX_TEXT_CHARS, || path().key("reason"));
            }
            if let Some(days) = determination.duration_days.filter(|days| !DURATION_DAYS.contains(days)) {
                let (first, last) = (DURATION_DAYS.start(), DURATION_DAYS.end());
                let message = format!("expected a number of days from {first} to {last}, found {days}");
                self.problems.error(self.at, path().key("durationDays"), message);
            }
        }
        for (position, accepted) in request.agreements.iter().enumerate() {
            let path = || Path::root().key("agreements").index(position).key("version");
            self.version(accepted.version, path);
        }
    }

    fn applies_to(&mut self, applies_to: &AppliesTo) {
        if let AppliesTo::Any(selectors) = applies_to {
            self.selectors(selectors, &Path::root().key("appliesTo"));
        }
    }

    /// Patterns; names that must exist are checked where they are declared.
    fn selectors(&mut self, selectors: &[Selector], path: &Path) {
        for (position, selector) in selectors.iter().enumerate() {
            let patterns = [
                ("domains", &selector.domains),
                ("owners", &selector.owners),
                ("platforms", &selector.platforms),
                ("hosts", &selector.hosts),
                ("databases", &selector.databases),
                ("schemas", &selector.schemas),
                ("tables", &selector.tables),
                ("names", &selector.names),
            ];
            for (key, patterns) in patterns {
                for pattern in patterns.iter().flatten() {
                    self.label(pattern, || path.clone().index(position).key(key).item(pattern));
                }
            }
            if !selector.except.is_empty() {
                self.selectors(&selector.except, &path.clone().index(position).key("except"));
            }
        }
    }

    fn condition(&mut self, condition: &Condition, field: &str) {
        self.text(&condition.to_string(), MAX_CONDITION_CHARS, || Path::root().key(field));
    }

    fn attributes(&mut self, attributes: &Attributes, path: &Path) {
        for (key, values) in attributes {
            self.label(key, || path.clone().key(key));
            for value in values {
                self.text(value, MAX_VALUE_CHARS, || path.clone().key(key).item(value));
            }
        }
    }

    fn version(&mut self, version: i64, path: impl FnOnce() -> Path) {
        if !VERSIONS.contains(&version) {
            let (first, last) = (VERSIONS.start(), VERSIONS.end());
            let message = format!("expected a version from {first} to {last}, found {version}");
            self.problems.error(self.at, path(), message);
        }
    }

    /// The name of the object itself.
    fn object_name(&mut self, name: &str, key: &str) {
        // That it is empty is reported with the names of its kind.
        if !name.trim().is_empty() {
            self.name(name, || Path::root().key(key));
        }
        if name.trim() != name {
            let message =
                "the name begins or ends with white space, which is easily overlooked in references";
            self.problems.warning(self.at, Path::root().key(key), message);
        }
        if let Some(found) = name.chars().find(|c| is_invisible(*c)) {
            let message = format!("the name contains the invisible character U+{:04X}", u32::from(found));
            self.problems.warning(self.at, Path::root().key(key), message);
        }
    }

    fn not_reserved(&mut self, name: &str, key: &str) {
        if let Some(reserved) = reserved_name(name) {
            let message = format!(
                "`{reserved}` is reserved, in any spelling: it means somebody or everybody; choose another name"
            );
            self.problems.error(self.at, Path::root().key(key), message);
        }
    }

    fn name(&mut self, name: &str, path: impl FnOnce() -> Path) {
        if let Err(error) = check_name(name) {
            self.problems.error(self.at, path(), error.to_string());
        }
    }

    /// A text of one line that may be empty.
    fn label(&mut self, text: &str, path: impl FnOnce() -> Path) {
        if let Some(count) = chars_beyond(text, MAX_NAME_CHARS) {
            self.problems.error(self.at, path(), too_long(count, MAX_NAME_CHARS));
        } else if let Some(found) = control_character(text) {
            let message =
                format!("the text contains the control character U+{:04X}; remove it", u32::from(found));
            self.problems.error(self.at, path(), message);
        }
    }

    fn optional_label(&mut self, text: Option<&str>, key: &str) {
        if let Some(text) = text {
            self.label(text, || Path::root().key(key));
        }
    }

    /// A text of any number of lines.
    fn text(&mut self, text: &str, most: usize, path: impl FnOnce() -> Path) {
        if let Some(count) = chars_beyond(text, most) {
            self.problems.error(self.at, path(), too_long(count, most));
        } else if text.contains('\0') {
            let message = "the text contains the character U+0000, which no database stores; remove it";
            self.problems.error(self.at, path(), message);
        }
    }

    fn optional_text(&mut self, text: Option<&str>, key: &str) {
        if let Some(text) = text {
            self.text(text, MAX_TEXT_CHARS, || Path::root().key(key));
        }
    }

    /// Every text inside a JSON value.
    fn json(&mut self, value: &Value, most: usize, path: &dyn Fn() -> Path) {
        match value {
            Value::String(text) => self.text(text, most, path),
            Value::Array(list) => list.iter().for_each(|value| self.json(value, most, path)),
            Value::Object(map) => {
                for (key, value) in map {
                    self.text(key, most, path);
                    self.json(value, most, path);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
}

fn too_long(count: usize, most: usize) -> String {
    format!("the text has {count} characters; at most {most} are allowed")
}

/// Characters that show nothing or change how the others are shown. Joiners are left out: scripts and emoji need them.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}' | '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{2064}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}
