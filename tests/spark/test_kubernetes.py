"""The manifests of an export in tasks on Kubernetes: valid by its schemas, and their commands are commands of the program."""

import os
import pathlib
import re
import shlex
import subprocess

import kubernetes_validate
import pytest
import yaml

FOLDER = pathlib.Path(__file__).parents[2] / "integrations/kubernetes"
MANIFESTS = sorted(FOLDER.glob("*.yaml"))


def documents(path):
    return [document for document in yaml.safe_load_all(path.read_text()) if document]


def pods(path):
    return [document["spec"]["template"]["spec"] for document in documents(path) if document["kind"] == "Job"]


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.name)
def test_the_manifest_is_valid(path):
    assert len(MANIFESTS) == 3
    for document in documents(path):
        kubernetes_validate.validate(document, kubernetes_validate.latest_version(), strict=True)
    for pod in pods(path):
        volumes = {volume["name"] for volume in pod["volumes"]}
        for container in [*pod.get("initContainers", []), *pod["containers"]]:
            assert {mount["name"] for mount in container["volumeMounts"]} <= volumes
            assert container["securityContext"]["readOnlyRootFilesystem"]


def commands(path):
    """The commands of the program in a manifest, as a shell takes them apart."""
    for pod in pods(path):
        for container in [*pod.get("initContainers", []), *pod["containers"]]:
            if "args" in container:
                yield container["args"]
                continue
            [shell, flags, script] = container["command"]
            assert (shell, flags) == ("/bin/sh", "-euc")
            [command] = re.findall(r"domesday (.*?)(?: > |$)", script.replace("\\\n", " "), re.MULTILINE)
            yield shlex.split(command.replace("$JOB_COMPLETION_INDEX", "0"))


def test_the_commands_are_those_of_the_program(tmp_path):
    """Each runs as far as the files that it names, which are not here."""
    found = [command for path in MANIFESTS for command in commands(path)]
    assert [command[:2] for command in found[1:]] == [["batch", "plan"], ["batch", "task"], ["batch", "finish"]]
    for command in found:
        environment = {"PATH": os.environ["PATH"], "NO_COLOR": "1", "DOMESDAY_STORE": str(tmp_path / "none.db")}
        done = subprocess.run([os.environ["DOMESDAY_BIN"], *command], env=environment, capture_output=True, text=True)
        assert done.returncode == 1, (command, done.stderr)
        assert "/batch/" in done.stderr or "there is no store" in done.stderr, done.stderr


def test_the_steps_fit_each_other():
    [plan] = [command for command in commands(MANIFESTS[0]) if command[:2] == ["batch", "plan"]]
    [tasks] = [document["spec"] for document in documents(MANIFESTS[1])]
    assert int(plan[plan.index("--tasks") + 1]) == tasks["completions"]
