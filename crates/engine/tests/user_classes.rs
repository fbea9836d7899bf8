//! Grouping the users whom every policy treats alike changes no outcome.

#[allow(dead_code, unused_imports, reason = "the comparison with the oracle uses the rest")]
mod oracle;

use std::sync::Arc;

use domesday_engine::{ClassIx, evaluate};
use domesday_model::Snapshot;
use proptest::prelude::*;

use oracle::generate::{at, world};
use oracle::print::Printed;
use oracle::widen::widen;

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn classes_are_the_same_with_users_grouped(Printed(catalog) in world(), users in 1_usize..30) {
        let catalog = widen(&catalog, users, 2);
        let snapshot = Arc::new(Snapshot::of_catalog(&catalog, at()).unwrap());
        let (plain, grouped) = (evaluate(Arc::clone(&snapshot)), evaluate(snapshot));
        grouped.group_users();
        for class in (0..plain.class_count()).map(|class| ClassIx(class as u32)) {
            prop_assert_eq!(plain.class(class), grouped.class(class));
        }
    }
}
