//! The names of new data sources, by the template of a connection.

use std::collections::HashSet;

/// Where a relation is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) database: &'a str,
    pub(super) schema: &'a str,
    pub(super) table: &'a str,
}

/// Gives each relation of a database a name of its own.
#[derive(Debug, Default)]
pub(super) struct Names {
    taken: HashSet<String>,
}

impl Names {
    /// Returns the name of a relation, and whether it is the one that the template gives. When another relation has that
    /// name, it is the place with each part quoted as SQL would, which no other relation has; none when even that is taken.
    pub(super) fn name(&mut self, template: &str, place: Place<'_>) -> Option<(String, bool)> {
        let Place { database, schema, table } = place;
        let usual = fill(template, place);
        let quoted = [database, schema, table].map(quote).join(".");
        [(usual, true), (quoted, false)].into_iter().find(|(name, _)| self.taken.insert(name.clone()))
    }
}

/// Fills a template; what is filled in is not searched again.
fn fill(template: &str, place: Place<'_>) -> String {
    let fields = [("{database}", place.database), ("{schema}", place.schema), ("{table}", place.table)];
    let mut filled = String::new();
    let mut rest = template;
    while let Some(start) = rest.find('{') {
        filled.push_str(&rest[..start]);
        rest = &rest[start..];
        match fields.iter().find(|(field, _)| rest.starts_with(field)) {
            Some((field, value)) => {
                filled.push_str(value);
                rest = &rest[field.len()..];
            }
            None => {
                filled.push('{');
                rest = &rest[1..];
            }
        }
    }
    filled.push_str(rest);
    filled
}

/// Quotes an identifier.
fn quote(identifier: &str) -> String {
    format!("\"{}\"", identifier.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_is_filled_once() {
        let place = Place { database: "{table}", schema: "a b", table: "Ünï" };
        assert_eq!(fill("{database}.{schema}.{table}", place), "{table}.a b.Ünï");
        assert_eq!(fill("pg {x} {table}{", place), "pg {x} Ünï{");
    }

    #[test]
    fn no_two_relations_have_one_name() {
        let mut names = Names::default();
        let template = "{database}.{schema}.{table}";
        let one = Place { database: "d", schema: "a.b", table: "c" };
        let other = Place { database: "d", schema: "a", table: "b.c" };
        assert_eq!(names.name(template, one), Some(("d.a.b.c".to_owned(), true)));
        assert_eq!(names.name(template, other), Some(("\"d\".\"a\".\"b.c\"".to_owned(), false)));
        assert_eq!(names.name(template, other), None);
    }
}
