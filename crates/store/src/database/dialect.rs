//! The few words in which PostgreSQL differs. Statements and definitions are written in SQLite's.

/// A statement in PostgreSQL's words: placeholders, and the search for a text in another.
pub(super) fn statement(sql: &str) -> String {
    sql.replace('?', "$").replace("instr(", "strpos(")
}

/// Definitions of tables in PostgreSQL's words. Texts compare by their bytes, whatever the database's locale.
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
    fn statements_and_definitions_are_put_into_postgresqls_words() {
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
