"""What the readers' tests share: the summary of the example company, and DuckDB over it."""

import pathlib
import sys

import duckdb
import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))

from summary import AT, ROOT, domesday, schema, summary  # noqa: E402, F401


def pytest_addoption(parser):
    parser.addoption("--regen", action="store_true", help="rewrite the output that the documents show")


@pytest.fixture
def database(summary):
    """DuckDB with the working directory where recipes expect it: beside `out`."""
    connection = duckdb.connect()
    for table in sorted(path.name for path in summary.iterdir() if path.is_dir()):
        connection.execute(f"""CREATE VIEW "{table}" AS FROM '{summary}/{table}/*.parquet'""")
    return connection
