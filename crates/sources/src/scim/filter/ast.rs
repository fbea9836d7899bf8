//! Filters as they were read, and what their form says.

use super::super::path::AttributePath;

/// A comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::scim) enum Operator {
    Eq,
    Ne,
    Co,
    Sw,
    Ew,
    Gt,
    Ge,
    Lt,
    Le,
}

/// A value that is compared with.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::scim) enum Literal {
    Text(String),
    Number(f64),
    Boolean(bool),
    Null,
}

/// A filter.
#[derive(Debug, Clone, PartialEq)]
pub struct Filter(pub(in crate::scim) Node);

/// A part of a filter. A path is none where the schemas have no such attribute.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::scim) enum Node {
    Compare {
        path: Option<AttributePath>,
        operator: Operator,
        literal: Literal,
    },
    Present(Option<AttributePath>),
    Not(Box<Node>),
    And(Vec<Node>),
    Or(Vec<Node>),
    /// One value of an attribute satisfies the inner filter.
    Element {
        path: Option<AttributePath>,
        inner: Box<Node>,
    },
}

/// A lookup by which an index finds a superset of what a filter selects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lookup {
    /// The resource with this id.
    Id(String),
    /// The resource with this name, in any case of letters.
    Name(String),
    /// Resources with this external id.
    ExternalId(String),
    /// Groups with this member.
    Member(String),
}

impl Filter {
    /// Returns a lookup that finds every resource that the filter selects, if there is one.
    #[must_use]
    pub fn lookup(&self, name_attribute: &str) -> Option<Lookup> {
        lookup(&self.0, name_attribute)
    }

    /// Whether the lookup finds nothing else than what the filter selects.
    #[must_use]
    pub fn is_lookup(&self, name_attribute: &str) -> bool {
        !matches!(self.0, Node::And(_)) && self.lookup(name_attribute).is_some()
    }

    /// Whether the filter depends on an attribute of the kind itself, such as `members`.
    #[must_use]
    pub fn mentions(&self, attribute: &str) -> bool {
        mentions(&self.0, attribute)
    }

    /// Returns the values of `value eq "…"` when the filter of an element is nothing else, or a choice of such.
    pub(in crate::scim) fn as_values(&self) -> Option<Vec<String>> {
        match &self.0 {
            Node::Compare { path: Some(path), operator: Operator::Eq, literal: Literal::Text(text) }
                if path.is("value") =>
            {
                Some(vec![text.clone()])
            }
            Node::Or(parts) => {
                let values: Option<Vec<_>> =
                    parts.iter().map(|part| Self(part.clone()).as_values()).collect();
                Some(values?.concat())
            }
            _ => None,
        }
    }

    /// Returns what the filter of an element requires by equality: the sub-attributes of an element that it would select.
    pub(in crate::scim) fn equalities(&self) -> Vec<(&AttributePath, &Literal)> {
        let mut found = Vec::new();
        collect_equalities(&self.0, &mut found);
        found
    }
}

fn collect_equalities<'f>(node: &'f Node, found: &mut Vec<(&'f AttributePath, &'f Literal)>) {
    match node {
        Node::Compare { path: Some(path), operator: Operator::Eq, literal } if *literal != Literal::Null => {
            found.push((path, literal));
        }
        Node::And(parts) => parts.iter().for_each(|part| collect_equalities(part, found)),
        _ => {}
    }
}

fn lookup(node: &Node, name_attribute: &str) -> Option<Lookup> {
    match node {
        Node::And(parts) => parts.iter().find_map(|part| lookup(part, name_attribute)),
        Node::Compare { path: Some(path), operator: Operator::Eq, literal: Literal::Text(text) } => {
            let text = text.clone();
            if path.is("id") {
                Some(Lookup::Id(text))
            } else if path.is("externalId") {
                Some(Lookup::ExternalId(text))
            } else if path.is("members") {
                Some(Lookup::Member(text))
            } else {
                path.is(name_attribute).then_some(Lookup::Name(text))
            }
        }
        Node::Element { path: Some(path), inner } if path.is("members") => match &**inner {
            Node::Compare { path: Some(path), operator: Operator::Eq, literal: Literal::Text(text) }
                if path.is("value") =>
            {
                Some(Lookup::Member(text.clone()))
            }
            _ => None,
        },
        _ => None,
    }
}

fn mentions(node: &Node, attribute: &str) -> bool {
    let is_it = |path: &Option<AttributePath>| {
        path.as_ref().is_some_and(|path| path.extension.is_none() && path.attribute == attribute)
    };
    match node {
        Node::Compare { path, .. } | Node::Present(path) | Node::Element { path, .. } => is_it(path),
        Node::Not(inner) => mentions(inner, attribute),
        Node::And(parts) | Node::Or(parts) => parts.iter().any(|part| mentions(part, attribute)),
    }
}
