"""The deb: judged by lintian, then installed, used, upgraded, removed and purged by dpkg."""

import hashlib
import re
import subprocess
import urllib.request

import pytest
from conftest import package
from waiting import free_port, wait_for

CONFIG = "/etc/domesday/domesday.toml"
KEY = "/etc/domesday/secret.key"
STATE = "/var/lib/domesday"


@pytest.fixture(scope="module")
def deb():
    return package("domesday_*.deb")


def test_lintian_has_nothing_to_say(deb):
    lint = ["lintian", "--allow-root", "--fail-on", "error,warning", "--tag-display-limit", "0", str(deb)]
    done = subprocess.run(lint, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_it_is_installed_used_upgraded_removed_and_purged(deb, binary, machine):
    install = f"dpkg --install /mnt/{deb.name}"
    machine.run(install)

    # The binary is the one that was compiled for the wheel, and every file has the rights that its place wants.
    assert machine.run("sha256sum /usr/bin/domesday").split()[0] == hashlib.sha256(binary).hexdigest()
    assert machine.owner_and_mode("/usr/bin/domesday") == "root:root 755"
    assert machine.owner_and_mode(CONFIG) == "root:root 644"
    assert machine.owner_and_mode(KEY) == "root:root 600"
    assert machine.owner_and_mode(STATE) == "domesday:domesday 700"
    account = machine.run("getent passwd domesday").strip().split(":")
    assert account[5:] == [STATE, "/usr/sbin/nologin"] and 0 < int(account[2]) < 1000
    assert machine.run("dpkg --verify domesday") == "", "every file is as it was packaged"
    assert CONFIG in machine.run("dpkg-query --show --showformat='${Conffiles}' domesday")
    completions = "/usr/share/bash-completion/completions/domesday"
    assert "_domesday" in machine.run(f"bash -ec '. {completions}; complete -p domesday'")
    assert "SYNOPSIS" in machine.run("zcat /usr/share/man/man1/domesday-export.1.gz")
    assert machine.exists("/usr/share/doc/domesday/service.md"), "the unit refers to it"
    assert machine.changed("*.wants") == [], "nobody enabled the service"

    # The operator configures the service, and lets it start with the machine.
    port = free_port()
    machine.run(f"""sed -i 's/^# listen = [^ ]*/listen = "127.0.0.1:{port}"/' {CONFIG}""")
    machine.run("systemctl enable domesday")
    assert machine.exists("/etc/systemd/system/multi-user.target.wants/domesday.service")
    first_key, tenant = use_service(machine, port)

    # Commands with the configuration work on the service's store, and leave its files to it.
    second_key = machine.run(f"domesday key admin --config {CONFIG}", user="domesday").strip()
    assert second_key != first_key
    assert use_service(machine, port, second_key) == (second_key, tenant)
    assert "domesday" in {line.split()[0] for line in machine.run(f"stat --format='%U %n' {STATE}/*").splitlines()}

    # An upgrade keeps the configuration, the key and the data.
    secret = machine.run(f"cat {KEY}")
    machine.run(install)
    assert f"127.0.0.1:{port}" in machine.run(f"cat {CONFIG}")
    assert machine.run(f"cat {KEY}") == secret

    # So does a removal; with the package, everything that it brought has gone.
    machine.run("dpkg --remove domesday")
    assert not machine.is_installed("domesday")
    left = machine.changed("*domesday*")
    assert {CONFIG, STATE} <= set(left) and machine.exists(KEY)
    for path in left:
        assert path.startswith(("/etc/domesday", "/etc/systemd/", STATE, "/var/lib/dpkg/", "/var/lib/systemd/")), left
    machine.run(install)
    assert use_service(machine, port, second_key) == (second_key, tenant), "the data is still there"

    # A purge removes these too. The user stays, so that no later one gets its number.
    machine.run("dpkg --purge domesday")
    assert machine.changed("*domesday*") == []
    assert not machine.exists(KEY) and not machine.exists(STATE)
    assert "domesday" in machine.run("getent passwd domesday")


def test_a_purge_keeps_what_the_operator_put_beside_the_configuration(deb, machine):
    machine.run(f"dpkg --install /mnt/{deb.name}")
    machine.run("echo certificate > /etc/domesday/certificate.pem")
    machine.run("dpkg --purge domesday")
    assert machine.run("ls /etc/domesday") == "certificate.pem\n"


def test_systemd_takes_the_unit(deb, machine):
    if not machine.is_installed("systemd-analyze"):
        pytest.skip("systemd-analyze is not installed")
    machine.run(f"dpkg --install /mnt/{deb.name}")
    unit = "/usr/lib/systemd/system/domesday.service"
    done = subprocess.run(machine.command(f"systemd-analyze verify --man=no {unit}"), capture_output=True, text=True)
    said = [line for line in done.stderr.splitlines() if "domesday" in line]
    assert done.returncode == 0 and said == [], done.stderr


def use_service(machine, port, key=None):
    """Starts the service as its unit says, asks it with a key, and stops it. Returns the key, which the first start
    prints, and the id of the tenant."""
    service, log = machine.start_service()
    address = f"http://127.0.0.1:{port}"

    def is_ready():
        assert service.poll() is None, text(log)
        try:
            with urllib.request.urlopen(f"{address}/health/ready", timeout=5) as response:
                return response.status == 200
        except OSError:
            return False

    wait_for(is_ready, "the start of the service")
    key = key or re.search(r"\bdomesday_[\w-]{40,}", text(log))[0]
    request = urllib.request.Request(f"{address}/deployment/tenant", headers={"Authorization": key})
    with urllib.request.urlopen(request, timeout=30) as response:
        tenant = response.read()
    service.terminate()
    assert service.wait(timeout=60) == 0, text(log)
    return key, tenant


def text(log):
    log.seek(0)
    return log.read()
