"""Measures an export as a job on a Spark standalone cluster, with 1, 2 and 4 executors of one core each.

    cargo build --release -p domesday -p domesday-bench
    pip install -r tests/spark/requirements.txt
    python bench/spark.py --size xxl --executors 1,2,4

Needs Java 17. Master, workers and driver are processes on this machine, and the destination is a directory; `bench/batch.py`
measures the same tasks without Spark. Prints JSON: seconds from submitting the job until it ended, and the processor seconds
of the program in it: of `plan`, of every task and of `finish`.
"""

import argparse
import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time

import pyspark

ROOT = pathlib.Path(__file__).parent.parent
SPARK = pathlib.Path(pyspark.__file__).parent
LOCAL = ["--host", "127.0.0.1", "--webui-port", "0"]
# What Spark runs: the program, and a file with the processor seconds that it took.
WRAPPER = """\
#!{python}
import os, subprocess, sys
process = subprocess.Popen(["{binary}", *sys.argv[1:]])
_, status, usage = os.wait4(process.pid, 0)
with open(f"{folder}/cost-{{os.getpid()}}", "w") as file:
    file.write(str(usage.ru_utime + usage.ru_stime))
sys.exit(os.waitstatus_to_exitcode(status))
"""


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def environment():
    return {
        **os.environ,
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_HOME": str(SPARK),
        "PYSPARK_PYTHON": sys.executable,
        "PYSPARK_DRIVER_PYTHON": sys.executable,
        # An executor has one core.
        "RAYON_NUM_THREADS": "1",
    }


class Daemon:
    """A master or a worker."""

    def __init__(self, folder, name, text, *command):
        log = folder / f"{name}.log"
        with open(log, "w") as file:
            command = [SPARK / "bin/spark-class", *command]
            self.process = subprocess.Popen(command, env=environment(), stdout=file, stderr=file, cwd=folder)
        end = time.monotonic() + 60
        while text not in log.read_text():
            assert self.process.poll() is None and time.monotonic() < end, log.read_text()
            time.sleep(0.1)

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=60)


def job(folder, binary, snapshot, tasks, executors):
    """Runs a job on a cluster of its own."""
    folder.mkdir()
    costs = folder / "costs"
    costs.mkdir()
    wrapper = folder / "domesday"
    wrapper.write_text(WRAPPER.format(python=sys.executable, binary=binary, folder=costs))
    wrapper.chmod(0o755)
    port = str(free_port())
    url = f"spark://127.0.0.1:{port}"
    classes = "org.apache.spark.deploy"
    daemons = [Daemon(folder, "master", "elected leader", f"{classes}.master.Master", *LOCAL, "--port", port)]
    for number in range(executors):
        options = [*LOCAL, "--cores", "1", "--memory", "1g", "--work-dir", folder / f"work-{number}", url]
        name, registered = f"worker-{number}", "Successfully registered"
        daemons.append(Daemon(folder, name, registered, f"{classes}.worker.Worker", *options))
    submit = [SPARK / "bin/spark-submit", "--master", url, "--conf", "spark.executor.memory=512m"]
    submit += ["--conf", "spark.ui.enabled=false", "--conf", "spark.driver.bindAddress=127.0.0.1"]
    submit += ["--conf", "spark.driver.host=127.0.0.1", ROOT / "integrations/spark/domesday_batch.py"]
    options = ["--snapshot", snapshot, "--tasks", str(tasks), "--binary", wrapper, "--to", folder / "out"]
    with open(folder / "driver.log", "w") as log:
        start = time.monotonic()
        done = subprocess.run([*submit, *options], env=environment(), stdout=log, stderr=log, cwd=folder)
        seconds = time.monotonic() - start
    assert done.returncode == 0, (folder / "driver.log").read_text()[-4000:]
    for daemon in reversed(daemons):
        daemon.stop()
    cpu = sum(float(path.read_text()) for path in costs.iterdir())
    written = [path.stat().st_size for path in (folder / "out/v1/policy-outcomes").iterdir()]
    shutil.rmtree(folder / "out")
    return {
        "executors": executors,
        "tasks": tasks,
        "seconds": seconds,
        "cpu": cpu,
        "files": len(written),
        "bytes": sum(written),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", default="xl")
    parser.add_argument("--executors", default="1,2,4")
    parser.add_argument("--tasks", type=int, default=8)
    parser.add_argument("--target", type=pathlib.Path, default=ROOT / "target/release")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        snapshot = folder / "acme.snapshot"
        write = [arguments.target / "domesday-bench", "write-snapshot", arguments.size, snapshot]
        subprocess.run(write, check=True, stdout=subprocess.DEVNULL)
        jobs = [
            job(folder / f"job-{count}", arguments.target / "domesday", snapshot, arguments.tasks, count)
            for count in map(int, arguments.executors.split(","))
        ]
    print(json.dumps({"size": arguments.size, "jobs": jobs}, indent=2))


if __name__ == "__main__":
    main()
