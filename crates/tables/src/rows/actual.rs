//! actual-access: what the databases of connections really allow.

use std::collections::HashMap;

use domesday_actual::{ActualAccess, RelationClass, RelationClassIx, RoleAccess};
use domesday_model::privileges::{ObservedDatabase, RoleIx, RoleOwners};
use domesday_model::{DataSourceIx, Scope, UserIx};

use super::{RowContext, Rows};
use crate::{EncodeError, json};

pub(crate) fn actual_access(world: &RowContext<'_>, rows: &mut Rows<'_>) -> Result<(), EncodeError> {
    for database in &world.snapshot.databases {
        of_database(world, database, rows)?;
    }
    Ok(())
}

/// One role of a class of relations, with what all of them have in common.
struct ClassRow<'a> {
    scope: Scope,
    role: RoleIx,
    access: &'a RoleAccess,
    via: String,
}

fn of_database(
    world: &RowContext<'_>,
    database: &ObservedDatabase,
    rows: &mut Rows<'_>,
) -> Result<(), EncodeError> {
    let privileges = &database.privileges;
    let access = ActualAccess::new(privileges);
    let owners = RoleOwners::of_snapshot(&database.identify, world.snapshot);
    let user_of: Vec<Option<UserIx>> = privileges.roles.iter().map(|role| owners.user(&role.name)).collect();
    let sources = database.data_sources(world.snapshot);
    let mut relations: Vec<(DataSourceIx, usize)> =
        sources.iter().enumerate().filter_map(|(position, source)| Some(((*source)?, position))).collect();
    relations.sort_unstable();
    let mut rows_of_class: HashMap<RelationClassIx, Vec<ClassRow<'_>>> = HashMap::new();
    for (source, position) in relations {
        let class = access.class_of[position];
        let of_class = rows_of_class
            .entry(class)
            .or_insert_with(|| class_rows(database, &access.classes[class.0 as usize]));
        let source = &world.snapshot.data_sources[source.get()];
        let columns = &privileges.relations[position].columns;
        for row in of_class {
            let user = user_of[row.role.get()].map(|user| world.user_at(user));
            let columns = row.access.columns.as_deref().map(|reached| {
                json::strings(reached.iter().map(|column| columns[*column as usize].name.as_str()))
            });
            rows.row()
                .text("connection", &database.connection)
                .text("role_name", &privileges.roles[row.role.get()].name)
                .optional_uuid("global_user_id", user.map(|user| user.global_id))
                .optional_text("username", user.map(|user| &*user.username))
                .integer("datasource_id", source.id.0)
                .text("datasource_name", &source.name)
                .text("scope", row.scope.as_str())
                .text("via", &row.via)
                .optional_text("columns", columns.as_deref())
                .boolean("is_row_filtered", row.access.is_row_filtered)
                .instant("observed_at", privileges.observed_at)
                .end()?;
        }
    }
    Ok(())
}

/// Returns the roles of a class of relations, by scope and name.
fn class_rows<'a>(database: &ObservedDatabase, class: &'a RelationClass) -> Vec<ClassRow<'a>> {
    let roles = &database.privileges.roles;
    let name = |role: RoleIx| roles[role.get()].name.as_str();
    let mut rows = Vec::new();
    for scope in [Scope::Read, Scope::Write] {
        for access in class.scope(scope) {
            let via = json::strings(access.path.words(name).into_iter());
            let of_role = |role: &RoleIx| ClassRow { scope, role: *role, access, via: via.clone() };
            rows.extend(access.roles.iter().map(of_role));
        }
    }
    rows.sort_by(|one, other| (one.scope, name(one.role)).cmp(&(other.scope, name(other.role))));
    rows
}
