"""An export of Domesday on Spark: one task of a batch for each element of an RDD.

    spark-submit domesday_batch.py --snapshot acme.snapshot --tasks 64 \
        --to s3://acme-audit/access --region eu-central-1

Spark ships the snapshot and the plan, runs the tasks on the executors and repeats those that fail. Every machine must have
the program (`--binary`), and credentials of its own for the destination: none are shipped. Options that this script does
not know are those of a destination, and are passed to every step.
"""

import argparse
import os
import subprocess
import tempfile

from pyspark import SparkFiles
from pyspark.sql import SparkSession


def domesday(binary, *arguments):
    """Runs the program; what it prints on standard error goes to the log of the driver or executor."""
    done = subprocess.run([binary, *map(str, arguments)], stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"`domesday {arguments[0]} {arguments[1]}` failed with exit code {done.returncode}")
    return done.stdout


def task(binary, snapshot, plan, to, options):
    """Returns what each executor does: it evaluates and delivers one task, and returns the report."""

    def run(index):
        files = ["--snapshot", SparkFiles.get(snapshot), "--plan", SparkFiles.get(plan)]
        return domesday(binary, "batch", "task", "--index", index, *files, "--to", to, *options)

    return run


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--snapshot", required=True, help="the file that `domesday snapshot` wrote")
    parser.add_argument("--tasks", type=int, required=True, help="several for each core of the executors")
    parser.add_argument("--to", required=True, help="the destination")
    parser.add_argument("--layout", default="latest", choices=["latest", "swap", "history"])
    parser.add_argument("--settle", default="5", help="with the layout swap: seconds before the slot is activated")
    parser.add_argument("--part-size", help="the size that a file should have, in MiB")
    parser.add_argument("--binary", default="domesday", help="the program, on the driver and on every executor")
    arguments, options = parser.parse_known_args()

    spark = SparkSession.builder.appName("domesday").getOrCreate()
    context, binary, to = spark.sparkContext, arguments.binary, arguments.to
    with tempfile.TemporaryDirectory() as folder:
        snapshot, plan = os.path.abspath(arguments.snapshot), os.path.join(folder, "domesday.plan")
        cut = ["--part-size", arguments.part_size] if arguments.part_size else []
        files = ["--snapshot", snapshot, "--tasks", arguments.tasks, "--out", plan, "--layout", arguments.layout]
        print(domesday(binary, "batch", "plan", *files, *cut, "--to", to, *options), flush=True)
        context.addFile(snapshot)
        context.addFile(plan)

        run = task(binary, os.path.basename(snapshot), os.path.basename(plan), to, options)
        # One partition for each task, so that each is scheduled and repeated by itself.
        reports = context.parallelize(range(arguments.tasks), arguments.tasks).map(run).collect()

        paths = [os.path.join(folder, f"report-{index}.json") for index in range(arguments.tasks)]
        for path, report in zip(paths, reports):
            with open(path, "w") as file:
                file.write(report)
        files = ["--snapshot", snapshot, "--plan", plan, "--reports", *paths, "--settle", arguments.settle]
        print(domesday(binary, "batch", "finish", *files, "--to", to, *options), flush=True)
    spark.stop()


if __name__ == "__main__":
    main()
