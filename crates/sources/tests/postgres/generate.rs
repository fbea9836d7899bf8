//! Random databases: roles, memberships, relations and privileges that reach every rule.

use std::fmt::Write;

use crate::cluster::Random;

/// One database to be made.
pub(crate) struct Generated {
    /// What the names of its roles begin with: roles belong to the whole cluster.
    pub(crate) prefix: String,
    /// The script that makes roles and everything in the database, run inside it.
    pub(crate) sql: String,
    /// The script that takes the roles away once the database is gone.
    pub(crate) cleanup: String,
}

const PASSWORD: &str = "secret";

/// A database that depends on the seed alone.
pub(crate) fn database(seed: u64, version: u32) -> Generated {
    let mut random = Random(seed);
    let prefix = format!("s{seed}_");
    let mut sql = String::new();
    let count = 5 + random.below(8);
    // Odd names as well: quoted, mixed case, not ASCII.
    let odd = ["", " B", "'ü\"\""];
    let roles: Vec<String> =
        (0..count).map(|number| format!("\"{prefix}{number}{}\"", random.pick(&odd))).collect();
    for role in &roles {
        let mut options = String::new();
        options += if random.chance(65) { " LOGIN" } else { " NOLOGIN" };
        options += if random.chance(75) { " INHERIT" } else { " NOINHERIT" };
        if random.chance(4) {
            options += " SUPERUSER";
        }
        if random.chance(10) {
            options += " BYPASSRLS";
        }
        options += random.pick::<&str>(&[
            "",
            "",
            "",
            "",
            " VALID UNTIL '2001-01-01'",
            " VALID UNTIL 'infinity'",
            " VALID UNTIL '2999-01-01'",
        ]);
        let _ = writeln!(sql, "CREATE ROLE {role} PASSWORD '{PASSWORD}' {options};");
    }
    memberships(&mut random, &mut sql, &roles, version);
    objects(&mut random, &mut sql, &roles);
    let cleanup = roles.iter().map(|role| format!("DROP ROLE {role};")).collect();
    Generated { prefix, sql, cleanup }
}

fn memberships(random: &mut Random, sql: &mut String, roles: &[String], version: u32) {
    for member in 0..roles.len() {
        // Only towards higher numbers, so that no role is a member of itself.
        for role in member + 1..roles.len() {
            if random.chance(22) {
                let _ = write!(sql, "GRANT {} TO {}", roles[role], roles[member]);
                if version >= 16 {
                    let word = |yes| if yes { "TRUE" } else { "FALSE" };
                    let (inherit, set) = (word(random.chance(65)), word(random.chance(65)));
                    let _ = write!(sql, " WITH INHERIT {inherit}, SET {set}");
                }
                sql.push_str(";\n");
            }
        }
        for predefined in ["pg_read_all_data", "pg_write_all_data"] {
            if version >= 14 && random.chance(5) {
                let _ = writeln!(sql, "GRANT {predefined} TO {};", roles[member]);
            }
        }
    }
}

fn objects(random: &mut Random, sql: &mut String, roles: &[String]) {
    let _ = writeln!(sql, "ALTER DATABASE current OWNER TO {};", random.pick(roles));
    if random.chance(50) {
        let _ = writeln!(sql, "REVOKE CONNECT ON DATABASE current FROM PUBLIC;");
        for role in roles {
            if random.chance(45) {
                let _ = writeln!(sql, "GRANT CONNECT ON DATABASE current TO {role};");
            }
        }
    }
    if random.chance(40) {
        let _ = writeln!(sql, "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO {};", random.pick(roles));
    }
    for schema in ["public", "one", "\"Two ü\""] {
        if schema != "public" {
            let _ = writeln!(sql, "CREATE SCHEMA {schema} AUTHORIZATION {};", random.pick(roles));
        } else if random.chance(30) {
            let _ = writeln!(sql, "REVOKE ALL ON SCHEMA public FROM PUBLIC;");
        }
        for role in roles {
            if random.chance(20) {
                let _ = writeln!(sql, "GRANT USAGE ON SCHEMA {schema} TO {role};");
            }
        }
        if random.chance(10) {
            let _ = writeln!(sql, "GRANT USAGE ON SCHEMA {schema} TO PUBLIC;");
        }
        if random.chance(10) {
            // Takes the owner's own privileges away as well: the list becomes empty, not default.
            let _ = writeln!(sql, "REVOKE ALL ON SCHEMA {schema} FROM PUBLIC, {};", roles.join(", "));
        }
        for number in 0..1 + random.below(3) {
            relation(random, sql, roles, &format!("{schema}.\"T {number}\""));
        }
    }
}

fn relation(random: &mut Random, sql: &mut String, roles: &[String], name: &str) {
    let columns = "(a int, \"B ü\" text, gone int, c date)";
    let kind = random.below(6);
    let _ = match kind {
        0 => writeln!(sql, "CREATE VIEW {name} AS SELECT 1 AS a, 'x'::text AS \"B ü\", now() AS c;"),
        1 => writeln!(
            sql,
            "CREATE MATERIALIZED VIEW {name} AS SELECT 1 AS a, 'x'::text AS \"B ü\", now() AS c;"
        ),
        2 => writeln!(
            sql,
            "CREATE TABLE {name} {columns} PARTITION BY LIST (a);
             CREATE TABLE {name_part} PARTITION OF {name} DEFAULT;",
            name_part = name.replace("\"T ", "\"part ")
        ),
        _ => writeln!(sql, "CREATE TABLE {name} {columns};"),
    };
    let is_table = kind >= 2;
    if is_table {
        let _ = writeln!(sql, "ALTER TABLE {name} DROP COLUMN gone;");
    }
    let owner = random.pick(roles).clone();
    let _ = writeln!(sql, "ALTER TABLE {name} OWNER TO {owner};");
    let privileges = ["SELECT", "SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "ALL"];
    for role in roles {
        if random.chance(18) {
            let _ = writeln!(sql, "GRANT {} ON {name} TO {role};", random.pick(&privileges));
        }
        if random.chance(15) {
            let privilege = random.pick(&["SELECT", "INSERT", "UPDATE", "REFERENCES"]);
            let columns = random.pick(&["a", "\"B ü\"", "a, c", "a, \"B ü\", c"]);
            let _ = writeln!(sql, "GRANT {privilege} ({columns}) ON {name} TO {role};");
        }
    }
    if random.chance(8) {
        let _ = writeln!(sql, "GRANT {} ON {name} TO PUBLIC;", random.pick(&privileges));
    }
    if random.chance(8) {
        let _ = writeln!(sql, "GRANT SELECT (a) ON {name} TO PUBLIC;");
    }
    if random.chance(15) {
        let _ = writeln!(sql, "REVOKE ALL ON {name} FROM {owner};");
    }
    if is_table && random.chance(35) {
        let force = if random.chance(40) { ", FORCE ROW LEVEL SECURITY" } else { "" };
        let _ = writeln!(sql, "ALTER TABLE {name} ENABLE ROW LEVEL SECURITY{force};");
    }
}
