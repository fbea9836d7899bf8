"""The export in a real browser, with an S3 server that checks who may do what: set up both ways, run, watched, cancelled."""

import contextlib
import io
import json
import pathlib
import re
import sqlite3
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

import pytest
from pyarrow import parquet
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "support"))

from conftest import EmptyService, Service, free_port  # noqa: E402
from s3 import REGION, IamUser, admin, make_bucket, make_role, server, strict, wait_for  # noqa: E402, F401
from strict import Refusal  # noqa: E402

RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
HOSTILE = "\"><script>document.title='hacked'</script><b>'&\u202egpj.exe" + "x" * 300


@pytest.fixture
def bucket(admin, strict):  # noqa: F811
    return make_bucket(admin, strict)


@pytest.fixture
def start(tmp_path, strict):  # noqa: F811
    """Starts a service that may deliver to the S3 server, with an identity for AWS if one is given."""
    services = []

    def start(identity=None, port=None, **more):
        settings = {**more, "DOMESDAY_ALLOWED_ENDPOINTS": strict.url, "AWS_EC2_METADATA_DISABLED": "true", "HOME": "/nonexistent"}
        services.append(Service(tmp_path, {**settings, **(identity.env if identity else {})}, port))
        return services[-1]

    yield start
    strict.fault = None
    for service in services:
        service.stop()


def objects(admin, bucket):  # noqa: F811
    found = admin("s3").list_objects_v2(Bucket=bucket).get("Contents", [])
    return {entry["Key"] for entry in found}


def title(page):
    return page.get_by_role("heading", level=1).inner_text()


def fill_in_place(page, strict, bucket, way):  # noqa: F811
    page.goto("/console/export")
    expect(page.get_by_text("No export is set up.")).to_be_visible()
    page.get_by_role("link", name="Set up the export").click()
    fill_in_setup(page, strict, bucket, way)


def fill_in_setup(page, strict, bucket, way):  # noqa: F811
    assert title(page) == "Set up the export"
    page.get_by_label(way).check()
    page.get_by_label("Bucket", exact=True).fill(bucket)
    page.get_by_label("Region").fill(REGION)
    page.get_by_label("Path optional").fill("access-summary")
    page.get_by_label("Endpoint").select_option(strict.url)
    page.get_by_label("swap").check()
    page.get_by_role("button", name="Continue").click()


def copy(page, name):
    """What a button copies; its document is opened before."""
    button = page.locator(f"button[data-copy={name}]")
    if not button.is_visible():
        button.locator("xpath=ancestor::details/summary").click()
    button.click()
    expect(button).to_contain_text("Copied")
    return page.evaluate("navigator.clipboard.readText()")


def checks(page):
    return {item.locator("b").first.inner_text(): item for item in page.locator(".checks > li").all()}


def put_policy(admin, user, policy):  # noqa: F811
    admin("iam").put_user_policy(UserName=user.name, PolicyName="p", PolicyDocument=json.dumps(policy))


def save_export(service, strict, bucket, user, **more):  # noqa: F811
    document = {
        "bucket": bucket,
        "region": REGION,
        "path": "access-summary",
        "accessKeyId": user.key[0],
        "secretAccessKey": user.key[1],
        "endpoint": strict.url,
        **more,
    }
    status, answer = service.call("PUT", "/api/v1/access-summary/export", document)
    assert status == 201, answer


def everything(bucket):
    resources = [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"]
    statement = {"Effect": "Allow", "Action": ["s3:ListBucket", "s3:PutObject"], "Resource": resources}
    return {"Version": "2012-10-17", "Statement": [statement]}


def start_delivering(directory, admin, strict):  # noqa: F811
    """A service whose export goes to a bucket of its own."""
    settings = {"DOMESDAY_ALLOWED_ENDPOINTS": strict.url, "AWS_EC2_METADATA_DISABLED": "true", "HOME": "/nonexistent"}
    service = Service(directory, settings)
    bucket = make_bucket(admin, strict)
    save_export(service, strict, bucket, IamUser(admin, everything(bucket)))
    return service


def run_to_the_end(service):
    status, run = service.call("POST", "/api/v1/access-summary/runs")
    assert status == 202, run

    def ended():
        state = service.call("GET", f"/api/v1/access-summary/runs/{run['id']}")[1]["state"]
        return state in ("succeeded", "failed", "cancelled") and state

    assert wait_for(ended, "the end of the run") == "succeeded"
    return run["id"]


def test_with_an_access_key_a_failing_check_says_what_to_do_and_the_summary_arrives(admin, strict, bucket, start, browse):  # noqa: F811
    service = start()
    page = browse(service.key_of("jonas.keller"), at=service)
    fill_in_place(page, strict, bucket, "It uses an access key")
    expect(page.get_by_role("button", name="Copy IAM policy as JSON", exact=True)).to_be_visible()
    policy = json.loads(copy(page, "iam-json"))
    assert "aws_iam_policy" in copy(page, "iam-terraform")
    expect(page.get_by_role("button", name="Save")).to_be_disabled()

    # Without the statement that lets it put.
    puts = [statement for statement in policy["Statement"] if statement["Action"] == "s3:PutObject"]
    lister = {**policy, "Statement": [statement for statement in policy["Statement"] if statement not in puts]}
    user = IamUser(admin, lister)
    page.get_by_label("Access key ID").fill(user.key[0])
    page.get_by_label("Secret access key").fill(user.key[1])
    page.get_by_role("button", name="Verify").click()
    expect(page.get_by_text("1 of 3 checks failed")).to_be_visible()
    failed = checks(page)["Put"]
    assert "fail" in failed.get_attribute("class") and "s3:PutObject" in failed.locator(".fix").inner_text()
    assert user.key[1] not in page.content()
    expect(page.get_by_role("button", name="Save")).to_be_disabled()
    assert service.call("GET", "/api/v1/access-summary/export")[0] == 404

    # The secret that was typed is used again.
    put_policy(admin, user, policy)
    page.get_by_role("button", name="Verify again").click()
    expect(page.get_by_text("All 3 checks passed")).to_be_visible()
    assert user.key[1] not in page.content()
    assert service.call("GET", "/api/v1/access-summary/export")[0] == 404
    page.get_by_label("Time", exact=True).fill("04:15")
    page.get_by_role("button", name="Save").click()
    page.wait_for_url("**/console/export?saved")
    assert title(page) == "Access summary export"
    expect(page.locator(".verdict")).to_have_text("Every day at 04:15 Europe/Berlin.")
    assert page.locator(".plainlist li").count() == 5
    assert all("04:15" in text for text in page.locator(".plainlist li").all_inner_texts())
    assert user.key[1] not in page.content()

    # Verified again, then run and watched to the end.
    page.get_by_role("button", name="Verify now").click()
    expect(page.get_by_text("All 3 checks passed")).to_be_visible()
    strict.fault = lambda request, number: time.sleep(0.4) if request.action == "s3:PutObject" else None
    page.get_by_role("button", name="Run now").click()
    page.wait_for_url("**/console/runs/*")
    page.evaluate("window.stays = true")
    expect(page.locator(".sub .chip")).to_have_text("Running")
    expect(page.locator(".verdict")).to_contain_text(re.compile(r"File \d+ of \d+ is being delivered"), timeout=30_000)
    assert page.evaluate("window.stays") is True, "the progress came without loading the page again"
    strict.fault = None
    expect(page.locator(".sub .chip")).to_have_text("Succeeded", timeout=60_000)
    assert page.get_by_role("row", name=re.compile("policy-outcomes")).count() == 1
    assert "14 tables" in page.locator("tfoot").inner_text()
    delivered = objects(admin, bucket)
    assert {"access-summary/v1/_manifest.json", "access-summary/v1/snapshot/part-00000.parquet"} <= delivered
    with page.expect_download() as download:
        page.get_by_role("link", name="DuckDB").click()
    assert bucket in open(download.value.path()).read()

    # The next run names the manifest of this one.
    first = page.url.split("?")[0]
    page.goto(f"/console/runs/{run_to_the_end(service)}")
    page.locator("dl a code").click()
    assert page.url == first

    # Changing the schedule never asks for the secret.
    page.goto("/console/export")
    page.get_by_role("link", name="Change the schedule").click()
    assert page.locator("input[type=password]").count() == 0
    page.get_by_label("By a cron expression").check()
    page.get_by_label("Cron expression", exact=True).fill("0 6 * *")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#cron-e")).to_contain_text("five fields")
    assert page.get_by_label("Cron expression", exact=True).input_value() == "0 6 * *"
    page.get_by_label("Cron expression", exact=True).fill("0 6 * * 1")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".verdict")).to_have_text("Every Monday at 06:00 Europe/Berlin.")

    # Changing the destination keeps the stored secret, which the page does not have.
    page.get_by_role("link", name="Change", exact=True).click()
    assert page.get_by_label("Bucket", exact=True).input_value() == bucket
    page.get_by_role("button", name="Continue").click()
    assert page.get_by_label("Access key ID").input_value() == user.key[0]
    page.get_by_role("button", name="Verify").click()
    expect(page.get_by_text("All 3 checks passed")).to_be_visible()
    page.get_by_role("button", name="Save").click()
    page.wait_for_url("**/console/export?saved")

    page.get_by_role("button", name="Remove the export").click()
    assert title(page) == "Remove the export?"
    assert bucket in page.locator(".sub").inner_text()
    page.get_by_role("button", name="Remove").click()
    expect(page.get_by_text("No export is set up.")).to_be_visible()
    assert objects(admin, bucket) >= delivered


def test_with_a_role_whose_trust_policy_is_corrected(admin, strict, bucket, start, browse):  # noqa: F811
    deployment = IamUser(admin, None)
    service = start(deployment)
    page = browse(service.key_of("jonas.keller"), at=service)
    fill_in_place(page, strict, bucket, "It assumes a role")
    assert page.locator("#service-arn").inner_text() == deployment.arn
    external_id = copy(page, "external-id")
    trust = json.loads(copy(page, "trust-json"))
    assert trust["Statement"][0]["Principal"]["AWS"] == deployment.arn
    assert trust["Statement"][0]["Condition"]["StringEquals"]["sts:ExternalId"] == external_id
    rights = json.loads(copy(page, "iam-json"))
    wrong = json.loads(json.dumps(trust).replace(external_id, "another"))
    arn = make_role(admin, wrong, rights)

    page.get_by_label("ARN of the role").fill(arn)
    page.get_by_role("button", name="Verify").click()
    expect(page.get_by_text("1 of 3 checks failed")).to_be_visible()
    assert "trust policy" in checks(page)["Credentials"].locator(".fix").inner_text().lower()
    put_policy(admin, deployment, json.loads(copy(page, "assume-json")))
    role = arn.rsplit("/", 1)[1]
    admin("iam").update_assume_role_policy(RoleName=role, PolicyDocument=json.dumps(trust))
    page.get_by_role("button", name="Verify again").click()
    expect(page.get_by_text("All 3 checks passed")).to_be_visible()
    assert page.get_by_label("Time", exact=True).input_value() == "05:00"
    page.get_by_role("button", name="Save").click()
    page.wait_for_url("**/console/export?saved")
    expect(page.get_by_text(arn, exact=True)).to_be_visible()
    page.get_by_role("button", name="Run now").click()
    expect(page.locator(".sub .chip")).to_have_text("Succeeded", timeout=60_000)
    assert "access-summary/v1/_manifest.json" in objects(admin, bucket)


def test_a_run_is_cancelled_and_a_failed_one_says_what_to_do(admin, strict, bucket, start, browse):  # noqa: F811
    service = start()
    user = IamUser(admin, everything(bucket))
    save_export(service, strict, bucket, user)
    page = browse(service.key_of("jonas.keller"), at=service)
    strict.fault = lambda request, number: time.sleep(2) if request.action == "s3:PutObject" else None
    page.goto("/console/runs")
    page.get_by_role("button", name="Run now").click()
    expect(page.locator(".sub .chip")).to_have_text("Running", timeout=30_000)
    # A second one leads to the one that is under way.
    address = page.url.split("?")[0]
    page.goto("/console/export")
    page.get_by_role("button", name="Run now").click()
    assert page.url == f"{address}?already"
    page.get_by_role("button", name="Cancel run").click()
    assert title(page).startswith("Cancel the run of ")
    page.get_by_role("button", name="Cancel run").click()
    expect(page.locator(".sub .chip")).to_have_text("Cancelled", timeout=30_000)
    expect(page.locator(".verdict")).to_have_text("Jonas Keller cancelled the run.")
    assert page.get_by_role("button", name="Cancel run").count() == 0
    assert "access-summary/v1/_manifest.json" not in objects(admin, bucket)

    strict.fault = None
    put_policy(admin, user, {**everything(bucket), "Statement": [{**everything(bucket)["Statement"][0], "Action": "s3:ListBucket"}]})
    page.goto("/console/runs")
    page.get_by_role("button", name="Run now").click()
    expect(page.locator(".sub .chip")).to_have_text("Failed", timeout=60_000)
    assert "s3:PutObject" in page.locator(".note.fail").inner_text()
    # How far the attempt came, and what to do.
    phases = page.get_by_role("region", name="Phases")
    assert "The attempt ended here." in phases.locator("li.bad").inner_text()
    assert phases.locator("li.done").count() >= 3 and phases.locator("li.done .num").count() >= 3
    attempt = page.get_by_role("region", name="Attempts").locator("li")
    assert "Attempt 1 failed" in attempt.inner_text() and "What to do:" in attempt.inner_text()
    page.goto("/console/runs?state=failed")
    assert page.locator("tbody tr").filter(has=page.locator(".chip.fail")).count() == 1
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").click()
    lines = open(download.value.path()).read().splitlines()
    assert lines[0].startswith("id,state,trigger,") and len(lines) == 2 and ",failed,manual,jonas.keller," in lines[1]


def test_everything_works_without_scripts(admin, strict, bucket, start, browse):  # noqa: F811
    service = start()
    page = browse(service.key_of("jonas.keller"), at=service, java_script_enabled=False)
    fill_in_place(page, strict, bucket, "It uses an access key")
    policy = json.loads(page.locator("#iam-json").inner_text())
    user = IamUser(admin, policy)
    page.get_by_label("Access key ID").fill(user.key[0])
    page.get_by_label("Secret access key").fill(user.key[1])
    page.get_by_role("button", name="Verify").click()
    page.get_by_role("button", name="Save").click()
    strict.fault = lambda request, number: time.sleep(0.3) if request.action == "s3:PutObject" else None
    page.get_by_role("button", name="Run now").click()
    assert title(page).startswith("Run of ")
    # The page loads itself again.
    expect(page.locator(".sub .chip")).to_have_text("Succeeded", timeout=60_000)
    page.goto("/console/runs")
    page.get_by_label("State").select_option("succeeded")
    page.get_by_role("button", name="Filter").click()
    assert page.locator("section tbody tr").count() == 1


def test_attempts_and_the_last_verification_outlive_a_restart(admin, strict, bucket, start, browse):  # noqa: F811
    service = start()
    service.stop()
    service.environment["DOMESDAY_DELIVERY_ATTEMPTS"] = "1"
    service.begin_again()
    user = IamUser(admin, everything(bucket))
    save_export(service, strict, bucket, user)
    key = service.key_of("jonas.keller")
    page = browse(key, at=service)
    page.goto("/console/export")
    expect(page.get_by_text("All 3 checks passed")).to_be_visible()
    put_policy(admin, user, {**everything(bucket), "Statement": [{**everything(bucket)["Statement"][0], "Action": "s3:PutObject"}]})
    page.get_by_role("button", name="Verify now").click()
    expect(page.get_by_text("1 of 3 checks failed")).to_be_visible()
    last = service.call("GET", "/api/v1/access-summary/export")[1]["lastVerification"]
    assert not last["ok"] and [check["status"] for check in last["checks"]].count("failed") == 1
    put_policy(admin, user, everything(bucket))

    def busy(request, number):
        if request.action == "s3:PutObject":
            raise Refusal(503, "SlowDown", "Please reduce your request rate.")

    strict.fault = busy
    status, run = service.call("POST", "/api/v1/access-summary/runs")
    assert status == 202, run
    address = f"/api/v1/access-summary/runs/{run['id']}"
    wait_for(lambda: service.call("GET", address)[1]["nextAttemptAt"], "the end of the first attempt")
    strict.fault = None
    page.goto(f"/console/runs/{run['id']}")
    attempts = page.get_by_role("region", name="Attempts").locator("li")
    assert "Attempt 1 failed" in attempts.first.inner_text() and "Attempt 2 begins" in attempts.last.inner_text()
    service.stop()
    # Nobody waits half a minute for the next attempt.
    with contextlib.closing(sqlite3.connect(service.directory / "governance.db")) as store:
        assert store.execute("UPDATE run SET retry_at = 1").rowcount == 1
        store.commit()
    service.begin_again()
    wait_for(lambda: service.call("GET", address)[1]["state"] == "succeeded", "the second attempt")
    page.reload()
    texts = attempts.all_inner_texts()
    assert len(texts) == 2 and texts[0].startswith("Attempt 1 failed") and texts[1].startswith("Attempt 2 succeeded")
    assert "SlowDown" in texts[0] or "reduce your request rate" in texts[0].lower() or "What to do" in texts[0], texts[0]
    phases = page.get_by_role("region", name="Phases").locator("li")
    assert phases.count() == 5 and phases.locator("h3 .num").count() == 5
    history = service.call("GET", address)[1]["attemptHistory"]
    assert [(it["attempt"], it["outcome"]) for it in history] == [(1, "failed"), (2, "succeeded")]
    assert history[0]["error"]["kind"] == "throttled" and history[0]["phases"][-1]["phase"] == "delivery"
    assert [phase["phase"] for phase in history[1]["phases"]] == ["snapshot", "evaluation", "opening", "tables", "delivery"]
    assert history[0]["endedAt"] <= history[1]["startedAt"] <= history[1]["endedAt"]
    page.goto("/console/export")
    expect(page.get_by_text("1 of 3 checks failed")).to_be_visible()
    assert service.call("GET", "/api/v1/access-summary/export")[1]["lastVerification"] == last


def test_links_in_the_tables_lead_to_pages(admin, strict, bucket, start, browse):  # noqa: F811
    port = free_port()
    service = start(port=port, DOMESDAY_PUBLIC_URL=f"http://127.0.0.1:{port}")
    save_export(service, strict, bucket, IamUser(admin, everything(bucket)))
    run_to_the_end(service)
    page = browse(service.key_of("ingrid.petersen"), at=service)
    for table, name, path in [
        ("policy-metadata", "policy_name", "/console/policies/"),
        ("datasource-metadata", "datasource_name", "/console/access/data-source/"),
    ]:
        body = admin("s3").get_object(Bucket=bucket, Key=f"access-summary/v1/{table}/part-00000.parquet")["Body"].read()
        rows = parquet.read_table(io.BytesIO(body), columns=[name, "link"]).to_pylist()
        assert len(rows) > 10
        for row in rows[:: len(rows) // 5]:
            assert row["link"].startswith(service.url + path), row
            page.goto(row["link"])
            assert title(page) == row[name]


def test_the_first_steps_are_followed_from_the_first_link_to_the_export(tmp_path, admin, strict, bucket, browse):  # noqa: F811
    service = EmptyService(tmp_path, {"DOMESDAY_ALLOWED_ENDPOINTS": strict.url, "HOME": "/nonexistent"})
    try:
        page = browse(at=service)
        page.goto(service.link)
        assert title(page) == "Overview"
        steps = page.get_by_role("region", name="First steps")

        def done():
            page.goto("/console")
            return ["done" in text for text in steps.locator("li").all_inner_texts()]

        assert done() == [False, False, False]
        steps.get_by_role("link", name="Load a catalog").click()
        page.get_by_role("button", name="Show the plan of the example company").click()
        page.get_by_role("button", name="Apply").click()
        page.get_by_text("The catalog is loaded.").wait_for()
        assert done() == [True, False, False]
        steps.get_by_role("link", name="Make a governor").click()
        page.get_by_role("link", name="jonas.keller").click()
        page.get_by_role("button", name="Make a governor").click()
        page.locator("#secret").wait_for()
        assert done() == [True, True, False]
        steps.get_by_role("link", name="Set up the export").click()
        fill_in_setup(page, strict, bucket, "It uses an access key")
        user = IamUser(admin, everything(bucket))
        page.get_by_label("Access key ID").fill(user.key[0])
        page.get_by_label("Secret access key").fill(user.key[1])
        page.get_by_role("button", name="Verify").click()
        page.get_by_role("button", name="Save").click()
        page.get_by_text("The export is saved.").wait_for()
        # All of them are done: nothing is left to show.
        assert done() == [] and steps.count() == 0
    finally:
        service.stop()


@pytest.fixture
def delivered(admin, strict, bucket, start):  # noqa: F811
    """A service with three runs, and the address of the last."""
    service = start()
    save_export(service, strict, bucket, IamUser(admin, everything(bucket)), layout="swap")
    for _ in range(2):
        run_to_the_end(service)
    return service, run_to_the_end(service)


def pages(run):
    place = urllib.parse.urlencode({"bucket": "acme-audit", "region": REGION, "kms": f"arn:aws:kms:{REGION}:111122223333:key/x"})
    return [
        "/console/export",
        "/console/export/schedule",
        "/console/export/remove",
        "/console/export/setup",
        f"/console/export/setup?way=role&{place}",
        f"/console/export/setup?way=key&{place}",
        "/console/export/setup?bucket=A&region=B&path=a//b&owner=x",
        "/console/runs",
        "/console/runs?state=cancelled",
        f"/console/runs/{run}",
    ]


def test_pages_are_accessible_and_fit_a_phone(delivered, browse):
    service, run = delivered
    key = service.key_of("jonas.keller")
    for scheme in ["light", "dark"]:
        page = browse(key, at=service, color_scheme=scheme)
        axe = Axe()
        for path in pages(run):
            page.goto(path)
            found = axe.run(page, options=RULES)
            assert found.violations_count == 0, f"{path}: {found.generate_report()}"
    page = browse(key, at=service, viewport={"width": 360, "height": 740})
    for path in pages(run):
        page.goto(path)
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= 360, f"{path} is {width} wide"


FORMS = [
    "/console/runs",
    "/console/runs/{run}/cancel",
    "/console/export/verify",
    "/console/export/schedule",
    "/console/export/remove",
    "/console/export/setup/verify",
    "/console/export/setup/save",
]


def test_people_see_and_do_what_the_api_lets_them(delivered, browse):
    service, run = delivered
    _, before = service.call("GET", "/api/v1/access-summary/export")

    def post(page, path):
        page.goto("/console/profile")
        token = page.locator("input[name=csrf]").first.input_value()
        fields = {
            "csrf": token, "once": "1", "etag": before["etag"], "when": "daily", "time": "01:01", "layout": "latest",
            "bucket": "acme-audit", "region": REGION, "way": "key", "key": "AKIA", "secret": "x",
        }
        return page.request.post(path.format(run=run), form=fields, max_redirects=0)

    nobody = browse(service.key_of("frank.albrecht"), at=service)
    auditor = browse(service.key_of("ingrid.petersen"), at=service)
    for page in [nobody, auditor]:
        for path in FORMS:
            answer = post(page, path)
            assert answer.status == 403, f"{path}: {answer.status}"
            assert "GOVERNANCE" in answer.text()
    assert nobody.get_by_role("link", name="Runs").count() == 0
    paths = [*pages(run), f"/console/runs/{run}/cancel", f"/console/runs/{run}/events", "/console/runs/csv"]
    paths += ["/console/export/external-tables/duckdb"]
    for path in paths:
        assert nobody.request.get(path).status == 403, path
    for path in ["/console/export", "/console/runs", f"/console/runs/{run}"]:
        auditor.goto(path)
        assert auditor.get_by_role("main").get_by_role("button", name=re.compile("Run now|Verify now|Remove|Cancel run")).count() == 0
        assert auditor.get_by_role("link", name="Change", exact=True).count() == 0
    for path in ["/console/export/setup", "/console/export/schedule", "/console/export/remove", f"/console/runs/{run}/cancel"]:
        assert auditor.request.get(path).status == 403, path
    # A form without the session's token does nothing.
    assert auditor.request.post("/console/runs", form={"once": "2"}, max_redirects=0).status == 403
    assert service.call("GET", "/api/v1/access-summary/export")[1] == before
    assert service.call("GET", "/api/v1/access-summary/runs")[1]["total"] == 3


def test_streams_of_progress_are_bounded(admin, strict, bucket, start, browse):  # noqa: F811
    service = start()
    save_export(service, strict, bucket, IamUser(admin, everything(bucket)))
    page = browse(service.key_of("jonas.keller"), at=service)
    strict.fault = lambda request, number: time.sleep(5) if request.action == "s3:PutObject" else None
    _, run = service.call("POST", "/api/v1/access-summary/runs")
    cookie = "; ".join(f"{it['name']}={it['value']}" for it in page.context.cookies())
    address = f"{service.url}/console/runs/{run['id']}/events"
    streams = []

    def open_stream():
        headers = {"Cookie": cookie, "Accept-Encoding": "gzip"}
        try:
            streams.append(urllib.request.urlopen(urllib.request.Request(address, headers=headers), timeout=20))
            return streams[-1].status
        except urllib.error.HTTPError as error:
            return error.code

    assert [open_stream() for _ in range(5)] == [200] * 4 + [503]
    first = streams[0]
    assert first.headers["content-type"] == "text/event-stream" and not first.headers["content-encoding"]
    assert first.readline() == b"retry: 1000\n"
    lines = [first.readline().decode() for _ in range(4)]
    assert any(line.startswith("data: ") and "data-part" in line for line in lines), lines
    for stream in streams:
        stream.close()
    strict.fault = None
    wait_for(lambda: open_stream() == 200, "a free place")
    service.call("POST", f"/api/v1/access-summary/runs/{run['id']}/cancel")
    assert "event: end" in streams[-1].read().decode()


def test_text_that_users_supply_is_shown_escaped(admin, strict, bucket, start, browse):  # noqa: F811
    service = start()
    user = {"username": "hostile", "name": HOSTILE[:200], "permissions": ["GOVERNANCE"]}
    status, answer = service.call("PUT", "/api/v1/users/hostile", user)
    assert status in (200, 201), answer
    path = "a<b>'\"&\u202e"
    save_export(service, strict, bucket, IamUser(admin, everything(bucket)), path=path)
    key = service.key_of("hostile")
    page = browse(key, at=service)
    page.goto("/console/runs")
    page.get_by_role("button", name="Run now").click()
    expect(page.locator(".sub .chip")).to_have_text("Succeeded", timeout=60_000)
    query = urllib.parse.urlencode({"bucket": HOSTILE, "region": HOSTILE, "path": HOSTILE, "kms": HOSTILE, "role": HOSTILE})
    place = urllib.parse.urlencode({"bucket": "acme-audit", "region": REGION, "path": path, "role": HOSTILE})
    phone = browse(key, at=service, viewport={"width": 360, "height": 740})
    for address in [
        page.url, "/console/runs", "/console/export", "/console/export/remove", f"/console/export/setup?{query}",
        f"/console/export/setup?{place}", f"/console/runs?state={urllib.parse.quote(HOSTILE)}",
    ]:
        phone.goto(address)
        assert phone.locator("main script, main b b").count() == 0 and phone.title() != "hacked", address
        width = phone.evaluate("document.documentElement.scrollWidth")
        assert width <= 360, f"{address} is {width} wide"
    phone.goto("/console/export")
    assert f"s3://{bucket}/{path}" in phone.locator(".sub").inner_text()
