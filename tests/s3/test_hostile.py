"""Servers that never end, hang or lie, as the program meets them: it ends by itself, in bounded memory, and says why."""

import os
import signal
import socket
import subprocess
import threading
import time

import pytest

from conftest import REGION

KEY = {"AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": "planted-word"}


class Hostile:
    """A server that gives every connection to `answer(connection, number, head)`."""

    def __init__(self, answer):
        self.answer, self.number = answer, 0
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        try:
            while True:
                head = b""
                while not head.endswith(b"\r\n\r\n"):
                    byte = connection.recv(1)
                    if not byte:
                        return
                    head += byte
                self.number += 1
                self.answer(connection, self.number, head)
        except OSError:
            pass
        finally:
            connection.close()

    def close(self):
        self.socket.close()


@pytest.fixture
def hostile():
    servers = []

    def make(answer):
        servers.append(Hostile(answer))
        return servers[-1]

    yield make
    for server in servers:
        server.close()


def ok(body):
    return b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(body) + body


def start(catalog, url, env=KEY, *more):
    command = [os.environ["DOMESDAY_BIN"], "export", "--catalog", catalog, "--to", "s3://acme-audit/access"]
    base = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "AWS_EC2_METADATA_DISABLED": "true"}
    return subprocess.Popen(
        [*map(str, command), "--region", REGION, "--endpoint", url, *more],
        env={**base, **env},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def peak_memory(process, timeout):
    """Waits for a process, and gives its exit code and the most memory that it had, in bytes."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        pid, status, usage = os.wait4(process.pid, os.WNOHANG)
        if pid:
            process.returncode = os.waitstatus_to_exitcode(status)
            return usage.ru_maxrss * 1024
        time.sleep(0.05)
    process.kill()
    raise AssertionError(f"the export did not end in {timeout} s")


@pytest.mark.parametrize("own", [False, True], ids=["foreign", "own"])
def test_an_endless_listing_ends_in_bounded_memory(hostile, catalog, own):
    table = "policy-outcomes/export_date=2026-11-24/part-{:05}.parquet" if own else "{}-" + "x" * 900

    def answer(connection, number, head):
        keys = "".join(
            f"<Contents><Key>access/v1/{table.format((number * 1000 + n) % 100_000)}</Key><Size>1</Size>"
            "<LastModified>2026-01-01T00:00:00Z</LastModified></Contents>"
            for n in range(1000)
        )
        page = f"<IsTruncated>true</IsTruncated><NextContinuationToken>t{number}</NextContinuationToken>{keys}"
        connection.sendall(ok(f"<ListBucketResult>{page}</ListBucketResult>".encode()))

    process = start(catalog, hostile(answer).url)
    used = peak_memory(process, 300)
    told = process.stderr.read()
    assert process.returncode == 1 and "exceeds the limit of" in told and "access/v1/" in told, told
    assert used < 300 << 20, used


def test_a_page_that_is_mostly_markup_takes_little_memory(hostile, catalog):
    def answer(connection, number, head):
        connection.sendall(ok(b"<ListBucketResult>" + b"<a/>" * 900_000 + b"</ListBucketResult>"))

    process = start(catalog, hostile(answer).url)
    used = peak_memory(process, 60)
    assert process.returncode == 1 and "exceeds the limit of" in process.stderr.read()
    assert used < 200 << 20, used


def test_an_answer_that_never_ends_is_not_read(hostile, catalog):
    def answer(connection, number, head):
        connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n<ListBucketResult>")
        while True:
            connection.sendall(b" " * (1 << 20))

    process = start(catalog, hostile(answer).url)
    used = peak_memory(process, 60)
    assert process.returncode == 1 and "exceeds the limit of 4194304 bytes" in process.stderr.read()
    assert used < 200 << 20, used


@pytest.mark.parametrize("code, number", [(130, signal.SIGINT), (143, signal.SIGTERM)])
def test_an_export_that_hangs_says_so_and_is_interrupted(hostile, catalog, code, number):
    process = start(catalog, hostile(lambda connection, number, head: time.sleep(300)).url)
    line = process.stderr.readline()
    assert line.startswith("waiting: list access/v1/: http://127.0.0.1"), line
    started = time.monotonic()
    process.send_signal(number)
    assert process.wait(timeout=30) == code
    assert time.monotonic() - started < 5


def test_an_export_to_a_server_that_is_away_shows_its_attempts_and_is_interrupted(catalog):
    process = start(catalog, "http://127.0.0.1:9")
    lines = [process.stderr.readline() for _ in range(3)]
    assert "attempt 2 of 9 in" in lines[0] and "attempt 4 of 9" in lines[2], lines
    started = time.monotonic()
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=30) == 130
    assert time.monotonic() - started < 5


def test_an_export_ends_with_its_time_limit(hostile, catalog):
    process = start(catalog, hostile(lambda connection, number, head: time.sleep(300)).url, KEY, "--timeout", "4")
    _, told = process.communicate(timeout=60)
    assert process.returncode == 1 and "not finished within 4 s" in told, told


@pytest.mark.parametrize(
    "env, told",
    [
        ({**KEY, "AWS_ACCESS_KEY_ID": "AKIA\n"}, "AWS_ACCESS_KEY_ID has a line break at position 5"),
        ({**KEY, "AWS_ACCESS_KEY_ID": "AK IA"}, "AWS_ACCESS_KEY_ID has a blank at position 3"),
        ({**KEY, "AWS_SECRET_ACCESS_KEY": "planted-word\n"}, "AWS_SECRET_ACCESS_KEY begins or ends with"),
        ({**KEY, "AWS_SESSION_TOKEN": "a\tb"}, "AWS_SESSION_TOKEN has a tab at position 2"),
        ({**KEY, "HTTPS_PROXY": ""}, "there is no host"),
    ],
    ids=["id", "blank", "secret", "token", "host"],
)
def test_what_can_never_succeed_fails_at_once_with_the_reason(hostile, catalog, env, told):
    server = hostile(lambda connection, number, head: connection.sendall(ok(b"<ListBucketResult/>")))
    url = "https://nowhere.invalid" if "HTTPS_PROXY" in env else server.url
    started = time.monotonic()
    process = start(catalog, url, env)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 1 and told in errors and "planted-word" not in errors, errors
    assert time.monotonic() - started < 15 and server.number == 0


def test_a_profile_with_a_key_that_cannot_be_sent_is_named(catalog, tmp_path):
    credentials = tmp_path / "credentials"
    credentials.write_text("[team]\naws_access_key_id = AK\u00c4\naws_secret_access_key = planted-word\n")
    env = {"AWS_SHARED_CREDENTIALS_FILE": str(credentials), "AWS_PROFILE": "team"}
    process = start(catalog, "http://127.0.0.1:9", env)
    _, told = process.communicate(timeout=30)
    assert "aws_access_key_id of the profile `team` has the character U+00C4 at position 3" in told, told


def test_the_metadata_service_speaks_for_itself(hostile, catalog):
    def answer(connection, number, head):
        body = b"<html><h1>401 - Unauthorized: hops exceeded</h1></html>"
        connection.sendall(b"HTTP/1.1 401 Unauthorized\r\ncontent-length: %d\r\n\r\n" % len(body) + body)

    env = {"AWS_EC2_METADATA_DISABLED": "false", "AWS_EC2_METADATA_SERVICE_ENDPOINT": hostile(answer).url}
    _, told = start(catalog, "http://127.0.0.1:9", env).communicate(timeout=30)
    assert "metadata service answers 401: 401 - Unauthorized: hops exceeded" in told, told

    def agent(connection, number, head):
        body = b'{"code":"AccessDenied","message":"no association"}'
        connection.sendall(b"HTTP/1.1 403 Forbidden\r\ncontent-length: %d\r\n\r\n" % len(body) + body)

    env = {"AWS_CONTAINER_CREDENTIALS_FULL_URI": hostile(agent).url + "/v1"}
    _, told = start(catalog, "http://127.0.0.1:9", env).communicate(timeout=30)
    assert "the container's agent answers 403: AccessDenied: no association" in told, told
