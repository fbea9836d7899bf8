"""What both suites that deliver to S3 share: the server that checks, who may do what there, and the stricter proxy.

A suite's `conftest.py` puts this folder on the path and names the fixtures that it uses.
"""

import json
import os
import socket
import subprocess
import sys
import uuid

import botocore.config
import botocore.session
import pytest
from strict import Strict
from waiting import free_port, wait_for

REGION = "eu-central-1"


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """MiniStack with its checks on: (host, port)."""
    port = free_port()
    folder = tmp_path_factory.mktemp("server")
    log = open(folder / "log", "w")
    env = {**os.environ, "AUTH": "true", "GATEWAY_PORT": str(port), "LOG_LEVEL": "WARNING"}
    process = subprocess.Popen([sys.executable, "-m", "ministack"], env=env, stdout=log, stderr=log, cwd=folder)

    def answers():
        assert process.poll() is None, "the server does not start"
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return True
        except OSError:
            return False

    wait_for(answers, "the start of the S3 server")
    yield ("127.0.0.1", port)
    process.kill()
    process.wait()


@pytest.fixture(scope="session")
def admin(server):
    """A client for a service of the server, with its root key unless another is given."""
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
    """The proxy in front of the server."""
    proxy = Strict(server)
    yield proxy
    proxy.close()


def make_bucket(admin, strict):
    """The name of a new bucket."""
    name = "acme-" + uuid.uuid4().hex[:12]
    admin("s3").create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
    strict.regions[name] = REGION
    return name


class IamUser:
    """A user of the server who has the rights of a policy, or none."""

    def __init__(self, admin, policy):
        iam = admin("iam")
        self.name = "u-" + uuid.uuid4().hex[:8]
        self.arn = iam.create_user(UserName=self.name)["User"]["Arn"]
        if policy:
            iam.put_user_policy(UserName=self.name, PolicyName="p", PolicyDocument=json.dumps(policy))
        key = iam.create_access_key(UserName=self.name)["AccessKey"]
        self.key = (key["AccessKeyId"], key["SecretAccessKey"])

    @property
    def env(self):
        return {"AWS_ACCESS_KEY_ID": self.key[0], "AWS_SECRET_ACCESS_KEY": self.key[1]}


def make_role(admin, trust, rights):
    """The ARN of a new role with these documents."""
    iam = admin("iam")
    name = "r-" + uuid.uuid4().hex[:8]
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=json.dumps(rights))
    return arn
