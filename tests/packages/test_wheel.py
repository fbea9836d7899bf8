"""The wheel, installed into an environment of its own and used."""

import os
import pathlib
import re
import subprocess
import sys
import zipfile

import duckdb
import pytest
from conftest import ROOT

#: The newest version of glibc whose functions the program may need: the one of manylinux2014.
GLIBC = (2, 17)


@pytest.fixture(scope="module")
def program(wheel, tmp_path_factory):
    """The program as pip installs it, with nothing of this environment."""
    environment = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", environment], check=True)
    install = [environment / "bin/pip", "install", "--quiet", "--no-index", "--disable-pip-version-check", wheel]
    subprocess.run(install, check=True)
    return environment / "bin/domesday"


def run(program, *args, cwd):
    variables = {name: value for name, value in os.environ.items() if not name.startswith("DOMESDAY_")}
    done = subprocess.run([program, *map(str, args)], cwd=cwd, env=variables, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_first_summary_is_exported_and_read(program, tmp_path):
    version = re.search(r'^version = "(.*)"', (ROOT / "Cargo.toml").read_text(), re.M)[1]
    assert run(program, "--version", cwd=tmp_path) == f"domesday {version}\n"
    run(program, "init", "governance", cwd=tmp_path)
    run(program, "export", "--catalog", "governance", "--to", "out", cwd=tmp_path)
    query = f"""
        SELECT username, outcome FROM '{tmp_path}/out/v1/policy-outcomes/*.parquet'
        WHERE datasource_name = 'Customers' AND column_id IS NULL AND scope = 'READ' ORDER BY username
    """
    assert duckdb.sql(query).fetchall() == [
        ("ada", "GRANTED"),
        ("ben", "BLOCKED"),
        ("cleo", "GRANTED"),
        ("dana", "GRANTED"),
    ]


def test_pip_removes_what_it_installed(wheel, tmp_path):
    subprocess.run([sys.executable, "-m", "venv", tmp_path], check=True)
    pip = [tmp_path / "bin/pip", "--disable-pip-version-check"]
    subprocess.run([*pip, "install", "--quiet", "--no-index", wheel], check=True)
    assert list(tmp_path.rglob("domesday*"))
    subprocess.run([*pip, "uninstall", "--quiet", "--yes", "domesday"], check=True)
    assert list(tmp_path.rglob("domesday*")) == []


def test_the_binary_needs_no_newer_glibc(program):
    symbols = subprocess.run(["objdump", "-T", program], capture_output=True, text=True, check=True).stdout
    needed = {tuple(map(int, version.split("."))) for version in re.findall(r"GLIBC_([\d.]+)", symbols)}
    assert needed and max(needed) <= GLIBC, sorted(needed)
    dynamic = subprocess.run(["readelf", "-d", program], capture_output=True, text=True, check=True).stdout
    libraries = set(re.findall(r"NEEDED.*\[(.*?)\]", dynamic))
    of_glibc = {"libc.so.6", "libm.so.6", "libpthread.so.0", "libdl.so.2", "librt.so.1", "libutil.so.1"}
    assert "libc.so.6" in libraries
    assert {name for name in libraries if not name.startswith("ld-linux")} <= of_glibc, libraries


def test_the_name_of_the_wheel_is_what_the_binary_needs(wheel):
    assert "manylinux2014" in wheel.name and "-py3-none-" in wheel.name
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        metadata = archive.read(name).decode()
    for line in ["Name: domesday", "License-Expression: Apache-2.0", "Requires-Python: >=3.8"]:
        assert line in metadata.splitlines(), metadata
    assert "Requires-Dist" not in metadata
    assert "domesday init" in metadata, "the description is the README of the package"


def test_no_file_names_a_folder_of_the_machine_that_built_it(wheel, binary):
    home = pathlib.Path(os.environ.get("CARGO_HOME", pathlib.Path.home() / ".cargo"))
    with zipfile.ZipFile(wheel) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    assert binary in files.values()
    for name, data in files.items():
        for folder in [ROOT, home / "registry"]:
            at = data.find(str(folder).encode())
            assert at < 0, f"{name}: {data[at : at + 120]}"
