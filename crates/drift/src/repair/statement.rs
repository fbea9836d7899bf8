//! The statements of a repair, and their text.

use domesday_model::privileges::{Grantee, PrivilegeSet, Privileges, RoleIx, SchemaIx};

use super::quote::quote_identifier;
use crate::template::Template;

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

    /// Appends the statement as SQL, with a semicolon, as it is for every relation of a schema.
    pub(crate) fn append_to(
        &self,
        sql: Template,
        privileges: &Privileges,
        schema: SchemaIx,
        set_role: SetRole,
    ) -> Template {
        let role_name = |role: RoleIx| quote_identifier(&privileges.roles[role.get()].name);
        let (verb, preposition, grantor, end) = match self.action {
            Action::Grant => ("GRANT", "TO", None, ";"),
            Action::Revoke { grantor, is_cascading: false } => ("REVOKE", "FROM", grantor, ";"),
            Action::Revoke { grantor, is_cascading: true } => ("REVOKE", "FROM", grantor, " CASCADE;"),
        };
        let mut sql = sql;
        if let Some(grantor) = grantor {
            let set = if set_role == SetRole::Local { "SET LOCAL ROLE" } else { "SET ROLE" };
            sql = sql.text(format_args!("{set} {};\n", role_name(grantor)));
        }
        sql = sql.text(verb);
        for (position, name) in self.privileges.names().enumerate() {
            sql = sql.text(if position > 0 { ", " } else { " " }).text(name);
            if let Object::Columns(columns) = &self.object {
                for (position, column) in columns.iter().enumerate() {
                    sql = sql.text(if position > 0 { ", " } else { " (" }).column(*column);
                }
                sql = sql.text(")");
            }
        }
        sql = sql.text(" ON ");
        sql = match &self.object {
            Object::Database => {
                sql.text(format_args!("DATABASE {}", quote_identifier(&privileges.database.name)))
            }
            Object::Schema => {
                sql.text(format_args!("SCHEMA {}", quote_identifier(&privileges.schemas[schema.get()].name)))
            }
            Object::Relation | Object::Columns(_) => sql.relation(),
        };
        let grantee = match self.grantee {
            Grantee::Public => "PUBLIC".to_owned(),
            Grantee::Role(role) => role_name(role),
        };
        sql = sql.text(format_args!(" {preposition} {grantee}{end}"));
        if grantor.is_some() { sql.text("\nRESET ROLE;") } else { sql }
    }
}

#[cfg(test)]
mod tests {
    use domesday_model::privileges::{Column, Relation, RelationIx, RelationKind, Schema};

    use super::*;
    use crate::repair::fixtures::privileges;
    use crate::template::RelationNames;

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
        let sql_as = |statement: &Statement, set_role| {
            let template = statement.append_to(Template::default(), &shop, SchemaIx(0), set_role);
            template.fill(RelationNames::quoted_in(&shop, RelationIx(0)))
        };
        let sql = |statement: &Statement| sql_as(statement, SetRole::Local);
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
        assert!(sql_as(&by_grantor, SetRole::Session).starts_with("SET ROLE r1;"));
    }
}
