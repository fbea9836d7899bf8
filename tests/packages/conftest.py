"""What the tests of the packages share: the files of a release, and a machine to install them on."""

import os
import pathlib
import sys
import zipfile

import pytest

ROOT = pathlib.Path(__file__).parents[2]
PACKAGES = pathlib.Path(os.environ["DOMESDAY_PACKAGES"])
sys.path.insert(0, str(ROOT / "tests/support"))

from machine import Machine, NotPossible  # noqa: E402


def package(pattern):
    """The one file of the release with such a name."""
    found = sorted(PACKAGES.glob(pattern))
    assert len(found) == 1, f"{pattern}: {found}"
    return found[0]


@pytest.fixture(scope="session")
def wheel():
    return package("domesday-*.whl")


@pytest.fixture(scope="session")
def binary(wheel):
    """The binary in the wheel, as bytes."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith(".data/scripts/domesday")]
        return archive.read(name)


@pytest.fixture
def machine(tmp_path):
    """A machine like this one, whose changes are lost at the end."""
    try:
        machine = Machine(PACKAGES, tmp_path)
    except NotPossible as reason:
        pytest.skip(f"no machine to install on: {reason}")
    yield machine
    machine.close()
