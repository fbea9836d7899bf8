"""The two walks of the set-up guide, as a customer does them, and what else a night can bring."""

import concurrent.futures
import json
import signal
import threading
import uuid

from conftest import WORLD, call
from s3 import REGION, IamUser, make_role, wait_for
from strict import Refusal

EXPORT = "/api/v1/access-summary/export"
RUNS = "/api/v1/access-summary/runs"


def setup(service, document, bucket, **query):
    query = {"bucket": bucket.name, "region": REGION, "path": "summary", **query}
    text = "&".join(f"{name}={value}" for name, value in query.items())
    return service.call("GET", f"/api/v1/access-summary/setup/{document}?{text}").expect(200).json


def with_key(admin, service, bucket, strict, **more):
    """A configuration whose access key has just the rights that the service's own document names."""
    key, secret = IamUser(admin, setup(service, "iam-policy", bucket)).key
    return {
        "bucket": bucket.name,
        "region": REGION,
        "accessKeyId": key,
        "secretAccessKey": secret,
        "path": "summary",
        "endpoint": strict.url,
        **more,
    }


class HeldPut:
    """The next put, held back in front of the server until it is let go; those that come after it are not."""

    def __init__(self, strict):
        self.strict, self.came, self.goes_on = strict, threading.Event(), threading.Event()
        strict.fault = self.hold

    def hold(self, request, number):
        if request.action == "s3:PutObject" and not self.came.is_set():
            self.came.set()
            self.goes_on.wait(60)

    def wait(self):
        assert self.came.wait(60), "no put came"

    def let_go(self):
        self.strict.fault = None
        self.goes_on.set()


def manifest(bucket):
    return json.loads(bucket.read("summary/v1/_manifest.json"))


def test_the_walk_with_an_access_key(admin, bucket, strict, service):
    acme = service("2026-01-14T23:00:00Z")  # midnight in Berlin
    acme.call("POST", "/api/v1/apply", WORLD).expect(200)

    # 1. A person makes a key for the job.
    made = acme.call("POST", "/api/v1/api-keys", {"name": "export", "permissions": ["GOVERNANCE"]}).expect(201)
    key = made.json["secret"]
    # 2. They read the tenant's id.
    tenant = call(acme.url, "GET", "/deployment/tenant", key).expect(200).json
    assert uuid.UUID(tenant["id"])
    # 3. They configure the export, the raw key in the header.
    configuration = with_key(admin, acme, bucket, strict)
    saved = call(acme.url, "PUT", EXPORT, key, configuration).expect(201)
    assert saved.json["schedule"] == "0 3 * * *"
    assert saved.json["nextRunAt"] == "2026-01-15T02:00:00Z"
    assert configuration["secretAccessKey"] not in saved.body.decode()
    assert bucket.keys() == ["summary/v1/_connection_test"]

    # 4. One second before 3 AM nothing has happened; at 3 AM the summary is made.
    acme.set_clock("2026-01-15T01:59:59Z")
    assert acme.runs() == []
    acme.set_clock("2026-01-15T02:00:00Z")
    run = acme.run_ended()
    assert (run["state"], run["trigger"], run["scheduledFor"]) == ("succeeded", "schedule", "2026-01-15T02:00:00Z")
    rows = {table["table"]: table["rows"] for table in run["report"]["tables"]}
    assert (rows["policy-outcomes"], rows["user-metadata"]) == (1, 2)
    delivered = manifest(bucket)
    assert delivered["tenant"]["id"] == tenant["id"]
    keys = bucket.keys()
    tables = {key.split("/")[2] for key in keys if key.endswith(".parquet")}
    assert len(tables) == 15 and "policy-outcomes" in tables and "snapshot" in tables
    # Nothing was asked for beyond the two rights.
    assert strict.actions() <= {"s3:ListBucket", "s3:PutObject", "sts:GetCallerIdentity"}

    # 5. The next night comes again, and links to this one.
    acme.set_clock("2026-01-16T02:00:00Z")
    acme.run_ended(2)
    assert manifest(bucket)["previous_manifest_sha256"] == run["report"]["manifestSha256"]


def test_the_walk_with_a_role(admin, bucket, strict, service):
    # The operator's service has an identity of its own, which may assume the customer's role.
    home = IamUser(
        admin,
        {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"}],
        },
    )
    acme = service(env=home.env)
    acme.call("POST", "/api/v1/apply", WORLD).expect(200)
    # The customer makes a role with the documents of the service: its trust names the tenant's id.
    trust = setup(acme, "trust-policy", bucket, principal=home.arn)
    role = make_role(admin, trust, setup(acme, "iam-policy", bucket))

    configuration = {
        "bucket": bucket.name, "region": REGION, "roleArn": role, "path": "summary", "endpoint": strict.url
    }
    saved = acme.call("PUT", EXPORT, configuration).expect(201).json
    assert (saved["schedule"], saved["nextRunAt"]) == ("0 5 * * *", "2026-01-15T04:00:00Z")
    acme.set_clock("2026-01-15T03:59:59Z")
    assert acme.runs() == []
    acme.set_clock("2026-01-15T04:00:00Z")
    run = acme.run_ended()
    assert run["state"] == "succeeded", run
    assert manifest(bucket)["actor"] == "scheduler"
    assert "sts:AssumeRole" in strict.actions()


def test_a_failing_verification_is_refused_with_its_checks(admin, bucket, strict, service):
    acme = service()
    key, secret = IamUser(admin, None).key  # a user without any right
    configuration = {
        "bucket": bucket.name, "region": REGION, "accessKeyId": key, "secretAccessKey": secret, "path": "summary",
        "endpoint": strict.url,
    }
    refused = acme.call("PUT", EXPORT, configuration).expect(422).json
    assert refused["type"] == "urn:domesday:problem:verification-failed"
    checks = {check["name"]: check for check in refused["checks"]}
    assert checks["list"]["status"] == checks["put"]["status"] == "failed"
    assert "s3:PutObject" in checks["put"]["message"]
    acme.call("GET", EXPORT).expect(404)
    # What was saved before stays when a later configuration fails.
    right = with_key(admin, acme, bucket, strict)
    first = acme.call("PUT", EXPORT, right).expect(201).json
    acme.call("PUT", EXPORT, configuration).expect(422)
    assert acme.call("GET", EXPORT).expect(200).json["accessKeyId"] == first["accessKeyId"]
    acme.call("PUT", EXPORT, right, headers={"If-Match": '"stale"'}).expect(412)
    assert acme.call("POST", EXPORT + "/verify").expect(200).json["ok"]


def test_only_governance_configures(service):
    acme = service()
    made = acme.call("POST", "/api/v1/api-keys", {"name": "a", "permissions": ["AUDIT", "USER_ADMIN"]}).expect(201)
    refused = acme.call("PUT", EXPORT, {}, key=made.json["secret"]).expect(403)
    assert refused.json["permissions"] == ["GOVERNANCE"] and "GOVERNANCE" in refused.json["detail"]
    unknown = call(acme.url, "PUT", EXPORT, None, {}).expect(401)
    assert "API key" in unknown.json["detail"]


def test_nights_missed_are_made_up_once(admin, bucket, strict, service):
    acme = service()
    acme.call("POST", "/api/v1/apply", WORLD).expect(200)
    acme.call("PUT", EXPORT, with_key(admin, acme, bucket, strict)).expect(201)
    acme.stop()
    acme.start("2026-01-18T10:00:00Z")  # three nights later
    run = acme.run_ended()
    assert (run["trigger"], run["scheduledFor"]) == ("catch-up", "2026-01-18T02:00:00Z")
    acme.stop()
    acme.start("2026-01-18T11:00:00Z")
    wait_for(lambda: acme.call("GET", "/health/ready").status == 200, "readiness")
    assert len(acme.runs()) == 1


def test_a_run_by_hand_and_its_failure(admin, bucket, strict, service):
    acme = service()
    acme.call("POST", "/api/v1/apply", WORLD).expect(200)
    acme.call("PUT", EXPORT, with_key(admin, acme, bucket, strict)).expect(201)
    begun = acme.call("POST", RUNS, headers={"Idempotency-Key": "a"}).expect(202)
    run = acme.run_ended()
    assert run["id"] == begun.json["id"] and run["trigger"] == "manual" and run["actor"] == "administrator"
    again = acme.call("POST", RUNS, headers={"Idempotency-Key": "a"}).expect(202)
    assert again.json["id"] == run["id"]
    before = manifest(bucket)
    # The bucket goes away: the run fails for a reason that trying again does not heal, and says so.
    for key in bucket.keys():
        bucket.s3.delete_object(Bucket=bucket.name, Key=key)
    bucket.s3.delete_bucket(Bucket=bucket.name)
    acme.call("POST", RUNS).expect(202)
    failed = acme.run_ended(2)
    assert failed["state"] == "failed" and failed["error"]["kind"] == "no-such-bucket" and failed["error"]["fix"]
    assert before["snapshot"]["id"]
    metrics = acme.call("GET", "/metrics").body.decode()
    assert 'domesday_run_failures_total{kind="no-such-bucket"} 1' in metrics
    assert 'domesday_run_rows{table="user-metadata"} 2' in metrics


def test_what_heals_is_tried_again(admin, bucket, strict, service):
    acme = service(env={"DOMESDAY_DELIVERY_ATTEMPTS": "1"})
    acme.call("POST", "/api/v1/apply", WORLD).expect(200)
    acme.call("PUT", EXPORT, with_key(admin, acme, bucket, strict)).expect(201)
    def fault(request, number):
        if request.action == "s3:PutObject":
            raise Refusal(503, "SlowDown", "Please reduce your request rate.")

    strict.fault = fault
    acme.call("POST", RUNS).expect(202)
    wait_for(lambda: acme.runs()[0]["error"] and acme.runs()[0]["state"] == "queued", "a failed attempt")
    run = acme.runs()[0]
    assert (run["state"], run["attempts"], run["error"]["kind"]) == ("queued", 1, "throttled")
    strict.fault = None
    acme.set_clock("2026-01-14T23:10:00Z")
    run = acme.run_ended()
    assert (run["state"], run["attempts"]) == ("succeeded", 2)


def test_two_replicas_one_run_and_the_other_takes_over(admin, bucket, strict, service, shared):
    one = service(env=shared)
    two = service(env=shared)
    assert two.key is None  # the first start was one's
    one.call("POST", "/api/v1/apply", WORLD).expect(200)
    one.call("PUT", EXPORT, with_key(admin, one, bucket, strict)).expect(201)
    # Two processes, one night: one run.
    for each in (one, two):
        each.set_clock("2026-01-15T02:00:00Z")
    one.run_ended()
    assert len(one.runs()) == 1
    # The next night its holder dies between two files.
    held = HeldPut(strict)
    one.set_clock("2026-01-16T02:00:00Z")
    held.wait()
    one.kill()
    held.let_go()
    # The lease has not ended yet: the other leaves the run alone, and after it takes it over.
    two.key = one.key
    two.set_clock("2026-01-16T02:00:30Z")
    wait_for(lambda: two.call("GET", "/health/ready").status == 200, "readiness")
    assert two.runs()[0]["state"] == "running"
    two.set_clock("2026-01-16T02:02:00Z")
    run = two.run_ended(2)
    assert (run["state"], run["attempts"], run["scheduledFor"]) == ("succeeded", 2, "2026-01-16T02:00:00Z")
    assert len(two.runs()) == 2
    assert manifest(bucket)["snapshot"]["id"] == run["report"]["snapshotId"]


def test_a_replica_that_was_paused_does_not_write_over_its_successor(admin, bucket, strict, service, shared):
    one = service(env=shared)
    two = service(env=shared)
    two.key = one.key
    one.call("POST", "/api/v1/apply", WORLD).expect(200)
    one.call("PUT", EXPORT, with_key(admin, one, bucket, strict)).expect(201)
    held = HeldPut(strict)
    one.set_clock("2026-01-15T02:00:00Z")
    held.wait()
    one.process.send_signal(signal.SIGSTOP)
    try:
        two.set_clock("2026-01-15T02:02:00Z")
        run = two.run_ended()
        assert (run["state"], run["attempts"]) == ("succeeded", 2)
        delivered = manifest(bucket)
        one.set_clock("2026-01-15T02:02:30Z")
    finally:
        one.process.send_signal(signal.SIGCONT)
    held.let_go()
    wait_for(lambda: "another replica took the run over" in one.logged(), "the end of the first attempt")
    assert two.runs() == [run]
    assert manifest(bucket) == delivered
    # The chain goes on from what is there, whoever does the next night.
    for each in (one, two):
        each.set_clock("2026-01-16T02:00:00Z")
    two.run_ended(2)
    assert manifest(bucket)["previous_manifest_sha256"] == run["report"]["manifestSha256"]


def test_of_twins_of_a_call_one_creates(service, shared):
    replicas = [service(env=shared), service(env=shared)]
    for each in replicas:
        each.key = replicas[0].key
    twins = 24
    start = threading.Barrier(twins)

    def create(number):
        start.wait()
        body, headers = {"name": "one"}, {"Idempotency-Key": "k"}
        return replicas[number % 2].call("POST", "/api/v1/api-keys", body, headers=headers)

    with concurrent.futures.ThreadPoolExecutor(twins) as pool:
        answers = list(pool.map(create, range(twins)))
    assert {answer.status for answer in answers} == {201}
    assert len({answer.json["id"] for answer in answers}) == 1
    # The secret is shown once, whoever of the twins came first.
    assert sum(answer.json["secret"] is not None for answer in answers) == 1
    keys = replicas[0].call("GET", "/api/v1/api-keys").expect(200).json["items"]
    assert [key["name"] for key in keys].count("one") == 1


def test_secrets_are_nowhere(admin, bucket, strict, service):
    acme = service(env={"DOMESDAY_LOG": "debug"})
    acme.call("POST", "/api/v1/apply", WORLD).expect(200)
    configuration = with_key(admin, acme, bucket, strict)
    acme.call("PUT", EXPORT, configuration).expect(201)
    refused = {**configuration, "secretAccessKey": "planted-wrong-secret"}
    acme.call("PUT", EXPORT, refused).expect(422)
    acme.call("POST", RUNS).expect(202)
    acme.run_ended()
    planted = [configuration["secretAccessKey"], "planted-wrong-secret", acme.key]
    told = acme.logged()
    for path in [EXPORT, RUNS, "/api/v1/audit", "/api/v1/api-keys", "/metrics", "/openapi.json"]:
        told += acme.call("GET", path).expect(200).body.decode()
    for key in bucket.keys():
        told += bucket.read(key).decode("latin-1")
    acme.stop()
    for file in acme.folder.iterdir():
        if file.suffix != ".key":
            told += file.read_bytes().decode("latin-1")
    assert "governance.db" in {file.name for file in acme.folder.iterdir()}
    for secret in planted:
        assert secret not in told
    # The search itself finds what is there.
    assert configuration["accessKeyId"] in told


def test_a_stop_in_the_middle_leaves_a_run_that_is_done_over(admin, bucket, strict, service):
    acme = service(env={"DOMESDAY_SHUTDOWN_GRACE_SECONDS": "1"})
    acme.call("POST", "/api/v1/apply", WORLD).expect(200)
    acme.call("PUT", EXPORT, with_key(admin, acme, bucket, strict)).expect(201)
    held = HeldPut(strict)
    acme.call("POST", RUNS).expect(202)
    held.wait()
    acme.process.stdin.close()
    threading.Timer(3, held.let_go).start()
    acme.process.wait(timeout=60)
    assert "summary/v1/_manifest.json" not in bucket.keys()
    acme.start("2026-01-14T23:05:00Z")
    run = acme.run_ended()
    assert (run["state"], run["attempts"]) == ("succeeded", 2)
