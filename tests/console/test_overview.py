"""The overview in a real browser: of those who read all access, of everybody else, and of a service that just started."""

import pathlib
import re
import sys

import pytest
from axe_playwright_python.sync_playwright import Axe

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "support"))

from s3 import admin, server, strict  # noqa: E402, F401
from test_export import RULES, run_to_the_end, start_delivering  # noqa: E402


@pytest.fixture
def delivered(tmp_path, admin, strict):  # noqa: F811
    """A service with a run, a change of a policy, and another run."""
    service = start_delivering(tmp_path, admin, strict)
    run_to_the_end(service)
    policy = {
        "name": "One more",
        "type": "grant",
        "level": "individuals",
        "individuals": {"users": ["frank.albrecht"]},
        "appliesTo": {"dataSources": ["Board Papers"]},
    }
    status, answer = service.call("PUT", "/api/v1/policies/One%20more", policy)
    assert status == 201, answer
    service.run = run_to_the_end(service)
    yield service
    service.stop()


def totals(page):
    """The figure and the notes of each total, by name."""
    found = {}
    for item in page.locator(".figures > div").all():
        name, *values = item.locator("dt, dd").all_inner_texts()
        found[name.strip()] = values
    return found


def test_last_nights_summary_its_totals_and_what_requires_attention(delivered, browse):
    page = browse(delivered.key_of("jonas.keller"), at=delivered)
    page.goto("/console")
    assert page.get_by_role("heading", level=1).inner_text() == "Overview"
    assert page.locator(".verdict").inner_text().startswith("The last summary arrived today")
    report = delivered.call("GET", f"/api/v1/access-summary/runs/{delivered.run}")[1]["report"]
    shown = totals(page)
    for name in ("granted", "blocked", "masked", "unmasked"):
        assert shown[name.capitalize()][0] == f"{report['outcomes'][name]:,}", name
    more = [name for name, values in shown.items() if re.match("1 more than on ", values[2])]
    assert set(more) & {"Granted", "Blocked"}, shown
    rows = sum(table["rows"] for table in report["tables"])
    page.get_by_role("link", name=f"{rows:,}", exact=True).click()
    assert delivered.run in page.url
    page.goto("/console")
    page.get_by_role("link", name=re.compile("requests? waits? for your decision")).click()
    assert "/console/requests" in page.url
    page.goto("/console")
    # The chart has its figures as a table too.
    page.get_by_text("The same figures as a table").click()
    assert page.locator("details.data tbody tr").count() == 2
    page.get_by_role("link", name="Public reference data").click()
    page.get_by_role("heading", level=1, name="Public reference data").wait_for()
    page.goto("/console")
    page.get_by_role("button", name="Run now").click()
    page.wait_for_url("**/console/runs/*")


def test_everybody_else_sees_what_concerns_them(service, browse):
    page = browse(service.key_of("frank.albrecht"))
    page.goto("/console")
    assert page.get_by_role("heading", level=1).inner_text() == "Overview"
    status, readable = service.call("GET", "/api/v1/access?user=frank.albrecht&scope=READ&outcome=GRANTED")
    assert status == 200, readable
    assert f"You can read {readable['total']} data sources" in page.locator(".verdict").inner_text()
    bars = [int(text) for text in page.locator(".bars td.n").all_inner_texts()]
    assert sum(bars) == readable["total"]
    content = page.content()
    assert "Last run" not in content and "Run now" not in content and "Widest policies" not in content
    page.get_by_role("link", name="See all, and why").click()
    page.get_by_role("heading", level=1, name="Frank Albrecht").wait_for()


def test_the_first_steps_are_on_the_first_overview(first_start, browse):
    page = browse(at=first_start)
    page.goto(first_start.link)
    assert page.get_by_role("heading", level=1).inner_text() == "Overview"
    steps = page.get_by_role("region", name="First steps")
    assert "done" in steps.locator("li", has_text="Load a catalog").inner_text()
    steps.get_by_role("link", name="Set up the export").click()
    page.get_by_role("heading", level=1, name="Set up the export").wait_for()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_both_are_accessible_and_fit_a_phone(delivered, browse, scheme):
    for username in ("jonas.keller", "frank.albrecht"):
        key = delivered.key_of(username)
        page = browse(key, at=delivered, color_scheme=scheme, viewport={"width": 360, "height": 740})
        page.goto("/console")
        found = Axe().run(page, options=RULES).response["violations"]
        assert found == [], [(item["id"], [node["html"] for node in item["nodes"]]) for item in found]
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= 360, f"{width} wide"
