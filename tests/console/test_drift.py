"""Drift in a real browser, with a real PostgreSQL: the classic mistakes found, filtered, repaired, and found no more."""

import csv
import http.server
import json
import pathlib
import re
import subprocess
import sys
import threading
import urllib.request

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "support"))

from conftest import Service, wait_for  # noqa: E402
from postgres_server import postgres  # noqa: E402, F401
from s3 import IamUser, admin, make_bucket, server, strict  # noqa: E402, F401
from test_export import everything, run_to_the_end, save_export  # noqa: E402

EXAMPLE = HERE.parent.parent / "examples" / "postgres"
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
ROLES = "ada, lena, omar, priya, etl, tmp_migration, sales_team, support_team, shop_owner, domesday_reader"
KINDS = ["Excess", "Excess, blocked", "Unmasked column", "Missing", "Partial", "Unmapped role"]


class ShopService(Service):
    """A service with the policies of the example; its connection is made through the API, to the database of the test."""

    def load(self, binary, directory, environment):
        text = (EXAMPLE / "governance" / "shop.yaml").read_text()
        rest = text[text.index("groups:"):]
        catalog = directory / "catalog"
        catalog.mkdir()
        (catalog / "shop.yaml").write_text(rest)
        apply = [binary, "apply", str(catalog), "--store", environment["DOMESDAY_STORE"]]
        subprocess.run(apply, env=environment, cwd=directory, check=True, capture_output=True)
        ada = self.call("GET", "/api/v1/users/ada")[1]["document"]
        status, answer = self.call("PUT", "/api/v1/users/ada", {**ada, "permissions": ["GOVERNANCE", "AUDIT"]})
        assert status == 200, answer


class Shop:
    """The example's database."""

    def __init__(self, postgres):  # noqa: F811
        self.url = postgres().replace("postgres://postgres@127.0.0.1", "postgres://domesday_reader@localhost")
        self.name = self.url.rsplit("/", 1)[1].split("?")[0]
        self._psql = [postgres.program("psql"), "-h", "127.0.0.1", "-p", str(postgres.port), "-U", "postgres"]
        self.run("--file", str(EXAMPLE / "database.sql"))

    def run(self, *arguments, database=None):
        command = [*self._psql, "-d", database or self.name, "-v", "ON_ERROR_STOP=1", "-q", *arguments]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr

    def remove(self):
        self.run("-c", f"DROP DATABASE {self.name} WITH (FORCE)", "-c", f"DROP ROLE {ROLES}", database="postgres")


@pytest.fixture
def shop(postgres):  # noqa: F811
    shop = Shop(postgres)
    yield shop
    shop.remove()


@pytest.fixture
def start(tmp_path, strict):  # noqa: F811
    services = []

    def start(**more):
        settings = {
            "DOMESDAY_CONNECTIONS_ALLOWED_HOSTS": "127.0.0.1,::1",
            "DOMESDAY_ALLOWED_ENDPOINTS": strict.url,
            "AWS_EC2_METADATA_DISABLED": "true",
            "HOME": "/nonexistent",
            **more,
        }
        services.append(ShopService(tmp_path, settings))
        return services[-1]

    yield start
    for service in services:
        service.stop()


def connect(service, shop):
    body = {
        "kind": "postgres",
        "url": shop.url,
        "identify": [{"roles": {"etl": "etl-service"}}, "username"],
        "tagRules": [{"columns": ["*email*"], "types": ["text"], "tag": "PII.Contact.Email"}],
    }
    status, answer = service.call("PUT", "/api/v1/connections/shop", body)
    assert status == 201, answer


def sync(page):
    page.goto("/console/connections/shop")
    page.get_by_role("button", name="Sync now").click()
    expect(page.get_by_text("Succeeded").first).to_be_visible()


def findings(service, query=""):
    status, found = service.call("GET", f"/api/v1/drift?limit=1000{query}")
    assert status == 200, found
    return found


def shown(page):
    """How many findings the list says there are."""
    return page.locator("section[data-live] .bar .quiet").inner_text()


def check(page):
    size = page.viewport_size
    for scheme in ["light", "dark"]:
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        found = Axe().run(page, options=RULES).response["violations"]
        assert found == [], (page.url, scheme, [(one["id"], [node["html"] for node in one["nodes"]]) for one in found])
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": 360, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 360, page.url
    page.set_viewport_size(size)


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
def test_mistakes_are_found_filtered_and_repaired(browse, start, shop, admin, strict, tmp_path, script):  # noqa: F811
    service = start()
    page = browse(service.key_of("ada"), at=service, java_script_enabled=script)
    page.goto("/console/drift")
    expect(page.get_by_text("No database is connected.")).to_be_visible()
    page.get_by_role("link", name="Connect a database").click()
    page.wait_for_url("**/console/connections/new?kind=postgres")
    bucket = make_bucket(admin, strict)
    save_export(service, strict, bucket, IamUser(admin, everything(bucket)))
    connect(service, shop)
    sync(page)
    page.get_by_role("link", name="Drift", exact=True).click()
    assert page.get_by_role("heading", level=1).inner_text() == "Drift"
    total = findings(service)["total"]
    assert shown(page) == f"{total} findings"
    for kind in KINDS:
        expect(page.get_by_role("link", name=re.compile(rf"^\d+ {kind}$"))).to_be_visible()
    if script:
        check(page)

    # A total, a bar and the form lead to what they count.
    page.get_by_role("link", name=re.compile(r"^\d+ Excess$")).click()
    excess = findings(service, "&kind=EXCESS")["total"]
    assert shown(page) == f"{excess} findings of {total} findings"
    page.goto("/console/drift")
    page.get_by_role("link", name="tmp_migration", exact=True).first.click()
    assert shown(page).startswith(f"{findings(service, '&role=tmp_migration')['total']} findings of")
    page.goto("/console/drift")
    page.get_by_label("User", exact=True).fill("priya")
    page.get_by_role("button", name="Filter").click()
    page.wait_for_url("**user=priya**")
    priya = findings(service, "&user=priya")
    expect(page.locator("section[data-live] .bar .quiet")).to_have_text(f"{priya['total']} findings of {total} findings")
    missing = next(it["detail"] for it in priya["items"] if it["kind"] == "MISSING")
    expect(page.get_by_text(missing)).to_be_visible()
    page.goto("/console/drift?user=nobody")
    expect(page.get_by_text("There is no user “nobody”.")).to_be_visible()
    page.goto("/console/drift?user=priya")
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").click()
    rows = list(csv.DictReader(open(download.value.path(), newline="")))
    assert [(row["kind"], row["detail"]) for row in rows] == [(it["kind"], it["detail"]) for it in priya["items"]]

    # A finding carries its repair.
    page.goto("/console/drift")
    page.locator("details.code summary").first.click()
    repair = page.locator("details.code code").first.text_content()
    assert repair in {it["repair"] for it in findings(service)["items"]}
    if script:
        page.get_by_role("button", name="Copy the repair").first.click()
        page.get_by_text("Copied").wait_for()
        assert page.evaluate("navigator.clipboard.readText()") == repair
        check(page)

    # Why it is so, beside what the policies say; and what requires attention.
    page.goto("/console/drift?user=omar&kind=EXCESS_BLOCKED")
    page.get_by_role("link", name="Omar Haddad").last.click()
    expect(page.get_by_role("heading", name="What the database allows")).to_be_visible()
    expect(page.get_by_text("through sales_team")).to_be_visible()
    if script:
        check(page)
    page.goto("/console")
    page.get_by_role("link", name="that nothing grants").click()
    page.wait_for_url("**/console/drift?kind=EXCESS**")

    run_to_the_end(service)
    page.goto("/console/drift")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download repair of shop").click()
    assert download.value.suggested_filename == "repair-shop.sql"
    shop.run("--file", str(download.value.path()))
    sync(page)
    left = findings(service)
    assert 0 < left["total"] < total and [it for it in left["items"] if it["repair"]] == []
    # What no statement repairs says what to decide.
    page.goto("/console/drift")
    for finding in left["items"][:3]:
        assert finding["decision"].startswith("Decide ")
        expect(page.get_by_text(finding["decision"]).first).to_be_visible()
    run_to_the_end(service)
    page.goto("/console/drift")
    expect(page.get_by_role("heading", name="Findings of the last 2 runs")).to_be_visible()
    page.get_by_text("The same figures as a table").click()
    rows = page.locator("figure.chart tbody tr")
    expect(rows).to_have_count(2)
    figures = [[cell.inner_text() for cell in row.locator("td").all()] for row in rows.all()]
    assert sum(map(int, figures[0])) == left["total"] and sum(map(int, figures[1])) == total
    if script:
        check(page)


def test_who_may_not_see_it_is_refused(browse, start, shop):
    service = start()
    connect(service, shop)
    page = browse(service.key_of("omar"), at=service)
    assert page.get_by_role("link", name="Drift", exact=True).count() == 0
    for path in ["", "/csv", "/repair?connection=shop"]:
        assert page.request.get(f"/console/drift{path}").status == 403, path


class Receiver:
    """What the webhook is sent to."""

    def __init__(self):
        self.messages = messages = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                messages.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"

    def found(self):
        return [message["data"] for message in self.messages if message["type"] == "drift.found"]


def gauge(service, kind):
    text = urllib.request.urlopen(f"{service.url}/metrics").read().decode()
    line = re.search(rf'^domesday_drift_findings\{{connection="shop",kind="{kind}"\}} (\d+)$', text, re.M)
    return line and int(line[1])


def test_new_findings_reach_the_webhook_once(browse, start, shop):
    receiver = Receiver()
    service = start(DOMESDAY_WEBHOOK_URL=receiver.url, DOMESDAY_WEBHOOK_SECRET="whsec_" + "c2VjcmV0" * 5)
    connect(service, shop)

    def sync_now():
        status, answer = service.call("POST", "/api/v1/connections/shop/syncs", {})
        assert (status, answer["state"]) == (200, "succeeded"), answer

    sync_now()
    found = findings(service)
    wait_for(lambda: receiver.found(), "the first message")
    [first] = receiver.found()
    assert (first["connection"], first["newFindings"]) == ("shop", found["total"])
    assert first["details"] == [it["detail"] for it in found["items"][:10]]
    assert sum(first["findings"].values()) == found["total"]
    assert gauge(service, "EXCESS") == first["findings"]["EXCESS"] > 0

    # Nothing is new. Then one grant is, after a second sync that would tell of the rest.
    sync_now()
    shop.run("-c", "GRANT USAGE ON SCHEMA support TO omar", "-c", "GRANT SELECT ON support.ticket TO omar")
    sync_now()
    wait_for(lambda: len(receiver.found()) > 1, "the second message")
    [_, second] = receiver.found()
    new = [it for it in findings(service)["items"] if it["detail"] not in {old["detail"] for old in found["items"]}]
    assert second["details"] == [it["detail"] for it in new][:10] and second["newFindings"] == len(new) > 0
    assert gauge(service, "EXCESS") == second["findings"]["EXCESS"]

    # A connection that is gone has no findings.
    assert service.call("DELETE", "/api/v1/connections/shop")[0] == 204
    status, _ = service.call("GET", "/api/v1/drift?connection=shop")
    assert status == 404
