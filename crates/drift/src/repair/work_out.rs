//! Works out the repair of each finding, and of all of them together.

use domesday_model::{FastMap, FastSet};
use rayon::prelude::*;

use super::candidates::{Case, first_grantee};
use super::decision::{Decision, Harm};
use super::effect::{Reaching, Repaired};
use super::plan::{OwnRepair, RepairPlan, Step};
use super::planner::Planner;
use super::single_revokes::SingleRevokes;
use super::state::{State, Trial};
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
    fn repair_together(&self, mut state: State<'_>, findings: &[Vec<OwnRepair>]) -> Together {
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
                let case = Case { planner: self, state: &state, group, finding, revokes: None };
                let Some((statements, trial, repaired)) = self.repair_in_group(case) else { continue };
                self.apply(&mut state, trial);
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
    fn repair_each(&self, state: &State<'_>, group: usize) -> Vec<OwnRepair> {
        let mut known: FastMap<Vec<Statement>, Result<FastSet<Repaired>, Harm>> = FastMap::default();
        let revokes = SingleRevokes::new(self, state, group);
        let findings = self.drift.groups[group].findings.iter();
        findings
            .map(|finding| {
                let case = Case { planner: self, state, group, finding: *finding, revokes: Some(&revokes) };
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
                let wide = statements.iter().filter(|it| it.is_wide()).cloned().collect();
                self.wide_harm(case.state, case.group, wide)?;
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
}
