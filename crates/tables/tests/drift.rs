//! actual-access and access-drift read back against their rows one by one.

#![allow(clippy::unwrap_used, reason = "a test that cannot prepare its world has failed")]

#[path = "drift/pages.rs"]
mod pages;
#[path = "drift/rows.rs"]
mod rows;
mod world;
#[path = "drift/worlds.rs"]
mod worlds;

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex};

use domesday_drift::Drift;
use domesday_engine::Outcomes;
use domesday_model::privileges::{AccessEntry, Column, Grantee, PrivilegeSet, Role, RoleIx};
use domesday_tables::{EncodeError, Part, Progress, Settings, Table, encode_other_tables};
use serde_json::Value;
use world::{Buffer, Files, Row, settings, table};
use worlds::{SMALL, Size, World};

const NAMES: [&str; 2] = ["actual-access", "access-drift"];

/// Writes the two tables.
fn written(
    outcomes: &Outcomes,
    drifts: &[Drift],
    settings: &Settings,
    progress: &mut (dyn FnMut(Progress) -> ControlFlow<()> + Send),
) -> Result<(Vec<Part>, Files), EncodeError> {
    let files = Arc::new(Mutex::new(Files::new()));
    let open = |table: &'static Table, part| Ok(Buffer::new(Arc::clone(&files), (table.name, part)));
    let readers = vec![0; outcomes.snapshot().data_sources.len()];
    let parts = encode_other_tables(outcomes, drifts, settings, &readers, progress, open)?;
    let of_drift = |name: &str| NAMES.contains(&name);
    let mut files = std::mem::take(&mut *files.lock().unwrap());
    files.retain(|(name, _), _| of_drift(name));
    Ok((parts.into_iter().filter(|part| of_drift(part.table.name)).collect(), files))
}

/// What a check saw, so that a test can tell that it saw enough.
#[derive(Debug, Default)]
struct Seen {
    kinds: BTreeSet<String>,
    repairs: usize,
    decisions: usize,
    columns: usize,
    column_bytes: usize,
    filtered: usize,
    alike: usize,
    files: Files,
}

/// Encodes a world and compares every row with what the library says of it alone.
fn check(world: &World, all_settings: &[Settings], seen: &mut Seen) {
    let (outcomes, drifts) = world.drifts();
    let wanted = [rows::actual_access(&drifts), rows::access_drift(&drifts)];
    for settings in all_settings {
        let (parts, files) =
            written(&outcomes, &drifts, settings, &mut |_| ControlFlow::Continue(())).unwrap();
        for (name, wanted) in NAMES.into_iter().zip(&wanted) {
            let rows = table(&files, name);
            assert_eq!(rows.len(), wanted.len(), "{name}");
            for (at, (row, wanted)) in rows.iter().zip(wanted).enumerate() {
                assert_eq!(row, wanted, "{name}, row {at}");
            }
            let of_parts = parts.iter().filter(|part| part.table.name == name).map(|part| part.rows);
            assert_eq!(of_parts.sum::<u64>(), wanted.len() as u64, "{name}");
        }
        for ((name, _), bytes) in &files {
            bounds_hold(name, bytes, settings);
        }
        seen.files = files;
    }
    let [accesses, findings] = wanted;
    let count = |rows: &[Row], field: &str, is_wanted: fn(&Value) -> bool| {
        rows.iter().filter(|row| is_wanted(&row[field])).count()
    };
    seen.kinds.extend(findings.iter().map(|row| row["kind"].to_string()));
    seen.repairs += count(&findings, "repair", Value::is_string);
    seen.decisions += count(&findings, "repair", Value::is_null);
    seen.columns += count(&accesses, "columns", Value::is_string);
    let column_texts = accesses.iter().filter_map(|row| row["columns"].as_str());
    seen.column_bytes += column_texts.map(str::len).sum::<usize>();
    seen.filtered += count(&accesses, "is_row_filtered", |value| *value == Value::Bool(true));
    let groups = drifts.iter().flat_map(Drift::groups);
    seen.alike +=
        groups.filter(|group| group.relations.len() > 1 && group.findings_per_relation() > 0).count();
}

/// The statistics of groups and pages are bounds of the values in them, and row groups are no larger than they may be.
fn bounds_hold(name: &str, bytes: &[u8], settings: &Settings) {
    let metadata = pages::metadata(bytes);
    for (number, group) in metadata.row_groups().iter().enumerate() {
        let rows: Vec<Row> = world::group_rows(bytes, number);
        assert!(!rows.is_empty() && rows.len() <= settings.row_group_rows, "{name}");
        for (at, column) in group.columns().iter().enumerate() {
            let field = column.column_path().string();
            let values: Vec<&Value> = rows.iter().map(|row| &row[&field]).collect();
            let statistics = column.statistics().expect("every column has statistics");
            check_bounds(&values, statistics.null_count_opt(), world::bounds(statistics), &field);
            for (page, (rows, nulls, bounds)) in pages::pages(&metadata, number, at).into_iter().enumerate() {
                check_bounds(&values[rows], nulls, bounds, &format!("{field}, page {page}"));
            }
        }
    }
}

fn check_bounds(values: &[&Value], nulls: Option<u64>, bounds: pages::Bounds, place: &str) {
    let null_count = values.iter().filter(|value| value.is_null()).count();
    assert_eq!(nulls, Some(null_count as u64), "{place}");
    assert_eq!(bounds.is_none(), null_count == values.len(), "{place}");
    let Some((min, max)) = bounds else { return };
    for value in values.iter().filter(|value| !value.is_null()) {
        let value = world::sortable(value);
        assert!(min <= value && value <= max, "{place}: {value:?} {min:?} {max:?}");
    }
}

fn with_groups(rows: usize, part_bytes: usize) -> Settings {
    Settings { row_group_rows: rows, part_bytes, ..settings() }
}

#[test]
fn what_is_read_is_what_the_comparison_says() {
    let mut seen = Seen::default();
    for seed in 0..150 {
        let rows = 1 + usize::try_from(seed).unwrap() * 37 % 200;
        let all = [settings(), with_groups(rows, 64 << 20), with_groups(1 << 20, 40 * rows)];
        check(&worlds::random(seed, SMALL), &all, &mut seen);
    }
    assert_eq!(seen.kinds.len(), 6, "{:?}", seen.kinds);
    let Seen { repairs, decisions, columns, filtered, alike, .. } = seen;
    let counts = [repairs, decisions, columns, filtered, alike];
    assert!(counts.iter().all(|count| *count > 100), "{counts:?}");
}

/// Classes fill several pages, and occur in several row groups.
#[test]
fn lists_that_no_database_makes_have_rows_and_a_script() {
    let mut seen = Seen::default();
    for seed in 0..60 {
        let world = worlds::impossible(seed, SMALL);
        check(&world, &[settings()], &mut seen);
        for drift in world.drifts().1 {
            assert!(drift.repair_script().contains("COMMIT;"));
        }
    }
    assert!(seen.repairs > 100 && seen.decisions > 100, "{seen:?}");
}

#[test]
fn pages_and_row_groups_of_many_relations() {
    let size = Size { users: 60, unmapped: 30, templates: 9, relations: 500 };
    let mut seen = Seen::default();
    check(&worlds::random(5, size), &[settings(), with_groups(9_000, 5_000)], &mut seen);
    for name in NAMES {
        let parts = seen.files.keys().filter(|(of, _)| *of == name).count();
        assert!(parts > 1, "{name}: {parts}");
    }
}

/// One data source has more rows than a piece, a page and a row group.
#[test]
fn one_relation_of_very_many_roles() {
    let size = Size { users: 3, unmapped: 0, templates: 1, relations: 3 };
    let mut world = worlds::random(2, size);
    world.databases.truncate(1);
    let privileges = &mut world.databases[0].privileges;
    let role = |number: usize| Role {
        name: format!("job {}", number * 7_919 % 20_000),
        can_login: true,
        inherits: true,
        is_superuser: false,
        bypasses_row_security: number.is_multiple_of(3),
        valid_until: None,
    };
    privileges.roles.extend((0..20_000).map(role));
    let everybody = |grantor, privileges| AccessEntry {
        grantee: Grantee::Public,
        grantor,
        privileges,
        grant_options: PrivilegeSet::NONE,
    };
    for schema in &mut privileges.schemas {
        schema.access_list = Some(vec![everybody(schema.owner, PrivilegeSet::USAGE)]);
    }
    let relation = &mut privileges.relations[1];
    relation.access_list = Some(vec![everybody(relation.owner, PrivilegeSet::RELATION)]);
    relation.has_row_security = true;
    check(&world, &[settings(), with_groups(12_345, 64 << 20)], &mut Seen::default());
}

/// Texts larger than the dictionaries of other tables may be, and than a page.
#[test]
fn long_texts() {
    let size = Size { users: 12, unmapped: 40, templates: 2, relations: 6 };
    let mut world = worlds::random(11, size);
    for user in world.catalog["users"].as_array_mut().unwrap() {
        let name = user["username"].as_str().unwrap().repeat(9);
        user["username"] = name.into();
    }
    let catalog = &mut world.catalog;
    for policy in [2, 3] {
        catalog["policies"][policy]["individuals"] = serde_json::json!({ "groups": ["Staff"] });
    }
    for database in &mut world.databases {
        let privileges = &mut database.privileges;
        let roles = privileges.roles.len();
        for relation in &mut privileges.relations {
            let column = |at: usize| Column {
                name: format!("{}{at}", "c".repeat(50)),
                access_list: Some(vec![AccessEntry {
                    grantee: Grantee::Role(RoleIx::from_position(1 + at % (roles - 1))),
                    grantor: relation.owner,
                    privileges: PrivilegeSet::SELECT,
                    grant_options: PrivilegeSet::NONE,
                }]),
            };
            relation.columns = (0..40_000).map(column).collect();
        }
    }
    let mut seen = Seen::default();
    check(&world, &[settings(), with_groups(1 << 20, 100_000)], &mut seen);
    assert!(seen.column_bytes > 8 << 20, "{}", seen.column_bytes);
}

#[test]
fn without_rows_each_table_has_one_part() {
    let size = Size { relations: 0, ..SMALL };
    let mut world = worlds::random(1, size);
    for databases in [world.databases.clone(), Vec::new()] {
        world.databases = databases;
        let (outcomes, drifts) = world.drifts();
        let (parts, files) =
            written(&outcomes, &drifts, &settings(), &mut |_| ControlFlow::Continue(())).unwrap();
        assert_eq!((parts.len(), files.len()), (2, 2));
        assert!(NAMES.iter().all(|name| table(&files, name).is_empty()));
    }
}

/// The same bytes whatever the number of threads.
#[test]
fn threads_do_not_show() {
    let world = worlds::random(3, Size { users: 40, unmapped: 10, templates: 6, relations: 90 });
    let files = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let (outcomes, drifts) = world.drifts();
            let settings = with_groups(1_000, 20_000);
            written(&outcomes, &drifts, &settings, &mut |_| ControlFlow::Continue(())).unwrap()
        })
    };
    let one = files(1);
    assert!(one.0.len() > 4, "{}", one.0.len());
    for threads in [2, 5] {
        assert!(one == files(threads), "{threads} threads");
    }
}

/// Both tables report each row group, and stop when they are asked to.
#[test]
fn progress_is_reported_and_cancels() {
    let world = worlds::random(3, SMALL);
    let (outcomes, drifts) = world.drifts();
    let settings = with_groups(50, 64 << 20);
    let mut reports: Vec<Progress> = Vec::new();
    let mut progress = |at: Progress| {
        reports.push(at);
        ControlFlow::Continue(())
    };
    let (parts, _) = written(&outcomes, &drifts, &settings, &mut progress).unwrap();
    for name in NAMES {
        let rows: Vec<u64> = reports.iter().filter(|it| it.table == name).map(|it| it.rows).collect();
        let total: u64 = parts.iter().filter(|part| part.table.name == name).map(|part| part.rows).sum();
        assert!(rows.len() > 2 && rows.is_sorted(), "{rows:?}");
        assert_eq!((rows[0], rows[rows.len() - 1]), (0, total));
        let mut calls_after = 0;
        let mut is_cancelled = false;
        let mut cancel = |at: Progress| {
            calls_after += usize::from(is_cancelled);
            is_cancelled |= at.table == name && at.rows > 0;
            if is_cancelled { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let error = written(&outcomes, &drifts, &settings, &mut cancel).map(|(parts, _)| parts).unwrap_err();
        assert!(matches!(error, EncodeError::Cancelled), "{error}");
        assert_eq!(calls_after, 0, "{name}");
    }
}
