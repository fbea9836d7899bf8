"""The comment of the GitHub Action. A server on this machine stands for GitHub's API, which no test can reach."""

import http.server
import json
import re
import threading

import pytest
from action import AT, COMMENT, REVIEW, Runner, gain, repository, runner  # noqa: F401


class GitHub:
    """The comments of a pull request, by GitHub's API."""

    def __init__(self):
        self.comments, self.calls, self.status = [], [], None
        github = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def answer(self, status, body, **headers):
                content = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(content)))
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)

            def handle_call(self):
                length = int(self.headers.get("Content-Length", 0))
                body = json.loads(self.rfile.read(length)) if length else None
                github.calls.append((self.command, self.path, dict(self.headers), body))
                if github.status:
                    return self.answer(github.status, {}, Location="/elsewhere")
                path, _, query = self.path.partition("?")
                if self.command == "GET" and path == "/repos/acme/governance/issues/7/comments":
                    size, page = (int(it.split("=")[1]) for it in query.split("&"))
                    return self.answer(200, github.comments[(page - 1) * size : page * size])
                if self.command == "POST" and path == "/repos/acme/governance/issues/7/comments":
                    return self.answer(201, github.add("github-actions[bot]", body["body"]))
                if self.command == "PATCH" and (found := re.fullmatch(r".*/issues/comments/(\d+)", path)):
                    [comment] = [it for it in github.comments if it["id"] == int(found[1])]
                    comment["body"] = body["body"]
                    return self.answer(200, comment)
                return self.answer(404, {})

            do_GET = do_POST = do_PATCH = handle_call

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def add(self, author, body):
        self.comments.append({"id": 1000 + len(self.comments), "user": {"login": author}, "body": body})
        return self.comments[-1]

    def close(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def github():
    github = GitHub()
    yield github
    github.close()


def test_the_report_is_one_comment_that_is_updated(repository, tmp_path, github):  # noqa: F811
    job = Runner(repository.folder, tmp_path, github.url)
    # More comments than one page has, and one of somebody who knows the marker.
    for number in range(120):
        github.add("ada", f"comment {number}")
    gain(repository)
    assert job.run(REVIEW, catalog="governance", max_gained=0, at=AT).returncode == 3
    assert job.run(COMMENT, catalog="governance").returncode == 0
    assert len(github.comments) == 121
    [mine] = [it for it in github.comments if it["user"]["login"] == "github-actions[bot]"]
    marker, report = mine["body"].split("\n", 1)
    assert marker.startswith("<!--") and marker.endswith("-->") and report == job.report()
    github.comments.insert(0, {"id": 1, "user": {"login": "ada"}, "body": f"{marker}\nnothing to see"})
    # The same version is unchanged now.
    assert job.run(REVIEW, catalog="governance", base="HEAD", at=AT).returncode == 0
    assert job.run(COMMENT, catalog="governance").returncode == 0
    assert len(github.comments) == 122 and mine["body"] == f"{marker}\n{job.report()}"
    assert "access is unchanged" in mine["body"] and github.comments[0]["body"].endswith("nothing to see")
    # Another catalog has a comment of its own.
    assert job.run(COMMENT, catalog="other").returncode == 0
    assert len(github.comments) == 123
    assert {headers["Authorization"] for _, _, headers, _ in github.calls} == {"Bearer ghs_secret"}


@pytest.mark.parametrize("status", [302, 401, 403, 404, 500])
def test_a_comment_that_cannot_be_written_is_a_warning(repository, tmp_path, github, status):  # noqa: F811
    job = Runner(repository.folder, tmp_path, github.url)
    job.run(REVIEW, catalog="governance", base="HEAD", at=AT)
    github.status = status
    done = job.run(COMMENT, catalog="governance")
    assert done.returncode == 0 and "::warning title=Access review::" in done.stdout
    assert ("pull-requests: write" in done.stdout) == (status in (401, 403, 404))
    assert "ghs_secret" not in done.stdout + done.stderr
    # A redirect is not followed: the token would go with it.
    assert len(github.calls) == 1


def test_github_that_cannot_be_reached_is_a_warning(repository, runner):  # noqa: F811
    runner.run(REVIEW, catalog="governance", base="HEAD", at=AT)
    done = runner.run(COMMENT, catalog="governance")
    assert done.returncode == 0 and "::warning title=Access review::" in done.stdout
