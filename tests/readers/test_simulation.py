"""What simulated nights with faults leave in a bucket, read by DuckDB through the generated views."""

import os
import pathlib
import subprocess

import duckdb
import pytest


@pytest.mark.parametrize("seed", [2, 6, 9, 18])
def test_the_views_find_one_whole_day(seed, tmp_path):
    binary = pathlib.Path(os.environ["DOMESDAY_BIN"])
    simulate = [binary.with_name("simulate" + binary.suffix), "--seed", str(seed), "--nights", "12"]
    subprocess.run([*simulate, "--dump", tmp_path], check=True, capture_output=True)
    connection = duckdb.connect()
    named = f"FROM read_parquet('{tmp_path}/v1/snapshot/*.parquet')"
    layout, date = connection.execute(f"SELECT layout, CAST(export_date AS VARCHAR) {named}").fetchone()
    ddl = [binary, "setup", "ddl", "--engine", "duckdb", "--to", tmp_path, "--layout", layout]
    connection.execute(subprocess.run(ddl, check=True, capture_output=True, text=True).stdout)
    views = "SELECT view_name FROM duckdb_views() WHERE schema_name = 'domesday' AND view_name NOT LIKE 'ext%'"
    views = [view for (view,) in connection.execute(views).fetchall()]
    assert len(views) == 15
    for view in views:
        query = f"SELECT count(*), min(CAST(export_date AS VARCHAR)), max(CAST(export_date AS VARCHAR)) FROM domesday.{view}"
        rows, first, last = connection.execute(query).fetchone()
        if view in {"actual_access", "access_drift"}:
            # The simulated company connects no database.
            assert rows == 0, view
        else:
            assert rows > 0 and first == last == date, view
