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
use crate::relation_groups::GroupFinding;

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
        for ((of_group, repaired), group) in findings.iter_mut().zip(&repaired).zip(&drift.groups) {
            for (repair, finding) in of_group.iter_mut().zip(&group.findings) {
                if repair.is_ok() && !repaired.contains(finding) {
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
    /// By group: the findings that they repair.
    repaired: Vec<FastSet<GroupFinding>>,
}

impl Planner<'_> {
    /// Finds the statements that repair together what can be repaired alone.
    fn repair_together(&self, mut state: State<'_>, findings: &[Vec<OwnRepair>]) -> Together {
        let mut together = Together {
            relations: vec![Vec::new(); findings.len()],
            wide: Vec::new(),
            repaired: vec![FastSet::default(); findings.len()],
        };
        for _ in 0..ROUNDS {
            // What concerns one relation first in each round: the others then see what is left.
            self.repair_relations(&mut state, findings, &mut together);
            self.repair_wide(&mut state, findings, &mut together);
        }
        together
    }

    /// Repairs what statements about the relation alone do, each group by itself.
    fn repair_relations(&self, state: &mut State<'_>, findings: &[Vec<OwnRepair>], together: &mut Together) {
        let shared = &*state;
        let groups = findings.par_iter().zip(&mut together.repaired).zip(&mut together.relations).enumerate();
        let changed = groups.filter_map(|(group, ((repairs, repaired), steps))| {
            let of_group = self.drift.groups[group].findings.iter().copied().zip(repairs).enumerate();
            let open: Vec<(usize, GroupFinding)> = of_group
                .filter(|(_, (finding, repair))| {
                    let is_narrow = repair.as_ref().is_ok_and(|repair| !is_wide(repair));
                    is_narrow && !repaired.contains(finding)
                })
                .map(|(position, (finding, _))| (position, finding))
                .collect();
            if open.is_empty() {
                return None;
            }
            let mut own = shared.branch(group);
            for (position, finding) in open {
                if repaired.contains(&finding) {
                    continue;
                }
                let case = Case { planner: self, state: &own, group, finding, revokes: None };
                let Some((statements, trial, also)) = self.repair_in_group(case) else { continue };
                if is_wide(&statements) {
                    continue;
                }
                self.apply(&mut own, trial);
                repaired.extend(also.into_iter().map(|(_, finding)| finding));
                steps.extend(statements.into_iter().map(|statement| Step { statement, finding: position }));
            }
            Some((group, own.into_own()?))
        });
        let changed: Vec<_> = changed.collect();
        changed.into_iter().for_each(|(group, relation)| state.set_relation(group, relation));
    }

    /// Repairs what is left, one finding after the other.
    fn repair_wide(&self, state: &mut State<'_>, findings: &[Vec<OwnRepair>], together: &mut Together) {
        for (group, repairs) in findings.iter().enumerate() {
            for (position, finding) in self.drift.groups[group].findings.iter().enumerate() {
                if repairs[position].is_err() || together.repaired[group].contains(finding) {
                    continue;
                }
                let case = Case { planner: self, state, group, finding: *finding, revokes: None };
                let Some((statements, trial, also)) = self.repair_in_group(case) else { continue };
                self.apply(state, trial);
                also.into_iter().for_each(|(group, finding)| {
                    together.repaired[group].insert(finding);
                });
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

fn is_wide(statements: &[Statement]) -> bool {
    statements.iter().any(Statement::is_wide)
}
