"""Policies in the console: found, written, checked while they are typed, previewed, saved and removed."""

import re
import urllib.parse
import urllib.request

import pytest
from axe_playwright_python.sync_playwright import Axe

RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}

HOSTILE = '<b>&"\'\u202eسياسة</b> ' + "x" * 200


def policy_id(service, name, kind="policies"):
    return service.id_of(kind, name)


def remove(service, name, kind="policies"):
    service.call("DELETE", f"/api/v1/{kind}/{urllib.parse.quote(name, safe='')}")


def post(page, path, fields):
    """Sends a form of the page's session without its page, and returns the status."""
    token = page.locator("input[name=csrf]").first.get_attribute("value")
    return page.request.post(path, form={"csrf": token, **fields}, max_redirects=0).status


def test_a_policy_is_written_with_a_mistake_corrected_previewed_and_saved(service, browse):
    page = browse(service.key_of("jonas.keller"))
    page.get_by_role("navigation", name="Console").get_by_role("link", name="Policies").click()
    assert page.get_by_role("heading", level=1).inner_text() == "Policies"
    page.get_by_role("link", name="New policy").click()
    assert page.get_by_role("heading", level=1).inner_text() == "New policy"
    page.get_by_label("Name", exact=True).fill("Marketing sees service data")
    # The mistake is shown at its place while the condition is typed, and so is what the policy applies to.
    condition = page.get_by_label(re.compile("^Condition"))
    condition.fill("@isInGroups('Marketing') AND @isInGroup('Training','GDPR.2026')")
    page.get_by_text("At position 30: expected").wait_for()
    assert page.locator(".excerpt mark").inner_text() == "@isInGroup"
    assert condition.get_attribute("aria-invalid") == "true"
    page.get_by_label("Tagged", exact=True).fill("Service")
    page.get_by_role("link", name="Warranty Claims").wait_for()
    assert page.get_by_role("link", name="Service Tickets").count() == 1
    page.get_by_role("button", name="Save").click()
    page.get_by_text("Not saved: 1 field needs a change.").wait_for()
    assert page.get_by_label("Tagged", exact=True).input_value() == "Service"
    condition.fill("@isInGroups('Marketing')")
    page.get_by_text("It holds for 5 of 59 active people.").wait_for()
    assert condition.get_attribute("aria-invalid") is None
    page.get_by_role("radio", name="Active").check()
    page.get_by_role("button", name="Preview").click()
    page.get_by_role("heading", name="Preview").wait_for()
    figures = page.locator(".figures > div").all_inner_texts()
    expected = ["Gain access\n9\n5 people, 2 data sources", "Blocked\n1\nby GDPR training", "Lose access\n0\nnobody"]
    assert figures[:3] == expected, figures
    assert figures[3].startswith("Masked\n8\n"), figures
    row = page.get_by_role("row", name=re.compile("^Amélie Dubois")).first.inner_text()
    assert "Blocked, read" in row and "by GDPR training" in row and "Gains read" in row
    assert page.get_by_text("Saving lets 5 people into 2 data sources at once.").count() == 1
    with page.expect_download() as download:
        page.get_by_role("button", name="All 10 changes as CSV").click()
    text = open(download.value.path(), newline="").read()
    assert text.startswith("user,name,data_source,scope,column,change,caused_by\r\n") and text.count("\r\n") == 11
    # Nothing is saved before it is saved.
    assert service.call("GET", "/api/v1/policies/Marketing%20sees%20service%20data")[0] == 404
    user, source = service.id_of("users", "felix.sommer"), service.id_of("data-sources", "Service Tickets")
    before = service.call("GET", "/api/v1/access?user=felix.sommer&dataSource=Service%20Tickets")[1]
    assert before["total"] == 0
    page.get_by_role("button", name="Save").click()
    page.get_by_text("“Marketing sees service data” is created and active.").wait_for()
    assert page.get_by_role("heading", level=1).inner_text() == "Marketing sees service data"
    after = service.call("GET", "/api/v1/access?user=felix.sommer&dataSource=Service%20Tickets")[1]
    assert [row["outcome"] for row in after["items"]] == ["GRANTED"]
    page.goto(f"/console/access/user/{user}/data-source/{source}")
    assert "can read Service Tickets" in page.locator(".verdict").inner_text()
    page.goto("/console/audit?object=policies%2FMarketing%20sees%20service%20data")
    created = page.locator("tbody tr").last.inner_text()
    assert "Jonas Keller" in created and "Created" in created, created
    # Switched off with one click, and back with another.
    page.goto(f"/console/policies/{policy_id(service, 'Marketing sees service data')}")
    page.get_by_role("button", name="Disable").click()
    page.get_by_text("“Marketing sees service data” is disabled.").wait_for()
    page.get_by_role("button", name="Undo").click()
    page.get_by_text("“Marketing sees service data” is active.").wait_for()
    # Removed, after a page that says what is lost.
    page.get_by_role("button", name="Remove Marketing sees service data").click()
    assert page.get_by_role("heading", level=1).inner_text() == "Remove the grant “Marketing sees service data”?"
    assert "At once 5 people lose access to 2 data sources." in page.locator(".sub").inner_text()
    page.get_by_role("button", name="Remove").click()
    page.get_by_text("The policy is removed.").wait_for()
    assert service.call("GET", "/api/v1/policies/Marketing%20sees%20service%20data")[0] == 404


def test_a_data_policy_is_written_without_scripts(service, browse):
    page = browse(service.key_of("jonas.keller"), java_script_enabled=False)
    page.goto("/console/policies/new?kind=mask")
    page.get_by_label("Name", exact=True).fill("Mask names of tickets")
    assert not page.get_by_label("Scope").is_visible()
    page.get_by_label("Mask", exact=True).select_option("constant")
    page.get_by_label("Value", exact=True).fill("***")
    page.get_by_label("Columns named").fill("*name*")
    page.get_by_label("Tagged", exact=True).fill("Service")
    page.get_by_label(re.compile("^Condition")).fill("@isInGroups('Marketing'")
    page.get_by_role("button", name="Check").click()
    page.get_by_text("At position 24: expected").wait_for()
    page.get_by_label(re.compile("^Condition")).fill("@isInGroups('Marketing')")
    page.get_by_role("button", name="Add an exception").click()
    page.locator("#s0-e0-tagged").fill("Service.Warranty")
    page.get_by_role("button", name="Check").click()
    assert page.get_by_text("The condition is complete.").count() == 1
    assert page.get_by_text("1 data source", exact=False).count() > 0
    page.get_by_role("button", name="Save").click()
    page.get_by_text("“Mask names of tickets” is created and staged.").wait_for()
    document = service.call("GET", "/api/v1/data-policies/Mask%20names%20of%20tickets")[1]["document"]
    assert document["mask"] == {"kind": "constant", "value": "***"}
    assert document["columns"] == {"names": ["*name*"]}
    assert document["appliesTo"] == [{"tagged": ["Service"], "except": [{"tagged": ["Service.Warranty"]}]}]
    assert document["except"] == "@isInGroups('Marketing')" and document["state"] == "staged"
    remove(service, "Mask names of tickets", "data-policies")


def test_a_change_made_meanwhile_is_not_overwritten(service, browse):
    page = browse(service.key_of("jonas.keller"))
    name, quoted = "Changed by two", "Changed%20by%20two"
    document = {"name": name, "type": "grant", "level": "anyone", "appliesTo": {"tagged": ["Service"]}, "state": "staged"}
    assert service.call("PUT", f"/api/v1/policies/{quoted}", document)[0] == 201
    page.goto(f"/console/policies/{policy_id(service, name)}")
    assert service.call("PUT", f"/api/v1/policies/{quoted}", {**document, "owner": "laura.winter"})[0] == 200
    page.get_by_label("Level").select_option("approval")
    page.get_by_role("button", name="Save").click()
    page.get_by_text("somebody changed this policy while you were writing").wait_for()
    assert page.get_by_label("Level").input_value() == "approval"
    assert service.call("GET", f"/api/v1/policies/{quoted}")[1]["document"]["level"] == "anyone"
    # A name that is taken, and one that refers to nothing, are refused beside their fields.
    page.goto("/console/policies/new")
    page.get_by_label("Name", exact=True).fill("Refers to nothing")
    page.get_by_label(re.compile("^Condition")).fill("@isInGroups('Markets')")
    page.get_by_label("Tagged", exact=True).fill("Service")
    page.get_by_role("button", name="Save").click()
    assert "Markets" in page.locator(".error").first.inner_text()
    page.get_by_label(re.compile("^Condition")).fill("@isInGroups('Marketing')")
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_role("button", name="Save").click()
    page.get_by_text("Another policy has this name").wait_for()
    remove(service, name)


def test_a_policy_has_its_history_for_those_who_read_the_log(service, browse):
    document = {"name": "With a past", "type": "grant", "level": "anyone", "state": "staged", "appliesTo": {"names": ["x*"]}}
    governor = service.key_of("jonas.keller")
    assert service.call("PUT", "/api/v1/policies/With%20a%20past", document, governor)[0] == 201
    document["state"] = "disabled"
    assert service.call("PUT", "/api/v1/policies/With%20a%20past", document, governor)[0] == 200
    for username in ("jonas.keller", "ingrid.petersen"):
        page = browse(service.key_of(username))
        page.goto(f"/console/policies/{policy_id(service, 'With a past')}")
        history = page.locator("section", has=page.get_by_role("heading", name="History"))
        assert history.locator("tbody tr").count() == 2
        assert "Jonas Keller" in history.locator("tbody tr").first.inner_text()
        assert history.locator("ins").first.inner_text() == "disabled"
        history.get_by_role("link", name="In the audit log").click()
        page.get_by_role("heading", level=1, name="Audit log").wait_for()
        assert page.locator("tbody tr").count() == 2
    remove(service, "With a past")


def test_the_list_filters_sorts_and_marks_policies_that_match_nothing(service, browse):
    document = {"name": "Matches nothing", "type": "grant", "level": "anyone", "appliesTo": {"names": ["no such *"]}}
    assert service.call("PUT", "/api/v1/policies/Matches%20nothing", document)[0] == 201
    page = browse(service.key_of("jonas.keller"))
    page.goto("/console/policies")
    total = int(re.search(r"of (\d+) policies", page.locator(".pager").inner_text())[1])
    counted = [service.call("GET", f"/api/v1/{kind}")[1]["total"] for kind in ("policies", "data-policies")]
    assert total == sum(counted)
    page.get_by_label("Applies to").select_option("nothing")
    page.wait_for_url("**applies=nothing**")
    row = page.get_by_role("row", name=re.compile("^Matches nothing"))
    row.wait_for()
    assert "none" in row.inner_text()
    page.get_by_role("link", name="Matches nothing").click()
    page.get_by_text("Matches no data source: no data source has a name that matches").wait_for()
    page.goto("/console/policies?kind=mask&sort=-people")
    people = [int(text.split()[0]) for text in page.locator("tbody td:last-child").all_inner_texts()]
    assert people == sorted(people, reverse=True) and people[0] > 0
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").click()
    lines = open(download.value.path(), newline="").read().split("\r\n")
    assert lines[0] == "policy_id,name,kind,scope,level,state,owner,data_sources,people"
    assert len(lines) - 2 == counted[1] and all(",mask," in line for line in lines[1:-1])
    remove(service, "Matches nothing")


def test_every_policy_has_the_page_that_the_tables_link_to(service, browse):
    page = browse(service.key_of("ingrid.petersen"))
    for kind in ("policies", "data-policies"):
        for policy in service.call("GET", f"/api/v1/{kind}?limit=100")[1]["items"]:
            page.goto(f"/policies/{policy['id']}")
            assert page.url == f"{service.url}/console/policies/{policy['id']}"
            assert page.get_by_role("heading", level=1).inner_text() == policy["name"]
    source = service.id_of("data-sources", "Dealer Contacts")
    page.goto(f"/data-sources/{source}")
    assert page.url == f"{service.url}/console/access/data-source/{source}"


FORMS = ["/console/policies/new", "/console/policies/{id}", "/console/policies/{id}/state", "/console/policies/{id}/remove"]


def test_people_without_the_permission_neither_see_nor_change_policies(service, browse):
    number = policy_id(service, "GDPR training")
    before = service.call("GET", "/api/v1/policies/GDPR%20training")[1]
    fields = {"do": "save", "name": "Planted", "kind": "grant", "level": "anyone", "applies": "all", "state": "active"}
    fields |= {"once": "x", "etag": before["etag"], "scope": "read", "owner": ""}
    nobody = browse(service.key_of("felix.sommer"))
    assert nobody.get_by_role("link", name="Policies").count() == 0
    for path in ("", "/csv", "/new", f"/{number}", f"/{number}/remove", "/999999"):
        assert nobody.goto(f"/console/policies{path}").status == 403, path
    for path in [*FORMS, "/console/policies/check"]:
        assert post(nobody, path.format(id=number), {**fields, "state": "disabled"}) == 403, path
    # An auditor reads and changes nothing.
    auditor = browse(service.key_of("ingrid.petersen"))
    auditor.goto(f"/console/policies/{number}")
    assert auditor.get_by_role("button", name="Save").count() == 0
    assert auditor.locator(".cols > dl.facts").get_by_text("@hasAttribute('Training', 'GDPR.2026')").count() == 1
    assert auditor.goto("/console/policies/new").status == 403
    for path in FORMS:
        for do in ("save", "preview", "csv", "check"):
            assert post(auditor, path.format(id=number), {**fields, "do": do}) == 403, path
    # And no form without its token, by anybody.
    governor = browse(service.key_of("jonas.keller"))
    answer = governor.request.post(f"/console/policies/{number}/remove", form={"etag": before["etag"]}, max_redirects=0)
    assert answer.status == 403
    assert service.call("GET", "/api/v1/policies/GDPR%20training")[1] == before
    assert service.call("GET", "/api/v1/policies/Planted")[0] == 404


def test_a_manager_of_a_domain_writes_policies_inside_it_only(service, browse):
    page = browse(service.key_of("frank.albrecht"))
    page.get_by_role("navigation", name="Console").get_by_role("link", name="Policies").click()
    assert page.get_by_text("No policy.").count() == 1
    page.get_by_role("link", name="New policy").click()
    assert page.get_by_role("button", name="Preview").count() == 0
    page.get_by_label("Name", exact=True).fill("By a manager")
    page.get_by_label(re.compile("^Condition")).fill("@isInGroups('Marketing')")
    page.get_by_label("Applies to").select_option("all")
    page.get_by_role("button", name="Save").click()
    page.get_by_text("Without GOVERNANCE you write only policies").wait_for()
    page.get_by_label("Applies to").select_option("selected")
    page.get_by_text("Choose by domain").click()
    page.get_by_label("Domains").fill("Customer")
    page.get_by_role("button", name="Save").click()
    page.get_by_text("“By a manager” is created and staged.").wait_for()
    assert post(page, f"/console/policies/{policy_id(service, 'GDPR training')}", {"do": "save"}) == 403
    page.goto("/console/policies")
    assert page.locator("tbody tr").count() == 1
    assert page.goto("/console/policies?sort=people").status == 403
    remove(service, "By a manager")


@pytest.fixture
def hostile(service):
    document = {"name": HOSTILE, "type": "grant", "level": "entitlements", "appliesTo": {"names": [HOSTILE]}}
    document["condition"] = "@hasAttribute('<i>\"&','" + HOSTILE.replace("'", "''") + "')"
    status, answer = service.call("PUT", f"/api/v1/policies/{urllib.parse.quote(HOSTILE, safe='')}", document)
    assert status == 201, answer
    yield answer["id"]
    remove(service, HOSTILE)


def test_names_are_shown_as_they_are(service, hostile, browse):
    governor, auditor = browse(service.key_of("jonas.keller")), browse(service.key_of("ingrid.petersen"))
    for page in (governor, auditor):
        page.goto("/console/policies?q=" + urllib.parse.quote("<b>&"))
        assert page.locator("tbody th a").inner_text() == HOSTILE
        page.goto(f"/console/policies/{hostile}")
        assert page.get_by_role("heading", level=1).inner_text() == HOSTILE
        assert page.locator("main b b, main i, h1 b").count() == 0
    governor.goto(f"/console/policies/{hostile}")
    assert governor.get_by_label("Names").input_value() == HOSTILE
    governor.get_by_role("button", name="Preview").click()
    governor.get_by_role("heading", name="Preview").wait_for()
    governor.get_by_role("button", name="Save").click()
    governor.get_by_text("is saved and active").wait_for()
    governor.goto(f"/console/policies/{hostile}/remove")
    assert HOSTILE in governor.get_by_role("heading", level=1).inner_text()


def pages(service, hostile):
    masked = service.call("GET", "/api/v1/data-policies")[1]["items"][0]["id"]
    number = policy_id(service, "GDPR training")
    return [
        "/console/policies",
        "/console/policies?q=no+such+policy",
        "/console/policies/new",
        "/console/policies/new?kind=mask",
        f"/console/policies/{number}?was=staged",
        f"/console/policies/{number}/remove",
        f"/console/policies/{masked}?saved",
        f"/console/policies/{hostile}",
    ]


def preview(page):
    page.goto("/console/policies/new")
    page.get_by_label("Name", exact=True).fill("Draft")
    page.get_by_label(re.compile("^Condition")).fill("@isInGroups('Marketing')")
    page.get_by_label("Tagged", exact=True).fill("Service")
    page.get_by_role("radio", name="Active").check()
    page.get_by_role("button", name="Preview").click()
    page.get_by_role("heading", name="Preview").wait_for()


def mistakes(page):
    page.goto("/console/policies/new")
    page.get_by_label("Name", exact=True).fill("Draft")
    page.get_by_label(re.compile("^Condition")).fill("@isInGroups(")
    page.get_by_role("button", name="Save").click()
    page.get_by_text("Not saved:").wait_for()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_are_accessible(service, hostile, browse, scheme):
    axe = Axe()
    for user in ("jonas.keller", "ingrid.petersen"):
        page = browse(service.key_of(user), color_scheme=scheme)
        for path in pages(service, hostile):
            page.goto(path)
            found = axe.run(page, options=RULES)
            assert found.violations_count == 0, f"{user} {path}: {found.generate_report()}"
    page = browse(service.key_of("jonas.keller"), color_scheme=scheme)
    for act in (preview, mistakes):
        act(page)
        found = axe.run(page, options=RULES)
        assert found.violations_count == 0, f"{act.__name__}: {found.generate_report()}"


def test_pages_fit_a_phone(service, hostile, browse):
    def width(page):
        return page.evaluate("document.documentElement.scrollWidth")

    for user in ("jonas.keller", "ingrid.petersen"):
        page = browse(service.key_of(user), viewport={"width": 360, "height": 740})
        for path in pages(service, hostile):
            page.goto(path)
            assert width(page) <= 360, f"{user} {path} is {width(page)} wide"
    page = browse(service.key_of("jonas.keller"), viewport={"width": 360, "height": 740})
    for act in (preview, mistakes):
        act(page)
        assert width(page) <= 360, f"{act.__name__} is {width(page)} wide"
