//! The export configuration as far as no bucket is needed; with buckets it is tests/service in Python.

use serde_json::{Value, json};

use crate::world::World;

const PATH: &str = "/api/v1/access-summary/export";

fn key(more: &Value) -> Value {
    let mut configuration = json!({
        "bucket": "acme-audit", "region": "eu-central-1",
        "accessKeyId": "AKIAEXAMPLE", "secretAccessKey": "planted-secret-word"
    });
    configuration.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    configuration
}

#[test]
fn a_failed_verification_names_its_checks_and_saves_nothing() {
    // A port on which nobody listens.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let world = World::with(&[("DOMESDAY_ALLOWED_ENDPOINTS", &endpoint)]);
    let answer = world.call("PUT", PATH, Some(key(&json!({ "endpoint": endpoint })))).expect(422);
    assert_eq!(answer.problem(), "verification-failed");
    let checks = answer.json()["checks"].as_array().unwrap().clone();
    let names: Vec<_> = checks.iter().map(|check| check["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["credentials", "list", "put"]);
    let failed = checks.iter().find(|check| check["status"] == "failed").unwrap();
    assert_eq!(failed["kind"], "unreachable");
    world.get(PATH).expect(404);
    let tried = world.call("POST", &format!("{PATH}/verify"), Some(key(&json!({ "endpoint": endpoint }))));
    assert_eq!(tried.expect(200).json()["ok"], false);
    world.call("POST", &format!("{PATH}/verify"), None).expect(404);
    world.call("POST", "/api/v1/access-summary/runs", None).expect(409);
    // The audit log tells of the refusal and not of the secret.
    let log = world.get("/api/v1/audit").expect(200);
    assert_eq!(log.json()["items"].as_array().unwrap().last().unwrap()["action"], "refuse");
    assert!(!log.text.contains("planted-secret-word"));
}

#[test]
fn an_endpoint_that_the_operator_did_not_allow_is_refused_unasked() {
    let world = World::with(&[("DOMESDAY_ALLOWED_ENDPOINTS", "https://s3.example")]);
    for endpoint in ["http://169.254.169.254", "http://localhost:1", "https://s3.example@evil.example", "x"] {
        let answer = world.call("PUT", PATH, Some(key(&json!({ "endpoint": endpoint })))).expect(422);
        assert!(answer.text.contains("allowed_endpoints"), "{}", answer.text);
    }
}

#[test]
fn a_wrong_configuration_says_what_is_wrong() {
    let world = World::new();
    for (wrong, word) in [
        (json!({ "bucket": "NO" }), "bucket"),
        (json!({ "region": "" }), "region"),
        (json!({ "schedule": "0 25 * * *" }), "hour"),
        (json!({ "layout": "pile" }), "layout"),
        (json!({ "roleArn": "arn:aws:iam::111122223333:role/x" }), "not both"),
        (json!({ "bucketOwner": "12" }), "12 digits"),
        (json!({ "secret": "x" }), "secret"),
    ] {
        let answer = world.call("PUT", PATH, Some(key(&wrong))).expect(422);
        assert!(answer.text.contains(word), "{wrong}: {}", answer.text);
        assert!(!answer.text.contains("planted-secret-word"));
    }
}

#[test]
fn set_up_documents_are_written_from_the_query() {
    let world = World::new();
    let tenant = world.get("/deployment/tenant").json()["id"].as_str().unwrap().to_owned();
    let base = "/api/v1/access-summary/setup";
    let place = "bucket=acme-audit&region=eu-central-1&path=summary";
    let principal = "principal=arn:aws:iam::111122223333:role/domesday";
    let policy = world.get(&format!("{base}/iam-policy?{place}")).expect(200).json();
    assert_eq!(policy["Statement"][1]["Resource"], "arn:aws:s3:::acme-audit/summary/*");
    let trust = world.get(&format!("{base}/trust-policy?{place}&{principal}")).expect(200).json();
    assert_eq!(trust["Statement"][0]["Condition"]["StringEquals"]["sts:ExternalId"], json!(tenant));
    world.get(&format!("{base}/bucket-policy?{place}&{principal}")).expect(200);
    world.get(&format!("{base}/bucket-policy?{place}")).expect(400);
    world.get(&format!("{base}/bucket-policy?{place}&principal=*")).expect(422);
    world.get(&format!("{base}/iam-policy")).expect(422);
    let script = world.get(&format!("{base}/ddl/duckdb?{place}")).expect(200);
    assert!(script.text.contains("acme-audit"));
    world.get(&format!("{base}/ddl/abacus?{place}")).expect(404);
}
