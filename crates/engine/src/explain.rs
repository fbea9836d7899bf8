//! One pair's derivation, from the same parts as its row: which grants admitted, which did not and on which
//! part of their condition, which a conflict of levels silenced, which guardrails block, which requests count.
//!
//! Everything here is data; putting it into words is left to who shows it.

use domesday_model::condition::Atom;
use domesday_model::{
    Condition, DataSourceIx, DataSourceStatus, Instant, Level, LevelKind, PolicyIx, PolicyKind,
    ProductStatus, RequestStatus, RequestType, Scope, Target, UserIx,
};
use serde::Serialize;

use crate::Outcomes;
use crate::admit::counts_for;
use crate::classes::{Applied, Class};
use crate::nearest::Way;
use crate::outcomes::{Because, ColumnOutcome, Outcome};

/// Why a user can or cannot reach a data source in one scope.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Explanation {
    /// Username.
    pub user: String,
    /// Data source by name.
    pub data_source: String,
    /// The scope explained.
    pub scope: &'static str,
    /// The snapshot's instant.
    pub at: Instant,
    /// What comes of it.
    pub access: Access,
    /// What rules access out before any policy is looked at.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub excluded: Vec<Exclusion>,
    /// The parts of the `reason` field.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<&'static str>,
    /// Whether the user owns the data source.
    pub owner: bool,
    /// The grants that count for the scope.
    pub grants: Vec<PolicyStep>,
    /// The guardrails that count for the scope.
    pub guardrails: Vec<PolicyStep>,
    /// The user's requests that name the data source or a product that holds it.
    pub requests: Vec<RequestStep>,
    /// The request that the row names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// When access ends by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Instant>,
    /// How masked columns appear to the user, when granted to read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<ColumnStep>,
    /// For somebody without access, the nearest ways to get it, shortest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ways: Vec<Way>,
    /// All grants and guardrails in one line.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub merged_policy: String,
}

/// What comes of a user, a data source and a scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Access {
    /// Granted and eligible.
    Granted,
    /// Granted, but a guardrail blocks.
    Blocked,
    /// Nothing grants it.
    None,
}

/// What rules access out altogether.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Exclusion {
    /// The user is disabled.
    UserDisabled,
    /// The data source is disabled.
    DataSourceDisabled,
}

/// One policy's part.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PolicyStep {
    /// The policy's id.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// Its level.
    pub level: &'static str,
    /// Whether it admits the user.
    pub admits: bool,
    /// Whether a conflict of levels silences it (rule 2).
    pub silenced: bool,
    /// For level entitlements, what became of the condition.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub condition: Option<ConditionStep>,
    /// For level individuals, how the user is named: `user`, or the groups.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub named_as: Vec<String>,
}

/// One part of a condition.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ConditionStep {
    /// The part, in the condition language.
    pub text: String,
    /// Whether it holds for the user at the data source.
    pub holds: bool,
    /// The parts it is made of.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<ConditionStep>,
    /// For an attribute atom, the values the user has for the key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held: Option<Vec<String>>,
}

impl ConditionStep {
    /// The smallest parts that decide: those that must change for the whole to come out differently.
    pub fn deciding(&self) -> Vec<&ConditionStep> {
        if self.parts.is_empty() {
            return vec![self];
        }
        let same: Vec<_> = self.parts.iter().filter(|part| part.holds == self.holds).collect();
        // The operand of a NOT comes out the other way round.
        let parts = if same.is_empty() { self.parts.iter().collect() } else { same };
        parts.into_iter().flat_map(ConditionStep::deciding).collect()
    }
}

/// One request's part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RequestStep {
    /// The request's id.
    pub id: String,
    /// The data product it names, if that is what it names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_product: Option<String>,
    /// Whether it covers user, source and scope (rule 3).
    pub covers: bool,
    /// Why it does not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why_not: Option<&'static str>,
    /// When it ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Instant>,
}

/// How one column appears.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ColumnStep {
    /// The column.
    pub column: String,
    /// `MASKED` or `UNMASKED`.
    pub outcome: &'static str,
    /// The data policies that mask, or that apply and except the user.
    pub data_policies: Vec<String>,
    /// The masking exception that was needed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

impl Because {
    /// The parts of the `reason` field in their order.
    #[must_use]
    pub fn parts(self) -> Vec<&'static str> {
        let parts = [(self.policy, "POLICY"), (self.owner, "OWNER"), (self.request, "REQUEST")];
        parts.into_iter().filter_map(|(there, name)| there.then_some(name)).collect()
    }
}

impl Outcomes<'_> {
    /// Explains what a user can do with a data source in a scope.
    ///
    /// # Panics
    /// When an index is not of this snapshot.
    #[must_use]
    pub fn explain(&self, user: UserIx, source: DataSourceIx, scope: Scope) -> Explanation {
        let snapshot = self.snapshot;
        let data_source = &snapshot.data_sources[source.get()];
        let mut explanation = Explanation {
            user: snapshot.users[user.get()].username.to_string(),
            data_source: data_source.name.to_string(),
            scope: scope.as_str(),
            at: snapshot.at,
            access: Access::None,
            excluded: Vec::new(),
            reasons: Vec::new(),
            owner: data_source.owners.contains(&user),
            grants: Vec::new(),
            guardrails: Vec::new(),
            requests: self.request_steps(user, source, scope),
            request_id: None,
            expires_at: None,
            columns: Vec::new(),
            ways: self.nearest_ways(user, source, scope),
            merged_policy: String::new(),
        };
        if !snapshot.is_active(user) {
            explanation.excluded.push(Exclusion::UserDisabled);
        }
        if data_source.status == DataSourceStatus::Disabled {
            explanation.excluded.push(Exclusion::DataSourceDisabled);
        }
        let Ok(position) = self.classes.sources.binary_search_by_key(&source, |outcomes| outcomes.source)
        else {
            return explanation;
        };
        let of_source = &self.classes.sources[position];
        let class = &self.classes.classes[of_source.class.0 as usize];
        for applied in class.policies.iter().filter(|applied| counts_for(snapshot, applied.policy, scope)) {
            let step = self.policy_step(user, source, scope, class, applied);
            match snapshot.policies[applied.policy.get()].spec.kind {
                PolicyKind::Grant => explanation.grants.push(step),
                PolicyKind::Guardrail => explanation.guardrails.push(step),
            }
        }
        if explanation.excluded.is_empty() {
            self.add_outcome(&mut explanation, user, position, scope);
        }
        explanation
    }

    /// What the row says.
    fn add_outcome(&self, explanation: &mut Explanation, user: UserIx, position: usize, scope: Scope) {
        let snapshot = self.snapshot;
        let of_source = &self.classes.sources[position];
        let outcomes = self.class(of_source.class);
        let in_scope = outcomes.scope(scope);
        explanation.merged_policy.clone_from(&in_scope.merged_policy);
        let Ok(row) = in_scope.users.binary_search(&user) else { return };
        let reason = &in_scope.reasons[in_scope.reason_of[row] as usize];
        explanation.access = match reason.outcome {
            Outcome::Granted => Access::Granted,
            Outcome::Blocked => Access::Blocked,
        };
        explanation.reasons = reason.because.parts();
        explanation.request_id = reason.request.map(|request| snapshot.requests[request.get()].id.clone());
        explanation.expires_at = reason.expires_at;
        if scope == Scope::Write {
            return;
        }
        let Ok(reader) = outcomes.columns.users.binary_search(&user) else { return };
        for (slot, column) in outcomes.columns.slots.iter().zip(&of_source.columns) {
            let reason = &outcomes.columns.reasons[slot[reader] as usize];
            let policies = reason.data_policies.iter();
            explanation.columns.push(ColumnStep {
                column: snapshot.columns[column.get()].name.to_string(),
                outcome: match reason.outcome {
                    ColumnOutcome::Masked => "MASKED",
                    ColumnOutcome::Unmasked => "UNMASKED",
                },
                data_policies: policies
                    .map(|ix| snapshot.data_policies[ix.get()].spec.name.clone())
                    .collect(),
                request_id: reason.request.map(|request| snapshot.requests[request.get()].id.clone()),
            });
        }
    }

    fn policy_step(
        &self,
        user: UserIx,
        source: DataSourceIx,
        scope: Scope,
        class: &Class,
        applied: &Applied,
    ) -> PolicyStep {
        let snapshot = self.snapshot;
        let policy = &snapshot.policies[applied.policy.get()];
        let level = &policy.spec.level;
        let condition = match level {
            Level::Entitlements { condition } => Some(self.condition_step(condition, user, source)),
            Level::Anyone | Level::Approval | Level::Individuals { .. } => None,
        };
        let named_as = self.named_as(applied.policy, user);
        let holds = match level.kind() {
            LevelKind::Anyone => true,
            LevelKind::Approval => {
                class.covers.iter().any(|cover| cover.user == user && (scope == Scope::Read || cover.write))
            }
            LevelKind::Individuals => !named_as.is_empty(),
            LevelKind::Entitlements => condition.as_ref().is_some_and(|step| step.holds),
        };
        PolicyStep {
            id: policy.id.0,
            name: policy.spec.name.clone(),
            level: level.kind().as_str(),
            admits: holds && !applied.silenced && snapshot.is_active(user),
            silenced: applied.silenced,
            condition,
            named_as,
        }
    }

    fn named_as(&self, policy: PolicyIx, user: UserIx) -> Vec<String> {
        let snapshot = self.snapshot;
        let Level::Individuals { individuals } = &snapshot.policies[policy.get()].spec.level else {
            return Vec::new();
        };
        let person = &snapshot.users[user.get()];
        let by_name = individuals.users.contains(&*person.username).then(|| "user".to_owned());
        let in_group = |name: &&String| {
            snapshot.group(name).is_some_and(|group| group.get() == 0 || person.groups.contains(&group))
        };
        by_name
            .into_iter()
            .chain(individuals.groups.iter().filter(in_group).map(|name| format!("group {name}")))
            .collect()
    }

    fn condition_step(&self, condition: &Condition, user: UserIx, source: DataSourceIx) -> ConditionStep {
        let parts: Vec<ConditionStep> = match condition {
            Condition::Atom(_) => Vec::new(),
            Condition::Not(inner) => vec![self.condition_step(inner, user, source)],
            Condition::And(parts) | Condition::Or(parts) => {
                parts.iter().map(|part| self.condition_step(part, user, source)).collect()
            }
        };
        let (holds, held) = match condition {
            Condition::Atom(atom) => {
                let held = match atom {
                    Atom::HasAttribute { key, .. } | Atom::HasTagAsAttribute { key, .. } => {
                        Some(self.values_of(user, key))
                    }
                    Atom::InGroups(_) | Atom::HasTagAsGroup { .. } => None,
                };
                (self.conditions.atom(atom, source).contains(user), held)
            }
            Condition::Not(_) => (parts.iter().all(|part| !part.holds), None),
            Condition::And(_) => (parts.iter().all(|part| part.holds), None),
            Condition::Or(_) => (parts.iter().any(|part| part.holds), None),
        };
        ConditionStep { text: condition.to_string(), holds, parts, held }
    }

    fn values_of(&self, user: UserIx, key: &str) -> Vec<String> {
        let symbols = &self.snapshot.symbols;
        let pairs = self.snapshot.attributes_of(user);
        let mut values: Vec<_> = pairs
            .filter(|(held, _)| symbols.text(*held) == key)
            .map(|(_, value)| symbols.text(value).to_owned())
            .collect();
        values.sort_unstable();
        values.dedup();
        values
    }

    fn request_steps(&self, user: UserIx, source: DataSourceIx, scope: Scope) -> Vec<RequestStep> {
        let snapshot = self.snapshot;
        let name = &*snapshot.data_sources[source.get()].name;
        let username = &*snapshot.users[user.get()].username;
        let mut steps = Vec::new();
        for request in snapshot.requests.iter().filter(|request| request.user == username) {
            if request.kind != RequestType::DataAccess {
                continue;
            }
            let (product, published) = match &request.target {
                Target::DataSource(target) if target == name => (None, true),
                Target::DataSource(_) => continue,
                Target::DataProduct(target) => {
                    let Some(product) = snapshot.data_product(target) else { continue };
                    if !product.spec.data_sources.iter().any(|asset| asset.name == name) {
                        continue;
                    }
                    (Some(target.clone()), product.spec.status == ProductStatus::Published)
                }
            };
            let why_not = match request.status {
                RequestStatus::Pending => Some("pending"),
                RequestStatus::Denied => Some("denied"),
                RequestStatus::Canceled => Some("canceled"),
                RequestStatus::Revoked => Some("revoked"),
                RequestStatus::Approved if !request.is_in_force(snapshot.at) => Some("expired"),
                RequestStatus::Approved if !published => Some("data product suspended"),
                RequestStatus::Approved if scope == Scope::Write && request.scope == Scope::Read => {
                    Some("approved for reading only")
                }
                RequestStatus::Approved => None,
            };
            steps.push(RequestStep {
                id: request.id.clone(),
                data_product: product,
                covers: why_not.is_none(),
                why_not,
                expires_at: request.expires_at,
            });
        }
        steps
    }
}
