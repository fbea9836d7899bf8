//! The names that connections give to new data sources.

use std::collections::HashSet;

/// Gives each data source of a connection a name of its own.
#[derive(Debug, Default)]
pub(crate) struct Names {
    taken: HashSet<String>,
}

impl Names {
    /// Returns the name that a template gives, unless it is taken: then the place with each part quoted as SQL would, which no
    /// other data source has.
    pub(crate) fn name(
        &mut self,
        template: &str,
        database: Option<&str>,
        schema: Option<&str>,
        table: &str,
    ) -> String {
        let usual = fill(template, database, schema, table);
        if self.taken.insert(usual.clone()) {
            return usual;
        }
        let parts = [database, schema, Some(table)].into_iter().flatten();
        let quoted: Vec<_> = parts.map(|part| format!("\"{}\"", part.replace('"', "\"\""))).collect();
        let quoted = quoted.join(".");
        self.taken.insert(quoted.clone());
        quoted
    }
}

/// Fills the template of a connection (`{database}.{schema}.{table}`). A field without a value is left out together with
/// the dot behind it.
fn fill(template: &str, database: Option<&str>, schema: Option<&str>, table: &str) -> String {
    let mut name = String::with_capacity(template.len() + table.len());
    let mut rest = template;
    while let Some(start) = rest.find('{') {
        name.push_str(&rest[..start]);
        rest = &rest[start..];
        let fields = [("{database}", database), ("{schema}", schema), ("{table}", Some(table))];
        let field = fields.into_iter().find_map(|(field, value)| Some((rest.strip_prefix(field)?, value)));
        match field {
            Some((after, Some(value))) => {
                name.push_str(value);
                rest = after;
            }
            Some((after, None)) => rest = after.strip_prefix('.').unwrap_or(after),
            None => {
                name.push('{');
                rest = &rest[1..];
            }
        }
    }
    name.push_str(rest);
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_filled_once_and_missing_ones_are_left_out() {
        let name = |template| fill(template, Some("fin"), Some("{table}"), "orders");
        assert_eq!(name("{database}.{schema}.{table}"), "fin.{table}.orders");
        assert_eq!(name("dwh/{table} in {database} {x}"), "dwh/orders in fin {x}");
        assert_eq!(fill("{database}.{schema}.{table}", None, Some("s"), "t"), "s.t");
        assert_eq!(fill("{table} {database}", None, None, "t"), "t ");
    }

    #[test]
    fn a_name_that_is_taken_is_not_given_again() {
        let mut names = Names::default();
        let mut name = |schema| names.name("{table}", Some("fin"), Some(schema), "orders");
        assert_eq!([name("a"), name("b")], ["orders", "\"fin\".\"b\".\"orders\""]);
    }
}
