//! What is pushed by SCIM: resources, members, tokens.

use domesday_model::{Instant, Kind};
use domesday_store::{
    NewScimResource, NewScimToken, ScimFind, ScimPush, ScimResource, ScimResourceChange, Store, StoreError,
};
use uuid::Uuid;

use crate::databases::{Database, on_each_database};
use crate::world::{FIRST, LATER, by_ada};

on_each_database!(
    resources_are_found_by_id_name_external_id_and_manager,
    resources_are_listed_in_order_of_creation,
    members_are_found_in_both_directions,
    a_deleted_resource_leaves_its_groups_and_a_group_its_id,
    a_connection_is_deleted_with_everything_of_it,
    tokens_are_found_by_their_hash_and_revoked,
    a_consistent_read_sees_one_state,
    requests_of_a_day_are_one_record,
);

fn first() -> Instant {
    Instant::from_micros(FIRST)
}

fn later() -> Instant {
    Instant::from_micros(LATER)
}

const OKTA: i64 = 7;
const ENTRA: i64 = 8;

fn content<'c>(name: &'c str, manager: Option<&'c str>) -> ScimResourceChange<'c> {
    ScimResourceChange { name, label: name, external_id: Some("ext"), manager, document: "{}" }
}

fn create(store: &mut Store, connection: i64, kind: &str, name: &str) -> ScimResource {
    let id = Uuid::new_v4();
    let new =
        NewScimResource { connection, kind, id, layer_key: "key", content: content(name, Some("chief")) };
    let number = store.create_scim_resource(&new, first()).unwrap();
    let resource = store.scim_resource(number).unwrap().unwrap();
    assert_eq!((resource.id, resource.version, resource.created_at), (id, 1, first()));
    resource
}

fn resources_are_found_by_id_name_external_id_and_manager(database: &Database) {
    let mut store = database.open();
    let ada = create(&mut store, OKTA, "User", "ada");
    let group = create(&mut store, OKTA, "Group", "ada");
    create(&mut store, ENTRA, "User", "ada");
    let find = |store: &mut Store, kind: &str, find: ScimFind<'_>| {
        let found = store.find_scim_resources(OKTA, kind, find).unwrap();
        found.into_iter().map(|resource| resource.number).collect::<Vec<_>>()
    };
    for by in [
        ScimFind::Id(ada.id),
        ScimFind::Name("ada"),
        ScimFind::ExternalId("ext"),
        ScimFind::Manager("x", "chief"),
    ] {
        assert_eq!(find(&mut store, "User", by), [ada.number], "{by:?}");
    }
    assert_eq!(find(&mut store, "Group", ScimFind::Name("ada")), [group.number]);
    assert!(find(&mut store, "Group", ScimFind::Id(ada.id)).is_empty());
    assert!(find(&mut store, "User", ScimFind::Name("Ada")).is_empty());
    let change = ScimResourceChange { external_id: None, document: "{\"a\":1}", ..content("eve", None) };
    store.update_scim_resource(ada.number, &change, later()).unwrap();
    let changed = store.scim_resource(ada.number).unwrap().unwrap();
    assert_eq!((changed.version, changed.updated_at, changed.created_at), (2, later(), first()));
    assert_eq!((changed.label.as_str(), changed.document.as_str()), ("eve", "{\"a\":1}"));
    assert!(find(&mut store, "User", ScimFind::Manager("chief", "x")).is_empty());
}

fn resources_are_listed_in_order_of_creation(database: &Database) {
    let mut store = database.open();
    let numbers: Vec<_> =
        (0..5).map(|number| create(&mut store, OKTA, "User", &format!("u{}", 9 - number)).number).collect();
    create(&mut store, OKTA, "Group", "g");
    let list = |store: &mut Store, after: i64, skipped: u64, limit: usize| {
        let found = store.scim_resources(OKTA, "User", after, skipped, limit).unwrap();
        found.into_iter().map(|resource| resource.number).collect::<Vec<_>>()
    };
    assert_eq!(list(&mut store, i64::MIN, 0, 10), numbers);
    assert_eq!(list(&mut store, i64::MIN, 2, 2), numbers[2..4]);
    assert_eq!(list(&mut store, numbers[2], 0, 10), numbers[3..]);
    assert_eq!(store.count_scim_resources(OKTA, "User").unwrap(), 5);
    assert_eq!(store.count_scim_resources(ENTRA, "User").unwrap(), 0);
}

fn members_are_found_in_both_directions(database: &Database) {
    let mut store = database.open();
    let group = create(&mut store, OKTA, "Group", "g").number;
    let other = create(&mut store, OKTA, "Group", "h").number;
    let user = create(&mut store, OKTA, "User", "u").number;
    assert_eq!(store.put_scim_member(group, user, Some("U")).unwrap(), (true, true));
    assert_eq!(store.put_scim_member(group, user, None).unwrap(), (false, false));
    assert_eq!(store.put_scim_member(group, user, Some("V")).unwrap(), (false, true));
    assert_eq!(store.put_scim_member(group, user, Some("V")).unwrap(), (false, false));
    store.put_scim_member(other, user, None).unwrap();
    store.put_scim_member(other, group, None).unwrap();
    let members = store.scim_members(other, i64::MIN, 10).unwrap();
    let seen: Vec<_> = members.iter().map(|member| (member.number, member.kind.as_str())).collect();
    assert_eq!(seen, [(group, "Group"), (user, "User")], "in order of creation");
    assert_eq!(store.scim_members(other, group, 10).unwrap().len(), 1);
    assert_eq!(store.scim_members(group, i64::MIN, 10).unwrap()[0].display.as_deref(), Some("V"));
    let groups = store.scim_groups_of(user).unwrap();
    assert_eq!(groups.iter().map(|group| group.label.as_str()).collect::<Vec<_>>(), ["g", "h"]);
    let found = store.find_scim_resources(OKTA, "Group", ScimFind::Member(user)).unwrap();
    assert_eq!(found.len(), 2);
    assert!(store.clear_scim_display(group, user).unwrap());
    assert!(!store.clear_scim_display(group, user).unwrap());
    assert!(store.remove_scim_member(group, user).unwrap());
    assert!(!store.remove_scim_member(group, user).unwrap());
}

fn a_deleted_resource_leaves_its_groups_and_a_group_its_id(database: &Database) {
    let mut store = database.open();
    let group = create(&mut store, OKTA, "Group", "g");
    let user = create(&mut store, OKTA, "User", "u");
    store.put_scim_member(group.number, user.number, None).unwrap();
    store.delete_scim_resource(OKTA, &user).unwrap();
    assert!(store.scim_members(group.number, i64::MIN, 10).unwrap().is_empty());
    assert_eq!(store.scim_resource(user.number).unwrap(), None);
    store.delete_scim_resource(OKTA, &group).unwrap();
    assert_eq!(store.take_former_scim_group(ENTRA, "g").unwrap(), None);
    assert_eq!(store.take_former_scim_group(OKTA, "g").unwrap(), Some(group.id));
    assert_eq!(store.take_former_scim_group(OKTA, "g").unwrap(), None);
    let later = create(&mut store, OKTA, "User", "u");
    assert!(later.number > user.number, "no number returns");
}

fn a_connection_is_deleted_with_everything_of_it(database: &Database) {
    let mut store = database.open();
    let group = create(&mut store, OKTA, "Group", "g");
    let user = create(&mut store, OKTA, "User", "u");
    store.put_scim_member(group.number, user.number, None).unwrap();
    let other = create(&mut store, ENTRA, "User", "u");
    store.create_scim_token(new_token(1, OKTA), &[1; 32], &by_ada(FIRST)).unwrap();
    store.delete_scim_connection(OKTA).unwrap();
    assert_eq!(store.scim_resource(group.number).unwrap(), None);
    assert_eq!(store.scim_resource(user.number).unwrap(), None);
    assert!(store.scim_groups_of(user.number).unwrap().is_empty());
    assert_eq!(store.scim_token_by_hash(&[1; 32]).unwrap(), None);
    assert!(store.scim_resource(other.number).unwrap().is_some());
}

fn new_token(number: u128, connection: i64) -> NewScimToken {
    NewScimToken {
        id: Uuid::from_u128(number),
        connection,
        connection_name: "okta".to_owned(),
        name: "push".to_owned(),
    }
}

fn tokens_are_found_by_their_hash_and_revoked(database: &Database) {
    let mut store = database.open();
    let token = store.create_scim_token(new_token(1, OKTA), &[1; 32], &by_ada(FIRST)).unwrap();
    store.create_scim_token(new_token(2, ENTRA), &[2; 32], &by_ada(FIRST)).unwrap();
    assert_eq!(store.scim_token_by_hash(&[1; 32]).unwrap(), Some(token.clone()));
    assert_eq!(store.scim_token_by_hash(&[3; 32]).unwrap(), None);
    assert_eq!(store.scim_tokens(OKTA).unwrap(), std::slice::from_ref(&token));
    store.touch_scim_token(token.id, later()).unwrap();
    store.touch_scim_token(token.id, Instant::from_micros(later().as_micros() + 1)).unwrap();
    assert_eq!(store.scim_token(token.id).unwrap().unwrap().last_used_at, Some(later()));
    let of_other = store.revoke_scim_token((ENTRA, "entra"), token.id, &by_ada(LATER));
    assert!(matches!(of_other, Err(StoreError::NotFound { .. })));
    store.revoke_scim_token((OKTA, "okta"), token.id, &by_ada(LATER)).unwrap();
    store.revoke_scim_token((OKTA, "okta"), token.id, &by_ada(LATER)).unwrap();
    assert_eq!(store.scim_token(token.id).unwrap().unwrap().revoked_at, Some(later()));
    let entries = store.audit_entries(0, 10).unwrap();
    let actions: Vec<_> = entries.iter().map(|entry| entry.action.as_str()).collect();
    assert_eq!(actions, ["create", "create", "revoke"]);
    assert_eq!(entries[2].target, format!("connections/okta/tokens/{}", token.id));
}

fn a_consistent_read_sees_one_state(database: &Database) {
    let (mut store, mut other) = (database.open(), database.open());
    let counts = store.consistent_read(|store| -> Result<_, StoreError> {
        let before = store.count_scim_resources(OKTA, "User")?;
        create(&mut other, OKTA, "User", "u");
        Ok((before, store.count_scim_resources(OKTA, "User")?))
    });
    assert_eq!(counts.unwrap(), (0, 0));
    assert_eq!(store.count_scim_resources(OKTA, "User").unwrap(), 1);
}

fn requests_of_a_day_are_one_record(database: &Database) {
    let mut store = database.open();
    let push = |store: &mut Store, kind: Kind, push: ScimPush, at: i64| {
        store.record_scim_push((OKTA, "okta"), kind, push, &by_ada(at)).unwrap();
    };
    let day = 86_400_000_000;
    push(&mut store, Kind::User, ScimPush::Created, FIRST);
    push(&mut store, Kind::User, ScimPush::Unchanged, LATER);
    push(&mut store, Kind::Group, ScimPush::Gone, LATER);
    push(&mut store, Kind::User, ScimPush::Changed, FIRST + day);
    let syncs = store.syncs("okta", None, 10).unwrap();
    let seen: Vec<_> = syncs.iter().map(|sync| (sync.started_at, sync.ended_at)).collect();
    let next = Instant::from_micros(FIRST + day);
    assert_eq!(seen, [(next, Some(next)), (first(), Some(later()))]);
    let counts = &syncs[1].report["counts"];
    assert_eq!((&counts["users"]["read"], &counts["users"]["created"]), (&2.into(), &1.into()));
    assert_eq!((&counts["users"]["unchanged"], &counts["groups"]["gone"]), (&1.into(), &1.into()));
    assert_eq!(store.audit_entries(0, 10).unwrap().len(), 2, "one entry for each day");
}
