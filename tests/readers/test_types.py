"""The files open in every reader with the declared fields, order, types and nullability."""

import datetime

import duckdb
import polars
import pyarrow
import pyarrow.parquet
import pytest

from summary import OF_DATABASES

INSTANT = datetime.datetime(2026, 11, 24, 2, tzinfo=datetime.timezone.utc)
ARROW = {
    "String": pyarrow.string(),
    "Integer": pyarrow.int64(),
    "Boolean": pyarrow.bool_(),
    "Timestamp": pyarrow.timestamp("us", tz="UTC"),
}
PARQUET = {
    "String": ("BYTE_ARRAY", "String"),
    "Integer": ("INT64", "None"),
    "Boolean": ("BOOLEAN", "None"),
    "Timestamp": ("INT64", "Timestamp(isAdjustedToUTC=true, timeUnit=microseconds"),
}
DUCKDB = {"String": "VARCHAR", "Integer": "BIGINT", "Boolean": "BOOLEAN", "Timestamp": "TIMESTAMP WITH TIME ZONE"}
POLARS = {
    "String": polars.String,
    "Integer": polars.Int64,
    "Boolean": polars.Boolean,
    "Timestamp": polars.Datetime("us", "UTC"),
}



def files(summary, table):
    found = sorted((summary / table["name"]).glob("*.parquet"))
    assert found, table["name"]
    return found


def test_there_are_fourteen_tables_and_the_snapshot(summary, schema):
    folders = {path.name for path in summary.iterdir() if path.is_dir() and not path.name.startswith("_")}
    assert folders == {table["name"] for table in schema}
    assert len(folders) == 15


def test_every_table_of_the_example_has_rows(summary, schema):
    for table in schema:
        rows = sum(pyarrow.parquet.read_metadata(path).num_rows for path in files(summary, table))
        assert (rows > 0) != (table["name"] in OF_DATABASES), table["name"]


def test_parquet_types_and_nullability(summary, schema):
    for table in schema:
        for path in files(summary, table):
            columns = pyarrow.parquet.ParquetFile(path).schema
            assert len(columns) == len(table["fields"]), table["name"]
            for position, field in enumerate(table["fields"]):
                column, where = columns[position], (table["name"], field["name"])
                physical, logical = PARQUET[field["type"]]
                assert column.path == field["name"], where
                assert column.physical_type == physical, where
                assert str(column.logical_type).startswith(logical), (where, str(column.logical_type))
                # REQUIRED has no definition level, OPTIONAL one; nothing repeats.
                assert column.max_definition_level == int(field["nullable"]), where
                assert column.max_repetition_level == 0, where


def test_pyarrow(summary, schema):
    for table in schema:
        for path in files(summary, table):
            read = pyarrow.parquet.read_table(path)
            read.validate(full=True)
            for field, column in zip(table["fields"], read.schema, strict=True):
                where = (table["name"], field["name"])
                assert column.name == field["name"], where
                assert column.type == ARROW[field["type"]], where
                assert column.nullable == field["nullable"], where
                if not field["nullable"]:
                    assert read.column(field["name"]).null_count == 0, where


def test_duckdb(summary, schema, database):
    for table in schema:
        described = database.execute(f"""DESCRIBE FROM "{table['name']}" """).fetchall()
        expected = [(field["name"], DUCKDB[field["type"]]) for field in table["fields"]]
        assert [(row[0], row[1]) for row in described] == expected, table["name"]
        wanted = ["OPTIONAL" if field["nullable"] else "REQUIRED" for field in table["fields"]]
        for path in files(summary, table):
            found = duckdb.execute(
                "SELECT repetition_type FROM parquet_schema(?) WHERE num_children IS NULL", [str(path)]
            ).fetchall()
            assert [row[0] for row in found] == wanted, table["name"]


def test_polars(summary, schema):
    for table in schema:
        for path in files(summary, table):
            frame = polars.read_parquet(path)
            expected = {field["name"]: POLARS[field["type"]] for field in table["fields"]}
            assert dict(frame.schema) == expected, table["name"]
            assert list(frame.columns) == list(expected), table["name"]


@pytest.mark.parametrize("reader", ["pyarrow", "polars"])
def test_readers_see_what_duckdb_sees(summary, schema, database, reader):
    for table in schema:
        paths = files(summary, table)
        ours = database.sql(f"""FROM "{table['name']}" """).to_arrow_table()
        if reader == "pyarrow":
            theirs = pyarrow.concat_tables(pyarrow.parquet.read_table(path) for path in paths)
        else:
            theirs = polars.concat([polars.read_parquet(path) for path in paths]).to_arrow()
        assert ours.num_rows == theirs.num_rows, table["name"]
        for field in table["fields"]:
            values = [value.as_py() for value in theirs.column(field["name"])]
            expected = [value.as_py() for value in ours.column(field["name"])]
            assert values == expected, (table["name"], field["name"])


def test_one_export_date(schema, database):
    for table in schema:
        query = f"""SELECT DISTINCT epoch_us(export_date) FROM "{table['name']}" """
        expected = [] if table["name"] in OF_DATABASES else [(int(INSTANT.timestamp() * 1_000_000),)]
        assert database.execute(query).fetchall() == expected, table["name"]


def test_keys_are_unique(schema, database):
    for table in schema:
        unique = [[field["name"]] for field in table["fields"] if field["unique"]]
        for key in [table["key"], *unique]:
            fields = ", ".join(f'"{field}"' for field in key)
            query = f"""SELECT count(*), (SELECT count(*) FROM (SELECT DISTINCT {fields} FROM "{table['name']}"))
                        FROM "{table['name']}" """
            rows, distinct = database.execute(query).fetchone()
            assert rows == distinct, (table["name"], key)


def test_references_resolve(schema, database):
    checked = 0
    for table in schema:
        for field in table["fields"]:
            if field["references"] is None:
                continue
            target, key = field["references"]["table"], field["references"]["field"]
            name = field["name"]
            query = f"""SELECT DISTINCT "{name}" FROM "{table['name']}" WHERE "{name}" IS NOT NULL
                        EXCEPT SELECT "{key}" FROM "{target}" """
            assert database.execute(query).fetchall() == [], (table["name"], name)
            checked += 1
    assert checked >= 20


def test_outcomes_are_in_the_order_promised(database):
    database.execute(
        """CREATE OR REPLACE TABLE ordered AS
           SELECT row_number() OVER () AS position, * FROM "policy-outcomes" """
    )
    query = """
        SELECT o.datasource_id, o.column_id IS NOT NULL, o.scope, o.user_id, coalesce(c.ordinal_position, 0)
        FROM ordered o LEFT JOIN "column-metadata" c ON c.column_id = o.column_id ORDER BY o.position
    """
    rows = database.execute(query).fetchall()
    assert rows == sorted(rows)
