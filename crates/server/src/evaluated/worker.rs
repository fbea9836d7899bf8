//! The thread that owns an evaluation: the engine's outcomes borrow their snapshot, so they live on a stack.
//!
//! Explanations are questions sent to that thread. It ends when the evaluation that it belongs to is dropped.

use std::sync::{Arc, mpsc};

use domesday_engine::{ClassIx, ClassOutcomes, Outcomes, SourceOutcomes, evaluate};
use domesday_model::Snapshot;
use rayon::prelude::*;
use tokio::sync::oneshot;

use crate::problem::Problem;

type Question = Box<dyn FnOnce(&Outcomes<'_>) + Send>;

/// The way to an evaluation's thread.
#[derive(Debug)]
pub(super) struct Worker {
    questions: mpsc::Sender<Question>,
}

impl Worker {
    /// Evaluates a snapshot on a new thread, which then waits for questions.
    pub(super) fn start(
        snapshot: Arc<Snapshot>,
    ) -> Result<(Self, Vec<SourceOutcomes>, Vec<ClassOutcomes>), Problem> {
        let (questions, asked) = mpsc::channel::<Question>();
        let (done, evaluated) = mpsc::channel();
        let work = move || {
            let outcomes = evaluate(&snapshot);
            let count = u32::try_from(outcomes.class_count()).expect("classes are counted in 32 bits");
            let classes = (0..count).into_par_iter().map(|class| outcomes.class(ClassIx(class))).collect();
            if done.send((outcomes.sources().to_vec(), classes)).is_ok() {
                asked.into_iter().for_each(|question| question(&outcomes));
            }
        };
        std::thread::Builder::new()
            .name("evaluation".to_owned())
            .spawn(work)
            .map_err(|error| Problem::internal(&error))?;
        let (sources, classes) =
            evaluated.recv().map_err(|_| Problem::internal(&"the evaluation ended without a result"))?;
        Ok((Self { questions }, sources, classes))
    }

    /// Asks the engine's own view for something.
    pub(super) async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Outcomes<'_>) -> T + Send + 'static,
    ) -> Result<T, Problem> {
        let (answer, answered) = oneshot::channel();
        let question: Question = Box::new(move |outcomes| {
            // Who asked may have gone meanwhile.
            let _ = answer.send(question(outcomes));
        });
        let gone = || Problem::internal(&"the evaluation's thread is gone");
        self.questions.send(question).map_err(|_| gone())?;
        answered.await.map_err(|_| gone())
    }
}
