"""SCIM end to end: the service as it is shipped, on a store of its own, and clients that push."""

import json
import os
import pathlib
import re
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
import uuid

import httpx2
import pytest
from scim2_client.engines.httpx2 import SyncSCIMClient

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))

from waiting import free_port, wait_for  # noqa: E402

MEDIA_TYPE = "application/scim+json"


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        return json.loads(self.body)

    def expect(self, status, scim_type=None):
        assert self.status == status, self.body.decode()
        if scim_type:
            assert self.json["scimType"] == scim_type, self.body.decode()
        return self


def send(url, method, body, headers):
    data = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, headers=headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=120) as response:
            return Answer(response.status, response.headers, response.read())
    except urllib.error.HTTPError as error:
        return Answer(error.code, error.headers, error.read())


class Service:
    def __init__(self, folder):
        self.folder = folder
        self.url = f"http://127.0.0.1:{free_port()}"
        environment = {
            "DOMESDAY_LISTEN": self.url.removeprefix("http://"),
            "DOMESDAY_STORE": str(folder / "governance.db"),
            "DOMESDAY_TENANT_NAME": "Acme",
            "DOMESDAY_TIME_ZONE": "Europe/Berlin",
            # Many requests here are refused on purpose.
            "DOMESDAY_FAILED_AUTHENTICATIONS_PER_MINUTE": "10000",
            "PATH": os.environ["PATH"],
        }
        output = folder / "output"
        self.process = subprocess.Popen(
            [os.environ["DOMESDAY_BIN"], "serve"],
            env=environment,
            cwd=folder,
            stdout=open(output, "w"),
            stderr=open(folder / "log", "w"),
        )
        wait_for(lambda: "/sign-in?token=" in output.read_text(), "the start of the service")
        self.key = re.search(r"domesday_[\w-]+", output.read_text())[0]

    def call(self, method, path, body=None, key=None):
        headers = {"Authorization": key or self.key, "Content-Type": "application/json"}
        return send(self.url + path, method, body, headers)

    def get(self, path):
        return self.call("GET", path).expect(200).json

    def user(self, name):
        """The effective user, as the catalog format has it."""
        return self.get(f"/api/v1/users/{urllib.parse.quote(name, safe='')}")["document"]

    def connection(self, attributes=None):
        """A connection of its own, which users and groups are pushed to."""
        name = f"idp-{uuid.uuid4().hex[:8]}"
        body = {"kind": "scim", "attributes": attributes or {}}
        self.call("PUT", f"/api/v1/connections/{name}", body).expect(201)
        return Connection(self, name)

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=60)


class Connection:
    """A connection with a token of its own, and what an identity provider does with it."""

    def __init__(self, service, name):
        self.service, self.name = service, name
        self.url = f"{service.url}/scim/{name}/v2"
        created = service.call("POST", f"/api/v1/connections/{name}/tokens", {"name": "test"}).expect(201).json
        self.token, self.token_id = created["secret"], created["id"]

    def send(self, method, path, body=None, headers=None, token=None):
        given = {"Authorization": f"Bearer {token or self.token}", "Content-Type": MEDIA_TYPE}
        return send(self.url + path, method, body, {**given, **(headers or {})})

    def list(self, path, **query):
        return self.send("GET", f"{path}?{urllib.parse.urlencode(query)}").expect(200).json

    def create_user(self, name, **more):
        return self.send("POST", "/Users", {"schemas": [USER], "userName": name, **more}).expect(201).json

    def create_group(self, name, members=(), **more):
        members = [{"value": member} for member in members]
        body = {"schemas": [GROUP], "displayName": name, "members": members, **more}
        return self.send("POST", "/Groups", body).expect(201).json

    def patch(self, path, *operations, **query):
        path = f"{path}?{urllib.parse.urlencode(query)}" if query else path
        return self.send("PATCH", path, {"schemas": [PATCH], "Operations": list(operations)})

    def members(self, group):
        group = self.send("GET", f"/Groups/{group}").expect(200).json
        return {member["value"] for member in group.get("members", [])}

    def client(self):
        http = httpx2.Client(base_url=self.url, headers={"Authorization": f"Bearer {self.token}"}, timeout=120)
        client = SyncSCIMClient(http)
        client.discover()
        return client


USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"


@pytest.fixture(scope="session")
def service(tmp_path_factory):
    service = Service(tmp_path_factory.mktemp("service"))
    yield service
    service.stop()


@pytest.fixture
def connection(service):
    return service.connection()
