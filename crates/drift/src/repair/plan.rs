//! The repair of a database: the statements, or why there are none.

use super::decision::Decision;
use super::statement::Statement;

/// The repair of a database.
#[derive(Debug)]
pub(crate) struct RepairPlan {
    /// By group, then finding: the statements that repair it alone, or why there are none.
    pub(crate) findings: Vec<Vec<OwnRepair>>,
    /// The statements of the whole repair on relations, in order: by group.
    pub(crate) relations: Vec<Vec<Step>>,
    /// Those on schemas and on the database, in order, each with the group that it was found for.
    pub(crate) wide: Vec<(usize, Step)>,
}

/// A statement with the finding for which it is there.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    pub(crate) statement: Statement,
    /// The position of the finding in its group.
    pub(crate) finding: usize,
}

/// The statements that repair a finding by itself, or why there are none.
pub(crate) type OwnRepair = Result<Box<[Statement]>, Decision>;
