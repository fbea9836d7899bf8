//! Every page and form of the console, walked with every permission and with none: no link leads to a page that its
//! reader may not see, and nobody changes anything through a form that the API would refuse.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde_json::json;

use crate::console::Browser;
use crate::routes::PERMISSIONS;
use crate::world::World;

/// How many pages of one shape, which differ in ids and names alone, are visited.
const OF_A_SHAPE: usize = 3;

/// Pages that nobody without a permission sees.
const CLOSED: &[&str] = &[
    "/console/audit",
    "/console/catalog",
    "/console/connections",
    "/console/connections/new",
    "/console/connections/people",
    "/console/drift",
    "/console/export",
    "/console/export/setup",
    "/console/policies",
    "/console/policies/new",
    "/console/runs",
    "/console/settings",
    "/console/users",
];

/// What a walk finds.
#[derive(Default)]
struct Walk {
    /// Pages by shape, each with an example.
    pages: BTreeMap<String, String>,
    /// Addresses that forms are sent to.
    actions: BTreeSet<String>,
}

/// An address without its ids, names and query.
fn shape(address: &str) -> String {
    let path = address.split(['?', '#']).next().unwrap();
    let is_word =
        |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
    let parts = path.split('/').skip(1).map(|part| if is_word(part) { part } else { "…" });
    let has_query = if address.contains('?') { "?" } else { "" };
    format!("/{}{has_query}", parts.collect::<Vec<_>>().join("/"))
}

/// The values of an attribute in a page that are addresses of the console.
fn addresses<'p>(page: &'p str, attribute: &str) -> impl Iterator<Item = String> + use<'p> {
    let mark = format!(" {attribute}=\"");
    let parts: Vec<&str> = page.split(mark.as_str()).skip(1).collect();
    let values = parts.into_iter().filter_map(|part| part.split('"').next());
    values
        .filter(|value| value.starts_with("/console"))
        .map(|value| value.replace("&amp;", "&").replace("&#38;", "&").split('#').next().unwrap().to_owned())
}

/// Follows every link from the overview on.
fn walk(browser: &Browser<'_>, role: &str) -> Walk {
    let mut walk = Walk::default();
    let mut visited: BTreeMap<String, usize> = BTreeMap::new();
    let mut seen: BTreeSet<String> = BTreeSet::new();
    let mut next = VecDeque::from(["/console".to_owned()]);
    while let Some(address) = next.pop_front() {
        let visits = visited.entry(shape(&address)).or_default();
        if *visits >= OF_A_SHAPE || !seen.insert(address.clone()) {
            continue;
        }
        *visits += 1;
        let answer = browser.get(&address);
        if answer.status == 303 {
            next.push_back(answer.header("location").to_owned());
            continue;
        }
        assert_eq!(answer.status, 200, "{role} is led to {address}: {}", answer.text);
        walk.pages.entry(shape(&address)).or_insert(address);
        if !answer.header("content-type").starts_with("text/html") {
            continue;
        }
        next.extend(addresses(&answer.text, "href").filter(|it| !it.starts_with("/console/assets/")));
        walk.actions.extend(addresses(&answer.text, "action"));
    }
    walk
}

#[test]
fn no_link_leads_where_its_reader_may_not_go_and_no_form_does_more_than_the_api() {
    let world = World::new();
    world.apply_acme();
    for (name, kind) in [("people", "csv"), ("provider", "scim")] {
        let document = json!({ "kind": kind });
        world.call("PUT", &format!("/api/v1/connections/{name}"), Some(document)).expect(201);
    }
    let users: String = (0..3).map(|number| format!("imported-{number}\n")).collect();
    let import = json!({ "users": format!("username\n{users}") });
    world.call("POST", "/api/v1/connections/people/imports", Some(import)).expect(200);
    let mut roles: Vec<(String, String)> = vec![
        ("the operator".to_owned(), world.admin.clone()),
        ("nobody".to_owned(), world.user("nobody", &[])),
        ("everything".to_owned(), world.user("everything", &PERMISSIONS)),
    ];
    for permission in PERMISSIONS {
        roles.push((permission.to_owned(), world.user(&permission.to_lowercase(), &[permission])));
    }
    let browsers: Vec<_> =
        roles.iter().map(|(role, key)| (role.as_str(), Browser::sign_in(&world, key))).collect();
    let mut all = Walk::default();
    for (role, browser) in &browsers {
        let found = walk(browser, role);
        all.pages.extend(found.pages);
        all.actions.extend(found.actions);
    }
    assert!(all.pages.len() > 20, "only {:?}", all.pages.keys());

    // Typed into the address bar, a page of somebody else is shown or refused, never a failure.
    for (role, browser) in &browsers {
        for page in all.pages.values() {
            let status = browser.get(page).status;
            assert!(matches!(status, 200 | 303 | 403 | 404), "{page} as {role}: {status}");
        }
    }
    let (_, nobody) = browsers.iter().find(|(role, _)| *role == "nobody").unwrap();
    for page in CLOSED {
        let answer = nobody.get(page);
        assert_eq!(answer.status, 403, "{page}");
        assert!(answer.text.contains("This page requires the permission"), "{page}: {}", answer.text);
    }

    // Somebody without a permission sends every form that anybody has.
    let before = world.get("/api/v1/audit?limit=1").expect(200).json()["items"][0]["number"].clone();
    for action in all.actions.iter().filter(|it| !it.starts_with("/console/profile")) {
        let status = nobody.post(action, "reason=because&confirm=yes").status;
        assert!(status < 500, "{action}: {status}");
    }
    let after = world.get("/api/v1/audit?limit=1").expect(200).json()["items"][0]["number"].clone();
    assert_eq!(before, after, "nothing was changed");
}
