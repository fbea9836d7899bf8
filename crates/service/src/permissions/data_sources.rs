//! Whether a change of a data source lifts a guardrail or a mask from it.
//!
//! The owner of a data source edits it, and policies select by what they edit: its domain, tags, names, owners. So an
//! owner without GOVERNANCE may make any change after which every guardrail and mask that applied still applies, and
//! sees the same of the source. Deleting it, or moving it to another table, counts as giving up every guardrail and mask
//! that a source without any property would not have: registered anew, the table would be such a source.

use domesday_engine::{Bounds, LostBound};
use domesday_model::{
    Catalog, DataPolicy, DataSource, Declared, Domain, Instant, Kind, Policy, PolicyKind, Snapshot, Tag, User,
};
use domesday_store::Store;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::error::ServiceError;

/// The fields that identify the table of a data source.
const LOCATION: [&str; 5] = ["platform", "host", "database", "schema", "table"];

/// A name and platform that no pattern selects.
const UNSELECTABLE: &str = "\u{1}";

/// Whether somebody without GOVERNANCE may change a data source from `before` to `after`, as far as policies bound it.
///
/// # Errors
/// [`ServiceError::Forbidden`] when a guardrail or a mask would no longer apply, or when another data
/// source has the same table.
pub(super) fn check_change(
    store: &mut Store,
    before: Option<&Value>,
    after: Option<&Value>,
) -> Result<(), ServiceError> {
    let moves = location(before) != location(after);
    if let Some(after) = after.filter(|_| moves) {
        check_location_is_free(store, after)?;
    }
    let Some(before) = before else { return Ok(()) };
    let domain = |source: &Value| source.get("domain").cloned();
    if after.is_some_and(|after| domain(before) != domain(after)) {
        return Err(ServiceError::needs_governance(
            "moving a data source into, out of or between domains needs GOVERNANCE",
        ));
    }
    let policies = BoundingPolicies::read(store)?;
    let bounds = policies.bounds(before)?;
    let mut lost = match after {
        Some(after) => bounds.lost_in(&policies.bounds(after)?),
        None => Vec::new(),
    };
    if after.is_none() || moves {
        lost.extend(
            bounds.lost_in(&policies.bounds(&json!({ "name": UNSELECTABLE, "platform": UNSELECTABLE }))?),
        );
    }
    match lost.first() {
        None => Ok(()),
        Some(LostBound::Guardrail(_)) => Err(ServiceError::needs_governance(
            "this would lift a guardrail from the data source, which needs GOVERNANCE: the guardrail selects it, or \
             decides, by what you change",
        )),
        Some(LostBound::Mask { column, .. }) => Err(ServiceError::needs_governance(format!(
            "this would lift a mask from the column `{column}`, which needs GOVERNANCE: the data policy selects it, or \
             decides, by what you change"
        ))),
    }
}

/// Returns the location of a data source's table, in lower case; none when it names no table.
fn location(source: Option<&Value>) -> Option<Vec<String>> {
    let source = source?;
    source["table"].as_str()?;
    Some(LOCATION.iter().map(|field| source[*field].as_str().unwrap_or_default().to_lowercase()).collect())
}

/// Two data sources for one table would let the one be read past the guardrails of the other.
fn check_location_is_free(store: &mut Store, after: &Value) -> Result<(), ServiceError> {
    let Some(table) = after["table"].as_str() else { return Ok(()) };
    let wanted = location(Some(after));
    let others = store.objects_mentioning(Kind::DataSource, table)?;
    let taken = others.iter().any(|other| {
        Some(other.name.as_str()) != after["name"].as_str() && location(Some(&other.document)) == wanted
    });
    if taken {
        return Err(ServiceError::needs_governance(
            "another data source has this table; registering it again needs GOVERNANCE",
        ));
    }
    Ok(())
}

/// The policies that can bound a data source.
struct BoundingPolicies {
    guardrails: Vec<Declared<Policy>>,
    masks: Vec<Declared<DataPolicy>>,
}

impl BoundingPolicies {
    fn read(store: &mut Store) -> Result<Self, ServiceError> {
        let mut guardrails: Vec<Declared<Policy>> = read_all(store, Kind::Policy)?;
        guardrails.retain(|policy| policy.kind == PolicyKind::Guardrail);
        Ok(Self { guardrails, masks: read_all(store, Kind::DataPolicy)? })
    }

    /// The bounds of a data source as a document has it: on a catalog of the source, the policies, and of everything
    /// else the names that the source refers to.
    fn bounds(&self, document: &Value) -> Result<Bounds, ServiceError> {
        let mut source: DataSource =
            serde_json::from_value(document.clone()).map_err(|error| ServiceError::internal(&error))?;
        source.level_choice = None;
        let tags = source.tags.iter().chain(source.columns.iter().flat_map(|column| &column.tags));
        let mut tags: Vec<_> = tags.cloned().collect();
        tags.sort_unstable();
        tags.dedup();
        let declared_domain = |name: &String| {
            Declared::new(Domain { name: name.clone(), description: None, permissions: Vec::new() }, "")
        };
        let catalog = Catalog {
            tags: tags.into_iter().map(|name| Declared::new(Tag { name, description: None }, "")).collect(),
            users: source.owners.iter().map(|owner| Declared::new(User::named(owner), "")).collect(),
            domains: source.domain.iter().map(declared_domain).collect(),
            policies: self.guardrails.clone(),
            data_policies: self.masks.clone(),
            data_sources: vec![Declared::new(source.clone(), "")],
            ..Catalog::default()
        };
        let snapshot = Snapshot::of_catalog(&catalog, Instant::from_micros(0))
            .map_err(|error| ServiceError::internal(&error))?;
        let source = snapshot.data_source(&source.name);
        Ok(source.map(|source| Bounds::find(&snapshot, source)).unwrap_or_default())
    }
}

fn read_all<T: DeserializeOwned>(store: &mut Store, kind: Kind) -> Result<Vec<Declared<T>>, ServiceError> {
    let (objects, _) = store.objects(kind, None, usize::MAX)?;
    let read =
        objects.into_iter().map(|object| Ok(Declared::new(serde_json::from_value(object.document)?, "")));
    read.collect::<Result<_, serde_json::Error>>().map_err(|error| ServiceError::internal(&error))
}
