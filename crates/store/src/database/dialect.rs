//! Translation from the dialect of SQLite, in which statements and definitions are written, to PostgreSQL's.

/// Translates a statement: placeholders, and the search for a substring.
pub(super) fn statement(sql: &str) -> String {
    sql.replace('?', "$").replace("instr(", "strpos(")
}

/// Translates table definitions. Texts compare by bytes, whatever the locale of the database.
pub(super) fn definitions(script: &str) -> String {
    let words = [
        (") STRICT, WITHOUT ROWID;", ");"),
        (") STRICT;", ");"),
        (" INTEGER", " BIGINT"),
        (" BLOB", " BYTEA"),
        (" TEXT", " TEXT COLLATE \"C\""),
    ];
    words.into_iter().fold(script.to_owned(), |script, (from, to)| script.replace(from, to))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_and_definitions_are_translated() {
        assert_eq!(
            statement("SELECT a FROM t WHERE instr(b, ?2) > 0 AND c = ?1"),
            "SELECT a FROM t WHERE strpos(b, $2) > 0 AND c = $1"
        );
        assert_eq!(
            definitions("CREATE TABLE t (a INTEGER, b TEXT NOT NULL, c BLOB) STRICT, WITHOUT ROWID;"),
            "CREATE TABLE t (a BIGINT, b TEXT COLLATE \"C\" NOT NULL, c BYTEA);"
        );
    }
}
