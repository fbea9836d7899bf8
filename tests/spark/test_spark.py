"""The files in Apache Spark: by its vectorised reader, and by the record reader of parquet-java (parquet-mr)."""

import collections
import datetime
import os
import pathlib
import sys

import pytest
from pyarrow import parquet
from pyspark.sql import SparkSession

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))

from summary import OF_DATABASES, schema, summary  # noqa: E402, F401

SPARK = {"String": "string", "Integer": "bigint", "Boolean": "boolean", "Timestamp": "timestamp"}
READERS = {"vectorised": "true", "parquet-java": "false"}


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


def test_fields_and_types(spark, summary, schema):
    for table in schema:
        read = spark.read.parquet(str(summary / table["name"]))
        expected = [(field["name"], SPARK[field["type"]]) for field in table["fields"]]
        assert read.dtypes == expected, table["name"]


def test_every_value_is_what_pyarrow_reads(spark, summary, schema):
    for table in schema:
        folder = summary / table["name"]
        ours = [row.asDict() for row in spark.read.parquet(str(folder)).collect()]
        theirs = [row for path in sorted(folder.glob("*.parquet")) for row in parquet.read_table(path).to_pylist()]
        for row in theirs:
            # Spark hands out instants without a zone, in that of the session.
            instants = {name: value for name, value in row.items() if isinstance(value, datetime.datetime)}
            row.update({name: value.replace(tzinfo=None) for name, value in instants.items()})
        assert ours == theirs, table["name"]
        assert bool(ours) != (table["name"] in OF_DATABASES), table["name"]


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
