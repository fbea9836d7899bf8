"""Measures the product beside its peers, in one run.

    bench.py [--size l] [--runs 3] [--ordered] [--readers] [--work DIR] [--out results.json]
    bench.py --curve s,m,l,xl           the product alone, size by size
    bench.py --loading wide             catalogs and stores read; DATABASE_URL may name a PostgreSQL database to fill

Needs `duckdb`, `polars` and `pyarrow` (tests/readers/requirements.txt) and a release build of `domesday-bench`
(`cargo build --release -p domesday-bench`). Runs of the product and of DuckDB alternate; medians are printed as a
table and written as JSON. DuckDB's result is proven equal to the product's by count and a hash over all columns.
Cedar's authorizer is asked about a sample of pairs, one after the other, and its pace extrapolated to all of them.
"""

import argparse
import glob
import json
import os
import pathlib
import statistics
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", HERE.parent / "target"))
BENCH = TARGET / "release" / "domesday-bench"


def bench(*arguments: object, **environment: str) -> str:
    command, variables = [BENCH, *map(str, arguments)], os.environ | environment
    return subprocess.run(command, env=variables, check=True, stdout=subprocess.PIPE, text=True).stdout


def peer(script: str, *arguments: object) -> str:
    command = [sys.executable, HERE / "peers" / script, *map(str, arguments)]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def median(runs: list[dict]) -> dict:
    """Combines runs: the median of each number; other values are those of the first run."""
    numeric = {key for key, value in runs[0].items() if isinstance(value, (int, float))}
    return runs[0] | {key: statistics.median(run[key] for run in runs) for key in numeric}


def product(size: str, work: pathlib.Path) -> tuple[pathlib.Path, pathlib.Path]:
    store, out = work / f"{size}.db", work / f"product-{size}"
    if not store.exists():
        bench("fill", size, store)
    return store, out


def compare(arguments: argparse.Namespace, work: pathlib.Path) -> dict:
    size = arguments.size
    store, out = product(size, work)
    normalized, peer_file = work / f"normalized-{size}", work / f"duckdb-{size}.parquet"
    bench("normalize", store, normalized)
    ordered = work / f"duckdb-{size}-ordered"
    ours, theirs, theirs_ordered = [], [], []
    for _ in range(arguments.runs):
        ours.append(json.loads(bench("run", store, out)))
        theirs.append(json.loads(peer("duckdb_outcomes.py", normalized, peer_file, "--memory", arguments.memory)))
        if arguments.ordered:
            more = ["--ordered", 32, "--memory", arguments.memory]
            theirs_ordered.append(json.loads(peer("duckdb_outcomes.py", normalized, ordered, *more)))
    result = {"size": size, "product": median(ours), "duckdb": median(theirs)}
    if theirs_ordered:
        result["duckdb_ordered"] = median(theirs_ordered)
    files = [f"{out}/policy-outcomes/*.parquet", peer_file]
    if arguments.ordered:
        files.append(f"{ordered}/*.parquet")
    result["same"] = json.loads(peer("same.py", *files))
    print(table(result), flush=True)
    result["cedar"] = json.loads(bench("cedar", store))
    if arguments.readers:
        users = f"{out}/user-metadata/*.parquet"
        lines = peer("readers.py", *files, "--users", users)
        result["readers"] = [json.loads(line) for line in lines.splitlines()]
    return result


def curve(sizes: list[str], runs: int, work: pathlib.Path) -> list[dict]:
    points = []
    for size in sizes:
        store, out = product(size, work)
        points.append({"size": size} | median([json.loads(bench("run", store, out)) for _ in range(runs)]))
        for file in glob.glob(f"{out}/*/*.parquet"):
            os.remove(file)
    return points


def table(result: dict) -> str:
    ours, rows = result["product"], result["product"]["rows"]
    whole = ours["load_seconds"] + ours["outcomes_seconds"]
    whole_cpu = ours["load_cpu_seconds"] + ours["outcomes_cpu_seconds"]
    lines = [
        f"{rows:,} rows of {ours['users']:,} users and {ours['data_sources']:,} data sources; "
        f"results equal: {result['same']['same']}",
        "",
        "| | seconds | processor seconds | rows/s | peak memory | bytes/row | times faster (processor) |",
        "|---|---|---|---|---|---|---|",
        f"| product: load | {ours['load_seconds']:.2f} | {ours['load_cpu_seconds']:.2f} | | | | |",
        f"| product: evaluate only | {ours['evaluate_seconds']:.2f} | {ours['evaluate_cpu_seconds']:.2f} | | | | |",
        f"| product: evaluate, encode, hash, write | {ours['outcomes_seconds']:.2f} "
        f"| {ours['outcomes_cpu_seconds']:.2f} | {rows / ours['outcomes_seconds']:,.0f} | | | |",
        f"| **product: store to files** | {whole:.2f} | {whole_cpu:.2f} | {rows / whole:,.0f} "
        f"| {ours['peak_bytes'] / 1e6:.0f} MB | {ours['bytes'] / rows:.2f} | |",
        f"| product: the other eleven tables | {ours['other_tables_seconds']:.2f} "
        f"| {ours['other_tables_cpu_seconds']:.2f} | | | | |",
        f"| writing the same bytes, nothing else | {ours['raw_write_seconds']:.2f} | | | | | |",
    ]
    for name, key in [("DuckDB, classes first", "duckdb"), ("DuckDB, the same ordered, 32 files", "duckdb_ordered")]:
        if key in result:
            theirs = result[key]
            lines.append(
                f"| {name} | {theirs['seconds']:.1f} | {theirs['cpu_seconds']:.1f} | {rows / theirs['seconds']:,.0f} "
                f"| {theirs['peak_bytes'] / 1e6:.0f} MB | {theirs['bytes'] / rows:.2f} "
                f"| {theirs['seconds'] / whole:.0f} ({theirs['cpu_seconds'] / whole_cpu:.0f}) |"
            )
    if cedar := result.get("cedar"):
        seconds = cedar["all_seconds"] / os.cpu_count()
        lines.append(
            f"| Cedar, {cedar['all_questions']:,} questions at the pace of {cedar['questions']:,}, on every core "
            f"| {seconds:,.0f} | {cedar['all_seconds']:,.0f} | | | | {seconds / whole:,.0f} |"
        )
    return "\n".join(lines)


def loading(size: str, runs: int, work: pathlib.Path) -> dict:
    """Reading an enterprise from catalog files and from stores."""
    files, store = work / f"catalog-{size}", work / f"loading-{size}.db"
    bench("write-catalog", size, files)
    store.unlink(missing_ok=True)
    stores = {"SQLite": f"sqlite:{store}"}
    if shared := os.environ.get("DATABASE_URL"):
        stores["PostgreSQL"] = shared
    result = {"catalog": median([json.loads(bench("read-catalog", files)) for _ in range(runs)])}
    for name, url in stores.items():
        result[f"{name}, apply"] = json.loads(bench("apply", size, DATABASE_URL=url))
        reads = [json.loads(bench("snapshot", DATABASE_URL=url)) for _ in range(runs)]
        result[f"{name}, snapshot"] = median(reads)
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", default="l")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--curve", default="")
    parser.add_argument("--loading", metavar="SIZE")
    parser.add_argument("--work", type=pathlib.Path, default=TARGET / "bench")
    parser.add_argument("--ordered", action="store_true", help="DuckDB once more, sorted as the product's files are")
    parser.add_argument("--memory", default="5GB", help="DuckDB's limit")
    parser.add_argument("--readers", action="store_true")
    parser.add_argument("--out", type=pathlib.Path)
    arguments = parser.parse_args()
    arguments.work.mkdir(parents=True, exist_ok=True)
    results: dict = {}
    if arguments.curve:
        results["curve"] = curve(arguments.curve.split(","), arguments.runs, arguments.work)
        for point in results["curve"]:
            print(json.dumps(point))
    elif arguments.loading:
        results["loading"] = loading(arguments.loading, arguments.runs, arguments.work)
        for name, one in results["loading"].items():
            print(f"{name}: {one['seconds']:.2f} s, {one['cpu_seconds']:.2f} processor s, {one['peak_bytes'] / 1e6:.0f} MB")
    else:
        results["comparison"] = compare(arguments, arguments.work)
        print(table(results["comparison"]))
    if arguments.out:
        arguments.out.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
