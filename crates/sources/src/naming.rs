//! The names that connections give to new data sources.

/// Fills the template of a connection (`{database}.{schema}.{table}`). A field without a value is left out together with
/// the dot behind it.
pub(crate) fn data_source_name(
    template: &str,
    database: Option<&str>,
    schema: Option<&str>,
    table: &str,
) -> String {
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
        let name = |template| data_source_name(template, Some("fin"), Some("{table}"), "orders");
        assert_eq!(name("{database}.{schema}.{table}"), "fin.{table}.orders");
        assert_eq!(name("dwh/{table} in {database} {x}"), "dwh/orders in fin {x}");
        assert_eq!(data_source_name("{database}.{schema}.{table}", None, Some("s"), "t"), "s.t");
        assert_eq!(data_source_name("{table} {database}", None, None, "t"), "t ");
    }
}
