//! Every route with every role and without: the document says who may, and the service agrees.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::world::{Later, World};

pub(crate) const PERMISSIONS: [&str; 5] =
    ["GOVERNANCE", "USER_ADMIN", "AUDIT", "CREATE_DATA_SOURCE", "APPLICATION_ADMIN"];

/// Routes that any key may call and that then look at whose it is; a key without permissions gets this.
const DEPENDS: [(&str, &str, u16); 20] = [
    ("GET", "/api/v1/access", 422),
    ("GET", "/api/v1/access/explain", 400),
    ("POST", "/api/v1/api-keys", 422),
    ("DELETE", "/api/v1/api-keys/{id}", 404),
    ("GET", "/api/v1/users/{name}", 403),
    ("GET", "/api/v1/requests", 200),
    ("GET", "/api/v1/requests/{name}", 403),
    ("GET", "/api/v1/agreements/{name}", 404),
    ("GET", "/api/v1/request-forms/{name}", 404),
    ("GET", "/api/v1/data-products/{name}", 404),
    ("PUT", "/api/v1/policies/{name}", 403),
    ("POST", "/api/v1/policies", 403),
    ("DELETE", "/api/v1/policies/{name}", 403),
    ("PUT", "/api/v1/data-policies/{name}", 403),
    ("POST", "/api/v1/data-policies", 403),
    ("DELETE", "/api/v1/data-policies/{name}", 403),
    ("POST", "/api/v1/requests", 422),
    ("POST", "/api/v1/requests/{name}/cancel", 404),
    ("POST", "/api/v1/requests/{name}/determinations", 422),
    ("GET", "/deployment/tenant", 200),
];

#[test]
fn every_route_with_every_role_and_without() {
    let world = World::new();
    let mut keys: BTreeMap<String, String> = BTreeMap::new();
    keys.insert("nothing".to_owned(), world.user("nothing", &[]));
    for permission in PERMISSIONS {
        let name = permission.to_lowercase();
        keys.insert(permission.to_owned(), world.user(&name, &[permission]));
    }
    let all = world.user("all", &PERMISSIONS);
    let document = world.send("GET", "/openapi.json", &[], None).expect(200).json();
    let mut walked = 0;
    for (template, item) in document["paths"].as_object().unwrap() {
        let path =
            template.replace("{name}", "no-such").replace("{id}", "00000000-0000-4000-8000-000000000000");
        for (method, operation) in item.as_object().unwrap() {
            let method = method.to_uppercase();
            let body = operation.get("requestBody").map(|_| json!({}).to_string());
            // Each walk is one of its own: the limit on failed authentication must not meddle.
            walked += 1;
            world.clock.set(world.clock.now().after_seconds(61));
            let bare = world.send(&method, &path, &[], body.clone());
            let permission = &operation["x-permission"];
            if permission.is_null() {
                assert_eq!(bare.status, 200, "{method} {template} without a key");
                continue;
            }
            assert_eq!(bare.status, 401, "{method} {template} without a key");
            let wrong = world.send(&method, &path, &[("authorization", "domesday_wrong")], body.clone());
            assert_eq!(wrong.status, 401, "{method} {template} with a wrong key");
            for (role, key) in &keys {
                let answer = world.send(&method, &path, &[("authorization", key)], body.clone());
                let told = format!("{method} {template} as {role}: {} {}", answer.status, answer.text);
                assert!(answer.status != 401 && answer.status < 500, "{told}");
                if let Some(list) = permission["anyOf"].as_array() {
                    let may = list.iter().any(|name| name == role);
                    assert_eq!(answer.status != 403, may, "{told}");
                } else if permission["allOf"].is_array() {
                    assert_eq!(answer.status, 403, "{told}");
                } else if role == "nothing"
                    && let Some((_, _, status)) =
                        DEPENDS.iter().find(|one| (one.0, one.1) == (&method, template))
                {
                    assert_eq!(answer.status, *status, "{told}");
                }
                if answer.status == 403 {
                    assert_eq!(answer.problem(), "forbidden", "{told}");
                }
                if method == "GET" && role == "AUDIT" {
                    assert_ne!(answer.status, 403, "AUDIT reads everything: {told}");
                }
            }
            let answer = world.send(&method, &path, &[("authorization", &all)], body);
            assert!(
                !matches!(answer.status, 401 | 403) && answer.status < 500,
                "{method} {template}: {answer:?}"
            );
        }
    }
    assert!(walked > 60, "only {walked} operations");
}

#[test]
fn no_route_ignores_a_parameter_or_takes_a_nul() {
    let world = World::new();
    let key = world.user("all", &PERMISSIONS);
    let document = world.send("GET", "/openapi.json", &[], None).expect(200).json();
    let (mut walked, mut named, mut bodies) = (0, 0, 0);
    for (template, item) in document["paths"].as_object().unwrap() {
        let path = template.replace("{name}", "all").replace("{id}", "00000000-0000-4000-8000-000000000000");
        for (method, operation) in item.as_object().unwrap() {
            if operation["x-permission"].is_null() {
                continue;
            }
            let method = method.to_uppercase();
            let headers = [("authorization", &*key)];
            let send = |path: &str, body: Option<&str>| {
                let answer = world.send(&method, path, &headers, body.map(str::to_owned));
                (answer.status, answer.text)
            };
            let body = operation.get("requestBody").map(|_| "{}");
            let (status, text) = send(&format!("{path}?unkown=1"), body);
            assert!(status == 400 && text.contains("`unkown`"), "{method} {template}: {status} {text}");
            walked += 1;
            for parameter in operation["parameters"].as_array().into_iter().flatten() {
                let name = parameter["name"].as_str().unwrap();
                if parameter["in"] == "query" {
                    let (status, text) = send(&format!("{path}?{name}=a%00b"), body);
                    assert!(status == 400 && text.contains(name), "{method} {template}: {status} {text}");
                    named += 1;
                }
            }
            if template.contains("{name}") {
                let (status, text) = send(&template.replace("{name}", "a%00b"), body);
                assert_eq!(status, 404, "{method} {template}: {text}");
            }
            if body.is_some() {
                let (status, text) = send(&path, Some(r#"{ "name": "a\u0000b" }"#));
                assert!((400..500).contains(&status), "{method} {template}: {status} {text}");
                bodies += 1;
            }
        }
    }
    assert!(
        walked > 55 && named > 20 && bodies > 15,
        "{walked} operations, {named} parameters, {bodies} bodies"
    );
}

#[test]
fn the_committed_document_is_the_one_served() {
    let world = World::new();
    let served = world.send("GET", "/openapi.json", &[], None).expect(200).json();
    let printed: Value = serde_json::from_str(&domesday_http::openapi_document()).unwrap();
    assert_eq!(served, printed);
}
