"""The GitHub Action that reviews changes of access: its steps, run as a runner does, on real repositories.

A server on this machine stands for GitHub's API, which no test can reach.
"""

import base64
import hashlib
import http.server
import json
import os
import pathlib
import re
import subprocess
import threading
import zipfile

import pytest
import yaml

ROOT = pathlib.Path(__file__).parents[2]
FOLDER = ROOT / "integrations/github"
ACTION = yaml.safe_load((FOLDER / "action.yml").read_text())
STEPS = {step["name"]: step for step in ACTION["runs"]["steps"]}
INSTALL, REVIEW, COMMENT = STEPS

AT = "2026-11-24T02:00:00Z"

class Runner:
    """What a job gives the steps of an action, and reads from them."""

    def __init__(self, workspace, folder, api="http://127.0.0.1:9"):
        self.workspace, self.folder = workspace, folder
        self.files = {name: folder / name for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY", "GITHUB_PATH")}
        for file in self.files.values():
            file.touch()
        (folder / "temp").mkdir(exist_ok=True)
        self.variables = {
            "PATH": f"{pathlib.Path(os.environ['DOMESDAY_BIN']).parent}:{os.environ['PATH']}",
            "HOME": str(folder),
            "RUNNER_TEMP": str(folder / "temp"),
            "GITHUB_WORKSPACE": str(workspace),
            "GITHUB_ACTION_PATH": str(FOLDER),
            "GITHUB_API_URL": api,
            "GITHUB_REPOSITORY": "acme/governance",
            **{name: str(file) for name, file in self.files.items()},
        }
        self.outputs = {}

    def run(self, name, **inputs):
        """Runs a step with inputs, of which those that are not given have their defaults."""
        values = {f"inputs.{input}": about.get("default", "") for input, about in ACTION["inputs"].items()}
        values["inputs.token"] = "ghs_secret"
        values["github.event.pull_request.number"] = "7"
        values |= {f"inputs.{input.replace('_', '-')}": str(value) for input, value in inputs.items()}
        values |= {f"steps.review.outputs.{name}": value for name, value in self.outputs.items()}
        step = STEPS[name]
        expression = re.compile(r"\$\{\{ (.*?) \}\}")
        assert not expression.search(step["run"]), "an expression in a script is read as part of it"
        variables = {name: expression.sub(lambda it: values[it[1]], text) for name, text in step["env"].items()}
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
            cwd=self.workspace,
            env={**self.variables, **variables},
            capture_output=True,
            text=True,
        )
        for line in self.files["GITHUB_OUTPUT"].read_text().splitlines():
            output, _, value = line.partition("=")
            self.outputs[output] = value
        return done

    def summary(self):
        return self.files["GITHUB_STEP_SUMMARY"].read_text()

    def report(self):
        return pathlib.Path(self.outputs["report"]).read_text()


class Repository:
    def __init__(self, folder):
        self.folder = folder
        folder.mkdir()
        self.git("init", "--quiet", "--initial-branch=main")

    def git(self, *arguments, **options):
        command = ["git", "-c", "user.name=Ada", "-c", "user.email=ada@acme.example", *arguments]
        done = subprocess.run(command, cwd=self.folder, check=True, capture_output=True, text=True, **options)
        return done.stdout.strip()

    def commit(self):
        self.git("add", "--all", "--force")
        self.git("commit", "--quiet", "--allow-empty", "--message", "Change")


@pytest.fixture
def repository(tmp_path):
    """A repository with a catalog in its first commit."""
    repository = Repository(tmp_path / "repository")
    subprocess.run(
        [os.environ["DOMESDAY_BIN"], "init", "governance", "--quiet"], cwd=repository.folder, check=True
    )
    repository.commit()
    return repository


@pytest.fixture
def runner(repository, tmp_path):
    return Runner(repository.folder, tmp_path)


def gain(repository):
    """Gives everybody access."""
    (repository.folder / "governance/more.yaml").write_text(
        "policies:\n  - { name: Everybody reads, type: grant, scope: read, level: anyone, appliesTo: all }\n"
    )
    repository.commit()


def test_a_change_that_gives_nobody_access_passes(repository, runner):
    (repository.folder / "README").write_text("x")
    repository.commit()
    done = runner.run(REVIEW, catalog="governance", max_gained=0, at=AT)
    assert done.returncode == 0, done.stdout + done.stderr
    assert runner.outputs["result"] == "passed"
    assert "access is unchanged" in runner.report() and runner.report() in runner.summary()


def test_a_change_that_gives_more_access_than_allowed_fails(repository, runner):
    gain(repository)
    done = runner.run(REVIEW, catalog="governance", max_gained=0, at=AT)
    assert done.returncode == 3 and runner.outputs["result"] == "limit"
    assert "::error title=Access review::" in done.stdout
    report = runner.report()
    assert re.search(r"> \[!CAUTION\]\n> \d+ outcomes would be gained, more than the 0 allowed", report), report
    assert "Everybody reads" in report and "| added |" in report
    # The same change within a limit, and without one.
    for limit in (1000, ""):
        assert runner.run(REVIEW, catalog="governance", max_gained=limit, at=AT).returncode == 0
        assert runner.outputs["result"] == "passed" and "Everybody reads" in runner.report()


def test_a_pull_request_is_compared_with_the_base_as_it_is_now(repository, runner):
    """The first parent of the merge commit that GitHub checks out."""
    repository.git("checkout", "--quiet", "-b", "change")
    (repository.folder / "README").write_text("of the change")
    repository.commit()
    repository.git("checkout", "--quiet", "main")
    gain(repository)
    repository.git("merge", "--quiet", "--no-ff", "--message", "Merge", "change")
    done = runner.run(REVIEW, catalog="governance", max_gained=0, at=AT)
    assert done.returncode == 0, "what the base has gained is not of the change"
    done = runner.run(REVIEW, catalog="governance", max_gained=0, at=AT, base="HEAD^2")
    assert done.returncode == 3


def test_mistakes_are_reported_as_they_are_written(repository, runner):
    (repository.folder / "governance/wrong.yaml").write_text("policies:\n  - { name: '``` x', kindd: 1 }\n")
    repository.commit()
    done = runner.run(REVIEW, catalog="governance", at=AT)
    assert done.returncode == 1 and runner.outputs["result"] == "error"
    assert "could not be compared" in runner.report() and "wrong.yaml:2:" in runner.report()
    assert "has mistakes already" not in runner.report()
    # No text of the catalog ends the block that it is in.
    assert runner.report().count("````") == 2
    (repository.folder / "governance/wrong.yaml").unlink()
    repository.commit()
    assert runner.run(REVIEW, catalog="governance", at=AT).returncode == 1
    assert "The catalog of the base has mistakes already." in runner.report()


def test_a_new_catalog_is_compared_with_nothing(repository, runner):
    repository.git("mv", "governance", "rules")
    repository.commit()
    done = runner.run(REVIEW, catalog="rules", max_gained=0, at=AT)
    assert done.returncode == 3 and "everything is new" in runner.report()
    # The other way around it is lost.
    done = runner.run(REVIEW, catalog="governance", max_gained=0, at=AT)
    assert done.returncode == 0 and "removed" in runner.report()
    done = runner.run(REVIEW, catalog="nothing", at=AT)
    assert done.returncode == 1 and "neither commit has the directory" in runner.report()


def test_the_whole_repository_can_be_the_catalog(repository, runner):
    for path in (repository.folder / "governance").iterdir():
        path.rename(repository.folder / path.name)
    repository.commit()
    done = runner.run(REVIEW, catalog=".", base="HEAD", at=AT)
    assert done.returncode == 0, runner.report()


def test_attributes_hide_nothing(repository, runner):
    """`git archive` would leave the files out of the comparison that a later `apply` reads."""
    (repository.folder / ".gitattributes").write_text("* export-ignore export-subst text eol=crlf\n")
    (repository.folder / "governance/.gitattributes").write_text("*.yaml export-ignore\n")
    gain(repository)
    done = runner.run(REVIEW, catalog="governance", max_gained=0, at=AT)
    assert done.returncode == 3 and "Everybody reads" in runner.report()


def test_links_lead_nowhere(repository, runner, tmp_path):
    (tmp_path / "private").write_text("a-secret-line\n")
    (repository.folder / "governance/link.yaml").symlink_to(tmp_path / "private")
    repository.commit()
    done = runner.run(REVIEW, catalog="governance", at=AT)
    assert done.returncode == 1 and "`link.yaml` is a symbolic link" in runner.report()
    assert "a-secret-line" not in done.stdout + done.stderr + runner.report()


def test_paths_lead_out_of_no_folder(repository, runner):
    """A tree that no `git add` would write."""
    blob = repository.git("hash-object", "-w", "--stdin", input="x: 1\n")
    tree = b"100644 ..\0" + bytes.fromhex(blob)
    inner = subprocess.run(
        ["git", "hash-object", "-t", "tree", "-w", "--literally", "--stdin"],
        cwd=repository.folder,
        input=tree,
        capture_output=True,
        check=True,
    ).stdout.decode().strip()
    outer = repository.git("mktree", input=f"040000 tree {inner}\tgovernance\n")
    head = repository.git("commit-tree", outer, "-p", "HEAD", "-m", "Change")
    done = runner.run(REVIEW, catalog="governance", base="HEAD", head=head, at=AT)
    assert done.returncode == 1 and "leads out of it" in runner.report()


def test_a_repository_that_is_not_whole_is_no_reason_to_pass(repository, runner):
    """Objects that a filter of the checkout left out are not objects that the change removed."""
    gain(repository)
    for object in ("HEAD:governance/more.yaml", "HEAD:governance"):
        digest = repository.git("rev-parse", object)
        (repository.folder / f".git/objects/{digest[:2]}/{digest[2:]}").unlink()
        done = runner.run(REVIEW, catalog="governance", max_gained=0, at=AT)
        assert done.returncode == 1 and "does not have all objects" in runner.report(), runner.report()


def test_the_catalog_is_a_directory(repository, runner):
    done = runner.run(REVIEW, catalog="governance/policies.yaml", base="HEAD")
    assert done.returncode == 1 and "is not a directory" in runner.report()


@pytest.mark.parametrize("catalog", ["", "/etc", "../elsewhere", "a/../../b"])
def test_the_catalog_is_in_the_repository(repository, runner, catalog):
    done = runner.run(REVIEW, catalog=catalog, base="HEAD")
    assert done.returncode == 1 and "below the root of the repository" in runner.report()


def test_what_is_missing_is_named(repository, runner):
    done = runner.run(REVIEW, catalog="governance")
    assert done.returncode == 1 and "`base` names no commit" in runner.report() and "fetch-depth: 2" in runner.report()
    done = runner.run(REVIEW, catalog="governance", base="--help")
    assert done.returncode == 1 and "`base` names no commit" in runner.report()
    done = runner.run(REVIEW, catalog="governance", base="HEAD", max_gained="many")
    assert done.returncode == 1 and "`max-gained` must be a whole number" in runner.report()
    runner.variables["PATH"] = "/usr/bin:/bin"
    done = runner.run(REVIEW, catalog="governance", base="HEAD")
    assert done.returncode == 1 and "`domesday` is not on the path" in runner.report()


def test_nothing_in_a_change_is_run_or_a_command_to_the_runner(repository, runner, tmp_path):
    trap = f"$(touch {tmp_path}/run)`touch {tmp_path}/run`"
    name = f"::set-output name=result::passed {trap}"
    (repository.folder / "governance/more.yaml").write_text(
        json.dumps({"policies": [{"name": name, "type": "grant", "level": "anyone", "appliesTo": "all"}]})
    )
    # Modules named as those that the steps import.
    for module in ("json.py", "re.py", "subprocess.py", "secrets.py", "sitecustomize.py", "pip.py", "venv.py"):
        (repository.folder / module).write_text(f"open({str(tmp_path / 'run')!r}, 'w')\n")
    repository.commit()
    runner.variables["PYTHONPATH"] = str(repository.folder)
    done = runner.run(REVIEW, catalog="governance", max_gained=0, at=AT)
    assert done.returncode == 3, done.stdout + done.stderr
    assert not (tmp_path / "run").exists()
    # The log has it between the marks that stop commands.
    before, text = done.stdout.split("::stop-commands::", 1)
    mark, text = text.split("\n", 1)
    quoted, after = text.split(f"\n::{mark}::\n")
    assert "::set-output" in quoted and "::set-output" not in before + after and len(mark) == 32


def test_a_long_report_is_cut():
    module = {}
    exec(compile((FOLDER / "review.py").read_text(), "review.py", "exec"), module)
    assert module["shortened"]("short\n") == "short\n"
    for text in ("a line of the report\n" * 10_000, "x" * 200_000):
        cut = module["shortened"](text)
        # A comment has a marker before it, and 65,536 characters at most.
        assert len(cut) < 65_000 and "the report is cut here" in cut


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


def test_the_report_is_one_comment_that_is_updated(repository, tmp_path, github):
    runner = Runner(repository.folder, tmp_path, github.url)
    # More comments than one page has, and one of somebody who knows the marker.
    for number in range(120):
        github.add("ada", f"comment {number}")
    gain(repository)
    assert runner.run(REVIEW, catalog="governance", max_gained=0, at=AT).returncode == 3
    assert runner.run(COMMENT, catalog="governance").returncode == 0
    assert len(github.comments) == 121
    [mine] = [it for it in github.comments if it["user"]["login"] == "github-actions[bot]"]
    marker, report = mine["body"].split("\n", 1)
    assert marker.startswith("<!--") and marker.endswith("-->") and report == runner.report()
    github.comments.insert(0, {"id": 1, "user": {"login": "ada"}, "body": f"{marker}\nnothing to see"})
    # The same version is unchanged now.
    assert runner.run(REVIEW, catalog="governance", base="HEAD", at=AT).returncode == 0
    assert runner.run(COMMENT, catalog="governance").returncode == 0
    assert len(github.comments) == 122 and mine["body"] == f"{marker}\n{runner.report()}"
    assert "access is unchanged" in mine["body"] and github.comments[0]["body"].endswith("nothing to see")
    # Another catalog has a comment of its own.
    assert runner.run(COMMENT, catalog="other").returncode == 0
    assert len(github.comments) == 123
    assert {headers["Authorization"] for _, _, headers, _ in github.calls} == {"Bearer ghs_secret"}


@pytest.mark.parametrize("status", [302, 401, 403, 404, 500])
def test_a_comment_that_cannot_be_written_is_a_warning(repository, tmp_path, github, status):
    runner = Runner(repository.folder, tmp_path, github.url)
    runner.run(REVIEW, catalog="governance", base="HEAD", at=AT)
    github.status = status
    done = runner.run(COMMENT, catalog="governance")
    assert done.returncode == 0 and "::warning title=Access review::" in done.stdout
    assert ("pull-requests: write" in done.stdout) == (status in (401, 403, 404))
    assert "ghs_secret" not in done.stdout + done.stderr
    # A redirect is not followed: the token would go with it.
    assert len(github.calls) == 1


def test_github_that_cannot_be_reached_is_a_warning(repository, runner):
    runner.run(REVIEW, catalog="governance", base="HEAD", at=AT)
    done = runner.run(COMMENT, catalog="governance")
    assert done.returncode == 0 and "::warning title=Access review::" in done.stdout


@pytest.fixture
def wheel(tmp_path):
    """A wheel of a program that says what it is; the tests of the wheel install the real one."""
    path = tmp_path / "domesday-9.9.9-py3-none-any.whl"
    files = {
        "domesday-9.9.9.data/scripts/domesday": "#!/bin/sh\necho domesday 9.9.9\n",
        "domesday-9.9.9.dist-info/METADATA": "Metadata-Version: 2.1\nName: domesday\nVersion: 9.9.9\n",
        "domesday-9.9.9.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(
        f"{name},sha256={base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b'=').decode()},{len(text)}\n"
        for name, text in files.items()
    )
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files.items():
            file = zipfile.ZipInfo(name)
            # As a build does it: a script is executable.
            file.external_attr = (0o100755 if "/scripts/" in name else 0o100644) << 16
            archive.writestr(file, text)
        archive.writestr("domesday-9.9.9.dist-info/RECORD", record + "domesday-9.9.9.dist-info/RECORD,,\n")
    return path


def test_the_wheel_is_installed_and_put_on_the_path(repository, runner, wheel):
    (repository.folder / "pip.py").write_text("raise SystemExit('a module of the change was run')\n")
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    done = runner.run(INSTALL, wheel=wheel, wheel_sha256=digest)
    assert done.returncode == 0, done.stdout + done.stderr
    [folder] = runner.files["GITHUB_PATH"].read_text().splitlines()
    assert subprocess.run([f"{folder}/domesday"], capture_output=True, text=True).stdout == "domesday 9.9.9\n"


def test_another_wheel_than_the_one_named_is_refused(runner, wheel):
    done = runner.run(INSTALL, wheel=wheel, wheel_sha256="0a" * 32)
    assert done.returncode == 1 and "could not be installed" in done.stdout
    assert not runner.files["GITHUB_PATH"].read_text()


@pytest.mark.parametrize(
    "wheel, digest, message",
    [
        ("https://example.com/domesday.whl", "", "set `wheel-sha256`"),
        ("https://example.com/domesday.whl", "abc", "not a SHA-256"),
        ("http://example.com/domesday.whl", "0a" * 32, "neither an https address nor a file"),
        ("missing.whl", "", "neither an https address nor a file"),
        ("https://example.com/x.whl --index-url=https://evil.example", "0a" * 32, "contains a blank"),
    ],
)
def test_a_wheel_that_cannot_be_verified_is_refused(runner, wheel, digest, message):
    done = runner.run(INSTALL, wheel=wheel, wheel_sha256=digest)
    assert done.returncode == 1 and message in done.stdout


def test_the_scripts_read_what_the_steps_set():
    given = {"RUNNER_TEMP", "PATH", "HOME", "TMPDIR"}
    for step in ACTION["runs"]["steps"]:
        [script] = re.findall(r'^python3 -I "\$GITHUB_ACTION_PATH/(\w+\.py)"$', step["run"])
        text = (FOLDER / script).read_text()
        read = set(re.findall(r"environ\[[\"'](\w+)[\"']\]", text)) | ({"BASE", "HEAD"} if script == "review.py" else set())
        ours = {name for name in read if not name.startswith("GITHUB_")} - given
        assert ours == set(step["env"]), script
        assert ("token" in str(step["env"])) == (script == "comment.py"), "the token goes to one step"


def test_the_guide_has_the_inputs_and_outputs(repository):
    page = (ROOT / "docs/review-changes.md").read_text()
    for section in ("inputs", "outputs"):
        for name in ACTION[section]:
            assert re.search(rf"^\| .*`{name}`", page, re.M), name
    blocks = dict(re.findall(r"^```([^\n]*)\n(.*?)^```$", page, re.M | re.S))
    assert set(blocks) == {"yaml workflow", "sh"}
    [job] = yaml.safe_load(blocks["yaml workflow"])["jobs"].values()
    used = job["steps"][-1]["with"]
    assert set(used) <= set(ACTION["inputs"]) and "integrations/github" in job["steps"][-1]["uses"]
    # The command for other systems.
    gain(repository)
    for folder, revision in (("before", "HEAD^"), ("after", "HEAD")):
        repository.git("worktree", "add", "--quiet", f"{folder}-tree", revision)
        (repository.folder / folder).symlink_to(repository.folder / f"{folder}-tree/governance")
    program = pathlib.Path(os.environ["DOMESDAY_BIN"]).parent
    environment = {"PATH": f"{program}:{os.environ['PATH']}"}
    done = subprocess.run(["sh", "-euc", blocks["sh"]], cwd=repository.folder, env=environment, capture_output=True)
    assert done.returncode == 0 and "Everybody reads" in (repository.folder / "report.md").read_text()
