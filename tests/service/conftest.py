"""The service end to end: over HTTP, into buckets of the S3 server that the delivery tests use."""

import http.server
import json
import os
import pathlib
import subprocess
import sys
import threading
import urllib.error
import urllib.parse
import urllib.request
import uuid

import pytest

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "support"))

from postgres_server import postgres  # noqa: E402, F401
from s3 import admin, free_port, make_bucket, server, strict, wait_for  # noqa: E402, F401


@pytest.fixture(params=["sqlite", "postgres"])
def shared(request, tmp_path):
    """The environment of replicas on one database, of each kind in turn."""
    if request.param == "postgres":
        url = request.getfixturevalue("postgres")()
    else:
        url = f"sqlite:{tmp_path}/shared.db"
    return {"DOMESDAY_SECRET_KEY": "0a" * 32, "DATABASE_URL": url}


class Bucket:
    def __init__(self, admin, strict):
        self.s3 = admin("s3")
        self.name = make_bucket(admin, strict)

    def keys(self):
        return sorted(entry["Key"] for entry in self.s3.list_objects_v2(Bucket=self.name).get("Contents", []))

    def read(self, key):
        return self.s3.get_object(Bucket=self.name, Key=key)["Body"].read()


@pytest.fixture
def bucket(admin, strict):
    return Bucket(admin, strict)


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        return json.loads(self.body)

    def expect(self, status):
        assert self.status == status, self.body.decode()
        return self


def call(url, method, path, key=None, body=None, headers=None):
    headers = {**({"Authorization": key} if key else {}), **(headers or {})}
    data = None
    if body is not None:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers.setdefault("Content-Type", "application/json")
    request = urllib.request.Request(url + path, data=data, headers=headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            return Answer(response.status, response.headers, response.read())
    except urllib.error.HTTPError as error:
        return Answer(error.code, error.headers, error.read())


class Service:
    """The service in a process of its own, its clock standing where a test sets it."""

    def __init__(self, folder, clock, env, database=None):
        self.folder = folder
        self.env = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "DOMESDAY_LISTEN": "127.0.0.1:0",
            "DOMESDAY_STORE": str(database or folder / "governance.db"),
            "DOMESDAY_TENANT_NAME": "Acme",
            "DOMESDAY_TIME_ZONE": "Europe/Berlin",
            "AWS_EC2_METADATA_DISABLED": "true",
            **env,
        }
        self.key = None
        self.start(clock)

    def start(self, clock):
        self.log = open(self.folder / f"log-{uuid.uuid4().hex[:6]}", "w+")
        self.process = subprocess.Popen(
            [os.environ["DOMESDAY_STANDING_CLOCK"]],
            env=self.env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log,
            text=True,
        )
        self.set_clock(clock)
        address = self.process.stdout.readline().strip()
        assert address, self.logged()
        self.url = f"http://{address}"
        self.key = self.process.stdout.readline().strip() or self.key

    def set_clock(self, at):
        self.process.stdin.write(at + "\n")
        self.process.stdin.flush()

    def stop(self):
        if self.process.poll() is None:
            self.process.stdin.close()
            self.process.wait(timeout=60)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def logged(self):
        self.log.flush()
        return pathlib.Path(self.log.name).read_text()

    def call(self, method, path, body=None, key=None, headers=None):
        return call(self.url, method, path, key or self.key, body, headers)

    def runs(self):
        return self.call("GET", "/api/v1/access-summary/runs").expect(200).json["items"]

    def run_ended(self, number=1):
        """The newest run, once `number` of them have ended."""
        ended = lambda: [run for run in self.runs() if run["state"] in ("succeeded", "failed")]  # noqa: E731
        return wait_for(lambda: len(ended()) >= number and ended(), f"run {number}\n{self.logged()}")[0]


@pytest.fixture
def service(tmp_path, strict):
    """A service that may deliver to the S3 server; more are started with `service.another`."""
    started = []

    def start(clock="2026-01-14T23:00:00Z", env=None, folder=None, database=None):
        folder = folder or tmp_path / f"service{len(started)}"
        folder.mkdir(exist_ok=True)
        allowed = {"DOMESDAY_ALLOWED_ENDPOINTS": strict.url}
        started.append(Service(folder, clock, {**allowed, **(env or {})}, database))
        return started[-1]

    yield start
    for each in started:
        each.stop()


class Receiver:
    """Somebody whom the service posts to: what it answers is `self.answer()`, what it got is in `self.got` as path,
    headers and body."""

    def __init__(self, tls=None):
        self.got = []
        self.answer = lambda: 204
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                receiver.got.append((self.path, headers, body))
                self.send_response(receiver.answer())
                self.end_headers()

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        if tls:
            self.server.socket = tls.wrap_socket(self.server.socket, server_side=True)
            self.url = self.url.replace("http:", "https:")
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


WORLD = {
    "groups": [{"name": "Analysts"}],
    "users": [{"username": "ada", "groups": ["Analysts"]}, {"username": "bob"}],
    "dataSources": [{"name": "Ledger", "platform": "snowflake"}],
    "policies": [
        {"name": "Analysts read", "type": "grant", "condition": "@isInGroups('Analysts')", "appliesTo": "all"}
    ],
}
