"""Delivery to S3 against servers that check: MiniStack (signatures, policies, roles) behind a stricter proxy."""

import json
import os
import pathlib
import subprocess
import sys

import pytest

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(HERE.parent / "support"))

from s3 import REGION, IamUser, admin, make_bucket, make_role, server, strict  # noqa: E402, F401

TENANT = "11111111-2222-4333-8444-555555555555"


@pytest.fixture
def bucket(admin, strict):  # noqa: F811
    return make_bucket(admin, strict)


def run(args, env=None, cwd=None, timeout=120):
    """Runs the program to its end."""
    command = [os.environ["DOMESDAY_BIN"], *map(str, args)]
    base = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "NO_COLOR": "1", "AWS_EC2_METADATA_DISABLED": "true"}
    return subprocess.run(
        command, env={**base, **(env or {})}, cwd=cwd, timeout=timeout, capture_output=True, text=True
    )


def setup_document(kind, *args):
    done = run(["setup", kind, *args])
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


class User(IamUser):
    """A user of the server who has exactly the rights that the program says it needs."""

    def __init__(self, admin, bucket, path="", policy=None):
        if policy is None:
            policy = setup_document("iam-policy", "--to", f"s3://{bucket}/{path}", "--region", REGION)
        super().__init__(admin, policy)


@pytest.fixture
def user(admin, bucket):
    return User(admin, bucket, "access")


@pytest.fixture
def role(admin, bucket):
    """A role with the generated trust and rights, and a user who is nothing but the one who may assume it."""
    deployment = User(admin, bucket, policy=False)
    where = ["--to", f"s3://{bucket}/access", "--region", REGION]
    trust = setup_document("trust-policy", *where, "--principal", deployment.arn, "--external-id", TENANT)
    arn = make_role(admin, trust, setup_document("iam-policy", *where))
    assume = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": arn}]}
    admin("iam").put_user_policy(UserName=deployment.name, PolicyName="a", PolicyDocument=json.dumps(assume))
    return arn, deployment


@pytest.fixture(scope="session")
def catalog(tmp_path_factory):
    """A small catalog with a tenant that has an id."""
    return make_catalog(tmp_path_factory.mktemp("catalog"), users=5)


def make_catalog(folder, users):
    folder.mkdir(parents=True, exist_ok=True)
    world = {
        "tenant": {"name": "Acme & Co", "timeZone": "Europe/Berlin", "id": TENANT},
        "groups": [{"name": "Analysts"}],
        "users": [{"username": f"user{n:03}", "groups": ["Analysts"]} for n in range(users)],
        "dataSources": [{"name": "Ledger", "platform": "snowflake"}, {"name": "Orders", "platform": "snowflake"}],
        "policies": [
            {
                "name": "Analysts read",
                "type": "grant",
                "level": "entitlements",
                "condition": "@isInGroups('Analysts')",
                "appliesTo": "all",
            }
        ],
    }
    (folder / "world.json").write_text(json.dumps(world))
    return folder


@pytest.fixture
def export(strict, bucket, catalog):
    """Exports the catalog into the bucket."""

    def export(env, *more, at="2026-11-24T02:00:00Z", to=f"s3://{bucket}/access", catalog=catalog, **options):
        args = ["export", "--catalog", catalog, "--to", to, "--region", REGION, "--endpoint", strict.url]
        return run([*args, "--at", at, "--format", "json", *more], env, **options)

    return export


def objects(admin, bucket):
    """Every object with its bytes, read by the server's root key past the proxy."""
    s3 = admin("s3")
    found = {}
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
        for item in page.get("Contents", []):
            found[item["Key"]] = s3.get_object(Bucket=bucket, Key=item["Key"])["Body"].read()
    return found
