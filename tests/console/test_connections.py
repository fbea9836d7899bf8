"""Connections in a real browser, with a real directory: set up with a live test, synced, refused, accepted, imported."""

import json
import pathlib
import re
import sys

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "support"))

from conftest import Service  # noqa: E402
from directory import PASSWORD, READER, SUFFIX, directory  # noqa: E402, F401

RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
HOSTILE = "\"><script>document.title='hacked'</script><b>'&\u202egpj.exe" + "x" * 300


@pytest.fixture
def start(tmp_path):
    """Starts a service that may read a directory."""
    services = []

    def start(settings):
        services.append(Service(tmp_path, settings))
        return services[-1]

    yield start
    for service in services:
        service.stop()


def settings(directory):  # noqa: F811
    return {
        "DOMESDAY_CONNECTIONS_ALLOWED_HOSTS": "localhost",
        "DOMESDAY_CONNECTIONS_CA_FILE": str(directory.authority),
    }


def title(page):
    return page.get_by_role("heading", level=1).inner_text()


def fill_in(page, directory):  # noqa: F811
    page.goto("/console/connections")
    assert title(page) == "Connections"
    page.get_by_role("link", name="New connection").first.click()
    page.get_by_label("LDAP").check()
    page.get_by_role("button", name="Continue").click()
    assert title(page) == "New LDAP connection"
    page.get_by_label("Name", exact=True).fill("corp")
    page.get_by_label("Address").fill(directory.url)
    page.get_by_label("Bind name").fill(READER)
    page.get_by_label("Base of users").fill(f"ou=People,{SUFFIX}")
    page.get_by_label("Base of groups").fill(f"ou=Groups,{SUFFIX}")
    # No sync by the schedule in the middle of the test.
    page.get_by_label("Schedule").fill("0 3 29 2 *")


def check_access(page):
    for scheme in ["light", "dark"]:
        # Without motion, no colour is between two schemes.
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        result = Axe().run(page, options=RULES)
        found = [(one["id"], [node["html"] for node in one["nodes"]]) for one in result.response["violations"]]
        assert found == [], (page.url, scheme, found)
    page.emulate_media(color_scheme="light")


def check_narrow(page):
    size = page.viewport_size
    page.set_viewport_size({"width": 360, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 360, page.url
    page.set_viewport_size(size)


def put(service, name, document):
    status, answer = service.call("PUT", f"/api/v1/connections/{name}", document)
    assert status in (200, 201), answer


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
def test_a_directory_is_set_up_read_refused_and_accepted(browse, start, directory, script):  # noqa: F811
    server = directory(people=40)
    service = start(settings(server))
    page = browse(service.key, at=service, java_script_enabled=script)
    fill_in(page, server)

    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Enter the password of the bind name.")).to_be_visible()
    page.get_by_label("Password").fill("not-the-password")
    page.get_by_role("button", name="Verify").click()
    expect(page.get_by_role("heading", name="It cannot be read")).to_be_visible()
    expect(page.locator(".checks .fail")).to_contain_text("does not accept the password")
    expect(page.locator(".checks .fix")).to_contain_text("the account may be locked")
    assert page.get_by_label("Base of users").input_value() == f"ou=People,{SUFFIX}"
    assert "not-the-password" not in page.content()

    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Verify").click()
    expect(page.get_by_role("heading", name="It can be read")).to_be_visible()
    expect(page.locator(".checks .ok")).to_contain_text("40 of 40 usable")
    assert PASSWORD not in page.content()
    if script:
        check_access(page)
        check_narrow(page)
    # The password that was typed is carried on.
    page.get_by_role("button", name="Save").click()
    assert title(page) == "corp"
    expect(page.get_by_text("The connection is created.")).to_be_visible()
    expect(page.get_by_text("kept sealed, never shown")).to_be_visible()
    assert PASSWORD not in page.content()

    page.get_by_role("button", name="Dry run").click()
    assert title(page) == "Dry run"
    expect(page.get_by_role("row", name=re.compile("^p0 user Add"))).to_be_visible()
    assert service.call("GET", "/api/v1/users/p0")[0] == 404
    page.get_by_role("button", name="Sync now").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Sync of")
    expect(page.locator(".chip", has_text="Succeeded")).to_be_visible()
    if script:
        check_access(page)
        check_narrow(page)
    status, person = service.call("GET", "/api/v1/users/p0")
    assert status == 200
    page.goto(f"/console/users/{person['id']}")
    expect(page.get_by_role("heading", name="Where it comes from")).to_be_visible()
    expect(page.get_by_role("row", name=re.compile("^E-mail corp"))).to_be_visible()
    page.goto(f"/console/users/{person['id']}/edit")
    expect(page.get_by_text("Connections give these values, which stay")).to_contain_text("E-mail (corp)")

    server.delete(*[f"p{number}" for number in range(12, 40)])
    page.goto("/console/connections")
    page.get_by_role("link", name="corp").click()
    page.get_by_role("button", name="Sync now").click()
    expect(page.locator(".chip", has_text="Refused")).to_be_visible()
    expect(page.get_by_text("28 of 40 users would be gone")).to_be_visible()
    page.goto("/console")
    page.get_by_role("link", name="The connection “corp” is refused").click()
    assert title(page) == "corp"
    if script:
        check_access(page)
        check_narrow(page)
    page.get_by_role("link", name="Accept and sync").click()
    assert title(page) == "Accept that 28 users are gone?"
    page.get_by_role("button", name="Accept and sync").click()
    expect(page.locator(".chip", has_text="Succeeded")).to_be_visible()
    status, person = service.call("GET", "/api/v1/users/p30")
    assert person["document"]["status"] == "disabled"
    page.goto(f"/console/users/{person['id']}")
    expect(page.get_by_text("Absent since", exact=True)).to_be_visible()

    # An edit keeps the password, unless it would be sent elsewhere.
    page.goto("/console/connections/corp/edit")
    page.get_by_label("Stale after").fill("soon")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#maxAge-e")).to_be_visible()
    page.get_by_label("Stale after").fill("12h")
    page.get_by_label("Address").fill("ldaps://elsewhere.example")
    page.get_by_role("button", name="Verify").click()
    expect(page.locator("#password-e")).to_contain_text("Enter the password")
    page.get_by_label("Address").fill(server.url)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("The connection is saved.")).to_be_visible()
    expect(page.get_by_text("12h without a complete sync")).to_be_visible()
    page.get_by_role("link", name="Delete").click()
    assert title(page) == "Delete the connection “corp”?"
    expect(page.locator(".sub")).to_contain_text("12 users, 1 group and 0 data sources")
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_text("The connection “corp” is deleted.")).to_be_visible()


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
def test_lists_are_imported_with_their_mistakes_by_line(browse, first_start, script):
    service = first_start
    put(service, "hr", {"kind": "csv"})
    page = browse(service.key, at=service, java_script_enabled=script)
    page.goto("/console/connections/hr")
    page.get_by_role("link", name="Import").click()

    def choose(users, memberships=None):
        page.get_by_label("Users").set_input_files(
            {"name": "people.csv", "mimeType": "text/csv", "buffer": users.encode()}
        )
        if memberships:
            page.get_by_label("Memberships").set_input_files(
                {"name": "memberships.csv", "mimeType": "text/csv", "buffer": memberships.encode()}
            )

    choose("username,status\nimport-ada,active\nimport-bob,perhaps\n")
    page.get_by_role("button", name="Import").click()
    expect(page.get_by_role("alert")).to_contain_text("1 mistake in the lists")
    expect(page.get_by_role("row", name=re.compile("people.csv:3:"))).to_be_visible()
    if script:
        check_access(page)
        check_narrow(page)
    everybody = "".join(f"import-{number},P{number}\n" for number in range(30))
    choose("username,name\n" + everybody, "group,username\nImported,import-1\n")
    page.get_by_role("button", name="Dry run").click()
    expect(page.get_by_role("row", name=re.compile("^import-0 user Add"))).to_be_visible()
    assert service.call("GET", "/api/v1/users/import-0")[0] == 404
    page.get_by_role("button", name="Import").click()
    expect(page.get_by_text("The files are imported.")).to_be_visible()
    status, person = service.call("GET", "/api/v1/users/import-1")
    assert status == 200 and person["document"]["groups"] == ["Imported"]

    # What a person gives beside the connection is shown with the person, to those who read the audit log.
    document = {**person["document"], "groups": ["Imported", "Sales"]}
    assert service.call("PUT", "/api/v1/users/import-1", document, service.key_of("susanne.ott"))[0] == 200
    auditor = browse(service.key_of("ingrid.petersen"), at=service, java_script_enabled=script)
    auditor.goto(f"/console/users/{person['id']}")
    sales = auditor.get_by_role("row", name=re.compile("^Groups: Sales"))
    expect(sales.get_by_role("link", name="Susanne Ott")).to_be_visible()

    page.goto("/console/connections/hr/import")
    choose("username,name\nimport-0,P0\n")
    page.get_by_role("button", name="Import").click()
    expect(page.get_by_text("29 of 30 users would be gone")).to_be_visible()
    page.get_by_role("button", name="Accept and import").click()
    expect(page.get_by_text("The files are imported.")).to_be_visible()
    assert service.call("GET", "/api/v1/users/import-1")[1]["document"]["status"] == "disabled"


def manifest(tables, **more):
    """A manifest as dbt writes it."""
    node = {"resource_type": "model", "package_name": "shop", "database": "fin", "schema": "shop", "tags": ["pii"], **more}
    version = "https://schemas.getdbt.com/dbt/manifest/v12.json"
    return {
        "metadata": {"dbt_schema_version": version, "adapter_type": "postgres"},
        "nodes": {f"model.shop.{table}": {**node, "name": table, "alias": table} for table in tables},
        "sources": {},
    }


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
def test_the_files_of_a_dbt_project_are_imported(browse, first_start, script):
    service = first_start
    page = browse(service.key, at=service, java_script_enabled=script)
    page.goto("/console/connections/new")
    page.get_by_label("dbt").check()
    page.get_by_role("button", name="Continue").click()
    page.get_by_label("Name", exact=True).fill("shop")
    page.get_by_label(re.compile("^Tags")).fill("pii = PII..")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Expected the dotted name of a tag")).to_be_visible()
    if script:
        check_access(page)
        check_narrow(page)
    page.get_by_label(re.compile("^Tags")).fill("pii = PII")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Import the manifest of the project.")).to_be_visible()
    page.get_by_role("link", name="Import").click()

    def choose(manifest):
        file = {"name": "manifest.json", "mimeType": "application/json", "buffer": json.dumps(manifest).encode()}
        page.get_by_label("Manifest").set_input_files(file)

    choose(manifest(["orders"], meta={"domesday": {"tag": "PII"}}))
    page.get_by_role("button", name="Import").click()
    expect(page.get_by_role("alert")).to_contain_text("1 mistake in the files")
    expect(page.get_by_role("row", name=re.compile("manifest.json.*model.shop.orders"))).to_be_visible()
    if script:
        check_access(page)
        check_narrow(page)
    choose(manifest([f"t{number}" for number in range(30)]))
    page.get_by_role("button", name="Dry run").click()
    expect(page.get_by_role("row", name=re.compile("^fin.shop.t0 data source Add"))).to_be_visible()
    page.get_by_role("button", name="Import").click()
    expect(page.get_by_text("The files are imported.")).to_be_visible()
    status, source = service.call("GET", "/api/v1/data-sources/fin.shop.t1")
    assert status == 200 and source["document"]["tags"] == ["PII"]

    page.goto("/console/connections/shop/import")
    choose(manifest(["t0"]))
    page.get_by_role("button", name="Import").click()
    expect(page.get_by_text("29 of 30 data sources would be gone")).to_be_visible()
    page.get_by_role("button", name="Accept and import").click()
    expect(page.get_by_text("The files are imported.")).to_be_visible()
    assert service.call("GET", "/api/v1/data-sources/fin.shop.t1")[1]["document"]["status"] == "disabled"


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
def test_a_token_is_shown_once_and_revoked(browse, first_start, script):
    service = first_start
    page = browse(service.key, at=service, java_script_enabled=script)
    page.goto("/console/connections/new?kind=scim")
    page.get_by_label("Name", exact=True).fill("okta")
    page.get_by_label("Attributes").fill("Title = title")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#scim-address")).to_contain_text("/scim/okta/v2")
    page.get_by_label("Name of a new token").fill(HOSTILE[:200])
    page.get_by_role("button", name="Create token").click()
    secret = page.locator("#secret").inner_text()
    assert len(secret) > 30
    if script:
        check_access(page)
        check_narrow(page)
        assert page.title() != "hacked"
    page.goto("/console/connections/okta")
    assert secret not in page.content()
    page.get_by_role("button", name="Revoke").click()
    page.get_by_role("button", name="Revoke").click()
    expect(page.get_by_text("The token is revoked.")).to_be_visible()
    expect(page.locator("#tokens").locator("xpath=ancestor::section")).to_contain_text("revoked")


def test_connections_are_filtered_and_saved_as_csv(browse, first_start):
    service = first_start
    for name, kind in [("hr", "csv"), ("okta", "scim"), ("entra", "scim")]:
        put(service, name, {"kind": kind})
    page = browse(service.key, at=service)
    page.goto("/console/connections")
    expect(page.get_by_text("3 connections", exact=True).first).to_be_visible()
    page.get_by_label("Kind", exact=True).select_option(label="SCIM")
    page.wait_for_url("**kind=scim**")
    expect(page.get_by_text("2 connections of 3 connections")).to_be_visible()
    page.get_by_role("link", name="Name", exact=True).click()
    page.wait_for_url("**sort=name**")
    expect(page.locator("tbody th a")).to_have_text(["entra", "okta"])
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").click()
    lines = open(download.value.path(), newline="").read().strip().split("\r\n")
    assert lines[0].startswith("name,kind,state,") and [line.split(",")[:3] for line in lines[1:]] == [
        ["entra", "scim", "never"], ["okta", "scim", "never"],
    ]
    page.get_by_label("State", exact=True).select_option(label="Failed")
    expect(page.get_by_text("No row fits the filter.")).to_be_visible()
    check_access(page)
    check_narrow(page)
    nobody = browse(service.key_of("frank.albrecht"), at=service)
    assert nobody.request.get("/console/connections.csv").status == 403


def test_what_is_typed_is_escaped_and_a_mistake_is_beside_its_field(browse, first_start):
    service = first_start
    page = browse(service.key, at=service)
    page.goto("/console/connections/new?kind=ldap")
    for label in ["Address", "Bind name", "Base of users"]:
        page.get_by_label(label).fill(HOSTILE)
    page.get_by_label("Name", exact=True).fill("a b")
    page.get_by_label("Fields of users").fill(HOSTILE)
    page.get_by_label("Password").fill("x")
    page.get_by_role("button", name="Verify").click()
    expect(page.locator("#name-e")).to_contain_text("A name has up to 64 letters")
    assert page.get_by_label("Address").input_value() == HOSTILE
    assert page.title() == "New LDAP connection · Domesday"
    check_access(page)
    check_narrow(page)
    put(service, "hr", {"kind": "csv", "map": {"username": HOSTILE}})
    page.goto("/console/connections/hr")
    expect(page.get_by_text(HOSTILE, exact=False).first).to_be_visible()
    assert page.title() == "hr · Domesday"
    check_access(page)
    check_narrow(page)
    page.goto("/console/connections")
    check_access(page)
    check_narrow(page)


def test_who_may_not_is_refused_pages_and_forms(browse, first_start):
    service = first_start
    put(service, "hr", {"kind": "csv"})
    put(service, "okta", {"kind": "scim"})
    page = browse(service.key_of("sophie.lang"), at=service)
    assert page.get_by_role("link", name="Connections").count() == 0
    page.goto("/console/profile")
    token = page.locator("input[name=csrf]").first.get_attribute("value")
    pages = ["", "/new", "/new?kind=csv", "/hr", "/hr/edit", "/hr/delete", "/hr/import", "/okta/syncs/csv"]
    for path in pages:
        assert page.request.get(f"/console/connections{path}").status == 403, path
    forms = ["/new", "/hr/edit", "/hr/delete", "/hr/sync", "/hr/dry-run", "/hr/import", "/okta/tokens"]
    for path in forms:
        form = {"csrf": token, "kind": "csv", "name": "x", "do": "save"}
        assert page.request.post(f"/console/connections{path}", form=form).status == 403, path
    upload = {"csrf": token, "users": {"name": "a.csv", "mimeType": "text/csv", "buffer": b"username\nx\n"}}
    assert page.request.post("/console/connections/hr/import", multipart=upload).status == 403
    assert service.call("GET", "/api/v1/connections")[1]["total"] == 2
