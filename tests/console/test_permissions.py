"""Every page and form with every permission alone and with none: the console refuses what the API refuses."""

import json
import re
import urllib.error
import urllib.parse
import urllib.request

import pytest
from conftest import Service

PERMISSIONS = ["GOVERNANCE", "USER_ADMIN", "AUDIT", "CREATE_DATA_SOURCE", "APPLICATION_ADMIN", "none"]

EXPORT = "/api/v1/access-summary/export"
RUNS = "/api/v1/access-summary/runs"
# The page of settings is for those who set up the service; auditors have the messages from the API.
STRICTER = ("/console/settings/messages.csv", "AUDIT")
NO_RUN = "00000000-0000-0000-0000-000000000000"
# What every form is sent: nothing that could be saved.
FIELDS = {"etag": "x", "once": "x", "name": "", "status": "none", "state": "none", "do": "save", "reason": "x"}


def of_a_kind(service, kind, name, key):
    """The pages and forms of a kind of objects, each with the call of the API that does the same."""
    path, api = f"/console/{kind}/{urllib.parse.quote(str(key))}", f"/api/v1/{kind}/{urllib.parse.quote(name)}"
    document = service.call("GET", api)[1]["document"]
    found = [
        ("GET", f"/console/{kind}", ("GET", f"/api/v1/{kind}", None)),
        ("GET", f"/console/{kind}.csv", ("GET", f"/api/v1/{kind}", None)),
        ("GET", f"/console/{kind}?new", ("POST", f"/api/v1/{kind}", {})),
        ("POST", f"/console/{kind}", ("POST", f"/api/v1/{kind}", {})),
        ("GET", path, ("GET", api, None)),
    ]
    for part, method, body in [("edit", "PUT", document), ("delete", "DELETE", None)]:
        found += [(verb, f"{path}/{part}", (method, api, body)) for verb in ("GET", "POST")]
    return found


def pages(service):
    """Pairs of what the console is asked, and what the API is asked."""
    source, user = service.id_of("data-sources", "Dealer Contacts"), service.id_of("users", "frank.albrecht")
    policy = service.id_of("policies", "GDPR training")
    guarded = service.call("GET", "/api/v1/policies/GDPR%20training")[1]["document"]
    found = []
    for kind, name, key in [
        ("users", "frank.albrecht", user),
        ("groups", "Sales", "Sales"),
        ("tags", "PII", "PII"),
        ("domains", "Customer", "Customer"),
        ("data-sources", "Dealer Contacts", source),
    ]:
        found += of_a_kind(service, kind, name, key)
    user_access = ("GET", "/api/v1/access?user=frank.albrecht", None)
    source_access = ("GET", "/api/v1/access?dataSource=Dealer%20Contacts", None)
    why = ("GET", "/api/v1/access/explain?user=frank.albrecht&dataSource=Dealer%20Contacts", None)
    put_policy = ("PUT", "/api/v1/policies/GDPR%20training", guarded)
    request = "/api/v1/requests/REQ-1012"
    requests = service.call("GET", "/api/v1/requests?limit=1000")[1]["items"]
    ended = next(it["name"] for it in requests if it["document"]["status"] == "denied")
    found += [
        ("GET", f"/console/access/user/{user}", user_access),
        ("GET", f"/console/access/user/{user}/csv", user_access),
        ("GET", f"/console/access/data-source/{source}", source_access),
        ("GET", f"/console/access/data-source/{source}/csv", source_access),
        ("GET", f"/console/access/user/{user}/data-source/{source}", why),
        ("GET", "/console/policies", ("GET", "/api/v1/policies", None)),
        ("GET", "/console/policies/csv", ("GET", "/api/v1/policies", None)),
        ("GET", f"/console/policies/{policy}", ("GET", "/api/v1/policies/GDPR%20training", None)),
        ("GET", "/console/policies/new", ("POST", "/api/v1/policies", {})),
        ("POST", "/console/policies/new", ("POST", "/api/v1/policies", {})),
        ("POST", f"/console/policies/{policy}", put_policy),
        ("POST", f"/console/policies/{policy}/state", put_policy),
        ("GET", f"/console/policies/{policy}/remove", ("DELETE", put_policy[1], None)),
        ("POST", f"/console/policies/{policy}/remove", ("DELETE", put_policy[1], None)),
        ("GET", "/console/export", ("GET", EXPORT, None)),
        ("POST", "/console/export/verify", ("POST", f"{EXPORT}/verify", None)),
        ("GET", "/console/export/setup", ("PUT", EXPORT, {})),
        ("POST", "/console/export/setup/verify", ("POST", f"{EXPORT}/verify", {})),
        ("POST", "/console/export/setup/save", ("PUT", EXPORT, {})),
        ("GET", "/console/export/schedule", ("PUT", EXPORT, {})),
        ("POST", "/console/export/schedule", ("PUT", EXPORT, {})),
        ("GET", "/console/export/remove", ("DELETE", EXPORT, None)),
        ("POST", "/console/export/remove", ("DELETE", EXPORT, None)),
        ("GET", "/console/runs", ("GET", RUNS, None)),
        ("GET", "/console/runs/csv", ("GET", RUNS, None)),
        ("POST", "/console/runs", ("POST", RUNS, None)),
        ("GET", f"/console/runs/{NO_RUN}", ("GET", f"{RUNS}/{NO_RUN}", None)),
        ("GET", f"/console/runs/{NO_RUN}/events", ("GET", f"{RUNS}/{NO_RUN}", None)),
        ("GET", f"/console/runs/{NO_RUN}/cancel", ("POST", f"{RUNS}/{NO_RUN}/cancel", None)),
        ("POST", f"/console/runs/{NO_RUN}/cancel", ("POST", f"{RUNS}/{NO_RUN}/cancel", None)),
        ("GET", "/console/drift", ("GET", "/api/v1/drift", None)),
        ("GET", "/console/drift/csv", ("GET", "/api/v1/drift", None)),
        ("GET", "/console/drift/repair?connection=x", ("GET", "/api/v1/drift/repair", None)),
        ("GET", "/console/audit", ("GET", "/api/v1/audit", None)),
        ("GET", "/console/audit.csv", ("GET", "/api/v1/audit", None)),
        ("GET", "/console/audit/1", ("GET", "/api/v1/audit", None)),
        ("POST", "/console/audit/verify", ("GET", "/api/v1/audit", None)),
        ("GET", "/console/connections", ("GET", "/api/v1/connections", None)),
        ("GET", "/console/connections.csv", ("GET", "/api/v1/connections", None)),
        ("GET", "/console/connections/hr-walk", ("GET", "/api/v1/connections/hr-walk", None)),
        ("GET", "/console/connections/hr-walk/edit", ("DELETE", "/api/v1/connections/hr-walk", None)),
        ("GET", "/console/connections/hr-walk/delete", ("DELETE", "/api/v1/connections/hr-walk", None)),
        ("POST", "/console/connections/hr-walk/delete", ("DELETE", "/api/v1/connections/hr-walk", None)),
        ("GET", "/console/catalog", ("POST", "/api/v1/apply", {})),
        ("POST", "/console/catalog", ("POST", "/api/v1/apply", {})),
        ("GET", "/console/settings/messages.csv", ("GET", "/api/v1/access-summary/webhook-messages", None)),
        ("GET", "/console/requests", ("GET", "/api/v1/requests", None)),
        ("GET", "/console/requests.csv", ("GET", "/api/v1/requests", None)),
        ("GET", "/console/requests/REQ-1012", ("GET", request, None)),
        ("POST", f"/console/requests/{ended}/cancel", ("POST", f"/api/v1/requests/{ended}/cancel", None)),
        ("POST", f"/console/requests/{ended}/revoke", ("POST", f"/api/v1/requests/{ended}/revoke", {"reason": "x"})),
        ("GET", "/console/products", ("GET", "/api/v1/data-products", None)),
        ("GET", "/console/products.csv", ("GET", "/api/v1/data-products", None)),
        ("GET", "/console/profile", ("GET", "/deployment/tenant", None)),
        ("GET", "/console/access", ("GET", "/deployment/tenant", None)),
        ("GET", "/console", ("GET", "/deployment/tenant", None)),
    ]
    return found


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    """A service of its own: others count the people of the example company."""
    service = Service(tmp_path_factory.mktemp("walk"))
    yield service
    service.stop()


@pytest.mark.parametrize("permission", PERMISSIONS)
def test_the_console_refuses_what_the_api_refuses(service, browse, permission):
    username = f"walk.{permission.lower()}"
    user = {"username": username, "permissions": [] if permission == "none" else [permission]}
    assert service.call("PUT", f"/api/v1/users/{username}", user)[0] in (200, 201)
    service.call("PUT", "/api/v1/connections/hr-walk", {"kind": "csv"})
    key = service.key_of(username)
    page = browse(key, at=service)
    page.goto("/console/profile")
    token = page.locator("input[name=csrf]").first.input_value()
    before = service.call("GET", "/api/v1/audit?limit=1")[1]["total"]
    refused, wrong = 0, []
    for method, path, (verb, api, body) in pages(service):
        # No call of either changes anything: what is asked for is not valid, or is what there is already.
        status, _ = ask_api(service, verb, api, body, key)
        if method == "GET":
            answer = page.request.get(path, max_redirects=0)
        else:
            answer = page.request.post(path, form={"csrf": token, **FIELDS}, max_redirects=0)
        if (answer.status == 403) != (status == 403) and (path, permission) != STRICTER:
            wrong.append(f"{method} {path}: {answer.status}, but {verb} {api}: {status}")
        if answer.status == 403:
            refused += 1
            if "text/html" in answer.headers.get("content-type", ""):
                assert re.search("[A-Z]+_?[A-Z]+|own|decide", answer.text()), path
        assert answer.status < 500, f"{method} {path}: {answer.status}"
    assert wrong == []
    assert service.call("GET", "/api/v1/audit?limit=1")[1]["total"] == before
    # The walk can fail: there is something to refuse to everybody.
    assert refused > (20 if permission == "none" else 3)
    # No page that a person is refused is in their navigation.
    page.goto("/console")
    for link in page.locator(".nav a").all():
        href = link.get_attribute("href")
        if href.startswith("/console"):
            assert page.request.get(href).status == 200, href


def ask_api(service, verb, api, body, key):
    """Calls the API with an entity tag that nothing has, where something would be changed."""
    headers = {"Authorization": key, "Content-Type": "application/json"}
    if verb == "DELETE":
        headers["If-Match"] = '"x"'
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(service.url + api, data=data, headers=headers, method=verb)
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()
