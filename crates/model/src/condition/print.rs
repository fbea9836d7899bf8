//! The canonical text of a condition: operators in capitals, a space after each comma, parentheses only
//! where they are needed. Parsing what is printed gives the same condition, as long as it is no deeper
//! than [`MAX_DEPTH`](super::MAX_DEPTH); a parsed condition never is.

use std::fmt;

use serde::{Serialize, Serializer};

use super::{Atom, Condition, TagTarget};

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Condition::Atom(atom) => write!(f, "{atom}"),
            Condition::Not(child) => {
                f.write_str("NOT ")?;
                write_child(f, child, matches!(**child, Condition::And(_) | Condition::Or(_)))
            }
            Condition::And(children) => write_children(f, children, " AND "),
            Condition::Or(children) => write_children(f, children, " OR "),
        }
    }
}

/// An OR under AND needs parentheses; an AND under OR does not.
fn write_children(f: &mut fmt::Formatter<'_>, children: &[Condition], operator: &str) -> fmt::Result {
    for (index, child) in children.iter().enumerate() {
        if index > 0 {
            f.write_str(operator)?;
        }
        write_child(f, child, matches!(child, Condition::Or(_)))?;
    }
    Ok(())
}

fn write_child(f: &mut fmt::Formatter<'_>, child: &Condition, parentheses: bool) -> fmt::Result {
    if parentheses { write!(f, "({child})") } else { write!(f, "{child}") }
}

impl fmt::Display for Atom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Atom::InGroups(names) => {
                f.write_str("@isInGroups(")?;
                for (index, name) in names.iter().enumerate() {
                    let separator = if index > 0 { ", " } else { "" };
                    write!(f, "{separator}{}", Quoted(name.as_str()))?;
                }
                f.write_str(")")
            }
            Atom::HasAttribute { key, value } => {
                write!(f, "@hasAttribute({}, {})", Quoted(key), Quoted(value.as_str()))
            }
            Atom::HasTagAsAttribute { key, target } => {
                write!(f, "@hasTagAsAttribute({}, {})", Quoted(key), Quoted(target.as_str()))
            }
            Atom::HasTagAsGroup { target } => write!(f, "@hasTagAsGroup({})", Quoted(target.as_str())),
        }
    }
}

impl fmt::Display for TagTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Writes a text as a string of the language.
struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "'{}'", self.0.replace('\'', "''"))
    }
}

impl Serialize for Condition {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn canonical_text() {
        let table = [
            ("@isInGroups('a')", "@isInGroups('a')"),
            ("((@isInGroups ( 'a','b' )))", "@isInGroups('a', 'b')"),
            ("@hasAttribute('k','it''s')", "@hasAttribute('k', 'it''s')"),
            ("@hasAttribute('', '')", "@hasAttribute('', '')"),
            ("@hasTagAsAttribute('k','dataSource')", "@hasTagAsAttribute('k', 'dataSource')"),
            ("@hasTagAsGroup('column')", "@hasTagAsGroup('column')"),
            ("not\tnot(@isInGroups('a'))", "NOT NOT @isInGroups('a')"),
            (
                "(@isInGroups('a') AND @isInGroups('b')) Or @isInGroups('c')",
                "@isInGroups('a') AND @isInGroups('b') OR @isInGroups('c')",
            ),
            (
                "@isInGroups('a') And\n(@isInGroups('b') oR @isInGroups('c'))",
                "@isInGroups('a') AND (@isInGroups('b') OR @isInGroups('c'))",
            ),
            (
                "NOT (@isInGroups('a') AND (@isInGroups('b') AND NOT @isInGroups('c')))",
                "NOT (@isInGroups('a') AND @isInGroups('b') AND NOT @isInGroups('c'))",
            ),
            (
                "(@isInGroups('a') OR @isInGroups('b')) OR (NOT (@isInGroups('c') OR @isInGroups('d')))",
                "@isInGroups('a') OR @isInGroups('b') OR NOT (@isInGroups('c') OR @isInGroups('d'))",
            ),
        ];
        for (written, canonical) in table {
            let condition: Condition = written.parse().unwrap();
            assert_eq!(condition.to_string(), canonical, "{written}");
        }
    }

    #[test]
    fn serde_goes_through_the_text() {
        let json = r#""@isInGroups('a','b') or NOT @hasTagAsGroup('column')""#;
        let condition: Condition = serde_json::from_str(json).unwrap();
        let canonical = r#""@isInGroups('a', 'b') OR NOT @hasTagAsGroup('column')""#;
        assert_eq!(serde_json::to_string(&condition).unwrap(), canonical);

        let error = serde_json::from_str::<Condition>(r#""@isInGroups(""#).unwrap_err().to_string();
        assert!(
            error.starts_with("expected a string in single quotes but found the end of the text"),
            "{error}"
        );
        let error = serde_json::from_str::<Condition>("7").unwrap_err().to_string();
        assert!(error.starts_with("invalid type: integer `7`, expected a condition"), "{error}");
    }
}
