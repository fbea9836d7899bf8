//! Why a batch failed, by what to do about it.

use domesday_delivery::DeliveryError;
use domesday_tables::EncodeError;

use crate::RunError;

/// Why a step of a batch failed. The snapshot that the destination names is the one that it named before.
#[derive(Debug, thiserror::Error)]
pub enum BatchError {
    /// Evaluation, encoding or delivery failed, as in a run on one machine.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The file of the plan is not one.
    #[error("it is not a plan of a batch: {0}; make one with `domesday batch plan`")]
    InvalidPlan(String),
    /// The file of a report is not one.
    #[error("it is not a report of a task: {0}; give what `domesday batch task` printed")]
    InvalidReport(String),
    /// Another version of the program made the plan, which might cut parts elsewhere.
    #[error(
        "the plan is of domesday {found}, and this is {}; use one version for the plan and all tasks",
        env!("CARGO_PKG_VERSION")
    )]
    OtherVersion {
        /// The version in the plan.
        found: String,
    },
    /// The plan is of another snapshot.
    #[error("the plan is of another snapshot; give the file of which it was made, or make a new plan")]
    OtherSnapshot,
    /// The plan has no task of this index.
    #[error("there is no task {index}: the plan has {tasks} tasks, numbered from 0")]
    NoSuchTask {
        /// The index.
        index: usize,
        /// How many there are.
        tasks: usize,
    },
    /// The keys of the layout depend on the destination.
    #[error(
        "the destination decides which slot of the layout `swap` is free\nhelp: name it with `--to`, as for the tasks"
    )]
    NeedsDestination,
    /// The plan was made for another destination.
    #[error("the plan is for `{planned}`, not for `{given}`; make a plan for this destination")]
    OtherDestination {
        /// The destination of the plan.
        planned: String,
        /// The destination given.
        given: String,
    },
    /// A summary was completed at the destination since the plan was made.
    #[error(
        "a summary was completed at the destination since the plan was made, by an earlier `domesday batch finish` of \
         this plan or by another export; nothing was delivered\nhelp: to deliver this snapshot again, make a new plan"
    )]
    Superseded,
    /// Tasks without a report.
    #[error("there is no report of {}; run them, or give their reports", task_list(.0))]
    MissingReports(Vec<usize>),
    /// A task with two reports.
    #[error("there are two reports of task {0}; give one of each task")]
    DuplicateReport(usize),
    /// A report that is not of this plan.
    #[error("the report of task {0} is of another plan or destination; give the reports of this batch only")]
    ForeignReport(usize),
    /// A file that was reported is not at the destination.
    #[error(
        "`{key}` was reported as delivered and is not at the destination as reported; run task {task} again"
    )]
    NotDelivered {
        /// The key.
        key: String,
        /// The task.
        task: usize,
    },
}

impl From<DeliveryError> for BatchError {
    fn from(error: DeliveryError) -> Self {
        Self::Run(error.into())
    }
}

impl From<EncodeError> for BatchError {
    fn from(error: EncodeError) -> Self {
        Self::Run(RunError::Encode(error))
    }
}

/// The most tasks that a message names.
const LISTED: usize = 10;

fn task_list(tasks: &[usize]) -> String {
    let listed: Vec<String> = tasks.iter().take(LISTED).map(ToString::to_string).collect();
    let more = match tasks.len().saturating_sub(LISTED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let noun = if tasks.len() == 1 { "task" } else { "tasks" };
    format!("{noun} {}{more}", listed.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_tasks_are_named_within_bounds() {
        let message = |tasks: Vec<usize>| BatchError::MissingReports(tasks).to_string();
        assert_eq!(message(vec![3]), "there is no report of task 3; run them, or give their reports");
        let many = message((0..12).collect());
        assert!(many.contains("tasks 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 2 more"), "{many}");
    }
}
