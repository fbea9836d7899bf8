"""Botocore as an oracle: the same environment and files give the same credentials or none, the same request and time
the same signature, the same settings the same endpoints and proxies. Each test has a fixed seed."""

import base64
import datetime
import hashlib
import json
import os
import pathlib
import random
import shlex
import subprocess
import threading
import urllib.parse
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import botocore.loaders
import botocore.session
import botocore.tokens
import botocore.utils
import pytest

LOADER = botocore.loaders.create_loader()
NOW = datetime.datetime.now(datetime.timezone.utc)


def sha256(text):
    return hashlib.sha256(text.encode()).hexdigest()


def at(**later):
    return (NOW + datetime.timedelta(**later)).strftime("%Y-%m-%dT%H:%M:%SZ")


class Program:
    """The product's side: one process that answers every question."""

    def __init__(self):
        program = pathlib.Path(os.environ["DOMESDAY_BIN"]).parent / "examples" / "botocore_oracle"
        pipe = subprocess.PIPE
        self.process = subprocess.Popen([program], stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True)

    def ask(self, **question):
        self.process.stdin.write(json.dumps(question) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())


@pytest.fixture(scope="module")
def program():
    program = Program()
    yield program
    program.process.stdin.close()
    program.process.wait()


# The services that give credentials. What they answer follows from the question alone, so that both sides get the
# same for the same.


def derived(*parts):
    """A key that belongs to what was asked for."""
    name = sha256("|".join(map(str, parts)))
    return f"ASIA{name[:16].upper()}", secret_of(name), f"token/{name[16:48]}=="


def secret_of(name):
    return base64.b64encode(hashlib.sha256(name.encode()).digest()).decode()[:40]


class Services(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def reply(self, text, status=200, kind="application/json"):
        body = text.encode()
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def agent(self, *parts):
        key, secret, token = derived(*parts)
        document = {"AccessKeyId": key, "SecretAccessKey": secret, "Token": token, "Expiration": at(hours=5)}
        self.reply(json.dumps({"Code": "Success", **document}))

    def do_PUT(self):
        has_lifetime = self.headers.get("x-aws-ec2-metadata-token-ttl-seconds")
        self.reply("imds-token" if has_lifetime and self.path == "/latest/api/token" else "", 200 if has_lifetime else 400)

    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        roles = "/latest/meta-data/iam/security-credentials/"
        if url.path == "/federation/credentials":
            token = self.headers.get("x-amz-sso_bearer_token", "")
            if not token.startswith("good"):
                return self.reply(json.dumps({"message": "Session token not found or invalid"}), 401)
            key, secret, session = derived("sso", token, query["account_id"], query["role_name"])
            end = int((NOW + datetime.timedelta(hours=5)).timestamp() * 1000)
            found = {"accessKeyId": key, "secretAccessKey": secret, "sessionToken": session, "expiration": end}
            return self.reply(json.dumps({"roleCredentials": found}))
        if url.path.startswith("/container"):
            if "denied" in url.path:
                return self.reply('{"code":"AccessDenied","message":"no"}', 403)
            return self.agent("container", url.path, self.headers.get("authorization"))
        if self.headers.get("x-aws-ec2-metadata-token") != "imds-token":
            return self.reply("", 401)
        if url.path == roles:
            return self.reply("the-role", kind="text/plain")
        if url.path == roles + "the-role":
            return self.agent("instance")
        return self.reply("", 404)

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        if self.path == "/token":
            asked = json.loads(body)
            if asked["grantType"] != "refresh_token" or not asked["refreshToken"].startswith("refresh"):
                return self.reply('{"error":"invalid_grant"}', 400)
            renewed = {"accessToken": f"good-renewed-{asked['clientId']}", "expiresIn": 28800, "tokenType": "Bearer"}
            return self.reply(json.dumps({**renewed, "refreshToken": "refresh-2"}))
        form = dict(urllib.parse.parse_qsl(body))
        if "denied" in form["RoleArn"]:
            error = "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>"
            return self.reply(error, 403, "text/xml")
        caller = self.headers.get("authorization", "").partition("Credential=")[2].partition("/")[0]
        name = form["RoleSessionName"]
        name = "" if name.startswith(("botocore-session", "domesday")) else name
        parts = [form["Action"], form["RoleArn"], form.get("ExternalId"), name, form.get("WebIdentityToken")]
        parts += [caller, self.headers.get("x-amz-security-token"), form.get("DurationSeconds", "3600")]
        key, secret, token = derived(*parts)
        action = form["Action"]
        self.reply(
            f'<{action}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><{action}Result><Credentials>'
            f"<AccessKeyId>{key}</AccessKeyId><SecretAccessKey>{secret}</SecretAccessKey>"
            f"<SessionToken>{token}</SessionToken><Expiration>{at(hours=1)}</Expiration></Credentials>"
            f"<AssumedRoleUser><AssumedRoleId>AROA:x</AssumedRoleId><Arn>arn:aws:sts::111122223333:assumed-role/x/y</Arn>"
            f"</AssumedRoleUser></{action}Result></{action}Response>",
            kind="text/xml",
        )


@pytest.fixture(scope="module")
def services():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Services)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def session(environment, monkeypatch):
    """A session of botocore in an environment of its own."""
    for name in list(os.environ):
        if name.startswith("AWS_") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    cache = os.path.join(environment.get("HOME", "/nonexistent"), ".aws/sso/cache")
    monkeypatch.setattr(botocore.credentials.SSOProvider, "_SSO_TOKEN_CACHE_DIR", cache)
    monkeypatch.setattr(botocore.tokens.SSOTokenProvider, "_SSO_TOKEN_CACHE_DIR", cache)
    monkeypatch.setattr(botocore.utils.ContainerMetadataFetcher, "SLEEP_TIME", 0)
    made = botocore.session.Session()
    made.register_component("data_loader", LOADER)
    # For every client it also looks up a bearer token, which no service of these tests takes.
    monkeypatch.setattr(made, "get_auth_token", lambda *_, **__: None)
    return made


def botocore_credentials(environment, monkeypatch):
    """What botocore finds: (id, SHA-256 of the secret, SHA-256 of the token), or None."""
    try:
        found = session(environment, monkeypatch).get_credentials()
        found = found and found.get_frozen_credentials()
    except Exception as error:  # Every way in which it refuses.
        return None, repr(error)
    if found is None:
        return None, "no credentials"
    if not found.access_key or any(c.isspace() for c in found.access_key + found.secret_key):
        return None, "a key that cannot be sent"
    return (found.access_key, sha256(found.secret_key), sha256(found.token) if found.token else None), ""


# Files and variables by chance.

PROFILES = ["default", "team", "a b", "dev", "it's"]
ROLES = ["arn:aws:iam::111122223333:role/reader", "arn:aws:iam::111122223333:role/team/x", "arn:aws:iam::111122223333:role/denied"]
SESSIONS = ["corp", "b c"]


class Case:
    """An environment and files in a home directory."""

    def __init__(self, seed, url, folder):
        self.random = random.Random(seed)
        self.url, self.folder = url, folder
        (folder / "scripts").mkdir()
        config, credentials = [], []
        for name in PROFILES:
            if self.chance(0.9):
                config.append((self.title(name), self.profile(name)))
            if self.chance(0.4):
                credentials.append((f"[{name}]", self.profile(name, in_credentials=True)))
        for name in SESSIONS:
            if self.chance(0.9):
                config.append((f"[sso-session {shlex.quote(name)}]", self.session()))
        self.random.shuffle(config)
        config += [("[preview]", [("x", "1")])] * self.chance(0.2)
        config += [("[profile team]", [("region", "r")])] * self.chance(0.01)
        self.config = self.text(config)
        self.credentials = self.text(credentials)
        self.tokens = {sha1(name): self.token() for name in [*SESSIONS, "https://legacy.test/start"] if self.chance(0.85)}
        self.variables = self.environment()

    def chance(self, probability):
        return self.random.random() < probability

    def pick(self, *choices):
        return self.random.choice(choices)

    def title(self, name):
        if name == "default":
            return self.pick(*["[default]"] * 5, "[profile default]", "[ default ]")
        quoted = shlex.quote(name)
        double = '"' + name + '"'
        plain = f"[profile {name}]" if self.chance(0.1) else f"[profile {quoted}]"
        return self.pick(f"[profile {quoted}]", f"[profile {double}]", f"[profile  {double}]", plain, f"[profile {quoted}] ")

    def key(self):
        number = self.random.randrange(10**6)
        return [("aws_access_key_id", f"AKIA{number:012}"), ("aws_secret_access_key", secret_of(str(number)))]

    def profile(self, name, in_credentials=False):
        settings = [("region", "eu-central-1")] * self.chance(0.4)
        kinds = ["key", "key", "token", "nothing", "nothing", "partial", "role", "role", "source", "web", "process", "sso", "legacy"]
        kinds = kinds[:6] if in_credentials else kinds * 2 if self.chance(0.9) else kinds[5:6]
        for kind in self.random.sample(kinds, self.pick(1, 1, 1, 1, 2) if len(kinds) > 1 else 1):
            settings += getattr(self, "with_" + kind)(name)
        self.random.shuffle(settings)
        if not self.chance(0.03):
            settings = list(dict(settings).items())
        return settings

    def with_key(self, name):
        return self.key()

    def with_token(self, name):
        old = [("aws_security_token", "old-token")] * self.chance(0.3)
        return [*self.key(), ("aws_session_token", "new-token"), *old]

    def with_partial(self, name):
        return [self.pick(*self.key())]

    def with_nothing(self, name):
        return [("output", "json")]

    def role(self):
        more = [("role_session_name", "mine")] * self.chance(0.3) + [("external_id", "agreed")] * self.chance(0.3)
        more += [("duration_seconds", self.pick("900", "1800", "long"))] * self.chance(0.2)
        more += [("mfa_serial", "arn:aws:iam::111122223333:mfa/x")] * self.chance(0.04)
        return [("role_arn", self.pick(*ROLES, ROLES[0], ROLES[1])), *more]

    def with_role(self, name):
        source = self.pick(*PROFILES, *PROFILES, name, "gone")
        both = [("credential_source", "Environment")] * self.chance(0.05)
        return [*self.role(), *([("source_profile", source)] * self.chance(0.95)), *both]

    def with_source(self, name):
        source = self.pick("Environment", "EcsContainer", "Ec2InstanceMetadata", "environment", "Nowhere")
        return [*self.role(), ("credential_source", source)]

    def with_web(self, name):
        return [*self.role(), ("web_identity_token_file", self.file("web", "web-token"))]

    def with_process(self, name):
        number = self.random.randrange(10**6)
        output = {"Version": 1, "AccessKeyId": f"AKIAP{number:011}", "SecretAccessKey": secret_of(f"p{number}")}
        if self.chance(0.4):
            output["SessionToken"] = "process-token"
        if self.chance(0.3):
            output["Expiration"] = self.pick(at(hours=3), at(hours=-1), at(minutes=40))
        if self.chance(0.15):
            output["Version"] = self.pick(2, "1", None)
        if self.chance(0.1):
            del output[self.pick("SecretAccessKey", "AccessKeyId")]
        text = self.pick("no json", json.dumps(output)) if self.chance(0.1) else json.dumps(output)
        path = self.file(self.pick("plain", "with blank", "it's", 'quo"ted'), text)
        command = self.pick(
            f"cat {shlex.quote(path)}",
            "cat '" + path.replace("'", "'\"'\"'") + "'",
            'cat "' + path.replace('"', '\\"') + '"',
            "cat  " + "".join("\\" + c if not c.isalnum() and c not in "/_-." else c for c in path),
            f"cat {path}",
            f"/bin/sh -c {shlex.quote('cat ' + shlex.quote(path))}",
            f"cat '{path}",
            "false",
            "/nonexistent/program",
        )
        return [("credential_process", command)]

    def with_sso(self, name):
        session = self.pick(*SESSIONS, SESSIONS[0], "gone")
        settings = [("sso_session", session), ("sso_account_id", "111122223333"), ("sso_role_name", "Reader")]
        if self.chance(0.1):
            settings.pop(self.pick(1, 2))
        return settings + [("sso_region", "eu-west-1")] * self.chance(0.1)

    def with_legacy(self, name):
        settings = [("sso_start_url", "https://legacy.test/start"), ("sso_region", "eu-west-1")]
        settings = settings if self.chance(0.9) else settings[:1]
        return [*settings, ("sso_account_id", "444455556666"), ("sso_role_name", "Admin")]

    def session(self):
        settings = [("sso_start_url", "https://corp.test/start"), ("sso_region", self.pick("eu-west-1", "us-east-1"))]
        return [*settings[: 2 if self.chance(0.93) else 1], ("sso_registration_scopes", "sso:account:access")]

    def token(self):
        token = {"startUrl": "https://corp.test/start", "region": "eu-west-1"}
        token["accessToken"] = self.pick("good-1", "good-2", "good-3", "good-4", "bad")
        token["expiresAt"] = self.pick(at(hours=3), at(hours=3), at(minutes=5), at(hours=-1))
        if self.chance(0.7):
            token["clientId"], token["clientSecret"] = "client", "client-secret"
            token["registrationExpiresAt"] = self.pick(at(days=30), at(days=30), at(days=-1))
        if self.chance(0.7):
            token["refreshToken"] = self.pick("refresh-1", "refresh-1", "over")
        if self.chance(0.05):
            del token[self.pick("accessToken", "expiresAt")]
        return "{broken" if self.chance(0.03) else json.dumps(token)

    def file(self, name, text):
        path = self.folder / "scripts" / f"{self.random.randrange(10**9)}{name}"
        path.write_text(text)
        return str(path)

    def text(self, sections):
        """Sections as somebody writes them."""
        lines = ["# a comment"] * self.chance(0.3)
        for title, settings in sections:
            lines.append(title)
            indent = self.pick("", "", "", "  ", "\t")
            nested = self.random.randrange(len(settings)) if self.chance(0.15) else None
            for number, (key, value) in enumerate(settings):
                lines += self.pick([], [], [], [""], ["; comment"], ["   # comment"])
                key = self.pick(key, key, key.upper(), key.capitalize())
                lines.append(indent + key + self.pick("=", " = ", " =", ": ", " : ") + value + self.pick("", "", " "))
                if number == nested:
                    lines += [f"{indent}s3 =", f"{indent}  aws_access_key_id = nested", f"{indent}    addressing_style=path"]
        if self.chance(0.03):
            lines.append(self.pick("garbage", "[unclosed", "[]", "= x", "[default]"))
        if self.chance(0.02):
            lines.insert(0, "key = before any section")
        return self.pick("\n", "\n", "\r\n").join(lines) + self.pick("", "\n")

    def environment(self):
        """Variables; `@HOME@` stands for the home directory."""
        found = {"AWS_DEFAULT_REGION": "eu-central-1", "AWS_ENDPOINT_URL": self.url, "AWS_MAX_ATTEMPTS": "1"}
        if self.chance(0.75):
            found[self.pick("AWS_PROFILE", "AWS_PROFILE", "AWS_DEFAULT_PROFILE")] = self.pick(*PROFILES * 3, "gone")
        if self.chance(0.15):
            found["AWS_ACCESS_KEY_ID"] = "AKIAENVIRONMENT"
            if self.chance(0.9):
                found["AWS_SECRET_ACCESS_KEY"] = secret_of("environment")
            for name in ("AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN"):
                if self.chance(0.3):
                    found[name] = name.lower()
            if self.chance(0.2):
                found["AWS_CREDENTIAL_EXPIRATION"] = self.pick(at(hours=5), at(hours=-1))
        if self.chance(0.1):
            found["AWS_WEB_IDENTITY_TOKEN_FILE"] = self.pick(self.file("web", "web-token"), "/nonexistent/token")
            if self.chance(0.9):
                found["AWS_ROLE_ARN"] = self.pick(*ROLES)
            if self.chance(0.3):
                found["AWS_ROLE_SESSION_NAME"] = "mine"
        if self.chance(0.3):
            url = self.url + "/container/"
            found["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = self.pick(url + "a", url + "b", url + "c?d=e", url + "denied", "http://evil.test/x")
            if self.chance(0.5):
                found["AWS_CONTAINER_AUTHORIZATION_TOKEN"] = "agent-token"
        if self.chance(0.4):
            found["AWS_EC2_METADATA_SERVICE_ENDPOINT"] = self.url
        else:
            found["AWS_EC2_METADATA_DISABLED"] = "true"
        return found

    def write(self, home):
        """Writes the files below a home directory; returns the variables."""
        cache = home / ".aws" / "sso" / "cache"
        cache.mkdir(parents=True)
        (home / ".aws" / "config").write_bytes(self.config.encode())
        (home / ".aws" / "credentials").write_bytes(self.credentials.encode())
        for name, token in self.tokens.items():
            (cache / f"{name}.json").write_text(token)
        return {**self.variables, "HOME": str(home)}


def sha1(text):
    return hashlib.sha1(text.encode()).hexdigest()


def stored_tokens(home):
    texts = [path.read_text() for path in sorted((home / ".aws/sso/cache").iterdir())]
    return [json.loads(text).get("accessToken") for text in texts if "broken" not in text]


CASES = int(os.environ.get("ORACLE_CASES", "400"))


def test_credentials_are_those_that_botocore_finds(program, services, tmp_path, monkeypatch):
    counted = {}
    for seed in range(CASES):
        folder = tmp_path / str(seed)
        folder.mkdir()
        case = Case(seed, services, folder)
        expected, why = botocore_credentials(case.write(folder / "botocore"), monkeypatch)
        environment = case.write(folder / "own")
        answer = program.ask(kind="credentials", environment=environment, region="eu-central-1")
        found = None if "error" in answer else (answer["id"], answer["secret"], answer["token"])
        shown = f"seed {seed}\n{environment}\n--- config\n{case.config}\n--- credentials\n{case.credentials}\n{case.tokens}"
        assert found == expected, f"{shown}\nbotocore: {expected} {why}\nfound: {answer}"
        provider = answer.get("provider", "none")
        counted[provider] = counted.get(provider, 0) + 1
        # A session that was renewed is stored for the next run, and for other tools.
        assert stored_tokens(folder / "own") == stored_tokens(folder / "botocore"), shown
    # The comparison would say little if most cases were refused, or a provider were never asked.
    providers = {"environment", "assume-role", "web-identity", "sso", "credentials-file", "process", "config-file", "container", "instance"}
    assert providers <= counted.keys() and counted["none"] < CASES * 0.6, counted


def test_words_are_split_as_python_splits_them(program):
    chance = random.Random(7)
    for _ in range(300):
        line = "".join(chance.choice("ab \t'\"\\#$~") for _ in range(chance.randrange(12)))
        try:
            expected = shlex.split(line)
        except ValueError:
            expected = None
        assert program.ask(kind="words", line=line)["words"] == expected, line


# Signatures.

SIGNED_AT = datetime.datetime(2026, 11, 24, 2, 0, 0)


def test_signatures_are_those_of_botocore(program, monkeypatch):
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda *_: SIGNED_AT)
    chance = random.Random(11)
    characters = "abcXYZ019-._~ /+=&%#?:@!$'()*,;[]{}|<>\"\\^`äß€\U0001f600"

    def text(most):
        return "".join(chance.choice(characters) for _ in range(chance.randrange(1, most)))

    for number in range(250):
        service = chance.choice(["s3", "s3", "sts"])
        key, secret, token = derived(number)
        token = chance.choice([token, None])
        region = chance.choice(["eu-central-1", "us-gov-west-1", "cn-north-1", "eusc-de-east-1"])
        host = chance.choice([f"acme.s3.{region}.amazonaws.com", "127.0.0.1:9000"])
        path = "/" if service == "sts" else "/" + text(30)
        query = {} if service == "sts" else {text(8): text(12) for _ in range(chance.randrange(4))}
        headers = {"content-type": "application/json", "x-amz-expected-bucket-owner": "111122223333"}
        headers = {name: value for name, value in headers.items() if chance.random() < 0.5}
        body = text(50)
        quote = lambda value, safe="": urllib.parse.quote(value, safe=safe + "-_.~")  # noqa: E731
        url = f"https://{host}{quote(path, '/')}"
        if query:
            url += "?" + "&".join(f"{quote(name)}={quote(value)}" for name, value in query.items())
        request = botocore.awsrequest.AWSRequest(method="PUT", url=url, headers=dict(headers), data=body.encode())
        signer = botocore.auth.S3SigV4Auth if service == "s3" else botocore.auth.SigV4Auth
        if service == "sts":
            # The digest of the body is signed as a header, which S3 requires and STS allows.
            request.headers["X-Amz-Content-SHA256"] = sha256(body)
        signer(botocore.credentials.Credentials(key, secret, token), service, region).add_auth(request)
        answer = program.ask(
            kind="signature",
            method="PUT",
            host=host,
            path=path,
            query=query,
            headers=headers,
            body=body,
            region=region,
            service=service,
            id=key,
            secret=secret,
            token=token,
            at="2026-11-24T02:00:00Z",
        )
        assert answer["authorization"].replace(" ", "") == request.headers["Authorization"].replace(" ", ""), (url, headers)


# Endpoints.

REGIONS = [
    "eu-central-1",
    "us-east-1",
    "cn-north-1",
    "cn-northwest-1",
    "us-gov-west-1",
    "us-gov-east-1",
    "eusc-de-east-1",
    "us-iso-east-1",
    "us-isob-east-1",
    "eu-isoe-west-1",
    "us-isof-south-1",
    "xx-new-1",
]


def botocore_endpoints(environment, region, bucket, monkeypatch):
    """The hosts that botocore calls: of the bucket, of STS, of the SSO portal and of its token service; and whether it
    was asked for a variant of AWS's endpoints."""
    key = {"AWS_ACCESS_KEY_ID": "A", "AWS_SECRET_ACCESS_KEY": "s"}
    made = session({**environment, **key, "AWS_S3_US_EAST_1_REGIONAL_ENDPOINT": "regional"}, monkeypatch)
    variants = [made.get_config_variable(f"use_{name}_endpoint") for name in ("fips", "dualstack")]
    variants.append((made.get_config_variable("s3") or {}).get("use_dualstack_endpoint"))
    urls = []
    try:
        for service, call, arguments in [
            ("s3", "list_objects_v2", {"Bucket": bucket}),
            ("sts", "get_caller_identity", {}),
            ("sso", "get_role_credentials", {"roleName": "r", "accountId": "1", "accessToken": "t"}),
            ("sso-oidc", "create_token", {"clientId": "c", "clientSecret": "s", "grantType": "g"}),
        ]:
            client = made.create_client(service, region_name=region)
            urls.append(url_of(client, call, arguments))
    except Exception:  # Every way in which it refuses.
        return None, any(variants)
    return [urllib.parse.urlsplit(url).netloc.removeprefix(f"{bucket}.") for url in urls], any(variants)


class Called(Exception):
    pass


def url_of(client, call, arguments):
    def stop(request, **_):
        raise Called(request.url)

    client.meta.events.register_first("before-send", stop)
    try:
        getattr(client, call)(**arguments)
    except Called as called:
        return str(called)
    raise AssertionError(call)


def compare_endpoints(program, monkeypatch, environment, region, bucket="acme-audit"):
    environment = {"HOME": "/nonexistent", **environment}
    expected, is_variant = botocore_endpoints(environment, region, bucket, monkeypatch)
    answer = program.ask(kind="endpoints", environment=environment, region=region, bucket=bucket)
    if "error" in answer:
        found = None
    else:
        found = [urllib.parse.urlsplit(answer[name]).netloc for name in ("s3", "sts", "sso", "oidc")]
        found = [host.removeprefix(f"{bucket}.") for host in found]
    if is_variant and expected and any("localhost" in host for host in expected):
        # Botocore ignores a variant beside an endpoint of one's own.
        assert "cannot be combined" in answer["error"], (environment, region, answer)
        return
    assert found == expected, (environment, region, answer)


@pytest.mark.parametrize("region", REGIONS)
def test_endpoints_of_every_partition_are_those_of_botocore(program, monkeypatch, region):
    for fips in ({}, {"AWS_USE_FIPS_ENDPOINT": "true"}):
        for dual in ({}, {"AWS_USE_DUALSTACK_ENDPOINT": "TRUE"}):
            # Botocore's table of these two partitions has no dual-stack names, its rules have.
            if dual and region in ("eu-isoe-west-1", "us-isof-south-1"):
                continue
            compare_endpoints(program, monkeypatch, {**fips, **dual}, region)
    compare_endpoints(program, monkeypatch, {}, region, "a.b")


CONFIGS = [
    "[default]\nuse_fips_endpoint = true\n",
    "[default]\nuse_dualstack_endpoint = true\n",
    "[default]\nuse_dualstack_endpoint = yes\n",
    "[default]\ns3 =\n  use_dualstack_endpoint = true\n",
    "[default]\nendpoint_url = http://localhost:9000\n",
    "[default]\nendpoint_url = http://localhost:9000\nignore_configured_endpoint_urls = true\n",
    "[default]\nendpoint_url = http://localhost:9000\nuse_fips_endpoint = true\n",
    "[default]\nservices = own\n[services own]\ns3 =\n  endpoint_url = http://localhost:1\nsts =\n  endpoint_url = http://localhost:2\n",
    "[default]\nservices = own\nendpoint_url = http://localhost:9\n[services own]\nsso =\n  endpoint_url = http://localhost:3\nsso_oidc =\n  endpoint_url = http://localhost:4\n",
    "[default]\nservices = gone\n",
]
VARIABLES = [
    {},
    {"AWS_USE_FIPS_ENDPOINT": "false"},
    {"AWS_USE_DUALSTACK_ENDPOINT": "true"},
    {"AWS_ENDPOINT_URL": "http://localhost:5"},
    {"AWS_ENDPOINT_URL": "http://localhost:5", "AWS_ENDPOINT_URL_STS": "http://localhost:6"},
    {"AWS_ENDPOINT_URL_S3": "http://localhost:7", "AWS_ENDPOINT_URL_STS": "http://localhost:6"},
    {"AWS_ENDPOINT_URL": "http://localhost:5", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"},
]


@pytest.mark.parametrize("config", CONFIGS)
def test_configured_endpoints_are_those_of_botocore(program, monkeypatch, tmp_path, config):
    (tmp_path / "config").write_text(config)
    for variables in VARIABLES:
        environment = {"AWS_CONFIG_FILE": str(tmp_path / "config"), **variables}
        compare_endpoints(program, monkeypatch, environment, "eu-central-1")


# Proxies.

URLS = ["https://s3.eu-central-1.amazonaws.com/", "http://s3.test:9000/x", "https://10.1.2.3/", "http://localhost/", "https://a.b.example.com:8443/"]
HOSTS = ["example.com", ".example.com", "b.example.com", "s3.test:9000", "s3.test", "localhost", "10.1.2.3", "amazonaws.com", "EXAMPLE.com", "s3.eu-central-1.amazonaws.com", "ample.com"]


def test_proxies_are_those_of_botocore(program, monkeypatch):
    chance = random.Random(13)
    for _ in range(300):
        environment = {}
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY"):
            if chance.random() < 0.5:
                environment[name] = chance.choice([f"http://{name.lower()}.test:3128", "proxy.test:8080", "http://user:pass@proxy.test:1", ""])
        if chance.random() < 0.7:
            hosts = chance.sample(HOSTS, chance.randrange(1, 4))
            environment[chance.choice(["NO_PROXY", "no_proxy"])] = chance.choice(["*", ",".join(hosts), " , ".join(hosts), ", ".join(hosts)])
        if chance.random() < 0.1:
            environment["REQUEST_METHOD"] = "GET"
        with monkeypatch.context() as patch:
            for name in list(os.environ):
                if name.lower().endswith("_proxy"):
                    patch.delenv(name)
            for name, value in environment.items():
                patch.setenv(name, value)
            for url in URLS:
                proxies = botocore.utils.get_environ_proxies(url)
                expected = proxies.get(urllib.parse.urlsplit(url).scheme)
                expected = expected and expected.partition("://")[2] or expected
                expected = expected and expected.rpartition("@")[2]
                answer = program.ask(kind="proxy", environment=environment, url=url)
                assert answer["proxy"] == expected, (environment, url)
