//! Works out the repair of each finding, and of all of them together.

use std::sync::PoisonError;

use domesday_model::{FastMap, FastSet};
use rayon::prelude::*;

use super::candidates::{Case, first_grantee};
use super::decision::{Decision, Harm};
use super::effect::{Reaching, Repaired};
use super::plan::{OwnRepair, RepairPlan, Step};
use super::planner::Planner;
use super::state::{Draft, State, Trial};
use super::statement::Statement;
use crate::drift::Drift;

/// Rounds in which findings are tried again whose repair another one stood in the way of.
const ROUNDS: usize = 3;

impl RepairPlan {
    /// Works out the repairs of a database.
    pub(crate) fn new(drift: &Drift) -> Self {
        let planner = Planner::new(drift);
        let initial = State::new(drift);
        let mut findings: Vec<Vec<_>> = (0..drift.groups.len())
            .into_par_iter()
            .map(|group| planner.repair_each(&initial, group))
            .collect();
        let Together { relations, wide, repaired } = planner.repair_together(initial, &findings);
        for (group, of_group) in findings.iter_mut().enumerate() {
            for (repair, finding) in of_group.iter_mut().zip(&drift.groups[group].findings) {
                if repair.is_ok() && !repaired.contains(&(group, *finding)) {
                    *repair = Err(Decision::Conflict);
                }
            }
        }
        Self { findings, relations, wide }
    }
}

/// The statements that repair together what can be repaired alone.
struct Together {
    /// By group, see [`RepairPlan::relations`].
    relations: Vec<Vec<Step>>,
    /// See [`RepairPlan::wide`].
    wide: Vec<(usize, Step)>,
    /// The findings that they repair.
    repaired: FastSet<Repaired>,
}

impl Planner<'_> {
    /// Finds the statements that repair together what can be repaired alone.
    fn repair_together(&self, mut state: State, findings: &[Vec<OwnRepair>]) -> Together {
        let mut together = Together {
            relations: vec![Vec::new(); findings.len()],
            wide: Vec::new(),
            repaired: FastSet::default(),
        };
        let is_wide = |statements: &[Statement]| statements.iter().any(Statement::is_wide);
        // What concerns one relation first in each round: the others then see what is left.
        let rounds = (0..ROUNDS).flat_map(|_| [false, true]);
        let by_position = |(group, of_group): (usize, &Vec<OwnRepair>)| {
            let positions = 0..of_group.len();
            positions.map(move |position| (group, position))
        };
        let every: Vec<(usize, usize)> = findings.iter().enumerate().flat_map(by_position).collect();
        for may_be_wide in rounds {
            for (group, position) in every.iter().copied() {
                let Ok(statements) = &findings[group][position] else { continue };
                let finding = self.drift.groups[group].findings[position];
                if together.repaired.contains(&(group, finding)) || (is_wide(statements) && !may_be_wide) {
                    continue;
                }
                let case = Case { planner: self, state: &state, group, finding };
                let Some((statements, trial, repaired)) = self.repair_in_group(case) else { continue };
                state.apply(trial);
                together.repaired.extend(repaired);
                for statement in statements {
                    let step = Step { statement, finding: position };
                    if step.statement.is_wide() {
                        together.wide.push((group, step));
                    } else {
                        together.relations[group].push(step);
                    }
                }
            }
        }
        together
    }

    /// Finds the repair of each finding of a group by itself.
    fn repair_each(&self, state: &State, group: usize) -> Vec<OwnRepair> {
        let mut known: FastMap<Vec<Statement>, Result<FastSet<Repaired>, Harm>> = FastMap::default();
        let findings = self.drift.groups[group].findings.iter();
        findings
            .map(|finding| {
                let case = Case { planner: self, state, group, finding: *finding };
                self.repair_alone(case, &mut known)
            })
            .collect()
    }

    /// Returns the first candidate that repairs a finding and harms nobody. Many findings have the same candidates, which
    /// are tried once.
    fn repair_alone(
        &self,
        case: Case<'_>,
        known: &mut FastMap<Vec<Statement>, Result<FastSet<Repaired>, Harm>>,
    ) -> OwnRepair {
        let mut reason = None;
        for number in 0.. {
            let Some(draft) = case.candidate(number) else { break };
            let draft = match draft {
                Ok(draft) => draft,
                Err(decision) => {
                    reason.get_or_insert(decision);
                    continue;
                }
            };
            let (statements, trial) = draft.finish(case.state);
            let effect = known.entry(statements.clone()).or_insert_with(|| {
                self.wide_harm(case.state, case.group, &statements)?;
                let repaired = self.effect(case.state, &trial, Reaching::OneRelation)?;
                Ok(repaired.into_iter().collect())
            });
            match effect {
                Ok(repaired) if repaired.contains(&(case.group, case.finding)) => {
                    return Ok(statements.into());
                }
                Ok(_) => {}
                Err(harm) => {
                    if let Some(grantee) = first_grantee(&statements) {
                        reason.get_or_insert(Decision::Others { grantee, harm: *harm });
                    }
                }
            }
        }
        Err(reason.unwrap_or(Decision::Conflict))
    }

    /// Returns the first candidate that repairs a finding of every relation of its group and harms nobody, with what it
    /// changes and repairs.
    fn repair_in_group(&self, case: Case<'_>) -> Option<(Vec<Statement>, Trial, Vec<Repaired>)> {
        (0..).map_while(|number| case.candidate(number)).flatten().find_map(|draft| {
            let (statements, trial) = draft.finish(case.state);
            let repaired = self.effect(case.state, &trial, Reaching::Group).ok()?;
            repaired.contains(&(case.group, case.finding)).then_some((statements, trial, repaired))
        })
    }

    /// Whom the statements on the schema and the database harm in other groups, so that more need not be tried.
    fn wide_harm(&self, state: &State, group: usize, statements: &[Statement]) -> Result<(), Harm> {
        let wide: Vec<Statement> = statements.iter().filter(|it| it.is_wide()).cloned().collect();
        if wide.is_empty() {
            return Ok(());
        }
        let relation = self.drift.groups[group].relations[0].0;
        let schema = self.drift.privileges().relations[relation.get()].schema;
        let key = (schema, wide);
        let lock = || self.wide_harms.lock().unwrap_or_else(PoisonError::into_inner);
        let known = lock().get(&key).cloned();
        let harms = known.unwrap_or_else(|| {
            let mut draft = Draft::new(self.drift, state, group);
            key.1.iter().for_each(|statement| draft.push(statement.clone()));
            let (_, trial) = draft.finish(state);
            let harms = self.wide_effects(state, &trial);
            lock().insert(key, harms.clone());
            harms
        });
        let is_alone = self.drift.groups[group].relations.len() == 1;
        let other = harms.iter().find(|(harmed, _)| !is_alone || *harmed != Some(group));
        other.map_or(Ok(()), |(_, harm)| Err(*harm))
    }
}
