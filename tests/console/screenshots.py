"""Takes the pictures of the console that the documentation shows: `cargo xtask screenshots`."""

import os
import pathlib
import sys

import pytest

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "support"))

from conftest import sign_in  # noqa: E402
from postgres_server import postgres  # noqa: E402, F401
from s3 import admin, server, strict  # noqa: E402, F401
from test_drift import connect, shop, start  # noqa: E402, F401
from test_export import run_to_the_end, start_delivering  # noqa: E402

PICTURES = pathlib.Path(os.environ.get("DOMESDAY_PICTURES", HERE.parent.parent / "docs" / "pictures"))

# Wide enough for two columns, and as high as a page of a document bears.
SIZE = {"width": 1280, "height": 900}


@pytest.fixture
def company(tmp_path, admin, strict):  # noqa: F811
    """The example company, with an export that ran before and after a change."""
    service = start_delivering(tmp_path, admin, strict)
    run_to_the_end(service)
    for name, user in [("Open catalog", "frank.albrecht"), ("Shared prices", "petra.klein")]:
        policy = {
            "name": name,
            "type": "grant",
            "level": "individuals",
            "individuals": {"users": [user]},
            "appliesTo": {"dataSources": ["Price Lists"]},
        }
        status, answer = service.call("PUT", f"/api/v1/policies/{name.replace(' ', '%20')}", policy)
        assert status == 201, answer
        run_to_the_end(service)
    yield service
    service.stop()


def test_take_pictures(company, chromium):
    source, user = company.id_of("data-sources", "Dealer Contacts"), company.id_of("users", "frank.albrecht")
    policy = company.id_of("policies", "GDPR training")
    pages = {
        "overview": "/console",
        "data-source": f"/console/access/data-source/{source}",
        "why": f"/console/access/user/{user}/data-source/{source}",
        "policy": f"/console/policies/{policy}",
    }
    take(chromium, company, "jonas.keller", pages)


def test_take_pictures_of_drift(start, shop, chromium):  # noqa: F811
    service = start()
    connect(service, shop)
    status, answer = service.call("POST", "/api/v1/connections/shop/syncs", {})
    assert (status, answer["state"]) == (200, "succeeded"), answer
    take(chromium, service, "ada", {"drift": "/console/drift"})


def take(chromium, service, user, pages):
    PICTURES.mkdir(parents=True, exist_ok=True)
    context = chromium.new_context(base_url=service.url, viewport=SIZE, color_scheme="light")
    page = context.new_page()
    sign_in(page, service.key_of(user))
    for name, path in pages.items():
        answer = page.goto(path)
        assert answer.status == 200, f"{path}: {answer.status}"
        page.screenshot(path=PICTURES / f"{name}.png")
    context.close()
