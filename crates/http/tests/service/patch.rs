//! Changes of an export configuration that keep its secret. Its destination never answers: whatever asks it is noticed.

use serde_json::{Value, json};

use crate::world::{ApiResponse, World};

const PATH: &str = "/api/v1/access-summary/export";
const MERGE_PATCH: &str = "application/merge-patch+json";
const SECRET: &str = "planted-secret-word";

/// A service with a saved export, and its endpoint, on which nobody listens.
fn configured() -> (World, String) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let world = World::with(&[
        ("DOMESDAY_ALLOWED_ENDPOINTS", &format!("{endpoint},http://127.0.0.1:1")),
        ("DOMESDAY_DELIVERY_ATTEMPTS", "1"),
    ]);
    let document = json!({
        "bucket": "acme-audit", "region": "eu-central-1", "accessKeyId": "AKIAEXAMPLE", "path": "summary",
        "endpoint": endpoint,
    });
    world.save_export(&document, SECRET);
    (world, endpoint)
}

fn patch(world: &World, body: &Value) -> ApiResponse {
    patch_with(world, &[], body)
}

fn patch_with(world: &World, more: &[(&str, &str)], body: &Value) -> ApiResponse {
    let mut headers = vec![("authorization", world.admin.as_str()), ("content-type", MERGE_PATCH)];
    headers.extend(more);
    world.send("PATCH", PATH, &headers, Some(body.to_string()))
}

fn sealed(world: &World) -> Vec<u8> {
    world.store().export::<Value>("default").unwrap().unwrap().secret.unwrap().sealed
}

#[test]
fn a_schedule_changes_without_the_secret_and_without_asking_the_destination() {
    let (world, endpoint) = configured();
    let (before, secret) = (world.get(PATH).expect(200), sealed(&world));
    let changed = patch(&world, &json!({ "schedule": "30 4 * * *", "layout": "swap" })).expect(200);
    let view = changed.json();
    assert_eq!((&view["schedule"], &view["layout"]), (&json!("30 4 * * *"), &json!("swap")));
    assert_eq!(view["nextRunAt"], "2026-01-15T03:30:00Z");
    assert_eq!(view["secretFingerprint"], before.json()["secretFingerprint"]);
    assert_ne!(changed.header("etag"), before.header("etag"));
    assert_eq!(sealed(&world), secret);
    // A whole configuration without its secret keeps it, too.
    let whole = json!({
        "bucket": "acme-audit", "region": "eu-central-1", "accessKeyId": "AKIAEXAMPLE", "path": "summary",
        "endpoint": endpoint, "schedule": "0 6 * * *",
    });
    let put = world.call("PUT", PATH, Some(whole)).expect(200).json();
    assert_eq!((&put["schedule"], &put["layout"]), (&json!("0 6 * * *"), &json!("latest")));
    assert_eq!(sealed(&world), secret);
    // Null removes: the default holds again.
    let removed = patch(&world, &json!({ "schedule": null })).expect(200).json();
    assert_eq!(removed["schedule"], "0 3 * * *");
    // What changes nothing is no change.
    let entries = world.store().audit_length().unwrap();
    let same = patch(&world, &json!({})).expect(200);
    assert_eq!(same.json(), removed);
    assert_eq!(world.store().audit_length().unwrap(), entries);
    // The log has what changed, and not the secret.
    let log = world.store().audit_entries(0, 100).unwrap();
    let entry =
        log.iter().find(|entry| entry.action == "update" && entry.target == "exports/default").unwrap();
    assert_eq!(entry.after, Some(json!({ "schedule": "30 4 * * *", "layout": "swap" })));
    assert!(!format!("{log:?}").contains(SECRET));
}

#[test]
fn another_destination_is_tried_with_the_secret_that_is_kept() {
    let (world, _) = configured();
    let before = world.get(PATH).expect(200).json();
    for change in [
        json!({ "bucket": "other-bucket" }),
        json!({ "path": null }),
        json!({ "path": "elsewhere", "schedule": "0 4 * * *" }),
        json!({ "secretAccessKey": "another" }),
        json!({ "accessKeyId": "AKIAOTHER", "secretAccessKey": "another" }),
        json!({ "endpoint": "http://127.0.0.1:1", "secretAccessKey": "another" }),
    ] {
        let refused = patch(&world, &change).expect(422);
        assert_eq!(refused.problem(), "verification-failed", "{change}");
        assert_eq!(refused.json()["checks"][0]["name"], "credentials");
        assert_eq!(world.get(PATH).expect(200).json(), before, "{change}");
        assert!(!refused.text.contains(SECRET));
    }
    assert!(!world.get("/api/v1/audit").expect(200).text.contains("another\""));
}

#[test]
fn the_secret_goes_to_no_other_key_or_endpoint() {
    let (world, endpoint) = configured();
    let before = world.get(PATH).expect(200).json();
    for change in [
        json!({ "accessKeyId": "AKIAOTHER" }),
        json!({ "endpoint": "http://127.0.0.1:1" }),
        json!({ "endpoint": null }),
        json!({ "endpoint": format!("{endpoint}/") }),
        json!({ "secretAccessKey": null }),
    ] {
        let refused = patch(&world, &change).expect(422);
        assert_eq!(refused.problem(), "invalid", "{change}");
        assert!(refused.text.contains("secretAccessKey"), "{}", refused.text);
    }
    let put = json!({ "bucket": "acme-audit", "region": "eu-central-1", "accessKeyId": "AKIAEXAMPLE" });
    assert_eq!(world.call("PUT", PATH, Some(put.clone())).expect(422).problem(), "invalid");
    let verified = world.call("POST", &format!("{PATH}/verify"), Some(put)).expect(422);
    assert_eq!(verified.problem(), "invalid");
    assert_eq!(world.get(PATH).expect(200).json(), before);
}

#[test]
fn a_patch_is_read_strictly_and_guarded() {
    let (world, _) = configured();
    let schedule = json!({ "schedule": "0 4 * * *" });
    for (wrong, status) in [
        (json!({ "bucket": null }), 422),
        (json!({ "schedule": "now" }), 422),
        (json!({ "schedule": 4 }), 422),
        (json!({ "nextRunAt": null }), 422),
        (json!({ "scedule": "0 4 * * *" }), 422),
        (json!([]), 422),
    ] {
        patch(&world, &wrong).expect(status);
    }
    let text = |content_type: &str, body: &str| {
        let headers = [("authorization", world.admin.as_str()), ("content-type", content_type)];
        world.send("PATCH", PATH, &headers, Some(body.to_owned()))
    };
    text(MERGE_PATCH, "{").expect(400);
    text(MERGE_PATCH, r#"{"path":"a","path":"b"}"#).expect(422);
    for other in ["application/json", "application/json-patch+json", "text/plain"] {
        let refused = text(other, "{}").expect(415);
        assert_eq!(refused.header("accept-patch"), MERGE_PATCH);
    }
    text("Application/Merge-Patch+JSON; charset=utf-8", "{}").expect(200);

    let etag = world.get(PATH).header("etag").to_owned();
    patch_with(&world, &[("if-match", "\"stale\"")], &schedule).expect(412);
    patch_with(&world, &[("if-none-match", "*")], &schedule).expect(412);
    // The condition is looked at before the destination is asked.
    patch_with(&world, &[("if-match", "\"stale\"")], &json!({ "bucket": "other-bucket" })).expect(412);
    patch_with(&world, &[("if-match", &etag)], &schedule).expect(200);
    patch_with(&world, &[("if-match", &etag)], &json!({ "schedule": "0 5 * * *" })).expect(412);
    patch_with(&world, &[("if-match", "*")], &json!({ "schedule": "0 5 * * *" })).expect(200);

    let key = world.user("reader", &["AUDIT"]);
    let headers = [("authorization", key.as_str()), ("content-type", MERGE_PATCH)];
    world.send("PATCH", PATH, &headers, Some(schedule.to_string())).expect(403);
    world.call("DELETE", PATH, None).expect(204);
    patch(&world, &schedule).expect(404);
}

#[test]
fn a_key_and_a_role_take_each_others_place() {
    let (world, _) = configured();
    let role = "arn:aws:iam::111122223333:role/domesday";
    let both = patch(&world, &json!({ "roleArn": role })).expect(422);
    assert!(both.text.contains("null"), "{}", both.text);
    // The role is tried, and nothing is saved when it cannot be assumed.
    let refused = patch(&world, &json!({ "roleArn": role, "accessKeyId": null })).expect(422);
    assert_eq!(refused.problem(), "verification-failed");
    assert_eq!(world.get(PATH).expect(200).json()["accessKeyId"], "AKIAEXAMPLE");
}

#[test]
fn of_changes_made_at_once_none_is_lost_silently() {
    let (world, _) = configured();
    let fields = ["schedule", "layout"];
    let values = [json!("0 4 * * *"), json!("swap")];
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|number| {
                let (world, field, value) = (&world, fields[number % 2], &values[number % 2]);
                scope.spawn(move || patch(world, &json!({ field: value })).status)
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(statuses.iter().all(|status| matches!(status, 200 | 409)), "{statuses:?}");
    let view = world.get(PATH).expect(200).json();
    for number in 0..8 {
        if statuses[number] == 200 {
            assert_eq!(view[fields[number % 2]], values[number % 2], "{statuses:?}");
        }
    }
}

#[test]
fn a_damaged_configuration_is_reported_by_name_and_can_be_deleted() {
    let (world, endpoint) = configured();
    let document = json!({
        "bucket": "acme-audit", "region": "eu-central-1", "accessKeyId": "AKIAEXAMPLE", "endpoint": endpoint,
        "layout": "heap",
    });
    world.save_export(&document, SECRET);
    let answer = world.get(PATH).expect(503);
    assert!(answer.text.contains("export `default`") && answer.text.contains("`layout`"), "{}", answer.text);
    // Nothing is delivered in another layout than the one that was meant.
    world.call("POST", "/api/v1/access-summary/runs", None).expect(503);
    world.call("DELETE", PATH, None).expect(204);
    world.get(PATH).expect(404);
}
