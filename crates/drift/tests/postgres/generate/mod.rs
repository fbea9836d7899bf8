//! Random databases with random catalogs that reach every kind of finding and of repair.

mod catalog;

use std::fmt::Write;

use serde_json::{Value, json};

use crate::cluster::Random;

/// A database to be made, with the catalog that it is compared with.
pub(crate) struct Generated {
    /// Makes roles and everything in the database, run inside it.
    pub(crate) sql: String,
    /// Takes the roles away once the database is gone.
    pub(crate) cleanup: String,
    /// The catalog, but for the name of the database.
    pub(crate) catalog: Value,
    /// Which role belongs to whom.
    pub(crate) identify: Value,
}

struct Generator {
    random: Random,
    sql: String,
    version: u32,
    /// Of persons, of groups and of services.
    roles: Vec<String>,
    users: Vec<String>,
    /// Schema and name of each relation.
    relations: Vec<(String, String)>,
    /// Two roles that one person may become: one gets USAGE, the other privileges.
    apart: Option<(String, String)>,
}

/// What a database depends on: the seed and the server's version.
pub(crate) fn generate(seed: u64, version: u32) -> Generated {
    let mut generator = Generator {
        random: Random(seed),
        sql: String::new(),
        version,
        roles: Vec::new(),
        users: Vec::new(),
        relations: Vec::new(),
        apart: None,
    };
    let identify = generator.people(&format!("d{seed}_"));
    generator.memberships();
    generator.tell_apart(&format!("d{seed}_"));
    generator.database();
    for schema in ["public", "Two ü"] {
        generator.schema(schema);
    }
    generator.late_changes();
    let catalog = generator.catalog();
    let cleanup = generator.roles.iter().map(|role| format!("DROP ROLE {};", quoted(role))).collect();
    Generated { sql: generator.sql, cleanup, catalog, identify }
}

/// Every identifier in quotes, so that the product's own quoting is not relied on.
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

impl Generator {
    fn line(&mut self, sql: &str) {
        let _ = writeln!(self.sql, "{sql};");
    }

    /// A statement that may be refused.
    fn attempt(&mut self, sql: &str) {
        let _ = writeln!(self.sql, "DO $$ BEGIN {sql}; EXCEPTION WHEN OTHERS THEN NULL; END $$;");
    }

    fn role(&mut self) -> String {
        let role = self.random.pick(&self.roles).clone();
        quoted(&role)
    }

    fn create_role(&mut self, name: String, login: usize) {
        let mut options = String::new();
        options += if self.random.chance(login) { " LOGIN" } else { " NOLOGIN" };
        options += if self.random.chance(85) { " INHERIT" } else { " NOINHERIT" };
        if self.random.chance(2) {
            options += " SUPERUSER";
        }
        if self.random.chance(6) {
            options += " BYPASSRLS";
        }
        if self.random.chance(8) {
            options += " VALID UNTIL '2001-01-01'";
        }
        self.line(&format!("CREATE ROLE {}{options}", quoted(&name)));
        self.roles.push(name);
    }

    fn people(&mut self, prefix: &str) -> Value {
        let odd = ["", " B", "'ü\""];
        let mut explicit = serde_json::Map::new();
        for number in 0..4 + self.random.below(4) {
            let name = format!("{prefix}u{number}{}", self.random.pick(&odd));
            if self.random.chance(85) {
                self.create_role(name.clone(), 88);
            }
            if self.random.chance(25) {
                self.create_role(format!("{name}_ro"), 85);
            }
            self.users.push(name);
        }
        for number in 0..2 + self.random.below(3) {
            // A line break must not end a comment.
            let end = *self.random.pick(&["", "\n; --"]);
            self.create_role(format!("{prefix}team{number}{end}"), 6);
        }
        if self.random.chance(60) {
            self.create_role(format!("{prefix}service"), 90);
        }
        if self.random.chance(40) {
            let name = format!("{prefix}etl");
            self.create_role(name.clone(), 90);
            explicit.insert(name, json!(self.random.pick(&self.users)));
        }
        json!([{ "roles": explicit }, "username", { "template": "{username}_ro" }])
    }

    fn memberships(&mut self) {
        let count = self.roles.len();
        for member in 0..count {
            for role in member + 1..count {
                let is_team = self.roles[role].contains("team");
                if !self.random.chance(if is_team { 32 } else { 3 }) {
                    continue;
                }
                let mut sql =
                    format!("GRANT {} TO {}", quoted(&self.roles[role]), quoted(&self.roles[member]));
                if self.version >= 16 {
                    let word = |yes| if yes { "TRUE" } else { "FALSE" };
                    let (inherit, set) = (word(self.random.chance(75)), word(self.random.chance(75)));
                    let _ = write!(sql, " WITH INHERIT {inherit}, SET {set}");
                }
                self.line(&sql);
            }
            for predefined in ["pg_read_all_data", "pg_write_all_data"] {
                if self.version >= 14 && self.random.chance(2) {
                    let member = quoted(&self.roles[member]);
                    self.line(&format!("GRANT {predefined} TO {member}"));
                }
            }
        }
    }

    /// Makes a person who may become one role with USAGE and another with privileges.
    fn tell_apart(&mut self, prefix: &str) {
        if !self.random.chance(25) {
            return;
        }
        let options = if self.version >= 16 { " WITH INHERIT FALSE, SET TRUE" } else { "" };
        let person = format!("{prefix}apart");
        self.line(&format!("CREATE ROLE {} LOGIN NOINHERIT", quoted(&person)));
        let others = ["usage", "privileges"].map(|end| format!("{prefix}apart_{end}"));
        for other in &others {
            self.line(&format!("CREATE ROLE {}", quoted(other)));
            self.line(&format!("GRANT {} TO {}{options}", quoted(other), quoted(&person)));
            self.roles.push(other.clone());
        }
        self.users.push(person.clone());
        self.roles.push(person);
        let [usage, privileges] = others;
        self.apart = Some((quoted(&usage), quoted(&privileges)));
    }

    fn database(&mut self) {
        if self.random.chance(50) {
            let owner = self.role();
            self.line(&format!("ALTER DATABASE current OWNER TO {owner}"));
        }
        if self.random.chance(50) {
            self.line("REVOKE CONNECT ON DATABASE current FROM PUBLIC");
            for role in self.roles.clone() {
                if self.random.chance(65) {
                    self.line(&format!("GRANT CONNECT ON DATABASE current TO {}", quoted(&role)));
                }
            }
        }
    }

    fn schema(&mut self, schema: &str) {
        let name = quoted(schema);
        if schema == "public" {
            if self.random.chance(65) {
                self.line("REVOKE ALL ON SCHEMA public FROM PUBLIC");
            }
        } else {
            let owner = self.role();
            self.line(&format!("CREATE SCHEMA {name} AUTHORIZATION {owner}"));
        }
        for role in self.roles.clone() {
            if self.random.chance(45) {
                let option = if self.random.chance(15) { " WITH GRANT OPTION" } else { "" };
                self.line(&format!("GRANT USAGE ON SCHEMA {name} TO {}{option}", quoted(&role)));
            }
        }
        if let Some((usage, _)) = self.apart.clone() {
            self.line(&format!("GRANT USAGE ON SCHEMA {name} TO {usage}"));
        }
        for _ in 0..self.random.below(3) {
            let (grantor, grantee) = (self.role(), self.role());
            self.attempt(&format!(
                "SET ROLE {grantor}; GRANT USAGE ON SCHEMA {name} TO {grantee}; RESET ROLE"
            ));
        }
        if self.random.chance(8) {
            self.line(&format!("GRANT USAGE ON SCHEMA {name} TO PUBLIC"));
        }
        for number in 0..1 + self.random.below(3) {
            self.relation(schema, &format!("T {number}"));
        }
    }

    fn relation(&mut self, schema: &str, table: &str) {
        let name = format!("{}.{}", quoted(schema), quoted(table));
        let columns = "(a int, \"B ü\" text, gone int, \"select\" date)";
        let kind = self.random.below(10);
        match kind {
            0 => self.line(&format!(
                "CREATE VIEW {name} AS SELECT 1 AS a, 'x'::text AS \"B ü\", now() AS \"select\""
            )),
            1 => self.line(&format!(
                "CREATE MATERIALIZED VIEW {name} AS SELECT 1 AS a, 'x'::text AS \"B ü\", now() AS \"select\""
            )),
            2 => self.line(&format!("CREATE TABLE {name} {columns} PARTITION BY LIST (a)")),
            _ => self.line(&format!("CREATE TABLE {name} {columns}")),
        }
        if kind >= 2 {
            self.line(&format!("ALTER TABLE {name} DROP COLUMN gone"));
        }
        if self.random.chance(35) {
            let owner = self.role();
            self.line(&format!("ALTER TABLE {name} OWNER TO {owner}"));
            if self.random.chance(15) {
                self.line(&format!("REVOKE ALL ON {name} FROM {owner}"));
            }
        }
        self.grants(&name);
        if kind >= 2 && self.random.chance(25) {
            let force = if self.random.chance(40) { ", FORCE ROW LEVEL SECURITY" } else { "" };
            self.line(&format!("ALTER TABLE {name} ENABLE ROW LEVEL SECURITY{force}"));
        }
        self.relations.push((schema.to_owned(), table.to_owned()));
    }

    fn grants(&mut self, name: &str) {
        let privileges = ["SELECT", "SELECT", "SELECT", "INSERT", "UPDATE, DELETE", "TRUNCATE", "ALL"];
        for role in self.roles.clone() {
            let role = quoted(&role);
            if self.random.chance(20) {
                let option = if self.random.chance(20) { " WITH GRANT OPTION" } else { "" };
                let privilege = *self.random.pick(&privileges);
                self.line(&format!("GRANT {privilege} ON {name} TO {role}{option}"));
            }
            if self.random.chance(12) {
                let option = if self.random.chance(20) { " WITH GRANT OPTION" } else { "" };
                let privilege = *self.random.pick(&["SELECT", "SELECT", "INSERT", "UPDATE"]);
                let columns = *self.random.pick(&["a", "\"B ü\"", "a, \"select\"", "a, \"B ü\", \"select\""]);
                self.line(&format!("GRANT {privilege} ({columns}) ON {name} TO {role}{option}"));
            }
        }
        if let Some((_, privileges)) = self.apart.clone() {
            self.line(&format!("GRANT SELECT ON {name} TO {privileges}"));
        }
        for _ in 0..self.random.below(4) {
            let (grantor, grantee) = (self.role(), self.role());
            let privilege =
                *self.random.pick(&["SELECT", "SELECT", "INSERT", "SELECT (a)", "SELECT (\"B ü\")"]);
            let option = if self.random.chance(30) { " WITH GRANT OPTION" } else { "" };
            self.attempt(&format!(
                "SET ROLE {grantor}; GRANT {privilege} ON {name} TO {grantee}{option}; RESET ROLE"
            ));
        }
        // Somebody grants further, and then may lose what it needs to take that back.
        if self.random.chance(40) {
            let (grantor, grantee) = (self.role(), self.role());
            let schema = &name[..name.find(".\"T ").unwrap_or_default()];
            let privilege = *self.random.pick(&["SELECT", "SELECT", "SELECT (a)", "UPDATE"]);
            self.line(&format!("GRANT USAGE ON SCHEMA {schema} TO {grantor}"));
            self.line(&format!("GRANT {privilege} ON {name} TO {grantor} WITH GRANT OPTION"));
            self.attempt(&format!(
                "SET ROLE {grantor}; GRANT {privilege} ON {name} TO {grantee}; RESET ROLE"
            ));
            if self.random.chance(30) {
                self.line(&format!("REVOKE USAGE ON SCHEMA {schema} FROM {grantor} CASCADE"));
            }
        }
        if self.random.chance(6) {
            let privilege = *self.random.pick(&["SELECT", "INSERT", "SELECT (a)"]);
            self.line(&format!("GRANT {privilege} ON {name} TO PUBLIC"));
        }
    }

    /// Changes that leave grants behind whose grantors can no longer revoke them.
    fn late_changes(&mut self) {
        if self.random.chance(20) {
            let role = self.role();
            self.line(&format!("REVOKE USAGE ON SCHEMA public FROM {role} CASCADE"));
        }
        if self.random.chance(8) {
            let role = self.role();
            self.line(&format!("ALTER ROLE {role} SUPERUSER"));
        }
    }
}
