//! The fields of a database's connection as simple texts, one entry a line.
//!
//! What a text cannot say is said by files and the API alone: such a connection has no form.

use std::fmt::Write as _;

use domesday_model::{Identification, PostgresConnection, TagRule};
use serde_json::{Map, Value, json};

/// The lines of a text that say something, with their numbers.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    (1..).zip(text.lines().map(str::trim)).filter(|(_, line)| !line.is_empty())
}

/// The entries of a list.
fn list(text: &str, separator: char) -> Vec<&str> {
    text.split(separator).map(str::trim).filter(|entry| !entry.is_empty()).collect()
}

/// Returns the globs of schemas.
pub(super) fn schemas(text: &str) -> Vec<Value> {
    lines(text).map(|(_, line)| line.into()).collect()
}

/// Returns which role belongs to whom.
///
/// # Errors
/// The first line that says nothing known.
pub(super) fn identify(text: &str) -> Result<Vec<Value>, String> {
    let mut entries: Vec<Value> = Vec::new();
    for (number, line) in lines(text) {
        if matches!(line, "username" | "email") {
            entries.push(line.into());
        } else if let Some(template) = line.strip_prefix("template ") {
            entries.push(json!({ "template": template.trim() }));
        } else if let Some((role, username)) = line.strip_prefix("role ").and_then(|it| it.split_once('=')) {
            let (role, username) = (role.trim(), username.trim());
            // Roles one after the other are one entry.
            match entries.last_mut().and_then(|last| last.get_mut("roles")).and_then(Value::as_object_mut) {
                Some(roles) if roles.contains_key(role) => {
                    return Err(format!("Line {number} names the role {role} again."));
                }
                Some(roles) => drop(roles.insert(role.to_owned(), username.into())),
                None => {
                    let roles: Map<_, _> = [(role.to_owned(), username.into())].into_iter().collect();
                    entries.push(json!({ "roles": roles }));
                }
            }
        } else {
            return Err(format!(
                "Write line {number} as username, email, role NAME = USERNAME, or template {{username}}_ro."
            ));
        }
    }
    Ok(entries)
}

/// Returns the rules that tag columns.
///
/// # Errors
/// The first line that is no rule.
pub(super) fn tag_rules(text: &str) -> Result<Vec<Value>, String> {
    let mut rules = Vec::new();
    for (number, line) in lines(text) {
        let wrong = || format!("Write line {number} as TAG = COLUMNS; tables TABLES; types TYPE | TYPE.");
        let (tag, rest) = line.split_once('=').ok_or_else(wrong)?;
        let mut parts = rest.split(';').map(str::trim);
        let columns = list(parts.next().unwrap_or_default(), ',');
        if tag.trim().is_empty() || columns.is_empty() {
            return Err(wrong());
        }
        let mut rule = json!({ "tag": tag.trim(), "columns": columns });
        for part in parts {
            let (key, entries) = match part.split_once(' ') {
                Some(("tables", tables)) => ("tables", list(tables, ',')),
                Some(("types", types)) => ("types", list(types, '|')),
                _ => return Err(wrong()),
            };
            if entries.is_empty() || rule.get(key).is_some() {
                return Err(wrong());
            }
            rule[key] = entries.into();
        }
        rules.push(rule);
    }
    Ok(rules)
}

/// Returns the fields of a connection as texts; none when they cannot say the same.
pub(super) fn texts(connection: &PostgresConnection) -> Option<[(&'static str, String); 3]> {
    let schemas_text = connection.schemas.join("\n");
    let mut identify_text = String::new();
    for entry in &connection.identify {
        match entry {
            Identification::Username => identify_text.push_str("username\n"),
            Identification::Email => identify_text.push_str("email\n"),
            Identification::Template { template } => drop(writeln!(identify_text, "template {template}")),
            Identification::Roles { roles } => {
                for (role, username) in roles {
                    let _ = writeln!(identify_text, "role {role} = {username}");
                }
            }
        }
    }
    let rules: Vec<String> = connection.tag_rules.iter().map(rule_text).collect();
    let rules_text = rules.join("\n");
    let is_same = |value: Vec<Value>, expected: Option<Value>| expected == Some(value.into());
    let says_the_same = is_same(schemas(&schemas_text), serde_json::to_value(&connection.schemas).ok())
        && identify(&identify_text)
            .is_ok_and(|entries| is_same(entries, serde_json::to_value(&connection.identify).ok()))
        && tag_rules(&rules_text)
            .is_ok_and(|rules| is_same(rules, serde_json::to_value(&connection.tag_rules).ok()));
    says_the_same.then(|| {
        let identify_text = identify_text.trim_end().to_owned();
        [("schemas", schemas_text), ("identify", identify_text), ("tagRules", rules_text)]
    })
}

fn rule_text(rule: &TagRule) -> String {
    let mut text = format!("{} = {}", rule.tag, rule.columns.join(", "));
    if let Some(tables) = &rule.tables {
        let _ = write!(text, "; tables {}", tables.join(", "));
    }
    if let Some(types) = &rule.types {
        let _ = write!(text, "; types {}", types.join(" | "));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connection(fields: &Value) -> PostgresConnection {
        let mut document = json!({ "url": "postgres://r@db/fin" });
        fields.as_object().unwrap().iter().for_each(|(key, value)| document[key] = value.clone());
        serde_json::from_value(document).unwrap()
    }

    #[test]
    fn texts_say_what_the_connection_says() {
        let connection = connection(&json!({
            "schemas": ["fin*", "hr"],
            "identify": [{ "roles": { "etl": "etl-service", "x": "y" } }, "email", { "template": "{username}_ro" }],
            "tagRules": [
                { "columns": ["*email*", "mail"], "tag": "PII.Email" },
                { "columns": ["*"], "tables": ["p*"], "types": ["numeric(10,2)", "text"], "tag": "Money" },
            ],
        }));
        let [schemas, identify, rules] = texts(&connection).unwrap().map(|(_, text)| text);
        assert_eq!(schemas, "fin*\nhr");
        assert_eq!(identify, "role etl = etl-service\nrole x = y\nemail\ntemplate {username}_ro");
        assert_eq!(rules, "PII.Email = *email*, mail\nMoney = *; tables p*; types numeric(10,2) | text");
    }

    #[test]
    fn what_a_text_cannot_say_has_none() {
        for fields in [
            json!({ "schemas": ["two\nlines"] }),
            json!({ "tagRules": [{ "columns": ["a,b"], "tag": "T" }] }),
            json!({ "tagRules": [{ "columns": ["a"], "types": ["x|y"], "tag": "T" }] }),
            json!({ "identify": [{ "roles": { "a": "b" } }, { "roles": { "c": "d" } }] }),
            json!({ "identify": [{ "roles": { "a=b": "c" } }] }),
            json!({ "schemas": [] }),
        ] {
            let is_empty = fields["schemas"] == json!([]);
            assert_eq!(texts(&connection(&fields)).is_some(), is_empty, "{fields}");
        }
    }

    #[test]
    fn a_line_that_says_nothing_is_named() {
        assert!(identify("username\n\nrole etl").unwrap_err().contains("line 3"));
        assert!(identify("role a = b\nrole a = c").unwrap_err().contains("again"));
        for text in
            ["PII", "PII =", "= *", "PII = *; in p*", "PII = *; tables", "PII = a; tables a; tables b"]
        {
            assert!(tag_rules(text).unwrap_err().contains("line 1"), "{text}");
        }
    }
}
