//! Cedar's authorizer over the same policies, asked about one pair of user and data source after the other: what
//! deciding at request time would take for a whole summary.

use std::collections::HashSet;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Instant as Stopwatch;

use anyhow::ensure;
use cedar_policy::{
    Authorizer, Context, Decision, Entities, EntityId, EntityTypeName, EntityUid, PolicySet, Request,
};
use domesday_engine::{Outcome, ScopeOutcomes, evaluate};
use domesday_model::{Scope, Snapshot};
use serde::Serialize;

/// The cost of a sample, and the extrapolated cost of all pairs on one core.
#[derive(Debug, Clone, Serialize)]
pub struct Sample {
    /// Users and data sources of the sample.
    pub each: usize,
    /// Requests: every user, every source, both scopes.
    pub questions: u64,
    /// The number of requests that Cedar allowed; the engine grants as many.
    pub allowed: u64,
    /// Seconds for the sample, on one core.
    pub seconds: f64,
    /// Requests for every pair of the enterprise, in both scopes.
    pub all_questions: u64,
    /// Extrapolated seconds for all of them, on one core.
    pub all_seconds: f64,
}

const SCOPES: [Scope; 2] = [Scope::Read, Scope::Write];

/// Evaluates `size` users and `size` data sources, evenly spread. Loading the entities is not counted.
///
/// # Errors
/// When Cedar rejects the translation, or allows a pair that the engine does not grant, or the reverse.
pub fn sample(snapshot: &Arc<Snapshot>, each: usize) -> anyhow::Result<Sample> {
    let users = evenly(snapshot.users.len(), each);
    let sources = evenly(snapshot.data_sources.len(), each);
    let export = domesday_cedar::export(snapshot);
    let policies = PolicySet::from_str(&export.policies)?;
    let named: HashSet<(&str, &str)> = users
        .iter()
        .map(|user| ("Domesday::User", &*snapshot.users[*user].username))
        .chain(sources.iter().map(|source| ("Domesday::DataSource", &*snapshot.data_sources[*source].name)))
        .collect();
    let serde_json::Value::Array(entities) = export.entities else { unreachable!("entities are a list") };
    let drawn = entities.into_iter().filter(|entity| {
        let uid = |part: &str| entity["uid"][part].as_str().unwrap_or_default();
        uid("type") == "Domesday::Group" || named.contains(&(uid("type"), uid("id")))
    });
    let entities = Entities::from_json_value(drawn.collect(), None)?;

    let mut requests = Vec::new();
    for user in &users {
        for source in &sources {
            for action in ["Read", "Write"] {
                requests.push(Request::new(
                    uid("User", &snapshot.users[*user].username)?,
                    uid("Action", action)?,
                    uid("DataSource", &snapshot.data_sources[*source].name)?,
                    Context::empty(),
                    None,
                )?);
            }
        }
    }
    let authorizer = Authorizer::new();
    let clock = Stopwatch::now();
    let allows = |request: &&Request| {
        authorizer.is_authorized(request, &policies, &entities).decision() == Decision::Allow
    };
    let allowed = requests.iter().filter(allows).count() as u64;
    let seconds = clock.elapsed().as_secs_f64();

    let granted = granted(snapshot, &users, &sources);
    ensure!(allowed == granted, "Cedar allows {allowed} of the sample, the engine grants {granted}");
    let questions = requests.len() as u64;
    let all_questions = (snapshot.users.len() * snapshot.data_sources.len() * SCOPES.len()) as u64;
    let all_seconds = seconds / questions as f64 * all_questions as f64;
    Ok(Sample { each, questions, allowed, seconds, all_questions, all_seconds })
}

/// Counts the pairs of the sample that the engine grants, in both scopes.
fn granted(snapshot: &Arc<Snapshot>, users: &[usize], sources: &[usize]) -> u64 {
    let outcomes = evaluate(Arc::clone(snapshot));
    let users: HashSet<usize> = users.iter().copied().collect();
    let drawn = |scope: &ScopeOutcomes| {
        let of_users =
            scope.users.iter().zip(&scope.reason_of).filter(|(user, _)| users.contains(&user.get()));
        of_users.filter(|(_, reason)| scope.reasons[**reason as usize].outcome == Outcome::Granted).count()
            as u64
    };
    let sources: HashSet<usize> = sources.iter().copied().collect();
    let asked = outcomes.sources().iter().filter(|source| sources.contains(&source.source.get()));
    asked
        .map(|source| {
            let class = outcomes.class(source.class);
            SCOPES.iter().map(|scope| drawn(class.scope(*scope))).sum::<u64>()
        })
        .sum()
}

/// Returns `count` positions below a length, evenly spread.
fn evenly(length: usize, wanted: usize) -> Vec<usize> {
    let count = wanted.min(length);
    (0..count).map(|position| position * length / count).collect()
}

fn uid(kind: &str, id: &str) -> anyhow::Result<EntityUid> {
    let kind = EntityTypeName::from_str(&format!("Domesday::{kind}"))?;
    Ok(EntityUid::from_type_name_and_id(kind, EntityId::new(id)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::enterprise::{Size, at, enterprise};

    #[test]
    fn cedar_allows_what_the_engine_grants() {
        let snapshot = Arc::new(Snapshot::of_catalog(&enterprise(Size::S), at()).unwrap());
        let sample = sample(&snapshot, 20).unwrap();
        assert_eq!((sample.questions, sample.all_questions), (800, 30_000_000));
        assert!(sample.allowed > 0);
    }
}
