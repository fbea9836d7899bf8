"""The other files of a release: the archive, the bill of materials and the checksums."""

import hashlib
import json
import os
import re
import subprocess
import tarfile
import zipfile

from conftest import PACKAGES, ROOT, package


def test_the_archive_has_what_an_installation_by_hand_needs(binary, tmp_path):
    path = package("domesday-*.tar.gz")
    with tarfile.open(path) as archive:
        names = archive.getnames()
        folder = path.name.removesuffix(".tar.gz")
        for name in [
            "domesday",
            "LICENSE",
            "third-party-licenses.txt",
            "completions/domesday",
            "completions/_domesday",
            "completions/domesday.fish",
            "man/man1/domesday.1",
            "man/man1/domesday-export.1",
            "deploy/domesday.service",
            "docs/install.md",
        ]:
            assert f"{folder}/{name}" in names, names
        assert {(member.uid, member.gid) for member in archive} == {(0, 0)}
        archive.extractall(tmp_path, filter="data")
    program = tmp_path / folder / "domesday"
    assert program.read_bytes() == binary
    assert subprocess.run([program, "--version"], capture_output=True, text=True).stdout.startswith("domesday ")


def test_the_checksums_cover_every_other_file():
    lines = (PACKAGES / "SHA256SUMS").read_text().splitlines()
    sums = {name: digest for digest, name in (line.split() for line in lines)}
    assert set(sums) == {name for name in os.listdir(PACKAGES) if name != "SHA256SUMS"}
    for name, digest in sums.items():
        assert hashlib.sha256((PACKAGES / name).read_bytes()).hexdigest() == digest, name


def test_the_bill_of_materials_names_what_is_linked():
    bill = json.loads(package("domesday-*.cdx.json").read_text())
    assert bill["bomFormat"] == "CycloneDX"
    assert bill["metadata"]["component"]["name"] == "domesday"
    listed = {(component["name"], component["version"]) for component in bill["components"]}
    lock = (ROOT / "Cargo.lock").read_text()
    locked = set(re.findall(r'^name = "(.*)"\nversion = "(.*)"', lock, re.M))
    assert listed <= locked, "each is of the version that is locked"
    names = {name for name, _ in listed}
    assert {"axum", "parquet", "ring", "rusqlite", "rustls", "domesday-engine"} <= names
    assert not {"proptest", "cedar-policy", "insta"} & names, "tests are not linked"
    assert all("licenses" in component for component in bill["components"])


def test_every_work_that_is_linked_has_its_license_in_the_packages(wheel):
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith("/licenses/third-party-licenses.txt")]
        text = archive.read(name).decode()
    for work in ["axum", "libsqlite3-sys", "parquet", "ring", "zstd-sys"]:
        assert re.search(rf"^{work} \d", text, re.M), work
    assert "Facebook" in text, "the license of the C code in a crate"
    # What comes without a text is under one whose text is there.
    without = text.partition("without a text of their license:\n")[2].partition("\n\n")[0]
    assert without and all("Apache-2.0" in line for line in without.splitlines()), without
    assert "Version 2.0, January 2004" in text
