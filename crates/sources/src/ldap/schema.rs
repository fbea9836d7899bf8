//! The attributes that a directory's schema knows (RFC 4512, section 4.2).

use std::collections::HashMap;

/// Names of attributes, in lower case, and which of them are the same attribute.
#[derive(Debug, Default)]
pub(super) struct Schema {
    /// Name or object identifier to an index in `names`.
    types: HashMap<String, usize>,
    /// The names of each attribute as the directory spells them.
    names: Vec<Vec<String>>,
}

impl Schema {
    /// Reads the definitions of `attributeTypes`. A definition that is not understood is left out.
    pub(super) fn parse<'v>(definitions: impl IntoIterator<Item = &'v [u8]>) -> Self {
        let mut schema = Self::default();
        for definition in definitions {
            let Some((id, names)) = std::str::from_utf8(definition).ok().and_then(identifiers) else {
                continue;
            };
            let index = schema.names.len();
            schema.types.insert(id.to_lowercase(), index);
            for name in &names {
                schema.types.insert(name.to_lowercase(), index);
            }
            schema.names.push(names);
        }
        schema
    }

    pub(super) fn is_empty(&self) -> bool {
        self.types.is_empty()
    }

    /// Whether an attribute, without its options, is known.
    pub(super) fn has(&self, attribute: &str) -> bool {
        self.types.contains_key(&base(attribute))
    }

    /// Returns every name of an attribute in lower case, its own first.
    pub(super) fn aliases(&self, attribute: &str) -> Vec<String> {
        let own = attribute.to_lowercase();
        let index = self.types.get(&own);
        let others = index.into_iter().flat_map(|index| &self.names[*index]).map(|name| name.to_lowercase());
        let others: Vec<String> = others.filter(|name| *name != own).collect();
        std::iter::once(own).chain(others).collect()
    }

    /// Returns the name most similar to one that is not known.
    pub(super) fn nearest(&self, attribute: &str) -> Option<&str> {
        let names = self.names.iter().flatten().map(String::as_str);
        domesday_model::nearest_names(&base(attribute), names, 1).into_iter().next()
    }
}

/// An attribute in lower case, without options such as `;lang-de`.
fn base(attribute: &str) -> String {
    attribute.split(';').next().unwrap_or_default().to_lowercase()
}

/// Returns the object identifier and the names of a definition: `( 2.5.4.4 NAME ( 'sn' 'surname' ) … )`.
fn identifiers(definition: &str) -> Option<(String, Vec<String>)> {
    let mut tokens = Tokens { rest: definition };
    if tokens.next()? != "(" {
        return None;
    }
    let id = tokens.next()?.to_owned();
    while let Some(token) = tokens.next() {
        if token != "NAME" {
            continue;
        }
        let name = |token: &str| token.trim_matches('\'').to_owned();
        return match tokens.next()? {
            "(" => Some((id, tokens.take_while(|token| *token != ")").map(name).collect())),
            token => Some((id, vec![name(token)])),
        };
    }
    Some((id, Vec::new()))
}

/// Parentheses, quoted strings with their quotes, and words.
struct Tokens<'d> {
    rest: &'d str,
}

impl<'d> Iterator for Tokens<'d> {
    type Item = &'d str;

    fn next(&mut self) -> Option<&'d str> {
        let rest = self.rest.trim_start();
        let length = match rest.chars().next()? {
            '(' | ')' => 1,
            '\'' => rest[1..].find('\'').map_or(rest.len(), |end| end + 2),
            _ => rest.find([' ', '(', ')', '\'', '\t', '\n']).unwrap_or(rest.len()),
        };
        let (token, rest) = rest.split_at(length);
        self.rest = rest;
        Some(token)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_aliases_and_identifiers_are_known() {
        let definitions: [&[u8]; 6] = [
            b"( 2.5.4.4 NAME ( 'sn' 'surname' ) DESC 'RFC2256: last (family) NAME' SUP name )",
            b"( 0.9.2342.19200300.100.1.3 NAME ( 'mail' 'rfc822Mailbox' ) EQUALITY caseIgnoreIA5Match )",
            b"( 2.16.840.1.113730.3.1.3 NAME 'employeeNumber' SINGLE-VALUE )",
            b"( 1.2.3 DESC 'without a NAME' )",
            b"nonsense",
            b"\xff",
        ];
        let schema = Schema::parse(definitions);
        for name in ["SN", "surname", "mail;lang-de", "2.5.4.4", "employeenumber", "1.2.3"] {
            assert!(schema.has(name), "{name}");
        }
        for name in ["last", "RFC2256:", "name", "a", ""] {
            assert!(!schema.has(name), "{name}");
        }
        assert_eq!(schema.aliases("Surname"), ["surname", "sn"]);
        assert_eq!(schema.aliases("other"), ["other"]);
        assert_eq!(schema.nearest("employeNumber"), Some("employeeNumber"));
        assert!(Schema::default().is_empty() && !schema.is_empty());
    }
}
