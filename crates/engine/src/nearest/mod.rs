//! For somebody without access, the nearest ways to get it: which group or attribute value would admit, which
//! approval to ask for, and what every guardrail wants besides; and for a reader, how to see a column clear.
//!
//! Each way is tried out on a picture of the user before it is told: changes can get in each other's way (a
//! group brings attributes that a `NOT` excludes), and such a way is left out.

mod picture;
mod situation;
mod steps;

use domesday_model::{ColumnIx, DataPolicyIx, DataSourceIx, Scope, UserIx};
use serde::Serialize;

use crate::Outcomes;
use picture::Picture;
use situation::Situation;

/// The longest list of ways worth telling.
const MOST_WAYS: usize = 5;

/// One way to access: all of the steps are needed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Way {
    /// The grant that would admit; absent where none is needed: the user is granted already and only guardrails
    /// block, a data product gives access by itself, or a column is to be seen clear.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grant: Option<String>,
    /// What has to change.
    pub steps: Vec<WayStep>,
}

/// One change on the way to access.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(tag = "do", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum WayStep {
    /// Become a member of a group.
    JoinGroup {
        /// The group.
        group: String,
    },
    /// Be a member of a group no longer.
    LeaveGroup {
        /// The group.
        group: String,
    },
    /// Have one of these values for an attribute.
    HaveAttribute {
        /// The attribute's key.
        key: String,
        /// The values, any of which will do.
        any_of: Vec<String>,
    },
    /// Have none of these values for an attribute.
    LoseAttribute {
        /// The attribute's key.
        key: String,
        /// The values.
        all_of: Vec<String>,
    },
    /// Ask for access to the data source and be approved.
    AskForApproval {
        /// The scope to ask for.
        scope: &'static str,
        /// The user's request that asks for it already and waits for a decision.
        #[serde(skip_serializing_if = "Option::is_none")]
        pending: Option<String>,
    },
    /// Ask for a data product that holds the data source and be approved.
    AskForProduct {
        /// The product.
        data_product: String,
        /// The scope to ask for.
        scope: &'static str,
        /// The user's request that asks for it already and waits for a decision.
        #[serde(skip_serializing_if = "Option::is_none")]
        pending: Option<String>,
    },
    /// Ask for a masking exception for the column and be approved.
    AskForException {
        /// The column.
        column: String,
        /// The user's request that asks for it already and waits for a decision.
        #[serde(skip_serializing_if = "Option::is_none")]
        pending: Option<String>,
    },
    /// Be named in a policy.
    BeNamed {
        /// The policy.
        policy: String,
    },
}

impl Outcomes {
    /// The nearest ways for a user to reach a data source, shortest first; none where the user or the source is
    /// disabled, or where access is granted and eligible already.
    ///
    /// # Panics
    /// When an index is not of this snapshot.
    #[must_use]
    pub fn nearest_ways(&self, user: UserIx, source: DataSourceIx, scope: Scope) -> Vec<Way> {
        let snapshot = &*self.snapshot;
        let (Some((_, class)), true) = (self.class_of(source), snapshot.is_active(user)) else {
            return Vec::new();
        };
        let situation = Situation { snapshot, class, user, source, scope };
        let now = Picture::of(snapshot, user);
        if situation.is_granted(&now) && situation.is_eligible(&now) {
            return Vec::new();
        }
        let ways = situation.starts(&now).into_iter().filter_map(|(grant, mut steps)| {
            let mut then = now.clone();
            steps.iter().for_each(|step| then.take(snapshot, step));
            // What guardrails want depends on what the grant's steps already brought.
            let more = situation.guardrail_steps(&then)?;
            more.iter().for_each(|step| then.take(snapshot, step));
            steps.extend(more);
            (situation.is_granted(&then) && situation.is_eligible(&then)).then_some(Way { grant, steps })
        });
        nearest(ways.collect())
    }

    /// The nearest ways for a reader to see a column clear that `masks` apply to, shortest first.
    pub(crate) fn ways_to_see(
        &self,
        user: UserIx,
        source: DataSourceIx,
        column: ColumnIx,
        masks: &[DataPolicyIx],
    ) -> Vec<Way> {
        let snapshot = &*self.snapshot;
        let Some((_, class)) = self.class_of(source) else { return Vec::new() };
        let situation = Situation { snapshot, class, user, source, scope: Scope::Read };
        let mut ways = vec![Way { grant: None, steps: vec![situation.exception_step(column)] }];
        let mut then = Picture::of(snapshot, user);
        if let Some(steps) = situation.except_steps(masks, &mut then)
            && situation.is_granted(&then)
            && situation.is_eligible(&then)
            && situation.is_excepted(masks, &then)
        {
            ways.push(Way { grant: None, steps });
        }
        nearest(ways)
    }
}

/// The shortest of some ways; where two take the same steps, the first.
fn nearest(mut ways: Vec<Way>) -> Vec<Way> {
    ways.sort_by_key(|way| way.steps.len());
    let mut kept: Vec<Way> = Vec::new();
    for way in ways {
        if kept.len() < MOST_WAYS && kept.iter().all(|known| known.steps != way.steps) {
            kept.push(way);
        }
    }
    kept
}
