//! Who may change whom, pair by pair, as the table in `docs/service.md` has it.

use serde_json::{Value, json};

use crate::world::World;

const ALL: [&str; 5] = ["GOVERNANCE", "USER_ADMIN", "AUDIT", "CREATE_DATA_SOURCE", "APPLICATION_ADMIN"];

/// Every set of permissions.
fn sets() -> Vec<Vec<&'static str>> {
    let all = (0_usize..1 << ALL.len()).map(|bits| {
        ALL.iter().enumerate().filter(|(at, _)| bits >> at & 1 == 1).map(|(_, name)| *name).collect()
    });
    all.collect()
}

fn user(username: &str, permissions: &[&str]) -> Value {
    json!({ "username": username, "permissions": permissions })
}

fn put(world: &World, key: &str, document: &Value) -> u16 {
    let path = format!("/api/v1/users/{}", document["username"].as_str().unwrap());
    world.call_as(key, "PUT", &path, Some(document.clone())).status
}

#[test]
fn every_pair_of_a_caller_and_a_user() {
    let world = World::new();
    // Every set may be the target of one caller; the callers' sets with USER_ADMIN are all of them, the others never
    // get past the route.
    for (number, held) in sets().into_iter().enumerate() {
        let caller = world.user(&format!("caller{number}"), &held);
        let targets = sets().into_iter().filter(|target| target.len() <= 1 || target.len() == ALL.len());
        for wanted in targets {
            let told = format!("{held:?} on {wanted:?}");
            let may = held.contains(&"USER_ADMIN") && wanted.iter().all(|one| held.contains(one));
            put(&world, &world.admin, &user("target", &wanted));
            let made = json!({ "name": "of the target", "owner": "target" });
            let key = world.call("POST", "/api/v1/api-keys", Some(made.clone())).expect(201).json();

            // Disable, edit, give and take what the caller has or lacks.
            let mut disabled = user("target", &wanted);
            disabled["status"] = json!("disabled");
            assert_eq!(put(&world, &caller, &disabled) == 200, may, "disable: {told}");
            put(&world, &world.admin, &user("target", &wanted));
            assert_eq!(put(&world, &caller, &user("target", &[])) == 200, may, "take all: {told}");
            put(&world, &world.admin, &user("target", &[]));
            assert_eq!(put(&world, &caller, &user("target", &wanted)) == 200, may, "give all: {told}");
            put(&world, &world.admin, &user("target", &wanted));

            // Act as them: make a key of theirs, revoke one.
            let answer = world.call_as(&caller, "POST", "/api/v1/api-keys", Some(made));
            assert_eq!(answer.status == 201, may, "make a key: {told}");
            let path = format!("/api/v1/api-keys/{}", key["id"].as_str().unwrap());
            let answer = world.call_as(&caller, "DELETE", &path, None);
            assert_eq!(answer.status == 204, may, "revoke a key: {told}");

            // And delete and create them.
            let answer = world.call_as(&caller, "DELETE", "/api/v1/users/target", None);
            assert_eq!(answer.status == 204, may, "delete: {told}");
            world.call("DELETE", "/api/v1/users/target", None);
            assert_eq!(put(&world, &caller, &user("target", &wanted)) == 201, may, "create: {told}");
            let created = world.call_as(&caller, "POST", "/api/v1/users", Some(user("second", &wanted)));
            assert_eq!(created.status == 201, may, "create by POST: {told}");
            world.call("DELETE", "/api/v1/users/target", None);
            world.call("DELETE", "/api/v1/users/second", None);
        }
    }
}

#[test]
fn nobody_changes_what_they_have_themselves() {
    let world = World::new();
    world.apply(json!({ "groups": [{ "name": "G" }, { "name": "Other" }] }));
    let before =
        json!({ "username": "uma", "permissions": ALL, "groups": ["G"], "attributes": { "Region": ["EU"] } });
    let uma = world.user("uma", &ALL);
    put(&world, &world.admin, &before);
    let changed = |field: &str, value: Value| {
        let mut after = before.clone();
        after[field] = value;
        put(&world, &uma, &after)
    };
    for (field, value) in [
        ("permissions", json!(["USER_ADMIN"])),
        ("permissions", json!([])),
        ("groups", json!([])),
        ("groups", json!(["G", "Other"])),
        ("attributes", json!({})),
        ("attributes", json!({ "Region": ["EU", "US"] })),
        ("status", json!("disabled")),
        ("id", json!("6f3c8f4a-0000-4000-8000-000000000001")),
        ("identityProvider", json!("okta")),
        ("manager", json!("uma")),
    ] {
        assert_eq!(changed(field, value.clone()), 403, "{field}: {value}");
    }
    assert_eq!(changed("email", json!("uma@example.org")), 200);
    put(&world, &world.admin, &before);
    world.call_as(&uma, "DELETE", "/api/v1/users/uma", None).expect(403);

    // What a group gives is its members'.
    let group = |key: &str, name: &str, attributes: Value| {
        let body = json!({ "name": name, "attributes": attributes });
        world.call_as(key, "PUT", &format!("/api/v1/groups/{name}"), Some(body)).status
    };
    assert_eq!(group(&uma, "G", json!({ "Region": ["US"] })), 403);
    assert_eq!(group(&uma, "Other", json!({ "Region": ["US"] })), 200);
    let described = json!({ "name": "G", "description": "mine" });
    world.call_as(&uma, "PUT", "/api/v1/groups/G", Some(described)).expect(200);

    // And what a domain gives its managers'.
    let domain = |key: &str, users: &[&str]| {
        let given: Vec<_> =
            users.iter().map(|user| json!({ "user": user, "permission": "MANAGE_POLICIES" })).collect();
        let body = json!({ "name": "D", "permissions": given });
        world.call_as(key, "PUT", "/api/v1/domains/D", Some(body)).status
    };
    put(&world, &world.admin, &user("bob", &[]));
    assert_eq!(domain(&uma, &["uma"]), 403);
    assert_eq!(domain(&uma, &["bob"]), 201);
    assert_eq!(domain(&world.admin, &["bob", "uma"]), 200);
    assert_eq!(domain(&uma, &["bob"]), 403);
    assert_eq!(domain(&uma, &["uma"]), 200);
    world.call_as(&uma, "DELETE", "/api/v1/domains/D", None).expect(403);
}

#[test]
fn an_apply_is_judged_object_by_object() {
    let world = World::new();
    let own = json!({ "username": "uma", "permissions": ["GOVERNANCE", "USER_ADMIN"] });
    let root = user("root", &["APPLICATION_ADMIN"]);
    // The files declare everybody: an apply changes their layer alone.
    world.apply(json!({ "groups": [{ "name": "G" }], "users": [{ "username": "dora" }, own, root] }));
    let uma = world.user("uma", &["GOVERNANCE", "USER_ADMIN"]);
    let apply = |query: &str, catalog: Value| {
        world.call_as(&uma, "POST", &format!("/api/v1/apply{query}"), Some(catalog)).status
    };
    for query in ["", "?dryRun=true"] {
        for users in [
            json!([user("dora", &["APPLICATION_ADMIN"])]),
            json!([user("dora", &["AUDIT"])]),
            json!([user("new", &["APPLICATION_ADMIN"])]),
            json!([{ "username": "root", "permissions": ["APPLICATION_ADMIN"], "status": "disabled" }]),
            json!([user("root", &[])]),
            json!([user("uma", &ALL)]),
            json!([{ "username": "uma", "permissions": ["GOVERNANCE", "USER_ADMIN"], "groups": ["G"] }]),
        ] {
            assert_eq!(
                apply(query, json!({ "groups": [{ "name": "G" }], "users": users })),
                403,
                "{query} {users}"
            );
        }
    }
    // Pruning deletes: the others' user, or one's own.
    assert_eq!(apply("?prune=true", json!({ "users": [own] })), 403);
    assert_eq!(apply("?prune=true", json!({ "users": [root] })), 403);
    let domains =
        json!([{ "name": "D", "permissions": [{ "user": "uma", "permission": "MANAGE_POLICIES" }] }]);
    assert_eq!(apply("", json!({ "users": [own], "domains": domains })), 403);
    // All of it is refused, or nothing: what was good in these is not there either.
    world.get("/api/v1/users/new").expect(404);
    world.get("/api/v1/domains/D").expect(404);
    assert_eq!(world.get("/api/v1/users/dora").json()["document"]["permissions"], Value::Null);
    assert_eq!(apply("?prune=true", json!({ "users": [own, root, user("dora", &["GOVERNANCE"])] })), 200);
    assert_eq!(world.get("/api/v1/users/dora").json()["document"]["permissions"], json!(["GOVERNANCE"]));
    world.get("/api/v1/groups/G").expect(404);
}

#[test]
fn the_operators_keys_are_the_operators() {
    let world = World::new();
    let uma = world.user("uma", &ALL);
    let keys = world.call_as(&uma, "GET", "/api/v1/api-keys?owner=administrator", None).expect(200).json();
    let path = format!("/api/v1/api-keys/{}", keys["items"][0]["id"].as_str().unwrap());
    world.call_as(&uma, "DELETE", &path, None).expect(403);
    let made = json!({ "name": "mine", "owner": "administrator" });
    world.call_as(&uma, "POST", "/api/v1/api-keys", Some(made)).expect(403);
    world.get("/deployment/tenant").expect(200);
    // One that was narrowed is bound like anybody else, and revokes no other.
    let narrow = json!({ "name": "narrow", "permissions": ["USER_ADMIN"] });
    let narrow = world.call("POST", "/api/v1/api-keys", Some(narrow)).expect(201).json();
    let narrow = narrow["secret"].as_str().unwrap();
    assert_eq!(put(&world, narrow, &user("dora", &["AUDIT"])), 403);
    assert_eq!(put(&world, narrow, &user("dora", &["USER_ADMIN"])), 201);
    world.call_as(narrow, "DELETE", &path, None).expect(403);
}

#[test]
fn names_that_mean_somebody_or_everybody_are_nobodys() {
    let world = World::new();
    for name in
        ["*", "scheduler", "Administrator", "command line", "COMMAND  LINE", "all users", "All Users", "cli"]
    {
        for (kind, key, path) in
            [("users", "username", "/api/v1/users"), ("groups", "name", "/api/v1/groups")]
        {
            if (kind, name) == ("groups", "All Users") {
                continue;
            }
            let object = json!({ key: name });
            let answer = world.call("POST", path, Some(object.clone())).expect(422);
            assert_eq!(answer.json()["problems"][0]["field"], key, "{name}");
            let encoded: String = name.bytes().map(|byte| format!("%{byte:02X}")).collect();
            world.call("PUT", &format!("{path}/{encoded}"), Some(object.clone())).expect(422);
            world.call("POST", "/api/v1/apply", Some(json!({ kind: [object] }))).expect(422);
        }
    }
    world.call("POST", "/api/v1/groups", Some(json!({ "name": "All Users" }))).expect(422);
}

#[test]
fn nobody_changes_themselves_through_a_user_whom_they_made() {
    let world = World::new();
    world.apply(json!({ "groups": [{ "name": "G" }, { "name": "Other" }] }));
    let uma = world.user("uma", &["USER_ADMIN", "GOVERNANCE"]);
    let own = json!({ "username": "uma", "permissions": ["USER_ADMIN", "GOVERNANCE"], "groups": ["G"] });
    put(&world, &world.admin, &own);
    assert_eq!(put(&world, &uma, &user("puppet", &["USER_ADMIN", "GOVERNANCE"])), 201);
    let key = |key: &str, owner: Option<&str>| {
        let mut made = json!({ "name": "made" });
        if let Some(owner) = owner {
            made["owner"] = owner.into();
        }
        let made = world.call_as(key, "POST", "/api/v1/api-keys", Some(made)).expect(201).json();
        made["secret"].as_str().unwrap().to_owned()
    };
    let puppet = key(&uma, Some("puppet"));
    // Nor through a key that the key made, for the puppet or for a third.
    let child = key(&puppet, None);
    assert_eq!(put(&world, &puppet, &user("third", &["USER_ADMIN", "GOVERNANCE"])), 201);
    let third = key(&puppet, Some("third"));
    let mut more = own;
    more["groups"] = json!(["G", "Other"]);
    let group = json!({ "name": "G", "attributes": { "Region": ["EU"] } });
    let domain = json!({ "name": "D", "permissions": [{ "user": "uma", "permission": "MANAGE_POLICIES" }] });
    for key in [&puppet, &child, &third] {
        assert_eq!(put(&world, key, &more), 403);
        world.call_as(key, "PUT", "/api/v1/groups/G", Some(group.clone())).expect(403);
        world.call_as(key, "PUT", "/api/v1/domains/D", Some(domain.clone())).expect(403);
        world.call_as(key, "DELETE", "/api/v1/users/uma", None).expect(403);
    }
    // Nor do they decide their own request so.
    world.call("PUT", "/api/v1/data-sources/S", Some(json!({ "name": "S", "platform": "x" }))).expect(201);
    let asked = world
        .call_as(&uma, "POST", "/api/v1/requests", Some(json!({ "dataSource": "S" })))
        .expect(201)
        .json();
    let decide = format!("/api/v1/requests/{}/determinations", asked["name"].as_str().unwrap());
    let approved = json!({ "status": "approved" });
    for key in [&uma, &puppet, &child, &third] {
        world.call_as(key, "POST", &decide, Some(approved.clone())).expect(403);
    }
    // Somebody whose key comes from elsewhere may.
    let ulla = world.user("ulla", &["USER_ADMIN", "GOVERNANCE"]);
    world.call_as(&ulla, "POST", &decide, Some(approved)).expect(200);
    assert_eq!(put(&world, &ulla, &more), 200);
    world.call_as(&ulla, "PUT", "/api/v1/groups/G", Some(group)).expect(200);
    world.call_as(&ulla, "PUT", "/api/v1/domains/D", Some(domain)).expect(201);
}
