//! The console over HTTP: sessions and their cookies, forms, headers of pages, and who sees which page.

use serde_json::json;

use crate::world::{ApiResponse, Later, World};

const HTML: (&str, &str) = ("accept", "text/html,application/xhtml+xml");
const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

/// A browser with the cookie of a session.
pub(crate) struct Browser<'w> {
    world: &'w World,
    pub(crate) cookie: String,
}

impl<'w> Browser<'w> {
    /// Signs in with an API key.
    #[track_caller]
    pub(crate) fn sign_in(world: &'w World, key: &str) -> Self {
        let answer = post_key(world, key, "").expect(303);
        Self { world, cookie: cookie(&answer) }
    }

    pub(crate) fn get(&self, path: &str) -> ApiResponse {
        self.world.send("GET", path, &[HTML, ("cookie", &self.cookie)], None)
    }

    /// The token that forms of this session carry.
    pub(crate) fn form_token(&self) -> String {
        let page = self.get("/console/profile").expect(200).text;
        let (_, rest) = page.split_once("name=\"csrf\" value=\"").unwrap();
        rest.split('"').next().unwrap().to_owned()
    }

    /// Sends a form with its token.
    pub(crate) fn post(&self, path: &str, fields: &str) -> ApiResponse {
        self.post_raw(path, &format!("csrf={}&{fields}", self.form_token()))
    }

    fn post_raw(&self, path: &str, body: &str) -> ApiResponse {
        self.world.send("POST", path, &[HTML, FORM, ("cookie", &self.cookie)], Some(body.to_owned()))
    }

    #[track_caller]
    fn is_signed_out(&self) {
        let answer = self.get("/console/profile").expect(303);
        assert!(answer.header("location").starts_with("/sign-in"), "{answer:?}");
    }
}

fn post_key(world: &World, key: &str, next: &str) -> ApiResponse {
    world.send("POST", "/sign-in", &[HTML, FORM], Some(format!("key={key}&next={next}")))
}

fn cookie(answer: &ApiResponse) -> String {
    answer.header("set-cookie").split(';').next().unwrap().to_owned()
}

#[test]
fn browsers_are_led_to_the_console_and_other_clients_are_not() {
    let world = World::new();
    let root = world.send("GET", "/", &[HTML], None).expect(303);
    assert_eq!(root.header("location"), "/console");
    assert_eq!(world.send("GET", "/", &[], None).expect(404).problem(), "not-found");
    let page = world.send("GET", "/console/profile?new", &[HTML], None).expect(303);
    assert_eq!(page.header("location"), "/sign-in?next=%2Fconsole%2Fprofile%3Fnew");
    let sign_in = world.send("GET", page.header("location"), &[HTML], None).expect(200);
    assert!(sign_in.text.contains("<h1>Sign in to Acme</h1>"), "{}", sign_in.text);
    assert!(sign_in.text.contains("name=\"next\" value=\"/console/profile?new\""));
    let answer = post_key(&world, &world.admin, "/console/profile?new").expect(303);
    assert_eq!(answer.header("location"), "/console/profile?new");
    let elsewhere = post_key(&world, &world.admin, "https://evil.example/").expect(303);
    assert_eq!(elsewhere.header("location"), "/console");
}

#[test]
fn a_session_is_a_cookie_that_scripts_do_not_see_and_that_signing_in_renews() {
    let world = World::new();
    let answer = post_key(&world, &world.admin, "");
    let flags: Vec<_> = answer.header("set-cookie").split("; ").skip(1).collect();
    assert_eq!(flags, ["Path=/", "HttpOnly", "SameSite=Lax", "Max-Age=604800"]);
    // A token that was planted before is not the token of the session.
    let planted = ("cookie", "domesday_session=planted");
    let body = format!("key={}", world.admin);
    let renewed = world.send("POST", "/sign-in", &[HTML, FORM, planted], Some(body)).expect(303);
    assert_ne!(cookie(&renewed), "domesday_session=planted");
    let planted = Browser { world: &world, cookie: planted.1.to_owned() };
    planted.is_signed_out();
    // Nothing that the store has lets anybody in.
    let session = cookie(&answer);
    let token = session.strip_prefix("domesday_session=").unwrap().as_bytes();
    assert_eq!(token.len(), 43, "256 bits");
    let database = std::fs::read(world.dir().join("governance.db")).unwrap();
    assert!(!database.windows(token.len()).any(|window| window == token));
    // Behind a proxy with TLS the cookie is for TLS only.
    let world = World::with(&[("DOMESDAY_PUBLIC_URL", "https://domesday.example")]);
    assert!(post_key(&world, &world.admin, "").header("set-cookie").ends_with("; Secure"));
}

#[test]
fn pages_have_a_strict_policy_and_assets_are_kept_for_good() {
    let world = World::new();
    let browser = Browser::sign_in(&world, &world.admin);
    for page in
        [browser.get("/console/profile"), browser.get("/console/nothing"), browser.get("/sign-in?signed-out")]
    {
        let policy = page.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self';"), "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(page.header("x-frame-options"), "DENY");
        assert_eq!(page.header("cache-control"), "no-store");
        assert!(!page.text.contains("style=\"") && !page.text.contains("<style"), "{}", page.text);
        assert!(!page.text.contains(" onclick=") && !page.text.contains("<script>"), "{}", page.text);
    }
    let page = browser.get("/console/profile").text;
    let asset =
        page.split('"').find(|part| part.starts_with("/console/assets/console.") && part.ends_with(".css"));
    let style = world.send("GET", asset.unwrap(), &[], None).expect(200);
    assert_eq!(style.header("cache-control"), "public, max-age=31536000, immutable");
    assert_eq!(style.header("content-type"), "text/css; charset=utf-8");
    world.send("GET", "/console/assets/console.0000000000000000.css", &[], None).expect(404);
}

#[test]
fn forms_count_only_from_their_own_session() {
    let world = World::new();
    let (mine, other) = (Browser::sign_in(&world, &world.admin), Browser::sign_in(&world, &world.admin));
    let fields = "name=Laptop&rights=all&once=1";
    for body in
        [fields.to_owned(), format!("csrf=x&{fields}"), format!("csrf={}&{fields}", other.form_token())]
    {
        let answer = mine.post_raw("/console/profile/keys", &body).expect(403);
        assert!(answer.text.contains("was not sent from a page of your session"), "{}", answer.text);
    }
    let foreign = [HTML, FORM, ("cookie", mine.cookie.as_str()), ("origin", "https://evil.example")];
    let body = format!("csrf={}&{fields}", mine.form_token());
    let answer = world.send("POST", "/console/profile/keys", &foreign, Some(body)).expect(403);
    assert!(
        answer.text.contains("Not permitted") && answer.text.contains("<!doctype html>"),
        "{}",
        answer.text
    );
    assert_eq!(world.store().api_keys(None).unwrap().len(), 1, "no key was created");
}

#[test]
fn a_session_ends_by_itself_by_signing_out_with_its_key_and_with_its_user() {
    let world = World::new();
    let begun = world.clock.now();
    let hours = |hours: i64| world.clock.set(begun.after_seconds(hours * 3600));
    let browser = Browser::sign_in(&world, &world.admin);
    hours(7);
    browser.get("/console/profile").expect(200);
    hours(14);
    browser.get("/console/profile").expect(200);
    hours(22);
    browser.is_signed_out();
    // In use all the time, it ends after seven days.
    let begun = world.clock.now();
    let hours = |hours: i64| world.clock.set(begun.after_seconds(hours * 3600));
    let browser = Browser::sign_in(&world, &world.admin);
    for hour in (6..168).step_by(6) {
        hours(hour);
        browser.get("/console/profile").expect(200);
    }
    hours(168);
    browser.is_signed_out();

    let browser = Browser::sign_in(&world, &world.admin);
    let answer = browser.post("/sign-out", "").expect(303);
    assert!(answer.header("set-cookie").starts_with("domesday_session=; "));
    browser.is_signed_out();

    let key = world.user("ada", &["AUDIT"]);
    let browser = Browser::sign_in(&world, &key);
    browser.get("/console/profile").expect(200);
    let id = world.call_as(&key, "GET", "/api/v1/api-keys", None).json()["items"][0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    world.call("DELETE", &format!("/api/v1/api-keys/{id}"), None).expect(204);
    browser.is_signed_out();

    let key = world.user("ada", &["AUDIT"]);
    let browser = Browser::sign_in(&world, &key);
    browser.get("/console/profile").expect(200);
    world
        .call("PUT", "/api/v1/users/ada", Some(json!({ "username": "ada", "status": "disabled" })))
        .expect(200);
    browser.is_signed_out();
    assert!(post_key(&world, &key, "").expect(422).text.contains("disabled or gone"));
}

#[test]
fn attempts_to_sign_in_are_limited_as_keys_are() {
    let world = World::with(&[("DOMESDAY_FAILED_AUTHENTICATIONS_PER_MINUTE", "3")]);
    for _ in 0..3 {
        let answer = post_key(&world, "domesday_wrong", "").expect(422);
        assert!(answer.text.contains("There is no such API key."), "{}", answer.text);
        assert!(!answer.text.contains("domesday_wrong"), "a key is never sent back");
    }
    let answer = post_key(&world, "nonsense", "").expect(429);
    assert!(!answer.header("retry-after").is_empty());
    let link = world.send("GET", "/sign-in?token=guessed", &[HTML], None).expect(429);
    assert!(!link.header("retry-after").is_empty());
    post_key(&world, &world.admin, "").expect(303);
}

#[test]
fn the_link_of_the_first_start_works_once_and_until_somebody_signs_in() {
    let mut world = World::new();
    let path = |world: &World| {
        let link = world.sign_in_link().unwrap();
        link.strip_prefix(&world.url("")).unwrap().to_owned()
    };
    let link = path(&world);
    // Asking for the head alone, as previews of links do, leaves it as it is.
    world.send("HEAD", &link, &[HTML], None);
    let answer = world.send("GET", &link, &[HTML], None).expect(303);
    let browser = Browser { world: &world, cookie: cookie(&answer) };
    let page = browser.get("/console/profile").expect(200).text;
    assert!(
        page.contains("You are signed in as the operator")
            && page.contains("with the link of the first start")
    );
    let again = world.send("GET", &link, &[HTML], None).expect(401);
    assert!(again.text.contains("This link is no longer valid"), "{}", again.text);
    world.stop();
    world.start();
    assert_eq!(world.sign_in_link(), None, "somebody has signed in");

    let world = World::new();
    let link = path(&world);
    world.clock.set(world.clock.now().after_seconds(15 * 60));
    world.send("GET", &link, &[HTML], None).expect(401);

    let mut world = World::new();
    let unused = path(&world);
    world.stop();
    world.start();
    let link = path(&world);
    Browser::sign_in(&world, &world.admin);
    for link in [unused, link] {
        world.send("GET", &link.replace(&world.url(""), ""), &[HTML], None).expect(401);
    }
}

#[test]
fn a_key_is_created_shown_once_used_and_revoked() {
    let world = World::new();
    let key = world.user("ada", &["AUDIT", "GOVERNANCE"]);
    let browser = Browser::sign_in(&world, &key);
    assert!(
        browser.get("/console/profile?new").expect(200).text.contains("<label for=\"name\">Name</label>")
    );
    let fields = "name=%3Cb%3ELaptop&expires=2026-03-01&rights=some&permission=AUDIT&once=7";
    let page = browser.post("/console/profile/keys", fields).expect(200).text;
    let secret = page.split("id=\"secret\">").nth(1).unwrap().split('<').next().unwrap().to_owned();
    assert!(page.contains("&#60;b&#62;Laptop") && !page.contains("<b>Laptop"), "{page}");
    world.call_as(&secret, "GET", "/api/v1/users", None).expect(200);
    let keys = world.call_as(&secret, "GET", "/api/v1/api-keys", None).json();
    let made =
        keys["items"].as_array().unwrap().iter().find(|key| key["name"] == "<b>Laptop").unwrap().clone();
    assert_eq!(made["permissions"], json!(["AUDIT"]));
    assert_eq!(made["expiresAt"], "2026-02-28T23:00:00Z", "midnight in Berlin");
    // The form sent again creates nothing and shows nothing.
    let again = browser.post("/console/profile/keys", fields).expect(200).text;
    assert!(again.contains("was created before") && !again.contains(&secret), "{again}");
    assert!(!browser.get("/console/profile").text.contains(&secret));
    // Mistakes stand beside the field, and what was typed is kept.
    let wrong =
        browser.post("/console/profile/keys", "name=&expires=2020-01-01&rights=all&once=8").expect(422).text;
    assert!(
        wrong.contains("Say what the key is for.") && wrong.contains("Choose a day after today."),
        "{wrong}"
    );
    assert!(wrong.contains("value=\"2020-01-01\""));
    let more =
        browser.post("/console/profile/keys", "name=x&rights=some&permission=USER_ADMIN&once=9").expect(422);
    assert!(more.text.contains("The key is not created."), "{}", more.text);

    let path = format!("/console/profile/keys/{}/revoke", made["id"].as_str().unwrap());
    assert!(browser.get(&path).expect(200).text.contains("Revoke the key “&#60;b&#62;Laptop”?"));
    world.call_as(&secret, "GET", "/api/v1/users", None).expect(200);
    let done = browser.post(&path, "").expect(303);
    world.call_as(&secret, "GET", "/api/v1/users", None).expect(401);
    assert!(browser.get(done.header("location")).text.contains("is revoked."));
    // Whose key it is not, does not see it.
    let other = Browser::sign_in(&world, &world.user("bob", &[]));
    other.get(&path).expect(404);
    other.post(&path, "").expect(404);
}

#[test]
fn sessions_are_listed_and_ended() {
    let world = World::new();
    let key = world.user("ada", &[]);
    let (mine, phone, bob) = (
        Browser::sign_in(&world, &key),
        Browser::sign_in(&world, &key),
        Browser::sign_in(&world, &world.user("bob", &[])),
    );
    let page = mine.get("/console/profile").text;
    let id = page
        .split("/console/profile/sessions/")
        .find_map(|part| part.split_once("/end\"").map(|(id, _)| id.to_owned()))
        .unwrap();
    let path = format!("/console/profile/sessions/{id}/end");
    bob.get(&path).expect(404);
    bob.post(&path, "").expect(404);
    phone.get("/console/profile").expect(200);
    mine.get(&path).expect(200);
    mine.post(&path, "").expect(303);
    phone.is_signed_out();
    let laptop = Browser::sign_in(&world, &key);
    mine.post("/console/profile/sessions/end", "").expect(303);
    laptop.is_signed_out();
    mine.get("/console/profile").expect(200);
    bob.get("/console/profile").expect(200);
}

#[test]
fn missing_pages_are_pages() {
    let world = World::new();
    let browser = Browser::sign_in(&world, &world.admin);
    let page = browser.get("/console/nothing").expect(404).text;
    assert!(page.contains("<h1>Not found</h1>") && page.contains("aria-label=\"Console\""), "{page}");
}
