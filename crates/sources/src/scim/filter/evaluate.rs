//! Evaluation of a filter on a resource.

use domesday_model::Instant;
use serde_json::{Map, Value};

use super::super::path::AttributePath;
use super::super::resource::{Document, fold};
use super::super::schema::DataType;
use super::ast::{Filter, Literal, Node, Operator};

impl Filter {
    /// Whether the filter selects a resource, which contains every attribute that the filter depends on.
    #[must_use]
    pub fn matches(&self, resource: &Document) -> bool {
        evaluate(&self.0, resource)
    }
}

/// Whether the filter of an element selects a value of a list.
pub(in crate::scim) fn matches_element(filter: &Filter, element: &Value) -> bool {
    element.as_object().is_some_and(|element| evaluate(&filter.0, element))
}

fn evaluate(node: &Node, resource: &Map<String, Value>) -> bool {
    match node {
        Node::And(parts) => parts.iter().all(|part| evaluate(part, resource)),
        Node::Or(parts) => parts.iter().any(|part| evaluate(part, resource)),
        Node::Not(inner) => !evaluate(inner, resource),
        Node::Present(path) => path.as_ref().is_some_and(|path| is_present(resource, path)),
        Node::Element { path, inner } => path.as_ref().is_some_and(|path| {
            let elements = attribute(resource, path).and_then(Value::as_array);
            elements.is_some_and(|elements| {
                elements.iter().filter_map(Value::as_object).any(|element| evaluate(inner, element))
            })
        }),
        Node::Compare { path, operator, literal } => {
            let values = path.as_ref().map(|path| values(resource, path)).unwrap_or_default();
            if *literal == Literal::Null || values.is_empty() {
                // Nothing equals no value and differs from every other.
                let is_equal = *literal == Literal::Null && values.is_empty();
                return match operator {
                    Operator::Eq => is_equal,
                    Operator::Ne => !is_equal,
                    _ => false,
                };
            }
            let Some(path) = path else { return false };
            values.into_iter().any(|value| compare(value, path, *operator, literal))
        }
    }
}

/// Returns the value of an attribute as the resource has it.
fn attribute<'r>(resource: &'r Map<String, Value>, path: &AttributePath) -> Option<&'r Value> {
    match &path.extension {
        Some(id) => resource.get(id)?.get(&path.attribute),
        None => resource.get(&path.attribute),
    }
}

/// Returns the plain values that a path leads to; of a complex value without a sub-attribute, its `value`.
pub(in crate::scim) fn values<'r>(resource: &'r Map<String, Value>, path: &AttributePath) -> Vec<&'r Value> {
    let leaf = |value: &'r Value| match (value, &path.sub) {
        (Value::Object(object), Some(sub)) => object.get(sub),
        (Value::Object(object), None) => object.get("value"),
        (other, _) => Some(other),
    };
    match attribute(resource, path) {
        None => Vec::new(),
        Some(Value::Array(elements)) => elements.iter().filter_map(leaf).collect(),
        Some(value) => leaf(value).into_iter().collect(),
    }
}

fn is_present(resource: &Map<String, Value>, path: &AttributePath) -> bool {
    let is_value = |value: &Value| match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(elements) => !elements.is_empty(),
        Value::Object(object) => !object.is_empty(),
        Value::Bool(_) | Value::Number(_) => true,
    };
    match path.sub {
        Some(_) => values(resource, path).into_iter().any(is_value),
        None => attribute(resource, path).is_some_and(is_value),
    }
}

fn compare(value: &Value, path: &AttributePath, operator: Operator, literal: &Literal) -> bool {
    if path.data_type == DataType::Boolean {
        let expected = match literal {
            Literal::Boolean(expected) => Some(*expected),
            // Microsoft Entra writes booleans as texts.
            Literal::Text(text) => text.to_ascii_lowercase().parse().ok(),
            Literal::Number(_) | Literal::Null => None,
        };
        return match (value.as_bool(), expected, operator) {
            (Some(value), Some(expected), Operator::Eq) => value == expected,
            (Some(value), Some(expected), Operator::Ne) => value != expected,
            (_, _, operator) => operator == Operator::Ne,
        };
    }
    if path.data_type == DataType::DateTime
        && let (Some(Ok(value)), Literal::Text(text)) = (value.as_str().map(str::parse::<Instant>), literal)
        && let Ok(expected) = text.parse::<Instant>()
    {
        return ordered(&value, &expected, operator);
    }
    if let (Some(value), Literal::Number(expected)) = (value.as_f64(), literal) {
        return ordered(&value, expected, operator);
    }
    let value = match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let expected = match literal {
        Literal::Text(text) => text.clone(),
        Literal::Number(number) => number.to_string(),
        Literal::Boolean(boolean) => boolean.to_string(),
        Literal::Null => return operator == Operator::Ne,
    };
    let (value, expected) =
        if path.is_case_exact { (value, expected) } else { (fold(&value), fold(&expected)) };
    match operator {
        Operator::Co => value.contains(&expected),
        Operator::Sw => value.starts_with(&expected),
        Operator::Ew => value.ends_with(&expected),
        other => ordered(&value, &expected, other),
    }
}

fn ordered<T: PartialOrd>(value: &T, expected: &T, operator: Operator) -> bool {
    match operator {
        Operator::Eq => value == expected,
        Operator::Ne => value != expected,
        Operator::Gt => value > expected,
        Operator::Ge => value >= expected,
        Operator::Lt => value < expected,
        Operator::Le => value <= expected,
        Operator::Co | Operator::Sw | Operator::Ew => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::super::{ENTERPRISE_SCHEMA, Lookup, Schemas, ScimErrorKind};
    use super::*;

    fn resource() -> Document {
        let Value::Object(resource) = json!({
            "id": "2819c223", "externalId": "701984", "userName": "bJensen@Example.com",
            "name": { "familyName": "O'Malley", "givenName": "Barbara" },
            "active": true, "title": "Tour Guide",
            "emails": [
                { "value": "bjensen@example.com", "type": "work", "primary": true },
                { "value": "babs@jensen.org", "type": "home" }
            ],
            "meta": { "lastModified": "2026-05-13T04:42:34Z" },
            ENTERPRISE_SCHEMA: { "employeeNumber": "701", "department": "Tours" }
        }) else {
            unreachable!()
        };
        resource
    }

    fn parse(text: &str) -> Result<Filter, super::super::super::ScimError> {
        Filter::parse(text, &Schemas::new(&domesday_model::ScimConnection::default()).user)
    }

    #[test]
    fn every_operator_is_evaluated() {
        for (text, expected) in [
            (r#"userName eq "BJENSEN@example.com""#, true),
            (r#"USERNAME EQ "bjensen@example.com""#, true),
            (r#"userName ne "bjensen@example.com""#, false),
            (r#"externalId eq "701984""#, true),
            (r#"id eq "2819C223""#, false),
            (r#"name.familyName co "O'Mal""#, true),
            (r#"userName sw "bj""#, true),
            (r#"urn:ietf:params:scim:schemas:core:2.0:User:userName sw "J""#, false),
            (r#"userName ew "example.com""#, true),
            ("title pr", true),
            ("nickName pr", false),
            ("name pr", true),
            (r#"meta.lastModified gt "2026-05-13T04:42:33Z""#, true),
            (r#"meta.lastModified ge "2026-05-13T06:42:34+02:00""#, true),
            (r#"meta.lastModified lt "2026-05-13T04:42:34Z""#, false),
            (r#"meta.lastModified le "2026-05-13T04:42:34Z""#, true),
            (r#"title pr and userType eq "Employee""#, false),
            (r#"title pr or userType eq "Intern""#, true),
            (r#"not (title pr)"#, false),
            (r#"NOT(userType pr) AND (emails co "jensen.org" OR emails.value co "example.net")"#, true),
            (r#"emails[type eq "work" and value co "@example.com"]"#, true),
            (r#"emails[type eq "home" and value co "@example.com"]"#, false),
            (r#"emails[not (type eq "work")]"#, true),
            (r#"emails.type eq "home""#, true),
            (r#"emails[primary eq true].value pr"#, false),
            ("active eq true", true),
            (r#"active eq "True""#, true),
            ("active ne false", true),
            ("nickName eq null", true),
            ("title ne null", true),
            (r#"unknown eq "x""#, false),
            (r#"unknown ne "x""#, true),
            ("unknown[a eq 1]", false),
            (r#"userName gt "a" and userName lt "c""#, true),
            (r#"a pr or b pr and title pr"#, false),
        ] {
            match parse(text) {
                Ok(filter) => assert_eq!(filter.matches(&resource()), expected, "{text}"),
                Err(error) => assert!(text.contains("]."), "{text}: {error}"),
            }
        }
        let department = format!(r#"{ENTERPRISE_SCHEMA}:department eq "tours""#);
        assert!(parse(&department).unwrap().matches(&resource()));
        let number = format!("{ENTERPRISE_SCHEMA}:employeeNumber eq 701");
        assert!(parse(&number).unwrap().matches(&resource()));
    }

    #[test]
    fn mistakes_have_positions() {
        for (text, position, word) in [
            ("", 1, "name of an attribute"),
            ("userName", 9, "found the end"),
            ("userName is \"x\"", 10, "found `is`"),
            ("userName eq x", 13, "found `x`"),
            ("userName eq \"x", 13, "no closing quote"),
            ("userName eq \"x\" nor title pr", 17, "found `nor`"),
            ("(userName eq \"x\"", 17, "found the end"),
            ("emails[type eq \"x\"", 19, "found the end"),
            ("emails[ims[type eq \"x\"]]", 11, "nested"),
            ("name[familyName pr]", 1, "no list"),
            ("active gt true", 8, "no order"),
            ("title sw true", 7, "`eq` and `ne` only"),
            ("meta.created gt \"yesterday\"", 14, "RFC 3339"),
            ("userName eq \"\\q\"", 13, "JSON"),
            ("title pr and", 13, "name of an attribute"),
            ("tïtle pr", 1, "found `tïtle`"),
        ] {
            let error = parse(text).unwrap_err();
            assert_eq!(error.kind, ScimErrorKind::InvalidFilter);
            let detail = error.detail;
            assert!(
                detail.contains(&format!("character {position}:")) && detail.contains(word),
                "{text}: {detail}"
            );
        }
        let deep = "(".repeat(40) + "title pr" + &")".repeat(40);
        assert!(parse(&deep).unwrap_err().detail.contains("levels"));
        let long = format!("title eq \"{}\"", "x".repeat(17 << 10));
        assert!(parse(&long).unwrap_err().detail.contains("bytes"));
    }

    #[test]
    fn lookups_are_found_where_they_select_everything() {
        let lookup = |text: &str| parse(text).unwrap().lookup("userName");
        assert_eq!(lookup("userName eq \"A\""), Some(Lookup::Name("A".into())));
        assert_eq!(lookup("active eq true and externalId eq \"A\""), Some(Lookup::ExternalId("A".into())));
        assert_eq!(lookup("id eq \"A\""), Some(Lookup::Id("A".into())));
        for scanned in ["userName sw \"A\"", "userName eq \"A\" or title pr", "not (userName eq \"A\")"] {
            assert_eq!(lookup(scanned), None, "{scanned}");
        }
        let schemas = Schemas::new(&domesday_model::ScimConnection::default());
        for text in ["members.value eq \"A\"", "members eq \"A\"", "members[value eq \"A\"]"] {
            let filter = Filter::parse(text, &schemas.group).unwrap();
            assert_eq!(filter.lookup("displayName"), Some(Lookup::Member("A".into())));
            assert!(filter.mentions("members"));
        }
    }
}
