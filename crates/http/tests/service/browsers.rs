//! What is there for browsers: compressed answers, and no changes on behalf of another site.

use serde_json::json;

use crate::world::World;

#[test]
fn large_answers_are_compressed_for_clients_that_accept_it() {
    let world = World::new();
    let gzip = ("accept-encoding", "gzip");
    let large = world.send_raw("GET", "/openapi.json", &[gzip]);
    assert_eq!(large.header("content-encoding"), "gzip");
    assert!(large.header("vary").to_ascii_lowercase().contains("accept-encoding"));
    assert_eq!(large.body[..2], [0x1f, 0x8b], "the mark of gzip");
    let plain = world.send_raw("GET", "/openapi.json", &[]);
    assert_eq!(plain.header("content-encoding"), "");
    assert!(large.body.len() * 4 < plain.body.len(), "{} {}", large.body.len(), plain.body.len());
    // Small answers may have a secret, whose content the compressed size could tell.
    let small = world.send_raw("GET", "/deployment/tenant", &[gzip, ("authorization", &world.admin)]);
    assert_eq!((small.status, small.header("content-encoding")), (200, ""));
}

#[test]
fn a_change_on_behalf_of_another_site_is_refused() {
    let world = World::new();
    let group = |headers: &[(&str, &str)]| {
        let mut all = vec![("authorization", world.admin.as_str())];
        all.extend(headers);
        world.send("PUT", "/api/v1/groups/Sales", &all, Some(json!({ "name": "Sales" }).to_string()))
    };
    for foreign in [
        &[("sec-fetch-site", "cross-site")][..],
        &[("sec-fetch-site", "same-site")],
        &[("origin", "https://evil.example")],
    ] {
        let answer = group(foreign).expect(403);
        assert_eq!(answer.problem(), "cross-site");
    }
    world.get("/api/v1/groups/Sales").expect(404);
    group(&[("sec-fetch-site", "same-origin")]).expect(201);
    group(&[("origin", "http://localhost:8080")]).expect(200);
    group(&[]).expect(200);
    // Reading is not refused: a browser shows the answer to nobody else.
    world.send("GET", "/health/live", &[("sec-fetch-site", "cross-site")], None).expect(200);
}
