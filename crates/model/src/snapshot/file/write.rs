//! Writes a snapshot. Every field is named, so that none that is new is forgotten.

use std::collections::BTreeMap;

use serde::Serialize;

use super::writer::Writer;
use crate::layers::Givers;
use crate::snapshot::{
    Provenance, Record, Since, Snapshot, SnapshotColumn, SnapshotDataSource, SnapshotGroup, SnapshotUser,
    Symbol,
};
use crate::{DataSourceStatus, Instant, Permission, UserStatus};

pub(super) fn snapshot(snapshot: &Snapshot, out: &mut Writer) {
    let Snapshot {
        at,
        tenant,
        tenant_id,
        digest,
        symbols,
        tags,
        groups,
        users,
        domains,
        data_sources,
        columns,
        policies,
        data_policies,
        agreements,
        agreement_texts,
        request_forms,
        data_products,
        requests,
        last_seen,
        databases,
        // They follow from the objects.
        names: _,
    } = snapshot;
    instant(out, *at);
    out.json(tenant);
    out.bytes(tenant_id.as_bytes());
    out.bytes(digest);
    out.list(symbols.texts().iter(), |out, symbol| out.text(symbol));
    out.list(tags.iter(), |out, tag| record(out, tag.id.0, tag));
    out.list(groups.iter(), group);
    out.list(domains.iter(), |out, domain| record(out, domain.id.0, domain));
    out.list(policies.iter(), |out, policy| record(out, policy.id.0, policy));
    out.list(data_policies.iter(), |out, policy| record(out, policy.id.0, policy));
    // An index of a user may refer to a later one.
    out.number(users.len() as u64);
    out.list(users.iter(), user);
    out.list(columns.iter(), column);
    out.list(data_sources.iter(), data_source);
    out.list(agreements.iter(), |out, agreement| record(out, agreement.id.0, agreement));
    out.list(agreement_texts.iter(), |out, ((name, version), text)| {
        out.text(name);
        out.signed(*version);
        out.text(text);
    });
    out.list(request_forms.iter(), |out, form| record(out, form.id.0, form));
    out.list(data_products.iter(), |out, product| record(out, product.id.0, product));
    out.list(requests.iter(), |out, request| out.json(request));
    let last_seen: BTreeMap<_, _> = last_seen.iter().collect();
    out.list(last_seen.iter(), |out, (user, at)| {
        out.signed(user.0);
        instant(out, **at);
    });
    out.list(databases.iter(), |out, database| out.json(&**database));
}

fn instant(out: &mut Writer, instant: Instant) {
    out.signed(instant.as_micros());
}

fn record<I, T: Serialize>(out: &mut Writer, id: i64, record: &Record<I, T>) {
    let Record { id: _, spec, provenance: history } = record;
    out.signed(id);
    out.json(spec);
    provenance(out, history);
}

fn provenance(out: &mut Writer, provenance: &Provenance) {
    let Provenance { created_at, updated_at, origin, since: parts, givers: by, absent_since } = provenance;
    instant(out, *created_at);
    instant(out, *updated_at);
    out.text(origin);
    since(out, parts);
    givers(out, by);
    out.optional(*absent_since, instant);
}

/// Appends who gave the parts of an object, which of most objects is nobody in particular.
fn givers(out: &mut Writer, givers: &Givers) {
    out.optional((*givers != Givers::default()).then_some(givers), |out, givers| out.json(givers));
}

fn since(out: &mut Writer, since: &Since) {
    out.list(since.0.iter(), |out, (part, at)| {
        out.text(part);
        instant(out, *at);
    });
}

fn symbol(out: &mut Writer, symbol: Symbol) {
    out.number(symbol.position() as u64);
}

fn attributes(out: &mut Writer, attributes: &[(Symbol, Symbol)]) {
    out.list(attributes.iter(), |out, (key, value)| {
        symbol(out, *key);
        symbol(out, *value);
    });
}

/// Appends indices.
fn indices(out: &mut Writer, indices: impl ExactSizeIterator<Item = u32>) {
    out.list(indices, |out, index| out.number(index.into()));
}

fn group(out: &mut Writer, group: &SnapshotGroup) {
    let SnapshotGroup { id, name, attributes: pairs, provenance: history } = group;
    out.signed(id.0);
    out.text(name);
    attributes(out, pairs);
    provenance(out, history);
}

fn user(out: &mut Writer, user: &SnapshotUser) {
    let SnapshotUser {
        id,
        global_id,
        username,
        name,
        email,
        identity_provider,
        status,
        groups,
        attributes: pairs,
        permissions,
        employee_number,
        department,
        title,
        manager,
        created_at,
        since: parts,
        givers: by,
        absent_since,
        leaving_date,
    } = user;
    out.signed(id.0);
    out.bytes(global_id.as_bytes());
    out.text(username);
    out.text(name);
    out.optional_text(email.as_deref());
    symbol(out, *identity_provider);
    out.number((*status == UserStatus::Disabled).into());
    indices(out, groups.iter().map(|group| group.0));
    attributes(out, pairs);
    out.list(permissions.iter(), |out, permission| {
        let position = Permission::ALL.iter().position(|known| known == permission);
        out.number(position.expect("`ALL` has every permission") as u64);
    });
    out.optional_text(employee_number.as_deref());
    out.optional_text(department.as_deref());
    out.optional_text(title.as_deref());
    out.optional(*manager, |out, manager| out.number(manager.0.into()));
    instant(out, *created_at);
    since(out, parts);
    givers(out, by);
    out.optional(*absent_since, instant);
    out.optional(*leaving_date, instant);
}

fn column(out: &mut Writer, column: &SnapshotColumn) {
    let SnapshotColumn { id, name, data_type, nullable, tags, description } = column;
    out.signed(id.0);
    out.text(name);
    symbol(out, *data_type);
    out.number((*nullable).into());
    indices(out, tags.iter().map(|tag| tag.0));
    out.optional_text(description.as_deref());
}

fn data_source(out: &mut Writer, source: &SnapshotDataSource) {
    let SnapshotDataSource {
        id,
        name,
        platform,
        host,
        database,
        schema,
        table,
        domain,
        owners,
        status,
        tags,
        columns,
        opt_in_policies,
        opt_in_data_policies,
        level_choice,
        created_at,
        since: parts,
        givers: by,
        absent_since,
    } = source;
    out.signed(id.0);
    out.text(name);
    out.text(platform);
    [host, database, schema, table].into_iter().for_each(|part| out.optional_text(part.as_deref()));
    out.optional(*domain, |out, domain| out.number(domain.0.into()));
    indices(out, owners.iter().map(|owner| owner.0));
    out.number((*status == DataSourceStatus::Disabled).into());
    indices(out, tags.iter().map(|tag| tag.0));
    out.number(columns.start.into());
    out.number(columns.end.into());
    indices(out, opt_in_policies.iter().map(|policy| policy.0));
    indices(out, opt_in_data_policies.iter().map(|policy| policy.0));
    out.optional(*level_choice, |out, policy| out.number(policy.0.into()));
    instant(out, *created_at);
    since(out, parts);
    givers(out, by);
    out.optional(*absent_since, instant);
}
