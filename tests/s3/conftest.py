"""Delivery to S3 against servers that check: MiniStack (signatures, policies, roles) behind a stricter proxy."""

import json
import os
import pathlib
import socket
import subprocess
import sys
import time
import uuid

import botocore.config
import botocore.session
import pytest

from strict import Strict

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parent.parent
REGION = "eu-central-1"
TENANT = "11111111-2222-4333-8444-555555555555"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """MiniStack with its checks on: (host, port)."""
    port = free_port()
    folder = tmp_path_factory.mktemp("server")
    log = open(folder / "log", "w")
    env = {**os.environ, "AUTH": "true", "GATEWAY_PORT": str(port), "LOG_LEVEL": "WARNING"}
    process = subprocess.Popen([sys.executable, "-m", "ministack"], env=env, stdout=log, stderr=log, cwd=folder)
    deadline = time.monotonic() + 60
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            break
        except OSError:
            assert process.poll() is None and time.monotonic() < deadline, "the server does not start"
            time.sleep(0.1)
    yield ("127.0.0.1", port)
    process.kill()
    process.wait()


@pytest.fixture(scope="session")
def admin(server):
    """A client for a service, with the server's root key."""
    session = botocore.session.Session()
    config = botocore.config.Config(s3={"addressing_style": "path"}, retries={"max_attempts": 3})

    def client(service, key=("test", "test"), token=None, endpoint=f"http://{server[0]}:{server[1]}"):
        return session.create_client(
            service,
            region_name=REGION,
            endpoint_url=endpoint,
            aws_access_key_id=key[0],
            aws_secret_access_key=key[1],
            aws_session_token=token,
            config=config,
        )

    return client


@pytest.fixture
def strict(server):
    proxy = Strict(server)
    yield proxy
    proxy.close()


@pytest.fixture
def bucket(admin, strict):
    name = "acme-" + uuid.uuid4().hex[:12]
    admin("s3").create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
    strict.regions[name] = REGION
    return name


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


class User:
    """A user of the server who has exactly the rights that the program says it needs."""

    def __init__(self, admin, bucket, path="", policy=None):
        iam = admin("iam")
        self.name = "u-" + uuid.uuid4().hex[:8]
        self.arn = iam.create_user(UserName=self.name)["User"]["Arn"]
        if policy is None:
            policy = setup_document("iam-policy", "--to", f"s3://{bucket}/{path}", "--region", REGION)
        if policy:
            iam.put_user_policy(UserName=self.name, PolicyName="p", PolicyDocument=json.dumps(policy))
        key = iam.create_access_key(UserName=self.name)["AccessKey"]
        self.key = (key["AccessKeyId"], key["SecretAccessKey"])

    @property
    def env(self):
        return {"AWS_ACCESS_KEY_ID": self.key[0], "AWS_SECRET_ACCESS_KEY": self.key[1]}


@pytest.fixture
def user(admin, bucket):
    return User(admin, bucket, "access")


@pytest.fixture
def role(admin, bucket):
    """A role with the generated trust and rights, and a user who is nothing but the one who may assume it."""
    deployment = User(admin, bucket, policy=False)
    where = ["--to", f"s3://{bucket}/access", "--region", REGION]
    trust = setup_document("trust-policy", *where, "--principal", deployment.arn, "--external-id", TENANT)
    iam = admin("iam")
    name = "r-" + uuid.uuid4().hex[:8]
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    rights = setup_document("iam-policy", *where)
    iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=json.dumps(rights))
    assume = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": arn}]}
    iam.put_user_policy(UserName=deployment.name, PolicyName="a", PolicyDocument=json.dumps(assume))
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
