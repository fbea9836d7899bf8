//! Identifiers are quoted where PostgreSQL quotes them.

use domesday_drift::quote_identifier;

use crate::postgres_server::Server;

#[test]
fn identifiers_are_quoted_as_postgresql_quotes_them() {
    let mut client = Server::shared().client("postgres");
    let keywords = client.query("SELECT word FROM pg_get_keywords()", &[]).unwrap();
    let mut names: Vec<String> = keywords.iter().map(|row| row.get(0)).collect();
    assert!(names.len() > 400);
    let odd = ["a", "A", "a b", "ü", "a\"b", "_a", "1a", "a1", "a$", "a\nb", "'", "public", "user", "name"];
    names.extend(odd.map(str::to_owned));
    let version: i32 =
        client.query_one("SELECT current_setting('server_version_num')::int / 10000", &[]).unwrap().get(0);
    for name in names {
        let quoted: String = client.query_one("SELECT quote_ident($1)", &[&name]).unwrap().get(0);
        // A keyword of a later version is quoted before it is one.
        let is_newer = version < 17 && (name.starts_with("json") || name == "system_user");
        if !is_newer {
            assert_eq!(quote_identifier(&name), quoted, "{name}");
        }
    }
}
