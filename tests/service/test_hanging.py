"""A destination that does not answer: runs show what they wait for and can be cancelled, verifications end, and the
process stops when it is told to."""

import os
import signal
import subprocess
import threading
import time

import pytest

from conftest import WORLD, call, free_port, wait_for
from strict import RESET
from test_walks import EXPORT, RUNS, with_key


class Hanging:
    """Requests of one action, held back in front of the server until they are let go."""

    def __init__(self, strict, action):
        self.strict, self.action, self.came, self.goes_on = strict, action, 0, threading.Event()
        strict.fault = self.hang

    def hang(self, request, number):
        if request.action == self.action:
            self.came += 1
            self.goes_on.wait(120)

    def let_go(self):
        self.strict.fault = None
        self.goes_on.set()


@pytest.fixture
def hanging(strict):
    made = []

    def hang(action):
        made.append(Hanging(strict, action))
        return made[-1]

    yield hang
    for each in made:
        each.let_go()


def run_of(service):
    return service.runs()[0]


def test_a_run_in_a_call_that_hangs_shows_it_and_is_cancelled_on_any_replica(
    admin, bucket, strict, service, shared, hanging
):
    one = service(env=shared)
    two = service(env=shared)
    two.key = one.key
    one.call("POST", "/api/v1/apply", WORLD).expect(200)
    one.call("PUT", EXPORT, with_key(admin, one, bucket, strict)).expect(201)
    held = hanging("s3:ListBucket")
    begun = one.call("POST", RUNS).expect(202).json
    wait_for(lambda: (run_of(two)["progress"] or {}).get("waitingFor"), "a call that waits", seconds=20)
    progress = run_of(two)["progress"]
    assert progress["phase"] == "opening" and progress["since"]
    assert progress["waitingFor"]["call"] == "list summary/v1/" and progress["waitingFor"]["attempt"] == 1
    started = time.monotonic()
    asked = two.call("POST", f"{RUNS}/{begun['id']}/cancel").expect(202).json
    assert asked["cancelRequestedBy"] == "administrator"
    wait_for(lambda: run_of(two)["state"] == "cancelled", "the end of the run", seconds=20)
    assert time.monotonic() - started < 15 and held.came == 1
    ended = run_of(one)
    assert ended["error"] == {"kind": "cancelled", "message": "cancelled by `administrator`"}
    assert ended["finishedAt"] and ended["progress"] is None
    assert one.call("POST", f"{RUNS}/{begun['id']}/cancel").expect(409).json["state"] == "cancelled"
    actions = [entry["action"] for entry in one.call("GET", "/api/v1/audit?limit=100").expect(200).json["items"]]
    assert "cancel" in actions
    # The next one is free to begin.
    held.let_go()
    one.call("POST", RUNS).expect(202)
    assert one.run_ended()["state"] == "succeeded"


def test_between_attempts_the_next_one_is_shown_and_a_run_is_cancelled_at_once(admin, bucket, strict, service):
    acme = service()
    acme.call("POST", "/api/v1/apply", WORLD).expect(200)
    acme.call("PUT", EXPORT, with_key(admin, acme, bucket, strict)).expect(201)
    strict.fault = lambda request, number: RESET if request.action == "s3:ListBucket" else None
    begun = acme.call("POST", RUNS).expect(202).json

    def waits():
        waiting = (run_of(acme)["progress"] or {}).get("waitingFor") or {}
        return waiting if waiting.get("nextAttemptAt") and waiting["attempt"] >= 3 else None

    waiting = wait_for(waits, "a third attempt", seconds=30)
    assert waiting["attempts"] == 9 and waiting["error"]["kind"] == "unreachable" and waiting["error"]["message"]
    acme.call("POST", f"{RUNS}/{begun['id']}/cancel").expect(202)
    wait_for(lambda: run_of(acme)["state"] == "cancelled", "the end of the run", seconds=10)


def test_a_run_that_waits_to_be_tried_again_says_until_when_and_is_cancelled(admin, bucket, strict, service):
    acme = service(env={"DOMESDAY_DELIVERY_ATTEMPTS": "1"})
    acme.call("POST", "/api/v1/apply", WORLD).expect(200)
    acme.call("PUT", EXPORT, with_key(admin, acme, bucket, strict)).expect(201)
    strict.fault = lambda request, number: RESET if request.action == "s3:ListBucket" else None
    begun = acme.call("POST", RUNS).expect(202).json
    run = wait_for(lambda: run_of(acme)["nextAttemptAt"] and run_of(acme), "a failed attempt")
    assert run["state"] == "queued" and "2026-01-14T23:00:30" <= run["nextAttemptAt"] <= "2026-01-14T23:01:00Z"
    ended = acme.call("POST", f"{RUNS}/{begun['id']}/cancel").expect(200).json
    assert ended["state"] == "cancelled" and ended["nextAttemptAt"] is None
    strict.fault = None
    acme.call("POST", RUNS).expect(202)
    assert acme.run_ended()["state"] == "succeeded"


def test_verifications_that_hang_leave_the_service_working(admin, bucket, strict, service, hanging):
    acme = service()
    configuration = with_key(admin, acme, bucket, strict)
    hanging("sts:GetCallerIdentity")
    answers = []
    verify = lambda: answers.append(acme.call("POST", f"{EXPORT}/verify", configuration))  # noqa: E731
    threads = [threading.Thread(target=verify) for _ in range(60)]
    for thread in threads:
        thread.start()
    wait_for(lambda: sum(answer.status == 503 for answer in answers) >= 50, "refusals", seconds=40)
    started = time.monotonic()
    acme.call("GET", "/api/v1/users").expect(200)
    acme.call("GET", "/health/ready").expect(200)
    assert time.monotonic() - started < 5
    refused = next(answer for answer in answers if answer.status == 503)
    assert int(refused.headers["Retry-After"]) > 0 and refused.json["type"].endswith("busy")
    for thread in threads:
        thread.join(timeout=60)
    assert {answer.status for answer in answers} <= {200, 503}


@pytest.mark.parametrize("signals", [1, 2])
def test_the_process_ends_after_its_grace_whatever_hangs(admin, bucket, strict, service, hanging, tmp_path, signals):
    # A first start in the tests' own program makes the key; the second is the real one.
    acme = service(clock="2026-01-14T23:00:00Z")
    acme.call("POST", "/api/v1/apply", WORLD).expect(200)
    acme.call("PUT", EXPORT, with_key(admin, acme, bucket, strict)).expect(201)
    acme.stop()
    grace = 2 if signals == 1 else 60
    listen = f"127.0.0.1:{free_port()}"
    env = {**acme.env, "DOMESDAY_LISTEN": listen, "DOMESDAY_SHUTDOWN_GRACE_SECONDS": str(grace)}
    log = open(tmp_path / "serve.log", "w")
    process = subprocess.Popen([os.environ["DOMESDAY_BIN"], "serve"], env=env, stdout=log, stderr=log, cwd=acme.folder)
    try:
        held = hanging("s3:ListBucket")
        url = f"http://{listen}"

        def begun():
            try:
                return call(url, "POST", RUNS, acme.key).status in (202, 409)
            except OSError:
                return False

        wait_for(begun, "the start of a run")
        wait_for(lambda: held.came, "a call that hangs")
        started = time.monotonic()
        process.send_signal(signal.SIGTERM)
        if signals == 2:
            time.sleep(0.5)
            process.send_signal(signal.SIGTERM)
        code = process.wait(timeout=30)
        assert time.monotonic() - started < (grace + 8 if signals == 1 else 10)
        assert code == (0 if signals == 1 else 143)
    finally:
        process.kill()
