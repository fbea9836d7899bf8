//! The same enterprise as normalized Parquet tables: what a database needs to evaluate the outcomes itself.
//!
//! Objects are referred to by name. What SQL would otherwise have to parse is prepared: conditions in disjunctive
//! normal form (one row per literal, with the clause it is part of), `appliesTo` as one row per mapping, key
//! and value, and each tag with its ancestors. Only constructions that generated enterprises use are known;
//! any other is an error, not a wrong table.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use arrow_array::{ArrayRef, BooleanArray, Int64Array, RecordBatch, StringArray};
use domesday_model::condition::{Atom, TagTarget};
use domesday_model::{
    AppliesTo, Condition, DataSourceIx, DataSourceStatus, Level, PolicyKind, PolicyState, ProductStatus,
    RequestStatus, RequestType, Scope, Snapshot, Target, UserIx, dotted_ancestors,
};
use parquet::arrow::ArrowWriter;

/// A table that is being built: columns by name.
struct Table {
    columns: Vec<(&'static str, Values)>,
}

enum Values {
    Number(Vec<Option<i64>>),
    Text(Vec<Option<String>>),
    Flag(Vec<bool>),
}

/// One value of a row.
enum Value {
    Number(i64),
    NoNumber,
    Text(String),
    NoText,
    Flag(bool),
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

impl Table {
    fn numbers_and_texts(columns: &[&'static str]) -> Self {
        let values = |name: &&str| {
            let is_number = name.ends_with("_id") && *name != "global_user_id";
            if is_number || ["clause", "mapping", "expires_us"].contains(name) {
                Values::Number(Vec::new())
            } else if name.starts_with("is_") {
                Values::Flag(Vec::new())
            } else {
                Values::Text(Vec::new())
            }
        };
        Self { columns: columns.iter().map(|name| (*name, values(name))).collect() }
    }

    fn row<const N: usize>(&mut self, row: [Value; N]) {
        assert_eq!(row.len(), self.columns.len());
        for ((name, column), value) in self.columns.iter_mut().zip(row) {
            match (column, value) {
                (Values::Number(values), Value::Number(number)) => values.push(Some(number)),
                (Values::Number(values), Value::NoNumber) => values.push(None),
                (Values::Text(values), Value::Text(text)) => values.push(Some(text)),
                (Values::Text(values), Value::NoText) => values.push(None),
                (Values::Flag(values), Value::Flag(flag)) => values.push(flag),
                _ => panic!("{name} has another type"),
            }
        }
    }

    fn write(self, folder: &Path, name: &str) -> anyhow::Result<()> {
        let columns = self.columns.into_iter().map(|(name, values)| {
            let array: ArrayRef = match values {
                Values::Number(values) => Arc::new(Int64Array::from(values)),
                Values::Text(values) => Arc::new(StringArray::from(values)),
                Values::Flag(values) => Arc::new(BooleanArray::from(values)),
            };
            (name, array, true)
        });
        let batch = RecordBatch::try_from_iter_with_nullable(columns)?;
        let mut writer = ArrowWriter::try_new(
            File::create(folder.join(format!("{name}.parquet")))?,
            batch.schema(),
            None,
        )?;
        writer.write(&batch)?;
        writer.close()?;
        Ok(())
    }
}

/// Writes the tables of a snapshot into a folder that exists.
///
/// # Errors
/// When a file cannot be written, or the snapshot uses something that the tables cannot say.
pub fn write(snapshot: &Snapshot, folder: &Path) -> anyhow::Result<()> {
    people(snapshot, folder)?;
    assets(snapshot, folder)?;
    policies(snapshot, folder)?;
    data_policies(snapshot, folder)?;
    requests(snapshot, folder)
}

fn people(snapshot: &Snapshot, folder: &Path) -> anyhow::Result<()> {
    let mut users = Table::numbers_and_texts(&["user_id", "global_user_id", "username", "is_active"]);
    let mut groups = Table::numbers_and_texts(&["user_id", "name"]);
    let mut attributes = Table::numbers_and_texts(&["user_id", "key", "value"]);
    for (index, user) in snapshot.users.iter().enumerate() {
        let ix = UserIx::at(index);
        let global_id = user.global_id.to_string();
        let active = snapshot.is_active(ix);
        users.row([user.id.0.into(), global_id.as_str().into(), (&*user.username).into(), active.into()]);
        for group in &user.groups {
            groups.row([user.id.0.into(), (&*snapshot.groups[group.get()].name).into()]);
        }
        for (key, value) in snapshot.attributes_of(ix) {
            let text = |symbol| snapshot.symbols.text(symbol);
            attributes.row([user.id.0.into(), text(key).into(), text(value).into()]);
        }
    }
    users.write(folder, "users")?;
    groups.write(folder, "user_groups")?;
    attributes.write(folder, "user_attributes")
}

fn assets(snapshot: &Snapshot, folder: &Path) -> anyhow::Result<()> {
    let mut sources = Table::numbers_and_texts(&["datasource_id", "datasource_name", "domain", "is_enabled"]);
    let mut source_tags = Table::numbers_and_texts(&["datasource_id", "tag"]);
    let mut column_tags = Table::numbers_and_texts(&["datasource_id", "column_id", "tag"]);
    let mut owners = Table::numbers_and_texts(&["datasource_id", "user_id"]);
    for (index, source) in snapshot.data_sources.iter().enumerate() {
        let id = source.id.0;
        let domain = source.domain.map(|ix| Value::from(snapshot.domains[ix.get()].spec.name.as_str()));
        let enabled = source.status == DataSourceStatus::Enabled;
        sources.row([id.into(), (&*source.name).into(), domain.unwrap_or(Value::NoText), enabled.into()]);
        for name in with_ancestors(snapshot, &source.tags) {
            source_tags.row([id.into(), name.into()]);
        }
        for (_, column) in snapshot.columns_of(DataSourceIx::at(index)) {
            for name in with_ancestors(snapshot, &column.tags) {
                column_tags.row([id.into(), column.id.0.into(), name.into()]);
            }
        }
        for owner in &source.owners {
            owners.row([id.into(), snapshot.users[owner.get()].id.0.into()]);
        }
    }
    sources.write(folder, "sources")?;
    source_tags.write(folder, "source_tags")?;
    column_tags.write(folder, "column_tags")?;
    owners.write(folder, "owners")
}

fn with_ancestors<'s>(snapshot: &'s Snapshot, tags: &[domesday_model::TagIx]) -> Vec<&'s str> {
    let names = tags.iter().map(|tag| snapshot.tags[tag.get()].spec.name.as_str());
    let mut all: Vec<&str> =
        names.flat_map(|name| std::iter::once(name).chain(dotted_ancestors(name))).collect();
    all.sort_unstable();
    all.dedup();
    all
}

fn policies(snapshot: &Snapshot, folder: &Path) -> anyhow::Result<()> {
    let mut policies = Table::numbers_and_texts(&["policy_id", "kind", "scope", "level", "merged", "is_or"]);
    let mut targets = Table::numbers_and_texts(&["policy_id", "mapping", "key", "value"]);
    let mut literals = literals_table();
    let mut individuals = Table::numbers_and_texts(&["policy_id", "kind", "name"]);
    for record in snapshot.policies.iter().filter(|record| record.spec.state == PolicyState::Active) {
        let (id, policy) = (record.id.0, &record.spec);
        let kind = if policy.kind == PolicyKind::Grant { "GRANT" } else { "GUARDRAIL" };
        let (merged, is_or) = match &policy.level {
            Level::Anyone => ("ANYONE".to_owned(), false),
            Level::Approval => ("APPROVED".to_owned(), false),
            Level::Individuals { individuals: named } => {
                named
                    .users
                    .iter()
                    .for_each(|name| individuals.row([id.into(), "user".into(), name.as_str().into()]));
                named
                    .groups
                    .iter()
                    .for_each(|name| individuals.row([id.into(), "group".into(), name.as_str().into()]));
                (format!("NAMED IN '{}'", policy.name.replace('\'', "''")), false)
            }
            Level::Entitlements { condition } => {
                literals_of(id, condition, &mut literals)?;
                (condition.to_string(), matches!(condition, Condition::Or(_)))
            }
        };
        let level = policy.level.kind().as_str();
        policies.row([
            id.into(),
            kind.into(),
            policy.scope.as_str().into(),
            level.into(),
            merged.as_str().into(),
            is_or.into(),
        ]);
        targets_of(id, &policy.applies_to, &mut targets)?;
    }
    policies.write(folder, "policies")?;
    targets.write(folder, "policy_targets")?;
    literals.write(folder, "policy_literals")?;
    individuals.write(folder, "policy_individuals")
}

fn targets_of(id: i64, applies_to: &AppliesTo, targets: &mut Table) -> anyhow::Result<()> {
    let selectors = match applies_to {
        AppliesTo::All => {
            targets.row([id.into(), 0.into(), "all".into(), Value::NoText]);
            return Ok(());
        }
        AppliesTo::OptIn => bail!("policy {id} is opt-in"),
        AppliesTo::Any(selectors) => selectors,
    };
    for (mapping, selector) in (0..).zip(selectors) {
        let keys = [
            ("tagged", &selector.tagged),
            ("columnsTagged", &selector.columns_tagged),
            ("domains", &selector.domains),
            ("dataSources", &selector.data_sources),
        ];
        let known = keys.iter().filter(|(_, values)| values.is_some()).count();
        if known != serde_json::to_value(selector)?.as_object().map_or(0, serde_json::Map::len) {
            bail!("policy {id} selects by a key that the tables do not know");
        }
        for (key, values) in keys {
            for value in values.iter().flatten() {
                targets.row([id.into(), Value::Number(mapping), key.into(), value.as_str().into()]);
            }
        }
    }
    Ok(())
}

fn data_policies(snapshot: &Snapshot, folder: &Path) -> anyhow::Result<()> {
    let mut policies = Table::numbers_and_texts(&["policy_id", "tag"]);
    let mut literals = literals_table();
    for record in snapshot.data_policies.iter().filter(|record| record.spec.state == PolicyState::Active) {
        let (id, policy) = (record.id.0, &record.spec);
        if policy.applies_to != AppliesTo::All || !policy.columns.names.is_empty() {
            bail!("data policy {id} selects by what the tables do not know");
        }
        policy.columns.tagged.iter().for_each(|tag| policies.row([id.into(), tag.as_str().into()]));
        if let Some(condition) = &policy.except {
            literals_of(id, condition, &mut literals)?;
        }
    }
    policies.write(folder, "data_policies")?;
    literals.write(folder, "data_policy_literals")
}

fn literals_table() -> Table {
    Table::numbers_and_texts(&["policy_id", "clause", "is_negated", "kind", "key", "value"])
}

/// One literal: negated or not, of a kind, with key and value.
type Literal = (bool, &'static str, String, String);

fn literals_of(id: i64, condition: &Condition, table: &mut Table) -> anyhow::Result<()> {
    for (clause, literals) in (0..).zip(clauses(condition, false)?) {
        for (negated, kind, key, value) in literals {
            let (key, value) = (key.as_str().into(), value.as_str().into());
            table.row([id.into(), Value::Number(clause), negated.into(), kind.into(), key, value]);
        }
    }
    Ok(())
}

/// A condition in disjunctive normal form.
fn clauses(condition: &Condition, negated: bool) -> anyhow::Result<Vec<Vec<Literal>>> {
    let product = |parts: &[Condition]| {
        parts.iter().try_fold(vec![Vec::new()], |all: Vec<Vec<Literal>>, part| {
            let more = clauses(part, negated)?;
            let pairs = all
                .iter()
                .flat_map(|left| more.iter().map(move |right| [left.clone(), right.clone()].concat()));
            anyhow::Ok(pairs.collect())
        })
    };
    let sum = |parts: &[Condition]| {
        let all = parts.iter().map(|part| clauses(part, negated)).collect::<anyhow::Result<Vec<_>>>();
        all.map(|all| all.concat())
    };
    match condition {
        Condition::Not(inner) => clauses(inner, !negated),
        Condition::And(parts) if negated => sum(parts),
        Condition::And(parts) => product(parts),
        Condition::Or(parts) if negated => product(parts),
        Condition::Or(parts) => sum(parts),
        Condition::Atom(atom) => {
            let literals = literals(atom, negated)?;
            // Not in all of several groups: missing from any of them.
            Ok(if negated { literals.into_iter().map(|one| vec![one]).collect() } else { vec![literals] })
        }
    }
}

fn literals(atom: &Atom, negated: bool) -> anyhow::Result<Vec<Literal>> {
    Ok(match atom {
        Atom::InGroups(groups) => {
            let literal = |group: &domesday_model::condition::Template| {
                let name = group.resolve(|_| None::<&str>).context("a group with a variable")?;
                anyhow::Ok((negated, "group", String::new(), name.into_owned()))
            };
            groups.iter().map(literal).collect::<anyhow::Result<_>>()?
        }
        Atom::HasAttribute { key, value } => {
            let value = value.resolve(|_| None::<&str>).context("a value with a variable")?;
            vec![(negated, "attribute", key.clone(), value.into_owned())]
        }
        Atom::HasTagAsAttribute { key, target: TagTarget::DataSource } => {
            vec![(negated, "tag", key.clone(), String::new())]
        }
        _ => bail!("an atom that the tables do not know"),
    })
}

fn requests(snapshot: &Snapshot, folder: &Path) -> anyhow::Result<()> {
    let mut requests = Table::numbers_and_texts(&[
        "request",
        "kind",
        "user_id",
        "product",
        "datasource_id",
        "is_write",
        "is_approved",
        "expires_us",
    ]);
    let mut columns = Table::numbers_and_texts(&["request", "column_id"]);
    for request in &snapshot.requests {
        let user = snapshot.user(&request.user).context("requests name users that exist")?;
        let (product, source) = match &request.target {
            Target::DataProduct(name) => (Value::from(name.as_str()), Value::NoNumber),
            Target::DataSource(name) => {
                let ix = snapshot.data_source(name).context("requests name sources that exist")?;
                for (_, column) in snapshot.columns_of(ix) {
                    if request.columns.contains(&*column.name) {
                        columns.row([request.id.as_str().into(), column.id.0.into()]);
                    }
                }
                (Value::NoText, snapshot.data_sources[ix.get()].id.0.into())
            }
        };
        requests.row([
            request.id.as_str().into(),
            if request.kind == RequestType::DataAccess { "access" } else { "exception" }.into(),
            snapshot.users[user.get()].id.0.into(),
            product,
            source,
            (request.scope == Scope::Write).into(),
            (request.status == RequestStatus::Approved).into(),
            request.expires_at.map_or(Value::NoNumber, |end| end.as_micros().into()),
        ]);
    }
    let mut products = Table::numbers_and_texts(&["product", "datasource_id", "is_published"]);
    for product in &snapshot.data_products {
        let published = product.spec.status == ProductStatus::Published;
        for asset in &product.spec.data_sources {
            let ix = snapshot.data_source(&asset.name).context("products name sources that exist")?;
            let id = snapshot.data_sources[ix.get()].id.0;
            products.row([product.spec.name.as_str().into(), id.into(), published.into()]);
        }
    }
    requests.write(folder, "requests")?;
    columns.write(folder, "request_columns")?;
    products.write(folder, "product_sources")
}
