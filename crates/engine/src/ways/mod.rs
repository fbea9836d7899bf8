//! The nearest ways to access, for a user without it: which group or attribute value would admit them, which approval to
//! request, and what every guardrail requires besides; and for a reader, how to see a column unmasked.
//!
//! Each way is tried on a hypothetical user before it is returned. Changes can conflict: a group brings attributes that a
//! `NOT` excludes. Such a way is left out.

mod approval;
mod hypothetical;
mod search;
mod way;

use domesday_model::{ColumnIx, DataPolicyIx, DataSourceIx, Scope, UserIx};

use crate::Outcomes;
pub use approval::ApprovalOutcome;
pub(crate) use hypothetical::HypotheticalUser;
use search::WaySearch;
pub use way::{Way, WayStep};

/// How many ways are returned at most.
const MAX_WAYS: usize = 5;

impl Outcomes {
    /// Finds the nearest ways for a user to reach a data source, shortest first. There are none where the user or the
    /// source is disabled, and where the user has access already.
    ///
    /// # Panics
    /// When an index is not of this snapshot.
    #[must_use]
    pub fn nearest_ways(&self, user: UserIx, source: DataSourceIx, scope: Scope) -> Vec<Way> {
        let snapshot = &*self.snapshot;
        let (Some((_, class)), true) = (self.class_of(source), snapshot.is_active(user)) else {
            return Vec::new();
        };
        let search = WaySearch { snapshot, class, user, source, scope };
        let now = HypotheticalUser::stored(snapshot, user);
        if search.has_access(&now) {
            return Vec::new();
        }
        let ways = search.starts(&now).into_iter().filter_map(|(grant, mut steps)| {
            let mut then = now.clone();
            steps.iter().for_each(|step| then.apply(snapshot, step));
            // What guardrails require depends on what the grant's steps already brought.
            let more = search.guardrail_steps(&then)?;
            more.iter().for_each(|step| then.apply(snapshot, step));
            steps.extend(more);
            search.has_access(&then).then_some(Way { grant, steps })
        });
        shortest(ways.collect())
    }

    /// Finds the nearest ways for a reader to see a column unmasked to which `masks` apply, shortest first.
    pub(crate) fn ways_to_unmask(
        &self,
        user: UserIx,
        source: DataSourceIx,
        column: ColumnIx,
        masks: &[DataPolicyIx],
    ) -> Vec<Way> {
        let snapshot = &*self.snapshot;
        let Some((_, class)) = self.class_of(source) else { return Vec::new() };
        let search = WaySearch { snapshot, class, user, source, scope: Scope::Read };
        let mut ways = vec![Way { grant: None, steps: vec![search.exception_step(column)] }];
        let mut then = HypotheticalUser::stored(snapshot, user);
        if let Some(steps) = search.except_steps(masks, &mut then)
            && search.has_access(&then)
            && search.is_excepted(masks, &then)
        {
            ways.push(Way { grant: None, steps });
        }
        shortest(ways)
    }
}

/// Returns the shortest of some ways; of two with the same steps, the first.
fn shortest(mut ways: Vec<Way>) -> Vec<Way> {
    ways.sort_by_key(|way| way.steps.len());
    let mut chosen: Vec<Way> = Vec::new();
    for way in ways {
        if chosen.len() < MAX_WAYS && chosen.iter().all(|known| known.steps != way.steps) {
            chosen.push(way);
        }
    }
    chosen
}
