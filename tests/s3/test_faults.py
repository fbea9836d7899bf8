"""Whatever goes wrong on the way: what heals is healed, what does not says what to fix, and nobody reads half a file.

The faults are the proxy's; the product has no switch for them.
"""

import hashlib
import json
import os
import subprocess
import time

import pytest

from conftest import REGION, TENANT, make_catalog, objects, run
from strict import RESET, Refusal


def once_each(refusal):
    """A fault that meets each put once."""
    met = set()

    def fault(request, number):
        if request.action == "s3:PutObject" and request.key not in met:
            met.add(request.key)
            if refusal == RESET:
                return RESET
            raise refusal

    return fault


@pytest.mark.parametrize(
    "fault",
    [
        Refusal(503, "SlowDown", "Please reduce your request rate."),
        Refusal(500, "InternalError", "We encountered an internal error. Please try again."),
        Refusal(400, "RequestTimeout", "Your socket connection was not read from in time"),
        RESET,
    ],
    ids=["503", "500", "timeout", "reset"],
)
def test_what_heals_is_tried_again(admin, strict, bucket, user, export, fault):
    strict.fault = once_each(fault)
    done = export(user.env)
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads(done.stdout)
    assert report["retries"] == report["files"] == 22
    check_manifest(objects(admin, bucket))


def test_what_is_falsified_on_the_way_is_refused_and_sent_again(admin, strict, bucket, user, export):
    """The proxy changes a byte of each body once, before it compares it with its digests."""
    met = set()

    def fault(request, number):
        if request.action == "s3:PutObject" and request.key not in met:
            met.add(request.key)
            request.body = bytes([request.body[0] ^ 1]) + request.body[1:]

    strict.fault = fault
    done = export(user.env)
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout)["retries"] == 22
    assert {entry.code for entry in strict.log if entry.status == 400} == {"XAmzContentSHA256Mismatch"}
    check_manifest(objects(admin, bucket))


@pytest.mark.parametrize(
    "refusal, kind, told",
    [
        (Refusal(403, "AccessDenied", "Access Denied"), "missing-permission", "s3:PutObject"),
        (Refusal(404, "NoSuchBucket", "The specified bucket does not exist"), "no-such-bucket", "there is no bucket"),
        (Refusal(301, "PermanentRedirect", "!", headers={"x-amz-bucket-region": "eu-west-3"}), "wrong-region", "eu-west-3"),
        (Refusal(403, "InvalidAccessKeyId", "no such key"), "bad-credentials", "is not accepted"),
        (Refusal(403, "RequestTimeTooSkewed", "too large"), "clock-skew", "clock"),
    ],
    ids=["denied", "no-bucket", "region", "key", "skew"],
)
def test_what_does_not_heal_says_so_at_once(admin, strict, bucket, user, export, refusal, kind, told):
    """A right that is revoked in the middle of a run, for one: nothing after it is put, the manifest stays."""
    assert export(user.env).returncode == 0
    before = objects(admin, bucket)["access/v1/_manifest.json"]
    strict.reset()

    def fault(request, number):
        if request.action == "s3:PutObject" and number > 5:
            raise refusal

    strict.fault = fault
    started = time.monotonic()
    done = export(user.env, at="2026-11-25T02:00:00Z")
    told_so = json.loads(done.stdout)
    assert done.returncode == 1 and told in told_so["error"] and told_so["kind"] == kind, done.stdout
    assert time.monotonic() - started < 10
    # Those that were under way beside it come to their end, and nothing is begun after it.
    assert strict.puts <= 5 + 4
    assert objects(admin, bucket)["access/v1/_manifest.json"] == before


def test_an_expired_session_is_renewed(strict, role, export):
    arn, deployment = role
    expired = []

    def fault(request, number):
        if request.action == "s3:PutObject" and number == 3 and not expired:
            expired.append(request.key)
            raise Refusal(400, "ExpiredToken", "The provided token has expired.")

    strict.fault = fault
    done = export(deployment.env, "--role-arn", arn)
    assert done.returncode == 0, done.stdout + done.stderr
    assert sum(entry.action == "sts:AssumeRole" for entry in strict.log) == 2


def test_a_slow_server_is_waited_for(admin, strict, bucket, user, export):
    def fault(request, number):
        if request.action == "s3:PutObject" and number in (2, 14):
            time.sleep(2)

    strict.fault = fault
    done = export(user.env)
    assert done.returncode == 0 and json.loads(done.stdout)["retries"] == 0


def test_no_server_at_all_is_told(bucket, user, catalog):
    args = ["destination", "verify", "--to", f"s3://{bucket}", "--region", REGION, "--endpoint", "http://127.0.0.1:9"]
    done = run([*args, "--format", "json"], user.env)
    kinds = {check.get("kind") for check in json.loads(done.stdout)["checks"]}
    assert done.returncode == 1 and "unreachable" in kinds


def check_manifest(found, prefix="access/"):
    manifest = json.loads(found[prefix + "v1/_manifest.json"])
    for file in manifest["files"]:
        body = found[prefix + file["key"]]
        assert (len(body), hashlib.sha256(body).hexdigest()) == (file["bytes"], file["sha256"]), file["key"]
    return manifest


def is_whole(body, key):
    return not key.endswith(".parquet") or (body[:4] == b"PAR1" and body[-4:] == b"PAR1")


@pytest.mark.parametrize("layout", ["latest", "swap"])
def test_killed_after_every_number_of_objects(admin, strict, bucket, user, tmp_path, layout):
    """The process dies at its k-th put, for every k: files are whole, the manifest is the one before until the new
    one is there, the next run repairs everything and goes on with the chain."""
    small, large = make_catalog(tmp_path / "small", 3), make_catalog(tmp_path / "large", 40)
    store = tmp_path / "store.db"
    base = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "AWS_EC2_METADATA_DISABLED": "true", **user.env}

    def command(day):
        to = ["--to", f"s3://{bucket}/access", "--region", REGION, "--endpoint", strict.url, "--layout", layout]
        settle = ["--settle", "0"] if layout == "swap" else []
        at = f"2026-{1 + day // 28:02}-{1 + day % 28:02}T02:00:00Z"
        return [os.environ["DOMESDAY_BIN"], "export", "--store", store, *to, *settle, "--at", at, "--format", "json"]

    def apply(catalog):
        assert run(["apply", catalog, "--store", store, "--prune"]).returncode == 0

    apply(small)
    day = 0
    assert subprocess.run(command(day), env=base, capture_output=True).returncode == 0
    total = 22
    assert strict.puts == total + (14 if layout == "swap" else 0)
    digest = hashlib.sha256(objects(admin, bucket)["access/v1/_manifest.json"]).hexdigest()
    for k in range(1, total + 1):
        apply(large if k % 2 else small)
        day += 1
        strict.reset()
        process = None

        def fault(request, number):
            if request.action == "s3:PutObject" and number == k:
                while process is None:
                    time.sleep(0.001)
                process.kill()
                process.wait()
                return RESET

        strict.fault = fault
        process = subprocess.Popen(command(day), env=base, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        process.wait(timeout=60)
        assert process.returncode != 0
        found = objects(admin, bucket)
        assert all(is_whole(body, key) for key, body in found.items())
        assert hashlib.sha256(found["access/v1/_manifest.json"]).hexdigest() == digest, k
        if layout == "swap":
            # Nothing of the slot that is in use was touched.
            now = json.loads(found["access/v1/_manifest.json"])
            for file in now["files"]:
                if f"/slot={now['slot']}/" in file["key"]:
                    assert hashlib.sha256(found["access/" + file["key"]]).hexdigest() == file["sha256"], k

        strict.reset()
        if layout == "swap" and k % 4 and k < total:
            continue  # several in a row that are cut off, as it happens too
        day += 1
        done = subprocess.run(command(day), env=base, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        manifest = check_manifest(objects(admin, bucket))
        assert manifest["previous_manifest_sha256"] == digest, k
        digest = json.loads(done.stdout)["manifestSha256"]
    assert manifest["tenant"]["id"] == TENANT


def test_a_manifest_that_arrived_unnoticed_is_still_a_link(admin, strict, bucket, user, tmp_path, catalog):
    """The process dies after the server took the manifest and before it could remember that."""
    store = tmp_path / "store.db"
    assert run(["apply", catalog, "--store", store]).returncode == 0
    to = ["--to", f"s3://{bucket}/access", "--region", REGION, "--endpoint", strict.url]
    command = ["export", "--store", store, *to, "--format", "json", "--at"]
    first = json.loads(run([*command, "2026-11-24T02:00:00Z"], user.env).stdout)
    lost = {}

    def fault(request, number):
        if request.action == "s3:PutObject" and request.key.endswith("_manifest.json"):
            lost["digest"] = hashlib.sha256(request.body).hexdigest()
            admin("s3").put_object(Bucket=bucket, Key=request.key, Body=request.body)
            raise Refusal(403, "AccessDenied", "Access Denied")

    strict.fault = fault
    assert run([*command, "2026-11-25T02:00:00Z"], user.env).returncode == 1
    strict.reset()
    third = json.loads(run([*command, "2026-11-26T02:00:00Z"], user.env).stdout)
    assert third["previousManifestSha256"] == lost["digest"] != first["manifestSha256"]


def test_a_full_disk_leaves_a_directory_as_it_was(tmp_path):
    """A file system of its own that is nearly full; where none can be mounted, a limit on the size of files."""
    small, large = make_catalog(tmp_path / "small", 3), make_catalog(tmp_path / "large", 20000)
    out = tmp_path / "out"
    assert run(["export", "--catalog", small, "--to", out, "--at", "2026-11-24T02:00:00Z"]).returncode == 0
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    limited = ["bash", "-c", 'trap "" XFSZ; ulimit -f 200; exec "$@"', "bash", os.environ["DOMESDAY_BIN"]]
    args = ["export", "--catalog", large, "--to", out, "--at", "2026-11-25T02:00:00Z"]
    done = subprocess.run([*limited, *map(str, args)], capture_output=True, text=True)
    assert done.returncode == 1 and "no room left" in done.stderr, done.stderr
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before
