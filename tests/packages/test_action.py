"""The GitHub Action that reviews changes of access: its steps, run as a runner does, on real repositories."""

import base64
import hashlib
import json
import os
import pathlib
import re
import subprocess
import zipfile

import pytest
import yaml
from action import ACTION, AT, FOLDER, INSTALL, REVIEW, ROOT, gain, repository, runner  # noqa: F401


def test_a_change_that_gives_nobody_access_passes(repository, runner):  # noqa: F811
    (repository.folder / "README").write_text("x")
    repository.commit()
    done = runner.run(REVIEW, catalog="governance", max_gained=0, at=AT)
    assert done.returncode == 0, done.stdout + done.stderr
    assert runner.outputs["result"] == "passed"
    assert "access is unchanged" in runner.report() and runner.report() in runner.summary()


def test_a_change_that_gives_more_access_than_allowed_fails(repository, runner):  # noqa: F811
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


def test_a_pull_request_is_compared_with_the_base_as_it_is_now(repository, runner):  # noqa: F811
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


def test_mistakes_are_reported_as_they_are_written(repository, runner):  # noqa: F811
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


def test_a_new_catalog_is_compared_with_nothing(repository, runner):  # noqa: F811
    repository.git("mv", "governance", "rules")
    repository.commit()
    done = runner.run(REVIEW, catalog="rules", max_gained=0, at=AT)
    assert done.returncode == 3 and "everything is new" in runner.report()
    # The other way around it is lost.
    done = runner.run(REVIEW, catalog="governance", max_gained=0, at=AT)
    assert done.returncode == 0 and "removed" in runner.report()
    done = runner.run(REVIEW, catalog="nothing", at=AT)
    assert done.returncode == 1 and "neither commit has the directory" in runner.report()


def test_the_whole_repository_can_be_the_catalog(repository, runner):  # noqa: F811
    for path in (repository.folder / "governance").iterdir():
        path.rename(repository.folder / path.name)
    repository.commit()
    done = runner.run(REVIEW, catalog=".", base="HEAD", at=AT)
    assert done.returncode == 0, runner.report()


def test_attributes_hide_nothing(repository, runner):  # noqa: F811
    """`git archive` would leave the files out of the comparison that a later `apply` reads."""
    (repository.folder / ".gitattributes").write_text("* export-ignore export-subst text eol=crlf\n")
    (repository.folder / "governance/.gitattributes").write_text("*.yaml export-ignore\n")
    gain(repository)
    done = runner.run(REVIEW, catalog="governance", max_gained=0, at=AT)
    assert done.returncode == 3 and "Everybody reads" in runner.report()


def test_links_lead_nowhere(repository, runner, tmp_path):  # noqa: F811
    (tmp_path / "private").write_text("a-secret-line\n")
    (repository.folder / "governance/link.yaml").symlink_to(tmp_path / "private")
    repository.commit()
    done = runner.run(REVIEW, catalog="governance", at=AT)
    assert done.returncode == 1 and "`link.yaml` is a symbolic link" in runner.report()
    assert "a-secret-line" not in done.stdout + done.stderr + runner.report()


def test_paths_lead_out_of_no_folder(repository, runner):  # noqa: F811
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


def test_a_repository_that_is_not_whole_is_no_reason_to_pass(repository, runner):  # noqa: F811
    """Objects that a filter of the checkout left out are not objects that the change removed."""
    gain(repository)
    for object in ("HEAD:governance/more.yaml", "HEAD:governance"):
        digest = repository.git("rev-parse", object)
        (repository.folder / f".git/objects/{digest[:2]}/{digest[2:]}").unlink()
        done = runner.run(REVIEW, catalog="governance", max_gained=0, at=AT)
        assert done.returncode == 1 and "does not have all objects" in runner.report(), runner.report()


def test_the_catalog_is_a_directory(repository, runner):  # noqa: F811
    done = runner.run(REVIEW, catalog="governance/policies.yaml", base="HEAD")
    assert done.returncode == 1 and "is not a directory" in runner.report()


@pytest.mark.parametrize("catalog", ["", "/etc", "../elsewhere", "a/../../b"])
def test_the_catalog_is_in_the_repository(repository, runner, catalog):  # noqa: F811
    done = runner.run(REVIEW, catalog=catalog, base="HEAD")
    assert done.returncode == 1 and "below the root of the repository" in runner.report()


def test_what_is_missing_is_named(repository, runner):  # noqa: F811
    done = runner.run(REVIEW, catalog="governance")
    assert done.returncode == 1 and "`base` names no commit" in runner.report() and "fetch-depth: 2" in runner.report()
    done = runner.run(REVIEW, catalog="governance", base="--help")
    assert done.returncode == 1 and "`base` names no commit" in runner.report()
    done = runner.run(REVIEW, catalog="governance", base="HEAD", max_gained="many")
    assert done.returncode == 1 and "`max-gained` must be a whole number" in runner.report()
    runner.variables["PATH"] = "/usr/bin:/bin"
    done = runner.run(REVIEW, catalog="governance", base="HEAD")
    assert done.returncode == 1 and "`domesday` is not on the path" in runner.report()


def test_nothing_in_a_change_is_run_or_a_command_to_the_runner(repository, runner, tmp_path):  # noqa: F811
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


def test_the_wheel_is_installed_and_put_on_the_path(repository, runner, wheel):  # noqa: F811
    (repository.folder / "pip.py").write_text("raise SystemExit('a module of the change was run')\n")
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    done = runner.run(INSTALL, wheel=wheel, wheel_sha256=digest)
    assert done.returncode == 0, done.stdout + done.stderr
    [folder] = runner.files["GITHUB_PATH"].read_text().splitlines()
    assert subprocess.run([f"{folder}/domesday"], capture_output=True, text=True).stdout == "domesday 9.9.9\n"


def test_another_wheel_than_the_one_named_is_refused(runner, wheel):  # noqa: F811
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
def test_a_wheel_that_cannot_be_verified_is_refused(runner, wheel, digest, message):  # noqa: F811
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


def test_the_guide_has_the_inputs_and_outputs(repository):  # noqa: F811
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
