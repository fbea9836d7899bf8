//! Parts of policy-outcomes are the same whether they are written together or by any number of tasks.

#![allow(clippy::unwrap_used, reason = "a test that cannot prepare its world has failed")]

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex};

use domesday_engine::{Outcomes, evaluate};
use domesday_tables::{EncodeError, OutcomePlan, Part, PlannedPart, Settings, encode_parts, plan_outcomes};
use proptest::prelude::*;

use crate::world::{Buffer, Files, encoded, settings, snapshot};
use crate::{large, with_groups, worlds};

/// Writes some parts alone.
fn written(
    outcomes: &Outcomes,
    settings: &Settings,
    planned: &[PlannedPart],
) -> Result<(Vec<Part>, Files), EncodeError> {
    let files = Arc::new(Mutex::new(Files::new()));
    let open = |table: &'static domesday_tables::Table, part| {
        Ok(Buffer::new(Arc::clone(&files), (table.name, part)))
    };
    let parts = encode_parts(outcomes, settings, planned, &mut |_| ControlFlow::Continue(()), open)?;
    let files = std::mem::take(&mut *files.lock().unwrap());
    Ok((parts, files))
}

/// Checks that the parts of an export are those of its plan, and that each number of tasks writes the same files.
fn check_tasks(catalog: &str, settings: &Settings, tasks: &[usize]) -> OutcomePlan {
    let snapshot = snapshot(catalog);
    let (whole, files) = encoded(&snapshot, settings);
    let of_table = |part: &&Part| part.table.name == "policy-outcomes";
    let whole_parts: Vec<Part> = whole.parts.iter().filter(of_table).copied().collect();
    let files: Files = files.into_iter().filter(|((name, _), _)| *name == "policy-outcomes").collect();

    let plan = plan_outcomes(&evaluate(Arc::clone(&snapshot)), settings).unwrap();
    assert_eq!(plan.counts, whole.outcomes);
    let rows = |part: &Part| (part.number, part.rows);
    assert_eq!(
        plan.parts.iter().map(|part| (part.number, part.rows)).collect::<Vec<_>>(),
        whole_parts.iter().map(rows).collect::<Vec<_>>()
    );
    for (part, next) in plan.parts.iter().zip(&plan.parts[1..]) {
        assert_eq!(part.end, next.start);
    }
    for tasks in tasks {
        let (mut parts, mut all) = (Vec::new(), BTreeMap::new());
        for planned in plan.parts.chunks(plan.parts.len().div_ceil(*tasks)) {
            // Each task evaluates for itself.
            let outcomes = evaluate(Arc::clone(&snapshot));
            let (of_task, files) = written(&outcomes, settings, planned).unwrap();
            parts.extend(of_task);
            all.extend(files);
        }
        assert_eq!(parts, whole_parts, "{tasks} tasks");
        assert!(all == files, "{tasks} tasks");
    }
    plan
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_number_of_tasks_writes_the_same_files(
        catalog in worlds::catalog(),
        rows in 1_usize..200,
        part_bytes in 1_usize..4000,
        tasks in 1_usize..9,
    ) {
        let settings = with_groups(rows, part_bytes);
        check_tasks(&catalog, &settings, &[1, tasks]);
        // Where the bound decides.
        check_tasks(&catalog, &Settings { max_part_bytes: 70_000, ..settings }, &[tasks]);
    }
}

/// A source larger than a part is divided within its rows.
#[test]
fn one_source_of_many_parts() {
    let plan = check_tasks(&large(9_000, 1, 3), &with_groups(1_000, 2_000), &[1, 2, 5, 1000]);
    assert!(plan.parts.len() > 10 && plan.parts.iter().any(|part| part.start.row > 0));
}

/// Parts are as large as they should be, and never larger than they may be.
#[test]
fn sizes_are_kept() {
    let catalog = large(3_000, 60, 12);
    let snapshot = snapshot(&catalog);
    let outcomes = evaluate(Arc::clone(&snapshot));
    let settings = Settings { part_bytes: 200_000, ..with_groups(20_000, 0) };
    let plan = plan_outcomes(&outcomes, &settings).unwrap();
    assert!(plan.parts.len() > 2);
    let (parts, _) = written(&outcomes, &settings, &plan.parts).unwrap();
    for part in &parts[..parts.len() - 1] {
        assert!((100_000..400_000).contains(&part.bytes), "{}", part.bytes);
    }
    for max_part_bytes in [250_000, 400_000, 1_000_000] {
        let settings = Settings { part_bytes: 1 << 30, max_part_bytes, ..with_groups(usize::MAX, 1 << 30) };
        let plan = plan_outcomes(&outcomes, &settings).unwrap();
        let (parts, _) = written(&outcomes, &settings, &plan.parts).unwrap();
        assert!(parts.len() > 1 && parts.iter().all(|part| part.bytes <= max_part_bytes));
    }
}

#[test]
fn a_plan_of_something_else_is_refused() {
    let outcomes = evaluate(snapshot(&large(100, 9, 3)));
    let small = with_groups(50, 500);
    let mut plan = plan_outcomes(&outcomes, &small).unwrap();
    plan.parts[1].rows += 1;
    let error = written(&outcomes, &small, &plan.parts[..2]).map(|(parts, _)| parts).unwrap_err();
    assert!(matches!(error, EncodeError::OtherPlan { part: 1, .. }), "{error}");
    let plan = plan_outcomes(&outcomes, &Settings { part_bytes: 1 << 20, ..small.clone() }).unwrap();
    let error = written(&outcomes, &small, &plan.parts).map(|(parts, _)| parts).unwrap_err();
    assert!(matches!(error, EncodeError::OtherPlan { .. }), "{error}");
    assert!(written(&outcomes, &small, &[]).unwrap().0.is_empty());
    let nothing = evaluate(snapshot("{}"));
    let plan = plan_outcomes(&nothing, &settings()).unwrap();
    assert_eq!(plan.parts.len(), 1);
    assert_eq!(written(&nothing, &settings(), &plan.parts).unwrap().0.len(), 1);
}
