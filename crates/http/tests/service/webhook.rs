//! Messages to the webhook: taken, refused, given up, and sent by the process after the one that recorded them.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domesday_store::{IfMatch, Store};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::world::{Later, START, World, instant};

const MESSAGES: &str = "/api/v1/access-summary/webhook-messages";
const SECRET: &[u8] = b"a secret of twenty-four.";

/// How long something may take that needs no clock; only a test that fails waits for it.
const PATIENCE: Duration = Duration::from_secs(30);

/// A receiver with an answer for each request.
struct Hook {
    url: String,
    received: Receiver<Received>,
}

/// A request as it arrived.
#[derive(Debug)]
struct Received {
    headers: Vec<(String, String)>,
    body: String,
}

impl Received {
    fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value)
    }

    /// The id, once the signature is found to be right.
    #[track_caller]
    fn verified_id(&self) -> String {
        let id = self.header("webhook-id");
        let mut mac = Hmac::<Sha256>::new_from_slice(SECRET).unwrap();
        mac.update(format!("{id}.{}.{}", self.header("webhook-timestamp"), self.body).as_bytes());
        let right = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
        assert_eq!(self.header("webhook-signature"), right);
        id.to_owned()
    }
}

impl Hook {
    /// A receiver that gives these answers, head by head, and the last of them from then on.
    fn new(answers: &'static [&'static str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let (sender, received) = channel();
        std::thread::spawn(move || {
            for (number, stream) in listener.incoming().enumerate() {
                let answer = answers[number.min(answers.len() - 1)];
                let received = serve(stream.unwrap(), answer);
                if sender.send(received).is_err() {
                    return;
                }
            }
        });
        Self { url, received }
    }

    #[track_caller]
    fn next(&self) -> Received {
        self.received.recv_timeout(PATIENCE).expect("a message")
    }

    #[track_caller]
    fn expect_nothing(&self) {
        assert!(self.received.try_recv().is_err(), "a message that should not be");
    }

    /// Expects nothing more under an id; nights that a clock moved on made up for have messages of their own.
    #[track_caller]
    fn expect_no_more_of(&self, id: &Value) {
        self.received.try_iter().for_each(|received| assert_ne!(received.verified_id(), *id));
    }
}

fn serve(stream: TcpStream, answer: &str) -> Received {
    let mut reader = BufReader::new(stream);
    let (mut line, mut headers) = (String::new(), Vec::new());
    reader.read_line(&mut line).unwrap();
    loop {
        line.clear();
        reader.read_line(&mut line).unwrap();
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        headers.push((name.to_ascii_lowercase(), value.to_owned()));
    }
    let received = Received { headers, body: String::new() };
    let mut body = vec![0; received.header("content-length").parse().unwrap()];
    reader.read_exact(&mut body).unwrap();
    let head = format!("HTTP/1.1 {answer}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    reader.into_inner().write_all(head.as_bytes()).unwrap();
    Received { body: String::from_utf8(body).unwrap(), ..received }
}

/// A service with a receiver, and an export whose runs fail at once: its endpoint is not on the operator's list.
fn world(hook: &Hook) -> World {
    let secret = format!("whsec_{}", STANDARD.encode(SECRET));
    let world = World::with(&[("DOMESDAY_WEBHOOK_URL", &hook.url), ("DOMESDAY_WEBHOOK_SECRET", &secret)]);
    let mut store = Store::open(&world.dir().join("governance.db")).unwrap();
    let by = domesday_store::ChangeBy { actor: "test", origin: "test", from: None, at: world.clock.now() };
    let export = json!({
        "bucket": "acme-audit", "region": "eu-central-1", "accessKeyId": "AKIAEXAMPLE", "endpoint": "http://192.0.2.1",
    });
    store.put_export("default", &export, None, IfMatch::Any, &by).unwrap();
    world
}

fn run(world: &World) -> String {
    let answer = world.call("POST", "/api/v1/access-summary/runs", None).expect(202);
    answer.json()["id"].as_str().unwrap().to_owned()
}

/// The newest message, once it is as wanted.
#[track_caller]
fn wait_until(world: &World, wanted: impl Fn(&Value) -> bool) -> Value {
    let until = std::time::Instant::now() + PATIENCE;
    loop {
        let page = world.get(MESSAGES).expect(200).json();
        if wanted(&page["items"][0]) {
            return page["items"][0].clone();
        }
        assert!(std::time::Instant::now() < until, "{page}");
        std::thread::yield_now();
    }
}

/// Lets the clock of the world stand where the newest message is due again.
fn until_due(world: &World, attempts: u32) {
    // An attempt counts from its beginning; until it has ended the message is due when it was due before.
    let due = |message: &Value| instant(message["dueAt"].as_str().unwrap());
    let waits = |message: &Value| message["attempts"] == attempts && due(message) > world.clock.now();
    let message = wait_until(world, waits);
    assert_eq!(message["state"], "pending");
    world.clock.set(instant(message["dueAt"].as_str().unwrap()));
}

#[test]
fn a_refused_message_is_sent_again_under_its_id_by_whichever_process() {
    let hook = Hook::new(&[
        "500 Internal Server Error",
        "307 Temporary Redirect\r\nlocation: /elsewhere",
        "503 Service Unavailable\r\nretry-after: 300",
        "204 No Content",
    ]);
    let mut world = world(&hook);
    let run = run(&world);
    let first = hook.next();
    let id = first.verified_id();
    let body: Value = serde_json::from_str(&first.body).unwrap();
    assert_eq!((&body["type"], &body["data"]["id"]), (&json!("run.failed"), &json!(run)));
    until_due(&world, 1);
    assert_eq!(world.clock.now(), instant(START).after_seconds(5));
    let second = hook.next();
    assert_eq!((second.verified_id(), &second.body), (id.clone(), &first.body));
    wait_until(&world, |message| {
        message["attempts"] == 2
            && message["error"].as_str().is_some_and(|error| error.contains("webhook.url"))
    });
    hook.expect_nothing();

    // The process ends; the next one goes on where it was.
    world.stop();
    world.clock.set(instant(START).after_seconds(60));
    world.start();
    assert_eq!(hook.next().verified_id(), id);
    until_due(&world, 3);
    assert_eq!(world.clock.now(), instant(START).after_seconds(360), "as long as the receiver asked for");
    let last = hook.next();
    assert_eq!((last.verified_id(), &last.body), (id.clone(), &first.body));
    assert_ne!(last.header("webhook-timestamp"), first.header("webhook-timestamp"));
    let message = wait_until(&world, |message| message["state"] == "delivered");
    assert_eq!((&message["id"], &message["attempts"]), (&json!(id), &json!(4)));
    let metrics = world.get("/metrics").text;
    assert!(metrics.contains("domesday_webhooks_total{result=\"delivered\"} 1"), "{metrics}");

    // And forgets it after a week.
    world.clock.set(instant(START).after_seconds(8 * 86_400));
    let until = std::time::Instant::now() + PATIENCE;
    let is_kept = || {
        let page = world.get(MESSAGES).expect(200).json();
        page["items"].as_array().unwrap().iter().any(|kept| kept["id"] == message["id"])
    };
    while is_kept() {
        assert!(std::time::Instant::now() < until);
    }
    hook.expect_no_more_of(&message["id"]);
}

#[test]
fn a_message_is_given_up_after_the_last_wait_and_kept_for_reading() {
    let hook = Hook::new(&["404 Not Found"]);
    let world = world(&hook);
    let run = run(&world);
    for attempt in 1..=5 {
        hook.next();
        until_due(&world, attempt);
    }
    hook.next();
    let message = wait_until(&world, |message| message["state"] == "givenUp");
    assert_eq!((&message["run"], &message["attempts"]), (&json!(run), &json!(6)));
    assert_eq!(message["error"], "answered 404");
    assert_eq!(message["body"]["data"]["id"], json!(run));
    assert_eq!(world.get(&format!("{MESSAGES}?state=pending")).json()["total"], 0);
    assert_eq!(world.get(&format!("{MESSAGES}?state=givenUp")).json()["total"], 1);
    world.get(&format!("{MESSAGES}?state=lost")).expect(400);
    assert!(world.get("/metrics").text.contains("domesday_webhooks_total{result=\"given-up\"} 1"));
    world.clock.set(instant(START).after_seconds(30 * 86_400));
    let kept = world.get(&format!("{MESSAGES}?state=givenUp")).expect(200).json();
    assert!(kept["items"].as_array().unwrap().iter().any(|kept| kept["id"] == message["id"]));
    hook.expect_no_more_of(&message["id"]);
}

#[test]
fn a_receiver_that_is_gone_is_left_alone() {
    let hook = Hook::new(&["410 Gone", "200 OK"]);
    let mut world = world(&hook);
    run(&world);
    hook.next();
    wait_until(&world, |message| message["state"] == "givenUp" && message["attempts"] == 1);
    let second = run(&world);
    wait_until(&world, |message| message["run"] == json!(second) && message["state"] == "givenUp");
    hook.expect_nothing();
    // Who starts the service again has looked after it.
    world.stop();
    world.start();
    let third = run(&world);
    wait_until(&world, |message| message["run"] == json!(third) && message["state"] == "delivered");
    assert!(hook.next().body.contains(&third));
}
