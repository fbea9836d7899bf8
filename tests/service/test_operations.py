"""What an operator does with the program itself: backup and restore, a new sealing key, TLS, another database."""

import http.client
import json
import os
import re
import socket
import ssl
import subprocess
import threading

import pytest

from conftest import WORLD, call, wait_for
from test_walks import EXPORT, RUNS, manifest, with_key

SECRET_KEY, OTHER_KEY = "0a" * 32, "0b" * 32


def domesday(env, *args, fails=False):
    """Runs the program as an operator does: what it says on both outputs."""
    command = [os.environ["DOMESDAY_BIN"], *map(str, args)]
    env = {"PATH": os.environ["PATH"], "NO_COLOR": "1", **env}
    done = subprocess.run(command, env=env, capture_output=True, text=True)
    assert (done.returncode != 0) == fails, done.stderr
    return done.stdout + done.stderr


@pytest.fixture
def configured(admin, bucket, strict, service, shared):
    """A service with a catalog, a key and an export that has its secret sealed, on either database."""
    acme = service(env=shared)
    acme.call("POST", "/api/v1/apply", WORLD).expect(200)
    configuration = with_key(admin, acme, bucket, strict)
    acme.call("PUT", EXPORT, configuration).expect(201)
    return acme, configuration["secretAccessKey"]


def test_a_backup_taken_while_in_use_goes_on_elsewhere(admin, bucket, strict, service, tmp_path):
    env = {"DOMESDAY_SECRET_KEY": SECRET_KEY}
    acme = service(env=env)
    acme.call("POST", "/api/v1/apply", WORLD).expect(200)
    acme.call("PUT", EXPORT, with_key(admin, acme, bucket, strict)).expect(201)
    copy, place = tmp_path / "copy.db", tmp_path / "elsewhere.db"
    store = {"DOMESDAY_STORE": acme.env["DOMESDAY_STORE"]}

    # Others write meanwhile, from before the copy begins until after it is there.
    ended, written = threading.Event(), []

    def write():
        while not ended.is_set():
            name = f"writer{len(written)}"
            acme.call("PUT", f"/api/v1/users/{name}", {"username": name}).expect(201)
            written.append(name)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        wait_for(lambda: written, "the first write")
        before = len(written)
        said = domesday(store, "backup", "--to", copy)
        wait_for(lambda: len(written) > before, "a write after the copy began")
    finally:
        ended.set()
        writer.join(timeout=60)
    assert str(copy) in said and "does not contain the key that seals secrets" in said
    assert copy.stat().st_mode & 0o777 == 0o600
    acme.call("PUT", "/api/v1/users/late", {"username": "late"}).expect(201)
    # Neither a copy nor a store in use is ever written over.
    assert "copy.db" in domesday(store, "backup", "--to", copy, fails=True)
    assert "already" in domesday(store, "restore", "--from", copy, fails=True)
    assert "stop the service" in domesday(store, "restore", "--from", copy, "--replace", fails=True)

    assert "audit log is intact" in domesday({"DOMESDAY_STORE": str(place)}, "restore", "--from", copy)
    assert "is intact" in domesday({**env, "DOMESDAY_STORE": str(place)}, "audit", "verify")
    other = service(env=env, database=place)
    # The old administrator's key opens it, what came after the copy is not there, and the sealed secret delivers.
    assert call(other.url, "GET", "/api/v1/users/ada", acme.key).expect(200)
    call(other.url, "GET", "/api/v1/users/late", acme.key).expect(404)
    # Of what was written meanwhile the copy has what came before its one instant, and nothing after it.
    there = [call(other.url, "GET", f"/api/v1/users/{name}", acme.key).status for name in written]
    assert there[:before] == [200] * before and there == sorted(there), there
    other.key = acme.key
    other.call("POST", RUNS, {}).expect(202)
    assert other.run_ended()["state"] == "succeeded", other.logged()
    assert manifest(bucket)["tenant"]["id"]

    acme.stop()
    said = domesday(store, "restore", "--from", copy, "--replace")
    assert ".replaced" in said
    again = service(env=env, database=acme.env["DOMESDAY_STORE"])
    call(again.url, "GET", "/api/v1/users/late", acme.key).expect(404)


def test_postgresql_is_backed_up_and_restored_by_its_own_tools(admin, bucket, strict, service, postgres, tmp_path):
    env = {"DOMESDAY_SECRET_KEY": SECRET_KEY, "DATABASE_URL": postgres()}
    acme = service(env=env)
    acme.call("POST", "/api/v1/apply", WORLD).expect(200)
    acme.call("PUT", EXPORT, with_key(admin, acme, bucket, strict)).expect(201)
    assert "pg_dump" in domesday(env, "backup", "--to", tmp_path / "copy.db", fails=True)
    assert "pg_restore" in domesday(env, "restore", "--from", tmp_path / "copy.db", fails=True)

    empty, dump = postgres(), tmp_path / "dump"
    plain = lambda url: url.replace("postgres://postgres@", "postgresql://postgres@")  # noqa: E731
    subprocess.run([postgres.program("pg_dump"), "-Fc", "-f", dump, plain(env["DATABASE_URL"])], check=True)
    acme.stop()
    subprocess.run([postgres.program("pg_restore"), "--exit-on-error", "-d", plain(empty), dump], check=True)
    assert "is intact" in domesday({**env, "DATABASE_URL": empty}, "audit", "verify")
    other = service(env={**env, "DATABASE_URL": empty})
    other.key = acme.key
    other.call("POST", RUNS, {}).expect(202)
    assert other.run_ended()["state"] == "succeeded", other.logged()


def test_secrets_are_sealed_anew_with_another_key(configured, bucket, service, shared, tmp_path):
    acme, secret = configured
    acme.stop()
    new_key = tmp_path / "new.key"
    said = domesday({}, "key", "new", new_key)
    assert new_key.stat().st_mode & 0o777 == 0o600
    said += domesday(shared, "key", "rotate", "--to", new_key)
    assert "1 exports and 0 connections sealed" in said
    key = new_key.read_text().strip()
    for hidden in (secret, key, SECRET_KEY):
        assert hidden not in said

    # With the old key the service does not start, and says what is wrong.
    told = domesday({**shared, "DOMESDAY_LISTEN": "127.0.0.1:0"}, "serve", fails=True)
    assert "help: " in told and "another key" in told, told
    assert secret not in told and SECRET_KEY not in told

    new = service(env={**shared, "DOMESDAY_SECRET_KEY": key})
    new.key = acme.key
    new.call("POST", RUNS, {}).expect(202)
    assert new.run_ended()["state"] == "succeeded", new.logged()
    assert manifest(bucket)["tenant"]["id"]


def test_a_lost_key_is_replaced_and_what_it_sealed_removed(configured, service, shared, tmp_path):
    acme, _ = configured
    acme.stop()
    new_key = tmp_path / "new.key"
    domesday({}, "key", "new", new_key)
    lost = {"DATABASE_URL": shared["DATABASE_URL"], "DOMESDAY_SECRET_KEY_FILE": str(tmp_path / "lost.key")}
    assert "lost.key" in domesday(lost, "key", "rotate", "--to", new_key, fails=True)
    assert not (tmp_path / "lost.key").exists()
    assert "`default`" in domesday(lost, "key", "rotate", "--to", new_key, "--discard")
    new = service(env={**shared, "DOMESDAY_SECRET_KEY": new_key.read_text().strip()})
    new.key = acme.key
    assert new.call("GET", EXPORT).expect(200).json.get("secretFingerprint") is None


def test_a_key_that_cannot_be_printed_is_printed_by_the_next_start(tmp_path):
    env = {"DOMESDAY_LISTEN": "127.0.0.1:0", "DOMESDAY_STORE": str(tmp_path / "governance.db")}
    command = [os.environ["DOMESDAY_BIN"], "serve"]
    env = {"PATH": os.environ["PATH"], "NO_COLOR": "1", **env}
    with open("/dev/full", "w") as full:
        failed = subprocess.run(command, env=env, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60)
    assert failed.returncode != 0 and "next start" in failed.stderr, failed.stderr
    # A reader that is gone saw nothing either.
    reads, writes = os.pipe()
    os.close(reads)
    failed = subprocess.run(command, env=env, stdout=writes, stderr=subprocess.PIPE, text=True, timeout=60)
    os.close(writes)
    assert failed.returncode != 0 and "next start" in failed.stderr, failed.stderr
    log = open(tmp_path / "log", "w+")
    served = subprocess.Popen(command, env=env, stdout=log, stderr=subprocess.DEVNULL)
    try:
        wait_for(lambda: re.search(r"domesday_[\w-]{40,}", (tmp_path / "log").read_text()), "the key")
    finally:
        served.terminate()
        assert served.wait(timeout=30) == 0


def test_a_catalog_goes_onto_either_database_from_the_command_line(postgres, tmp_path):
    summaries, at = {}, ("--at", "2026-11-24T02:00:00Z")
    for name, store in {"sqlite": f"sqlite:{tmp_path}/governance.db", "postgres": postgres()}.items():
        env = {"DOMESDAY_STORE": store}
        assert "created" in domesday(env, "apply", "examples/acme", *at)
        assert " 0 created, 0 updated, 0 deleted" in domesday(env, "apply", "examples/acme", *at)
        assert "Price Lists" in domesday(env, "explain", "--user", "sophie.lang", "--data-source", "Price Lists", *at)
        assert "No difference" in domesday(env, "diff", "--catalog", "examples/acme", *at)
        domesday({}, "export", "--store", store, "--to", tmp_path / name, *at)
        files = (tmp_path / name).rglob("*.parquet")
        summaries[name] = {str(path.relative_to(tmp_path / name)): path.read_bytes() for path in files}
    assert len(summaries["sqlite"]) > 12
    # The same catalog and instant: byte for byte the same files.
    assert summaries["sqlite"] == summaries["postgres"]


def test_no_password_of_a_database_is_told(tmp_path):
    for url in ["postgres://ada:secret-word@127.0.0.1:1/x", "postgres://ada:secret-word@h:port/x", "mysql://a:secret-word@h/x"]:
        for args in (["apply", "examples/acme"], ["export", "--to", tmp_path / "out"]):
            assert "secret-word" not in domesday({}, *args, "--store", url, fails=True)
            assert "secret-word" not in domesday({"DOMESDAY_STORE": url}, *args, fails=True)
        assert "secret-word" not in domesday({"DOMESDAY_STORE": url}, "apply", "--help")
        assert "secret-word" not in domesday({"DATABASE_URL": url}, "config", "check", fails=True)


@pytest.fixture
def certificates(tmp_path):
    """A certificate for this machine and its key, and a key that is not its own."""
    certificate, key, other = tmp_path / "tls.pem", tmp_path / "tls.key", tmp_path / "other.key"
    make = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    make += ["-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    subprocess.run([*make, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    subprocess.run([*make, "-keyout", other, "-out", tmp_path / "unused"], check=True, capture_output=True)
    return certificate, key, other


def test_tls_by_file(certificates, tmp_path):
    certificate, key, other = certificates
    env = {
        "DOMESDAY_LISTEN": "127.0.0.1:0",
        "DOMESDAY_STORE": str(tmp_path / "governance.db"),
        "DOMESDAY_TLS_CERTIFICATE": str(certificate),
        "DOMESDAY_TLS_KEY": str(key),
    }
    broken = tmp_path / "broken.pem"
    broken.write_text("-----BEGIN CERTIFICATE-----\nnot one\n-----END CERTIFICATE-----\n")
    for wrong in [
        {"DOMESDAY_TLS_KEY": str(other)},
        {"DOMESDAY_TLS_KEY": str(tmp_path / "missing.key")},
        {"DOMESDAY_TLS_CERTIFICATE": str(broken)},
    ]:
        said = domesday({**env, **wrong}, "serve", fails=True)
        assert "certificate" in said.lower() or "key" in said.lower(), said
        assert "panicked" not in said

    log = open(tmp_path / "log", "w+")
    command = [os.environ["DOMESDAY_BIN"], "serve"]
    served = subprocess.Popen(command, env={"PATH": os.environ["PATH"], **env}, stdout=log, stderr=log)
    try:
        told = lambda: re.search(r"Listening on (\S+):(\d+)", (tmp_path / "log").read_text())  # noqa: E731
        port = int(wait_for(told, "the start").group(2))
        trusting = ssl.create_default_context(cafile=certificate)
        connection = http.client.HTTPSConnection("localhost", port, context=trusting, timeout=10)
        connection.request("GET", "/health/live")
        assert connection.getresponse().status == 200
        assert connection.sock is None or connection.sock.version() in ("TLSv1.2", "TLSv1.3")
        # Whoever does not know the certificate does not talk to it, and nothing is said in the clear.
        with pytest.raises(ssl.SSLCertVerificationError):
            http.client.HTTPSConnection("localhost", port, timeout=10).request("GET", "/health/live")
        with socket.create_connection(("127.0.0.1", port), timeout=10) as clear:
            clear.sendall(b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert b"HTTP/1.1 200" not in clear.recv(4096)
    finally:
        served.terminate()
        assert served.wait(timeout=30) == 0
