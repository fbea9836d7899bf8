//! Every row of actual-access and access-drift, one by one, as the library that compares says it.

use domesday_drift::{AccessRow, Drift, Finding};
use domesday_model::privileges::RoleIx;
use serde_json::{Value, json};

use crate::world::{AT, Row};

fn role_name(drift: &Drift, role: RoleIx) -> &str {
    &drift.database().privileges.roles[role.get()].name
}

fn json_text<T: Into<Value>>(items: impl IntoIterator<Item = T>) -> String {
    Value::from(items.into_iter().map(Into::into).collect::<Vec<Value>>()).to_string()
}

fn row(value: Value) -> Row {
    let Value::Object(row) = value else { unreachable!("written as an object") };
    row
}

pub(crate) fn actual_access(drifts: &[Drift]) -> Vec<Row> {
    let of_database =
        |drift: &'_ Drift| drift.accesses().map(|it| access_row(drift, &it)).collect::<Vec<_>>();
    drifts.iter().flat_map(of_database).collect()
}

fn access_row(drift: &Drift, access: &AccessRow<'_>) -> Row {
    let (database, snapshot) = (drift.database(), drift.snapshot());
    let user = access.user.map(|user| &snapshot.users[user.get()]);
    let source = &snapshot.data_sources[access.source.get()];
    let names = &database.privileges.relations[access.relation.get()].columns;
    let columns = access.access.columns.as_deref();
    row(json!({
        "connection": database.connection,
        "role_name": role_name(drift, access.role),
        "global_user_id": user.map(|user| user.global_id.to_string()),
        "username": user.map(|user| user.username.to_string()),
        "datasource_id": source.id.0,
        "datasource_name": source.name,
        "scope": access.scope.as_str(),
        "via": json_text(access.access.path.words(|role| role_name(drift, role))),
        "columns": columns.map(|it| json_text(it.iter().map(|at| names[*at as usize].name.as_str()))),
        "is_row_filtered": access.access.is_row_filtered,
        "observed_at": database.privileges.observed_at.to_string(),
        "export_date": AT,
    }))
}

pub(crate) fn access_drift(drifts: &[Drift]) -> Vec<Row> {
    drifts.iter().flat_map(|drift| drift.findings().map(|it| finding_row(&it)).collect::<Vec<_>>()).collect()
}

fn finding_row(finding: &Finding<'_>) -> Row {
    let drift = finding.drift();
    let (database, snapshot) = (drift.database(), drift.snapshot());
    let user = finding.user.map(|user| &snapshot.users[user.get()]);
    let source = &snapshot.data_sources[finding.source.get()];
    row(json!({
        "connection": database.connection,
        "kind": finding.kind.as_str(),
        "role_name": finding.role.map(|role| role_name(drift, role)),
        "global_user_id": user.map(|user| user.global_id.to_string()),
        "username": user.map(|user| user.username.to_string()),
        "datasource_id": source.id.0,
        "datasource_name": source.name,
        "column_id": finding.column.map(|column| snapshot.columns[column.get()].id.0),
        "scope": finding.scope.as_str(),
        "via": finding.via_words().map(json_text),
        "guardrail_policy_ids": json_text(finding.guardrail_ids().iter().map(|id| id.0)),
        "detail": finding.detail(),
        "repair": finding.repair(),
        "observed_at": database.privileges.observed_at.to_string(),
        "export_date": AT,
    }))
}
