//! Works out the repair of each finding, and of all of them together.

use std::sync::PoisonError;

use domesday_model::{FastMap, FastSet};
use rayon::prelude::*;

use super::candidates::{Case, first_grantee};
use super::decision::{Decision, Harm};
use super::effect::{Mended, Reaching};
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
            .map(|group| planner.repair_alone(&initial, group))
            .collect();
        let mut plan =
            Self { findings: Vec::new(), relations: vec![Vec::new(); drift.groups.len()], wide: Vec::new() };
        let mended = plan.work_out(&planner, initial, &findings);
        for (group, of_group) in findings.iter_mut().enumerate() {
            for (repair, finding) in of_group.iter_mut().zip(&drift.groups[group].findings) {
                if repair.is_ok() && !mended.contains(&(group, *finding)) {
                    *repair = Err(Decision::Conflict);
                }
            }
        }
        plan.findings = findings;
        plan
    }

    /// Finds the statements that mend together what can be mended alone; returns what they mend.
    fn work_out(
        &mut self,
        planner: &Planner<'_>,
        mut state: State,
        findings: &[Vec<OwnRepair>],
    ) -> FastSet<Mended> {
        let mut mended = FastSet::default();
        let is_wide = |statements: &[Statement]| statements.iter().any(Statement::is_wide);
        for round in 0..ROUNDS {
            // What concerns one relation first: the others then see what is left.
            for may_be_wide in [false, true] {
                for (group, of_group) in findings.iter().enumerate() {
                    for (position, repair) in of_group.iter().enumerate() {
                        let Ok(statements) = repair else { continue };
                        let finding = planner.drift.groups[group].findings[position];
                        if mended.contains(&(group, finding)) || (is_wide(statements) && !may_be_wide) {
                            continue;
                        }
                        let case = Case { planner, state: &state, group, finding };
                        let Some((statements, trial, of_trial)) = planner.mend(case) else { continue };
                        state.apply(trial);
                        mended.extend(of_trial);
                        for statement in statements {
                            let step = Step { statement, finding: position };
                            if step.statement.is_wide() {
                                self.wide.push((group, step));
                            } else {
                                self.relations[group].push(step);
                            }
                        }
                    }
                }
            }
            let is_left = |(group, of_group): (usize, &Vec<OwnRepair>)| {
                let findings = of_group.iter().zip(&planner.drift.groups[group].findings);
                findings
                    .clone()
                    .any(|(repair, finding)| repair.is_ok() && !mended.contains(&(group, *finding)))
            };
            if round + 1 == ROUNDS || !findings.iter().enumerate().any(is_left) {
                break;
            }
        }
        mended
    }
}

impl Planner<'_> {
    /// Finds the repair of each finding of a group by itself.
    fn repair_alone(&self, state: &State, group: usize) -> Vec<OwnRepair> {
        let mut known: FastMap<Vec<Statement>, Result<FastSet<Mended>, Harm>> = FastMap::default();
        let findings = self.drift.groups[group].findings.iter();
        findings
            .map(|finding| {
                let case = Case { planner: self, state, group, finding: *finding };
                self.mend_alone(case, &mut known)
            })
            .collect()
    }

    /// Returns the first candidate that mends a finding and harms nobody. Many findings have the same candidates, which
    /// are tried once.
    fn mend_alone(
        &self,
        case: Case<'_>,
        known: &mut FastMap<Vec<Statement>, Result<FastSet<Mended>, Harm>>,
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
                let mended = self.effect(case.state, &trial, Reaching::OneRelation)?;
                Ok(mended.into_iter().collect())
            });
            match effect {
                Ok(mended) if mended.contains(&(case.group, case.finding)) => return Ok(statements.into()),
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

    /// Returns the first candidate that mends a finding of every relation of its group and harms nobody, with what it
    /// changes and mends.
    fn mend(&self, case: Case<'_>) -> Option<(Vec<Statement>, Trial, Vec<Mended>)> {
        (0..).map_while(|number| case.candidate(number)).flatten().find_map(|draft| {
            let (statements, trial) = draft.finish(case.state);
            let mended = self.effect(case.state, &trial, Reaching::Group).ok()?;
            mended.contains(&(case.group, case.finding)).then_some((statements, trial, mended))
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
