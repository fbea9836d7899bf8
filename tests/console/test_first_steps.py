"""The first steps: a catalog, a governor; and the settings."""

import io
import os
import re
import subprocess
import zipfile

import pytest
from axe_playwright_python.sync_playwright import Axe
from conftest import ACME, EmptyService, free_port, sign_in, wait_for
from test_console import RULES

HOSTILE = '<script>alert("x")</script>\u202e' + "long" * 40


@pytest.fixture
def empty(tmp_path):
    service = EmptyService(tmp_path, settings={"DOMESDAY_TENANT_NAME": "Empty"})
    yield service
    service.stop()


def zip_of(directory, without=()):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(directory.rglob("*")):
            if path.is_file() and path.name not in without:
                archive.write(path, f"acme/{path.relative_to(directory)}")
    return buffer.getvalue()


def file(name, text):
    return {"name": name, "mimeType": "application/octet-stream", "buffer": text if isinstance(text, bytes) else text.encode()}


@pytest.mark.parametrize("scripts", [True, False])
def test_the_example_company_is_loaded_and_a_governor_made(empty, browse, scripts):
    page = browse(at=empty, java_script_enabled=scripts)
    page.goto(empty.link)
    page.goto("/console/catalog")
    assert page.get_by_role("heading", level=1).inner_text() == "Load a catalog"
    page.get_by_role("button", name="Show the plan of the example company").click()
    page.get_by_role("heading", level=1, name="The plan").wait_for()
    assert "jonas.keller" in page.locator("main").inner_text()
    # Nothing is changed yet.
    assert empty.call("GET", "/api/v1/users/jonas.keller")[0] == 404
    page.get_by_role("button", name="Apply").click()
    page.get_by_text("The catalog is loaded.").wait_for()
    assert empty.call("GET", "/api/v1/users/jonas.keller")[0] == 200
    page.get_by_role("link", name="Make a governor").click()
    page.get_by_role("link", name="jonas.keller").click()
    assert page.get_by_label("Username").input_value() == "jonas.keller"
    page.get_by_role("button", name="Make a governor").click()
    secret = page.locator("#secret").inner_text()
    assert empty.call("GET", "/api/v1/policies", key=secret)[0] == 200
    page.get_by_role("button", name="Sign out as the administrator").click()
    sign_in(page, secret)
    page.goto("/console/profile")
    assert "jonas.keller" in page.locator(".me").inner_text()
    # A governor needs no other.
    assert page.goto("/console/governor").status == 403


def test_a_zip_archive_is_planned_corrected_and_applied(empty, browse):
    page = browse(at=empty)
    page.goto(empty.link)
    page.goto("/console/catalog")
    page.get_by_label("Files").set_input_files(file("acme.zip", zip_of(ACME, without=["tenant.yaml"])))
    page.get_by_role("button", name="Show the plan", exact=True).click()
    page.get_by_role("button", name="Apply").click()
    page.get_by_text("The catalog is loaded.").wait_for()
    # The same again changes nothing.
    page.goto("/console/catalog")
    page.get_by_label("Files").set_input_files(file("acme.zip", zip_of(ACME, without=["tenant.yaml"])))
    page.get_by_role("button", name="Show the plan", exact=True).click()
    page.get_by_text("Nothing to change.").wait_for()
    assert page.get_by_role("button", name="Apply").count() == 0
    # Mistakes are shown with their place, and nothing is changed.
    page.goto("/console/catalog")
    files = [file("a.yaml", "users:\n  - usrname: ada\n"), file("b.json", '{"groups": [{"name": "G", "x": 1}]}')]
    page.get_by_label("Files").set_input_files(files)
    page.get_by_label("Remove it").check()
    page.get_by_role("button", name="Show the plan", exact=True).click()
    page.get_by_text(re.compile(r"Nothing is changed: \d mistakes in the files\.")).wait_for()
    text = page.locator("main").inner_text()
    assert "a.yaml:2:5" in text and "b.json:1:" in text
    assert page.get_by_label("Remove it").is_checked()
    # What changes, and what is removed.
    page.get_by_label("Files").set_input_files(file("a.yaml", f"users:\n  - username: ada\n    name: '{HOSTILE}'\n"))
    page.get_by_label("Remove it").uncheck()
    page.get_by_role("button", name="Show the plan", exact=True).click()
    page.get_by_role("button", name="Apply").click()
    page.get_by_text("The catalog is loaded.").wait_for()
    page.get_by_label("Files").set_input_files(file("a.yaml", f"users:\n  - username: ada\n    name: Ada\n  - username: {HOSTILE[8:23]!r}\n"))
    page.get_by_role("button", name="Show the plan", exact=True).click()
    assert HOSTILE[:14] in page.locator("main").inner_text()
    # Somebody else changes the catalog before the plan is applied.
    status, document = empty.call("PUT", "/api/v1/users/ada", {"username": "ada", "name": "Ada L."})
    assert status == 200, document
    page.get_by_role("button", name="Apply").click()
    page.get_by_text("the catalog was changed meanwhile").wait_for()
    page.get_by_role("button", name="Apply").click()
    page.get_by_text("The catalog is loaded.").wait_for()
    # What people say outranks what files do, and both are there.
    ada = empty.call("GET", "/api/v1/users/ada")[1]
    assert ada["document"]["name"] == "Ada L."
    assert [layer["document"]["name"] for layer in ada["layers"]] == ["Ada L.", "Ada"]


def test_files_that_are_none_and_archives_that_expand_are_refused(empty, browse):
    page = browse(at=empty)
    page.goto(empty.link)
    zeros = io.BytesIO()
    with zipfile.ZipFile(zeros, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(5):
            archive.writestr(f"{number}.yaml", b" " * (20 << 20))
    for files, problem in [
        ([], "Choose one or several files"),
        ([file("notes.txt", "hello")], "None of the files has a name that ends in"),
        ([file("a.zip", b"PK\x03\x04broken")], "is not a zip archive"),
        ([file("a.zip", zeros.getvalue())], "more than 80 MiB together"),
        ([file("a.yaml", "users: []")], "contain no object"),
    ]:
        page.goto("/console/catalog")
        if files:
            page.get_by_label("Files").set_input_files(files)
        page.get_by_role("button", name="Show the plan", exact=True).click()
        page.get_by_text(problem).wait_for()


def test_who_may_not_sees_neither_pages_nor_changes_anything(service, browse):
    for username, pages in [
        ("frank.albrecht", ["/console/catalog", "/console/governor", "/console/settings"]),
        ("jonas.keller", ["/console/catalog", "/console/governor"]),
    ]:
        page = browse(service.key_of(username))
        page.goto("/console/profile")
        token = page.locator("input[name=csrf]").first.get_attribute("value")
        for path in pages:
            assert page.goto(path).status == 403, path
        for path in ["/console/catalog", "/console/catalog/apply", "/console/governor"]:
            for sent in [
                {"form": {"csrf": token, "source": "example", "username": "x", "once": "1"}},
                {"multipart": {"csrf": token, "source": "example", "files": file("a.yaml", "users: [{username: x}]")}},
            ]:
                answer = page.context.request.post(service.url + path, headers={"Origin": service.url}, **sent)
                assert answer.status == 403, (path, sent)
        # Without the token of the session nothing is changed either.
        answer = page.context.request.post(
            f"{service.url}/console/catalog", multipart={"source": "example"}, headers={"Origin": service.url}
        )
        assert answer.status == 403
    assert service.call("GET", "/api/v1/users/x")[0] == 404
    page = browse(service.key_of("frank.albrecht"))
    assert page.get_by_role("link", name="Settings").count() == 0


def test_the_settings_are_shown(service, browse):
    page = browse(service.key_of("jonas.keller"))
    page.get_by_role("link", name="Settings").click()
    page.get_by_role("heading", level=1, name="Settings").wait_for()
    text = page.locator("main").inner_text()
    assert "Europe/Berlin" in text and "Ready" in text and "SQLite" in text and "No message." in text
    page.get_by_label("State").select_option("pending")
    page.get_by_role("button", name="Filter").click()
    page.wait_for_url("**state=pending**")


PAGES = ["/console/catalog", "/console/catalog?applied", "/console/governor", "/console/settings", "/sign-in"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_are_accessible_and_fit_a_phone(service, browse, scheme):
    page = browse(service.key, color_scheme=scheme)
    axe = Axe()

    def check(what):
        found = axe.run(page, options=RULES)
        assert found.violations_count == 0, f"{what}: {found.generate_report()}"
        page.set_viewport_size({"width": 360, "height": 740})
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= 360, f"{what} is {width} wide"
        page.set_viewport_size({"width": 1280, "height": 800})

    for path in PAGES:
        page.goto(path)
        check(path)
    page.goto("/console/catalog")
    page.get_by_label("Files").set_input_files(file("a.yaml", f"users:\n  - usrname: {'long' * 100}\n"))
    page.get_by_role("button", name="Show the plan", exact=True).click()
    check("mistakes")
    text = f"users:\n  - username: '{'long' * 40}'\n  - username: jonas.keller\n    name: '{'wide' * 40}'\n"
    page.get_by_label("Files").set_input_files(file("a.yaml", text))
    page.get_by_role("button", name="Show the plan", exact=True).click()
    check("plan")
    page.goto("/console/governor")
    page.get_by_label("Username").fill("x" * 150)
    page.get_by_role("button", name="Make a governor").click()
    check("governor")
    assert service.call("DELETE", f"/api/v1/users/{'x' * 150}")[0] == 204


def test_the_demo_serves_the_example_company_and_leaves_nothing(tmp_path, browse):
    port = free_port()
    output = tmp_path / "output"
    environment = {"DOMESDAY_LISTEN": f"127.0.0.1:{port}", "PATH": os.environ["PATH"], "TMPDIR": str(tmp_path)}
    process = subprocess.Popen(
        [os.environ["DOMESDAY_BIN"], "serve", "--demo"],
        env=environment, cwd=tmp_path, stdout=open(output, "w"), stderr=open(tmp_path / "log", "w"),
    )
    wait_for(lambda: "/sign-in?token=" in output.read_text(), "the start of the service")
    link = re.search(r"http://\S+/sign-in\?token=[\w-]+", output.read_text())[0]

    class Demo:
        url = f"http://127.0.0.1:{port}"

    page = browse(at=Demo)
    page.goto(link)
    page.goto("/console/access?q=dealer")
    page.get_by_role("link", name="Dealer Contacts").first.wait_for()
    assert "Acme" in page.locator(".brand").first.get_attribute("aria-label")
    process.terminate()
    assert process.wait(timeout=30) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["log", "output"]
