"""A database that takes no changes: reads go on, readiness says why, and nobody has to restart the service after."""

import os
import shutil
import subprocess

import pytest

from conftest import call, free_port, wait_for


def ready(service):
    return call(service.url, "GET", "/health/ready")


def is_ready(service):
    return ready(service).status == 200


def put(service, name):
    return service.call("PUT", f"/api/v1/groups/{name}", {"name": name})


@pytest.mark.skipif(os.geteuid() != 0, reason="a file system of its own takes root")
def test_reads_go_on_when_the_disk_is_full(service, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=32m", "tmpfs", disk]).returncode != 0:
        pytest.skip("no file system can be mounted here")
    try:
        acme = service(database=disk / "governance.db")
        assert is_ready(acme)
        with open(disk / "filler", "wb") as filler:
            with pytest.raises(OSError):
                while True:
                    filler.write(bytes(65536))
                    filler.flush()
        full = wait_for(lambda: (answer := ready(acme)).status == 503 and answer, "readiness to tell").json
        assert full["reason"] == "disk-full", full
        assert put(acme, "more").status == 503
        for _ in range(20):
            acme.call("GET", "/deployment/tenant").expect(200)
        assert call(acme.url, "GET", "/health/live").status == 200
        (disk / "filler").unlink()
        wait_for(lambda: is_ready(acme), "readiness to come back")
        put(acme, "again").expect(201)
        acme.stop()
    finally:
        subprocess.run(["umount", "-l", disk])


def psql(postgres, url, sql):
    plain = url.replace("postgres://postgres@", "postgresql://postgres@")
    subprocess.run([postgres.program("psql"), "-qc", sql, plain], check=True, capture_output=True)


def test_a_database_that_becomes_read_only_and_writable_again(service, postgres):
    url = postgres()
    name = url.rsplit("/", 1)[1].split("?")[0]
    acme = service(env={"DOMESDAY_SECRET_KEY": "0a" * 32, "DATABASE_URL": url})
    put(acme, "A").expect(201)
    assert is_ready(acme)
    cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    # As after a failover: the connections that are made now lead to a server that takes no changes.
    psql(postgres, url, f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    psql(postgres, url, cut)
    wait_for(lambda: put(acme, "B").status == 503, "a refusal")
    standby = wait_for(lambda: (answer := ready(acme)).status == 503 and answer, "readiness to tell").json
    assert standby["reason"] == "read-only", standby
    acme.call("GET", "/api/v1/groups/A").expect(200)
    # Nobody cuts the connections that are read-only: the service gives them up itself.
    admin = url.replace(name, "postgres")
    psql(postgres, admin, f"ALTER DATABASE {name} RESET default_transaction_read_only")
    wait_for(lambda: put(acme, "C").status in (200, 201), "a change")
    wait_for(lambda: is_ready(acme), "readiness to come back")


@pytest.fixture
def pooler(postgres, tmp_path):
    """PgBouncer in front of the server: a function of its mode that gives the pooler's port."""
    program = shutil.which("pgbouncer") or "/usr/sbin/pgbouncer"
    if not os.path.exists(program):
        pytest.skip("PgBouncer is not installed")
    started = []

    def start(mode, url):
        port = free_port()
        server_port = url.split("127.0.0.1:")[1].split("/")[0]
        folder = tmp_path / mode
        folder.mkdir()
        settings = folder / "pgbouncer.ini"
        settings.write_text(
            f"[databases]\n* = host=127.0.0.1 port={server_port} user=postgres\n[pgbouncer]\nlisten_addr = 127.0.0.1\n"
            f"listen_port = {port}\nunix_socket_dir =\nauth_type = any\npool_mode = {mode}\n"
            "ignore_startup_parameters = extra_float_digits\n"
        )
        as_user = []
        if os.geteuid() == 0:
            for path in [tmp_path, folder, settings]:
                os.chmod(path, 0o755)
            as_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", "--"]
            for parent in tmp_path.parents:
                if parent.name.startswith("pytest-"):
                    os.chmod(parent, 0o755)
        started.append(subprocess.Popen([*as_user, program, settings], stderr=subprocess.DEVNULL))
        through = url.replace(f"127.0.0.1:{server_port}", f"127.0.0.1:{port}")
        reached = lambda: subprocess.run(  # noqa: E731
            [postgres.program("psql"), "-qc", "SELECT 1", through.replace("postgres://", "postgresql://")],
            capture_output=True,
        )
        wait_for(lambda: reached().returncode == 0, "the pooler")
        return through

    yield start
    for process in started:
        # At once: services are still connected.
        process.terminate()
        process.wait(timeout=30)


def test_a_pooler_in_transaction_mode_is_named(service, postgres, pooler):
    env = {"DOMESDAY_SECRET_KEY": "0a" * 32}
    through = pooler("transaction", postgres())
    acme = service(env={**env, "DATABASE_URL": through})
    told = ready(acme)
    assert told.status == 503 and told.json["reason"] == "transaction-pooler", told.body
    in_session = pooler("session", postgres())
    assert is_ready(service(env={**env, "DATABASE_URL": in_session}))
