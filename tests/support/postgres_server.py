"""A PostgreSQL server: a function that makes a database and gives its URL."""

import os
import pathlib
import shutil
import subprocess
import tempfile
import time
import uuid

import pytest
from waiting import free_port


def program(name):
    # Debian keeps the programs of each version in a folder of its own; elsewhere they are on the path.
    folders = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    there = [folder / name for folder in folders if (folder / name).exists()]
    return there[-1] if there else shutil.which(name)


@pytest.fixture(scope="session")
def postgres():
    home = pathlib.Path(tempfile.mkdtemp(prefix="domesday-postgres-"))
    # The server refuses to run as root.
    as_user = []
    if os.geteuid() == 0:
        shutil.chown(home, "postgres", "postgres")
        as_user = ["runuser", "-u", "postgres", "--"]
    data, port = home / "data", free_port()
    subprocess.run(
        [*as_user, program("initdb"), "-D", data, "-A", "trust", "-U", "postgres", "--no-sync", "-E", "UTF8"],
        check=True,
        capture_output=True,
        cwd=home,
    )
    log = open(home / "log", "w")
    process = subprocess.Popen(
        [*as_user, program("postgres"), "-D", data, "-p", str(port), "-k", home, "-c", "fsync=off"],
        stdout=log,
        stderr=log,
        cwd=home,
    )

    def psql(sql, name="postgres"):
        command = [program("psql"), "-h", "127.0.0.1", "-p", str(port), "-U", "postgres", "-v", "ON_ERROR_STOP=1"]
        return subprocess.run([*command, "-d", name, "-qc", sql], capture_output=True, text=True).returncode == 0

    deadline = time.monotonic() + 60
    while not psql("SELECT 1"):
        assert time.monotonic() < deadline, (home / "log").read_text()
        time.sleep(0.05)

    def database():
        name = "d" + uuid.uuid4().hex[:12]
        assert psql(f"CREATE DATABASE {name}")
        return f"postgres://postgres@127.0.0.1:{port}/{name}?sslmode=disable"

    database.program = program
    database.log = home / "log"
    database.port = port
    database.psql = psql
    yield database
    process.terminate()
    process.wait(timeout=30)
    shutil.rmtree(home, ignore_errors=True)
