"""The printed script over directories of any name, run by the newest DuckDB."""

import os
import shutil
import subprocess

import duckdb
import pytest
from paths import PATHS, is_refused


def script(to, cwd):
    command = [os.environ["DOMESDAY_BIN"], "setup", "ddl", "--engine", "duckdb", "--to", str(to)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("relative", [False, True])
def test_duckdb_reads_a_directory_of_any_name(summary, tmp_path, monkeypatch, relative):
    for number, path in enumerate(path for path in PATHS if not is_refused("duckdb", path)):
        base = tmp_path / str(number)
        shutil.copytree(summary, base / path / "v1")
        monkeypatch.chdir(base)
        if relative and ":" in path:
            path = f"./{path}"
        connection = duckdb.connect()
        connection.execute(script(path if relative else base / path, base))
        assert connection.execute("SELECT count(*) FROM domesday.user_metadata").fetchone() == (64,), path
