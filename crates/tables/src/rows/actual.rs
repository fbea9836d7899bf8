//! actual-access and access-drift: what the databases of connections really allow, and where that differs from policy.

use domesday_drift::{AccessRow, Drift, Finding};
use domesday_model::privileges::RoleIx;

use super::{RowContext, Rows};
use crate::{EncodeError, json};

pub(crate) fn actual_access(world: &RowContext<'_>, rows: &mut Rows<'_>) -> Result<(), EncodeError> {
    for drift in world.drifts {
        for access in drift.accesses() {
            access_row(world, drift, &access, rows)?;
        }
    }
    Ok(())
}

fn access_row(
    world: &RowContext<'_>,
    drift: &Drift,
    row: &AccessRow<'_>,
    rows: &mut Rows<'_>,
) -> Result<(), EncodeError> {
    let database = drift.database();
    let user = row.user.map(|user| world.user_at(user));
    let source = &world.snapshot.data_sources[row.source.get()];
    let name = |role: RoleIx| database.privileges.roles[role.get()].name.as_str();
    let of_relation = &database.privileges.relations[row.relation.get()].columns;
    let columns = row.access.columns.as_deref().map(|reached| {
        json::strings(reached.iter().map(|column| of_relation[*column as usize].name.as_str()))
    });
    rows.row()
        .text("connection", &database.connection)
        .text("role_name", name(row.role))
        .optional_uuid("global_user_id", user.map(|user| user.global_id))
        .optional_text("username", user.map(|user| &*user.username))
        .integer("datasource_id", source.id.0)
        .text("datasource_name", &source.name)
        .text("scope", row.scope.as_str())
        .text("via", &json::strings(row.access.path.words(name)))
        .optional_text("columns", columns.as_deref())
        .boolean("is_row_filtered", row.access.is_row_filtered)
        .instant("observed_at", database.privileges.observed_at)
        .end()
}

pub(crate) fn access_drift(world: &RowContext<'_>, rows: &mut Rows<'_>) -> Result<(), EncodeError> {
    for drift in world.drifts {
        for finding in drift.findings() {
            finding_row(world, drift, &finding, rows)?;
        }
    }
    Ok(())
}

fn finding_row(
    world: &RowContext<'_>,
    drift: &Drift,
    finding: &Finding<'_>,
    rows: &mut Rows<'_>,
) -> Result<(), EncodeError> {
    let database = drift.database();
    let user = finding.user.map(|user| world.user_at(user));
    let source = &world.snapshot.data_sources[finding.source.get()];
    let role = finding.role.map(|role| database.privileges.roles[role.get()].name.as_str());
    let column = finding.column.map(|column| world.snapshot.columns[column.get()].id.0);
    let guardrails = finding.guardrail_ids();
    rows.row()
        .text("connection", &database.connection)
        .text("kind", finding.kind.as_str())
        .optional_text("role_name", role)
        .optional_uuid("global_user_id", user.map(|user| user.global_id))
        .optional_text("username", user.map(|user| &*user.username))
        .integer("datasource_id", source.id.0)
        .text("datasource_name", &source.name)
        .optional_integer("column_id", column)
        .text("scope", finding.scope.as_str())
        .optional_text("via", finding.via_words().map(json::strings).as_deref())
        .text("guardrail_policy_ids", &json::numbers(guardrails.iter().map(|id| id.0)))
        .text("detail", &finding.detail())
        .optional_text("repair", finding.repair().as_deref())
        .instant("observed_at", database.privileges.observed_at)
        .end()
}
