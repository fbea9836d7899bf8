"""The rpm: installed, verified, upgraded and removed by rpm itself.

The machine is Debian's, whose packages rpm does not know: requirements are listed, and not checked.
"""

import hashlib

import pytest
from conftest import package

#: Debian's rpm refuses to install otherwise.
RPM = "rpm --nodeps --force-debian"
CONFIG = "/etc/domesday/domesday.toml"
KEY = "/etc/domesday/secret.key"


@pytest.fixture(scope="module")
def rpm():
    return package("domesday-*.rpm")


def test_it_is_installed_verified_upgraded_and_removed(rpm, binary, machine):
    machine.run(f"{RPM} --install /mnt/{rpm.name}")
    assert machine.run("sha256sum /usr/bin/domesday").split()[0] == hashlib.sha256(binary).hexdigest()
    assert machine.run("rpm --verify --nodeps domesday") == ""
    assert machine.run("domesday --version").startswith("domesday ")
    assert machine.owner_and_mode(KEY) == "root:root 600"
    assert machine.owner_and_mode("/var/lib/domesday") == "domesday:domesday 700"
    files = machine.run("rpm --query --list domesday").split()
    for path in [
        "/usr/bin/domesday",
        "/usr/lib/systemd/system/domesday.service",
        "/usr/share/man/man1/domesday.1.gz",
        "/usr/share/man/man1/domesday-export.1.gz",
        "/usr/share/zsh/site-functions/_domesday",
        "/usr/share/licenses/domesday/LICENSE",
        CONFIG,
    ]:
        assert path in files and machine.exists(path), files
    assert machine.run("rpm --query --configfiles domesday").split() == [CONFIG]

    # An upgrade keeps the configuration that the operator wrote, and the key.
    machine.run(f"echo '# mine' >> {CONFIG}")
    secret = machine.run(f"cat {KEY}")
    machine.run(f"{RPM} --upgrade --replacepkgs /mnt/{rpm.name}")
    assert machine.run(f"cat {CONFIG}").endswith("# mine\n") and machine.run(f"cat {KEY}") == secret

    machine.run(f"{RPM} --erase domesday")
    assert not machine.is_installed("domesday")
    left = [path for path in files if path.startswith(("/usr", "/etc")) and machine.exists(path)]
    assert left == [], "configuration that was changed is kept under another name"
    assert machine.exists(f"{CONFIG}.rpmsave") and machine.exists(KEY) and machine.exists("/var/lib/domesday")


def test_it_names_what_it_requires(rpm, machine):
    requires = machine.run(f"rpm --query --requires --package /mnt/{rpm.name}").splitlines()
    assert {"glibc >= 2.17", "systemd", "/bin/sh"} <= set(requires), requires
    info = machine.run(f"rpm --query --info --package /mnt/{rpm.name}")
    assert "License     : Apache-2.0" in info, info
