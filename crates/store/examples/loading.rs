//! Measures how long a large catalog takes to apply and to load:
//!
//! ```text
//! cargo run --release -p domesday-store --example loading -- sqlite:/tmp/store.db [USERS [SOURCES [COLUMNS]]]
//! cargo run --release -p domesday-store --example loading -- 'postgres:///db?host=/run/postgresql&user=me'
//! ```
//!
//! By default 100,000 users with ten groups or attribute values each (a million entitlements) and 20,000 data
//! sources of fifty columns (a million).

#![allow(clippy::print_stdout, reason = "what it measures is what it is for")]

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant as Stopwatch;

use domesday_model::{
    Catalog, Column, DataSource, DataSourceStatus, Declared, Group, Instant, Kind, Tag, User,
};
use domesday_store::{ApplyOptions, ChangeBy, IfMatch, Store, StoreError};

const GROUPS: usize = 2_000;
const TAGS: usize = 300;

fn main() -> Result<(), StoreError> {
    let mut arguments = std::env::args().skip(1);
    let url = arguments.next().unwrap_or_else(|| "sqlite:loading.db".to_owned());
    let mut number = |default: usize| arguments.next().and_then(|text| text.parse().ok()).unwrap_or(default);
    let (users, sources, columns) = (number(100_000), number(20_000), number(50));
    let catalog = catalog(users, sources, columns);
    let at = Instant::from_micros(1_750_000_000_000_000);
    let mut store = Store::connect(&url.into())?;
    let options = ApplyOptions { at, prune: false, dry_run: false };
    let plan = timed("apply everything", || store.apply(&catalog, options))?;
    println!("    {} changes", plan.changes.len());
    timed("apply it again", || store.apply(&catalog, options))?;
    for _ in 0..3 {
        let snapshot = timed("snapshot", || store.snapshot(at))?;
        println!("    {} users, {} columns", snapshot.users.len(), snapshot.columns.len());
    }
    let change = ChangeBy { actor: "bench", origin: "api", from: None, at };
    let mut put = |what: &str, kind: Kind, document: serde_json::Value| {
        timed(what, || store.put_object(kind, &document, IfMatch::Any, &change))
    };
    put(
        "change a user",
        Kind::User,
        serde_json::json!({ "username": "user-000007", "groups": ["group-1"] }),
    )?;
    put("change a group", Kind::Group, serde_json::json!({ "name": "group-1", "description": "x" }))?;
    put(
        "take columns from a source",
        Kind::DataSource,
        serde_json::json!({ "name": "source-00007", "platform": "p" }),
    )?;
    put("add a user", Kind::User, serde_json::json!({ "username": "new" }))?;
    timed("delete a user", || store.delete_object(Kind::User, "new", IfMatch::Any, &change))?;
    let refused = timed("refuse to delete a group", || {
        store.delete_object(Kind::Group, "group-1", IfMatch::Any, &change)
    });
    println!("    {}", refused.is_err());
    timed("first page of users", || store.objects(Kind::User, None, 100))?;
    let report = timed("verify the audit log", || store.verify_audit())?;
    println!("    {} entries, fault: {:?}", report.entries, report.fault);
    Ok(())
}

fn timed<T>(what: &str, run: impl FnOnce() -> T) -> T {
    let (start, busy) = (Stopwatch::now(), busy_seconds());
    let result = run();
    let busy =
        busy_seconds().zip(busy).map(|(after, before)| format!("{:8.3} s of this thread", after - before));
    println!("{what:30} {:8.3} s {}", start.elapsed().as_secs_f64(), busy.unwrap_or_default());
    result
}

/// For how long this thread had a processor, where the system tells: what counts on a machine that is shared.
fn busy_seconds() -> Option<f64> {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    let nanoseconds: f64 = told.split(' ').next()?.parse().ok()?;
    Some(nanoseconds / 1e9)
}

fn declared<T>(spec: T) -> Declared<T> {
    Declared::new(spec, "catalog.yaml")
}

/// A catalog of this size, the same each time.
fn catalog(users: usize, sources: usize, columns: usize) -> Catalog {
    let tag = |n: usize| format!("area{}.tag{}", n % 20, n % TAGS);
    let group = |n: usize| format!("group-{}", n % GROUPS);
    let user = |n: usize| format!("user-{n:06}");
    let column = |source: usize, n: usize| Column {
        name: format!("column_{n}"),
        data_type: ["STRING", "NUMBER", "TIMESTAMP"][n % 3].to_owned(),
        nullable: n.is_multiple_of(2),
        tags: if n.is_multiple_of(10) { BTreeSet::from([tag(source + n)]) } else { BTreeSet::new() },
        description: n.is_multiple_of(5).then(|| "what the column holds".to_owned()),
    };
    Catalog {
        tags: (0..TAGS).map(|n| declared(Tag { name: tag(n), description: None })).collect(),
        groups: (0..GROUPS)
            .map(|n| declared(Group { name: group(n), description: None, attributes: BTreeMap::new() }))
            .collect(),
        users: (0..users)
            .map(|n| {
                declared(User {
                    email: Some(format!("{}@example.com", user(n))),
                    groups: (0..6).map(|k| group(n * 7 + k * 331)).collect(),
                    attributes: BTreeMap::from([
                        ("Region".to_owned(), BTreeSet::from([format!("region-{}", n % 40)])),
                        ("Clearance".to_owned(), (0..3).map(|k| tag(n + k * 17)).collect()),
                    ]),
                    ..User::named(&user(n))
                })
            })
            .collect(),
        data_sources: (0..sources)
            .map(|n| {
                declared(DataSource {
                    name: format!("source-{n:05}"),
                    platform: "snowflake".to_owned(),
                    host: Some("example.snowflakecomputing.com".to_owned()),
                    database: Some(format!("db{}", n % 30)),
                    schema: Some(format!("schema{}", n % 300)),
                    table: Some(format!("table_{n}")),
                    domain: None,
                    owners: BTreeSet::from([user(n % users)]),
                    status: DataSourceStatus::Enabled,
                    tags: BTreeSet::from([tag(n)]),
                    columns: (0..columns).map(|k| column(n, k)).collect(),
                    opt_in_policies: BTreeSet::new(),
                    level_choice: None,
                    created_at: None,
                })
            })
            .collect(),
        ..Catalog::default()
    }
}
