"""What people do with the console, in a real browser."""

import re
import subprocess

import pytest
from axe_playwright_python.sync_playwright import Axe

RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


def test_the_link_of_the_first_start_signs_in_and_a_key_is_created_used_and_revoked(first_start, browse):
    page = browse(at=first_start)
    page.goto(first_start.link)
    assert page.get_by_role("heading", level=1).inner_text() == "Overview"
    page.goto("/console/profile")
    page.get_by_role("link", name="New API key").click()
    page.get_by_label("Name").fill("Laptop")
    page.get_by_role("button", name="Create").click()
    page.get_by_role("button", name="Copy").click()
    page.get_by_text("Copied").wait_for()
    secret = page.evaluate("navigator.clipboard.readText()")
    assert re.fullmatch(r"domesday_[\w-]{43}", secret)

    def curl():
        command = ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "-H", f"Authorization: Bearer {secret}"]
        return subprocess.run([*command, f"{first_start.url}/api/v1/users"], capture_output=True, text=True).stdout

    assert curl() == "200"
    page.goto("/console/profile")
    assert secret not in page.content()
    page.get_by_role("button", name="Revoke Laptop").click()
    assert page.get_by_role("heading", level=1).inner_text() == "Revoke the key “Laptop”?"
    page.get_by_role("button", name="Revoke").click()
    page.get_by_text("The key “Laptop” is revoked.").wait_for()
    assert curl() == "401"
    page.get_by_role("button", name="Sign out").click()
    page.get_by_text("You are signed out.").wait_for()
    page.goto("/console/profile")
    assert "/sign-in" in page.url


def test_a_source_a_user_and_a_pair_are_explored(service, browse):
    page = browse(service.key_of("jonas.keller"))
    page.keyboard.press("/")
    page.keyboard.type("dealer con", delay=10)
    suggestion = page.locator(".suggestions a", has_text="Dealer Contacts").first
    suggestion.wait_for()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.get_by_role("heading", level=1, name="Dealer Contacts").wait_for()
    verdict = page.locator(".verdict").inner_text()
    assert "can read it" in verdict, verdict
    # The filter narrows the list without loading the page again.
    page.evaluate("window.stays = true")
    page.get_by_label("Outcome", exact=True).select_option("BLOCKED")
    page.wait_for_url("**outcome=BLOCKED**")
    page.wait_for_function("document.querySelectorAll('.chip.granted').length <= 1")
    assert page.evaluate("window.stays") is True
    page.get_by_role("link", name="Why Frank Albrecht, Read").click()
    assert page.get_by_role("heading", level=1).inner_text() == "Why"
    assert "Frank Albrecht cannot read Dealer Contacts: granted as an owner" in page.locator(".verdict").inner_text()
    assert page.locator(".tree").get_by_text("GDPR training").count() == 1
    assert "Have the attribute Training = GDPR.2026" in page.locator(".steps").inner_text()
    page.locator(".crumbs").get_by_role("link", name="Frank Albrecht").click()
    page.get_by_role("heading", level=1, name="Frank Albrecht").wait_for()
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").click()
    text = open(download.value.path(), newline="").read()
    assert text.startswith("user,name,title,data_source,") and "frank.albrecht" in text


def test_a_person_without_permissions_sees_their_own_access_only(service, browse):
    page = browse(service.key_of("frank.albrecht"))
    own, other = service.id_of("users", "frank.albrecht"), service.id_of("users", "jonas.keller")
    page.goto(f"/console/access/user/{own}")
    page.get_by_role("heading", level=1, name="Frank Albrecht").wait_for()
    page.goto(f"/console/access/user/{other}")
    page.get_by_role("heading", level=1, name="Not permitted").wait_for()
    assert "requires the permission AUDIT or GOVERNANCE" in page.locator(".sub").inner_text()


def pages(service):
    source, user = service.id_of("data-sources", "Dealer Contacts"), service.id_of("users", "frank.albrecht")
    return [
        "/console/profile?new",
        "/console/access",
        "/console/access?q=a",
        f"/console/access/data-source/{source}",
        f"/console/access/user/{user}",
        f"/console/access/user/{user}/data-source/{source}",
        "/console/drift",
        "/console/nothing",
        "/sign-in?signed-out",
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_are_accessible(service, browse, scheme):
    page = browse(service.key_of("jonas.keller"), color_scheme=scheme)
    axe = Axe()
    for path in pages(service):
        page.goto(path)
        found = axe.run(page, options=RULES)
        assert found.violations_count == 0, f"{path}: {found.generate_report()}"


def test_pages_fit_a_phone(service, browse):
    page = browse(service.key_of("jonas.keller"), viewport={"width": 360, "height": 740})
    for path in pages(service):
        page.goto(path)
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= 360, f"{path} is {width} wide"
    page.goto("/console/access")
    page.get_by_role("link", name="Menu").click()
    page.get_by_role("link", name="Who can reach what").first.wait_for(state="visible")


def test_everything_works_without_scripts(service, browse):
    page = browse(service.key_of("jonas.keller"), java_script_enabled=False)
    page.goto("/console/access")
    page.locator("#q").fill("dealer contacts")
    page.get_by_role("button", name="Search", exact=True).click()
    page.get_by_role("link", name="Dealer Contacts").first.click()
    page.get_by_label("Outcome", exact=True).select_option("BLOCKED")
    page.get_by_role("button", name="Filter").click()
    assert "outcome=BLOCKED" in page.url
    page.get_by_role("link", name=re.compile("^Why Frank")).first.click()
    assert page.get_by_role("heading", level=1).inner_text() == "Why"
    page.goto("/console/profile")
    page.get_by_role("link", name="New API key").click()
    page.get_by_label("Name").fill("Without script")
    page.get_by_role("button", name="Create").click()
    assert page.locator("#secret").inner_text().startswith("domesday_")
