"""Data sources, users, groups, tags and domains: lists, single pages and forms."""

import re
import urllib.parse

import pytest
from axe_playwright_python.sync_playwright import Axe

RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}

KINDS = ["data-sources", "users", "groups", "tags", "domains"]

HOSTILE = '<b onclick="x">&amp;"\' \u202eevil\u202c'


def heading(page):
    return page.get_by_role("heading", level=1).inner_text()


def paths(service):
    source, user = service.id_of("data-sources", "Dealer Contacts"), service.id_of("users", "frank.albrecht")
    return [
        *(f"/console/{kind}" for kind in KINDS),
        *(f"/console/{kind}?new" for kind in KINDS),
        f"/console/data-sources/{source}",
        f"/console/data-sources/{source}/edit",
        f"/console/data-sources/{source}/delete",
        f"/console/users/{user}",
        f"/console/users/{user}/edit",
        f"/console/users/{user}/delete",
        "/console/groups/Sales",
        "/console/groups/Sales/edit",
        "/console/groups/Sales/delete",
        "/console/tags/PII",
        "/console/tags/PII/edit",
        "/console/tags/PII/delete",
        "/console/domains/Customer",
        "/console/domains/Customer/edit",
        "/console/domains/Customer/delete",
    ]


def test_lists_are_filtered_sorted_and_saved_as_csv(service, browse):
    page = browse(service.key_of("jonas.keller"))
    page.get_by_role("navigation", name="Console").get_by_role("link", name="Users").click()
    assert heading(page) == "Users"
    total = int(re.search(r"(\d+) users", page.locator("section .quiet").first.inner_text())[1])
    _, document = service.call("GET", "/api/v1/users?limit=1")
    assert total == document["total"]
    page.get_by_label("Group", exact=True).select_option("Sales")
    page.wait_for_url("**group=Sales**")
    page.get_by_text(re.compile(r"\d+ users of \d+ users")).wait_for()
    page.get_by_role("link", name="Name", exact=True).click()
    page.wait_for_url("**sort=%2Dname**")
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").click()
    lines = open(download.value.path(), newline="").read().strip().split("\r\n")
    assert lines[0].startswith("username,name,email")
    members = [user for user in users(service) if "Sales" in user.get("groups", [])]
    assert len(lines) - 1 == len(members)
    page.goto("/console/users?group=Nobody+knows+it")
    page.get_by_text("No row fits the filter.").wait_for()
    page.goto("/console/data-sources?q=dealer+con")
    page.get_by_role("link", name="Dealer Contacts", exact=True).click()
    assert heading(page) == "Dealer Contacts"
    assert page.get_by_role("heading", name="Columns").count() == 1
    page.locator("dl").get_by_role("link", name="Frank Albrecht").click()
    assert heading(page) == "Frank Albrecht"
    page.get_by_role("link", name="Access", exact=True).click()
    page.wait_for_url("**/console/access/user/**")
    page.goto("/console/tags/PII")
    assert page.get_by_role("heading", name="Data sources with it").count() == 1


def users(service):
    found, cursor = [], ""
    while True:
        _, document = service.call("GET", f"/api/v1/users?limit=1000{cursor}")
        found += [user["document"] for user in document["items"]]
        if "nextCursor" not in document:
            return found
        cursor = "&cursor=" + document["nextCursor"]


def test_a_group_is_created_edited_and_deleted(service, browse):
    story_of_a_group(service, browse(service.key), "Night shift")


def test_a_group_is_created_edited_and_deleted_without_scripts(service, browse):
    story_of_a_group(service, browse(service.key, java_script_enabled=False), "Day shift")


def story_of_a_group(service, page, name):
    page.goto("/console/groups")
    page.get_by_role("link", name="New group").click()
    assert heading(page) == "New group"
    page.get_by_label("Name").fill(name)
    page.get_by_label("Attributes").fill("Region: EU")
    page.get_by_role("button", name="Create").click()
    # The mistake is beside its field, and what was typed is kept.
    assert page.get_by_label("Name").input_value() == name
    page.get_by_text("has no `=`").wait_for()
    page.get_by_label("Attributes").fill("Region = EU\nShift = Night")
    page.get_by_role("button", name="Create").click()
    assert heading(page) == name
    page.get_by_text(f"“{name}” is created.").wait_for()
    page.get_by_role("link", name="Edit").click()
    page.get_by_label("Description").fill("Those who work at night")
    page.get_by_role("button", name="Save").click()
    page.get_by_text("Saved: Description.").wait_for()
    _, stored = service.call("GET", f"/api/v1/groups/{urllib.parse.quote(name)}")
    assert stored["document"] == {
        "name": name,
        "description": "Those who work at night",
        "attributes": {"Region": ["EU"], "Shift": ["Night"]},
    }
    history = page.locator("section", has=page.get_by_role("heading", name="History"))
    assert history.locator("tbody tr").count() == 2
    assert history.locator("ins").first.inner_text() == "Those who work at night"
    page.get_by_role("link", name="Delete").click()
    assert heading(page) == f"Delete the group “{name}”?"
    page.get_by_role("button", name="Delete").click()
    page.get_by_text("The group is deleted.").wait_for()
    assert service.call("GET", f"/api/v1/groups/{urllib.parse.quote(name)}")[0] == 404


@pytest.mark.parametrize("scripts", [True, False])
def test_a_domain_is_created_edited_and_deleted(service, browse, scripts):
    name = "Night trains" if scripts else "Day trains"
    path = f"/api/v1/domains/{urllib.parse.quote(name)}"
    page = browse(service.key_of("jonas.keller"), java_script_enabled=scripts)
    page.goto("/console/domains")
    page.get_by_role("link", name="New domain").click()
    assert heading(page) == "New domain"
    page.get_by_label("Name").fill(name)
    permissions = page.get_by_label("Permissions inside it")
    permissions.fill("laura.winter MANAGE_POLICIES")
    page.get_by_role("button", name="Create").click()
    # The mistake is beside its field, and what was typed is kept.
    assert "has no `=`" in page.locator("#permissions-e").inner_text()
    assert page.get_by_label("Name").input_value() == name
    permissions.fill("nobody.here = MANAGE_POLICIES")
    page.get_by_role("button", name="Create").click()
    assert "nobody.here" in page.locator("#permissions-e").inner_text()
    permissions.fill("laura.winter = MANAGE_POLICIES\nfrank.albrecht = APPROVE")
    page.get_by_role("button", name="Create").click()
    page.get_by_text(f"“{name}” is created.").wait_for()
    row = page.get_by_role("row", name=re.compile("^Laura Winter"))
    assert "MANAGE_POLICIES" in row.inner_text()
    page.get_by_role("link", name="Edit", exact=True).click()
    page.get_by_label("Description").fill("Everything that runs on rails")
    page.get_by_role("button", name="Save").click()
    page.get_by_text("Saved: Description.").wait_for()
    assert service.call("GET", path)[1]["document"] == {
        "name": name,
        "description": "Everything that runs on rails",
        "permissions": [
            {"user": "laura.winter", "permission": "MANAGE_POLICIES"},
            {"user": "frank.albrecht", "permission": "APPROVE"},
        ],
    }
    history = page.locator("section", has=page.get_by_role("heading", name="History"))
    assert history.locator("tbody tr").count() == 2
    # Nobody changes their own permissions inside a domain: what the API refuses, the page refuses.
    page.get_by_role("link", name="Edit", exact=True).click()
    page.get_by_label("Permissions inside it").fill("jonas.keller = MANAGE_POLICIES")
    page.get_by_role("button", name="Save").click()
    page.get_by_text("Nobody changes their own permissions inside a domain").wait_for()
    page.get_by_role("link", name="Cancel").click()
    page.get_by_role("link", name="Delete", exact=True).click()
    assert heading(page) == f"Delete the domain “{name}”?"
    page.get_by_role("button", name="Delete").click()
    page.get_by_text("The domain is deleted.").wait_for()
    assert service.call("GET", path)[0] == 404
    # One with data sources stays, and the page says what is in the way.
    page.goto("/console/domains/Customer/delete")
    page.get_by_role("button", name="Delete").click()
    page.get_by_text("Other objects refer to it").wait_for()
    assert service.call("GET", "/api/v1/domains/Customer")[0] == 200


def test_numbers_of_domains_lead_to_the_rows_behind_them(service, browse):
    page = browse(service.key_of("ingrid.petersen"))
    page.goto("/console/domains?sort=-sources")
    row = page.locator("tbody tr").first
    name, count = row.locator("th a").inner_text(), int(row.locator("td.n").first.inner_text())
    row.locator("td.n a").first.click()
    assert page.get_by_label("Domain", exact=True).input_value() == name
    page.get_by_text(re.compile(rf"^{count} data sources? of")).wait_for()
    page.goto("/console/domains")
    assert page.get_by_role("link", name="New domain").count() == 0
    assert page.goto("/console/domains?new").status == 403


@pytest.mark.parametrize("scripts", [True, False])
def test_more_columns_than_a_form_takes_are_edited_page_by_page(service, browse, scripts):
    columns = [{"name": f"c{at}", "type": "INT", "description": "é" * 100} for at in range(430)]
    body = {"name": "Wide table", "platform": "postgres", "columns": columns}
    assert service.call("PUT", "/api/v1/data-sources/Wide%20table", body)[0] in (200, 201)
    page = browse(service.key, java_script_enabled=scripts)
    page.goto(f"/console/data-sources/{service.id_of('data-sources', 'Wide table')}/edit")
    page.get_by_label("Type of column c7", exact=True).fill("TEXT")
    page.get_by_role("button", name="Save and edit columns 101–200").click()
    page.get_by_label("Name of column c150", exact=True).fill("")
    page.get_by_label("Tags of column c151", exact=True).fill("PII\nNo such tag")
    page.get_by_role("button", name="Save", exact=True).click()
    # A mistake keeps the page and what was typed.
    assert "No such tag" in page.locator("#columns .error").inner_text()
    assert page.get_by_label("Tags of column c151", exact=True).input_value() == "PII\nNo such tag"
    page.get_by_label("Tags of column c151", exact=True).fill("PII")
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_text("Saved: Columns.").wait_for()
    page.get_by_role("link", name="Edit", exact=True).click()
    page.get_by_role("link", name="401–429").click()
    page.get_by_label("Name of column 430", exact=True).fill("last")
    page.get_by_label("Type of column 430", exact=True).fill("DATE")
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_text("Saved: Columns.").wait_for()
    expected = [dict(column) for column in columns]
    expected[7]["type"] = "TEXT"
    expected[151]["tags"] = ["PII"]
    del expected[150]
    expected.append({"name": "last", "type": "DATE"})
    assert service.call("GET", "/api/v1/data-sources/Wide%20table")[1]["document"]["columns"] == expected
    service.call("DELETE", "/api/v1/data-sources/Wide%20table")


def test_a_user_is_edited_disabled_and_enabled(service, browse):
    page = browse(service.key)
    page.goto("/console/users?new")
    page.get_by_label("Username").fill("nora.neu")
    page.get_by_role("textbox", name="Groups").fill("Sales\nSalez")
    page.get_by_role("button", name="Create").click()
    page.get_by_text("Salez").last.wait_for()
    assert "Groups" in page.get_by_role("alert").inner_text()
    page.get_by_role("textbox", name="Groups").fill("Sales")
    page.get_by_label("Attributes").fill("Team = A = B\nTeam = C")
    page.get_by_label("AUDIT").check()
    page.get_by_role("button", name="Create").click()
    assert heading(page) == "nora.neu"
    _, stored = service.call("GET", "/api/v1/users/nora.neu")
    document = stored["document"]
    assert document["attributes"] == {"Team": ["A = B", "C"]} and document["permissions"] == ["AUDIT"]
    page.get_by_role("button", name="Disable").click()
    page.get_by_text("“nora.neu” is disabled.").wait_for()
    page.get_by_role("button", name="Enable").click()
    page.get_by_text("“nora.neu” is enabled.").wait_for()
    # What the form shows and nobody touched stays as it was.
    page.get_by_role("link", name="Edit").click()
    page.get_by_role("button", name="Save").click()
    page.get_by_text("Nothing was changed.").wait_for()
    assert service.call("GET", "/api/v1/users/nora.neu")[1]["document"] == document
    page.get_by_role("link", name="Delete").click()
    page.get_by_role("button", name="Disable instead").click()
    page.get_by_text("“nora.neu” is disabled.").wait_for()
    page.get_by_role("link", name="Delete").click()
    page.get_by_role("button", name="Delete").click()
    page.get_by_text("The user is deleted.").wait_for()


def test_a_change_made_meanwhile_is_not_overwritten(service, browse):
    service.call("PUT", "/api/v1/tags/Meanwhile", {"name": "Meanwhile"})
    page = browse(service.key)
    page.goto("/console/tags/Meanwhile/edit")
    page.get_by_label("Description").fill("mine")
    service.call("PUT", "/api/v1/tags/Meanwhile", {"name": "Meanwhile", "description": "theirs"})
    page.get_by_role("button", name="Save").click()
    page.get_by_text("somebody changed this in the meantime").wait_for()
    assert page.get_by_label("Description").input_value() == "mine"
    assert service.call("GET", "/api/v1/tags/Meanwhile")[1]["document"]["description"] == "theirs"
    page.get_by_role("link", name="edit it again").click()
    assert page.get_by_label("Description").input_value() == "theirs"


def test_columns_are_edited_and_what_is_referred_to_is_not_deleted(service, browse):
    columns = [
        {"name": "id", "type": "INT", "nullable": False, "tags": ["PII"], "description": "The number"},
        {"name": "mail", "type": "TEXT"},
    ]
    body = {"name": "Form columns", "platform": "postgres", "columns": columns}
    assert service.call("PUT", "/api/v1/data-sources/Form%20columns", body)[0] == 201
    page = browse(service.key)
    page.goto(f"/console/data-sources/{service.id_of('data-sources', 'Form columns')}/edit")
    page.get_by_label("Tags of column mail").fill("PII\nSecret")
    page.get_by_label("Name of column 3").fill("day")
    page.get_by_label("Type of column 3").fill("DATE")
    page.get_by_role("button", name="Save").click()
    page.get_by_text("There is no tag").or_(page.get_by_text("Saved: Columns.")).first.wait_for()
    if page.get_by_role("alert").count():
        page.get_by_label("Tags of column mail").fill("PII")
        page.get_by_role("button", name="Save").click()
        page.get_by_text("Saved: Columns.").wait_for()
    _, stored = service.call("GET", "/api/v1/data-sources/Form%20columns")
    found = stored["document"]["columns"]
    assert found[0] == columns[0] and found[2] == {"name": "day", "type": "DATE"}
    assert "PII" in found[1]["tags"]
    page.goto("/console/tags/PII/delete")
    page.get_by_role("button", name="Delete").click()
    page.get_by_text("Other objects refer to it").wait_for()
    service.call("DELETE", "/api/v1/data-sources/Form%20columns")


def test_people_without_the_permission_get_neither_pages_nor_forms(service, browse):
    own = service.id_of("users", "frank.albrecht")
    page = browse(service.key_of("frank.albrecht"))
    assert page.get_by_role("navigation", name="Console").get_by_role("link", name="Users").count() == 0
    page.goto("/console/profile")
    token = page.locator("input[name=csrf]").first.input_value()

    def status(method, path):
        if method == "GET":
            return page.request.get(path, max_redirects=0).status
        return page.request.post(path, form={"csrf": token, "etag": "x", "name": "x"}, max_redirects=0).status

    for path in paths(service):
        if path == f"/console/users/{own}":
            continue
        assert status("GET", path) == 403, path
        if path.endswith("?new"):
            assert status("POST", path.removesuffix("?new")) == 403, path
        if path.endswith(("/edit", "/delete")):
            assert status("POST", path) == 403, path
    for kind in KINDS:
        assert status("GET", f"/console/{kind}.csv") == 403
    assert status("POST", f"/console/users/{own}/status") == 403
    # Users see themselves, and no button.
    page.goto(f"/console/users/{own}")
    assert heading(page) == "Frank Albrecht"
    for name in ["Edit", "Delete"]:
        assert page.get_by_role("link", name=name, exact=True).count() == 0
    assert page.get_by_role("heading", name="History").count() == 0


def test_auditors_read_and_owners_edit_their_own(service, browse):
    auditors = (user for user in users(service) if user.get("permissions") == ["AUDIT"])
    auditor = next(user for user in auditors if user["status"] == "active")
    page = browse(service.key_of(auditor["username"]))
    page.goto("/console/groups/Sales")
    assert heading(page) == "Sales" and page.get_by_role("link", name="Edit", exact=True).count() == 0
    assert page.request.get("/console/groups/Sales/edit").status == 403

    service.call("PUT", "/api/v1/data-sources/Own%20table", {
        "name": "Own table", "platform": "s3", "owners": ["mira.shah"],
    })
    owner = browse(service.key_of("mira.shah"))
    owner.goto(f"/console/data-sources/{service.id_of('data-sources', 'Own table')}")
    owner.get_by_role("link", name="Edit", exact=True).click()
    owner.get_by_label("Host").fill("warehouse")
    owner.get_by_role("button", name="Save").click()
    owner.get_by_text("Saved: Host.").wait_for()
    owner.goto(f"/console/data-sources/{service.id_of('data-sources', 'Dealer Contacts')}")
    assert owner.get_by_role("link", name="Edit", exact=True).count() == 0


def test_hostile_text_is_shown_as_text(service, browse):
    long = "x" * 250
    key = urllib.parse.quote(HOSTILE, safe="")
    group = {"name": HOSTILE, "description": HOSTILE, "attributes": {HOSTILE: [HOSTILE, long]}}
    assert service.call("PUT", f"/api/v1/groups/{key}", group)[0] == 201
    user = {"username": HOSTILE, "name": long, "title": HOSTILE, "department": HOSTILE, "groups": [HOSTILE]}
    assert service.call("PUT", f"/api/v1/users/{key}", user)[0] == 201
    tag = {"name": HOSTILE.replace(".", ""), "description": long}
    assert service.call("PUT", f"/api/v1/tags/{key}", tag)[0] == 201
    source = {
        "name": HOSTILE, "platform": HOSTILE, "owners": [HOSTILE], "tags": [HOSTILE],
        "columns": [{"name": HOSTILE, "type": HOSTILE, "tags": [HOSTILE], "description": long}],
    }
    assert service.call("PUT", f"/api/v1/data-sources/{key}", source)[0] == 201
    domain = {"name": HOSTILE, "description": long, "permissions": [{"user": HOSTILE, "permission": HOSTILE}]}
    assert service.call("PUT", f"/api/v1/domains/{key}", domain)[0] == 201
    page = browse(service.key, viewport={"width": 360, "height": 740})
    user_id, source_id = service.id_of("users", HOSTILE), service.id_of("data-sources", HOSTILE)
    try:
        for path in [
            f"/console/groups/{key}", f"/console/groups/{key}/edit", f"/console/groups/{key}/delete",
            f"/console/domains/{key}", f"/console/domains/{key}/edit", f"/console/domains?q={key}",
            f"/console/tags/{key}", f"/console/users/{user_id}", f"/console/users/{user_id}/edit",
            f"/console/data-sources/{source_id}", f"/console/data-sources/{source_id}/edit",
            f"/console/users?q={key}", f"/console/data-sources?q={key}", f"/console/groups?q={key}",
            f"/console/audit?object={key}",
        ]:
            page.goto(path)
            assert page.locator("b[onclick]").count() == 0, path
            assert page.evaluate("document.documentElement.scrollWidth") <= 360, path
        page.goto(f"/console/groups/{key}")
        assert heading(page) == HOSTILE
        # What the form shows and nobody touched stays as it was.
        page.goto(f"/console/domains/{key}/edit")
        page.get_by_role("button", name="Save").click()
        page.get_by_text("Nothing was changed.").wait_for()
        assert service.call("GET", f"/api/v1/domains/{key}")[1]["document"] == domain
    finally:
        for kind in ["data-sources", "domains", "tags", "users", "groups"]:
            service.call("DELETE", f"/api/v1/{kind}/{key}")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_lists_and_forms_are_accessible(service, browse, scheme):
    page = browse(service.key, color_scheme=scheme)
    axe = Axe()
    for path in paths(service):
        page.goto(path)
        found = axe.run(page, options=RULES)
        assert found.violations_count == 0, f"{path}: {found.generate_report()}"


def test_lists_and_forms_fit_a_phone(service, browse):
    page = browse(service.key, viewport={"width": 360, "height": 740})
    for path in paths(service):
        page.goto(path)
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= 360, f"{path} is {width} wide"
