"""Scripts for engines, run: Databricks' by Spark, Athena's tables by Spark's Hive dialect and its views translated from
Trino's, ClickHouse's by chdb, over directories and over S3."""

import os
import pathlib
import shutil
import subprocess
import sys

import chdb.session
import pytest
import sqlglot
from pyspark.sql import SparkSession

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))

from paths import PATHS, is_refused, statements  # noqa: E402
from s3 import REGION, admin, make_bucket, server, strict  # noqa: E402, F401
from summary import domesday  # noqa: E402

LAYOUTS = ["latest", "swap", "history"]
DAYS = ["2026-11-24T02:00:00Z", "2026-11-25T02:00:00Z"]
USERS = 64


@pytest.fixture(scope="module")
def summaries(tmp_path_factory):
    """Two days of the example company in each layout."""
    folder = tmp_path_factory.mktemp("summaries")
    for layout in LAYOUTS:
        for day in DAYS:
            args = ["--to", folder / layout, "--at", day, "--layout", layout, "--settle", "0", "--quiet"]
            domesday("export", "--catalog", "examples/acme", *args)
    return {layout: folder / layout for layout in LAYOUTS}


@pytest.fixture(scope="module")
def spark(tmp_path_factory):
    here = tmp_path_factory.mktemp("hive")
    os.environ["TZ"] = "UTC"
    session = (
        SparkSession.builder.master("local[2]")
        .config("spark.ui.enabled", "false")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.sql.warehouse.dir", str(here / "warehouse"))
        .config("spark.hadoop.javax.jdo.option.ConnectionURL", f"jdbc:derby:;databaseName={here}/metastore;create=true")
        .config("spark.local.dir", str(here))
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.host", "127.0.0.1")
        .enableHiveSupport()
        .getOrCreate()
    )
    session.sparkContext.setLogLevel("OFF")
    session._jvm.java.lang.System.setProperty("derby.system.home", str(here))
    yield session
    session.stop()


def ddl(engine, to, layout, *more):
    command = [os.environ["DOMESDAY_BIN"], "setup", "ddl", "--engine", engine, "--to", str(to), "--layout", layout, *more]
    return subprocess.run(command, capture_output=True, text=True, env={"PATH": os.environ["PATH"]})


def check_spark(spark):
    rows = spark.sql("SELECT count(*) n, max(export_date) d, min(export_date) e FROM domesday.user_metadata").collect()[0]
    assert (rows.n, str(rows.d), str(rows.e)) == (USERS, "2026-11-25 02:00:00", "2026-11-25 02:00:00")
    assert spark.sql("SELECT count(*) n FROM domesday.policy_outcomes").collect()[0].n == 842


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("engine", ["databricks", "athena"])
def test_spark_runs_the_script(spark, summaries, engine, layout):
    spark.sql("DROP SCHEMA IF EXISTS domesday CASCADE")
    done = ddl(engine, summaries[layout], layout)
    assert done.returncode == 0, done.stderr
    for statement in statements(done.stdout):
        if engine == "athena" and " VIEW " in statement.split("\n")[0]:
            [statement] = sqlglot.transpile(statement, read="trino", write="spark")
        spark.sql(statement)
    if engine == "athena" and layout == "history":
        # Athena reads the folders below a table's own, a Hive table in Spark does not: that the statements run is all.
        return
    check_spark(spark)


@pytest.mark.parametrize("engine", ["databricks", "athena"])
def test_spark_reads_a_directory_of_any_name(spark, summaries, tmp_path, engine):
    """One table a path is enough: all of them are written alike."""
    read = 0
    for number, path in enumerate(PATHS):
        done = ddl(engine, tmp_path / str(number) / path, "latest")
        if is_refused(engine, path):
            assert done.returncode == 1 and f"engine {engine}" in done.stderr, path
            continue
        shutil.copytree(summaries["latest"] / "v1/user-metadata", tmp_path / str(number) / path / "v1/user-metadata")
        [table] = [text for text in statements(done.stdout) if "TABLE IF NOT EXISTS domesday.ext_user_metadata " in text]
        spark.sql("CREATE SCHEMA IF NOT EXISTS domesday")
        spark.sql("DROP TABLE IF EXISTS domesday.ext_user_metadata")
        spark.sql(table)
        assert spark.sql("SELECT count(*) n FROM domesday.ext_user_metadata").collect()[0].n == USERS, path
        read += 1
    assert read > 15


@pytest.fixture(scope="module")
def clickhouse():
    session = chdb.session.Session()
    yield session
    session.close()


def query(session, sql):
    return str(session.query(sql, "TSV")).strip()


def check_clickhouse(session):
    sql = "SELECT count(), toString(max(export_date)), toString(min(export_date)) FROM domesday.user_metadata"
    assert query(session, sql) == f"{USERS}\t2026-11-25 02:00:00.000000\t2026-11-25 02:00:00.000000"
    assert query(session, "SELECT count() FROM domesday.policy_outcomes") == "842"


@pytest.mark.parametrize("layout", LAYOUTS)
def test_clickhouse_runs_the_script(clickhouse, summaries, layout):
    done = ddl("clickhouse", summaries[layout], layout)
    assert done.returncode == 0, done.stderr
    for statement in statements(done.stdout):
        clickhouse.query(statement)
    check_clickhouse(clickhouse)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_clickhouse_reads_a_bucket(clickhouse, summaries, admin, strict, layout):  # noqa: F811
    bucket, s3 = make_bucket(admin, strict), admin("s3")
    for file in summaries[layout].rglob("*.parquet"):
        s3.put_object(Bucket=bucket, Key=f"it's 100% [ü]/{file.relative_to(summaries[layout])}", Body=file.read_bytes())
    where = ["--region", REGION, "--endpoint", strict.url]
    done = ddl("clickhouse", f"s3://{bucket}/it's 100% [ü]", layout, *where)
    assert done.returncode == 0, done.stderr
    for statement in statements(done.stdout):
        clickhouse.query(statement.replace(", 'Parquet',", ", 'test', 'test', 'Parquet',"))
    check_clickhouse(clickhouse)


def test_clickhouse_reads_a_path_of_any_name(clickhouse, summaries, admin, strict, tmp_path):  # noqa: F811
    bucket, s3 = make_bucket(admin, strict), admin("s3")
    part = (summaries["latest"] / "v1/user-metadata/part-00000.parquet").read_bytes()
    read, wrong = 0, []
    for number, path in enumerate(PATHS):
        folder = tmp_path / str(number) / path
        in_bucket = ["--region", REGION, "--endpoint", strict.url]
        for to, more in ((folder, []), (f"s3://{bucket}/{number}/{path}", in_bucket)):
            done = ddl("clickhouse", to, "latest", *more)
            if is_refused("clickhouse", path, in_bucket=bool(more)):
                assert done.returncode == 1 and "engine clickhouse" in done.stderr, path
                continue
            assert done.returncode == 0, done.stderr
            if more:
                s3.put_object(Bucket=bucket, Key=f"{number}/{path}/v1/user-metadata/part-00000.parquet", Body=part)
            else:
                (folder / "v1/user-metadata").mkdir(parents=True)
                (folder / "v1/user-metadata/part-00000.parquet").write_bytes(part)
            first, *rest = statements(done.stdout)
            [table] = [text for text in rest if "VIEW domesday.ext_user_metadata " in text]
            clickhouse.query(first)
            clickhouse.query(table.replace(", 'Parquet',", ", 'test', 'test', 'Parquet',") if more else table)
            try:
                count = query(clickhouse, "SELECT count() FROM domesday.ext_user_metadata")
            except RuntimeError as error:
                count = str(error)[:200]
            if count != str(USERS):
                wrong.append((str(to), count))
            read += 1
    assert not wrong and read > 30
