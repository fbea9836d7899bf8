"""policy-outcomes by DuckDB from normalized tables; prints what it took as JSON.

    duckdb_outcomes.py NORMALIZED OUT.parquet [--memory 5GB]
    duckdb_outcomes.py NORMALIZED OUT_FOLDER --ordered 32 [--memory 5GB]
"""

import argparse
import json
import pathlib
import resource
import shutil
import time

import duckdb

HERE = pathlib.Path(__file__).parent
AT_US = 1_780_272_000_000_000
ORDER = " ORDER BY datasource_id, column_id IS NOT NULL, scope, user_id, column_id"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("normalized", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument(
        "--ordered", type=int, default=0, metavar="PARTS",
        help="sorted as the product's files are, in so many files of neighbouring data sources: sorting all of L at "
        "once takes more memory than 17 GB",
    )  # fmt: skip
    parser.add_argument("--memory", default="5GB", help="DuckDB's limit; beyond it DuckDB spills beside the output")
    arguments = parser.parse_args()
    normalized, out = arguments.normalized, arguments.out
    database = duckdb.connect()
    database.execute("SET TimeZone = 'UTC'; SET preserve_insertion_order = false")
    database.execute(f"SET memory_limit = '{arguments.memory}'; SET temp_directory = '{out.parent / 'spill'}'")
    started = time.perf_counter()
    for table in sorted(normalized.glob("*.parquet")):
        database.execute(f"CREATE TEMP TABLE {table.stem} AS FROM read_parquet('{table}')")
    database.execute(f"SET VARIABLE at_us = {AT_US}")
    loaded = time.perf_counter()
    database.execute((HERE / "outcomes.sql").read_text())
    classes = time.perf_counter()
    query = (HERE / "expand.sql").read_text()
    if arguments.ordered:
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir()
        last = database.execute("SELECT max(datasource_id) FROM sources").fetchone()[0]
        starts = [last * part // arguments.ordered for part in range(arguments.ordered)] + [last]
        for part, (after, until) in enumerate(zip(starts, starts[1:])):
            some = f"{query} WHERE r.datasource_id > {after} AND r.datasource_id <= {until} {ORDER}"
            database.execute(f"COPY ({some}) TO '{out}/part-{part:05}.parquet' (FORMAT parquet, COMPRESSION zstd)")
    else:
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
                "bytes": sum(file.stat().st_size for file in ([out] if out.is_file() else out.iterdir())),
                "user_classes": database.execute("SELECT count(DISTINCT user_class_id) FROM user_class").fetchone()[0],
                "source_classes": database.execute("SELECT count(DISTINCT source_class_id) FROM source_class").fetchone()[0],
            }
        )
    )


if __name__ == "__main__":
    main()
