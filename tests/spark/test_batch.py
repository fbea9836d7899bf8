"""An export in tasks on a Spark standalone cluster: a master and two workers, each a process of its own. One executor is
killed during the job, and what is in the bucket is what one machine delivers, byte for byte."""

import json
import os
import pathlib
import signal
import subprocess
import sys

import pyspark
import pytest

ROOT = pathlib.Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests/support"))

from s3 import REGION, IamUser, admin, free_port, make_bucket, server, strict, wait_for  # noqa: E402, F401

SPARK = pathlib.Path(pyspark.__file__).parent
BINARY = pathlib.Path(os.environ["DOMESDAY_BIN"])
ENTERPRISE = BINARY.parent / "examples/enterprise"
AT = "2026-06-01T00:00:00Z"
TASKS = 6

# Runs the program, and one task twice: its first attempt delivers and never reports, like one on a machine that is lost.
WRAPPER = """\
#!/bin/sh
[ "$2" = task ] && [ "$4" = 2 ] && mkdir "{state}/first" 2>/dev/null || exec "{binary}" "$@"
"{binary}" "$@" > "{state}/report"
echo $$ > "{state}/pid.new" && mv "{state}/pid.new" "{state}/pid"
read nothing < "{state}/forever"
"""


def environment(user=None):
    base = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "DOMESDAY_"))}
    base.update(
        NO_COLOR="1",
        AWS_EC2_METADATA_DISABLED="true",
        SPARK_LOCAL_IP="127.0.0.1",
        SPARK_HOME=str(SPARK),
        PYSPARK_PYTHON=sys.executable,
        PYSPARK_DRIVER_PYTHON=sys.executable,
        TZ="UTC",
    )
    return {**base, **(user.env if user else {})}


def domesday(*args, user=None):
    done = subprocess.run([BINARY, *map(str, args)], env=environment(user), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory):
    """A company of size M: 20,000 users, 5,000 data sources, 12 million rows."""
    folder = tmp_path_factory.mktemp("enterprise")
    subprocess.run([ENTERPRISE, "m", folder / "store.db"], check=True)
    domesday("snapshot", "--store", folder / "store.db", "--at", AT, "--out", folder / "m.snapshot")
    return folder / "m.snapshot"


class Cluster:
    """A master and two workers of one core each; executors have the environment of their worker, with its credentials."""

    def __init__(self, folder, user):
        self.processes, self.folder = [], folder
        port = free_port()
        self.url = f"spark://127.0.0.1:{port}"
        place = ["--host", "127.0.0.1", "--webui-port", "0"]
        self.start("master", "org.apache.spark.deploy.master.Master", *place, "--port", str(port))
        wait_for(lambda: "I have been elected leader" in self.log("master"), "the start of the master")
        for name in ("worker-1", "worker-2"):
            options = [*place, "--cores", "1", "--memory", "1g", "--work-dir", str(folder / name)]
            self.start(name, "org.apache.spark.deploy.worker.Worker", *options, self.url, user=user)
        for name in ("worker-1", "worker-2"):
            wait_for(lambda: "Successfully registered with master" in self.log(name), f"the start of {name}")

    def start(self, name, *command, user=None):
        log = open(self.folder / f"{name}.log", "w")
        command = [SPARK / "bin/spark-class", *command]
        self.processes.append(subprocess.Popen(command, env=environment(user), stdout=log, stderr=log, cwd=self.folder))

    def log(self, name):
        return (self.folder / f"{name}.log").read_text()

    def stop(self):
        for process in reversed(self.processes):
            process.terminate()
        for process in self.processes:
            process.wait(timeout=60)


def command_line(pid):
    return pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")


def parent(pid):
    return int(pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def executor_of(pid):
    """The executor below which a process runs: executor, Python daemon, Python worker, program."""
    while "CoarseGrainedExecutorBackend" not in command_line(pid):
        pid = parent(pid)
        assert pid > 1, "the task does not run below an executor"
    return pid


def objects(admin, bucket):  # noqa: F811
    s3 = admin("s3")
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket)
    keys = [item["Key"] for page in pages for item in page.get("Contents", [])]
    return {key: s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys}


def test_a_job_that_loses_an_executor_delivers_what_one_machine_does(admin, strict, snapshot, tmp_path):  # noqa: F811
    bucket = make_bucket(admin, strict)
    where = ["--region", REGION, "--endpoint", strict.url]
    policy = domesday("setup", "iam-policy", "--to", f"s3://{bucket}/access", "--region", REGION)
    user = IamUser(admin, json.loads(policy))
    to = f"s3://{bucket}/access"

    state = tmp_path / "state"
    state.mkdir()
    os.mkfifo(state / "forever")
    wrapper = tmp_path / "domesday"
    wrapper.write_text(WRAPPER.format(state=state, binary=BINARY))
    wrapper.chmod(0o755)
    cluster = Cluster(tmp_path, user)
    try:
        submit = [SPARK / "bin/spark-submit", "--master", cluster.url, "--conf", "spark.executor.memory=512m"]
        submit += ["--conf", "spark.ui.enabled=false", "--conf", "spark.driver.bindAddress=127.0.0.1"]
        submit += ["--conf", "spark.driver.host=127.0.0.1", ROOT / "integrations/spark/domesday_batch.py"]
        # Row groups of a million rows, a file each.
        options = ["--snapshot", snapshot, "--tasks", str(TASKS), "--part-size", "1", "--binary", wrapper, "--to", to]
        log = open(tmp_path / "driver.log", "w")
        job = subprocess.Popen([*submit, *options, *where], env=environment(user), stdout=log, stderr=log, cwd=tmp_path)

        def lost():
            assert job.poll() is None, (tmp_path / "driver.log").read_text()[-4000:]
            return (state / "pid").exists()

        wait_for(lost, "the first attempt of the task", seconds=300)
        # It has delivered, and its report is lost with its executor.
        pid = int((state / "pid").read_text())
        os.kill(executor_of(pid), signal.SIGKILL)
        os.kill(pid, signal.SIGKILL)
        assert job.wait(timeout=300) == 0, (tmp_path / "driver.log").read_text()[-4000:]
    finally:
        cluster.stop()
    assert json.loads((state / "report").read_text())["task"] == 2

    assert strict.actions() == {"s3:ListBucket", "s3:PutObject"}
    delivered = [key.removeprefix("access/v1/") for key in strict.put_keys()]
    parts = [key for key in delivered if key.startswith("policy-outcomes/")]
    assert len(set(parts)) > TASKS and len(parts) > len(set(parts)), "several files a task, and those of one task twice"
    assert delivered[-1] == "_manifest.json"

    # No secret is in what is shipped, nor in what the job writes to its logs.
    logs = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file() and path != wrapper]
    assert len(logs) > 5 and not any(user.key[1].encode() in log for log in [*logs, snapshot.read_bytes()])

    of_batch = objects(admin, bucket)
    for key in of_batch:
        admin("s3").delete_object(Bucket=bucket, Key=key)
    store = snapshot.parent / "store.db"
    # Of a catalog or a store without record of deliveries: as a batch is.
    domesday("export", "--store", store, "--at", AT, "--part-size", "1", "--to", to, *where, user=user)
    of_one = objects(admin, bucket)
    assert set(of_batch) == set(of_one)
    different = {key for key in of_one if of_one[key] != of_batch[key]}
    # The store of one machine records its deliveries: that begins a chain of manifests, which a batch has not.
    assert different == {"access/v1/_manifest.json"}
    one, batch = (json.loads(found["access/v1/_manifest.json"]) for found in (of_one, of_batch))
    assert (one.pop("chain"), batch.pop("chain")) == ("starts", "standalone")
    assert one == batch
