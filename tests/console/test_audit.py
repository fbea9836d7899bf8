"""The audit log: filters, pages, changes as before and after, verification."""

import datetime
import re

import pytest
from axe_playwright_python.sync_playwright import Axe

RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


def heading(page):
    return page.get_by_role("heading", level=1).inner_text()


def change_a_user(service):
    """Changes a user, and returns the number of the entry."""
    user = service.call("GET", "/api/v1/users/timo.bauer")[1]["document"]
    changed = {**user, "title": "Senior Recruiter", "groups": [*user.get("groups", []), "Sales"]}
    assert service.call("PUT", "/api/v1/users/timo.bauer", changed)[0] == 200
    assert service.call("PUT", "/api/v1/users/timo.bauer", user)[0] == 200
    return user


def test_an_auditor_finds_a_change(service, browse):
    user = change_a_user(service)
    page = browse(service.key_of("jonas.keller"))
    page.get_by_role("navigation", name="Console").get_by_role("link", name="Audit log").click()
    assert heading(page) == "Audit log"
    find_the_change(page, user)
    page.get_by_role("link", name="In the audit log").first.click()
    assert heading(page) == "Audit log"


def test_an_auditor_finds_a_change_without_scripts(service, browse):
    user = change_a_user(service)
    page = browse(service.key_of("jonas.keller"), java_script_enabled=False)
    page.goto("/console/audit")
    find_the_change(page, user)


def find_the_change(page, user):
    page.get_by_label("Object", exact=True).fill("timo.bauer")
    page.get_by_label("Kind").select_option("users")
    page.get_by_role("button", name="Filter").click()
    page.wait_for_url("**object=timo.bauer**")
    row = page.locator("table.log tbody tr").first
    row.get_by_text("Changed user").wait_for()
    assert row.locator("del").first.inner_text() == "Sales"
    assert row.locator("del").nth(1).inner_text() == "Senior Recruiter"
    assert row.locator("ins").first.inner_text() == user["title"]
    # Only what changed: no other field is shown.
    assert row.locator("dt").all_inner_texts() == ["groups", "title"]
    row.get_by_role("link", name="Entry").click()
    assert heading(page).startswith("Entry ")
    assert page.get_by_text("users/timo.bauer").count() == 1
    page.locator(".sub").get_by_role("link", name="timo.bauer").click()
    assert heading(page) == user["name"]


def test_the_log_is_filtered_paged_and_saved_as_csv(service, browse):
    page = browse(service.key_of("jonas.keller"))
    page.goto("/console/audit?kind=users&action=create")
    first = page.locator("table.log tbody tr").first.inner_text()
    total = int(re.search(r"([\d,]+) entries of", page.locator("section .quiet").first.inner_text())[1])
    page.get_by_role("link", name="Older").click()
    page.wait_for_url("**before=**")
    page.wait_for_function("text => document.querySelector('table.log tbody tr').innerText !== text", arg=first)
    page.get_by_role("link", name="Newer").click()
    page.wait_for_url("**after=**")
    page.wait_for_function("text => document.querySelector('table.log tbody tr').innerText === text", arg=first)
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").click()
    lines = open(download.value.path(), newline="").read().strip().split("\r\n")
    assert lines[0] == "seq,at,actor,action,target,before,after,from_address,hash"
    assert len(lines) - 1 == total
    today = datetime.date.today()
    for days, is_empty in [(0, False), (3, True)]:
        page.goto(f"/console/audit?from={today + datetime.timedelta(days=days)}")
        assert (page.get_by_text("No entry fits the filter.").count() == 1) == (is_empty), days
    page.goto("/console/audit?from=yesterday")
    page.get_by_text("is not a day").wait_for()
    page.goto("/console/audit?person=nobody.at.all")
    page.get_by_text("No entry fits the filter.").wait_for()


def test_the_chain_is_verified(service, browse):
    page = browse(service.key_of("jonas.keller"))
    page.goto("/console/audit")
    page.get_by_role("button", name="Verify chain").click()
    page.get_by_text(re.compile(r"The audit log is intact: [\d,]+ entries")).wait_for()
    assert re.fullmatch(r"\d+:[0-9a-f]{64}", page.locator("#anchor").inner_text())


def test_only_those_who_may_read_the_log(service, browse):
    for username in ["frank.albrecht", "mira.shah"]:
        page = browse(service.key_of(username))
        page.goto("/console/profile")
        assert page.get_by_role("link", name="Audit log").count() == 0
        token = page.locator("input[name=csrf]").first.input_value()
        for path in ["/console/audit", "/console/audit/1", "/console/audit.csv"]:
            assert page.request.get(path).status == 403, path
        assert page.request.post("/console/audit/verify", form={"csrf": token}).status == 403
    page = browse(service.key_of("jonas.keller"))
    assert page.request.post("/console/audit/verify", form={"csrf": "x"}).status == 403
    assert page.request.get("/console/audit/99999999").status == 404


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_log_is_accessible_and_fits_a_phone(service, browse, scheme):
    page = browse(service.key, color_scheme=scheme)
    axe = Axe()
    for path in ["/console/audit", "/console/audit?person=x", "/console/audit/1"]:
        page.set_viewport_size({"width": 1280, "height": 900})
        page.goto(path)
        found = axe.run(page, options=RULES)
        assert found.violations_count == 0, f"{path}: {found.generate_report()}"
        page.set_viewport_size({"width": 360, "height": 740})
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= 360, f"{path} is {width} wide"
