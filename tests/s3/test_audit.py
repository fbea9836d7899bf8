"""`destination audit`: what is there is what was delivered, and the chain of days holds."""

import hashlib
import json

from conftest import REGION, run

ROOT = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}


def audit(strict, bucket, *more):
    args = ["destination", "audit", "--to", f"s3://{bucket}/access", "--region", REGION, "--endpoint", strict.url]
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
    code, told = audit(strict, bucket)
    assert code == 0 and told["ok"], told
    assert told["links"] == 2 and told["chainBegins"] == {"kind": "start", "at": DAYS[0]}
    assert told["files"] == 13 + 6 + 2 * 12

    s3 = admin("s3")
    key = "access/v1/user-metadata/export_date=2026-11-24/part-00000.parquet"
    body = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    s3.put_object(Bucket=bucket, Key=key, Body=body[:-9] + b"x" + body[-8:])
    code, told = audit(strict, bucket)
    assert code == 1 and any(key.removeprefix("access/") in problem for problem in told["problems"])

    # A lifecycle that has forgotten a day is no forgery; a manifest that was changed is.
    s3.delete_object(Bucket=bucket, Key=key)
    code, told = audit(strict, bucket)
    assert code == 0 and told["forgotten"] == 1
    kept = "access/v1/_manifests/2026-11-25T020000Z.json"
    text = s3.get_object(Bucket=bucket, Key=kept)["Body"].read()
    s3.put_object(Bucket=bucket, Key=kept, Body=text.replace(b"Acme", b"Bcme"))
    _, told = audit(strict, bucket)
    assert told["links"] == 0 and told["chainBegins"]["kind"] == "notKept" and told["unlinked"]


def test_swap_and_latest_are_checked_with_what_somebody_kept(admin, strict, bucket, user, catalog, tmp_path):
    s3, store = admin("s3"), tmp_path / "s.db"
    for layout in ("latest", "swap"):
        deliver(strict, bucket, user, store, catalog, DAYS[:1], "--layout", layout)
        kept = tmp_path / f"{layout}.json"
        kept.write_bytes(s3.get_object(Bucket=bucket, Key="access/v1/_manifest.json")["Body"].read())
        deliver(strict, bucket, user, store, catalog, DAYS[1:2], "--layout", layout)
        code, told = audit(strict, bucket)
        assert code == 0 and told["links"] == 0, told
        assert told["chainBegins"]["sha256"] == hashlib.sha256(kept.read_bytes()).hexdigest()
        code, told = audit(strict, bucket, "--previous", kept)
        assert code == 0 and told["links"] == 1, told


def test_what_was_added_removed_or_changed_is_found(admin, strict, bucket, user, catalog, tmp_path):
    deliver(strict, bucket, user, tmp_path / "s.db", catalog, DAYS[:1])
    s3 = admin("s3")
    prefix = "access/v1/tag-metadata/part-"
    body = s3.get_object(Bucket=bucket, Key=prefix + "00000.parquet")["Body"].read()
    s3.put_object(Bucket=bucket, Key=prefix + "00001.parquet", Body=body)
    code, told = audit(strict, bucket)
    assert code == 1 and ["not in the manifest" in problem for problem in told["problems"]] == [True]
    s3.delete_object(Bucket=bucket, Key=prefix + "00001.parquet")
    s3.delete_object(Bucket=bucket, Key=prefix + "00000.parquet")
    code, told = audit(strict, bucket)
    assert code == 1 and told["problems"] == ["v1/tag-metadata/part-00000.parquet is not there"]


def test_who_delivers_cannot_audit(strict, bucket, user, catalog, tmp_path):
    deliver(strict, bucket, user, tmp_path / "s.db", catalog, DAYS[:1])
    args = ["destination", "audit", "--to", f"s3://{bucket}/access", "--region", REGION, "--endpoint", strict.url]
    done = run(args, user.env)
    assert done.returncode == 1 and "s3:GetObject" in done.stderr


def test_a_directory_is_audited_alike(catalog, tmp_path):
    out = tmp_path / "out"
    assert run(["export", "--catalog", catalog, "--to", out, "--at", DAYS[0]]).returncode == 0
    assert run(["destination", "audit", "--to", out]).stdout.endswith("Nothing is wrong.\n")
    part = out / "v1/user-metadata/part-00000.parquet"
    part.write_bytes(part.read_bytes() + b"x")
    done = run(["destination", "audit", "--to", out])
    assert done.returncode == 1 and "is not the file delivered" in done.stdout
    assert run(["destination", "audit", "--to", tmp_path / "nothing"]).returncode == 1
