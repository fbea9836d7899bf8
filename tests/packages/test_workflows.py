"""The workflows, the action and the files for containers, judged by linters and by the schemas of those who read them.

None of the workflows can be run here: GitHub would be needed.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys

import pytest
import yaml

ROOT = pathlib.Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
ACTION = ROOT / "integrations/github/action.yml"


def run(program, *arguments, folder=ROOT):
    """A program of the packages that the tests have."""
    command = [pathlib.Path(sys.executable).with_name(program), *map(str, arguments)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)


def lint(folder, *files):
    shellcheck = pathlib.Path(sys.executable).with_name("shellcheck")
    return run("jactionlint", "--strict-exit", "--no-color", f"--shellcheck={shellcheck}", *files, folder=folder)


def test_the_linter_has_no_complaint():
    """actionlint's checks, those of zizmor that need no network, and ShellCheck for the scripts of steps."""
    assert {path.name for path in WORKFLOWS} == {"advisories.yml", "ci.yml", "release.yml"}
    done = lint(ROOT, *WORKFLOWS, ACTION)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    "old, new, rule",
    [
        ("persist-credentials: false", "fetch-depth: 1", "artipacked"),
        ("@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1", "@v7", "unpinned-uses"),
        ("needs: gate", "needs: gates", "gates"),
        ('"$GITHUB_REF_NAME" != "v$version"', '$GITHUB_REF_NAME != "v$version"', "SC2086"),
    ],
)
def test_a_mistake_would_be_found(tmp_path, old, new, rule):
    folder = tmp_path / ".github/workflows"
    shutil.copytree(ROOT / ".github/workflows", folder)
    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)
    text = (folder / "release.yml").read_text()
    assert old in text
    (folder / "release.yml").write_text(text.replace(old, new))
    done = lint(tmp_path, folder / "release.yml")
    assert done.returncode == 1 and rule in done.stdout, done.stdout


def test_the_workflow_of_the_guide(tmp_path):
    page = (ROOT / "docs/review-changes.md").read_text()
    [workflow] = re.findall(r"^```yaml workflow\n(.*?)^```$", page, re.M | re.S)
    path = tmp_path / "review.yml"
    path.write_text(workflow.replace("OWNER", "acme").replace("COMMIT", "0a" * 20))
    done = lint(tmp_path, path)
    assert done.returncode == 0, done.stdout + done.stderr
    done = run("check-jsonschema", "--builtin-schema", "vendor.github-workflows", path)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    "schema, files",
    [
        ("vendor.github-workflows", WORKFLOWS),
        ("vendor.github-actions", [ACTION]),
        ("vendor.compose-spec", [ROOT / "deploy/compose.yaml"]),
    ],
)
def test_the_schema_is_satisfied(schema, files):
    done = run("check-jsonschema", "--builtin-schema", schema, *files)
    assert done.returncode == 0, done.stdout


def test_the_containerfile():
    done = run("hadolint", "--no-color", "--strict-labels", ROOT / "deploy/Containerfile")
    assert done.returncode == 0, done.stdout


def test_rights_are_given_where_they_are_used():
    for path in WORKFLOWS:
        workflow = yaml.safe_load(path.read_text())
        assert workflow["permissions"] in ({}, {"contents": "read"})
        for name, job in workflow["jobs"].items():
            writes = {right for right, level in job.get("permissions", {}).items() if level == "write"}
            allowed = {"attestations", "contents", "id-token", "packages"} if name == "publish" else set()
            assert writes <= allowed, f"{path.name}: {name}"


def test_the_same_action_is_of_the_same_commit_everywhere():
    pins = {}
    page = ROOT / "docs/review-changes.md"
    for path in [*WORKFLOWS, page]:
        for action, pin in re.findall(r"uses: (actions/[\w-]+)@(.*)$", path.read_text(), re.M):
            assert re.fullmatch(r"[0-9a-f]{40} # v\d+\.\d+\.\d+", pin), f"{path.name}: {action}"
            pins.setdefault(action, set()).add(pin)
    assert len(pins) == 5 and all(len(found) == 1 for found in pins.values()), pins


def test_the_release_pushes_what_the_packages_are_named():
    """The names in the workflow are those that the steps before it write."""
    text = (ROOT / ".github/workflows/release.yml").read_text()
    version = re.search(r'^version = "(.*)"', (ROOT / "Cargo.toml").read_text(), re.M)[1]
    names = os.listdir(os.environ["DOMESDAY_PACKAGES"])
    used = re.findall(r'packages/(domesday-\$VERSION[^" ]*)', text)
    assert len(used) == 2
    for name in used:
        assert name.replace("$VERSION", version).replace("$architecture", "x86_64") in names, name


def test_the_notes_of_a_release_are_the_section_of_its_version(tmp_path):
    text = (ROOT / ".github/workflows/release.yml").read_text()
    [script] = re.findall(r"^ *(awk .*) > notes.md$", text, re.M)
    (tmp_path / "CHANGELOG.md").write_text(
        "# Changelog\n\n## Unreleased\n\n- c\n\n## 0.1.10 - 2026-12-01\n\n- b\n\n## 0.1.1 - 2026-11-30\n\n### Added\n- a\n\n## 0.1.0\n- z\n"
    )
    done = subprocess.run(
        ["bash", "-c", script], cwd=tmp_path, env={**os.environ, "VERSION": "0.1.1"}, capture_output=True, text=True
    )
    assert done.stdout.split() == ["###", "Added", "-", "a"]


def test_the_tag_of_a_release_is_the_version_of_the_program(tmp_path):
    steps = yaml.safe_load((ROOT / ".github/workflows/release.yml").read_text())["jobs"]["build"]["steps"]
    [script] = [step["run"] for step in steps if step.get("name") == "The tag is the version of the program"]
    version = re.search(r'^version = "(.*)"', (ROOT / "Cargo.toml").read_text(), re.M)[1]
    for tag, code in ((f"v{version}", 0), ("v99.0.0", 1), (version, 1)):
        environment = {**os.environ, "GITHUB_REF_NAME": tag}
        assert subprocess.run(["bash", "-ec", script], cwd=ROOT, env=environment).returncode == code, tag
