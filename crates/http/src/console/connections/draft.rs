//! What is typed in the form of a connection, without the password: read, checked field by field, and written as the
//! document that the API takes.

use std::collections::BTreeMap;

use domesday_model::{
    Connection, ConnectionKind, DbtConnection, LdapSearch, MaxAge, MaxGone, is_connection_name,
};
use domesday_service::Cron;
use serde_json::{Map, Value};

use super::database_texts;
use super::fields::Control;
use super::form_kind::FormKind;
use crate::console::errors::sentence;
use crate::console::form::Form;

/// The longest value of a field, in characters.
pub(super) const MAX_FIELD: usize = 20_000;

/// What is wrong, by the name of the field; beside no field under the empty name.
pub(super) type Mistakes = BTreeMap<&'static str, String>;

/// What is typed.
#[derive(Debug, Clone)]
pub(super) struct Draft {
    pub(super) kind: FormKind,
    pub(super) name: String,
    values: BTreeMap<&'static str, String>,
}

impl Draft {
    pub(super) fn new(kind: FormKind) -> Self {
        Self { kind, name: String::new(), values: BTreeMap::new() }
    }

    /// Reads what was typed.
    pub(super) fn read(kind: FormKind, name: &str, form: &Form) -> Self {
        let text = |name: &str| form.get(name).chars().take(MAX_FIELD).collect::<String>();
        let fields = kind.fields().iter().filter(|field| field.control != Control::Password);
        let values = fields.map(|field| (field.name, text(field.name))).collect();
        Self { kind, name: name.to_owned(), values }
    }

    /// Returns the draft of a stored connection; none when its kind has no form, or a form cannot say what it says.
    pub(super) fn of(connection: &Connection) -> Option<Self> {
        let mut draft = Self::new(FormKind::parse(connection.kind.as_str())?);
        draft.name.clone_from(&connection.name);
        let mut set = |name: &'static str, value: String| draft.values.insert(name, value);
        match &connection.kind {
            ConnectionKind::Scim(scim) => drop(set("attributes", lines(&scim.attributes))),
            ConnectionKind::Csv(csv) => drop(set("map", lines(&csv.map))),
            ConnectionKind::Ldap(ldap) => {
                set("url", ldap.url.clone());
                set("bindDn", ldap.bind_dn.clone().unwrap_or_default());
                let mut search = |names: [&'static str; 3], search: &LdapSearch| {
                    let [base, filter, attributes] = names;
                    set(base, search.base.clone());
                    set(filter, search.filter.clone().unwrap_or_default());
                    set(attributes, lines(&search.attributes));
                };
                search(["usersBase", "usersFilter", "usersAttributes"], &ldap.users);
                if let Some(groups) = &ldap.groups {
                    search(["groupsBase", "groupsFilter", "groupsAttributes"], groups);
                }
            }
            ConnectionKind::Dbt(dbt) => {
                set("tags", lines(&dbt.tags));
                set("tagPrefix", dbt.tag_prefix.clone().unwrap_or_default());
                set("host", dbt.host.clone().unwrap_or_default());
                if dbt.naming != DbtConnection::default().naming {
                    set("naming", dbt.naming.clone());
                }
            }
            ConnectionKind::Postgres(postgres) => {
                set("url", postgres.url.clone());
                set("naming", postgres.naming.clone());
                for (name, text) in database_texts::texts(postgres)? {
                    set(name, text);
                }
            }
        }
        if connection.max_gone != MaxGone::default() {
            draft.values.insert("maxGone", connection.max_gone.to_string());
        }
        let age = connection.max_age.map(|age| age.to_string());
        draft.values.insert("maxAge", age.unwrap_or_default());
        draft.values.insert("schedule", connection.schedule.clone().unwrap_or_default());
        Some(draft)
    }

    /// The value of a field; empty when it is not typed.
    pub(super) fn get(&self, name: &str) -> &str {
        self.values.get(name).map_or("", String::as_str)
    }

    /// Returns the connection with its document, or what is wrong beside each field. The rules are those of the model and
    /// of what reads the source.
    pub(super) fn connection(&self) -> Result<(Connection, Map<String, Value>), Mistakes> {
        let mut mistakes = self.mistakes();
        if !mistakes.is_empty() {
            return Err(mistakes);
        }
        let document = self.document(&mut mistakes);
        if !mistakes.is_empty() {
            return Err(mistakes);
        }
        let connection: Connection = match serde_json::from_value(Value::Object(document.clone())) {
            Ok(connection) => connection,
            Err(error) => return Err(Mistakes::from([("", sentence(&error.to_string()))])),
        };
        for (field, message) in connection.kind.mistakes() {
            mistakes.insert(self.place(field), sentence(&message));
        }
        if mistakes.is_empty()
            && let Err(error) = domesday_sources::connections::check(&connection)
        {
            mistakes = self.place_message(&error.to_string());
        }
        if mistakes.is_empty() { Ok((connection, document)) } else { Err(mistakes) }
    }

    /// Checks each field by itself.
    fn mistakes(&self) -> Mistakes {
        let mut mistakes = Mistakes::new();
        if !is_connection_name(&self.name) {
            let text = "A name has up to 64 letters, digits, “-”, “_” and “.”, begins with a letter, and is neither files nor \
                        api.";
            mistakes.insert("name", text.to_owned());
        }
        for field in self.kind.fields() {
            let value = self.get(field.name);
            if value.is_empty() {
                if field.is_required {
                    mistakes.insert(field.name, format!("Enter the {}.", field.label.to_lowercase()));
                }
                continue;
            }
            let wrong = match field.name {
                "schedule" => value.parse::<Cron>().err().map(|error| sentence(&error.to_string())),
                "maxGone" => value.parse::<MaxGone>().err().map(|expected| format!("Enter {expected}.")),
                "maxAge" => value.parse::<MaxAge>().err().map(|expected| format!("Enter {expected}.")),
                _ => None,
            };
            if let Some(wrong) = wrong {
                mistakes.insert(field.name, wrong);
            }
        }
        if self.get("groupsBase").is_empty()
            && !(self.get("groupsFilter").is_empty() && self.get("groupsAttributes").is_empty())
        {
            mistakes
                .insert("groupsBase", "Enter the base of groups, or empty their other fields.".to_owned());
        }
        mistakes
    }

    /// The document as the API takes it, without the password.
    fn document(&self, mistakes: &mut Mistakes) -> Map<String, Value> {
        let mut document = Map::new();
        document.insert("name".to_owned(), self.name.as_str().into());
        document.insert("kind".to_owned(), self.kind.as_str().into());
        for name in ["url", "bindDn", "tagPrefix", "naming", "host", "schedule", "maxGone", "maxAge"] {
            put(&mut document, name, self.get(name));
        }
        for name in ["attributes", "map", "tags"] {
            put_pairs(&mut document, name, self.pairs(name, mistakes));
        }
        put_list(&mut document, "schemas", database_texts::schemas(self.get("schemas")));
        let lists = [
            ("identify", database_texts::identify(self.get("identify"))),
            ("tagRules", database_texts::tag_rules(self.get("tagRules"))),
        ];
        for (name, list) in lists {
            match list {
                Ok(list) => put_list(&mut document, name, list),
                Err(mistake) => drop(mistakes.insert(name, mistake)),
            }
        }
        for (key, [base, filter, attributes]) in [
            ("users", ["usersBase", "usersFilter", "usersAttributes"]),
            ("groups", ["groupsBase", "groupsFilter", "groupsAttributes"]),
        ] {
            if !self.get(base).is_empty() {
                let mut search = Map::new();
                put(&mut search, "base", self.get(base));
                put(&mut search, "filter", self.get(filter));
                put_pairs(&mut search, "attributes", self.pairs(attributes, mistakes));
                document.insert(key.to_owned(), search.into());
            }
        }
        document
    }

    fn pairs(&self, name: &'static str, mistakes: &mut Mistakes) -> Map<String, Value> {
        let mut pairs = Map::new();
        for (number, line) in self.get(name).lines().enumerate() {
            let line = line.trim();
            if line.is_empty() {
                continue;
            }
            match line.split_once('=').map(|(key, value)| (key.trim(), value.trim())) {
                Some((key, value)) if !key.is_empty() && !value.is_empty() && !pairs.contains_key(key) => {
                    pairs.insert(key.to_owned(), value.into());
                }
                Some((key, _)) if pairs.contains_key(key) => {
                    mistakes.insert(name, format!("Line {} names {key} again.", number + 1));
                }
                _ => {
                    mistakes.insert(name, format!("Write line {} as name = value.", number + 1));
                }
            }
        }
        pairs
    }

    /// The field of the form that has a field of the document.
    fn place(&self, path: &str) -> &'static str {
        let name = match path {
            "users" => "usersBase",
            "groups" => "groupsBase",
            path if path.starts_with("users.attributes") => "usersAttributes",
            path if path.starts_with("groups.attributes") => "groupsAttributes",
            "users.filter" => "usersFilter",
            "groups.filter" => "groupsFilter",
            "users.base" => "usersBase",
            "groups.base" => "groupsBase",
            path => path,
        };
        let known = |field: &&super::fields::Field| field.name == name;
        self.kind.fields().iter().find(known).map_or("", |field| field.name)
    }

    /// Puts a message beside the field that it begins with.
    pub(super) fn place_message(&self, message: &str) -> Mistakes {
        let path = message.strip_prefix('`').and_then(|rest| rest.split('`').next()).unwrap_or_default();
        let place = self.place(path);
        let text = match message.strip_prefix(&format!("`{path}`: ")) {
            Some(rest) if !place.is_empty() => rest,
            _ => message,
        };
        Mistakes::from([(place, sentence(&text.replace("\nhelp: ", "; ")))])
    }
}

fn put(document: &mut Map<String, Value>, name: &str, value: &str) {
    if !value.is_empty() {
        document.insert(name.to_owned(), value.into());
    }
}

fn put_pairs(document: &mut Map<String, Value>, name: &str, pairs: Map<String, Value>) {
    if !pairs.is_empty() {
        document.insert(name.to_owned(), pairs.into());
    }
}

fn put_list(document: &mut Map<String, Value>, name: &str, list: Vec<Value>) {
    if !list.is_empty() {
        document.insert(name.to_owned(), list.into());
    }
}

fn lines(pairs: &BTreeMap<String, String>) -> String {
    pairs.iter().map(|(key, value)| format!("{key} = {value}")).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    const RIGHT: &str = "url=ldaps://dc1.acme.example&bindDn=cn%3Dreader&usersBase=ou%3DPeople";

    fn read(text: &str) -> Draft {
        Draft::read(FormKind::Ldap, "corp", &Form::parse(text))
    }

    #[test]
    fn each_mistake_is_beside_its_field() {
        for (text, field) in [
            ("url=", "url"),
            ("url=https://dc1", "url"),
            ("usersBase=", "usersBase"),
            ("usersFilter=(a", "usersFilter"),
            ("usersAttributes=username", "usersAttributes"),
            ("usersAttributes=username%3Da%0Ausername%3Db", "usersAttributes"),
            ("groupsFilter=(a%3Db)", "groupsBase"),
            ("schedule=hourly", "schedule"),
            ("maxGone=ten", "maxGone"),
            ("maxAge=soon", "maxAge"),
        ] {
            let mistakes = read(&format!("{text}&{RIGHT}")).connection().unwrap_err();
            assert_eq!(mistakes.keys().collect::<Vec<_>>(), [&field], "{text}: {mistakes:?}");
        }
        for (text, field) in [
            ("tags=pii%3DPII..", "tags"),
            ("tags=pii", "tags"),
            ("tagPrefix=..", "tagPrefix"),
            ("naming=x", "naming"),
        ] {
            let draft = Draft::read(FormKind::Dbt, "shop", &Form::parse(text));
            assert_eq!(draft.connection().unwrap_err().keys().collect::<Vec<_>>(), [&field], "{text}");
        }
        let named = Draft::read(FormKind::Csv, "files", &Form::parse(""));
        assert_eq!(named.connection().unwrap_err().keys().collect::<Vec<_>>(), [&"name"]);
    }

    #[test]
    fn a_stored_connection_is_edited_as_it_is() {
        let text = "usersAttributes=username%3Duid%0Aattributes.Region%3Dl&groupsBase=ou%3DGroups&maxGone=5%25&maxAge=2h";
        let (connection, document) = read(&format!("{RIGHT}&{text}")).connection().unwrap();
        let again = Draft::of(&connection).unwrap();
        assert_eq!(again.connection().unwrap(), (connection, document));
        assert_eq!(again.get("usersAttributes"), "attributes.Region = l\nusername = uid");
        let text = "tags=pii%3DPII&tagPrefix=dbt.&naming=dwh.%7Btable%7D&host=db&maxAge=2h";
        let dbt = Draft::read(FormKind::Dbt, "shop", &Form::parse(text)).connection().unwrap();
        assert_eq!(Draft::of(&dbt.0).unwrap().connection().unwrap(), dbt);
    }

    #[test]
    fn a_database_is_edited_as_it_is() {
        let read = |text: &str| Draft::read(FormKind::Postgres, "warehouse", &Form::parse(text));
        let url = "url=postgres://reader@db.acme.example/fin";
        let text = "schemas=fin*%0Ahr&naming=%7Btable%7D&identify=username&tagRules=PII%3D*mail*";
        let (connection, document) = read(&format!("{url}&{text}")).connection().unwrap();
        assert_eq!(document["schemas"], serde_json::json!(["fin*", "hr"]));
        assert_eq!(Draft::of(&connection).unwrap().connection().unwrap(), (connection, document));
        assert!(read(url).connection().is_ok());
        for (text, field) in [
            ("url=postgres://reader:secret@db/fin", "url"),
            ("url=postgres://reader@db/fin?sslmode=on", "url"),
            ("url=postgres://reader@db/fin&identify=role", "identify"),
            ("url=postgres://reader@db/fin&tagRules=PII", "tagRules"),
            ("url=postgres://reader@db/fin&naming=x", "naming"),
        ] {
            let mistakes = read(&text.replace("?sslmode=", "?sslmode%3D")).connection().unwrap_err();
            assert_eq!(mistakes.keys().collect::<Vec<_>>(), [&field], "{text}: {mistakes:?}");
        }
    }
}
