"""What runs the GitHub Action: the steps as a runner runs them, and repositories with a catalog."""

import os
import pathlib
import re
import subprocess

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
