//! The statements of a repair, and their text.

use domesday_model::privileges::{Grantee, PrivilegeSet, Privileges, RelationIx, RoleIx};

use super::quote::quote_identifier;

/// What a statement changes privileges on.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Object {
    /// The database.
    Database,
    /// The schema of the relation that is repaired.
    Schema,
    /// The relation that is repaired.
    Relation,
    /// Columns of it, by position.
    Columns(Vec<u32>),
}

/// GRANT or REVOKE.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Action {
    /// As the owner of the object, which is what a superuser does.
    Grant,
    /// As one grantor.
    Revoke {
        /// The grantor; none for the owner.
        grantor: Option<RoleIx>,
        is_cascading: bool,
    },
}

/// One GRANT or REVOKE about a relation or what is around it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Statement {
    pub(crate) action: Action,
    pub(crate) privileges: PrivilegeSet,
    pub(crate) object: Object,
    pub(crate) grantee: Grantee,
}

/// How a statement is run as another role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SetRole {
    /// Until the end of the transaction, in a script that is one.
    Local,
    /// Until it is reset: a repair alone may be run without a transaction.
    Session,
}

impl Statement {
    pub(crate) fn grant(privileges: PrivilegeSet, object: Object, role: RoleIx) -> Self {
        Self { action: Action::Grant, privileges, object, grantee: Grantee::Role(role) }
    }

    /// Whether the statement changes more than the relation.
    pub(crate) fn is_wide(&self) -> bool {
        matches!(self.object, Object::Database | Object::Schema)
    }

    /// Returns the statement as SQL, with a semicolon.
    pub(crate) fn sql(&self, privileges: &Privileges, relation: RelationIx, set_role: SetRole) -> String {
        let of_relation = &privileges.relations[relation.get()];
        let schema = || quote_identifier(&privileges.schemas[of_relation.schema.get()].name);
        let role_name = |role: RoleIx| quote_identifier(&privileges.roles[role.get()].name);
        let (verb, preposition) = match self.action {
            Action::Grant => ("GRANT", "TO"),
            Action::Revoke { .. } => ("REVOKE", "FROM"),
        };
        let names: Vec<String> = match &self.object {
            Object::Columns(columns) => {
                let columns = columns.iter().map(|column| &of_relation.columns[*column as usize].name);
                let columns: Vec<String> = columns.map(|column| quote_identifier(column)).collect();
                let columns = columns.join(", ");
                self.privileges.names().map(|name| format!("{name} ({columns})")).collect()
            }
            _ => self.privileges.names().map(str::to_owned).collect(),
        };
        let object = match &self.object {
            Object::Database => format!("DATABASE {}", quote_identifier(&privileges.database.name)),
            Object::Schema => format!("SCHEMA {}", schema()),
            Object::Relation | Object::Columns(_) => {
                format!("{}.{}", schema(), quote_identifier(&of_relation.name))
            }
        };
        let grantee = match self.grantee {
            Grantee::Public => "PUBLIC".to_owned(),
            Grantee::Role(role) => role_name(role),
        };
        let mut sql = format!("{verb} {} ON {object} {preposition} {grantee}", names.join(", "));
        if let Action::Revoke { grantor, is_cascading } = self.action {
            if is_cascading {
                sql.push_str(" CASCADE");
            }
            sql.push(';');
            if let Some(grantor) = grantor {
                let set = if set_role == SetRole::Local { "SET LOCAL ROLE" } else { "SET ROLE" };
                sql = format!("{set} {};\n{sql}\nRESET ROLE;", role_name(grantor));
            }
        } else {
            sql.push(';');
        }
        sql
    }
}

#[cfg(test)]
mod tests {
    use domesday_model::privileges::{Column, Relation, RelationKind, Schema, SchemaIx};

    use super::*;
    use crate::repair::fixtures::privileges;

    fn shop() -> Privileges {
        let column = |name: &str| Column { name: name.to_owned(), access_list: None };
        let mut shop = privileges(3, &[], &[]);
        shop.roles[2].name = "Ada's \"role\"".to_owned();
        shop.schemas = vec![Schema { name: "Sales".to_owned(), owner: RoleIx(0), access_list: None }];
        shop.relations = vec![Relation {
            schema: SchemaIx(0),
            name: "order".to_owned(),
            kind: RelationKind::Table,
            owner: RoleIx(0),
            access_list: None,
            columns: vec![column("id"), column("naïve")],
            has_row_security: false,
            forces_row_security: false,
        }];
        shop
    }

    #[test]
    fn statements_are_written_with_quoted_names() {
        let shop = shop();
        let sql = |statement: &Statement| statement.sql(&shop, RelationIx(0), SetRole::Local);
        let select = PrivilegeSet::SELECT;
        let write = PrivilegeSet::INSERT.union(PrivilegeSet::UPDATE);
        assert_eq!(
            sql(&Statement::grant(select, Object::Columns(vec![0, 1]), RoleIx(2))),
            "GRANT SELECT (id, \"naïve\") ON \"Sales\".\"order\" TO \"Ada's \"\"role\"\"\";"
        );
        assert_eq!(
            sql(&Statement::grant(write, Object::Columns(vec![0]), RoleIx(1))),
            "GRANT INSERT (id), UPDATE (id) ON \"Sales\".\"order\" TO r1;"
        );
        assert_eq!(
            sql(&Statement::grant(PrivilegeSet::CONNECT, Object::Database, RoleIx(1))),
            "GRANT CONNECT ON DATABASE shop TO r1;"
        );
        let revoke = |grantor, is_cascading, object, privileges| Statement {
            action: Action::Revoke { grantor, is_cascading },
            privileges,
            object,
            grantee: Grantee::Public,
        };
        assert_eq!(
            sql(&revoke(None, true, Object::Relation, write)),
            "REVOKE INSERT, UPDATE ON \"Sales\".\"order\" FROM PUBLIC CASCADE;"
        );
        let by_grantor = revoke(Some(RoleIx(1)), false, Object::Schema, PrivilegeSet::USAGE);
        assert_eq!(
            sql(&by_grantor),
            "SET LOCAL ROLE r1;\nREVOKE USAGE ON SCHEMA \"Sales\" FROM PUBLIC;\nRESET ROLE;"
        );
        assert!(by_grantor.sql(&shop, RelationIx(0), SetRole::Session).starts_with("SET ROLE r1;"));
    }
}
