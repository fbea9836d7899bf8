"""Asking for data and deciding on it, in a real browser."""

import re
import urllib.parse

import pytest
from axe_playwright_python.sync_playwright import Axe

from test_console import RULES

PRODUCT = "Customer 360"
SOURCE = "Customers"
ASKS = "greta.simon"


@pytest.fixture(scope="module")
def keys(service):
    found = {}

    def key_of(username):
        if username not in found:
            found[username] = service.key_of(username)
        return found[username]

    return key_of


def ask_for(service, key, product=PRODUCT):
    """Asks for a product over the API, and returns the id of the request."""
    answers = {"purpose": "Test", "basis": "Contract", "retentionDays": 3, "assessed": True}
    body = {"dataProduct": product, "answers": answers, "agreements": ["Personal data handling"]}
    status, document = service.call("POST", "/api/v1/requests", body, key)
    assert status == 201, document
    return document["name"]


def status_of(service, request):
    return service.call("GET", f"/api/v1/requests/{urllib.parse.quote(request)}")[1]["document"]["status"]


def title(page):
    return page.get_by_role("heading", level=1).inner_text()


def pair(service, username, source):
    return f"/console/access/user/{service.id_of('users', username)}/data-source/{service.id_of('data-sources', source)}"


def fill(page, purpose="Weekly figures of the loyalty programme"):
    page.get_by_label("The purpose, as it will stand").fill(purpose)
    page.get_by_label("Legal basis").select_option("Contract")
    page.get_by_label("How many days will extracts be kept?").fill("7")
    page.get_by_role("group", name="Is there a data protection impact assessment?").get_by_label("Yes").check()
    page.get_by_label("I accept Personal data handling").check()


@pytest.mark.parametrize("scripts", [True, False])
def test_from_a_pair_to_the_request_to_its_approval_to_access(service, browse, keys, scripts):
    username, name = ("julia.meier", "Julia Meier") if scripts else ("daan.visser", "Daan Visser")
    page = browse(keys(username), java_script_enabled=scripts)
    page.goto(pair(service, username, SOURCE))
    assert "cannot read Customers" in page.locator(".verdict").inner_text()
    page.get_by_role("link", name=f"Ask for access to the data product {PRODUCT}").click()
    assert title(page) == PRODUCT
    # Whether an approval is enough is said before anything is asked for.
    assert "Approval would let you read" in page.locator("#ask .verdict").inner_text()
    page.get_by_role("button", name="Ask for access").click()
    assert page.get_by_text("Answer this question.").count() == 4
    assert page.get_by_text("Accept this agreement to ask for the data.").count() == 1
    fill(page)
    page.get_by_label("How many days will extracts be kept?").fill("a few")
    page.get_by_role("button", name="Ask for access").click()
    assert page.get_by_text("Expected a number.").count() == 1
    assert page.get_by_label("The purpose, as it will stand").input_value().startswith("Weekly figures")
    page.get_by_label("How many days will extracts be kept?").fill("7")
    page.get_by_role("button", name="Ask for access").click()
    page.get_by_text("The request is made.").wait_for()
    assert title(page) == f"{PRODUCT} for {name}"
    address = urllib.parse.urlparse(page.url).path
    page.goto(pair(service, username, SOURCE))
    page.locator(".steps").get_by_role("link", name=address.split("/")[-1]).click()
    page.wait_for_url(f"**{address}")

    for approver, left in [("laura.winter", True), ("petra.klein", True), ("konrad.busch", True), ("ulrike.sander", False)]:
        approving = browse(keys(approver), java_script_enabled=scripts)
        approving.goto("/console/requests?view=waiting")
        link = approving.locator(f"tbody a[href='{address}']")
        before = int(approving.locator(".nav .count").inner_text().split()[-1])
        link.click()
        approving.get_by_label("Approve for").select_option("90")
        approving.get_by_role("button", name="Approve").click()
        said = "Your approval is recorded." if left else "The request is approved."
        approving.get_by_text(said).wait_for()
        count = approving.locator(".nav .count")
        assert (int(count.inner_text().split()[-1]) if count.count() else 0) == before - 1
        assert approving.get_by_role("button", name="Approve").count() == 0
    page.goto(pair(service, username, SOURCE))
    assert f"{name} can read Customers: granted by the request" in page.locator(".verdict").inner_text()
    page.goto("/console/products")
    card = page.locator("article", has_text=PRODUCT)
    assert card.get_by_text("Member", exact=True).count() == 1

    # An approver takes it back, and the access is gone.
    approving.goto(address)
    approving.get_by_role("button", name="Revoke").click()
    assert title(approving).startswith("Revoke the request for Customer 360")
    approving.get_by_label("Reason").fill("The work is done")
    approving.get_by_role("button", name="Revoke").click()
    approving.get_by_text("The request is revoked.").wait_for()
    assert "The work is done" in approving.locator(".steps").inner_text()
    page.goto(pair(service, username, SOURCE))
    assert "cannot read Customers" in page.locator(".verdict").inner_text()


@pytest.mark.parametrize("scripts", [True, False])
def test_a_request_is_denied_with_a_reason_and_another_canceled(service, browse, keys, scripts):
    request = ask_for(service, keys(ASKS))
    laura = browse(keys("laura.winter"), java_script_enabled=scripts)
    laura.goto(f"/console/requests/{request}")
    laura.get_by_role("button", name="Deny").click()
    laura.get_by_text(f"Say why: {ASKS} will read it.").wait_for()
    assert status_of(service, request) == "pending"
    laura.get_by_label("Reason").fill("Use the monthly report <b>instead</b>")
    laura.get_by_role("button", name="Deny").click()
    laura.get_by_text("The request is denied.").wait_for()
    greta = browse(keys(ASKS), java_script_enabled=scripts)
    greta.goto(f"/console/requests/{request}")
    assert "Use the monthly report <b>instead</b>" in greta.locator(".steps").inner_text()
    assert greta.get_by_role("button", name="Cancel").count() == 0

    request = ask_for(service, keys(ASKS))
    greta.goto(f"/console/requests/{request}")
    greta.get_by_role("button", name="Cancel").click()
    assert title(greta) == "Cancel the request for Customer 360?"
    greta.get_by_role("link", name="Keep it").click()
    greta.get_by_role("button", name="Cancel").click()
    greta.get_by_role("button", name="Cancel the request").click()
    greta.get_by_text("The request is canceled.").wait_for()
    assert status_of(service, request) == "canceled"


def test_with_governance_somebody_asks_for_others_and_decides_for_good(service, browse, keys):
    jonas = browse(keys("jonas.keller"))
    jonas.goto("/console/products/Plant%20Performance")
    jonas.get_by_label("For", exact=True).fill("nobody.at.all")
    jonas.get_by_role("button", name="Choose").click()
    jonas.get_by_text("There is no user with this username.").wait_for()
    jonas.get_by_label("For", exact=True).fill("noah.berg")
    jonas.get_by_role("button", name="Choose").click()
    assert "Noah Berg" in jonas.locator("#ask .verdict").inner_text()
    jonas.get_by_label("Why?").fill("He measures the lines")
    jonas.get_by_role("button", name="Ask for access").click()
    assert title(jonas) == "Plant Performance for Noah Berg"
    assert jonas.get_by_role("button", name="Approve").count() == 0, "nobody decides a request that they made"
    address = urllib.parse.urlparse(jonas.url).path
    claire = browse(keys("claire.fontaine"))
    claire.goto(address)
    claire.get_by_text("With GOVERNANCE you decide for good").wait_for()
    claire.get_by_role("button", name="Approve").click()
    claire.get_by_text("The request is approved.").wait_for()


def test_what_an_approval_would_change_is_shown_as_the_engine_tells_it(service, browse, keys):
    jonas = browse(keys("jonas.keller"))
    jonas.goto("/console/requests/REQ-1012")
    assert title(jonas) == "Customer 360 for Dennis Wagner"
    assert jonas.locator(".verdict").inner_text() == (
        "Approval would let Dennis Wagner read Customers and Customer Consents."
    )
    rows = jonas.locator(".card tbody tr")
    assert rows.count() == 4
    assert rows.nth(0).inner_text().split() == (
        "Customers no access Granted first_name and last_name masked; email, phone and street unmasked".split()
    )
    assert "Open already: Web Orders and Service Tickets." in jonas.locator(".card").first.inner_text()
    # An obstacle that an approval does not remove.
    jonas.goto("/console/requests/REQ-1003")
    assert "GDPR training" in jonas.locator(".note.warn").inner_text()


def test_a_source_and_an_unmasked_column_are_asked_for(service, browse, keys):
    page = browse(keys("arjun.patel"))
    page.goto(pair(service, "arjun.patel", SOURCE) + "?column=phone")
    page.get_by_role("link", name="Ask for access to phone unmasked").click()
    assert title(page) == "Ask to see phone of Customers unmasked"
    page.get_by_role("button", name="Ask for access").click()
    page.get_by_text("The request is made.").wait_for()
    assert title(page) == "phone of Customers, unmasked for Arjun Patel"


def test_products_requests_and_domains_are_found(service, browse, keys):
    page = browse(keys("jonas.keller"))
    page.goto("/console/products")
    assert title(page) == "Data products"
    assert page.locator("article").count() == 5
    page.evaluate("window.stays = true")
    page.get_by_label("Status", exact=True).select_option("SUSPENDED")
    page.wait_for_url("**status=SUSPENDED**")
    page.wait_for_function("document.querySelectorAll('article').length === 1")
    assert page.evaluate("window.stays") is True
    page.get_by_role("link", name="Web Marketing Insights").click()
    assert page.get_by_text("This data product is suspended.").count() == 1
    page.get_by_role("link", name="Customer", exact=True).click()
    assert title(page) == "Customer"
    assert "Laura Winter" in page.locator("main").inner_text()
    page.locator(".crumbs").get_by_role("link", name="Domains").click()
    page.get_by_role("link", name="Data sources", exact=True).last.click()
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").click()
    assert open(download.value.path(), newline="").read().startswith("name,description,permissions,")
    page.goto("/console/requests?view=all&q=REQ-4004")
    assert page.locator("tbody tr").count() == 1
    page.get_by_label("Status", exact=True).select_option("REVOKED")
    page.get_by_text("No request fits the filter.").wait_for()


def test_the_operator_neither_asks_nor_decides(service, browse):
    page = browse(service.key)
    for path in ["/console/requests", "/console/products", "/console/products/Finance%20Close", "/console/requests/REQ-4004"]:
        page.goto(path)
        assert "signed in as the operator" in page.locator("main").inner_text(), path
        assert page.get_by_role("button", name=re.compile("Approve|Ask for access")).count() == 0


def test_a_person_without_permissions_is_refused_pages_and_forms(service, browse, keys):
    page = browse(keys("frank.albrecht"))
    token = page.locator("input[name=csrf]").first.get_attribute("value")
    for path in ["/console/requests/REQ-1012", "/console/domains", "/console/domains/Customer"]:
        assert page.goto(path).status == 403
    forms = {
        "/console/requests/REQ-1012/decide": {"decision": "approve", "duration": ""},
        "/console/requests/REQ-1012/cancel": {},
        "/console/requests/REQ-1012/revoke": {"reason": "no"},
        "/console/products/Finance%20Close": {"for": "noah.berg"},
    }
    for path, fields in forms.items():
        origin = {"Origin": service.url}
        answer = page.request.post(path, form={"csrf": token, **fields}, headers=origin, max_redirects=0)
        assert answer.status == 403, path
        answer = page.request.post(path, form={"csrf": "forged", **fields}, headers=origin, max_redirects=0)
        assert answer.status == 403, path
    assert status_of(service, "REQ-1012") == "pending"
    page.goto("/console/products")
    assert page.get_by_role("link", name="Domains").count() == 0


HOSTILE = '<img src=x onerror="alert(1)">"\' \u202eright to left\u202c ' + "long" * 45


@pytest.fixture(scope="module")
def hostile(service, keys):
    """A domain, a product, its form and a request, all with hostile texts."""

    def put(kind, name, body):
        status, document = service.call("PUT", f"/api/v1/{kind}/{urllib.parse.quote(name, safe='')}", body)
        assert status in (200, 201), document

    put("users", "m.allory", {"username": "m.allory", "name": HOSTILE, "title": HOSTILE})
    manager = [{"user": "m.allory", "permission": HOSTILE}]
    put("domains", HOSTILE, {"name": HOSTILE, "description": HOSTILE, "permissions": manager})
    source = {"name": HOSTILE, "platform": "p", "domain": HOSTILE, "owners": ["m.allory"]}
    source["columns"] = [{"name": HOSTILE, "type": "text"}]
    put("data-sources", HOSTILE, source)
    questions = [
        {"id": "t", "text": HOSTILE, "kind": "text", "required": True},
        {"id": HOSTILE, "text": HOSTILE, "kind": "choice", "choices": [HOSTILE]},
    ]
    put("request-forms", HOSTILE, {"name": HOSTILE, "version": 1, "questions": questions})
    put("agreements", HOSTILE, {"name": HOSTILE, "version": 1, "text": HOSTILE})
    product = {"name": HOSTILE, "description": HOSTILE, "domains": [HOSTILE], "createdBy": "m.allory"}
    product |= {"sme": "m.allory", "dataSources": [{"name": HOSTILE, "columns": [HOSTILE]}]}
    put("data-products", HOSTILE, product | {"form": HOSTILE, "agreements": [HOSTILE]})
    body = {"dataProduct": HOSTILE, "answers": {"t": HOSTILE, HOSTILE: HOSTILE}, "agreements": [HOSTILE]}
    status, document = service.call("POST", "/api/v1/requests", body, keys("m.allory"))
    assert status == 201, document
    yield document["name"]
    service.call("POST", f"/api/v1/requests/{document['name']}/cancel", None, keys("m.allory"))


def paths(service, hostile):
    name = urllib.parse.quote(HOSTILE, safe="")
    return [
        "/console/requests?view=all",
        f"/console/requests/{hostile}",
        f"/console/requests/{hostile}/cancel",
        "/console/requests/REQ-1012",
        "/console/requests/REQ-1003",
        "/console/requests/REQ-1003/revoke",
        "/console/products",
        f"/console/products/{name}",
        "/console/products/Customer%20360",
        "/console/domains",
        f"/console/domains/{name}",
        f"/console/ask?data-source={service.id_of('data-sources', HOSTILE)}",
    ]


def test_hostile_texts_are_shown_and_do_nothing(service, browse, keys, hostile):
    page = browse(keys("jonas.keller"), viewport={"width": 360, "height": 740})
    for path in paths(service, hostile):
        answer = page.goto(path)
        assert answer.status == 200, path
        assert page.locator("img").count() == 0, path
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= 360, f"{path} is {width} wide"
    page.goto(f"/console/requests/{hostile}")
    assert HOSTILE in page.locator("dl.answers").inner_text()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_are_accessible(service, browse, keys, hostile, scheme):
    page = browse(keys("jonas.keller"), color_scheme=scheme)
    axe = Axe()
    for path in paths(service, hostile):
        page.goto(path)
        found = axe.run(page, options=RULES)
        assert found.violations_count == 0, f"{path}: {found.generate_report()}"
    # With mistakes marked.
    page.goto("/console/products/Customer%20360")
    page.get_by_role("button", name="Ask for access").click()
    found = axe.run(page, options=RULES)
    assert found.violations_count == 0, found.generate_report()
