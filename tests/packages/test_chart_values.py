"""The values of the Helm chart: what is refused, and that schema, README and guide have every one."""

import itertools
import json
import re

import pytest
import yaml
from chart import CHART, ROOT, SET_BY_THE_CHART, helm, render


@pytest.mark.parametrize(
    "values, message",
    [
        ({"replicaCount": 2}, "set replicaCount to 1"),
        ({"secrets": {"databaseUrl": {"name": "database"}}}, "set secrets.secretKey.name"),
        ({"config": {"oidc": {"issuer": "https://login.example"}}}, "set secrets.oidcClientSecret.name"),
        ({"config": {"webhook": {"url": "https://hooks.example"}}}, "set secrets.webhookSecret.name"),
        ({"config": {"server": {"shutdown_grace_seconds": 51}}}, "may need 61 seconds to stop"),
        ({"terminationGracePeriodSeconds": 39}, "may need 40 seconds to stop"),
        ({"ingress": {"enabled": True}}, "ingress.hosts is empty"),
        ({"extraEnv": [{"name": "DOMESDAY_STORE", "value": "x"}]}, "extraEnv must not set DOMESDAY_STORE"),
        ({"extraEnv": [{"name": "DATABASE_URL", "value": "x"}]}, "use secrets.databaseUrl"),
        ({"extraEnv": [{"name": "DOMESDAY_SECRET_KEY", "value": "0a"}]}, "valueFrom.secretKeyRef"),
        ({"extraEnv": [{"name": "AWS_SECRET_ACCESS_KEY", "value": "x"}]}, "valueFrom.secretKeyRef"),
    ],
    ids=lambda it: it if isinstance(it, str) else "",
)
def test_combinations_that_cannot_work_are_refused(values, message):
    done = helm("template", "gov", CHART, values=values)
    assert done.returncode != 0 and message in done.stderr, done.stderr


@pytest.mark.parametrize(
    "values",
    [
        {"replicas": 2},
        {"replicaCount": "two"},
        {"replicaCount": -1},
        {"image": {"repository": "Upper Case"}},
        {"image": {"digest": "sha256:abc"}},
        {"image": {"pullPolicy": "Sometimes"}},
        {"secrets": {"databaseUrl": {"value": "postgres://u:p@h/d"}}},
        {"secrets": {"databaseUrl": "postgres://u:p@h/d"}},
        {"secrets": {"databaseUrl": {"name": "postgres://u:p@h/d"}}},
        {"config": {"server": {"lissten": "x"}}},
        {"config": {"server": {"listen": "0.0.0.0:80"}}},
        {"config": {"serve": {}}},
        {"config": {"server": {"public_url": "domesday.example"}}},
        {"config": {"webhook": {"url": "https://user:password@hooks.example/"}}},
        {"config": {"webhook": {"secret": "whsec_c2VjcmV0"}}},
        {"config": {"log": {"level": "loud"}}},
        {"service": {"type": "ExternalName"}},
        {"service": {"port": 70000}},
        {"persistence": {"size": "much"}},
        {"podSecurity": {"runAsUser": 0}},
        {"podSecurity": {"privileged": True}},
        {"ingress": {"hosts": [{"host": "domesday.example"}]}},
        {"podDisruptionBudget": {"maxUnavailable": 0}},
        {"extraEnv": [{"value": "nameless"}]},
    ],
    ids=json.dumps,
)
def test_wrong_values_are_refused(values):
    done = helm("template", "gov", CHART, values=values)
    assert done.returncode != 0 and "values don't meet the specifications of the schema" in done.stderr, done.stderr


def test_every_setting_of_the_program_is_a_value():
    section, settings = "", set()
    for line in (ROOT / "deploy/domesday.toml").read_text().splitlines():
        if heading := re.match(r"\[(\w+)\]", line):
            section = heading[1]
        elif setting := re.match(r"# (\w+) = ", line):
            settings.add((section, setting[1]))
    schema = json.loads((CHART / "values.schema.json").read_text())
    sections = schema["properties"]["config"]["properties"]
    known = {(section, name) for section, found in sections.items() for name in found["properties"]}
    assert known.isdisjoint(SET_BY_THE_CHART)
    assert known | set(SET_BY_THE_CHART) == settings


def leaves(values, prefix=""):
    for name, value in values.items():
        path = f"{prefix}{name}"
        if isinstance(value, dict) and value:
            yield from leaves(value, f"{path}.")
        else:
            yield path, value


def test_the_readme_has_every_value_with_its_default():
    rows = re.findall(r"^\| `([^`]+)` \| `(.*?)` \| (.+) \|$", (CHART / "README.md").read_text(), re.M)
    documented = [(path, json.loads(default)) for path, default, _ in rows]
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    assert documented == list(leaves(values))


def test_the_schema_knows_every_value():
    schema = json.loads((CHART / "values.schema.json").read_text())
    assert set(schema["properties"]) - {"global"} == set(yaml.safe_load((CHART / "values.yaml").read_text()))

    def objects(node):
        if isinstance(node, dict):
            if "properties" in node:
                yield node
            for child in node.values():
                yield from objects(child)
        elif isinstance(node, list):
            for child in node:
                yield from objects(child)

    assert all(found["additionalProperties"] is False for found in objects(schema))


def test_the_examples_of_the_guide_render():
    text = (ROOT / "docs/kubernetes.md").read_text()
    blocks = re.findall(r"^```([^\n]*)\n(.*?)^```$", text, re.M | re.S)
    examples = [yaml.safe_load(block) for info, block in blocks if info == "yaml values"]
    assert len(examples) == 4
    for values in examples:
        render(values)
    assert {info for info, _ in blocks} == {"yaml values", "sh no-test"}
    # Values that commands set.
    options = list(itertools.chain(*(re.findall(r"--set ([\w.]+=\w+)", block) for _, block in blocks)))
    assert options
    for option in options:
        done = helm("template", "gov", CHART, "--set", option)
        assert done.returncode == 0, done.stderr
