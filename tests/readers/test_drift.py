"""The example of drift on a real PostgreSQL: what the documents show, every mistake, and its repair."""

import csv
import io
import os
import re
import shutil
import subprocess

import duckdb
import pytest

from conftest import ROOT
from postgres_server import postgres  # noqa: F401
from test_recipes import PAIR, answer, fixed

DOCUMENT = ROOT / "docs/drift.md"
CATALOG = "examples/postgres/governance"


@pytest.fixture(scope="module")
def shop(postgres, tmp_path_factory):  # noqa: F811
    """A folder with the example and its summary in `out`; `psql` runs a script in the shop's database."""
    place = tmp_path_factory.mktemp("shop")
    shutil.copytree(ROOT / "examples/postgres", place / "examples/postgres")
    declared = place / CATALOG / "shop.yaml"
    address = f"@127.0.0.1:{postgres.port}/shop?sslmode=disable"
    declared.write_text(declared.read_text().replace("@localhost/shop", address))
    assert postgres.psql("CREATE DATABASE shop")

    def psql(script):
        command = [postgres.program("psql"), "-h", "127.0.0.1", "-p", str(postgres.port), "-U", "postgres"]
        subprocess.run([*command, "-d", "shop", "-v", "ON_ERROR_STOP=1", "-q"], input=script, text=True, check=True)

    psql((ROOT / "examples/postgres/database.sql").read_text())
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SHOP_PASSWORD", "reader")
        domesday(place, "export", "--catalog", CATALOG, "--to", place / "out", "--quiet")
        yield place, psql


def domesday(place, *arguments, code=0):
    command = [os.environ["DOMESDAY_BIN"], *map(str, arguments)]
    done = subprocess.run(command, cwd=place, capture_output=True, text=True)
    assert done.returncode == code, done.stderr
    return done.stdout


def findings(place, *arguments):
    text = domesday(place, "drift", "--catalog", CATALOG, "--format", "csv", *arguments)
    return list(csv.DictReader(io.StringIO(text)))


def test_the_document_shows_what_is_answered(shop, request):
    place, _ = shop
    text = DOCUMENT.read_text()
    pairs = list(PAIR.finditer(text))
    assert len(pairs) == len(re.findall(r"^```(?:sql|console|python)$", text, re.M)) >= 4
    if request.config.getoption("--regen"):
        write = lambda match: f"```{match['kind']}\n{match['input']}```\n\n```text\n{answer(match, place)}```"
        DOCUMENT.write_text(PAIR.sub(write, text))
        return
    for match in pairs:
        found = answer(match, place)
        assert fixed(found) == fixed(match["output"]), match["input"]
        assert len(found.splitlines()) > 2, match["input"]


def test_every_mistake_of_the_example_is_found(shop):
    place, _ = shop
    found = {(row["kind"], row["role_name"], row["datasource_name"]) for row in findings(place)}
    assert found >= {
        ("EXCESS", "lena", "shop.sales.orders"),
        ("EXCESS", "omar", "shop.reporting.revenue"),
        ("EXCESS_BLOCKED", "omar", "shop.sales.customer"),
        ("UNMASKED_COLUMN", "ada", "shop.sales.customer"),
        ("MISSING", "priya", "shop.support.ticket"),
        ("PARTIAL", "ada", "shop.support.ticket"),
        ("UNMAPPED", "tmp_migration", "shop.support.ticket"),
    }
    # The nightly job does what it may, and nothing of it is drift.
    assert ("EXCESS", "etl", "shop.sales.orders") not in found


def test_csv_table_and_manifest_say_the_same(shop):
    place, _ = shop
    columns = "kind, role_name, username, datasource_id, column_id, scope, via, detail, repair"
    rows = duckdb.connect().execute(f"SELECT {columns} FROM '{place}/out/v1/access-drift/*.parquet'").fetchall()
    names = columns.split(", ")
    listed = [tuple(row[name] for name in names) for row in findings(place)]
    assert listed == [tuple("" if value is None else str(value) for value in row) for row in rows]


def test_the_repair_mends_what_it_says_and_nothing_else(shop):
    place, psql = shop
    before = findings(place)
    script = domesday(place, "drift", "--catalog", CATALOG, "--sql")
    psql(script)
    after = findings(place)
    key = lambda row: (row["kind"], row["role_name"], row["username"], row["datasource_id"], row["column_id"], row["scope"])
    assert any(row["repair"] for row in before)
    assert [key(row) for row in after] == [key(row) for row in before if not row["repair"]]
    assert not any(row["repair"] for row in after)
    domesday(place, "drift", "--catalog", CATALOG, "--fail-on-drift", code=3)
