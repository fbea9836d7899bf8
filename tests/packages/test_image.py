"""The container image, run by runc: the runtime of containerd, CRI-O and Docker, which set up the same container.

As Kubernetes does for the chart: an unprivileged user, a read-only root file system, no capabilities, no new privileges.
A registry and a cluster would be needed for more.
"""

import hashlib
import json
import os
import pathlib
import platform
import re
import shutil
import signal
import stat
import subprocess
import sys
import tarfile
import time
import urllib.error
import urllib.request
import uuid

import pytest

ROOT = pathlib.Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests/support"))

from postgres_server import postgres  # noqa: E402, F401
from waiting import free_port  # noqa: E402

USER = 10001
HOME = "/var/lib/domesday"
EXPORT = ["export", "--catalog", "/catalog", "--at", "2026-11-24T02:00:00Z", "--quiet", "--to"]


class Image:
    """An image, unpacked as a runtime does."""

    def __init__(self, archive, folder):
        layout = folder / "layout"
        with tarfile.open(archive) as tar:
            tar.extractall(layout, filter="data")
        self.layout = layout
        index = json.loads((layout / "index.json").read_text())
        [self.descriptor] = index["manifests"]
        manifest = json.loads(self.blob(self.descriptor))
        self.config = json.loads(self.blob(manifest["config"]))
        self.root = folder / "root"
        self.root.mkdir()
        for layer in manifest["layers"]:
            self.blob(layer)
            subprocess.run(
                ["tar", "--extract", "--same-owner", "--preserve-permissions", "--numeric-owner"]
                + ["--file", layout / "blobs" / layer["digest"].replace(":", "/"), "--directory", self.root],
                check=True,
            )

    def blob(self, descriptor):
        content = (self.layout / "blobs" / descriptor["digest"].replace(":", "/")).read_bytes()
        assert f"sha256:{hashlib.sha256(content).hexdigest()}" == descriptor["digest"]
        assert len(content) == descriptor["size"]
        return content

    def files(self):
        for path in sorted(self.root.rglob("*")):
            yield f"/{path.relative_to(self.root)}", path.lstat()


@pytest.fixture(scope="module")
def archive():
    [found] = pathlib.Path(os.environ["DOMESDAY_PACKAGES"]).glob(f"domesday-*-{platform.machine()}.oci.tar")
    return found


@pytest.fixture(scope="module")
def image(archive, tmp_path_factory):
    if os.geteuid() != 0:
        pytest.skip("unpacking an image with its owners, and running it, takes root")
    return Image(archive, tmp_path_factory.mktemp("image"))


class Container:
    """A process in a container on the network of the host."""

    def __init__(self, image, folder, arguments=None, variables=None, files=(), hosts="", user=None):
        config = image.config["config"]
        self.state, self.name = folder / "state", f"domesday-{uuid.uuid4().hex[:12]}"
        home, log = folder / "home", folder / "log"
        if not home.exists():
            home.mkdir()
            os.chown(home, USER, USER)
        (folder / "hosts").write_text(f"127.0.0.1 localhost\n{hosts}")
        mounts = [
            {"destination": "/proc", "type": "proc", "source": "proc"},
            {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "mode=755"]},
            {"destination": "/tmp", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "nodev", "noexec"]},
            {"destination": HOME, "source": str(home), "options": ["rbind", "rw"]},
            {"destination": "/etc/hosts", "source": str(folder / "hosts"), "options": ["bind", "ro"]},
        ]
        for source, destination, mode in files:
            mounts.append({"destination": destination, "source": str(source), "options": ["rbind", mode]})
        environment = [*config["Env"], *(f"{name}={value}" for name, value in (variables or {}).items())]
        user, group = (user or config["User"]).split(":")
        spec = {
            "ociVersion": "1.0.2",
            "root": {"path": str(image.root), "readonly": True},
            "process": {
                "user": {"uid": int(user), "gid": int(group)},
                "cwd": config["WorkingDir"],
                "args": [*config["Entrypoint"], *(config["Cmd"] if arguments is None else arguments)],
                "env": environment,
                "noNewPrivileges": True,
                "capabilities": {
                    kind: [] for kind in ("bounding", "effective", "permitted", "inheritable", "ambient")
                },
            },
            "hostname": "domesday",
            "mounts": mounts,
            "linux": {"namespaces": [{"type": kind} for kind in ("pid", "mount", "ipc", "uts")]},
        }
        bundle = folder / f"bundle-{self.name}"
        bundle.mkdir()
        (bundle / "config.json").write_text(json.dumps(spec))
        self.log = open(log, "w+")
        self.process = subprocess.Popen(
            ["runc", "--root", self.state, "run", "--bundle", bundle, self.name],
            stdout=self.log,
            stderr=self.log,
        )

    def said(self):
        self.log.flush()
        return pathlib.Path(self.log.name).read_text()

    def pid(self):
        done = subprocess.run(["runc", "--root", self.state, "state", self.name], capture_output=True, text=True)
        return json.loads(done.stdout)["pid"]

    def ended(self):
        """The exit code of a command."""
        return self.process.wait(timeout=120)

    def stop(self, kind=signal.SIGTERM):
        subprocess.run(["runc", "--root", self.state, "kill", self.name, str(int(kind))], check=True)
        return self.process.wait(timeout=60)

    def close(self):
        if self.process.poll() is None:
            subprocess.run(["runc", "--root", self.state, "delete", "--force", self.name], capture_output=True)
            self.process.wait(timeout=60)
        self.log.close()


@pytest.fixture
def start(image, tmp_path):
    if shutil.which("runc") is None:
        pytest.skip("runc is not installed")
    started = []

    def run(*arguments, **options):
        started.append(Container(image, tmp_path, *arguments, **options))
        return started[-1]

    yield run
    for container in started:
        container.close()


def get(url, key=None):
    request = urllib.request.Request(url, headers={"Authorization": key} if key else {})
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return response.status, response.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def ready(container, port):
    """The address of the service, once it is ready."""
    url, deadline = f"http://127.0.0.1:{port}", time.monotonic() + 60
    while True:
        assert container.process.poll() is None and time.monotonic() < deadline, container.said()
        try:
            if get(f"{url}/health/ready")[0] == 200:
                return url
        except OSError:
            pass
        time.sleep(0.05)


def test_the_image_says_what_it_is(image):
    config = image.config["config"]
    assert config["User"] == f"{USER}:{USER}" and config["WorkingDir"] == HOME
    assert config["Entrypoint"] == ["domesday"] and config["Cmd"] == ["serve"]
    assert config["StopSignal"] == "SIGTERM" and list(config["ExposedPorts"]) == ["8080/tcp"]
    assert list(config["Volumes"]) == [HOME]
    version = re.search(r'^version = "(.*)"', (ROOT / "Cargo.toml").read_text(), re.M)[1]
    labels = {name.removeprefix("org.opencontainers.image."): value for name, value in config["Labels"].items()}
    assert labels["version"] == version and labels["licenses"] == "Apache-2.0" and labels["title"] == "Domesday"
    assert image.descriptor["annotations"]["org.opencontainers.image.ref.name"] == version
    assert image.config["os"] == "linux"


def test_it_is_set_up_as_the_one_from_source(image):
    """`deploy/Containerfile` has the same user, variables, port and command."""
    lines = (ROOT / "deploy/Containerfile").read_text().replace("\\\n", " ").split("\nFROM ")[-1]
    config = image.config["config"]
    assert re.search(r"^USER (.*)$", lines, re.M)[1] == config["User"].split(":")[0]
    assert re.search(r"^WORKDIR (.*)$", lines, re.M)[1] == config["WorkingDir"]
    assert f"{re.search(r'^EXPOSE (.*)$', lines, re.M)[1]}/tcp" in config["ExposedPorts"]
    assert re.search(r"^STOPSIGNAL (.*)$", lines, re.M)[1] == config["StopSignal"]
    assert json.loads(re.search(r"^ENTRYPOINT (.*)$", lines, re.M)[1]) == config["Entrypoint"]
    assert json.loads(re.search(r"^CMD (.*)$", lines, re.M)[1]) == config["Cmd"]
    variables = set(re.search(r"^ENV (.*)$", lines, re.M)[1].split())
    assert variables == {it for it in config["Env"] if it.startswith("DOMESDAY_")}


def test_it_contains_the_program_and_the_c_library_and_nothing_else(image):
    programs = set()
    for path, found in image.files():
        assert not stat.S_ISLNK(found.st_mode) and not found.st_mode & (stat.S_ISUID | stat.S_ISGID), path
        if path == HOME:
            assert (found.st_uid, found.st_gid) == (USER, USER)
        else:
            assert (found.st_uid, found.st_gid) == (0, 0), path
        if path == "/tmp":
            assert stat.S_IMODE(found.st_mode) == 0o1777
        else:
            assert not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH), path
        if stat.S_ISREG(found.st_mode) and "lib" not in path.split("/")[1] and found.st_mode & 0o111:
            programs.add(path)
    assert programs == {"/usr/local/bin/domesday"}
    files = {path for path, found in image.files() if stat.S_ISREG(found.st_mode)}
    assert not any(path.endswith(("/sh", "/bash", "/busybox")) for path in files)
    # Scanners find which packages the libraries are of, and people their licenses.
    recorded = {path.rsplit("/", 1)[1] for path in files if path.startswith("/var/lib/dpkg/status.d/")}
    assert "libc6" in recorded and "/etc/os-release" in files
    assert {f"/usr/share/doc/{package}/copyright" for package in recorded} <= files
    assert "/usr/share/doc/domesday/LICENSE" in files


def test_the_service_runs_unprivileged_on_a_read_only_root(image, start, tmp_path):
    port = free_port()
    container = start(variables={"DOMESDAY_LISTEN": f"127.0.0.1:{port}", "DOMESDAY_TIME_ZONE": "Europe/Berlin"})
    url = ready(container, port)
    [key] = re.findall(r"domesday_\S+", container.said())
    status, tenant = get(f"{url}/deployment/tenant", key)
    assert status == 200 and json.loads(tenant)["timeZone"] == "Europe/Berlin"
    assert get(f"{url}/deployment/tenant")[0] == 401
    assert get(f"{url}/sign-in")[0] == 200

    process = pathlib.Path(f"/proc/{container.pid()}")
    fields = dict(line.split(":\t", 1) for line in (process / "status").read_text().splitlines() if ":\t" in line)
    assert fields["Uid"].split() == [str(USER)] * 4 and fields["Gid"].split() == [str(USER)] * 4
    assert int(fields["CapEff"], 16) == int(fields["CapBnd"], 16) == 0 and fields["NoNewPrivs"] == "1"
    [root] = [line for line in (process / "mountinfo").read_text().splitlines() if line.split()[4] == "/"]
    assert "ro" in root.split()[5].split(",")
    store = tmp_path / "home/domesday.db"
    assert store.stat().st_uid == USER and stat.S_IMODE(store.stat().st_mode) == 0o600

    assert container.stop() == 0, container.said()
    assert '"message":"stopped"' in container.said()
    # The volume is what stays.
    again = start(variables={"DOMESDAY_LISTEN": f"127.0.0.1:{port}"})
    assert get(f"{ready(again, port)}/deployment/tenant", key)[0] == 200
    assert again.stop() == 0


def test_a_replica_on_postgresql_finds_its_database_by_name(image, start, postgres, tmp_path):  # noqa: F811
    """The C library of the image looks names up: the way of every host that is not an address."""
    key = tmp_path / "secret.key"
    key.write_text("0a" * 32)
    # As Kubernetes mounts a secret for the group of the pod.
    os.chown(key, 0, USER)
    key.chmod(0o440)
    port, operations = free_port(), free_port()
    container = start(
        variables={
            "DOMESDAY_LISTEN": f"127.0.0.1:{port}",
            "DOMESDAY_OPERATIONS_LISTEN": f"127.0.0.1:{operations}",
            "DOMESDAY_SECRET_KEY_FILE": "/etc/domesday/secrets/secret-key",
            "DATABASE_URL": postgres().replace("127.0.0.1", "database.example"),
        },
        files=[(key, "/etc/domesday/secrets/secret-key", "ro")],
        hosts="127.0.0.1 database.example\n",
    )
    url = ready(container, operations)
    assert get(f"{url}/metrics")[0] == 200
    # Probes and metrics have a port of their own, as in the chart.
    assert get(f"http://127.0.0.1:{port}/metrics")[0] == 404
    assert container.stop() == 0, container.said()
    assert "database.example" in container.said() and not (tmp_path / "home/domesday.db").exists()


def test_an_export_is_the_same_as_outside(image, start, tmp_path):
    catalog = ROOT / "examples/acme"
    out = tmp_path / "out"
    out.mkdir()
    os.chown(out, 1234, 1234)
    # As whoever wants the files: the user of the image has no part in it.
    container = start([*EXPORT, "/out"], files=[(catalog, "/catalog", "ro"), (out, "/out", "rw")], user="1234:1234")
    assert container.ended() == 0, container.said()
    outside = [str(catalog) if it == "/catalog" else it for it in EXPORT]
    subprocess.run([os.environ["DOMESDAY_BIN"], *outside, tmp_path / "outside"], check=True)
    tables = sorted(path.relative_to(tmp_path / "outside") for path in (tmp_path / "outside").rglob("*.parquet"))
    assert len(tables) >= 14
    for table in tables:
        inside = (out / table).read_bytes()
        assert inside == (tmp_path / "outside" / table).read_bytes(), table


def test_nothing_can_be_written_outside_of_the_volume(start):
    container = start(["init", "/usr/local/share/governance"])
    assert container.ended() == 1
    assert re.search(r"Read-only file system|os error 30|Permission denied", container.said()), container.said()
