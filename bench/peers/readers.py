"""What readers take over policy-outcomes files: full scan, one data source, one user, a join.

    readers.py OUTCOMES.parquet... --users USERS.parquet [--runs N]

Each path may be a glob; every question is asked of every file set in turn, and the median counts. It is asked in a
process of its own and there twice, of which the second counts: what a reader keeps from the question before made the
first path of a turn up to a third slower, whichever it was. Prints JSON: reader, question, path and seconds; the
answer must be the same for every path.
"""

import argparse
import concurrent.futures
import glob
import json
import multiprocessing
import statistics
import time

import duckdb
import polars
import pyarrow.compute as compute
import pyarrow.dataset as dataset


def questions(users: str, source: int, user: str) -> dict:
    """Questions by reader: each a function of a path, giving a comparable answer."""

    def sql(query: str):
        def ask(path: str):
            return database.execute(query.format(path=path)).fetchall()

        return ask

    database = duckdb.connect()
    database.execute("SET enable_progress_bar = false")
    every = (
        "count(*), sum(user_id), sum(datasource_id), sum(column_id), sum(length(global_user_id)), "
        "sum(length(username)), sum(length(datasource_name)), sum(length(scope)), sum(length(outcome)), "
        "sum(length(grant_policy_ids)), sum(length(guardrail_policy_ids)), sum(length(data_policy_ids)), "
        "sum(length(reason)), sum(length(request_id)), sum(length(merged_policy)), max(epoch_us(expires_at)), min(epoch_us(export_date))"
    )
    answers = {
        ("duckdb", "every column"): sql(f"SELECT {every} FROM read_parquet('{{path}}')"),
        ("duckdb", "count by outcome"): sql(
            "SELECT outcome, count(*) FROM read_parquet('{path}') GROUP BY ALL ORDER BY ALL"
        ),
        ("duckdb", "one source"): sql(
            f"SELECT count(*), sum(user_id), count(DISTINCT username), max(grant_policy_ids) "
            f"FROM (SELECT * FROM read_parquet('{{path}}') WHERE datasource_id = {source})"
        ),
        ("duckdb", "one user"): sql(
            f"SELECT count(*), sum(datasource_id), max(merged_policy) FROM read_parquet('{{path}}') WHERE username = '{user}'"
        ),
        ("duckdb", "join with users"): sql(
            f"SELECT department, count(*) FROM read_parquet('{{path}}') JOIN read_parquet('{users}') USING (global_user_id) "
            "GROUP BY ALL ORDER BY ALL"
        ),
    }

    def lazy(path: str) -> polars.LazyFrame:
        return polars.scan_parquet(path)

    answers |= {
        ("polars", "count by outcome"): lambda path: sorted(
            lazy(path).group_by("outcome").len().collect(engine="streaming").rows()
        ),
        ("polars", "one source"): lambda path: [
            (frame.height, frame["user_id"].sum(), frame["username"].n_unique(), frame["grant_policy_ids"].max())
            for frame in [lazy(path).filter(polars.col("datasource_id") == source).collect(engine="streaming")]
        ],
        ("polars", "one user"): lambda path: [
            (frame.height, frame["datasource_id"].sum(), frame["merged_policy"].max())
            for frame in [
                lazy(path)
                .filter(polars.col("username") == user)
                .select("datasource_id", "merged_policy")
                .collect(engine="streaming")
            ]
        ],
    }

    def arrow(path: str, **options) -> dataset.Dataset:
        return dataset.dataset(sorted(glob.glob(path)), **options)

    def arrow_one_source(path: str, **options):
        table = arrow(path, **options).to_table(filter=dataset.field("datasource_id") == source)
        return [
            (
                table.num_rows,
                compute.sum(table["user_id"]).as_py(),
                compute.count_distinct(table["username"].cast("string")).as_py(),
                compute.max(table["grant_policy_ids"].cast("string")).as_py(),
            )
        ]

    def arrow_one_source_by_dictionaries(path: str):
        texts = [field.name for field in arrow(path).schema if field.type == "string"]
        return arrow_one_source(path, format=dataset.ParquetFileFormat(dictionary_columns=texts))

    def arrow_counts(path: str):
        counts: dict[str, int] = {}
        for batch in arrow(path).to_batches(columns=["outcome"]):
            for entry in compute.value_counts(batch["outcome"]).to_pylist():
                counts[entry["values"]] = counts.get(entry["values"], 0) + entry["counts"]
        return sorted(counts.items())

    answers |= {
        ("pyarrow", "count by outcome"): arrow_counts,
        ("pyarrow", "one source"): arrow_one_source,
        ("pyarrow", "one source, dictionaries kept"): arrow_one_source_by_dictionaries,
    }
    return answers


def measure(users: str, source: int, user: str, asked: tuple[str, str], path: str) -> tuple[float, str]:
    """Seconds and answer of one question: the second time, since the first starts threads and loads code."""
    ask = questions(users, source, user)[asked]
    ask(path)
    started = time.perf_counter()
    answer = ask(path)
    return time.perf_counter() - started, json.dumps(answer, default=str)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("paths", nargs="+")
    parser.add_argument("--users", required=True)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--only", default="")
    arguments = parser.parse_args()
    # A source in the middle and a user who has something there.
    source, user = duckdb.execute(
        f"SELECT datasource_id, min(username) FROM read_parquet('{arguments.paths[0]}') WHERE datasource_id = "
        f"(SELECT quantile_disc(datasource_id, 0.5) FROM (SELECT DISTINCT datasource_id FROM "
        f"read_parquet('{arguments.paths[0]}'))) GROUP BY ALL"
    ).fetchone()
    fresh = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=fresh, max_tasks_per_child=1) as processes:
        for asked in questions(arguments.users, source, user):
            reader, question = asked
            if arguments.only not in f"{reader} {question}":
                continue
            seconds: dict[str, list[float]] = {path: [] for path in arguments.paths}
            answers = {}
            for _ in range(arguments.runs):
                for path in arguments.paths:
                    took, answers[path] = processes.submit(
                        measure, arguments.users, source, user, asked, path
                    ).result()
                    seconds[path].append(took)
            assert len(set(answers.values())) == 1, (asked, answers)
            for path in arguments.paths:
                line = {"reader": reader, "question": question, "path": path, "seconds": statistics.median(seconds[path])}
                print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
