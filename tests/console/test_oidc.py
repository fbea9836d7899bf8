"""Single sign-on with a real provider of OpenID Connect."""

import http.server
import re
import threading
import urllib.parse
import urllib.request

import pytest
from conftest import Service, free_port
from oidc_provider import PASSWORD, Provider

CLIENT, SECRET = "domesday", "a-secret&of/the+client"
CALLBACK = "/sign-in/oidc/callback"


@pytest.fixture(scope="module")
def provider():
    provider = Provider(free_port())
    provider.add_account("jonas", username="jonas.keller")
    provider.add_account("frank", username="frank.albrecht")
    provider.add_account("stranger", username="<b>nobody</b> \"x\" \u202eevil")
    provider.add_account("leaver", username="bernd.kuhn")
    provider.add_account("by-email", email="Helena.Brandt@acme.example", is_verified=True)
    provider.add_account("unverified", email="helena.brandt@acme.example")
    provider.add_account("shared", email="team@acme.example", is_verified=True)
    yield provider
    provider.stop()


def start(directory, provider, **settings):
    """Starts a service that is registered at the provider."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    service = Service(
        directory,
        port=port,
        settings={
            "DOMESDAY_PUBLIC_URL": url,
            "DOMESDAY_OIDC_ISSUER": provider.issuer,
            "DOMESDAY_OIDC_CLIENT_ID": CLIENT,
            "DOMESDAY_OIDC_CLIENT_SECRET": SECRET,
            "DOMESDAY_FAILED_AUTHENTICATIONS_PER_MINUTE": "1000",
            **settings,
        },
    )
    return service


@pytest.fixture(scope="module")
def single(tmp_path_factory, provider):
    service = start(tmp_path_factory.mktemp("single"), provider)
    provider.register(CLIENT, SECRET, service.url + CALLBACK)
    for username, email in [("one", "team@acme.example"), ("two", "TEAM@acme.example")]:
        status, document = service.call("PUT", f"/api/v1/users/{username}", {"username": username, "email": email})
        assert status == 201, document
    yield service
    service.stop()


@pytest.fixture
def open_page(browse, single):
    return lambda **options: browse(at=single, **options)


def at_provider(page, login):
    """Signs in at the provider, whose page is open."""
    page.locator("input[name=login]").fill(login)
    page.locator("input[name=login]").press("Enter")
    page.locator("input[name=password]").fill(PASSWORD)
    page.locator("input[name=password]").press("Enter")


@pytest.fixture(autouse=True)
def without_codes(provider):
    provider.forget_codes()


def sign_in(page, login, path="/sign-in"):
    page.goto(path)
    page.get_by_role("link", name="Continue with single sign-on").click()
    at_provider(page, login)


def session_cookie(page):
    cookies = [cookie for cookie in page.context.cookies() if cookie["name"] == "domesday_session"]
    return cookies[0] if cookies else None


def refused(page, title):
    page.get_by_role("heading", level=1, name=title).wait_for()
    assert session_cookie(page) is None
    page.goto("/console/profile")
    assert "/sign-in" in page.url
    return page


@pytest.mark.parametrize("scripts", [True, False])
def test_a_person_signs_in_and_out(open_page, single, scripts):
    page = open_page(java_script_enabled=scripts)
    # The page that was asked for comes after the way to the provider and back.
    sign_in(page, "jonas", "/console/profile")
    page.get_by_role("heading", level=1, name="Profile").wait_for()
    assert page.url == f"{single.url}/console/profile"
    assert "by single sign-on" in page.locator("main").inner_text()
    cookie = session_cookie(page)
    assert cookie["httpOnly"] and cookie["sameSite"] == "Lax" and cookie["path"] == "/"
    assert not [cookie for cookie in page.context.cookies() if cookie["name"] == "domesday_sign_in"]
    # The session has the rights of the user: GOVERNANCE sees everybody's access.
    page.goto("/console/access?q=frank")
    page.get_by_role("link", name="Frank Albrecht").first.click()
    page.get_by_role("heading", level=1, name="Frank Albrecht").wait_for()
    page.goto("/console/profile?new")
    page.get_by_label("Name").fill("Made by single sign-on")
    page.get_by_role("button", name="Create").click()
    secret = page.locator("#secret").inner_text()
    assert single.call("GET", "/api/v1/policies", key=secret)[0] == 200
    page.get_by_role("button", name="Sign out").click()
    page.get_by_text("You are signed out.").wait_for()
    assert session_cookie(page) is None


def test_a_session_does_not_outlive_the_right_to_it(open_page, single):
    page = open_page()
    sign_in(page, "frank")
    page.wait_for_url(re.compile(r"/console(/|$)"))
    user = single.call("GET", "/api/v1/users/frank.albrecht")[1]["document"]
    assert single.call("PUT", "/api/v1/users/frank.albrecht", {**user, "status": "disabled"})[0] == 200
    page.goto("/console/profile")
    assert "/sign-in" in page.url
    assert single.call("PUT", "/api/v1/users/frank.albrecht", user)[0] == 200


def test_persons_whom_the_catalog_does_not_know_get_no_session(open_page):
    page = open_page()
    sign_in(page, "stranger")
    page.get_by_role("heading", level=1, name="Not known here").wait_for()
    text = page.locator("main").inner_text()
    assert '<b>nobody</b> "x"' in text and "Ask somebody with USER_ADMIN" in text
    refused(page, "Not known here")
    page = open_page()
    sign_in(page, "leaver")
    refused(page, "Disabled")


def test_an_address_counts_when_it_is_verified_and_one_users(open_page):
    page = open_page()
    sign_in(page, "by-email", "/console/profile")
    page.get_by_role("heading", level=1, name="Profile").wait_for()
    assert "helena.brandt" in page.locator(".me").inner_text()
    page = open_page()
    sign_in(page, "unverified")
    page.get_by_text("has not verified").wait_for()
    refused(page, "Not signed in")
    page = open_page()
    sign_in(page, "shared")
    page.get_by_text("several users with this e-mail address").wait_for()
    refused(page, "Not signed in")


def begin(context, service):
    """Begins a sign-in, and returns the address at the provider."""
    answer = context.request.get(f"{service.url}/sign-in/oidc", max_redirects=0)
    assert answer.status == 303
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=Lax" in cookie and f"Path={CALLBACK}" in cookie
    return answer.headers["location"]


def code_for(page, address, provider):
    """Returns the address to which the provider leads somebody back who is signed in there; it is not opened."""
    if not page.url.startswith(urllib.parse.urljoin(address, "/")):
        page.goto(urllib.parse.urljoin(address, "/login"))
        at_provider(page, "jonas")
        page.wait_for_url(lambda url: "/login" not in url and "/auth/" not in url)
    provider.forget_codes()
    answer = page.context.request.get(address, max_redirects=0)
    assert CALLBACK in answer.headers["location"]
    return answer.headers["location"]


def test_the_way_back_counts_once_in_the_browser_that_began_and_with_its_state(open_page, single, provider):
    page = open_page()
    address = begin(page.context, single)
    query = urllib.parse.parse_qs(urllib.parse.urlsplit(address).query)
    assert query["code_challenge_method"] == ["S256"] and len(query["code_challenge"][0]) == 43
    assert len(query["state"][0]) == 43 and len(query["nonce"][0]) == 43
    assert query["state"] != query["nonce"]
    back = code_for(page, address, provider)
    # Another state, and another browser: the attacker's link in the browser of a victim.
    page.goto(back.replace(query["state"][0], "x" * 43))
    refused(page, "Not signed in")
    other = open_page()
    other.goto(back)
    refused(other, "Not signed in")
    # The cookie went with the first attempt.
    page.goto(back)
    refused(page, "Not signed in")
    # Sent again with the cookie, an answer that was used signs nobody in, though the browser brings both.
    page = open_page()
    back = code_for(page, begin(page.context, single), provider)
    kept = [cookie for cookie in page.context.cookies(single.url + CALLBACK) if cookie["name"] == "domesday_sign_in"]
    page.goto(back)
    page.wait_for_url(re.compile(r"/console(/|$)"))
    page.context.clear_cookies()
    page.context.add_cookies(kept)
    page.goto(back)
    refused(page, "Not signed in")
    # A code of another sign-in: its nonce, and its PKCE challenge, are not those of this one.
    page = open_page()
    back = code_for(page, begin(page.context, single), provider)
    used = urllib.parse.parse_qs(urllib.parse.urlsplit(back).query)["code"][0]
    address = begin(page.context, single)
    state = urllib.parse.parse_qs(urllib.parse.urlsplit(address).query)["state"][0]
    page.goto(f"{single.url}{CALLBACK}?{urllib.parse.urlencode({'state': state, 'code': used})}")
    refused(page, "Not signed in")
    # What the provider refuses.
    state = urllib.parse.parse_qs(urllib.parse.urlsplit(begin(page.context, single)).query)["state"][0]
    page.goto(f"{single.url}{CALLBACK}?state={state}&error=access_denied")
    page.get_by_text("access_denied").wait_for()
    refused(page, "Not signed in")


def test_a_session_from_before_is_not_taken_over(open_page, single):
    page = open_page()
    page.context.add_cookies([{"name": "domesday_session", "value": "x" * 43, "url": single.url}])
    sign_in(page, "jonas", "/sign-in?signed-out")
    page.wait_for_url(re.compile(r"/console(/|$)"))
    assert session_cookie(page)["value"] != "x" * 43


def test_keys_are_rotated(open_page, provider):
    provider.rotate_keys()
    page = open_page()
    sign_in(page, "jonas", "/console/profile")
    page.get_by_role("heading", level=1, name="Profile").wait_for()


def test_attempts_are_limited(tmp_path, provider, browse):
    service = start(tmp_path, provider, DOMESDAY_FAILED_AUTHENTICATIONS_PER_MINUTE="3")
    page = browse(at=service)
    statuses = [page.context.request.get(f"{service.url}{CALLBACK}?state=x&code=y").status for _ in range(6)]
    assert statuses == [400, 400, 400, 400, 429, 429]
    service.stop()


def test_a_token_for_another_client_signs_nobody_in(tmp_path, single, provider, browse):
    service = start(tmp_path, provider, DOMESDAY_OIDC_CLIENT_ID="other")
    provider.register("other", SECRET, service.url + CALLBACK, audience=CLIENT)
    page = browse(at=service)
    sign_in(page, "jonas")
    refused(page, "Not signed in")
    assert "it was issued for another client" in (tmp_path / "log").read_text()
    service.stop()


def test_another_issuer_signs_nobody_in(tmp_path, provider, browse):
    """A provider that answers with the metadata of another."""
    metadata = urllib.request.urlopen(f"{provider.issuer}/.well-known/openid-configuration").read()

    class Metadata(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(metadata)

    impostor = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Metadata)
    threading.Thread(target=impostor.serve_forever, daemon=True).start()
    issuer = f"http://127.0.0.1:{impostor.server_address[1]}"
    service = start(tmp_path, provider, DOMESDAY_OIDC_ISSUER=issuer)
    page = browse(at=service)
    assert page.goto("/sign-in/oidc").status == 502
    page.get_by_role("heading", level=1, name="Single sign-on failed").wait_for()
    assert "names itself" in (tmp_path / "log").read_text()
    service.stop()
    impostor.shutdown()


def test_no_token_and_no_secret_is_logged(single):
    log = (single.directory / "log").read_text()
    assert not re.search(r"eyJ[\w-]{20,}", log) and SECRET not in log and "code=" not in log
