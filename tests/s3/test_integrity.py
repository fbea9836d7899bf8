"""`destination check-integrity`: what is there is what was delivered, and the chain of days is unbroken."""

import hashlib
import json

from conftest import REGION, objects, run

ROOT = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}


def check(strict, bucket, *more):
    args = ["destination", "check-integrity", "--to", f"s3://{bucket}/access", "--region", REGION, "--endpoint", strict.url]
    done = run([*args, "--format", "json", *more], ROOT)
    return done.returncode, json.loads(done.stdout)


def deliver(strict, bucket, user, store, catalog, days, *options):
    assert run(["apply", catalog, "--store", store]).returncode == 0
    to = ["--to", f"s3://{bucket}/access", "--region", REGION, "--endpoint", strict.url]
    for day in days:
        done = run(["export", "--store", store, *to, "--at", day, "--settle", "0", *options], user.env)
        assert done.returncode == 0, done.stderr


DAYS = ["2026-11-24T02:00:00Z", "2026-11-25T02:00:00Z", "2026-11-26T02:00:00Z"]


def test_a_history_is_checked_to_its_beginning(admin, strict, bucket, user, catalog, tmp_path):
    deliver(strict, bucket, user, tmp_path / "s.db", catalog, DAYS, "--layout", "history")
    code, told = check(strict, bucket)
    assert code == 0 and told["ok"], told
    assert told["links"] == 2 and told["chainBegins"] == {"kind": "start", "at": DAYS[0]}
    assert told["files"] == 15 + 6 + 2 * 14

    s3 = admin("s3")
    key = "access/v1/user-metadata/export_date=2026-11-24/part-00000.parquet"
    body = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    s3.put_object(Bucket=bucket, Key=key, Body=body[:-9] + b"x" + body[-8:])
    code, told = check(strict, bucket)
    assert code == 1 and any(key.removeprefix("access/") in problem for problem in told["problems"])

    # A table that is missing is a finding; a lifecycle that has forgotten a whole day is none.
    s3.delete_object(Bucket=bucket, Key=key)
    code, told = check(strict, bucket)
    assert code == 1 and any("is missing" in problem for problem in told["problems"])
    for key in objects(admin, bucket):
        if "export_date=2026-11-24" in key:
            s3.delete_object(Bucket=bucket, Key=key)
    code, told = check(strict, bucket)
    assert code == 0 and told["forgotten"] == 14
    assert any("2026-11-24" in what for what in told["notChecked"])
    assert check(strict, bucket, "--kept-days", "30")[0] == 1
    kept = "access/v1/_manifests/2026-11-25T020000Z.json"
    text = s3.get_object(Bucket=bucket, Key=kept)["Body"].read()
    s3.put_object(Bucket=bucket, Key=kept, Body=text.replace(b"Acme", b"Bcme"))
    code, told = check(strict, bucket)
    assert code == 1 and any("the chain is broken" in problem for problem in told["problems"])
    assert told["links"] == 0 and told["chainBegins"]["kind"] == "notKept" and told["unlinked"]


def test_swap_and_latest_are_checked_with_what_somebody_kept(admin, strict, bucket, user, catalog, tmp_path):
    s3, store = admin("s3"), tmp_path / "s.db"
    for layout in ("latest", "swap"):
        deliver(strict, bucket, user, store, catalog, DAYS[:1], "--layout", layout)
        kept = tmp_path / f"{layout}.json"
        kept.write_bytes(s3.get_object(Bucket=bucket, Key="access/v1/_manifest.json")["Body"].read())
        deliver(strict, bucket, user, store, catalog, DAYS[1:2], "--layout", layout)
        code, told = check(strict, bucket)
        assert code == 0 and told["links"] == 0, told
        assert told["chainBegins"]["sha256"] == hashlib.sha256(kept.read_bytes()).hexdigest()
        code, told = check(strict, bucket, "--previous", kept)
        assert code == 0 and told["links"] == 1, told


def test_what_was_added_removed_or_changed_is_found(admin, strict, bucket, user, catalog, tmp_path):
    deliver(strict, bucket, user, tmp_path / "s.db", catalog, DAYS[:1])
    s3 = admin("s3")
    prefix = "access/v1/tag-metadata/part-"
    body = s3.get_object(Bucket=bucket, Key=prefix + "00000.parquet")["Body"].read()
    s3.put_object(Bucket=bucket, Key=prefix + "00001.parquet", Body=body)
    code, told = check(strict, bucket)
    assert code == 1 and ["is named by no manifest" in problem for problem in told["problems"]] == [True]
    s3.delete_object(Bucket=bucket, Key=prefix + "00001.parquet")
    s3.delete_object(Bucket=bucket, Key=prefix + "00000.parquet")
    code, told = check(strict, bucket)
    assert code == 1 and told["problems"] == ["v1/tag-metadata/part-00000.parquet is missing"]


def test_every_object_under_the_path_is_named_or_reported(admin, strict, bucket, user, catalog, tmp_path):
    deliver(strict, bucket, user, tmp_path / "s.db", catalog, DAYS[:1])
    s3 = admin("s3")
    strays = [
        "access/v1/user-metadata/below/part-00000.parquet",
        "access/v1/user-metadata/notes.txt",
        "access/v1/user-metadata/export_date=2019-01-01/part-00000.parquet",
        "access/v1/user-metadata/slot=a/part-00000.parquet",
        "access/v1/user-metadata//part-00000.parquet",
        "access/v1/x",
        "access/v1",
        "access/v10/user-metadata/part-00000.parquet",
        "access/x",
    ]
    for key in strays:
        s3.put_object(Bucket=bucket, Key=key, Body=b"x")
    s3.put_object(Bucket=bucket, Key="accessories/x", Body=b"not ours")
    code, told = check(strict, bucket)
    found = {problem.split(" is named by no manifest")[0] for problem in told["problems"]}
    assert code == 1 and found == {key.removeprefix("access/") for key in strays}, told


def test_the_expected_digest_tells_a_manifest_that_was_replaced(admin, strict, bucket, user, catalog, tmp_path):
    deliver(strict, bucket, user, tmp_path / "s.db", catalog, DAYS[:1])
    key, s3 = "access/v1/_manifest.json", admin("s3")
    delivered = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    digest = hashlib.sha256(delivered).hexdigest()
    code, told = check(strict, bucket, "--expect", digest.upper())
    assert code == 0 and told["expectedSha256"] == digest
    s3.put_object(Bucket=bucket, Key=key, Body=delivered.replace(b'"cli"', b'"nightly"', 1))
    assert check(strict, bucket)[0] == 0, "without the digest nobody can tell"
    code, told = check(strict, bucket, "--expect", digest)
    assert code == 1 and any(digest in problem for problem in told["problems"])
    # A key that leads elsewhere is reported and not asked for.
    s3.put_object(Bucket=bucket, Key="secret", Body=b"x")
    changed = delivered.replace(b'"v1/user-metadata/part-00000.parquet"', b'"../secret"', 1)
    s3.put_object(Bucket=bucket, Key=key, Body=changed)
    strict.reset()
    code, told = check(strict, bucket)
    assert code == 1 and any("../secret" in problem and "not read" in problem for problem in told["problems"])
    assert not [entry for entry in strict.log if "secret" in entry.request.path]


def test_who_delivers_cannot_check(strict, bucket, user, catalog, tmp_path):
    deliver(strict, bucket, user, tmp_path / "s.db", catalog, DAYS[:1])
    args = ["destination", "check-integrity", "--to", f"s3://{bucket}/access", "--region", REGION, "--endpoint", strict.url]
    done = run(args, user.env)
    assert done.returncode == 1 and "s3:GetObject" in done.stderr


def test_a_directory_is_checked_alike(catalog, tmp_path):
    out = tmp_path / "out"
    assert run(["export", "--catalog", catalog, "--to", out, "--at", DAYS[0]]).returncode == 0
    checked = run(["destination", "check-integrity", "--to", out])
    assert checked.stdout.endswith("No difference found.\n")
    assert run(["destination", "audit", "--to", out]).stdout == checked.stdout, "the older name"
    part = out / "v1/user-metadata/part-00000.parquet"
    part.write_bytes(part.read_bytes() + b"x")
    done = run(["destination", "check-integrity", "--to", out])
    assert done.returncode == 1 and "is not the file delivered" in done.stdout
    assert run(["destination", "check-integrity", "--to", tmp_path / "nothing"]).returncode == 1
