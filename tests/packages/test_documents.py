"""The commands that the documents show for installing, run as they are shown.

A block of `sh` is run, one of `sh no-test` is not: it needs systemd, another distribution, or minutes of compiling. A
`text` block below a command has its output.
"""

import os
import re
import subprocess
import sys

import pytest
from conftest import PACKAGES, ROOT

BLOCK = re.compile(r"^```(?P<info>[^\n]*)\n(?P<text>.*?)^```$", re.M | re.S)
#: The sections whose commands change the machine.
OF_ROOT = {"Debian and Ubuntu"}

SUDO = r"""#!/bin/sh
if [ "$1" = -u ]; then
    user=$2
    shift 2
    exec setpriv --reuid="$user" --regid="$user" --clear-groups "$@"
fi
exec "$@"
"""


def sections(document):
    """The titles of the second level, each with its blocks as pairs of the words after the fence and the text."""
    parts = re.split(r"^## (.*)$", (ROOT / document).read_text(), flags=re.M)
    return {title: BLOCK.findall(text) for title, text in zip(parts[1::2], parts[2::2])}


@pytest.fixture
def place(tmp_path):
    """A directory with the files of a release, and the variables of a user whose home it is."""
    for file in PACKAGES.iterdir():
        (tmp_path / file.name).symlink_to(file)
    variables = {name: value for name, value in os.environ.items() if not name.startswith("DOMESDAY_")}
    variables.update(HOME=str(tmp_path), PATH=f"{tmp_path}/.local/bin:{os.environ['PATH']}", NO_COLOR="1")
    variables["PIP_NO_INDEX"] = "1"
    return tmp_path, variables


def run(script, place):
    folder, variables = place
    done = subprocess.run(["sh", "-euc", script], cwd=folder, env=variables, capture_output=True, text=True)
    assert done.returncode == 0, f"{script}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def test_a_user_installs_as_the_page_says(place):
    tested = 0
    for title, blocks in sections("docs/install.md").items():
        for info, script in blocks:
            assert info in ("sh", "sh no-test"), f"{title}: a block of `{info}` is neither run nor compared"
            if info == "sh" and title not in OF_ROOT:
                run(script, place)
                tested += 1
    assert tested == 4
    home, _ = place
    assert (home / ".local/share/man/man1/domesday-export.1").exists()


def test_an_operator_installs_as_the_page_says(machine):
    machine.run("cat > /usr/local/bin/sudo && chmod 755 /usr/local/bin/sudo", stdin=SUDO)
    # Nobody is there to answer.
    machine.run("echo 'APT::Get::Assume-Yes \"true\";' > /etc/apt/apt.conf.d/99yes")
    printed = []
    for title in OF_ROOT:
        for info, script in sections("docs/install.md")[title]:
            if info == "sh":
                printed.append(machine.run(f"cd /mnt\n{script}"))
    assert len(printed) == 5
    assert "domesday_" in printed[2], "the administrator's key"
    assert machine.changed("domesday*") == [] and machine.exists("/srv/governance/policies.yaml")


def test_the_first_commands_of_the_readme_print_what_it_shows(place):
    home, variables = place
    subprocess.run([sys.executable, "-m", "venv", home / "environment"], check=True)
    variables["PATH"] = f"{home}/environment/bin:{variables['PATH']}"
    (title,) = [title for title in sections("README.md") if title.startswith("60 seconds")]
    (info, script), (of_output, output), *_ = sections("README.md")[title]
    assert (info, of_output) == ("sh", "text") and script.startswith("pip install")
    printed = [line.rstrip() for line in run(script, place).splitlines()]
    for line in output.splitlines():
        assert line in printed, "\n".join(printed)
