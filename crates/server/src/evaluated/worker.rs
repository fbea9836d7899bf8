//! The thread that owns an evaluation: the engine's outcomes borrow their snapshot, so they live on a stack.
//!
//! Explanations are questions sent to that thread. It ends when the evaluation that it belongs to is dropped.

use std::sync::{Arc, mpsc};

use domesday_engine::{ClassIx, ClassOutcomes, Explanation, Outcomes, SourceOutcomes, evaluate};
use domesday_model::{DataSourceIx, Scope, Snapshot, UserIx};
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

    /// One pair's derivation.
    pub(super) async fn explain(
        &self,
        user: UserIx,
        source: DataSourceIx,
        scope: Scope,
    ) -> Result<Explanation, Problem> {
        let (answer, answered) = oneshot::channel();
        let question: Question = Box::new(move |outcomes| {
            // Who asked may have gone meanwhile.
            let _ = answer.send(outcomes.explain(user, source, scope));
        });
        let gone = || Problem::internal(&"the evaluation's thread is gone");
        self.questions.send(question).map_err(|_| gone())?;
        answered.await.map_err(|_| gone())
    }
}
