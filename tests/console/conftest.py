"""The console in a real browser: a service with the example company, and Debian's Chromium."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

import pytest
from playwright.sync_api import sync_playwright

HERE = pathlib.Path(__file__).parent
ACME = HERE.parent.parent / "examples" / "acme"
sys.path.insert(0, str(HERE.parent / "support"))

from waiting import free_port  # noqa: E402


def wait_for(condition, what):
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end, f"{what} did not happen"
        time.sleep(0.05)


class Service:
    """A service in a directory of its own, with the example company."""

    def __init__(self, directory, settings=None, port=None):
        self.directory = directory
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.environment = environment = {
            "DOMESDAY_LISTEN": f"127.0.0.1:{self.port}",
            "DOMESDAY_STORE": str(directory / "governance.db"),
            "DOMESDAY_TENANT_NAME": "Acme",
            "DOMESDAY_TIME_ZONE": "Europe/Berlin",
            "PATH": os.environ["PATH"],
            **(settings or {}),
        }
        binary = os.environ["DOMESDAY_BIN"]
        self.output = directory / "output"
        self.begin()
        wait_for(lambda: "/sign-in?token=" in self.output.read_text(), "the start of the service")
        text = self.output.read_text()
        self.key = re.search(r"domesday_[\w-]+", text)[0]
        self.link = re.search(r"http://\S+/sign-in\?token=[\w-]+", text)[0]
        self.load(binary, directory, environment)

    def begin(self):
        """Starts the process."""
        self.process = subprocess.Popen(
            [os.environ["DOMESDAY_BIN"], "serve"],
            env=self.environment,
            cwd=self.directory,
            stdout=open(self.output, "a"),
            stderr=open(self.directory / "log", "a"),
        )

    def begin_again(self):
        """Starts the process again after it was stopped, and waits until it answers."""
        self.begin()

        def is_ready():
            try:
                return self.call("GET", "/deployment/tenant")[0] == 200
            except OSError:
                return False

        wait_for(is_ready, "the second start of the service")

    def load(self, binary, directory, environment):
        """Loads the example company; the tenant is the one that the service created."""
        catalog = directory / "catalog"
        shutil.copytree(ACME, catalog)
        (catalog / "tenant.yaml").unlink()
        apply = [binary, "apply", str(catalog), "--store", environment["DOMESDAY_STORE"]]
        subprocess.run(apply, env=environment, cwd=directory, check=True, capture_output=True)

    def call(self, method, path, body=None, key=None):
        """Calls the API, and returns the status and the document."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": key or self.key, "Content-Type": "application/json"}
        request = urllib.request.Request(self.url + path, data=data, headers=headers, method=method)
        try:
            with urllib.request.urlopen(request) as answer:
                return answer.status, json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read() or b"null")

    def key_of(self, username):
        status, document = self.call("POST", "/api/v1/api-keys", {"name": "test", "owner": username})
        assert status == 201, document
        return document["secret"]

    def id_of(self, kind, name):
        status, document = self.call("GET", f"/api/v1/{kind}/{urllib.parse.quote(name)}")
        assert status == 200, document
        return document["id"]

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=30)


class EmptyService(Service):
    """A service without a catalog."""

    def load(self, *_):
        pass


@pytest.fixture(scope="session")
def service(tmp_path_factory):
    service = Service(tmp_path_factory.mktemp("service"))
    yield service
    service.stop()


@pytest.fixture
def first_start(tmp_path):
    """A service to which nobody has signed in."""
    service = Service(tmp_path)
    yield service
    service.stop()


@pytest.fixture(scope="session")
def chromium():
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    assert path, "Chromium is not installed (Debian: chromium)"
    # Chromium's sandbox does not work for root.
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=arguments)
        yield browser
        browser.close()


@pytest.fixture
def browse(chromium, service):
    """Opens pages in contexts of their own; no page may report an error or a violation of its policy."""
    contexts, complaints = [], []

    def complain(message):
        # That a page is refused is logged too.
        if message.type in ("error", "warning") and not re.search(r"status of (400|401|403|404|409|412|422|429|502)", message.text):
            complaints.append(message.text)

    def open_context(key=None, at=None, **options):
        context = chromium.new_context(base_url=(at or service).url, **options)
        contexts.append(context)
        if options.get("java_script_enabled", True):
            context.grant_permissions(["clipboard-read", "clipboard-write"])
        page = context.new_page()
        page.on("console", complain)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        if key:
            sign_in(page, key)
        return page

    yield open_context
    for context in contexts:
        context.close()
    assert complaints == []


def sign_in(page, key):
    page.goto("/sign-in")
    page.get_by_label("API key").fill(key)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(re.compile(r"/console(/|$)"))
