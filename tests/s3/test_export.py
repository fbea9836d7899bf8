"""Exports to a bucket: under exactly the generated rights, whole, in order, the same twice."""

import io
import json

import pyarrow.parquet as pq
import pytest

from conftest import REGION, TENANT, User, make_catalog, objects, run, setup_document

TABLES = 14


@pytest.mark.parametrize("layout", ["latest", "swap", "history"])
def test_an_export_arrives_whole_under_the_generated_policy(admin, strict, bucket, user, export, layout):
    done = export(user.env, "--layout", layout)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["root"] == f"s3://{bucket}/access/v1" and report["retries"] == 0

    # The proxy has checked every body; the server, that no more was asked than the policy allows.
    assert strict.actions() == {"s3:ListBucket", "s3:PutObject"}
    assert all(entry.request.query["prefix"].startswith("access/v1/") for entry in strict.log if entry.action == "s3:ListBucket")

    found = objects(admin, bucket)
    manifest = json.loads(found["access/v1/_manifest.json"])
    assert manifest["layout"] == layout and manifest["tenant"]["id"] == TENANT
    named = {"access/" + file["key"] for file in manifest["files"]}
    others = {"access/v1/_manifest.json"}
    if layout == "history":
        others.add("access/v1/_manifests/2026-11-24T020000Z.json")
    if layout == "swap":
        # The files of no rows in the slot not in use: the next run overwrites them while this manifest holds.
        others |= {key for key in found if "/slot=b/" in key}
        assert not any("/slot=b/" in key for key in named)
    assert set(found) == named | others

    # Tables, then what sets engines up, then the snapshot row, the manifest last.
    order = [key.removeprefix("access/v1/") for key in strict.put_keys()]
    setup = [n for n, key in enumerate(order) if key.startswith("_setup/")]
    snapshot = order.index("snapshot/part-00000.parquet")
    # A first run in the swap layout gives the other slot its files of no rows before anything else.
    before = TABLES if layout == "swap" else 0
    assert all("/slot=b/" in key for key in order[:before])
    assert setup == list(range(before + TABLES, before + TABLES + 6))
    assert snapshot == before + TABLES + 6
    assert order[-1] == "_manifest.json"


def test_the_same_snapshot_twice_is_the_same_bytes(admin, bucket, user, export):
    assert export(user.env).returncode == 0
    first = objects(admin, bucket)
    assert export(user.env).returncode == 0
    assert objects(admin, bucket) == first


def test_parts_that_today_no_longer_has_are_emptied(admin, strict, bucket, user, export):
    assert export(user.env).returncode == 0
    s3 = admin("s3")
    key = "access/v1/user-metadata/part-00000.parquet"
    body = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    for number in (1, 2, 7):
        s3.put_object(Bucket=bucket, Key=f"access/v1/user-metadata/part-{number:05}.parquet", Body=body)
    assert export(user.env).returncode == 0
    found = objects(admin, bucket)
    for number in (1, 2, 7):
        stale = pq.read_table(io.BytesIO(found[f"access/v1/user-metadata/part-{number:05}.parquet"]))
        assert stale.num_rows == 0 and "username" in stale.column_names
    assert json.loads(found["access/v1/_manifest.json"])["files"]


def test_more_than_a_page_of_objects_is_listed(admin, bucket, user, export):
    s3 = admin("s3")
    keys = [f"access/v1/user-metadata/part-{number:05}.parquet" for number in range(1, 1003)]
    for key in keys:
        s3.put_object(Bucket=bucket, Key=key, Body=b"x")
    done = export(user.env)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["files"] == TABLES + 1002 + 6 + 2


def test_a_large_file_waits_for_the_servers_word(admin, strict, bucket, user, export, tmp_path):
    catalog = make_catalog(tmp_path / "large", 40000)
    done = export(user.env, catalog=catalog)
    assert done.returncode == 0, done.stdout + done.stderr
    puts = [entry.request for entry in strict.log if entry.action == "s3:PutObject"]
    waited = {request.headers.get("expect") for request in puts if len(request.body) >= 1 << 20}
    at_once = {request.headers.get("expect") for request in puts if len(request.body) < 1 << 20}
    assert waited == {"100-continue"} and at_once == {None}


def test_a_path_of_odd_characters_and_none_at_all(admin, strict, bucket, export):
    for path in ["", "Gültige Pfade/a+b (1)=x&y"]:
        user = User(admin, bucket, path)
        done = export(user.env, to=f"s3://{bucket}/{path}")
        assert done.returncode == 0, done.stderr
        again = export(user.env, to=f"s3://{bucket}/{path}")
        assert again.returncode == 0, again.stderr
        prefix = f"{path}/" if path else ""
        assert f"{prefix}v1/_manifest.json" in objects(admin, bucket)


def test_a_user_without_rights_puts_nothing_anywhere_else(admin, strict, bucket, user, export):
    done = export(user.env, to=f"s3://{bucket}/elsewhere")
    assert done.returncode == 1
    assert "s3:ListBucket" in json.loads(done.stdout)["error"]
    assert objects(admin, bucket) == {}


def test_encryption_and_owner_go_with_each_put(strict, bucket, admin, export):
    key = f"arn:aws:kms:{REGION}:000000000000:key/11111111-2222-3333-4444-555555555555"
    strict.kms_keys.add(key)
    policy = setup_document("iam-policy", "--to", f"s3://{bucket}/access", "--region", REGION, "--kms-key-id", key)
    user = User(admin, bucket, "access", policy)
    done = export(user.env, "--kms-key-id", key, "--bucket-owner", "000000000000")
    assert done.returncode == 0, done.stderr
    puts = [entry.request.headers for entry in strict.log if entry.action == "s3:PutObject"]
    assert {headers["x-amz-server-side-encryption"] for headers in puts} == {"aws:kms"}
    assert {headers["x-amz-server-side-encryption-aws-kms-key-id"] for headers in puts} == {key}
    assert all(entry.request.headers["x-amz-expected-bucket-owner"] == "000000000000" for entry in strict.log)


def test_what_cannot_be_is_refused_before_anything_is_asked(strict, bucket, user, export):
    cases = {
        ("--kms-key-id", "alias/aws/s3", "--bucket-owner", "111122223333"): "alias/aws/s3",
        ("--kms-key-id", "arn:aws:kms:us-east-1:111122223333:key/1"): REGION,
        ("--bucket-owner", "acme"): "12 digits",
        ("--endpoint", "http://user:pw@localhost"): "no endpoint",
    }
    for more, told in cases.items():
        done = run(["export", "--catalog", "nowhere", "--to", f"s3://{bucket}", "--region", REGION, *more], user.env)
        assert done.returncode == 1 and told in done.stderr, done.stderr
    assert strict.log == []


def test_secrets_have_no_place_in_arguments():
    help = run(["export", "--help"]).stdout.lower()
    assert "secret-access-key" not in help and "--access-key" not in help
