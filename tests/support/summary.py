"""One access summary of the example company, made by the real binary, and the tables that the program defines."""

import json
import os
import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).parents[2]
AT = "2026-11-24T02:00:00Z"


def domesday(*args):
    """Runs the binary as a user would, and returns what it prints."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DOMESDAY_")}
    environment.update(NO_COLOR="1", COLUMNS="100")
    command = [os.environ["DOMESDAY_BIN"], *map(str, args)]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


#: The tables of connected databases, which have no rows where none is connected.
OF_DATABASES = {"actual-access", "access-drift"}


@pytest.fixture(scope="session")
def schema():
    """The tables as the program defines them: fourteen, and the one that names the snapshot."""
    definition = json.loads(domesday("schema", "--format", "json"))
    return [*definition["tables"], definition["snapshot"]]


@pytest.fixture(scope="session")
def summary(tmp_path_factory):
    """The folder that holds the tables."""
    out = tmp_path_factory.mktemp("summary")
    domesday("export", "--catalog", "examples/acme", "--to", out, "--at", AT, "--quiet")
    return out / "v1"
