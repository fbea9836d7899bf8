"""The webhook, with processes that are killed: no message is lost, and one is one whoever sends it."""

import base64
import hashlib
import hmac
import json
import threading

import pytest
from conftest import WORLD, Receiver
from s3 import wait_for
from test_walks import EXPORT, RUNS, with_key

MESSAGES = "/api/v1/access-summary/webhook-messages"
SECRET = b"a secret of twenty-four."


class Hook(Receiver):
    """The receiver of the webhook's messages."""

    def env(self):
        return {
            "DOMESDAY_WEBHOOK_URL": f"{self.url}/hook",
            "DOMESDAY_WEBHOOK_SECRET": "whsec_" + base64.b64encode(SECRET).decode(),
        }

    def message(self, number):
        """What came as the message of a number, once its signature is found to be right."""
        _, headers, body = wait_for(lambda: len(self.got) >= number and self.got[number - 1], f"message {number}")
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        signature = base64.b64encode(hmac.new(SECRET, signed, hashlib.sha256).digest()).decode()
        assert headers["webhook-signature"] == f"v1,{signature}"
        return headers["webhook-id"], json.loads(body)


@pytest.fixture
def hook():
    hook = Hook()
    yield hook
    hook.close()


def messages(service, state):
    return service.call("GET", f"{MESSAGES}?state={state}").expect(200).json["items"]


def test_a_message_refused_by_its_receiver_outlives_the_process(admin, bucket, strict, service, hook):
    acme = service(env=hook.env())
    acme.call("POST", "/api/v1/apply", WORLD).expect(200)
    acme.call("PUT", EXPORT, with_key(admin, acme, bucket, strict)).expect(201)
    hook.answer = lambda: 500
    acme.call("POST", RUNS).expect(202)
    run = acme.run_ended()
    first, body = hook.message(1)
    assert (body["type"], body["data"]["id"]) == ("run.succeeded", run["id"])
    wait_for(lambda: messages(acme, "pending")[0]["error"], "the refusal")
    acme.kill()
    hook.answer = lambda: 204
    acme.start("2026-01-14T23:00:05Z")
    assert hook.message(2) == (first, body)
    wait_for(lambda: messages(acme, "delivered"), "the delivery")
    assert len(hook.got) == 2


def test_a_process_killed_while_it_sends(admin, bucket, strict, service, hook):
    acme = service(env=hook.env())
    acme.call("POST", "/api/v1/apply", WORLD).expect(200)
    acme.call("PUT", EXPORT, with_key(admin, acme, bucket, strict)).expect(201)
    go_on = threading.Event()
    hook.answer = lambda: go_on.wait(60) and 204
    acme.call("POST", RUNS).expect(202)
    first = hook.message(1)
    acme.kill()
    go_on.set()
    # Whether it arrived nobody can know, so it comes again: once the claim of who died has ended.
    acme.start("2026-01-14T23:00:30Z")
    wait_for(lambda: acme.call("GET", "/health/ready").status == 200, "readiness")
    assert messages(acme, "pending")[0]["attempts"] == 1
    acme.set_clock("2026-01-14T23:01:01Z")
    assert hook.message(2) == first
    wait_for(lambda: messages(acme, "delivered"), "the delivery")


def test_two_replicas_deliver_once(admin, bucket, strict, service, shared, hook):
    env = {**shared, **hook.env()}
    one = service(env=env)
    two = service(env=env)
    one.call("POST", "/api/v1/apply", WORLD).expect(200)
    one.call("PUT", EXPORT, with_key(admin, one, bucket, strict)).expect(201)
    hook.answer = lambda: 503
    one.call("POST", RUNS).expect(202)
    one.run_ended()
    hook.message(1)
    wait_for(lambda: messages(one, "pending")[0]["error"], "the refusal")
    hook.answer = lambda: 204
    # Both think of it at the same moment, and of the times after.
    for at in ["05", "40", "50"]:
        for each in (one, two):
            each.set_clock(f"2026-01-14T23:00:{at}Z")
        assert hook.message(2)[0] == hook.message(1)[0]
    delivered = wait_for(lambda: messages(one, "delivered"), "the delivery")
    assert (delivered[0]["attempts"], len(hook.got)) == (2, 2)
    # What one of them recorded before it died, the other sends.
    hook.answer = lambda: 503
    one.call("POST", RUNS).expect(202)
    one.run_ended(2)
    third, _ = hook.message(3)
    wait_for(lambda: messages(one, "pending")[0]["error"], "the refusal")
    one.kill()
    hook.answer = lambda: 204
    two.key = one.key
    two.set_clock("2026-01-14T23:01:00Z")
    assert hook.message(4)[0] == third
