//! Whom one revocation harms by itself.

use std::cell::RefCell;

use domesday_model::FastMap;

use super::decision::Harm;
use super::effect::Reaching;
use super::planner::Planner;
use super::state::{Draft, State};
use super::statement::Statement;

/// Whom one revocation harms by itself, on one group and in one state.
///
/// A repair that contains a harmful revocation need not be tried: further revocations only shrink access further, so the harm
/// remains.
pub(crate) struct SingleRevokes<'a> {
    planner: &'a Planner<'a>,
    state: &'a State<'a>,
    group: usize,
    of_relation: RefCell<FastMap<Statement, Option<Harm>>>,
}

impl<'a> SingleRevokes<'a> {
    pub(crate) fn new(planner: &'a Planner<'a>, state: &'a State<'a>, group: usize) -> Self {
        Self { planner, state, group, of_relation: RefCell::default() }
    }

    /// Returns whom a REVOKE of one entry harms.
    pub(crate) fn harm(&self, statement: Statement) -> Option<Harm> {
        if statement.is_wide() {
            return self.planner.wide_harm(self.state, self.group, vec![statement]).err();
        }
        if let Some(known) = self.of_relation.borrow().get(&statement) {
            return *known;
        }
        let mut draft = Draft::new(self.state, self.group);
        draft.push(statement.clone());
        let (_, trial) = draft.finish(self.state);
        let harm = self.planner.effect(self.state, &trial, Reaching::OneRelation).err();
        self.of_relation.borrow_mut().insert(statement, harm);
        harm
    }
}
