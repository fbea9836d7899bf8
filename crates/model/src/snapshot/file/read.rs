//! Reads what `write` writes.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::reader::{Malformed, Reader};
use crate::layers::Givers;
use crate::privileges::ObservedDatabase;
use crate::snapshot::{
    AllNames, Names, Provenance, Record, Since, Snapshot, SnapshotColumn, SnapshotDataSource, SnapshotGroup,
    SnapshotUser, Symbol, Symbols,
};
use crate::{
    AgreementId, ColumnId, DataPolicyIx, DataProductId, DataSourceId, DataSourceIx, DataSourceStatus,
    DomainId, DomainIx, GroupId, GroupIx, Instant, Permission, PolicyId, PolicyIx, RequestFormId, TagId,
    TagIx, UserId, UserIx, UserStatus,
};

/// The lengths of lists to which indices refer.
#[derive(Debug, Default)]
struct Counts {
    symbols: usize,
    tags: usize,
    groups: usize,
    domains: usize,
    policies: usize,
    data_policies: usize,
    users: usize,
    columns: usize,
}

pub(super) fn snapshot(content: &[u8]) -> Result<(Snapshot, Box<str>), Malformed> {
    let input = &mut Reader::new(content);
    let attachment = input.boxed()?;
    let at = instant(input)?;
    let tenant = input.json()?;
    let tenant_id = Uuid::from_bytes(input.array()?);
    let digest = input.array()?;
    let symbols = symbols(input)?;
    let mut counts = Counts { symbols: symbols.texts().len(), ..Counts::default() };
    let tags = records(input, TagId)?;
    counts.tags = tags.len();
    let groups = input.list(|input| group(input, &counts))?;
    counts.groups = groups.len();
    if groups.is_empty() {
        return Err(Malformed("the group of all users is missing"));
    }
    let domains = records(input, DomainId)?;
    counts.domains = domains.len();
    let policies = records(input, PolicyId)?;
    counts.policies = policies.len();
    let data_policies = records(input, PolicyId)?;
    counts.data_policies = data_policies.len();
    counts.users = usize::try_from(input.number()?).map_err(|_| Malformed("a list is cut off"))?;
    let users = input.list(|input| user(input, &counts))?;
    if users.len() != counts.users {
        return Err(Malformed("an index refers to nothing"));
    }
    let columns = input.list(|input| column(input, &counts))?;
    counts.columns = columns.len();
    let data_sources = input.list(|input| data_source(input, &counts))?;
    let agreements = records(input, AgreementId)?;
    let texts =
        input.list(|input| Ok(((input.text()?.to_owned(), input.signed()?), input.text()?.to_owned())))?;
    let request_forms = records(input, RequestFormId)?;
    let data_products = records(input, DataProductId)?;
    let requests = input.list(Reader::json)?;
    let last_seen = input.list(|input| Ok((UserId(input.signed()?), instant(input)?)))?;
    let databases = input.list(database)?;
    input.finish()?;
    let mut snapshot = Snapshot {
        at,
        tenant,
        tenant_id,
        digest,
        symbols: Arc::new(symbols),
        tags,
        groups,
        users: Arc::new(users),
        domains,
        data_sources: Arc::new(data_sources),
        columns: Arc::new(columns),
        policies,
        data_policies,
        agreements,
        agreement_texts: texts.into_iter().collect(),
        request_forms,
        data_products,
        requests,
        last_seen: last_seen.into_iter().collect(),
        databases,
        names: AllNames::default(),
    };
    snapshot.names = names(&snapshot);
    snapshot.check_requests().map_err(|_| Malformed("a request refers to nothing"))?;
    Ok((snapshot, attachment))
}

fn names(snapshot: &Snapshot) -> AllNames {
    fn by_name<'n, I>(names: impl Iterator<Item = &'n str>, index: fn(usize) -> I) -> Names<I> {
        names.enumerate().map(|(position, name)| (name.into(), index(position))).collect()
    }
    AllNames {
        tags: by_name(snapshot.tags.iter().map(|tag| tag.spec.name.as_str()), TagIx::at),
        groups: by_name(snapshot.groups.iter().map(|group| &*group.name), GroupIx::at),
        users: Arc::new(by_name(snapshot.users.iter().map(|user| &*user.username), UserIx::at)),
        domains: by_name(snapshot.domains.iter().map(|domain| domain.spec.name.as_str()), DomainIx::at),
        data_sources: Arc::new(by_name(
            snapshot.data_sources.iter().map(|source| &*source.name),
            DataSourceIx::at,
        )),
        policies: by_name(snapshot.policies.iter().map(|policy| policy.spec.name.as_str()), PolicyIx::at),
        data_policies: by_name(
            snapshot.data_policies.iter().map(|policy| policy.spec.name.as_str()),
            DataPolicyIx::at,
        ),
        products: by_name(snapshot.data_products.iter().map(|product| product.spec.name.as_str()), |at| at),
    }
}

fn database(input: &mut Reader<'_>) -> Result<Arc<ObservedDatabase>, Malformed> {
    let database: ObservedDatabase = input.json()?;
    if database.privileges.is_consistent() {
        Ok(Arc::new(database))
    } else {
        Err(Malformed("an index refers to nothing"))
    }
}

fn instant(input: &mut Reader<'_>) -> Result<Instant, Malformed> {
    let instant = Instant::from_micros(input.signed()?);
    if instant.has_known_year() { Ok(instant) } else { Err(Malformed("an instant is in no known year")) }
}

fn symbols(input: &mut Reader<'_>) -> Result<Symbols, Malformed> {
    let mut symbols = Symbols::default();
    let mut count = 0;
    input.list(|input| {
        symbols.intern(input.text()?);
        count += 1;
        if symbols.texts().len() == count { Ok(()) } else { Err(Malformed("a symbol is there twice")) }
    })?;
    Ok(symbols)
}

fn records<I, T: DeserializeOwned>(
    input: &mut Reader<'_>,
    id: fn(i64) -> I,
) -> Result<Vec<Record<I, T>>, Malformed> {
    input.list(|input| {
        Ok(Record { id: id(input.signed()?), spec: input.json()?, provenance: provenance(input)? })
    })
}

fn provenance(input: &mut Reader<'_>) -> Result<Provenance, Malformed> {
    Ok(Provenance {
        created_at: instant(input)?,
        updated_at: instant(input)?,
        origin: input.boxed()?,
        since: since(input)?,
        givers: givers(input)?,
        absent_since: input.optional(instant)?,
    })
}

fn givers(input: &mut Reader<'_>) -> Result<Givers, Malformed> {
    Ok(input.optional(Reader::json)?.unwrap_or_default())
}

fn since(input: &mut Reader<'_>) -> Result<Since, Malformed> {
    let parts = input.list(|input| Ok((input.text()?.to_owned(), instant(input)?)))?;
    Ok(Since(parts.into_iter().collect::<BTreeMap<_, _>>()))
}

fn symbol(input: &mut Reader<'_>, counts: &Counts) -> Result<Symbol, Malformed> {
    input.index(counts.symbols).map(Symbol::at)
}

fn attributes(input: &mut Reader<'_>, counts: &Counts) -> Result<Box<[(Symbol, Symbol)]>, Malformed> {
    let pairs = input.list(|input| Ok((symbol(input, counts)?, symbol(input, counts)?)))?;
    Ok(pairs.into())
}

/// Reads indices into a list of so many items.
fn indices<I>(input: &mut Reader<'_>, count: usize, index: fn(u32) -> I) -> Result<Box<[I]>, Malformed> {
    input.list(|input| input.index(count).map(index)).map(Into::into)
}

fn group(input: &mut Reader<'_>, counts: &Counts) -> Result<SnapshotGroup, Malformed> {
    Ok(SnapshotGroup {
        id: GroupId(input.signed()?),
        name: input.boxed()?,
        attributes: attributes(input, counts)?,
        provenance: provenance(input)?,
    })
}

fn user(input: &mut Reader<'_>, counts: &Counts) -> Result<SnapshotUser, Malformed> {
    Ok(SnapshotUser {
        id: UserId(input.signed()?),
        global_id: Uuid::from_bytes(input.array()?),
        username: input.boxed()?,
        name: input.boxed()?,
        email: input.optional_text()?,
        identity_provider: symbol(input, counts)?,
        status: if input.flag()? { UserStatus::Disabled } else { UserStatus::Active },
        groups: indices(input, counts.groups, GroupIx)?,
        attributes: attributes(input, counts)?,
        permissions: input
            .list(|input| Ok(Permission::ALL[input.index(Permission::ALL.len())? as usize]))?
            .into(),
        employee_number: input.optional_text()?,
        department: input.optional_text()?,
        title: input.optional_text()?,
        manager: input.optional(|input| input.index(counts.users).map(UserIx))?,
        created_at: instant(input)?,
        since: since(input)?,
        givers: givers(input)?,
        absent_since: input.optional(instant)?,
        leaving_date: input.optional(instant)?,
    })
}

fn column(input: &mut Reader<'_>, counts: &Counts) -> Result<SnapshotColumn, Malformed> {
    Ok(SnapshotColumn {
        id: ColumnId(input.signed()?),
        name: input.boxed()?,
        data_type: symbol(input, counts)?,
        nullable: input.flag()?,
        tags: indices(input, counts.tags, TagIx)?,
        description: input.optional_text()?,
    })
}

fn data_source(input: &mut Reader<'_>, counts: &Counts) -> Result<SnapshotDataSource, Malformed> {
    Ok(SnapshotDataSource {
        id: DataSourceId(input.signed()?),
        name: input.boxed()?,
        platform: input.boxed()?,
        host: input.optional_text()?,
        database: input.optional_text()?,
        schema: input.optional_text()?,
        table: input.optional_text()?,
        domain: input.optional(|input| input.index(counts.domains).map(DomainIx))?,
        owners: indices(input, counts.users, UserIx)?,
        status: if input.flag()? { DataSourceStatus::Disabled } else { DataSourceStatus::Enabled },
        tags: indices(input, counts.tags, TagIx)?,
        columns: {
            let (start, end) = (input.index(counts.columns + 1)?, input.index(counts.columns + 1)?);
            if start > end {
                return Err(Malformed("an index refers to nothing"));
            }
            start..end
        },
        opt_in_policies: indices(input, counts.policies, PolicyIx)?,
        opt_in_data_policies: indices(input, counts.data_policies, DataPolicyIx)?,
        level_choice: input.optional(|input| input.index(counts.policies).map(PolicyIx))?,
        created_at: instant(input)?,
        since: since(input)?,
        givers: givers(input)?,
        absent_since: input.optional(instant)?,
    })
}
