"""Changes of an export's configuration, of who assumes which role, and of the database under a run."""

import concurrent.futures
import json
import subprocess
import threading

import pytest

from conftest import WORLD, wait_for
from s3 import REGION, IamUser, make_role
from test_walks import EXPORT, RUNS, HeldPut, manifest, setup, with_key

MERGE_PATCH = {"Content-Type": "application/merge-patch+json"}
SETUP = "/api/v1/access-summary/setup"


def patch(service, change, status=200, **headers):
    return service.call("PATCH", EXPORT, change, headers={**MERGE_PATCH, **headers}).expect(status)


@pytest.fixture
def configured(admin, bucket, strict, service):
    acme = service()
    acme.call("POST", "/api/v1/apply", WORLD).expect(200)
    acme.call("PUT", EXPORT, with_key(admin, acme, bucket, strict)).expect(201)
    return acme


def test_a_schedule_changes_without_the_secret(configured, bucket, strict):
    acme = configured
    before = acme.call("GET", EXPORT).expect(200).json
    strict.reset()
    patched = patch(acme, {"schedule": "0 4 * * *"}).json
    assert (patched["schedule"], patched["nextRunAt"]) == ("0 4 * * *", "2026-01-15T03:00:00Z")
    assert patched["secretFingerprint"] == before["secretFingerprint"]
    whole = {name: before[name] for name in ("bucket", "region", "accessKeyId", "path", "endpoint")}
    acme.call("PUT", EXPORT, {**whole, "schedule": "0 5 * * *"}).expect(200)
    assert strict.log == []  # nobody was asked
    # The secret that was kept delivers.
    acme.set_clock("2026-01-15T04:00:00Z")
    run = acme.run_ended()
    assert (run["state"], run["scheduledFor"]) == ("succeeded", "2026-01-15T04:00:00Z"), acme.logged()


def test_another_place_is_tried_with_the_secret_that_is_kept(configured, admin, bucket, strict):
    acme = configured
    # The key has no right there: the answer is the bucket's, to a request that the kept secret signed.
    refused = patch(acme, {"path": "elsewhere"}, 422).json
    checks = {check["name"]: check["status"] for check in refused["checks"]}
    assert (checks["credentials"], checks["put"]) == ("passed", "failed"), refused
    assert acme.call("GET", EXPORT).expect(200).json["path"] == "summary"
    # Another key with its secret takes the place of the first.
    other = with_key(admin, acme, bucket, strict)
    key = {name: other[name] for name in ("accessKeyId", "secretAccessKey")}
    assert patch(acme, key).json["accessKeyId"] == key["accessKeyId"]
    acme.call("POST", RUNS).expect(202)
    assert acme.run_ended()["state"] == "succeeded", acme.logged()


def test_the_documents_of_a_role_name_the_services_own_identity(admin, bucket, strict, service):
    home = IamUser(admin, None)
    acme = service(env={**home.env, "AWS_ENDPOINT_URL_STS": strict.url})
    acme.call("POST", "/api/v1/apply", WORLD).expect(200)
    identity = acme.call("GET", f"{SETUP}/identity?region={REGION}").expect(200).json
    assert identity["principal"] == home.arn
    # The customer's role trusts it, and the operator lets it assume the role.
    trust = setup(acme, "trust-policy", bucket)
    assert trust["Statement"][0]["Principal"] == {"AWS": home.arn}
    role = make_role(admin, trust, setup(acme, "iam-policy", bucket))
    assume = acme.call("GET", f"{SETUP}/assume-policy?roleArn={role}").expect(200).json
    assert assume["Statement"][0]["Resource"] == role
    admin("iam").put_user_policy(UserName=home.name, PolicyName="assume", PolicyDocument=json.dumps(assume))
    configuration = {
        "bucket": bucket.name, "region": REGION, "roleArn": role, "path": "summary", "endpoint": strict.url
    }
    acme.call("PUT", EXPORT, configuration).expect(201)
    assert acme.call("GET", f"{SETUP}/assume-policy").expect(200).json == assume
    # The export goes over to an access key and back by patches.
    other = with_key(admin, acme, bucket, strict)
    key = {name: other[name] for name in ("accessKeyId", "secretAccessKey")}
    assert "roleArn" not in patch(acme, {**key, "roleArn": None}).json
    again = patch(acme, {"roleArn": role, "accessKeyId": None}).json
    assert (again["roleArn"], again["schedule"]) == (role, "0 5 * * *")
    assert "secretFingerprint" not in again
    acme.call("POST", RUNS).expect(202)
    assert acme.run_ended()["state"] == "succeeded", acme.logged()


def test_a_deleted_export_delivers_nothing_more(admin, bucket, strict, service, shared):
    one, two = service(env=shared), service(env=shared)
    two.key = one.key
    one.call("POST", "/api/v1/apply", WORLD).expect(200)
    one.call("PUT", EXPORT, with_key(admin, one, bucket, strict)).expect(201)
    held = HeldPut(strict)
    one.call("POST", RUNS).expect(202)
    held.wait()
    # Another replica than the one that runs is asked.
    two.call("DELETE", EXPORT).expect(204)
    cancelled = lambda: two.runs()[0]["state"] == "cancelled"  # noqa: E731
    threading.Timer(4, held.let_go).start()
    wait_for(cancelled, f"the end of the run\n{one.logged()}")
    held.let_go()
    assert "summary/v1/_manifest.json" not in bucket.keys()
    two.call("GET", EXPORT).expect(404)
    two.call("POST", RUNS).expect(409)
    # It can be configured anew, and runs.
    two.call("PUT", EXPORT, with_key(admin, two, bucket, strict)).expect(201)
    two.call("POST", RUNS).expect(202)
    assert two.run_ended()["state"] == "succeeded", two.logged()


def test_of_runs_started_at_once_on_replicas_one_is_accepted(admin, bucket, strict, service, shared):
    replicas = [service(env=shared), service(env=shared)]
    for each in replicas:
        each.key = replicas[0].key
    replicas[0].call("POST", "/api/v1/apply", WORLD).expect(200)
    replicas[0].call("PUT", EXPORT, with_key(admin, replicas[0], bucket, strict)).expect(201)
    held = HeldPut(strict)
    start = threading.Barrier(16)

    def begin(number):
        start.wait()
        return replicas[number % 2].call("POST", RUNS)

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(begin, range(16)))
    held.let_go()
    accepted = [answer.json["id"] for answer in answers if answer.status == 202]
    assert len(accepted) == 1, [answer.status for answer in answers]
    refused = [answer for answer in answers if answer.status != 202]
    assert {answer.status for answer in refused} == {409}
    assert {answer.json["run"] for answer in refused} == set(accepted)
    assert replicas[0].run_ended()["state"] == "succeeded"
    assert len(replicas[0].runs()) == 1


def test_a_run_waits_for_a_database_that_takes_no_changes(admin, bucket, strict, service, postgres):
    url = postgres()
    acme = service(env={"DOMESDAY_SECRET_KEY": "0a" * 32, "DATABASE_URL": url})
    acme.call("POST", "/api/v1/apply", WORLD).expect(200)
    acme.call("PUT", EXPORT, with_key(admin, acme, bucket, strict)).expect(201)

    def read_only(value):
        sql = ["-c", f"ALTER SYSTEM SET default_transaction_read_only = {value}", "-c", "SELECT pg_reload_conf()"]
        env = {"PGOPTIONS": "-c default_transaction_read_only=off"}
        plain = url.replace("postgres://postgres@", "postgresql://postgres@")
        subprocess.run([postgres.program("psql"), "-q", *sql, plain], check=True, capture_output=True, env=env)

    held = HeldPut(strict)
    acme.call("POST", RUNS).expect(202)
    held.wait()
    read_only("on")
    try:
        refused = postgres.log.read_text().count("in a read-only transaction")
        held.let_go()
        wait_for(lambda: "summary/v1/_manifest.json" in bucket.keys(), "the manifest")
        more = lambda: postgres.log.read_text().count("in a read-only transaction") > refused + 2  # noqa: E731
        wait_for(more, "changes that are refused")
    finally:
        read_only("off")
    run = acme.run_ended()
    # It was delivered once, and no attempt failed.
    assert (run["state"], run["attempts"], run["error"]) == ("succeeded", 1, None), acme.logged()
