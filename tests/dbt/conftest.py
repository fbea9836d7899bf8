"""A dbt project on PostgreSQL, and a service with a store that its files are imported into."""

import json
import os
import pathlib
import re
import socket
import subprocess
import sys
import textwrap
import time
import urllib.error
import urllib.parse
import urllib.request

import pytest

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "support"))

from postgres_server import postgres  # noqa: E402, F401

FILES = {
    "dbt_project.yml": """
        name: shop
        version: "1.0.0"
        profile: shop
        models: { shop: { +materialized: table, +tags: [nightly] } }
    """,
    "models/schema.yml": """
        groups:
          - name: finance
            owner: { name: Finance team, email: ada@acme.example }
          - name: nobody
            owner: { name: Nobody, email: nobody@acme.example }
        sources:
          - name: raw
            tags: [raw]
            tables:
              - name: pay
                identifier: Payments
                columns:
                  - { name: iban, description: The account, data_type: text, tags: [pii] }
        models:
          - name: orders
            description: Orders.
            config:
              group: finance
              tags: [gold]
              meta: { domesday: { tags: [Finance.Orders], owner: bob }, contains_pii: true }
            columns:
              - name: id
                description: The number of the order.
                data_type: bigint
                constraints: [{ type: not_null }]
              - name: email
                description: Where to write.
                config: { tags: [pii], meta: { domesday: { tags: [Contact] } } }
          - name: customers
            config: { group: nobody }
          - name: hidden
            config: { enabled: false }
    """,
    "models/base.sql": "{{ config(materialized='ephemeral') }} select 1::bigint as id, 'a@b'::text as email",
    "models/orders.sql": "select id, email, 1.5::numeric(10,2) as \"Amount\" from {{ ref('base') }}",
    "models/customers.sql": "{{ config(materialized='view', alias='Customers') }} select 1 as id",
    "models/hidden.sql": "select 1 as id",
    "seeds/countries.csv": "code,name\nDE,Germany\n",
    "snapshots/history.yml": """
        snapshots:
          - name: pay_history
            relation: source('raw', 'pay')
            config: { unique_key: id, strategy: check, check_cols: all }
    """,
    "tests/positive.sql": "select 1 where false",
    "analyses/sum.sql": "select 1",
}


class Project:
    """A project in a folder, and dbt on a database of its own."""

    def __init__(self, folder, postgres):
        self.folder, self.postgres = folder, postgres
        self.database = urllib.parse.urlsplit(postgres()).path.removeprefix("/")
        self.host = f"127.0.0.1:{postgres.port}"
        for name, text in FILES.items():
            self.write(name, text)
        target = f"type: postgres, host: 127.0.0.1, port: {postgres.port}, user: postgres, password: '', schema: shop"
        self.write(
            "profiles.yml",
            f"shop: {{ target: dev, outputs: {{ dev: {{ {target}, dbname: {self.database}, threads: 1 }} }} }}",
        )
        sql = 'CREATE SCHEMA raw; CREATE TABLE raw."Payments" (id bigint NOT NULL, iban text, amount numeric(10,2))'
        assert postgres.psql(sql, self.database)
        self.dbt("build")
        self.dbt("docs", "generate")

    def write(self, name, text):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))

    def dbt(self, *args):
        program = pathlib.Path(sys.executable).with_name("dbt")
        env = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "DBT_PROFILES_DIR": str(self.folder),
            "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
            "DO_NOT_TRACK": "1",
        }
        done = subprocess.run([program, "-q", *args], cwd=self.folder, env=env, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr

    @property
    def manifest(self):
        return self.folder / "target/manifest.json"

    @property
    def catalog(self):
        return self.folder / "target/catalog.json"

    def place(self, schema, table):
        """What a data source at a place of the database says of it."""
        return {"platform": "postgres", "database": self.database, "schema": schema, "table": table}


@pytest.fixture(scope="session")
def project(tmp_path_factory, postgres):  # noqa: F811
    return Project(tmp_path_factory.mktemp("project"), postgres)


class Answer:
    def __init__(self, status, body):
        self.status, self.body = status, body

    @property
    def json(self):
        return json.loads(self.body)

    def expect(self, status):
        assert self.status == status, self.body.decode()
        return self


class Service:
    """The service, and the commands of a shell beside it on the same store."""

    def __init__(self, folder):
        self.folder = folder
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            address = "{}:{}".format(*probe.getsockname())
        self.url = f"http://{address}"
        self.env = {
            "DOMESDAY_LISTEN": address,
            "DOMESDAY_STORE": str(folder / "governance.db"),
            "DOMESDAY_TENANT_NAME": "Acme",
            "DOMESDAY_TIME_ZONE": "Europe/Berlin",
            "DOMESDAY_CONNECTIONS_ALLOWED_HOSTS": "127.0.0.1",
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
        }
        output = folder / "output"
        self.process = subprocess.Popen(
            [os.environ["DOMESDAY_BIN"], "serve"],
            env=self.env,
            cwd=folder,
            stdout=open(output, "w"),
            stderr=open(folder / "log", "w"),
        )
        deadline = time.monotonic() + 60
        while "/sign-in?token=" not in output.read_text():
            assert time.monotonic() < deadline, (folder / "log").read_text()
            time.sleep(0.05)
        self.key = re.search(r"domesday_[\w-]+", output.read_text())[0]

    def call(self, method, path, body=None):
        headers = {"Authorization": self.key, "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data=data, headers=headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=120) as response:
                return Answer(response.status, response.read())
        except urllib.error.HTTPError as error:
            return Answer(error.code, error.read())

    def source(self, name):
        path = f"/api/v1/data-sources/{urllib.parse.quote(name, safe='')}"
        return self.call("GET", path).expect(200).json

    def sources(self):
        return {it["name"] for it in self.call("GET", "/api/v1/data-sources?limit=100").expect(200).json["items"]}

    def run(self, *args):
        """Runs a command on the store, and returns its exit code and everything that it printed."""
        command = [os.environ["DOMESDAY_BIN"], *map(str, args)]
        done = subprocess.run(command, env=self.env, cwd=self.folder, capture_output=True, text=True)
        return done.returncode, done.stdout + done.stderr

    def import_files(self, project, *args):
        """Imports the files of a project and returns the sync."""
        files = ["--manifest", project.manifest, "--catalog", project.catalog]
        code, printed = self.run("import", "dbt", "--connection", "shop", *files, "--format", "json", *args)
        assert code == 0, printed
        return json.loads(printed)

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=60)


@pytest.fixture
def service(tmp_path):
    """A service that knows some people and a connection to the project."""
    service = Service(tmp_path)
    users = [{"username": "ada", "email": "ada@acme.example"}, {"username": "bob"}]
    connection = {"name": "shop", "kind": "dbt", "tagPrefix": "dbt.", "tags": {"pii": "PII", "gold": "Tier.Gold"}}
    service.call("POST", "/api/v1/apply", {"users": users, "connections": [connection]}).expect(200)
    yield service
    service.stop()
