"""Roles: assumed with the tenant's id, in the session's name, refused when anything differs; and where the
deployment's own credentials come from. MiniStack checks trust policies with sts:ExternalId."""

import base64
import json
import threading
import uuid
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from conftest import REGION, TENANT, User, objects, run, setup_document


def test_a_role_delivers_with_the_tenants_id(strict, role, export):
    arn, deployment = role
    done = export(deployment.env, "--role-arn", arn)
    assert done.returncode == 0, done.stderr + done.stdout
    assert strict.actions() == {"sts:AssumeRole", "s3:ListBucket", "s3:PutObject"}
    assumed = [entry.request.body.decode() for entry in strict.log if entry.action == "sts:AssumeRole"]
    assert len(assumed) == 1
    assert f"ExternalId={TENANT}" in assumed[0] and "RoleSessionName=domesday-Acme---Co" in assumed[0]
    # Whoever assumes has no rights of their own in the bucket.
    alone = export(deployment.env)
    assert "s3:ListBucket" in json.loads(alone.stdout)["error"]


def test_another_external_id_is_refused_with_what_to_fix(strict, role, bucket, export):
    arn, deployment = role
    done = export(deployment.env, "--role-arn", arn, "--external-id", "another")
    error = json.loads(done.stdout)["error"]
    assert done.returncode == 1 and "external id another" in error and "trust-policy" in error
    assert "s3:PutObject" not in strict.actions()

    args = ["destination", "verify", "--to", f"s3://{bucket}/access", "--region", REGION, "--endpoint", strict.url]
    told = run([*args, "--role-arn", arn, "--external-id", "another", "--format", "json"], deployment.env)
    assert json.loads(told.stdout)["checks"][0]["kind"] == "role-refused"
    told = run([*args, "--role-arn", arn, "--external-id", TENANT, "--format", "json"], deployment.env)
    assert json.loads(told.stdout)["ok"], told.stdout


def test_a_stranger_is_refused(admin, bucket, strict, role, export):
    arn, _ = role
    stranger = User(admin, bucket, policy={"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": arn}]})
    done = export(stranger.env, "--role-arn", arn)
    assert done.returncode == 1 and "could not be assumed" in json.loads(done.stdout)["error"]


def test_a_bucket_policy_lets_another_identity_deliver(admin, strict, bucket, export):
    user = User(admin, bucket, policy=False)
    policy = setup_document("bucket-policy", "--to", f"s3://{bucket}/access", "--principal", user.arn)
    admin("s3").put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))
    done = export(user.env)
    assert done.returncode == 0, done.stdout + done.stderr
    assert export(user.env, to=f"s3://{bucket}/elsewhere").returncode == 1


def test_profiles_and_their_roles(tmp_path, strict, role, export):
    arn, deployment = role
    (tmp_path / "config").write_text(
        f"[profile base]\nregion = {REGION}\n\n"
        f"[profile assumes]\nrole_arn = {arn}\nsource_profile = base\nexternal_id = {TENANT}\n"
    )
    (tmp_path / "credentials").write_text(
        f"[base]\naws_access_key_id = {deployment.key[0]}\naws_secret_access_key = {deployment.key[1]}\n"
    )
    files = {"AWS_CONFIG_FILE": str(tmp_path / "config"), "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "credentials")}
    done = export({**files, "AWS_PROFILE": "assumes"})
    assert done.returncode == 0, done.stdout + done.stderr
    assert "sts:AssumeRole" in strict.actions()


class Metadata(BaseHTTPRequestHandler):
    """The agents of containers and instances, as far as they hand out credentials."""

    credentials = {}
    seen = []

    def log_message(self, *args):
        pass

    def answer(self, text, status=200):
        self.send_response(status)
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def do_PUT(self):
        lifetime = self.headers.get("x-aws-ec2-metadata-token-ttl-seconds")
        self.answer("token-1" if lifetime and self.path == "/latest/api/token" else "", 200 if lifetime else 400)

    def do_GET(self):
        self.seen.append(self.path)
        roles = "/latest/meta-data/iam/security-credentials/"
        if self.path == "/container" and self.headers.get("authorization") == "pod-token":
            self.answer(json.dumps(self.credentials))
        elif self.headers.get("x-aws-ec2-metadata-token") != "token-1":
            self.answer("", 401)
        elif self.path == roles:
            self.answer("the-role\n")
        elif self.path == roles + "the-role":
            self.answer(json.dumps(self.credentials))
        else:
            self.answer("", 404)


@pytest.fixture
def metadata(user):
    credentials = {"AccessKeyId": user.key[0], "SecretAccessKey": user.key[1], "Expiration": "2099-01-01T00:00:00Z"}
    handler = type("Handler", (Metadata,), {"credentials": credentials, "seen": []})
    server = HTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def test_containers_and_instances_give_credentials(tmp_path, metadata, export):
    (tmp_path / "token").write_text("pod-token\n")
    container = {
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{metadata}/container",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": str(tmp_path / "token"),
    }
    done = export(container)
    assert done.returncode == 0, done.stdout + done.stderr
    instance = {"AWS_EC2_METADATA_DISABLED": "false", "AWS_EC2_METADATA_SERVICE_ENDPOINT": metadata}
    done = export(instance)
    assert done.returncode == 0, done.stdout + done.stderr
    refused = export({**container, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": str(tmp_path / "gone")})
    assert refused.returncode == 1


def test_web_identity_gives_credentials(tmp_path, admin, bucket, strict, export):
    """The server reads who issued the token; its signature it takes on trust."""
    issuer = "oidc.example.test"
    provider = {"Federated": f"arn:aws:iam::000000000000:oidc-provider/{issuer}"}
    statement = {"Effect": "Allow", "Principal": provider, "Action": "sts:AssumeRoleWithWebIdentity"}
    trust = {"Version": "2012-10-17", "Statement": [statement]}
    iam = admin("iam")
    name = "w-" + uuid.uuid4().hex[:8]
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    rights = setup_document("iam-policy", "--to", f"s3://{bucket}/access", "--region", REGION)
    iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=json.dumps(rights))

    def token(issuer):
        parts = [{"alg": "none"}, {"iss": f"https://{issuer}", "sub": "pod", "aud": "sts.amazonaws.com"}]
        encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts]
        return ".".join([*encoded, "c2lnbmF0dXJl"])

    file = tmp_path / "token"
    env = {"AWS_WEB_IDENTITY_TOKEN_FILE": str(file), "AWS_ROLE_ARN": arn}
    file.write_text(token(issuer) + "\n")
    done = export(env)
    called = [entry for entry in strict.log if entry.action == "sts:AssumeRoleWithWebIdentity"]
    assert called and "authorization" not in called[0].request.headers
    assert done.returncode == 0, done.stdout + done.stderr
    file.write_text(token("elsewhere.test"))
    refused = export(env)
    assert refused.returncode == 1 and "AssumeRoleWithWebIdentity" in json.loads(refused.stdout)["error"]
    assert "eyJ" not in refused.stdout + refused.stderr
