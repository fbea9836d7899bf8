"""policy-outcomes by DuckDB from normalized tables; prints what it took as JSON.

    duckdb_outcomes.py NORMALIZED OUT.parquet [--ordered]
"""

import json
import pathlib
import resource
import sys
import time

import duckdb

HERE = pathlib.Path(__file__).parent
AT_US = 1_780_272_000_000_000
ORDER = " ORDER BY datasource_id, column_id IS NOT NULL, scope, user_id, column_id"


def main() -> None:
    normalized, out = pathlib.Path(sys.argv[1]), sys.argv[2]
    ordered = "--ordered" in sys.argv
    database = duckdb.connect()
    database.execute("SET TimeZone = 'UTC'; SET preserve_insertion_order = false")
    database.execute("SET memory_limit = '5GB'")
    started = time.perf_counter()
    for table in sorted(normalized.glob("*.parquet")):
        database.execute(f"CREATE TEMP TABLE {table.stem} AS FROM read_parquet('{table}')")
    database.execute(f"SET VARIABLE at_us = {AT_US}")
    loaded = time.perf_counter()
    database.execute((HERE / "outcomes.sql").read_text())
    classes = time.perf_counter()
    query = (HERE / "expand.sql").read_text() + (ORDER if ordered else "")
    database.execute(f"COPY ({query}) TO '{out}' (FORMAT parquet, COMPRESSION zstd)")
    done = time.perf_counter()
    usage = resource.getrusage(resource.RUSAGE_SELF)
    print(
        json.dumps(
            {
                "load_seconds": loaded - started,
                "classes_seconds": classes - loaded,
                "write_seconds": done - classes,
                "seconds": done - started,
                "cpu_seconds": usage.ru_utime + usage.ru_stime,
                "peak_bytes": usage.ru_maxrss * 1024,
                "bytes": pathlib.Path(out).stat().st_size,
                "user_classes": database.execute("SELECT count(DISTINCT user_class_id) FROM user_class").fetchone()[0],
                "source_classes": database.execute("SELECT count(DISTINCT source_class_id) FROM source_class").fetchone()[0],
            }
        )
    )


if __name__ == "__main__":
    main()
