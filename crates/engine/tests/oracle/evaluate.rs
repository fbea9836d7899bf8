//! The oracle: every user against every data source against every policy, as the text says it.

use domesday_model::{
    AppliesTo, Catalog, Column, DataPolicy, DataSource, DataSourceStatus, Instant, Level, Policy, PolicyKind,
    PolicyState, ProductStatus, Request, RequestStatus, RequestType, Scope, Selector, Target, User,
    UserStatus,
};

use super::condition::{glob, reaches};
use super::row::{Row, Verdict, reason};

/// The rows of policy-outcomes, in the table's order: data source, scope, user, and after a source's table
/// rows its column rows by user and ordinal.
pub(crate) fn evaluate(catalog: &Catalog, at: Instant) -> Vec<Row> {
    let world = World { catalog, at };
    let mut rows = Vec::new();
    for source in world.enabled_sources() {
        for scope in [Scope::Read, Scope::Write] {
            for user in world.active_users() {
                rows.extend(world.table_row(user, source, scope));
            }
        }
        for user in world.active_users() {
            for column in &source.columns {
                rows.extend(world.column_row(user, source, column));
            }
        }
    }
    rows
}

/// A catalog at an instant.
#[derive(Debug, Clone, Copy)]
pub(crate) struct World<'c> {
    pub(crate) catalog: &'c Catalog,
    pub(crate) at: Instant,
}

/// Global grants of one scope that disagree on the level, on one data source (rule 2).
#[derive(Debug, Clone)]
pub(crate) struct Conflict<'c> {
    pub(crate) scope: Scope,
    /// The grants that take part, in catalog order.
    pub(crate) members: Vec<&'c Policy>,
    /// The level that counts.
    pub(crate) counts: Strictness,
    /// Whether the data source's `levelChoice` said so.
    pub(crate) settled: bool,
}

/// Rule 2: the levels that can be in conflict, the most restrictive last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Strictness {
    Anyone,
    Approval,
    Individuals,
}

/// Rule 2: "`entitlements` grants take no part."
fn strictness(policy: &Policy) -> Option<Strictness> {
    match policy.level {
        Level::Anyone => Some(Strictness::Anyone),
        Level::Approval => Some(Strictness::Approval),
        Level::Individuals { .. } => Some(Strictness::Individuals),
        Level::Entitlements { .. } => None,
    }
}

/// "A policy that names its data sources is local, every other global." Choice: a list of mappings is local
/// when it is not empty and every one of them names data sources.
pub(crate) fn is_local(applies_to: &AppliesTo) -> bool {
    match applies_to {
        AppliesTo::All | AppliesTo::OptIn => false,
        AppliesTo::Any(mappings) => {
            let alone = |mapping: &Selector| {
                let rest = Selector { data_sources: None, ..mapping.clone() };
                mapping.data_sources.is_some() && rest == Selector::default()
            };
            !mappings.is_empty() && mappings.iter().all(alone)
        }
    }
}

/// catalog.md, `appliesTo`.
pub(crate) fn applies(name: &str, applies_to: &AppliesTo, source: &DataSource) -> bool {
    match applies_to {
        AppliesTo::All => true,
        AppliesTo::OptIn => source.opt_in_policies.contains(name),
        AppliesTo::Any(mappings) => mappings.iter().any(|mapping| selects(mapping, source)),
    }
}

/// catalog.md: "a mapping whose keys must **all** hold, each a list of which **any** may match". Choice: a
/// key with an empty list therefore never holds.
fn selects(mapping: &Selector, source: &DataSource) -> bool {
    let tagged = |list: &Option<Vec<String>>, tags: &[&String]| {
        list.as_ref().is_none_or(|names| names.iter().any(|name| tags.iter().any(|tag| reaches(name, tag))))
    };
    // "A source without the field does not match."
    let globs = |list: &Option<Vec<String>>, texts: &[&String]| {
        list.as_ref().is_none_or(|globs| globs.iter().any(|g| texts.iter().any(|text| glob(g, text))))
    };
    let one =
        |list: &Option<Vec<String>>, text: &Option<String>| globs(list, &text.iter().collect::<Vec<_>>());
    let own_tags: Vec<&String> = source.tags.iter().collect();
    let column_tags: Vec<&String> = source.columns.iter().flat_map(|column| &column.tags).collect();
    tagged(&mapping.tagged, &own_tags)
        && tagged(&mapping.columns_tagged, &column_tags)
        && one(&mapping.domains, &source.domain)
        && globs(&mapping.owners, &source.owners.iter().collect::<Vec<_>>())
        && globs(&mapping.platforms, &[&source.platform])
        && one(&mapping.hosts, &source.host)
        && one(&mapping.databases, &source.database)
        && one(&mapping.schemas, &source.schema)
        && one(&mapping.tables, &source.table)
        && globs(&mapping.names, &[&source.name])
        && mapping.data_sources.as_ref().is_none_or(|names| names.contains(&source.name))
        && !mapping.except.iter().any(|except| selects(except, source))
}

/// Rule 9: "of those requests the one that ends last (no end is last of all; ties: the smallest id)". Choice:
/// ids compare as texts.
pub(crate) fn ends_last<'c>(requests: &[&'c Request]) -> Option<&'c Request> {
    let mut last: Option<&Request> = None;
    for request in requests {
        let better = last.is_none_or(|last| match (request.expires_at, last.expires_at) {
            (None, None) => request.id < last.id,
            (None, Some(_)) => true,
            (Some(_), None) => false,
            (Some(end), Some(other)) => end > other || end == other && request.id < last.id,
        });
        if better {
            last = Some(request);
        }
    }
    last
}

impl<'c> World<'c> {
    /// Rule 7: "disabled sources have no rows."
    pub(crate) fn enabled_sources(&self) -> impl Iterator<Item = &'c DataSource> + use<'c> {
        let sources = self.catalog.data_sources.iter().map(|source| &source.spec);
        sources.filter(|source| source.status == DataSourceStatus::Enabled)
    }

    /// Rule 7: "Disabled users have no rows."
    pub(crate) fn active_users(&self) -> impl Iterator<Item = &'c User> + use<'c> {
        self.catalog.users.iter().map(|user| &user.spec).filter(|user| user.status == UserStatus::Active)
    }

    /// The active policies of one kind that apply to a source.
    fn active(&self, kind: PolicyKind, source: &DataSource) -> Vec<&'c Policy> {
        let policies = self.catalog.policies.iter().map(|policy| &policy.spec);
        policies
            .filter(|policy| policy.kind == kind && policy.state == PolicyState::Active)
            .filter(|policy| applies(&policy.name, &policy.applies_to, source))
            .collect()
    }

    /// Rule 1: "active grants that apply to *d*, of scope READ or WRITE when s = READ, of scope WRITE when
    /// s = WRITE".
    pub(crate) fn grants_for(&self, source: &DataSource, scope: Scope) -> Vec<&'c Policy> {
        let mut grants = self.active(PolicyKind::Grant, source);
        grants.retain(|grant| scope == Scope::Read || grant.scope == Scope::Write);
        grants
    }

    /// Rule 1: "active guardrails that apply to *d*, of scope READ when s = READ, of either scope when
    /// s = WRITE".
    pub(crate) fn guardrails_for(&self, source: &DataSource, scope: Scope) -> Vec<&'c Policy> {
        let mut guardrails = self.active(PolicyKind::Guardrail, source);
        guardrails.retain(|guardrail| scope == Scope::Write || guardrail.scope == Scope::Read);
        guardrails
    }

    /// Rule 2, for the global grants of one policy scope on one source. Choice: `levelChoice` settles only a
    /// conflict that its policy is part of.
    pub(crate) fn conflict(&self, source: &DataSource, policy_scope: Scope) -> Option<Conflict<'c>> {
        let mut members = self.active(PolicyKind::Grant, source);
        members.retain(|grant| grant.scope == policy_scope && !is_local(&grant.applies_to));
        members.retain(|grant| strictness(grant).is_some());
        let strictest = members.iter().filter_map(|grant| strictness(grant)).max()?;
        if members.iter().all(|grant| strictness(grant) == Some(strictest)) {
            return None;
        }
        let chosen = members.iter().find(|grant| Some(&grant.name) == source.level_choice.as_ref());
        let counts = chosen.and_then(|grant| strictness(grant)).unwrap_or(strictest);
        Some(Conflict { scope: policy_scope, settled: chosen.is_some(), members, counts })
    }

    /// Rule 2: "the others admit nobody."
    pub(crate) fn is_silenced(&self, grant: &Policy, source: &DataSource) -> bool {
        self.conflict(source, grant.scope).is_some_and(|conflict| {
            let takes_part = conflict.members.iter().any(|member| member.name == grant.name);
            takes_part && strictness(grant) != Some(conflict.counts)
        })
    }

    /// Rule 3: whether a request covers (u, d, s).
    fn covers(&self, request: &Request, user: &User, source: &DataSource, scope: Scope) -> bool {
        request.kind == RequestType::DataAccess
            && self.is_in_force(request)
            && request.user == user.username
            && self.names(&request.target, source)
            && (scope == Scope::Read || request.scope == Scope::Write)
    }

    /// Rule 3: "its status approved, `expiresAt` is absent or after *t*".
    pub(crate) fn is_in_force(&self, request: &Request) -> bool {
        request.status == RequestStatus::Approved && request.expires_at.is_none_or(|end| end > self.at)
    }

    /// Rule 3: "it names *d* or a *published* data product that holds *d* at *t*". Choice: which columns a
    /// product's asset or the request names restricts nothing here.
    fn names(&self, target: &Target, source: &DataSource) -> bool {
        match target {
            Target::DataSource(name) => *name == source.name,
            Target::DataProduct(name) => self.catalog.data_products.iter().any(|product| {
                product.name == *name
                    && product.status == ProductStatus::Published
                    && product.data_sources.iter().any(|asset| asset.name == source.name)
            }),
        }
    }

    /// The requests that cover (u, d, s), in catalog order.
    pub(crate) fn covering(&self, user: &User, source: &DataSource, scope: Scope) -> Vec<&'c Request> {
        let requests = self.catalog.requests.iter().map(|request| &request.spec);
        requests.filter(|request| self.covers(request, user, source, scope)).collect()
    }

    /// Rules 2, 4 and 6: whether a policy admits a user.
    pub(crate) fn admits(
        &self,
        policy: &'c Policy,
        user: &'c User,
        source: &DataSource,
        scope: Scope,
    ) -> bool {
        if policy.kind == PolicyKind::Grant && self.is_silenced(policy, source) {
            return false;
        }
        match &policy.level {
            Level::Entitlements { condition } => self.holds(condition, user, source),
            Level::Anyone => true,
            Level::Individuals { individuals } => {
                let groups = self.groups_of(user);
                individuals.users.contains(&user.username)
                    || individuals.groups.iter().any(|group| groups.contains(group.as_str()))
            }
            Level::Approval => !self.covering(user, source, scope).is_empty(),
        }
    }

    /// Rules 5, 6, 7 and 9.
    pub(crate) fn table_row(&self, user: &'c User, source: &DataSource, scope: Scope) -> Option<Row> {
        let mut grants = self.grants_for(source, scope);
        grants.retain(|grant| self.admits(grant, user, source, scope));
        let is_owner = source.owners.contains(&user.username);
        let requests = self.reason_requests(user, source, scope);
        let by_policy = grants.iter().any(|grant| !matches!(grant.level, Level::Approval));
        // Rule 5. An approval grant that admits and a product request are both among `requests`.
        if !by_policy && !is_owner && requests.is_empty() {
            return None;
        }
        // Rules 6 and 7: "eligible when every guardrail for s admits them".
        let guardrails = self.guardrails_for(source, scope);
        let blocking: Vec<_> =
            guardrails.iter().filter(|g| !self.admits(g, user, source, scope)).copied().collect();
        let (verdict, guardrails) = match blocking.is_empty() {
            true => (Verdict::Granted, guardrails),
            false => (Verdict::Blocked, blocking),
        };
        let request = ends_last(&requests);
        Some(Row {
            source: source.name.clone(),
            column: None,
            scope,
            user: user.username.clone(),
            verdict,
            grants: names(&grants),
            guardrails: names(&guardrails),
            data_policies: Vec::new(),
            reason: reason(by_policy, is_owner, request.is_some()),
            request: request.map(|request| request.id.clone()),
            // "Null if POLICY or OWNER is among the reasons, else that request's end."
            expires_at: request.filter(|_| !by_policy && !is_owner).and_then(|request| request.expires_at),
        })
    }

    /// Rule 9: the requests that stand behind access: those for which "a request covers and either an
    /// approval grant admits or it is a product request". Choice: with an approval grant, all that cover.
    pub(crate) fn reason_requests(
        &self,
        user: &'c User,
        source: &DataSource,
        scope: Scope,
    ) -> Vec<&'c Request> {
        let grants = self.grants_for(source, scope);
        let mut approvals = grants.iter().filter(|grant| matches!(grant.level, Level::Approval));
        let approval_admits = approvals.any(|grant| self.admits(grant, user, source, scope));
        let mut requests = self.covering(user, source, scope);
        requests.retain(|request| approval_admits || matches!(request.target, Target::DataProduct(_)));
        requests
    }

    /// Rule 8: the data policies that apply to a column.
    pub(crate) fn data_policies_for(&self, source: &DataSource, column: &Column) -> Vec<&'c DataPolicy> {
        let policies = self.catalog.data_policies.iter().map(|policy| &policy.spec);
        policies
            .filter(|policy| policy.state == PolicyState::Active)
            .filter(|policy| applies(&policy.name, &policy.applies_to, source))
            .filter(|policy| {
                let tagged = |name: &String| column.tags.iter().any(|tag| reaches(name, tag));
                policy.columns.tagged.iter().any(tagged)
                    || policy.columns.names.iter().any(|pattern| glob(pattern, &column.name))
            })
            .collect()
    }

    /// Rule 8: the approved, unexpired masking exceptions of a user that name the column. Choice: their scope
    /// says nothing.
    pub(crate) fn exceptions(&self, user: &User, source: &DataSource, column: &Column) -> Vec<&'c Request> {
        let requests = self.catalog.requests.iter().map(|request| &request.spec);
        requests
            .filter(|request| request.kind == RequestType::MaskingException && self.is_in_force(request))
            .filter(|request| request.user == user.username)
            .filter(|request| request.target == Target::DataSource(source.name.clone()))
            .filter(|request| request.columns.contains(&column.name))
            .collect()
    }

    /// Rules 8 and 9.
    fn column_row(&self, user: &'c User, source: &DataSource, column: &Column) -> Option<Row> {
        let table_row = self.table_row(user, source, Scope::Read)?;
        let policies = self.data_policies_for(source, column);
        if table_row.verdict != Verdict::Granted || policies.is_empty() {
            return None;
        }
        let excepted = |policy: &DataPolicy| {
            policy.except.as_ref().is_some_and(|except| self.holds(except, user, source))
        };
        let masking: Vec<_> = policies.iter().filter(|policy| !excepted(policy)).copied().collect();
        let exception = ends_last(&self.exceptions(user, source, column));
        // "Or the exception was needed": without a mask there is nothing to be excepted from.
        let needed = exception.filter(|_| !masking.is_empty());
        let (verdict, shown) = match (masking.is_empty(), needed) {
            (false, None) => (Verdict::Masked, masking),
            _ => (Verdict::Unmasked, policies),
        };
        Some(Row {
            source: source.name.clone(),
            column: Some(column.name.clone()),
            scope: Scope::Read,
            user: user.username.clone(),
            verdict,
            grants: Vec::new(),
            guardrails: Vec::new(),
            data_policies: shown.iter().map(|policy| policy.name.clone()).collect(),
            // Choice: clear only thanks to an exception is REQUEST alone, all else POLICY alone.
            reason: reason(needed.is_none(), false, needed.is_some()),
            request: needed.map(|request| request.id.clone()),
            expires_at: needed.and_then(|request| request.expires_at),
        })
    }
}

fn names(policies: &[&Policy]) -> Vec<String> {
    policies.iter().map(|policy| policy.name.clone()).collect()
}
