"""The files in Apache Spark: by its vectorised reader, and by the record reader of parquet-java (parquet-mr)."""

import collections
import datetime
import json
import os
import pathlib
import subprocess

import pytest
from pyarrow import parquet
from pyspark.sql import SparkSession

ROOT = pathlib.Path(__file__).parents[2]
INSTANT = datetime.datetime(2026, 11, 24, 2)
SPARK = {"String": "string", "Integer": "bigint", "Boolean": "boolean", "Timestamp": "timestamp"}
READERS = {"vectorised": "true", "parquet-java": "false"}


def domesday(*args):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DOMESDAY_")}
    done = subprocess.run(
        [os.environ["DOMESDAY_BIN"], *map(str, args)], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def tables():
    definition = json.loads(domesday("schema", "--format", "json"))
    return [*definition["tables"], definition["snapshot"]]


@pytest.fixture(scope="module")
def summary(tmp_path_factory):
    out = tmp_path_factory.mktemp("summary")
    at = INSTANT.strftime("%Y-%m-%dT%H:%M:%SZ")
    domesday("export", "--catalog", "examples/acme", "--to", out, "--at", at, "--quiet")
    return out / "v1"


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    here = tmp_path_factory.mktemp("spark")
    os.environ["TZ"] = "UTC"
    session = (
        SparkSession.builder.master("local[2]")
        .config("spark.ui.enabled", "false")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.sql.warehouse.dir", str(here))
        .config("spark.local.dir", str(here))
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.host", "127.0.0.1")
        .getOrCreate()
    )
    session.sparkContext.setLogLevel("ERROR")
    yield session
    session.stop()


@pytest.fixture(params=READERS)
def spark(session, request):
    session.conf.set("spark.sql.parquet.enableVectorizedReader", READERS[request.param])
    return session


def test_fields_and_types(spark, summary, tables):
    for table in tables:
        read = spark.read.parquet(str(summary / table["name"]))
        expected = [(field["name"], SPARK[field["type"]]) for field in table["fields"]]
        assert read.dtypes == expected, table["name"]


def test_every_value_is_what_pyarrow_reads(spark, summary, tables):
    for table in tables:
        folder = summary / table["name"]
        ours = [row.asDict() for row in spark.read.parquet(str(folder)).collect()]
        theirs = [row for path in sorted(folder.glob("*.parquet")) for row in parquet.read_table(path).to_pylist()]
        for row in theirs:
            # Spark hands out instants without a zone, in that of the session.
            instants = {name: value for name, value in row.items() if isinstance(value, datetime.datetime)}
            row.update({name: value.replace(tzinfo=None) for name, value in instants.items()})
        assert ours and ours == theirs, table["name"]


def test_filters_pushed_into_the_files_find_what_a_scan_finds(spark, summary):
    """Statistics, page index and dictionaries let the reader skip: nothing may be skipped that was asked for."""
    outcomes = spark.read.parquet(str(summary / "policy-outcomes"))
    rows = [row.asDict() for row in outcomes.collect()]
    asked = 0
    for field in ["datasource_id", "username", "outcome", "reason", "column_id"]:
        values = sorted({row[field] for row in rows if row[field] is not None})
        for value in values[:: max(1, len(values) // 5)]:
            found = [row.asDict() for row in outcomes.where(outcomes[field] == value).collect()]
            assert found == [row for row in rows if row[field] == value], (field, value)
            asked += 1
        assert outcomes.where(outcomes[field].isNull()).count() == sum(row[field] is None for row in rows), field
    assert asked > 15


def test_joins_with_the_other_tables(spark, summary):
    outcomes, users = (spark.read.parquet(str(summary / name)) for name in ("policy-outcomes", "user-metadata"))
    joined = outcomes.join(users, "global_user_id").groupBy(users["department"]).count().collect()
    department = {row["global_user_id"]: row["department"] for row in users.collect()}
    expected = collections.Counter(department[row["global_user_id"]] for row in outcomes.collect())
    assert {row["department"]: row["count"] for row in joined} == expected
