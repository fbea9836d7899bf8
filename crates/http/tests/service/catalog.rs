//! Objects one at a time and a catalog at once.

use serde_json::json;

use crate::world::World;

#[test]
fn an_object_comes_and_goes() {
    let world = World::new();
    let path = "/api/v1/groups/A%2FB%20%C3%BC";
    let group = json!({ "name": "A/B ü", "description": "first" });
    world.get(path).expect(404);
    let created = world.call("PUT", path, Some(group)).expect(201);
    let tag = created.header("etag").to_owned();
    assert_eq!(tag, format!("\"{}\"", created.json()["etag"].as_str().unwrap()));
    assert_eq!(created.json()["origin"], "api");
    let read = world.get(path).expect(200);
    assert_eq!(read.json()["document"]["description"], "first");
    assert_eq!(read.header("etag"), tag);

    // Two editors: the second one's change is refused, since it knows only what was there before.
    let change = |tag: &str, text: &str| {
        let headers = [("authorization", world.admin.as_str()), ("if-match", tag)];
        let body = json!({ "name": "A/B ü", "description": text }).to_string();
        world.send("PUT", path, &headers, Some(body))
    };
    change(&tag, "second").expect(200);
    assert_eq!(change(&tag, "third").expect(412).problem(), "precondition-failed");
    change("\"\"\"", "third").expect(400);
    let only_new = [("authorization", world.admin.as_str()), ("if-none-match", "*")];
    let body = json!({ "name": "A/B ü" }).to_string();
    world.send("PUT", path, &only_new, Some(body)).expect(412);
    world.call("DELETE", path, None).expect(204);
    world.call("DELETE", path, None).expect(404);
}

#[test]
fn documents_are_read_strictly_and_mistakes_name_the_field() {
    let world = World::new();
    let put = |body: serde_json::Value| world.call("PUT", "/api/v1/users/ada", Some(body)).expect(422);
    let wrong = put(json!({ "username": "ada", "groops": ["A"] })).json();
    assert_eq!(wrong["problems"][0]["field"], "groops");
    let wrong = put(json!({ "username": "ada", "groups": ["Analysts"] })).json();
    assert_eq!(wrong["problems"][0]["field"], "groups");
    assert!(wrong["problems"][0]["message"].as_str().unwrap().contains("there is no group `Analysts`"));
    put(json!({ "username": "bob" }));
    put(json!([]));
    let send = |body: &str| {
        let headers = [("authorization", world.admin.as_str())];
        world.send("PUT", "/api/v1/users/ada", &headers, Some(body.to_owned()))
    };
    send("{").expect(400);
    send(r#"{"username":"ada"}],"groups":[{"name":"X"}"#).expect(400);
    world.get("/api/v1/groups/X").expect(404);
}

#[test]
fn what_cannot_be_represented_or_is_empty_is_refused_with_its_place() {
    let world = World::new();
    let send = |method: &str, path: &str, body: &str| {
        let headers = [("authorization", world.admin.as_str())];
        world.send(method, path, &headers, Some(body.to_owned()))
    };
    let table = [
        (r#"{"username":"ada","title":"A \ud800 B"}"#, 30, "a lone surrogate"),
        (r#"{"username":"ada","title":"\udfff"}"#, 28, "a lone surrogate"),
        (r#"{"username":"ada","title":"a\u0000"}"#, 27, "U+0000"),
        (r#"{"username":"ada","username":"ada"}"#, 19, "occurs twice"),
        (r#"{"username":"ada","status":null}"#, 19, "expected a value, found nothing"),
        (r#"{"username":"ada","attributes":{"Region":null}}"#, 33, "expected a value, found nothing"),
        (r#"{"username":"ada","createdAt":"2026-01-02T24:00:00Z"}"#, 31, "RFC 3339"),
        (r#"{"username":"ada","createdAt":"0000-01-01T00:00:00Z"}"#, 31, "Parquet"),
    ];
    for (body, column, says) in table {
        let problem = send("PUT", "/api/v1/users/ada", body).expect(422).json();
        assert_eq!(problem["problems"][0]["column"], column, "{body}: {problem}");
        assert!(problem["problems"][0]["message"].as_str().unwrap().contains(says), "{body}: {problem}");
        assert_eq!(problem["problemCount"], 1, "{body}");
        let catalog = format!("{{\"users\":[{body}]}}");
        send("POST", "/api/v1/apply", &catalog).expect(422);
    }
    let pair = r#"{"username":"ada","title":"\uD83D\uDE00 \\u0000","createdAt":"9999-12-31T23:59:59Z"}"#;
    let stored = send("PUT", "/api/v1/users/ada", pair).expect(201).json();
    assert_eq!(stored["document"]["title"], "\u{1f600} \\u0000");
    assert_eq!(stored["document"]["createdAt"], "9999-12-31T23:59:59Z");

    // Bodies that are no documents of the catalog are read as strictly.
    for (body, status) in [
        (r#"{"name":"k","name":"l"}"#, 422),
        (r#"{"name":"\ud800"}"#, 422),
        (r#"{"name":"k","permissions":null}"#, 422),
        (r#"{"name":"k","expiresAt":null}"#, 422),
        (r#"{"name":"k","expiresAt":"9999-12-31 23:59:59Z"}"#, 422),
        (r#"{"name":"k",}"#, 400),
        ("", 400),
    ] {
        send("POST", "/api/v1/api-keys", body).expect(status);
    }
    send("POST", "/api/v1/api-keys", r#"{"name":"k","expiresAt":"9999-12-31t23:59:59.123456789z"}"#)
        .expect(201);
    send("POST", "/api/v1/api-keys", &format!("{{\"name\":{}1{}}}", "[".repeat(10_000), "]".repeat(10_000)))
        .expect(422);
}

#[test]
fn of_many_mistakes_the_first_are_listed_and_all_counted() {
    let world = World::new();
    let send = |method: &str, path: &str, body: String| {
        world.send(method, path, &[("authorization", world.admin.as_str())], Some(body)).expect(422).json()
    };
    let groups = "1,".repeat(200_000);
    let one = send("PUT", "/api/v1/users/ada", format!("{{\"username\":\"ada\",\"groups\":[{groups}1]}}"));
    assert_eq!((one["problems"].as_array().unwrap().len(), &one["problemCount"]), (100, &json!(200_001)));
    let whole = send("POST", "/api/v1/apply", format!("{{\"users\":[{groups}1]}}"));
    assert_eq!((whole["problems"].as_array().unwrap().len(), &whole["problemCount"]), (100, &json!(200_001)));
    // References are checked by the store.
    let groups: String = (0..3000).map(|index| format!("\"g{index}\",")).collect();
    let stored =
        send("PUT", "/api/v1/users/ada", format!("{{\"username\":\"ada\",\"groups\":[{groups}\"g\"]}}"));
    assert_eq!((stored["problems"].as_array().unwrap().len(), &stored["problemCount"]), (100, &json!(3001)));
}

#[test]
fn what_others_rely_on_stays() {
    let world = World::new();
    world.apply(json!({ "groups": [{ "name": "A" }], "users": [{ "username": "ada", "groups": ["A"] }] }));
    let answer = world.call("DELETE", "/api/v1/groups/A", None).expect(409);
    assert_eq!(answer.problem(), "inconsistent");
    assert_eq!(answer.json()["problems"][0]["name"], "ada");
}

#[test]
fn a_creating_call_sent_twice_creates_once() {
    let world = World::new();
    let send = |key: &str, body: serde_json::Value| {
        let headers = [("authorization", world.admin.as_str()), ("idempotency-key", key)];
        world.send("POST", "/api/v1/api-keys", &headers, Some(body.to_string()))
    };
    let first = send("one", json!({ "name": "x" })).expect(201);
    let again = send("one", json!({ "name": "x" })).expect(201);
    assert_eq!(first.json()["id"], again.json()["id"]);
    assert_eq!(first.header("location"), again.header("location"));
    assert_eq!(send("one", json!({ "name": "y" })).expect(422).problem(), "idempotency-key-reused");
    send("two", json!({ "name": "x" })).expect(201);
    assert_eq!(world.get("/api/v1/api-keys").json()["total"], 3);

    world.call("POST", "/api/v1/groups", Some(json!({ "name": "A" }))).expect(201);
    let twice = world.call("POST", "/api/v1/groups", Some(json!({ "name": "A" }))).expect(409);
    assert_eq!(twice.problem(), "conflict");
}

#[test]
fn lists_are_whole_and_in_pages() {
    let world = World::new();
    let groups: Vec<_> = (0..25).map(|n| json!({ "name": format!("G{n:02}") })).collect();
    world.apply(json!({ "groups": groups }));
    let mut names = Vec::new();
    let mut path = "/api/v1/groups?limit=10".to_owned();
    loop {
        let page = world.get(&path).expect(200).json();
        assert_eq!(page["total"], 25);
        names.extend(page["items"].as_array().unwrap().iter().map(|one| one["name"].clone()));
        let Some(cursor) = page["nextCursor"].as_str() else { break };
        path = format!("/api/v1/groups?limit=10&cursor={cursor}");
    }
    let wanted: Vec<_> = (0..25).map(|n| json!(format!("G{n:02}"))).collect();
    assert_eq!(names, wanted);
    for wrong in ["limit=0", "limit=1001", "limit=x", "page=2"] {
        world.get(&format!("/api/v1/groups?{wrong}")).expect(400);
    }
    world.get("/api/v1/groups?cursor=nonsense").expect(422);
}

#[test]
fn an_apply_plans_and_then_does_what_it_planned() {
    let world = World::new();
    let catalog = json!({ "groups": [{ "name": "A" }], "users": [{ "username": "ada", "groups": ["A"] }] });
    let dry = world.call("POST", "/api/v1/apply?dryRun=true", Some(catalog.clone())).expect(200).json();
    assert_eq!(dry["applied"], false);
    world.get("/api/v1/groups/A").expect(404);
    let done = world.call("POST", "/api/v1/apply", Some(catalog)).expect(200).json();
    assert_eq!(done["plan"], dry["plan"]);
    let wrong = json!({ "users": [{ "username": "bob", "groups": ["B"] }] });
    let answer = world.call("POST", "/api/v1/apply", Some(wrong)).expect(422).json();
    assert_eq!(answer["problems"][0]["field"], "users[0].groups");
    let empty = json!({ "tags": ["T"] });
    let pruned = world.call("POST", "/api/v1/apply?prune=true", Some(empty)).expect(200).json();
    assert_eq!(pruned["plan"]["changes"].as_array().unwrap().len(), 3);
}

#[test]
fn a_policy_is_for_governance_or_whoever_manages_its_domain() {
    let world = World::new();
    let ada = world.user("ada", &["CREATE_DATA_SOURCE"]);
    let manages = json!([{ "user": "ada", "permission": "MANAGE_POLICIES" }]);
    let finance = json!({ "name": "Finance", "permissions": manages });
    world.call("PUT", "/api/v1/domains/Finance", Some(finance)).expect(201);
    world.call("PUT", "/api/v1/domains/Sales", Some(json!({ "name": "Sales" }))).expect(201);
    let bob = world.user("bob", &["AUDIT"]);
    let put = |key: &str, applies_to: serde_json::Value| {
        let policy = json!({ "name": "P", "type": "grant", "level": "anyone", "appliesTo": applies_to });
        world.call_as(key, "PUT", "/api/v1/policies/P", Some(policy))
    };
    put(&ada, json!("all")).expect(403);
    put(&ada, json!({ "domains": ["Finance", "Sales"] })).expect(403);
    put(&bob, json!({ "domains": ["Finance"] })).expect(403);
    put(&ada, json!({ "domains": ["Finance"] })).expect(201);
    put(&world.admin, json!({ "domains": ["Sales"] })).expect(200);
    // Now it binds another domain: taking it back is no longer ada's.
    put(&ada, json!({ "domains": ["Finance"] })).expect(403);
    world.call_as(&ada, "DELETE", "/api/v1/policies/P", None).expect(403);
}

#[test]
fn data_sources_are_changed_by_their_owners() {
    let world = World::new();
    let ada = world.user("ada", &["CREATE_DATA_SOURCE"]);
    let bob = world.user("bob", &["CREATE_DATA_SOURCE"]);
    let put = |key: &str, owners: serde_json::Value| {
        let source = json!({ "name": "S", "platform": "postgres", "owners": owners });
        world.call_as(key, "PUT", "/api/v1/data-sources/S", Some(source))
    };
    put(&ada, json!(["ada"])).expect(201);
    put(&bob, json!(["bob"])).expect(403);
    put(&ada, json!(["ada", "bob"])).expect(200);
    put(&bob, json!(["bob"])).expect(200);
    world.call_as(&ada, "DELETE", "/api/v1/data-sources/S", None).expect(403);
}

#[test]
fn application_admin_is_given_by_its_holders_only() {
    let world = World::new();
    let carla = world.user("carla", &["USER_ADMIN"]);
    let put = |permissions: serde_json::Value| {
        let user = json!({ "username": "dora", "permissions": permissions });
        world.call_as(&carla, "PUT", "/api/v1/users/dora", Some(user))
    };
    put(json!(["APPLICATION_ADMIN"])).expect(403);
    put(json!(["USER_ADMIN"])).expect(201);
}

#[test]
fn every_change_is_in_the_audit_log() {
    let world = World::new();
    let ada = world.user("ada", &["USER_ADMIN"]);
    world.call_as(&ada, "PUT", "/api/v1/groups/A", Some(json!({ "name": "A" }))).expect(201);
    let log = world.get("/api/v1/audit").expect(200).json();
    let entries = log["items"].as_array().unwrap();
    assert_eq!(log["total"], entries.len());
    let last = entries.last().unwrap();
    assert_eq!((&last["actor"], &last["action"]), (&json!("ada"), &json!("create")));
    assert_eq!((&last["target"], &last["from"]), (&json!("groups/A"), &json!("127.0.0.1")));
    assert_eq!(last["previous"], entries[entries.len() - 2]["hash"]);
    let page = world.get("/api/v1/audit?limit=2").expect(200).json();
    let cursor = page["nextCursor"].as_str().unwrap();
    let next = world.get(&format!("/api/v1/audit?limit=2&cursor={cursor}")).expect(200).json();
    assert_eq!(next["items"][0]["seq"], 3);
}

#[test]
fn a_draft_is_previewed_and_not_saved() {
    let world = World::new();
    world.apply(json!({
        "groups": [{ "name": "A" }],
        "users": [{ "username": "ada", "groups": ["A"] }, { "username": "bob" }],
        "dataSources": [{ "name": "S", "platform": "postgres", "columns": [{ "name": "c", "type": "text" }] }],
        "policies": [{ "name": "Everyone", "type": "grant", "level": "anyone", "appliesTo": "all" }]
    }));
    let draft = json!({
        "name": "Only A", "type": "guardrail", "condition": "@isInGroups('A')", "appliesTo": "all"
    });
    let preview = |path: &str, body: &serde_json::Value| world.call("POST", path, Some(body.clone()));
    let change = preview("/api/v1/policy-preview", &draft).expect(200).json();
    assert_eq!(change["counts"], json!({ "blocked": 1 }));
    assert_eq!(change["access"][0]["user"], "bob");
    assert_eq!(change["access"][0]["policies"], json!(["Only A"]));
    world.get("/api/v1/policies/Only%20A").expect(404);

    let everyone = json!({ "name": "Everyone", "type": "grant", "level": "anyone", "appliesTo": "all" });
    let removal = preview("/api/v1/policy-preview?remove=true", &everyone).expect(200).json();
    assert_eq!(removal["counts"], json!({ "removed": 2 }));
    preview("/api/v1/policy-preview?remove=true", &draft).expect(404);
    let wrong = json!({
        "name": "X", "type": "grant", "level": "individuals", "individuals": { "groups": ["B"] },
        "appliesTo": "all"
    });
    let answer = preview("/api/v1/policy-preview", &wrong).expect(422).json();
    assert!(answer["problems"][0]["message"].as_str().unwrap().contains("there is no group `B`"));
    preview("/api/v1/policy-preview?remove=true", &wrong).expect(422);
    let mask = json!({
        "name": "M", "mask": { "kind": "hash" }, "columns": { "names": ["*"] }, "appliesTo": "all"
    });
    let answer = preview("/api/v1/data-policy-preview", &mask).expect(200).json();
    assert_eq!(answer["counts"], json!({ "columnsMasked": 2 }));
    let masked =
        json!({ "dataSource": "S", "user": "ada", "column": "c", "clear": false, "policies": ["M"] });
    assert_eq!(answer["columns"][0], masked);
    assert_eq!((&answer["gained"], &answer["listedInFull"]), (&json!(0), &json!(true)));
}

#[test]
fn a_policy_is_answered_with_what_is_most_likely_not_meant() {
    let world = World::new();
    world.apply(json!({
        "groups": [{ "name": "Analysts" }],
        "users": [{ "username": "ada", "groups": ["Analysts"], "attributes": { "Training": ["Privacy"] } }],
        "domains": [{ "name": "Sales", "permissions": [{ "user": "ada", "permission": "MANAGE_POLICIES" }] }],
        "dataSources": [{ "name": "Customers", "platform": "x", "columns": [{ "name": "email", "type": "T" }] }],
    }));
    let policy = |condition: &str, names: &str| json!({ "name": "P", "type": "grant", "condition": condition, "appliesTo": { "names": [names] } });
    let kinds = |answer: &serde_json::Value| -> Vec<String> {
        let list = answer["warnings"].as_array().unwrap_or_else(|| panic!("{answer}"));
        list.iter().map(|one| one["kind"].as_str().unwrap().to_owned()).collect()
    };
    let path = "/api/v1/policies/P";
    let in_group = "@isInGroups('Analysts')";
    let put = |body| world.call("PUT", path, Some(body));
    let created = put(policy(in_group, "Custmers*")).expect(201).json();
    assert_eq!(kinds(&created), ["no-data-source"]);
    assert_eq!(created["warnings"][0]["object"], json!({ "kind": "policies", "name": "P" }));
    assert_eq!(created["warnings"][0]["hint"], "did you mean `Customers`?");
    let fixed = put(policy(in_group, "Customers")).expect(200).json();
    assert_eq!(fixed["warnings"], json!([]));
    let trained = put(policy("@hasAttribute('Trainng','Privacy')", "Customers")).expect(200).json();
    assert_eq!(kinds(&trained), ["unknown-attribute", "admits-nobody"]);
    assert!(world.get(path).json().get("warnings").is_none());

    // The review sees what changed meanwhile, and by whom.
    let ada = json!({ "username": "ada", "attributes": { "Trainng": ["Privacy"] } });
    world.call("PUT", "/api/v1/users/ada", Some(ada)).expect(200);
    let trained = put(policy("@hasAttribute('Trainng','Privacy')", "Customer*")).expect(200).json();
    assert_eq!(trained["warnings"], json!([]));
    let key = json!({ "name": "test", "owner": "ada" });
    let key = world.call("POST", "/api/v1/api-keys", Some(key)).expect(201).json()["secret"].clone();
    let mut limited = policy(in_group, "Custmers");
    limited["name"] = "L".into();
    limited["appliesTo"]["domains"] = json!(["Sales"]);
    let limited =
        world.call_as(key.as_str().unwrap(), "POST", "/api/v1/policies", Some(limited)).expect(201).json();
    assert_eq!(kinds(&limited), ["no-data-source", "admits-nobody"][..1]);
    assert!(limited["warnings"][0].get("hint").is_none(), "a near name is a name that she may not read");

    let mask = json!({ "name": "M", "mask": { "kind": "hash" }, "columns": { "names": ["emial"] }, "appliesTo": "all" });
    let created = world.call("POST", "/api/v1/data-policies", Some(mask.clone())).expect(201).json();
    assert_eq!(kinds(&created), ["no-column"]);
    let preview = world.call("POST", "/api/v1/data-policy-preview", Some(mask)).expect(200).json();
    assert_eq!(preview["warnings"], created["warnings"]);

    // A draft that brings a conflict of levels says so.
    let level = |name: &str, level: &str| json!({ "name": name, "type": "grant", "level": level, "appliesTo": { "names": ["Customers"] } });
    assert_eq!(
        world.call("PUT", "/api/v1/policies/A", Some(level("A", "anyone"))).json()["warnings"],
        json!([])
    );
    let preview =
        world.call("POST", "/api/v1/policy-preview", Some(level("B", "approval"))).expect(200).json();
    assert_eq!(kinds(&preview), ["level-conflict"]);
    world.call("PUT", "/api/v1/policies/B", Some(level("B", "approval"))).expect(201);

    // The whole list, and what an apply says.
    let all = world.get("/api/v1/warnings").expect(200).json();
    assert_eq!(all["total"], all["items"].as_array().unwrap().len());
    let applied = world.call("POST", "/api/v1/apply", Some(json!({ "tags": ["T"] }))).expect(200).json();
    assert_eq!(applied["warnings"], all["items"]);
    assert!(kinds(&applied).contains(&"level-conflict".to_owned()));
}

#[test]
fn query_strings_are_refused_with_parameter_value_and_what_is_allowed() {
    let world = World::new();
    world.apply(
        json!({ "users": [{ "username": "ada" }], "dataSources": [{ "name": "L", "platform": "x" }] }),
    );
    for accepted in
        ["outcome=GRANTED", "outcome=granted", "scope=READ", "scope=read", "scope=Write&outcome=BLOCKED"]
    {
        world.get(&format!("/api/v1/access?user=ada&{accepted}")).expect(200);
    }
    for (path, parts) in [
        ("/api/v1/access?user=ada&outcome=GRANT", &["`outcome`", "`GRANT`", "`GRANTED` or `BLOCKED`"][..]),
        ("/api/v1/access?user=ada&scope=admin", &["`scope`", "`admin`", "`READ` or `WRITE`"]),
        ("/api/v1/access?user=ada&user=bob", &["`user`", "twice"]),
        ("/api/v1/access?user=&dataSource=L", &["`user`", "no value"]),
        ("/api/v1/access?user=ada&limit=abc", &["`limit`", "`abc`", "1 to 1000"]),
        ("/api/v1/access?user=ada&limit=0", &["`limit`", "`0`", "1 to 1000"]),
        ("/api/v1/users?limit=1e9", &["`limit`", "`1e9`", "1 to 1000"]),
        ("/api/v1/users?limit=1000000000", &["`limit`", "`1000000000`", "1 to 1000"]),
        ("/api/v1/requests?status=APPROVD", &["`status`", "`APPROVD`", "`approved`"]),
        ("/api/v1/access/explain?user=ada", &["`dataSource`", "missing"]),
    ] {
        let detail = world.get(path).expect(400).json()["detail"].as_str().unwrap().to_owned();
        for part in parts {
            assert!(detail.contains(part), "{path}: {detail}");
        }
    }
    world.get("/api/v1/requests?status=APPROVED").expect(200);
    let dry = world.call("POST", "/api/v1/apply?dryRun=1", Some(json!({ "tags": ["T"] }))).expect(400);
    assert!(dry.text.contains("`dryRun` must be `true` or `false`, found `1`"), "{}", dry.text);
}
