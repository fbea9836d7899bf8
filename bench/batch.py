"""Measures an export in tasks: what it costs beside the same export by one task, with 1, 2 and 4 workers.

    cargo build --release -p domesday -p domesday-bench
    python bench/batch.py --size xl --workers 1,2,4

A worker is a thread of this script that runs one task after the other, each with one thread of evaluation: what an
executor of one core does, without an engine around it. Prints JSON.
"""

import argparse
import concurrent.futures
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).parent.parent


def measured(command, threads=None, out=None):
    """Runs a command and returns its elapsed and processor seconds and its peak memory in bytes."""
    environment = {**os.environ, **({"RAYON_NUM_THREADS": str(threads)} if threads else {})}
    start = time.monotonic()
    process = subprocess.Popen(list(map(str, command)), env=environment, stdout=out or subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.monotonic() - start
    assert status == 0, command
    return {"seconds": seconds, "cpu": usage.ru_utime + usage.ru_stime, "peak": usage.ru_maxrss * 1024}


def batch(domesday, snapshot, folder, tasks, workers, threads):
    """Plans, runs and finishes a batch into a new directory."""
    plan, out = folder / "plan", folder / "out"
    shutil.rmtree(out, ignore_errors=True)
    planned = measured([domesday, "batch", "plan", "--snapshot", snapshot, "--tasks", tasks, "--out", plan])
    files = ["--snapshot", snapshot, "--plan", plan]
    reports = [folder / f"report-{index}" for index in range(tasks)]

    def task(index):
        with open(reports[index], "w") as report:
            command = [domesday, "batch", "task", *files, "--index", index, "--to", out]
            return measured(command, threads, report)

    start = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        done = list(pool.map(task, range(tasks)))
    elapsed = time.monotonic() - start
    finished = measured([domesday, "batch", "finish", *files, "--to", out, "--reports", *reports])
    content = json.loads(plan.read_text())
    written = list((out / "v1/policy-outcomes").iterdir())
    sizes = sorted(path.stat().st_size for path in written)
    return {
        "tasks": tasks,
        "workers": workers,
        "threads": threads,
        "plan": planned,
        "tasks_seconds": elapsed,
        "tasks_cpu": sum(task["cpu"] for task in done),
        "task_peak": max(task["peak"] for task in done),
        "finish": finished,
        "rows": sum(part["part"]["rows"] for part in content["parts"]),
        "files": len(written),
        "bytes": sum(sizes),
        "smallest": sizes[0],
        "largest": sizes[-1],
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", default="xl")
    parser.add_argument("--workers", default="1,2,4")
    parser.add_argument("--tasks", type=int, help="the tasks for several workers [default: 4 for each]")
    parser.add_argument("--target", type=pathlib.Path, default=ROOT / "target/release")
    arguments = parser.parse_args()
    domesday, bench = arguments.target / "domesday", arguments.target / "domesday-bench"
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        snapshot = folder / "snapshot"
        generated = measured([bench, "write-snapshot", arguments.size, snapshot])
        # One task without work: the program starts, loads the snapshot and checks the plan.
        empty = [domesday, "batch", "plan", "--snapshot", snapshot, "--tasks", 100_000, "--out", folder / "plan"]
        measured(empty)
        load = ["--snapshot", snapshot, "--plan", folder / "plan", "--index", 0, "--to", folder / "out"]
        result = {
            "size": arguments.size,
            "snapshot_bytes": snapshot.stat().st_size,
            "generate": generated,
            "load": measured([domesday, "batch", "task", *load]),
            "one": batch(domesday, snapshot, folder, 1, 1, None),
            "batches": [],
        }
        for workers in map(int, arguments.workers.split(",")):
            tasks = arguments.tasks or 4 * workers
            result["batches"].append(batch(domesday, snapshot, folder, tasks, workers, 1))
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
